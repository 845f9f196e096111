"""What int8 costs: the shipped encoder beside its own float weights, on the held-out part of every labelled set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vocnlp import Bundle, Tagger
from vocnlp.encoder import Encoder
from vocnlp.pooled import Pooled
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import network_of
from vocnlp.training.evaluation import evaluate
from vocnlp.training.export import to_onnx
from vocnlp.training.labelled import Labelled, split
from vocnlp.training.mapping import read_all, read_mapping

_OWN = "own_"  # the synthetic sets are small: they are measured as one


def measure(data: Path, bundle: Path | None) -> dict[str, Any]:
    """set -> figure -> [float, int8]: sentiment accuracy, micro-F1 of codes and of pairs."""
    shipped = Bundle.load(bundle)
    model = shipped.classifier
    if isinstance(model, Pooled):
        exact = replace(shipped, classifier=replace(model, encoder=_in_float(shipped, model.encoder)))
    elif isinstance(model, Encoder):
        exact = replace(shipped, classifier=_in_float(shipped, model))
    else:
        raise SystemExit(f"{shipped.label} is no encoder's bundle")
    _, dev = split(read_all(read_mapping(shipped.codeframe), shipped.codeframe, data))
    by_set: dict[str, list[Labelled]] = {}
    for row in dev:
        by_set.setdefault("own comments" if row.source.startswith(_OWN) else row.source, []).append(row)
    taggers = (Tagger(exact), Tagger(shipped))
    sets = {name: _pairs([evaluate(tagger, rows) for tagger in taggers]) for name, rows in by_set.items()}
    return {"bundle": shipped.label, "sets": sets}


def _in_float(bundle: Bundle, encoder: Encoder) -> Encoder:
    """The same encoder with the graph of the weights that stand beside it in half precision."""
    source = load_source(str(bundle.path), codes=encoder.codes)
    network = network_of(source, encoder.codes)
    return replace(encoder, graph=to_onnx(network.eval()))


def _pairs(two: list[dict[str, Any]]) -> dict[str, list[float | None]]:
    figures = {"sentiment": "accuracy", "codes": "micro_f1", "pairs": "micro_f1"}
    return {part: [one[part][figure] if one[part]["support"] else None for one in two]
            for part, figure in figures.items()}  # fmt: skip
