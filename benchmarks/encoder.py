"""The encoder's speed beside its peers, on the same texts in the same run, and how near it is to what int8 allows.

Peers: ``transformers.pipeline`` with a BERT of base size (random weights: they take the same time), the same BERT as int8
ONNX, SnowNLP, and the linear bundle. The limit is measured: the same products of the same shapes, and nothing else.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from vocnlp import Bundle, Tagger
from vocnlp.encoder import Encoder
from vocnlp.pooled import Pooled
from vocnlp.processes import cores
from vocnlp.readings import read_all
from vocnlp.windows import read_windows

from .speed import texts_of
from .suites import LINEAR

_FEW, _SOME, _MANY = 48, 400, 8_000
_ROUNDS = 7

Reader = Callable[[list[str]], Any]


def measure(data: Path, bundle: Path | None) -> dict[str, Any]:
    """Texts per second of all, on as many cores as there are; ratios; memory; the share of the int8 limit.

    All take turns, for a machine that is shared changes its speed within minutes: a ratio is the median of those of the
    rounds, with the least and the most beside it.
    """
    texts = texts_of(data)
    tagger = Tagger.load(bundle)
    before = psutil.Process().memory_info().rss
    tagger.tag(texts[:_MANY])
    after = psutil.Process().memory_info().rss
    limit = _limit(tagger.bundle, texts[:_MANY])
    by_torch, by_onnx = _bert_base(texts[:_FEW])
    readers: dict[str, tuple[Reader, int]] = {
        "encoder": (tagger.tag, _MANY),
        "linear": (Tagger.load(LINEAR).tag, _MANY),
        "snownlp": (_snownlp, _SOME),
        "bert_base_torch": (by_torch, _FEW),
        "bert_base_onnx_int8": (by_onnx, _FEW),
    }
    for read, _ in readers.values():
        read(texts[:20])
    rounds = [{name: _rate(read, texts[:size]) for name, (read, size) in readers.items()} for _ in range(_ROUNDS)]
    times = {name: [one["encoder"] / one[name] for one in rounds] for name in readers if name != "encoder"}
    return {
        "bundle": tagger.bundle.label,
        "rounds": _ROUNDS,
        "texts_per_second": {name: round(median(one[name] for one in rounds), 1) for name in readers},
        "times": {name: round(median(ratios), 1) for name, ratios in times.items()},
        "times_between": {name: [round(min(ratios), 1), round(max(ratios), 1)] for name, ratios in times.items()},
        "more_memory_megabytes": round((after - before) / 1e6),
        **limit,
    }


def _rate(read: Reader, texts: list[str]) -> float:
    begun = time.perf_counter()
    read(texts)
    return len(texts) / (time.perf_counter() - begun)


def _snownlp(texts: list[str]) -> list[float]:
    from snownlp import SnowNLP

    return [SnowNLP(text).sentiments for text in texts]


def _bert_base(texts: Sequence[str]) -> tuple[Reader, Reader]:
    """BERT-base as a torch pipeline, as its README has it, and as int8 ONNX with every core; texts: what it will read."""
    import onnxruntime
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModelForSequenceClassification, BertConfig, BertTokenizer, pipeline

    with tempfile.TemporaryDirectory() as folder:
        characters = sorted({character for text in texts for character in text if not character.isspace()})
        words = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters])}
        tokenizer = BertTokenizer(vocab=words)
        shape: Any = BertConfig(vocab_size=21128)
        model: Any = AutoModelForSequenceClassification.from_config(shape).eval()  # type: ignore[no-untyped-call]
        torch.set_num_threads(cores())
        classify: Any = pipeline("text-classification", model=model, tokenizer=tokenizer, device=-1)
        sample = tokenizer(list(texts[:2]), return_tensors="pt", padding=True)
        n, t = torch.export.Dim("n"), torch.export.Dim("t")
        program = torch.onnx.export(
            model, (sample["input_ids"], sample["attention_mask"]), dynamo=True, input_names=["ids", "there"],
            dynamic_shapes=({0: n, 1: t}, {0: n, 1: t}), verbose=False,
        )  # fmt: skip
        if program is None:
            raise RuntimeError("the exporter gave no graph")
        exact, rounded = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        program.save(str(exact))
        quantize_dynamic(exact, rounded, per_channel=True, weight_type=QuantType.QInt8)
        session = onnxruntime.InferenceSession(str(rounded), providers=["CPUExecutionProvider"])

    def score(some: list[str]) -> None:
        for text in some:
            one = tokenizer(text, return_tensors="np", truncation=True, max_length=512)
            session.run(None, {"ids": one["input_ids"], "there": one["attention_mask"]})

    return lambda some: classify(some, truncation=True, max_length=512), score


def _limit(bundle: Bundle, texts: Sequence[str]) -> dict[str, float]:
    """The time that the products would take alone, as a share of the time that scoring takes."""
    encoder = bundle.classifier.encoder if isinstance(bundle.classifier, Pooled) else bundle.classifier
    if not isinstance(encoder, Encoder):
        raise SystemExit(f"{bundle.label} is no encoder's bundle")
    lines = [reading.lines for reading in read_all(texts)]
    begun = time.perf_counter()
    encoder.score(lines)
    spent = time.perf_counter() - begun
    tokens = len(read_windows(lines, encoder._tokenizer, encoder.window, encoder.marks).ids)
    alone = _products(encoder, rows=encoder.batch) * tokens / encoder.batch
    return {"tokens_per_second": round(tokens / spent), "share_of_int8_limit": round(alone / spent, 3)}


def _products(encoder: Encoder, *, rows: int) -> float:
    """Seconds that the int8 products of one batch of ``rows`` tokens take, with a batch on every core."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    graph = onnx.load_from_string(encoder.graph).graph
    tables = {one.name: one for one in graph.initializer}
    nodes, inputs, outputs = [], {}, []
    kept: dict[str, Any] = {
        name: numpy_helper.from_array(np.array([at]), name) for name, at in (("from", 0), ("to", 1))
    }
    for number, node in enumerate(one for one in graph.node if one.op_type == "MatMulIntegerToFloat"):
        shape = tables[node.input[1]].dims
        given = f"x{shape[0]}"
        inputs[given] = helper.make_tensor_value_info(given, TensorProto.UINT8, [rows, shape[0]])
        kept |= {name: tables[name] for name in node.input[1:] if name in tables}
        nodes.append(
            helper.make_node("MatMulIntegerToFloat", [given, *node.input[1:]], [f"y{number}"], domain="com.microsoft")
        )
        # Only a row is handed out: copying whole results would be counted as if it were multiplying.
        nodes.append(helper.make_node("Slice", [f"y{number}", "from", "to"], [f"z{number}"]))
        outputs.append(helper.make_tensor_value_info(f"z{number}", TensorProto.FLOAT, [1, shape[1]]))
    alone = helper.make_graph(nodes, "products", list(inputs.values()), outputs, list(kept.values()))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(alone, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    chance = np.random.default_rng(1)
    feed = {name: chance.integers(0, 255, (rows, int(name[1:])), dtype=np.uint8) for name in inputs}
    runs = 20 * cores()
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda _: session.run(None, feed), range(cores())))
        begun = time.perf_counter()
        list(pool.map(lambda _: session.run(None, feed), range(runs)))
        return (time.perf_counter() - begun) / runs
