"""The folder of a training's checkpoints, beside its bundle: named by all that the fit depends on, gone when it is done."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .labelled import Labelled
from .own_recipe import digest_of_start
from .recipe import EncoderRecipe, Recipe

_WORK = ".vocnlp-training"
_DIGITS = 16


def work_of(out: Path, fingerprint: str) -> Path:
    """The checkpoints of a training that was stopped; the same command on the same data goes on from there."""
    return out.with_name(f".{out.name}.{fingerprint[:_DIGITS]}{_WORK}")


def tidy(out: Path) -> None:
    """Checkpoints are of no use any more, nor are those of other data for the same folder; those of other folders stay."""
    own = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{{_DIGITS}}}{re.escape(_WORK)}")
    for work in out.parent.iterdir():
        if own.fullmatch(work.name):
            shutil.rmtree(work, ignore_errors=True)


def fingerprint(plan: Recipe, train: Sequence[Labelled], start: str) -> str:
    """Of all that a fit depends on, so that a checkpoint of other data or settings is never gone on from."""
    hashed = hashlib.sha256(repr((plan.frame.digest, plan.encoder, digest_of_start(start))).encode())
    for row in train:
        looked = None if row.annotated is None else sorted(row.annotated)
        told = (row.source, row.id, row.text, row.tags, row.sentiment, row.two_class, row.weight, looked)
        hashed.update(repr(told).encode("utf-8", "backslashreplace"))
    return hashed.hexdigest()


def fingerprint_of_student(texts: Sequence[str], teacher: str, start: str, recipe: EncoderRecipe) -> str:
    """The same where a teacher's answers are the labels. teacher: the digest of its bundle."""
    told = repr((texts, teacher, digest_of_start(start), recipe))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()
