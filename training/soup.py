"""One tagger of several that went on from one start: the mean of their weights, which forgets less than any of them.

``python -m vocnlp.training.soup OUT FOLDER=SHARE FOLDER=SHARE ...`` (Wortsman et al. 2022, "Model soups"). OUT is then an
encoder to start a training from (``vocnlp train --encoder OUT``); none of the folders changes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from vocnlp.encoder import VOCABULARY
from vocnlp.errors import InputError, OutputError

from .encoder_source import SETTINGS, EncoderSource, load_source
from .encoder_train import network_of, tagger_files
from .pretrain.edge import explained
from .starts import PRETRAINING, known_codes, pretraining_of


def cook(parts: Sequence[tuple[Path, float]], out: Path) -> dict[str, float]:
    """Write the mean of these taggers' weights to the folder ``out``; each one's share, 1 in all.

    parts: folders of bundles or encoders, and how much of each, above 0 in any unit. InputError where there are fewer than
    two, where two have one name, or where they differ in shape, words or codes; OutputError where ``out`` exists.
    """
    if out.exists():
        raise OutputError("already exists", path=out, hint="choose another folder")
    if len(parts) < 2 or not all(0 < share < math.inf for _, share in parts):
        raise InputError(
            "a mean takes two folders or more, each with a share above 0", hint="FOLDER=SHARE FOLDER=SHARE"
        )
    whole = sum(share for _, share in parts)
    names = [path.resolve().name for path, _ in parts]
    if len(set(names)) < len(names):  # the account of the shares goes by them
        raise InputError("two of the folders have one name", value=max(names, key=names.count), hint="rename one")
    shares = {name: round(share / whole, 4) for name, (_, share) in zip(names, parts, strict=True)}
    sources = [load_source(str(path), codes=known_codes(str(path))) for path, _ in parts]
    first = sources[0]
    network = network_of(first, first.codes)
    mean = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    for (path, share), source in zip(parts, sources, strict=True):
        _check_like(path, source, first)
        for name, tensor in network_of(source, source.codes).state_dict().items():
            if tensor.shape != mean[name].shape:
                told = f"{name} is {tuple(tensor.shape)}, in {parts[0][0]} {tuple(mean[name].shape)}"
                raise InputError(told, path=path, hint="mix taggers of one shape, such as went on from one start")
            mean[name] += tensor * (share / whole)
    network.load_state_dict(mean)
    network.encoder.config.id2label = dict(enumerate(first.codes))
    network.encoder.config.label2id = {code: place for place, code in enumerate(first.codes)}
    files = {**tagger_files(network), VOCABULARY: first.vocabulary}
    if first.settings is not None:
        files[SETTINGS] = first.settings
    if spent := pretraining_of(parts[0][0]).get("pretraining"):
        since = [*spent.get("fitted", ()), {"soup": shares}]
        told = json.dumps({**spent, "fitted": since}, ensure_ascii=False, indent=1)
        files[PRETRAINING] = f"{told}\n".encode()
    out.mkdir(parents=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return shares


def _check_like(path: Path, source: EncoderSource, first: EncoderSource) -> None:
    """InputError where the words or the codes are others: the same place in two tables would mean two things."""
    for what, mine, other in (
        ("words", source.vocabulary, first.vocabulary),
        ("codes", source.codes, first.codes),
        ("kind of network", source.model.config.model_type, first.model.config.model_type),
    ):
        if mine != other:
            hint = "mix taggers of one shape, such as went on from one start"
            raise InputError(f"has other {what} than the first folder", path=path, hint=hint)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vocnlp.training.soup", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to make")
    parser.add_argument("parts", nargs="+", metavar="FOLDER=SHARE", help="a bundle or an encoder, and how much of it")
    options = parser.parse_args()

    def job(_: Console) -> dict[str, Any]:
        return {"encoder": str(options.out), "soup": cook([_part(word) for word in options.parts], options.out)}

    code: int = explained(job)
    return code


def _part(word: str) -> tuple[Path, float]:
    folder, equals, share = word.rpartition("=")
    try:
        return Path(folder), float(share)
    except ValueError:
        told = "is no share" if equals else "has no share"
        raise InputError(told, value=word, hint="write FOLDER=SHARE, as models/one=0.5") from None


if __name__ == "__main__":
    sys.exit(main())
