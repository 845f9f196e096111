"""From the trained network to the graph that onnxruntime reads: ONNX, then int8 where it pays.

Weights are rounded per output, to seven bits: with eight, a processor without VNNI saturates (it adds two products of a
byte and a signed byte in sixteen bits), and scores would depend on the machine. Activations have fixed scales, found on
training texts: scales taken anew from every batch (dynamic quantisation) would make a text's scores depend on the texts
beside it.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vocnlp.embedding import inverse_frequency
from vocnlp.windows import WORD

from .encoder_net import OUTCOMES, TaggerNet, attended
from .outliers import in_parts

Feed = Mapping[str, npt.NDArray[np.int64]]
_NAMES = ["mood", "total", "weighted", "best", "at"]
_OPSET = 20
_TAIL = 1e-5  # share of the activations at either end that a scale may cut off


class _Served(nn.Module):
    """What a graph gives: sums instead of the attention of every token, and where it is highest.

    The heads say the first outcome of all codes, then the second: so laid out, weighing runs along the codes and is vectorised.
    """

    def __init__(self, network: TaggerNet) -> None:
        super().__init__()
        self.network = network
        said = torch.arange(network.codes, network.heads.out_features).view(network.codes, OUTCOMES).T.flatten()
        order = torch.cat([torch.arange(network.codes), said])
        self.heads = nn.Linear(network.heads.in_features, len(order))
        self.heads.load_state_dict({name: one[order] for name, one in network.heads.state_dict().items()})

    def forward(self, ids: Tensor, kind: Tensor) -> tuple[Tensor, ...]:
        hidden, mood = self.network.states(ids, kind)
        heads = self.heads(hidden)
        attention = attended(heads[..., : self.network.codes], kind == WORD)
        said = heads[..., self.network.codes :].unflatten(2, (OUTCOMES, self.network.codes))
        weighted = (attention.unsqueeze(2) * said).sum(1).transpose(1, 2)
        best, at = attention.max(1)
        return mood, attention.sum(1), weighted, best, at


def to_onnx(network: TaggerNet) -> bytes:
    """The float graph; any number of windows of any length. The dynamo exporter, because the old one can swap inputs."""
    served = _Served(network).eval()
    attention = network.encoder.config._attn_implementation
    network.encoder.set_attn_implementation("eager")  # its graph has fewer steps: 5 % of the time
    ids = torch.randint(5, 100, (3, 16))
    n, t = torch.export.Dim("n"), torch.export.Dim("t")
    shapes = {"ids": {0: n, 1: t}, "kind": {0: n, 1: t}}
    quiet = logging.getLogger("torch.onnx")
    before = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter about itself
            program = torch.onnx.export(
                served, (ids, torch.full_like(ids, WORD)), dynamo=True, dynamic_shapes=shapes,
                input_names=["ids", "kind"], output_names=_NAMES, opset_version=_OPSET, verbose=False,
            )  # fmt: skip
    finally:
        quiet.setLevel(before)
        network.encoder.set_attn_implementation(attention)
    if program is None:
        raise RuntimeError("the exporter gave no graph")
    return untraced(_bytes(program.model_proto))


def untraced(graph: bytes) -> bytes:
    """The graph without what the exporter notes of its own work, paths of the machine among it; it says the same."""
    import onnx

    model = onnx.load_from_string(graph)
    body = model.graph
    for part in (model, body, *body.node, *body.value_info, *body.initializer, *body.input, *body.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return _bytes(model)


def to_int8(graph: bytes, feeds: Sequence[Feed], *, keep: Iterable[str] = ()) -> bytes:
    """The graph with its weighted products in int8; ``keep`` are nodes that stay in float.

    feeds: batches of real windows, on which the range of every activation is measured
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph, ends = in_parts(graph, lambda whole, names: _highest(whole, names, feeds))
    model = onnx.load_from_string(graph)
    weights = {one.name for one in model.graph.initializer}
    chosen = [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and weights & set(node.input) and node.name not in set(keep)
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        logging.disable(logging.WARNING)  # advice to pre-process, which the exporter has done
        try:
            quantize_dynamic(
                source, target, per_channel=True, weight_type=QuantType.QInt8, nodes_to_quantize=chosen,
                extra_options={"MatMulConstBOnly": True}, reduce_range=True,
            )  # fmt: skip
        finally:
            logging.disable(logging.NOTSET)
        dynamic = onnx.load(target)
    names = [node.input[0] for node in dynamic.graph.node if node.op_type == "DynamicQuantizeLinear"]
    ranges = _ranges(graph, sorted(set(names)), feeds)
    ranges |= {name: (ranges[name][0], end) for name, end in ends.items() if name in ranges}
    return with_states(_fixed(dynamic, ranges), feeds)


def with_states(graph: bytes, feeds: Sequence[Feed]) -> bytes:
    """The graph with three outputs more: the vectors that tokens begin with (``words``) and end with (``states``), and
    ``centre``, what those have in common over all texts. No weight and no other output changes.

    feeds: batches of real windows, on which the centre is measured: a mean over words, frequent ones counting less.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(graph)
    body = model.graph
    tensors = {"words": _begins_with(body), "states": _ends_with(body)}
    for name, tensor in tensors.items():
        body.node.append(helper.make_node("Identity", [tensor], [name], f"node_{name}"))
        body.output.append(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "t", _width(body, tensor)])
        )
    centre = _centre(_bytes(model), list(tensors), feeds)
    body.initializer.append(numpy_helper.from_array(centre, "centre_of_texts"))
    body.node.append(helper.make_node("Identity", ["centre_of_texts"], ["centre"], "node_centre"))
    body.output.append(helper.make_tensor_value_info("centre", onnx.TensorProto.FLOAT, [len(centre)]))
    return _bytes(model)


def _begins_with(graph: Any) -> str:
    """The tensor of word vectors: what is gathered by ids, as floats."""
    (gather,) = [node for node in graph.node if node.op_type == "Gather" and node.input[1] == "ids"]
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] == gather.output[0]]
    return str(casts[0].output[0] if casts else gather.output[0])


def _ends_with(graph: Any) -> str:
    """The tensor of last states: what the heads of the codes are multiplied with, before it is rounded."""
    makes = {name: node for node in graph.node for name in node.output}
    (add,) = [node for node in graph.node if "heads.bias" in node.input]
    product = makes[add.input[0]] if add.op_type == "Add" else add
    rounded = makes.get(product.input[0])
    return str(rounded.input[0] if rounded is not None and rounded.op_type == "QuantizeLinear" else product.input[0])


def _width(graph: Any, tensor: str) -> int:
    """The size of a vector: of the table it is gathered from, or of the weights of the normalisation that gives it."""
    sizes = {one.name: one.dims for one in graph.initializer}
    makes = {name: node for node in graph.node for name in node.output}
    node = makes[tensor]
    if node.op_type == "Cast":
        node = makes[node.input[0]]
    return int(next(sizes[name][-1] for name in node.input if name in sizes))


def _centre(graph: bytes, names: Sequence[str], feeds: Sequence[Feed]) -> npt.NDArray[np.float32]:
    import onnxruntime

    seen = np.bincount(np.concatenate([feed["ids"][feed["kind"] == WORD] for feed in feeds]))
    weights = inverse_frequency(seen / seen.sum())
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    total: Any = 0.0
    for feed in feeds:
        word = feed["kind"] == WORD
        weight = weights[feed["ids"][word]]
        total += weight @ np.concatenate([one[word] for one in session.run(list(names), dict(feed))], 1)
    spoken = sum(float(weights[feed["ids"][feed["kind"] == WORD]].sum()) for feed in feeds)
    centre: npt.NDArray[np.float32] = (total / spoken).astype(np.float32)
    return centre


def _ranges(graph: bytes, names: Sequence[str], feeds: Sequence[Feed]) -> dict[str, tuple[float, float]]:
    """The lowest and highest value of these tensors over the feeds, but for a few at either end."""
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for name, values in _values(graph, names, feeds):
        bottom, top = np.quantile(values, [_TAIL, 1 - _TAIL])
        low[name], high[name] = min(low[name], float(bottom)), max(high[name], float(top))
    return {name: (low[name], high[name]) for name in names}


def _highest(graph: bytes, names: Sequence[str], feeds: Sequence[Feed]) -> dict[str, npt.NDArray[np.float32]]:
    """Of each tensor (tokens, k), how high each of the k goes."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    for name, values in _values(graph, names, feeds):
        found[name] = np.maximum(found.get(name, -np.inf), values.max(0))
    return found


def _values(graph: bytes, names: Sequence[str], feeds: Sequence[Feed]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Tensors by name for one feed after the other; of those with a row a token, only the rows of real ones."""
    import onnx
    import onnxruntime

    model = onnx.load_from_string(graph)
    known = {one.name for one in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for feed in feeds:
        for name, values in zip(names, session.run(list(names), dict(feed)), strict=True):
            # What fills a batch up counts for nothing.
            yield name, values[feed["kind"] > 0] if name not in known and values.ndim == 3 else values


def _fixed(model: Any, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """Every scale that was to be measured per batch replaced by a constant, and every product of integers by the one
    operator that takes scales and gives floats; the table of word vectors in half precision."""
    import onnx
    from onnx import helper, numpy_helper

    graph = model.graph
    readers = _readers(graph)
    tables = {one.name: one for one in graph.initializer}
    done: set[str] = set()
    nodes = []
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            low, high = ranges[node.input[0]]
            scale = np.float32(max(high - low, 1e-6) / 255)
            zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
            for value, name in ((scale, node.output[1]), (zero, node.output[2])):
                graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
            inputs = [node.input[0], node.output[1], node.output[2]]
            nodes.append(helper.make_node("QuantizeLinear", inputs, [node.output[0]], node.name))
        elif node.op_type == "MatMulInteger":
            # product -> Cast -> Mul by (scale of the activations x scales of the weights)
            (cast,) = readers[node.output[0]]
            (times,) = readers[cast.output[0]]
            (scales,) = [one for one in graph.node if one.output[0] in times.input and one.op_type == "Mul"]
            done |= {cast.name, times.name, scales.name}
            inputs = [*node.input[:2], *scales.input, *node.input[2:]]
            last = times
            width = tables[node.input[1]].dims[1:]
            add, *others = readers[times.output[0]]
            bias = [name for name in add.input if name in tables and tables[name].dims == width]
            if add.op_type == "Add" and not others and bias:
                done.add(add.name)
                inputs += bias  # the operator adds it for nothing
                last = add
            nodes.append(
                helper.make_node("MatMulIntegerToFloat", inputs, list(last.output), node.name, domain="com.microsoft")
            )
        elif node.op_type == "Gather" and (table := tables.get(node.input[0])) and len(table.dims) == 2:
            half = numpy_helper.from_array(numpy_helper.to_array(table).astype(np.float16), table.name)
            table.CopyFrom(half)
            narrow = f"{node.output[0]}_half"
            nodes.append(helper.make_node("Gather", list(node.input), [narrow], node.name, axis=0))
            nodes.append(
                helper.make_node("Cast", [narrow], [node.output[0]], f"{node.name}_cast", to=onnx.TensorProto.FLOAT)
            )
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(node for node in nodes if node.name not in done)
    # Sizes by name are known without, and onnxruntime plans its buffers by them so that a twentieth of the time is lost.
    del graph.value_info[:]
    if not any(one.domain == "com.microsoft" for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return _bytes(model)


def _readers(graph: Any) -> dict[str, list[Any]]:
    """The nodes that read each tensor."""
    found: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def _bytes(model: Any) -> bytes:
    content: bytes = model.SerializeToString()
    return content
