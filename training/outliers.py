"""Neurons that fire far above all others, in parts: so that eight bits are not spent on the emptiness between.

A trained encoder marks the tokens that begin and end a text by a neuron or two a layer, at ten to twenty times what neurons say of
words ("massive activations": Sun et al. 2024). One scale for all leaves words three or four bits. But rounded activations are cut
off where their range ends, so such a neuron can be told as a sum: ``relu(x)`` is ``relu(x)``, ``relu(x - h)``, ``relu(x - 2h)``...
each cut off at h. The parts are neurons with the same weights and a bias of their own, and the range ends at h: outlier channel
splitting (Zhao et al. 2019), along the value instead of the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Highest = Callable[[bytes, Sequence[str]], Mapping[str, Numbers]]
_MORE = 16  # neurons a layer at most: as many as a kernel for bytes takes in at once
_SMALLEST = 256  # neurons of a layer from which so many more cost next to nothing
_ROOM = 1.05  # beyond the highest value that was measured


@dataclass(frozen=True)
class _Layer:
    """A feed-forward layer: names of its weights and bias, of what its neurons say, and of the weights that read that."""

    weight: str
    bias: str
    neurons: str
    read: str


def in_parts(graph: bytes, highest: Highest) -> tuple[bytes, dict[str, float]]:
    """The float graph with its outlying neurons in parts, and where the range of each layer's neurons is to end.

    It says what it said only where it is cut off so. highest: (neurons,) how high each goes on real texts, of the tensors of a
    graph. A layer that is not ``act(x W + b) V`` with a GELU or a ReLU stays as it is, and so does a narrow one.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    tables = {one.name: one for one in model.graph.initializer}
    layers = [layer for layer in _layers(model.graph) if tables[layer.bias].dims[0] >= _SMALLEST]
    peaks = highest(graph, [layer.neurons for layer in layers]) if layers else {}
    ends = {}
    for layer in layers:
        peak = np.asarray(peaks[layer.neurons], np.float64) * _ROOM
        end = _end(peak)
        if end <= 0 or not (more := _parts(peak, end)).any():  # a dead layer, or one without outliers
            continue
        which = np.repeat(np.arange(len(more)), more)
        below = np.concatenate([end * np.arange(1, count + 1) for count in more])
        for name, axis in ((layer.weight, 1), (layer.bias, 0), (layer.read, 0)):
            value = numpy_helper.to_array(tables[name])
            extra = value.take(which, axis) - (below if name == layer.bias else 0)
            fill = [(0, _MORE - len(which) if at == axis else 0) for at in range(value.ndim)]  # to the kernel's width
            wider = np.concatenate([value, np.pad(extra, fill)], axis).astype(value.dtype)
            tables[name].CopyFrom(numpy_helper.from_array(wider, name))
        ends[layer.neurons] = end
    del model.graph.value_info[:]  # sizes of before
    content: bytes = model.SerializeToString()
    return content, ends


def _parts(peak: Numbers, end: float) -> npt.NDArray[np.int64]:
    """(neurons,) how many each needs beside itself."""
    return np.maximum(np.ceil(peak / end).astype(np.int64) - 1, 0)


def _end(peak: Numbers) -> float:
    """The lowest end of the range for which ``_MORE`` neurons are enough, to a thousandth."""
    low, high = 0.0, float(peak.max())
    while high - low > high / 1000:
        middle = (low + high) / 2
        low, high = (low, middle) if _parts(peak, middle).sum() <= _MORE else (middle, high)
    return high


def _layers(graph: Any) -> list[_Layer]:
    tables = {one.name for one in graph.initializer}
    makes = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def made_by(name: str, kind: str) -> Any:
        """The node that makes a tensor, if it is of this kind and one node alone reads it."""
        node = makes.get(name)
        return node if node is not None and node.op_type == kind and len(readers[name]) == 1 else None

    found = []
    for node in graph.node:
        if node.op_type not in ("Gelu", "Relu") or (add := made_by(node.input[0], "Add")) is None:
            continue
        after = readers.get(node.output[0], [])
        products = [product for name in add.input if (product := made_by(name, "MatMul")) is not None]
        names = [*(name for product in products for name in product.input[1:]), *add.input]
        names += [one.input[1] for one in after if one.op_type == "MatMul"]
        names = [name for name in names if name in tables and len(readers[name]) == 1]
        if len(after) == 1 and len(names) == 3:  # weights, bias, and the weights that read the neurons
            found.append(_Layer(names[0], names[1], node.output[0], names[2]))
    return found
