"""Exclusive codes learnt from noisy labels: 118 intents of which about one label in four is wrong, in training as in judging.

Judged on all rows of the development file, and on those of a sample that a person, without any model's answer, found to be
labelled right (``intents_checked.json``); the rows found to be labelled wrong say how well suspects are told.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vocnlp import Bundle, Tagger
from vocnlp.training.labelled import Labelled
from vocnlp.training.noisy import label_suspects
from vocnlp.training.own_recipe import OwnRecipe
from vocnlp.training.preparing import prepare
from vocnlp.training.train import train_prepared

_TRAIN, _DEV = "topic/customer_intent_cic_train.jsonl", "topic/customer_intent_cic_dev.jsonl"
_CHECKED = Path(__file__).with_name("intents_checked.json")


def measure(root: Path, bundle: Path | None = None) -> dict[str, Any]:
    """Linear, fine-tuned as usual, and for noisy labels; some fifteen minutes on two cores."""
    start = str(Bundle.load(bundle).path)
    return {
        "linear": _trained(root, None, noisy=False),
        "encoder": _trained(root, start, noisy=False),
        "encoder, --noisy-labels": _trained(root, start, noisy=True),
    }


def _trained(root: Path, start: str | None, *, noisy: bool) -> dict[str, Any]:
    own = OwnRecipe(root / _TRAIN, dev=root / _DEV, dev_parts=0, start=start, name="intents")
    own = replace(own, encoder=own.encoder.for_noisy_labels()) if noisy else own
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        prepared = prepare(own)
        tagger = Tagger(train_prepared(prepared, Path(folder) / "bundle"))
        seconds = time.perf_counter() - begun
        return {**_judged(tagger, prepared.dev), "train_seconds": round(seconds, 1)}


def _judged(tagger: Tagger, dev: Sequence[Labelled]) -> dict[str, Any]:
    checked: Mapping[str, list[int]] = json.loads(_CHECKED.read_text(encoding="utf-8"))
    right, wrong = ({f"dev{number}" for number in checked[name]} for name in ("right", "wrong"))
    said = [one.tags[0].code if one.tags else None for one in tagger.tag([row.text for row in dev])]
    hit = {row.id: code == row.tags[0].code for row, code in zip(dev, said, strict=True)}
    suspect = {one.row.id for one in label_suspects(tagger, dev)}
    both = right | wrong
    return {
        "accuracy_noisy": round(sum(hit.values()) / len(hit), 4),
        "rows_noisy": len(hit),
        "accuracy_checked": round(sum(hit[one] for one in right) / len(right), 4),
        "rows_checked": len(right),
        "suspects_precision": round(len(suspect & wrong) / max(1, len(suspect & both)), 3),
        "suspects_recall": round(len(suspect & wrong) / len(wrong), 3),
    }
