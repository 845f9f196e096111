"""Quality on development splits that training never saw, SnowNLP beside it where it has an answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vocnlp import Bundle, Tagger
from vocnlp.records import NEGATIVE, POSITIVE
from vocnlp.training.evaluation import evaluate
from vocnlp.training.labelled import Labelled, in_frame, read_labelled, split
from vocnlp.training.mapping import read_all, read_mapping
from vocnlp.training.train import train_bundle

from .suites import OWN_CODES, PEER_TEXTS


def shipped(data: Path, bundle: Path | None) -> dict[str, Any]:
    """The shipped bundle on the held-out part of every set it was trained on; per set and per code."""
    tagger = Tagger(Bundle.load(bundle))
    _, dev = split(read_all(read_mapping(tagger.codeframe), tagger.codeframe, data))
    by_set: dict[str, list[Labelled]] = {}
    for row in dev:
        by_set.setdefault(row.source, []).append(row)
    sets = {}
    for name, rows in by_set.items():
        figures = evaluate(tagger, rows)
        peer = snownlp_accuracy(rows)
        sets[name] = {**_kept(figures), "snownlp": peer, "same_texts": _accuracy_on(tagger, rows) if peer else None}
    return {"bundle": tagger.bundle.label, "sets": sets, "per_code": evaluate(tagger, dev)["per_code"]}


def own_codes(data: Path) -> dict[str, Any]:
    """``vocnlp train`` on one set with its own codes, judged on the set's held-out tenth."""
    results = {}
    for suite in OWN_CODES:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "bundle"
            begun = time.perf_counter()
            train_bundle(data / suite.file, out)
            seconds = time.perf_counter() - begun
            tagger = Tagger.load(out)
            _, dev = split(in_frame(read_labelled(data / suite.file), tagger.codeframe))
            results[suite.name] = {**_kept(evaluate(tagger, dev)), "train_seconds": round(seconds, 1)}
    return results


def _kept(figures: dict[str, Any]) -> dict[str, Any]:
    names = ("rows", "sentiment", "codes", "pairs", "evidence", "calibration", "comments_per_second")
    kept = {name: figures[name] for name in names}
    kept["sentiment"] = {key: value for key, value in kept["sentiment"].items() if key != "per_class"}
    return kept


def _polar(rows: Sequence[Labelled]) -> list[Labelled]:
    """The rows SnowNLP can be asked about: it knows positive and negative alone."""
    return [row for row in rows if row.sentiment in (POSITIVE, NEGATIVE)][:PEER_TEXTS]


def snownlp_accuracy(rows: Sequence[Labelled]) -> dict[str, float | int] | None:
    """Accuracy of SnowNLP's shipped model on the polar rows (positive above 0.5, as its README has it)."""
    from snownlp import SnowNLP

    asked = _polar(rows)
    if len(asked) < 20:
        return None
    right = sum((SnowNLP(row.text).sentiments > 0.5) == (row.sentiment == POSITIVE) for row in asked)
    return {"accuracy": right / len(asked), "texts": len(asked)}


def _accuracy_on(tagger: Tagger, rows: Sequence[Labelled]) -> float:
    """Our accuracy on the very same texts, likewise between the two."""
    asked = _polar(rows)
    right = 0
    for row, prediction in zip(asked, tagger.tag([row.text for row in asked]), strict=True):
        chances = prediction.probabilities or (0.5, 0.0, 0.5)
        right += (chances[2] > chances[0]) == (row.sentiment == POSITIVE)
    return right / len(asked)
