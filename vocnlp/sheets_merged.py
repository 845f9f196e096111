"""Cells of a sheet that are merged over several rows: the file has a value in the first of them only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_calamine import CalamineSheet


@dataclass(frozen=True, slots=True)
class Merged:
    """A cell of a column that reaches from row ``first`` to row ``last``, both as Excel counts and rows of data."""

    column: str
    first: int
    last: int

    @property
    def below(self) -> int:
        """Rows under the first one."""
        return self.last - self.first


def merged_cells(sheet: CalamineSheet, names: Sequence[str], *, header_row: int, last_row: int) -> tuple[Merged, ...]:
    """The merged cells of the data rows under a header of ``names``, from the top; one that is wider counts for its first column.

    Rows are as Excel counts. Those that older parsers do not tell are none.
    """
    left = sheet.start[1] if sheet.start else 0  # empty columns before the table are none of its columns
    columns = dict(enumerate(names, left))
    found = [
        Merged(columns[column], first + 1, min(last + 1, last_row))
        for (first, column), (last, _) in getattr(sheet, "merged_cell_ranges", None) or ()
        if column in columns and first + 1 > header_row
    ]
    return tuple(sorted((one for one in found if one.below > 0), key=lambda one: one.first))


def filled(
    rows: Iterable[list[Any]], merged: Iterable[Merged], names: Sequence[str], *, first_row: int
) -> Iterator[list[Any]]:
    """The rows, the first of them ``first_row`` as Excel counts; empty cells in a merged one have its value."""
    place = {name: at for at, name in enumerate(names)}
    begins: dict[int, list[Merged]] = {}
    for one in merged:
        begins.setdefault(one.first, []).append(one)
    held: dict[int, tuple[int, Any]] = {}
    for number, row in enumerate(rows, first_row):
        for at, (last, cell) in list(held.items()):
            if number > last:
                del held[at]
            elif row[at] == "":
                row[at] = cell
        held |= {place[one.column]: (one.last, row[place[one.column]]) for one in begins.get(number, ())}
        yield row
