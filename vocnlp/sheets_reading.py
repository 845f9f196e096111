"""One sheet of an xlsx workbook as Arrow record batches; cells keep their types."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .delimited import unique_names
from .errors import InputError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_CHUNK = 1 << 20
# The tag of a cell or row and its place. Text cannot hold a raw "<", so nothing a customer wrote can look like this.
_PLACE = re.compile(rb"""<(?:\w{1,9}:)?(?:c|row)\s[^<]*?\br\s*=\s*["']([A-Za-z]*)([0-9]+)["']""")
_BOMB = "this is not an ordinary workbook; copy the rows that matter into a new one, or save the sheet as .csv"
_DATE, _DATETIME = "date", "datetime"
_EMPTY = pa.string()


class SheetSource:
    """One sheet. Types come from all of its cells: int64, float64, bool, date32, timestamp[us], else string.

    Empty cells are null. In a column of mixed types numbers become text as Excel shows them (5, not 5.0). Formula
    cells give the value that was last saved; error cells (#N/A) are null. Wholly empty rows at the end are dropped,
    those inside are kept.
    """

    kind = "xlsx"
    encoding: str | None = None
    delimiter: str | None = None
    replaced = 0

    def __init__(self, path: Path, *, sheet: str | None, unpacked_bytes: int, cells: int) -> None:
        self.path = path
        _refuse_bombs(path, unpacked_bytes, cells)
        workbook = _open(path)
        self.sheets: tuple[str, ...] = tuple(workbook.sheet_names)
        self.sheet: str | None
        self.sheet, self._cells = _pick(path, workbook, sheet)
        self._first, header, last = _extent(_rows(path, self._cells))
        if not header:
            raise InputError(
                f"the sheet {self.sheet!r} is empty", path=path, hint=f"its sheets: {', '.join(self.sheets)}"
            )
        self._width = len(header)
        self.header_row = self._first + 1  # as Excel counts
        self.rows: int | None = last - self._first
        kinds: list[set[str]] = [set() for _ in header]
        for row in self._body():
            for kind, cell in zip(kinds, row, strict=False):
                if cell != "":
                    kind.add(_kind(cell))
        names = unique_names([_shown(cell) for cell in header])
        self.schema = pa.schema([pa.field(name, _arrow_type(kind)) for name, kind in zip(names, kinds, strict=True)])
        self._done = 0

    def position(self) -> float:
        """Share of the rows read so far, 0 to 1."""
        return self._done / self.rows if self.rows else 1.0

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The data rows after the first ``skip``, in order, at most ``size`` a batch."""
        part: list[list[Any]] = []
        self._done = 0
        for number, row in enumerate(self._body(), 1):
            if number <= skip:
                continue
            part.append(row)
            if len(part) == size:
                self._done = number
                yield self._batch(part)
                part = []
        self._done = self.rows or 0
        if part:
            yield self._batch(part)

    def _body(self) -> Iterator[list[Any]]:
        for number, row in enumerate(_rows(self.path, self._cells)):
            if number > self._first + (self.rows or 0):
                return
            if number > self._first:
                yield row[: self._width]

    def _batch(self, part: list[list[Any]]) -> pa.RecordBatch:
        columns = []
        for cells, field in zip(zip(*part, strict=True), self.schema, strict=True):
            if field.type == pa.string():
                values: list[Any] = [_shown(cell) if cell != "" else None for cell in cells]
            elif field.type == pa.int64():
                values = [None if cell == "" else int(cell) for cell in cells]
            elif field.type == pa.timestamp("us"):  # a moment at midnight comes as a date
                values = [
                    None if cell == "" else datetime(*cell.timetuple()[:6]) if type(cell) is date else cell
                    for cell in cells
                ]
            else:
                values = [None if cell == "" else cell for cell in cells]
            columns.append(pa.array(values, field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _open(path: Path) -> CalamineWorkbook:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise InputError("the workbook is password-protected", path=path, hint="save it without a password") from error
    except (CalamineError, OSError) as error:
        raise InputError(
            f"the workbook is damaged: {error}", path=path, hint="open it in Excel and save it again"
        ) from error


def _load(path: Path, workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    from python_calamine import CalamineError

    try:
        return workbook.get_sheet_by_name(name)
    except CalamineError as error:
        raise InputError(
            f"the sheet {name!r} cannot be read: {error}", path=path, hint="save the workbook again"
        ) from error


def _rows(path: Path, cells: CalamineSheet) -> Iterator[list[Any]]:
    try:
        yield from cells.iter_rows()
    except (OverflowError, ValueError) as error:  # a date or duration beyond the calendar
        raise InputError(f"a cell holds an impossible value: {error}", path=path, hint="mend it in Excel") from error


def _pick(path: Path, workbook: CalamineWorkbook, wanted: str | None) -> tuple[str, CalamineSheet]:
    """The named sheet; else the first visible one with data rows, else the first with a header."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    grids = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in grids]
    if not names:
        raise InputError("the workbook has no sheets of cells", path=path, hint="export the table again")
    if wanted is not None:
        if wanted not in names:
            raise InputError("no such sheet", path=path, value=wanted, hint=f"its sheets: {', '.join(names)}")
        return wanted, _load(path, workbook, wanted)
    spare: tuple[str, CalamineSheet] | None = None
    for sheet in sorted(grids, key=lambda grid: grid.visible != SheetVisibleEnum.Visible):
        cells = _load(path, workbook, sheet.name)
        first, header, last = _extent(_rows(path, cells))
        if last > first:
            return sheet.name, cells
        if header and spare is None:
            spare = sheet.name, cells
    if spare is None:
        raise InputError("all sheets are empty", path=path, hint=f"its sheets: {', '.join(names)}")
    return spare


def _extent(rows: Iterable[list[Any]]) -> tuple[int, list[Any], int]:
    """Index of the header row, its cells (as many as the widest row has), and the index of the last filled row."""
    first, last, width = -1, -1, 0
    header: list[Any] = []
    for number, row in enumerate(rows):
        filled = len(row)
        while filled and row[filled - 1] == "":
            filled -= 1
        if not filled:
            continue
        if first < 0:
            if all(isinstance(cell, str) and not cell.strip() for cell in row):
                continue
            first, header = number, row
        last, width = number, max(width, filled)
    return first, header[:width], last


def _kind(cell: Any) -> str:
    if isinstance(cell, float):
        return "int" if cell.is_integer() and abs(cell) < 1 << 63 else "float"
    if isinstance(cell, datetime):
        return _DATETIME
    return type(cell).__name__


def _arrow_type(kinds: set[str]) -> pa.DataType:
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
    return _EMPTY


def _shown(cell: Any) -> str:
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


def _refuse_bombs(path: Path, unpacked_bytes: int, cells: int) -> None:
    """Unpack the container once, keeping nothing, and measure it: sizes in a zip directory are only claims.

    A stray cell in the far corner is refused too: the parser holds the whole rectangle, and one at XFD1048576 asks for
    512 GiB, which ends the process instead of raising.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if not any(name.startswith("xl/workbook") for name in names):
                raise InputError(
                    "this is a zip file, but no xlsx workbook is inside", path=path, hint="export it again"
                )
            if "xl/workbook.bin" in names:
                raise InputError(
                    "this is a binary workbook (.xlsb)", path=path, hint="open it in Excel and save it as .xlsx"
                )
            left = unpacked_bytes
            for entry in entries:
                entry.file_size = left + 2 * _CHUNK  # read on to the data's true end, whatever the directory claims
                left -= _measure(path, archive, entry, left, cells)
                if left < 0:
                    raise InputError(
                        f"the workbook unpacks to more than {unpacked_bytes:,} bytes", path=path, hint=_BOMB
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise InputError(f"the workbook is damaged: {error}", path=path, hint="export it again") from error


def _measure(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, cells: int) -> int:
    size, tail = 0, b""
    rows, columns = 0, 0
    with archive.open(entry) as part:
        while size <= left and (chunk := part.read(_CHUNK)):
            size += len(chunk)
            found = _PLACE.findall(tail + chunk)
            tail = chunk[max(chunk.rfind(b"<"), 0) :]  # a tag may go on in the next chunk
            if not found:
                continue
            rows = max(rows, *(int(row) for _, row in found))
            columns = max(columns, *(_column(letters) for letters in {letters for letters, _ in found}))
            if rows * columns > cells:
                raise InputError(
                    f"a sheet reaches to row {rows:,}, column {columns:,}: more than {cells:,} cells",
                    path=path,
                    hint=_BOMB,
                )
    return size


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + (letter & 31)
    return number
