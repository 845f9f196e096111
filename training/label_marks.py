"""What a labelled file says of its texts: words as they stand, each with its place, and offsets that lie in the text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.text import simplify

_DIGITS = 18  # no text is longer than a number of so many digits says
_OFFSETS = "start counts the characters before the marked words, end those up to their last; or leave both empty"


@dataclass(frozen=True, slots=True)
class Mark:
    """A code in a text as a file has it: the polarity is a cell, its column and row are where that stands."""

    code: str
    polarity: Any
    start: int | None = None
    end: int | None = None
    column: str = "polarity"
    row: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What a cell says of a whole text: its sentiment or, where ``free``, perhaps the code of an exclusive frame."""

    value: Any
    column: str
    row: int
    free: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One text as a file has it. ``said`` is what stands there of the whole text, without empty cells.

    ``annotated`` are the codes that were looked for, where the file says so: reviewed rows without any code do.
    """

    row: int
    id: str
    text: str
    marks: tuple[Mark, ...]
    said: tuple[Said, ...] = ()
    annotated: tuple[str, ...] | None = None


def shown(cell: Any) -> str:
    """A cell as a word: whole numbers without a point, nothing for an empty one (which pandas writes as NaN)."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "" if math.isnan(cell) else str(int(cell)) if cell.is_integer() else str(cell)
    return str(cell)


def word_of(cell: Any) -> str:
    """A cell as it is looked for among words that are known: trimmed, in lower case, Traditional characters Simplified."""
    return _plain(shown(cell).strip())


@lru_cache(maxsize=4096)
def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()
    return simplify(word.encode("utf-8", "replace").decode()).lower()  # OpenCC cannot read half a surrogate pair


def span_of(
    text: str, start: Any, end: Any, *, path: Path, row: int, columns: tuple[str, str] = ("start", "end")
) -> tuple[int, int] | tuple[None, None]:
    """The offsets that two cells give, in characters of ``text`` as it stands; (None, None) where both are empty.

    columns: what the cells are called, "" for one that the file does not have
    InputError names the cell where they mark no words of the text.
    """
    first, last = shown(start).strip(), shown(end).strip()
    if not first and not last:
        return None, None

    def refused(which: int, told: str) -> InputError:
        word = (first, last)[which]
        return InputError(told, path=path, row=row, column=columns[which], value=word, hint=_OFFSETS)

    for which, word in enumerate((first, last)):
        if not word and not columns[which]:
            raise refused(1 - which, f"one offset without the other: there is no column {('start', 'end')[which]!r}")
        if not word:
            raise refused(which, "one offset without the other")
        if not word.isdecimal():
            raise refused(which, "not an offset")
        if len(word) > _DIGITS or int(word) > len(text):
            raise refused(which, f"beyond the text, which has {len(text):,} characters")
    if int(first) >= int(last):
        raise refused(1, f"the marked words end before they begin: start is {first}")
    return int(first), int(last)
