"""Outlying neurons in parts: the graph says what it said where it is cut off, and bytes are left for all others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from vocnlp import Bundle
from vocnlp.training import export
from vocnlp.training.encoder_batches import batch_of
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import network_of
from vocnlp.training.export import to_int8, to_onnx
from vocnlp.training.labelled import Labelled
from vocnlp.training.outliers import in_parts
from vocnlp.training.reading import examples

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "models" / "voc-zh-small"
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
HIGH, HIGHER = 3, 200  # the neurons that fire far above all others


def layer(act: str = "Gelu", neurons: int = 256, *, read_twice: bool = False, dead: bool = False) -> bytes:
    """x (n, 8) -> act(x W + b) V (n, 4); two of the neurons say about 40 and 90, the others a few."""
    chance = np.random.default_rng(1)
    bias = chance.normal(0, 0.5, neurons)
    bias[[HIGH, HIGHER]] = 40, 90
    bias -= 1000 * dead
    tables = {"W": chance.normal(0, 0.5, (8, neurons)), "b": bias, "V": chance.normal(0, 0.2, (neurons, 4))}
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["before"]),
        helper.make_node(act, ["before"], ["neurons"]),
        helper.make_node("MatMul", ["neurons", "V"], ["y"]),
        *([helper.make_node("Identity", ["neurons"], ["again"])] if read_twice else []),
    ]
    made = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tables.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("x", 8), ("y", 4))]
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()


def inputs() -> Floats:
    return np.random.default_rng(2).normal(0, 1, (64, 8)).astype(np.float32)


def run(graph: bytes, name: str, *, end: float | None = None) -> Floats:
    """A tensor of the graph; its neurons cut off at ``end``, as the rounding does."""
    model = onnx.load_from_string(graph)
    if end is not None:
        model.graph.initializer.append(numpy_helper.from_array(np.float32(end), "end"))
        at = next(place for place, node in enumerate(model.graph.node) if "neurons" in node.output)
        model.graph.node[at + 1].input[0] = "cut"
        model.graph.node.insert(at + 1, helper.make_node("Min", ["neurons", "end"], ["cut"]))
    if name not in [one.name for one in model.graph.output]:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    given: Floats = onnxruntime.InferenceSession(model.SerializeToString()).run([name], {"x": inputs()})[0]
    return given


def highest(graph: bytes, names: list[str]) -> dict[str, Floats]:
    return {name: run(graph, name).max(0) for name in names}


@pytest.mark.parametrize("act", ["Gelu", "Relu"])
def test_what_is_cut_off_of_a_neuron_its_parts_say(act: str) -> None:
    graph = layer(act)
    parted, ends = in_parts(graph, highest)
    assert list(ends) == ["neurons"]
    assert 4 < ends["neurons"] < 12  # of 93: sixteen more neurons share out what two say
    shapes = {one.name: tuple(one.dims) for one in onnx.load_from_string(parted).graph.initializer}
    assert shapes == {"W": (8, 272), "b": (272,), "V": (272, 4)}
    exact, parts = run(graph, "y"), run(parted, "y", end=ends["neurons"])
    np.testing.assert_allclose(parts, exact, atol=0.2)  # the knee of a GELU, which is no ReLU's
    assert np.abs(run(graph, "y", end=ends["neurons"]) - exact).max() > 5


@pytest.mark.parametrize("graph", [layer(neurons=255), layer("Tanh"), layer(read_twice=True), layer("Relu", dead=True)])
def test_a_layer_of_another_kind_stays_as_it_is(graph: bytes) -> None:
    parted, ends = in_parts(graph, highest)
    assert ends == {}
    assert [tuple(one.dims) for one in onnx.load_from_string(parted).graph.initializer] == [
        tuple(one.dims) for one in onnx.load_from_string(graph).graph.initializer
    ]


def test_int8_of_the_shipped_encoder_is_twice_as_exact_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(SHIPPED)
    source = load_source(str(SHIPPED), codes=bundle.classifier.codes)
    lines = (ROOT / "training" / "own" / "dining.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [Labelled(one["id"], one["text"]) for one in map(json.loads, lines[:192])]
    read = examples(rows, source.codes, Tokenizer.from_buffer(source.vocabulary), source.window, source.marks)
    batches = [batch_of(read[at : at + 32]) for at in range(0, len(read), 32)]
    feeds = [{"ids": one.ids, "kind": one.kind} for one in batches]
    graph = to_onnx(network_of(source, source.codes).eval())

    def said(one: bytes) -> Floats:
        session = onnxruntime.InferenceSession(one)
        return np.concatenate([session.run(["mood"], feed)[0] for feed in feeds[4:]])

    def error() -> float:
        return float(np.sqrt(np.mean((said(to_int8(graph, feeds[:4])) - said(graph)) ** 2)))

    parted = error()
    monkeypatch.setattr(export, "in_parts", lambda whole, highest: (whole, {}))
    assert parted < error() / 2
