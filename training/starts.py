"""What the folder that a training starts from says of itself: a bundle, or an encoder made here or elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vocnlp.bundle import MANIFEST, Bundle

PRETRAINING = "pretraining.json"  # beside an encoder that ``pretrain`` or ``distil`` made


def known_codes(encoder: str) -> tuple[str, ...]:
    """The codes of a bundle to start from, or of an encoder that says which its heads are of; none for others."""
    if (Path(encoder) / MANIFEST).is_file():
        return Bundle.load(encoder).classifier.codes
    config = Path(encoder) / "config.json"
    labels = json.loads(config.read_text(encoding="utf-8")).get("id2label", {}) if config.is_file() else {}
    return tuple(labels[str(k)] for k in range(len(labels)))


def pretraining_of(start: Path) -> dict[str, Any]:
    """What the encoder to start from has cost, where its folder or its bundle says so.

    Of a bundle: its own pretraining, and under ``fitted`` the fits since, itself the last one.
    """
    if (start / MANIFEST).is_file():
        bundle = Bundle.load(start)
        spent = bundle.training.get("pretraining")
        if spent is not None and bundle.training.get("epochs"):
            last = {name: bundle.training[name] for name in ("epochs", "rows", "seconds", "cores")}
            spent = {**spent, "fitted": [*spent.get("fitted", ()), {"bundle": bundle.label.split("+")[0], **last}]}
    elif (start / PRETRAINING).is_file():
        spent = json.loads((start / PRETRAINING).read_text(encoding="utf-8"))
    else:
        spent = None
    return {} if spent is None else {"pretraining": spent}
