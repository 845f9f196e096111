"""One sheet of an xlsx workbook as Arrow record batches; cells keep their types."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .delimited import unique_names
from .errors import InputError
from .sheets_cells import Mixed, arrow_type, kind_of_cell, shown
from .sheets_container import measured, with_formulas_as_texts
from .sheets_merged import Merged, filled, merged_cells
from .titles import find_header

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


class SheetSource:
    """One sheet. Types come from all of its cells: int64, float64, bool, date32, timestamp[us], else string.

    Empty cells are null. In a column of mixed types numbers become text as Excel shows them (5, not 5.0); its
    field knows the way back (``sheets_cells.way_back``). Formula cells give the value that was last saved, and their own
    text, "=...", where none was; error cells (#N/A) are null. Wholly empty rows at the end are dropped, those inside
    are kept. ``above``: the titles that stand over the header, a cell a row, which are no data. ``header_row`` is the
    header's row as Excel counts, so the n-th data row is ``header_row + n``. ``merged``: the cells that are merged over
    several data rows; ``fill`` gives their value to each of them, otherwise only the first has it.
    """

    kind = "xlsx"
    encoding: str | None = None
    delimiter: str | None = None
    replaced = 0

    def __init__(self, path: Path, *, sheet: str | None, unpacked_bytes: int, cells: int) -> None:
        self.path = path
        self.named = sheet is not None
        formulas = measured(path, unpacked_bytes, cells)
        workbook = _open(path, with_formulas_as_texts(path, formulas) if formulas else None)
        self.sheets: tuple[str, ...] = tuple(workbook.sheet_names)
        self.sheet: str | None
        self.sheet, self._cells = _pick(path, workbook, sheet)
        self._first, header, last, self.above = _extent(path, self._cells)
        if not header:
            raise InputError(
                f"the sheet {self.sheet!r} is empty", path=path, hint=f"its sheets: {', '.join(self.sheets)}"
            )
        self._width = len(header)
        self.header_row = self._first + 1  # as Excel counts
        self.rows: int | None = last - self._first
        self._fill: tuple[Merged, ...] = ()
        kinds: list[set[str]] = [set() for _ in header]
        for row in self._body():
            for kind, cell in zip(kinds, row, strict=False):
                if cell != "":
                    kind.add(kind_of_cell(cell))
        self.schema = self._typed(unique_names([shown(cell) for cell in header]), kinds)
        self.merged = merged_cells(self._cells, self.schema.names, header_row=self.header_row, last_row=last + 1)
        self._done = 0

    def fill(self, columns: Collection[str]) -> None:
        """Let ``batches`` give the value of a merged cell in each of its rows, in these columns."""
        self._fill = tuple(one for one in self.merged if one.column in columns)

    def position(self) -> float:
        """Share of the rows read so far, 0 to 1."""
        return self._done / self.rows if self.rows else 1.0

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The data rows after the first ``skip``, in order, at most ``size`` a batch."""
        part: list[list[Any]] = []
        self._done = 0
        for number, row in enumerate(self._whole(), 1):
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

    def _typed(self, names: list[str], kinds: list[set[str]]) -> pa.Schema:
        """The fields; those of mixed columns with what leads from their texts back to the cells."""
        types = [arrow_type(kind) for kind in kinds]
        mixed = {at: Mixed() for at, kind in enumerate(kinds) if types[at] == pa.string() and kind - {"str"}}
        for row in self._body() if mixed else ():
            for at, column in mixed.items():
                if row[at] != "":
                    column.look(row[at])
        told = {at: column.metadata for at, column in mixed.items()}
        return pa.schema([pa.field(name, types[at], metadata=told.get(at)) for at, name in enumerate(names)])

    def _whole(self) -> Iterator[list[Any]]:
        if not self._fill:
            return self._body()
        return filled(self._body(), self._fill, self.schema.names, first_row=self.header_row + 1)

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
                values: list[Any] = [shown(cell) if cell != "" else None for cell in cells]
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


def header_row_of(source: object) -> int | None:
    """The row of a sheet's header as Excel counts; None for a source that is no sheet."""
    return source.header_row if isinstance(source, SheetSource) else None


def merged_of(source: object) -> tuple[Merged, ...]:
    """The cells of a sheet that are merged over several data rows; none of a source that is no sheet."""
    return source.merged if isinstance(source, SheetSource) else ()


def unread_of(source: object) -> tuple[str, ...]:
    """The other visible sheets that have data rows, where nobody said which one is meant; reads them to know."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    if not isinstance(source, SheetSource) or source.named or len(source.sheets) < 2:
        return ()
    workbook = _open(source.path, None)
    found = []
    for sheet in workbook.sheets_metadata:
        visible = sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        if visible and sheet.name != source.sheet:
            first, _, last, _ = _extent(source.path, _load(source.path, workbook, sheet.name))
            found += [sheet.name] if last > first else []
    return tuple(found)


def fill_merged(source: object, columns: Collection[str]) -> None:
    """``SheetSource.fill`` for a source of any kind: only sheets have merged cells."""
    if isinstance(source, SheetSource):
        source.fill(columns)


def _open(path: Path, instead: BytesIO | None) -> CalamineWorkbook:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return CalamineWorkbook.from_path(str(path)) if instead is None else CalamineWorkbook.from_filelike(instead)
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
        first, header, last, _ = _extent(path, cells)
        if last > first:
            return sheet.name, cells
        if header and spare is None:
            spare = sheet.name, cells
    if spare is None:
        raise InputError("all sheets are empty", path=path, hint=f"its sheets: {', '.join(names)}")
    return spare


def _extent(path: Path, sheet: CalamineSheet) -> tuple[int, list[Any], int, tuple[str, ...]]:
    """Index of the header row, its cells (as many as the widest row has), and the index of the last filled row.

    Last the titles above the header.
    """
    first, titles = find_header(_rows(path, sheet))
    last, width = first, 0
    header: list[Any] = []
    for number, row in enumerate(_rows(path, sheet)):
        filled = len(row)
        while filled and row[filled - 1] == "":
            filled -= 1
        if not filled or number < first or first < 0:
            continue
        header = row if number == first else header
        last, width = number, max(width, filled)
    return first, header[:width], last, tuple(shown(title) for title in titles)
