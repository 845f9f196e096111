"""Titles above a table: which row is the header where a report's name and date stand over it, in sheets and in csv alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .column_names import EXACT, match_name

_WITHIN = 10  # rows from the first filled one in which a header may follow titles
_LONGEST_NAME = 60  # characters of a header cell that no name betrays


def find_header(rows: Iterable[Sequence[Any]]) -> tuple[int, tuple[Any, ...]]:
    """(index of the header row, the titles above it); (-1, ()) where no row holds anything.

    An empty cell is "". The header is the first filled row; but where that has a single cell, and so have those that
    follow it, up to a row that looks like a header, they are its titles. Reads a row too many at most.
    """
    first, last = -1, -1
    alone: list[Any] = []
    for number, row in enumerate(rows):
        cells = [cell for cell in row if cell != ""]
        if first < 0:
            if all(isinstance(cell, str) and not cell.strip() for cell in cells):
                continue
            first = number
        if number >= first + _WITHIN:
            break
        if len(cells) == 1:
            alone.append(cells[0])
        elif cells:
            found = number > first and _is_header(cells, titles=alone, apart=number > last + 1)
            return (number, tuple(alone)) if found else (first, ())
        last = number if cells else last
    return first, ()


def names_of_columns(cells: Iterable[Any]) -> list[str]:
    """Those cells of a row that are, as they stand, names of columns that we know."""
    return [cell.strip() for cell in cells if isinstance(cell, str) and match_name(cell)[1] == EXACT]


def _is_header(cells: list[Any], *, titles: list[Any], apart: bool) -> bool:
    """Whether a row under rows of one cell is the header, and they its titles, and not a header of one column with data.

    ``apart``: an empty row stands between. Whoever names the comment's column in the first row means it.
    """
    if names_of_columns(titles[:1]):
        return False
    names = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    if max(map(len, names), default=_LONGEST_NAME + 1) > _LONGEST_NAME:
        return False
    known = names_of_columns(names)
    if len(set(known)) > 1:  # what stands beside two names that we know may be a year, or a name that is there twice
        return True
    return len(names) == len(cells) == len(set(names)) and (apart or bool(known))
