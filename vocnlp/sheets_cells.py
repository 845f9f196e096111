"""Cells of a workbook as values of Arrow columns, and those of a column of mixed types as what they were before."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

_MARK, _CELLS, _STAY = b"vocnlp", b"cells", b"vocnlp_texts"
_MOST_TEXTS = 200  # that look like numbers and are none; with more of them the column is one of texts
_DATE, _DATETIME = "date", "datetime"
_NUMBER_START = frozenset("-0123456789")


def kind_of_cell(cell: Any) -> str:
    """What ``arrow_type`` is asked with: the name of the cell's type, "int" for a float without a fraction."""
    if isinstance(cell, float):
        return "int" if cell.is_integer() and abs(cell) < 1 << 63 else "float"
    if isinstance(cell, datetime):
        return _DATETIME
    return type(cell).__name__


def arrow_type(kinds: set[str]) -> pa.DataType:
    """The one type that holds cells of all these kinds, string where no other does."""
    if kinds == {"int"}:
        return pa.int64()
    if kinds and kinds <= {"int", "float"}:
        return pa.float64()
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {_DATE}:
        return pa.date32()
    if kinds and kinds <= {_DATE, _DATETIME}:
        return pa.timestamp("us")
    return pa.string()


def shown(cell: Any) -> str:
    """A cell as Excel shows it in the General format."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02}:{abs(seconds) % 60:02}"
    return str(cell)  # dates and times come as 2026-06-01 08:03:00


def as_it_was(text: str) -> Any:
    """The number, truth value, date or time that is shown as ``text``, or the text itself: the way back of ``shown``."""
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    if text[:1] in _NUMBER_START:
        for read in (float, date.fromisoformat, datetime.fromisoformat, time.fromisoformat):
            try:
                value = read(text)
            except ValueError:
                continue
            if shown(value) == text:  # not 007 or 1e3, which are texts
                return value
    return text


class Mixed:
    """A string column made of cells of several types: looks at each, and ``metadata`` tells how to go back."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def look(self, cell: Any) -> None:
        text = shown(cell)
        if type(as_it_was(text)) is not type(cell) and len(self._texts) <= _MOST_TEXTS:
            self._texts.add(text)  # a text that looks like a number

    @property
    def metadata(self) -> dict[bytes, bytes] | None:
        """For the column's field; None where too many texts look like something else."""
        if len(self._texts) > _MOST_TEXTS:
            return None
        return {_MARK: _CELLS, _STAY: json.dumps(sorted(self._texts), ensure_ascii=False).encode()}


def way_back(field: pa.Field) -> Callable[[str], Any] | None:
    """What makes of a text of the column the cell that it was in the workbook; None where the field does not tell."""
    if not field.metadata or field.metadata.get(_MARK) != _CELLS:
        return None
    stay = frozenset(json.loads(field.metadata[_STAY]))
    return lambda text: text if text in stay else as_it_was(text)
