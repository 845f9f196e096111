"""Quality on development splits that training never saw, the linear bundle and, where it has an answer, SnowNLP beside."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from vocnlp import Bundle, Tagger
from vocnlp.records import NEGATIVE, POSITIVE
from vocnlp.training.evaluation import evaluate
from vocnlp.training.labelled import Labelled, in_frame, read_labelled, split
from vocnlp.training.mapping import read_all, read_mapping
from vocnlp.training.own_recipe import OwnRecipe
from vocnlp.training.preparing import prepare
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.train import train_prepared

from .suites import LINEAR, OWN_CODES, PEER_TEXTS, SEEDS


def shipped(data: Path, bundle: Path | None) -> dict[str, Any]:
    """The shipped bundle, and the linear one, on the held-out part of every set of the mapping; neither has seen it."""
    tagger, linear = Tagger(Bundle.load(bundle)), Tagger.load(LINEAR)
    _, dev = split(read_all(read_mapping(tagger.codeframe), tagger.codeframe, data))
    by_set: dict[str, list[Labelled]] = {}
    for row in dev:
        by_set.setdefault(row.source, []).append(row)
    sets = {}
    for name, rows in by_set.items():
        figures = evaluate(tagger, rows)
        peer = snownlp_accuracy(rows)
        same = _accuracy_on(tagger, rows) if peer else None
        beside = _kept(evaluate(linear, rows))
        linear_same = _accuracy_on(linear, rows) if peer else None
        sets[name] = {
            **_kept(figures), "snownlp": peer, "same_texts": same, "linear": beside, "linear_same_texts": linear_same
        }  # fmt: skip
    per_code, linear_codes = (evaluate(one, dev)["per_code"] for one in (tagger, linear))
    for code, figures in per_code.items():
        figures["linear_f1"] = linear_codes.get(code, {}).get("f1")
    return {
        "bundle": tagger.bundle.label, "linear": linear.bundle.label, "sets": sets, "per_code": per_code
    }  # fmt: skip


def own_codes(data: Path, bundle: Path | None, named: Sequence[str] | None = None) -> dict[str, Any]:
    """``vocnlp train`` on one set with its own codes, linear and from the bundle, judged on the set's held-out tenth.

    The encoder is fitted with each of ``SEEDS``, as one fit is a throw of dice, side by side: two cores take one
    fit only half as far again. A linear fit is the same every time. named: how the names of the wanted sets begin; None: all
    """
    start = str(Bundle.load(bundle).path)
    wanted = [one for one in OWN_CODES if named is None or one.name.startswith(tuple(named))]
    if not wanted:
        raise SystemExit(f"no set is named so; there are: {', '.join(one.name for one in OWN_CODES)}")
    cores = max(1, (os.cpu_count() or 1) // len(SEEDS))
    with ProcessPoolExecutor(len(SEEDS), get_context("spawn"), torch.set_num_threads, (cores,)) as side:
        return {
            suite.name: {
                "linear": [_trained(data / suite.file, None)],
                "encoder": list(side.map(partial(_trained, data / suite.file, start), SEEDS)),
            }
            for suite in wanted
        }


def _trained(file: Path, start: str | None, seed: int = SEEDS[0]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        begun = time.perf_counter()
        train_prepared(prepare(OwnRecipe(file, start=start, encoder=EncoderRecipe(seed=seed))), out)
        seconds = time.perf_counter() - begun
        tagger = Tagger.load(out)
        _, dev = split(in_frame(read_labelled(file), tagger.codeframe))
        return {**_kept(evaluate(tagger, dev)), "seed": seed, "train_seconds": round(seconds, 1)}


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
