"""What the folder that a training starts from says of itself: a bundle, or an encoder made here or elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vocnlp.bundle import MANIFEST, Bundle
from vocnlp.errors import InputError

PRETRAINING = "pretraining.json"  # beside an encoder that ``pretrain`` or ``distil`` made
_CONFIG, _WEIGHTS, _VOCABULARY = "config.json", "model.safetensors", "tokenizer.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.pkl")
NEEDED = f"a folder with {_CONFIG}, {_WEIGHTS} and {_VOCABULARY}, as save_pretrained writes it"


def check_start(name: str) -> None:
    """InputError for a folder that holds no encoder, and for what is neither a folder nor a hub id with its revision.

    Weights are not read, and the hub is not asked.
    """
    if Path(name).is_dir():
        check_folder(Path(name))
        known_codes(name)
    else:
        hub_of(name)


def hub_of(name: str) -> tuple[str, str]:
    """``(OWNER/NAME, REVISION)`` of what is no folder; InputError where it is no hub id with its revision either."""
    hub, at, revision = name.partition("@")
    if not at or not revision:
        told = "no such folder, and a hub id needs its revision" if "/" in name else "no such folder"
        raise InputError(told, path=name, hint="give a folder, or OWNER/NAME@REVISION with a commit of the hub")
    return hub, revision


def check_folder(folder: Path) -> None:
    """InputError for a folder without the files of an encoder, with pickled weights, or that needs code of its own."""
    if not (folder / _CONFIG).is_file():
        raise InputError(f"holds no {_CONFIG}, so it is no encoder", path=folder, hint=NEEDED)
    if "auto_map" in (folder / _CONFIG).read_text(encoding="utf-8", errors="replace"):
        hint = "choose an encoder of an architecture that transformers knows"
        raise InputError("needs code of its own, and such code is never run", path=folder, hint=hint)
    if not (folder / _WEIGHTS).is_file():
        pickled = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        told = (
            f"its weights are pickled ({pickled[0]}), and a pickle can run code" if pickled else f"holds no {_WEIGHTS}"
        )
        raise InputError(told, path=folder, hint="save it again with save_pretrained(safe_serialization=True)")
    if not (folder / _VOCABULARY).is_file():
        raise InputError(f"holds no {_VOCABULARY}", path=folder, hint="save its fast tokenizer into the same folder")
    for name in (_CONFIG, _VOCABULARY):
        _read(folder / name)


def known_codes(encoder: str) -> tuple[str, ...]:
    """The codes of a bundle to start from, or of an encoder that says which its heads are of; none for others.

    InputError for a config.json that cannot be read, or whose ``id2label`` does not number its names from 0.
    """
    if (Path(encoder) / MANIFEST).is_file():
        return Bundle.load(encoder).classifier.codes
    config = Path(encoder) / _CONFIG
    labels = (_read(config).get("id2label") or {}) if config.is_file() else {}
    if not isinstance(labels, dict) or set(labels) != {str(number) for number in range(len(labels))}:
        told = "must number the names of what the heads are of, from 0"
        raise InputError(told, path=config, column="id2label", value=str(labels)[:60], hint=NEEDED)
    return tuple(str(labels[str(number)]) for number in range(len(labels)))


def pretraining_of(start: Path) -> dict[str, Any]:
    """What the encoder to start from has cost, where its folder or its bundle says so.

    Of a bundle: its own pretraining, and under ``fitted`` the fits since, itself the last one.
    """
    if (start / MANIFEST).is_file():
        bundle = Bundle.load(start)
        spent = bundle.training.get("pretraining")
        if spent is not None and (bundle.training.get("epochs") or "narrowed" in bundle.training):
            told = ("epochs", "rows", "seconds", "cores", "narrowed")
            last = {name: bundle.training[name] for name in told if name in bundle.training}
            spent = {**spent, "fitted": [*spent.get("fitted", ()), {"bundle": bundle.label.split("+")[0], **last}]}
    elif (start / PRETRAINING).is_file():
        spent = _read(start / PRETRAINING)
    else:
        spent = None
    return {} if spent is None else {"pretraining": spent}


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; InputError where the file holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", path=path, hint="copy it again from where it comes") from error
    if not isinstance(content, dict):
        raise InputError("is no JSON object", path=path, hint="copy it again from where it comes")
    return content
