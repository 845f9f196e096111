"""xlsx workbooks written row by row in constant memory, every text a text: no formula, no link, no guessed number."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import OutputError
from .jsonlines import dump_json

CELL_CHARS = 32_767  # Excel counts UTF-16 units
CUT_MARK = "…（已截断）"
QUOTES_BETWEEN = "；"  # what stands between the quotes of a comment in one cell
_DATA_ROWS = 1_048_575
# What XML 1.0 has no way to say, lone surrogates among it (the W3C's production Char, negated).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_EXACT_DIGITS = 999_999_999_999_999  # Excel keeps 15 digits; a longer order number would lose its end
_FIRST_DAY = date(1900, 3, 1)  # before it Excel's calendar has a day that never was
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class _Changed:
    """A text that a cell cannot hold as it is, and why."""

    text: str
    cut: bool
    replaced: bool


class Workbook:
    """An xlsx file being written, sheet after sheet, each row by row; use it in a ``with`` block.

    ``cut`` counts texts that were longer than an Excel cell holds, ``replaced`` those in which characters that XML
    forbids became U+FFFD. A text that stood in an earlier sheet is not counted again, and words quoted in a row of the
    text itself are part of it. On an exception inside the block the file is closed and left behind: write to a temporary
    name. Raises OutputError where the file cannot be written.
    """

    data_rows = _DATA_ROWS  # rows below the header; a test makes it small

    def __init__(self, path: Path | str) -> None:
        import xlsxwriter

        self.path = Path(path)
        self.cut = self.replaced = 0
        try:
            with self.path.open("wb"):  # XlsxWriter would find out at the end, after all the work
                pass
        except OSError as error:
            raise self._failed(error) from error
        # strings_to_* off: a comment that begins with "=" must stay a comment (CWE-1236). tmpdir: the sheets grow to
        # many times the file's size, and the system's folder for such things is often small, or memory.
        self._book = xlsxwriter.Workbook(str(self.path), {**_OPTIONS, "tmpdir": str(self.path.parent)})
        self._header = self._book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "valign": "top"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._hour = self._book.add_format({"num_format": "hh:mm:ss"})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._names: set[str] = set()
        self._open: Sheet | None = None
        self._changed: list[_Changed] = []  # in the row that is being written
        self._known: dict[int, Sheet | None] = {}  # hash of a text that had to change -> the sheet that had it first

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import xlsxwriter.exceptions

        if self._open is not None:
            self._open.finish()
        try:
            self._book.close()
        except (OSError, xlsxwriter.exceptions.FileCreateError) as failure:
            if error is None:
                raise self._failed(failure) from failure

    def sheet(self, name: str, header: Sequence[str], *, widths: Mapping[str, float] | None = None) -> Sheet:
        """Begin a sheet with a header row (bold, frozen, filtered); the sheet before it is finished by this.

        ``widths`` are column widths in characters by header cell; the others follow the header's length. The name is
        made one that Excel takes: at most 31 characters, without ``[]:*?/\\``, unique regardless of case.
        """
        if self._open is not None:
            self._open.finish()
        self._open = Sheet(self, name, [str(cell) for cell in header], dict(widths or {}))
        return self._open

    def _add(self, name: str) -> Any:
        base = _NAME_FORBIDDEN.sub("_", name).strip("'").strip() or "Sheet"
        if base.lower() == "history":  # reserved by Excel
            base = f"{base}_"
        unique, again = base[:31], 1
        while unique.lower() in self._names:
            again += 1
            ending = f" ({again})"
            unique = base[: 31 - len(ending)] + ending
        self._names.add(unique.lower())
        return self._book.add_worksheet(unique)

    def _text(self, text: str) -> str:
        """``text`` as a cell can hold it; what had to change is kept for ``_count``."""
        clean = _FORBIDDEN.sub("\ufffd", text)
        replaced = clean != text
        units = len(clean) + sum(char > "\uffff" for char in clean) if len(clean) * 2 > CELL_CHARS else 0
        if units > CELL_CHARS:
            kept = clean.encode("utf-16-le")[: 2 * (CELL_CHARS - len(CUT_MARK))]
            clean = kept.decode("utf-16-le", "ignore") + CUT_MARK
        if replaced or units > CELL_CHARS:
            self._changed.append(_Changed(text, cut=units > CELL_CHARS, replaced=replaced))
        return clean

    def _count(self, sheet: Sheet) -> None:
        """Count the texts of a row that had to change: one again in a later sheet, or quoted in its own row, is no other."""
        whole: list[str] = []
        for one in sorted(self._changed, key=lambda one: -len(one.text)):
            first = self._known.setdefault(hash(one.text), sheet)
            if any(all(part in longer for part in one.text.split(QUOTES_BETWEEN)) for longer in whole):
                continue
            whole.append(one.text)
            if first is sheet:
                self.cut += one.cut
                self.replaced += one.replaced
        self._changed.clear()

    def _failed(self, error: Exception) -> OutputError:
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
        if isinstance(cause, PermissionError):
            hint = "close the file in Excel, or choose another folder"
            return OutputError("no permission to write here", path=self.path, hint=hint)
        if isinstance(cause, FileNotFoundError):
            return OutputError("the folder does not exist", path=self.path, hint=f"create {self.path.parent}")
        return OutputError(f"the workbook cannot be written: {cause}", path=self.path, hint="is the disk full?")


class Sheet:
    """One sheet being filled from top to bottom. ``rows`` counts data rows.

    Rows beyond Excel's 1,048,575 go on into a following sheet, "name (2)".
    """

    def __init__(self, book: Workbook, name: str, header: list[str], widths: dict[str, float]) -> None:
        self.rows = 0
        self._book, self._name, self._header, self._widths = book, name, header, widths
        self._begin()

    def write(self, row: Sequence[object]) -> None:
        """Write one data row; None leaves a cell empty.

        Numbers stay numbers (whole ones beyond 15 digits become text, for Excel would round them), dates become dates
        (a time zone is dropped, the local time kept), lists and dicts JSON text.
        """
        if self._at == self._book.data_rows:
            self.finish()
            self._begin()
        self._at += 1
        self.rows += 1
        for column, value in enumerate(row):
            if value is not None:
                self._cell(column, value)
        if self._book._changed:
            self._book._count(self)

    def write_rows(self, rows: Iterable[Sequence[object]]) -> None:
        for row in rows:
            self.write(row)

    def wrap(self, column: int) -> None:
        """Break long texts of a column into lines. Before the first row is written."""
        width = self._widths.get(self._header[column], _width(self._header[column]))
        self._sheet.set_column(column, column, width, self._book._wrapped)

    def offer(self, column: int, values: str) -> None:
        """Let the cells written so far be chosen from a list: a range of another sheet, as ``=码表!$A$2:$A$9``."""
        told = {
            "validate": "list",
            "source": values,
            "error_title": "不在列表中",
            "error_message": "请从下拉列表中选择。",
        }
        self._sheet.data_validation(1, column, max(1, self._at), column, told)

    def hide(self) -> None:
        """Keep the sheet from being seen, or shown again by Excel's menu."""
        self._sheet.very_hidden()

    def finish(self) -> None:
        """Set the filter over what was written. Called by the workbook."""
        if self._header:
            self._sheet.autofilter(0, 0, self._at, len(self._header) - 1)

    def _begin(self) -> None:
        self._at = 0
        self._sheet = self._book._add(self._name)
        self._sheet.freeze_panes(1, 0)
        for column, cell in enumerate(self._header):
            text = self._book._text(cell)
            self._sheet.set_column(column, column, self._widths.get(cell, _width(text)))
            self._sheet.write_string(0, column, text, self._book._header)
        self._book._count(self)

    def _cell(self, column: int, value: Any) -> None:
        sheet, book, at = self._sheet, self._book, self._at
        if isinstance(value, str):
            sheet.write_string(at, column, book._text(value))
        elif isinstance(value, bool):
            sheet.write_boolean(at, column, value)
        elif isinstance(value, int | float | Decimal):
            self._number(column, value)
        elif isinstance(value, date):
            self._date(column, value)
        elif isinstance(value, time):
            sheet.write_datetime(at, column, value.replace(tzinfo=None), book._hour)
        else:
            sheet.write_string(at, column, book._text(dump_json(value)))

    def _number(self, column: int, value: Any) -> None:
        if math.isnan(value):
            return
        exact = isinstance(value, float) or (abs(value) <= _EXACT_DIGITS and len(str(value)) <= 16)
        if math.isfinite(value) and exact:
            self._sheet.write_number(self._at, column, value)
        else:
            self._sheet.write_string(self._at, column, str(value))

    def _date(self, column: int, value: date) -> None:
        if isinstance(value, datetime):
            local = value.replace(tzinfo=None)
            if local.date() >= _FIRST_DAY:
                self._sheet.write_datetime(self._at, column, local, self._book._moment)
                return
            self._sheet.write_string(self._at, column, local.isoformat(" "))
        elif value >= _FIRST_DAY:
            self._sheet.write_datetime(self._at, column, value, self._book._day)
        else:
            self._sheet.write_string(self._at, column, value.isoformat())


def _width(text: str) -> float:
    """Characters a header needs, a Chinese one counting two; between 8 and 60."""
    return min(60.0, max(8.0, sum(2 if char > "\u2e7f" else 1 for char in text) + 4.0))
