"""Texts as models read them: cut into clauses, and those normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from .text import clauses, normalise_all


@dataclass(frozen=True)
class Reading:
    """A text as its clauses: where they stand in it, as offsets, and as a model sees them (no line feed in them)."""

    spans: Sequence[tuple[int, int]]
    lines: Sequence[str]


def read_all(texts: Sequence[str]) -> list[Reading]:
    """Cut all texts, then normalise all their clauses in one call. A text in which no cut finds a clause is one clause."""
    spans = [clauses(text) or [(0, len(text))] for text in texts]
    lines = iter(
        normalise_all([text[a:b].replace("\n", " ") for text, cut in zip(texts, spans, strict=True) for a, b in cut])
    )
    return [Reading(cut, list(islice(lines, len(cut)))) for cut in spans]


def lines_of(text: str) -> Sequence[str]:
    """The normalised clauses of one text."""
    return read_all([text])[0].lines
