"""Labelled comments as the encoder reads them: token ids in windows, the clause of every token, targets per code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from vocnlp.readings import read_all
from vocnlp.records import POLARITIES
from vocnlp.windows import Marks, cut_windows

from .labelled import Labelled

UNKNOWN = -1


@dataclass(frozen=True)
class Window:
    """A stretch of a text that the encoder reads at once. ids: [CLS], then clauses, each with [SEP] behind it;
    clause: the clause of the text that each token stands in, -1 for [CLS]."""

    ids: npt.NDArray[np.int32]
    clause: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Taught:
    """What a teacher says of a text, as probabilities. mention: (c,); polarity: (c, 3) given that; mood: (3,)."""

    mention: npt.NDArray[np.float32]
    polarity: npt.NDArray[np.float32]
    mood: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One labelled text.

    windows: all of it, in order; mood: index into POLARITIES or -1; two_class: judged without the choice of neutral
    mention: (c,) 1 there, 0 not there, -1 not looked for; polarity: (c,) index into POLARITIES, -1 not judged
    evidence: for a code whose words were marked, the clauses that hold them
    taught: what a teacher says of it, in place of labels; all examples of a training have one, or none
    settled: learnt before, so that what the start says of it stays; told by ``recipe.new``
    leaning: how far it is positive and not negative, 0 to 1, where the label is believed in part; told by ``recipe.doubted``
    believed: (c, 3) how likely each polarity of a judged code is, where the labels are believed in part
    """

    windows: tuple[Window, ...]
    mood: int
    two_class: bool
    mention: npt.NDArray[np.int8]
    polarity: npt.NDArray[np.int8]
    evidence: dict[int, tuple[int, ...]]
    weight: float
    taught: Taught | None = None
    settled: bool = False
    leaning: float | None = None
    believed: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Tokens in all windows."""
        return sum(len(window.ids) for window in self.windows)


def _windows(lines: Sequence[Sequence[int]], window: int, marks: Marks) -> tuple[Window, ...]:
    return tuple(
        Window(np.array(ids, np.int32), np.array(place, np.int32)) for ids, place in cut_windows(lines, window, marks)
    )


def examples(
    rows: Sequence[Labelled], codes: Sequence[str], tokenizer: Tokenizer, window: int, marks: Marks
) -> list[Example]:
    """One example a row, in order."""
    readings = read_all([row.text for row in rows])
    lines = [line for reading in readings for line in reading.lines]
    encoded = iter(tokenizer.encode_batch(lines, add_special_tokens=False))
    place = {code: column for column, code in enumerate(codes)}
    return [
        _example(row, one.spans, _windows([next(encoded).ids for _ in one.lines], window, marks), place)
        for row, one in zip(rows, readings, strict=True)
    ]


def _example(
    row: Labelled, spans: Sequence[tuple[int, int]], windows: tuple[Window, ...], place: dict[str, int]
) -> Example:
    mention = np.full(len(place), UNKNOWN, np.int8)
    for code, column in place.items():
        if row.looked_for(code):
            mention[column] = 0
    said: dict[int, set[str | None]] = {}
    evidence: dict[int, set[int]] = {}
    for tag in row.tags:
        if tag.code not in place:
            continue
        column = place[tag.code]
        mention[column] = 1
        said.setdefault(column, set()).add(tag.polarity)
        if tag.start is not None and tag.end is not None:
            held = {number for number, (a, b) in enumerate(spans) if a < tag.end and b > tag.start}
            evidence.setdefault(column, set()).update(held)
    polarity = np.full(len(place), UNKNOWN, np.int8)
    for column, words in said.items():
        if len(words) == 1 and (word := next(iter(words))) in POLARITIES:
            polarity[column] = POLARITIES.index(str(word))
    mood = POLARITIES.index(row.sentiment) if row.sentiment in POLARITIES else UNKNOWN
    marked = {column: tuple(sorted(held)) for column, held in evidence.items() if held}
    return Example(windows, mood, row.two_class, mention, polarity, marked, row.weight)
