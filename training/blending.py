"""Comments that say two things: two of one set, one behind the other, with the labels of both.

Many exports hold a comment's praise and complaint in one cell, few labelled sets do. A text made of two that were judged apart
is labelled for nothing, and a reader of it must find which word speaks of which code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .labelled import GoldTag, Labelled

_LONGEST = 60  # characters of each of the two


def blended(rows: Sequence[Labelled], share: float, seed: int) -> list[Labelled]:
    """So many rows as ``share`` (0-1) of those in which codes were looked for, each made of two of one source.

    Two that judge one code differently are not put together. A code is absent where it was looked for in both and found in
    none; the sentiment is that of both, or unknown where they differ. They are drawn with the seed.
    """
    chance = np.random.default_rng([seed, 2])
    sets: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        if row.coded and len(row.text) <= _LONGEST:
            sets[row.source].append(row)
    return [both for some in sets.values() for both in _of_one(some, share, chance)]


def _of_one(rows: Sequence[Labelled], share: float, chance: np.random.Generator) -> Iterator[Labelled]:
    for row in rows:
        if chance.random() < share:
            other = rows[int(chance.integers(len(rows)))]
            if other is not row and not _at_odds(row, other):
                yield _joined(row, other)


def _at_odds(one: Labelled, other: Labelled) -> bool:
    said = {tag.code: tag.polarity for tag in one.tags}
    return any(tag.code in said and said[tag.code] != tag.polarity for tag in other.tags)


def _joined(one: Labelled, other: Labelled) -> Labelled:
    first = one.text.rstrip()
    between = "，" if first and first[-1].isalnum() else ""
    behind = len(first) + len(between)
    moved = tuple(_moved(tag, behind) for tag in other.tags)
    tags = one.tags + moved
    looked = [row.annotated for row in (one, other) if row.annotated is not None]
    annotated = frozenset.intersection(*looked) | {tag.code for tag in tags} if looked else None
    return replace(
        one,
        id=f"{one.id}+{other.id}",
        text=first + between + other.text,
        tags=tags,
        sentiment=one.sentiment if one.sentiment == other.sentiment else None,
        annotated=annotated,
        weight=(one.weight + other.weight) / 2,
    )


def _moved(tag: GoldTag, by: int) -> GoldTag:
    if tag.start is None or tag.end is None:
        return tag
    return replace(tag, start=tag.start + by, end=tag.end + by)
