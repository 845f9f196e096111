"""csv and tsv files as a stream of Arrow record batches: every cell a string, nothing lost, nothing guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pyarrow as pa

from .charsets import detect_encoding
from .errors import InputError
from .privacy import mask
from .titles import find_header, names_of_columns

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", "\t", ";", "|", "，")
# Decoded text never holds a lone surrogate, so this delimiter cuts nothing: a line is one cell.
WHOLE_LINE = "\ud800"
_NOTHING = " \r\n" + "".join(DELIMITERS)  # a line of bare delimiters is as empty as a blank one
_SNIFF_CHARS, _SNIFF_ROWS = 1 << 16, 200
_HEADER_WITHIN = 20  # records from the first one in which a header is looked for that cannot be read
_STEP = 64  # rows between two looks at the memory that a batch has taken
_BATCH_BYTES = 32 << 20
_QUOTES = 'a quote mark (") inside a cell must be doubled and the cell quoted; a quoted cell must be closed'


class DelimitedSource:
    """One csv or tsv file. ``delimiter`` is what separates its cells; "," where the file has a single column.

    ``above`` and ``header_row`` are what they are for a sheet: titles over the header, which are no data, and the
    header's row as a spreadsheet counts, a record a row and blank lines with them. Raises InputError on opening where the encoding cannot be told, and while reading where a row is ragged.
    """

    kind = "csv"
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    rows: int | None = None
    replaced = 0

    def __init__(self, path: Path, *, cell_chars: int) -> None:
        self.path = path
        self.cell_chars = cell_chars
        self.encoding: str | None = detect_encoding(path, longest_line=16 * cell_chars)
        self._size, self._read = path.stat().st_size, 0
        csv.field_size_limit(max(cell_chars, csv.field_size_limit()))
        with self._open() as (_, text):
            sample = text.read(_SNIFF_CHARS)
        self._declared, sample = _declared_delimiter(sample)
        whole = len(sample) < _SNIFF_CHARS
        self._delimiter = self._declared or sniff_delimiter(
            sample, whole=whole, tabs_first=path.suffix.lower() == ".tsv"
        )
        if self._delimiter == WHOLE_LINE:
            self._refuse_hidden_header(sample, whole=whole)
        self._begins, self.above = _titled(_records(sample, self._delimiter, whole=whole), self._delimiter)
        self.delimiter: str | None = "," if self._delimiter == WHOLE_LINE else self._delimiter
        with self._open() as (_, text):
            self.header_row, header = self._header(self._reader(text))
        names = unique_names(header)
        self.schema = pa.schema([pa.field(name, pa.string()) for name in names])

    def position(self) -> float:
        """Share of the file read so far, 0 to 1."""
        return self._read / self._size

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The data rows after the first ``skip``, in order, at most ``size`` a batch."""
        with self._open() as (raw, text):
            rows = self._rows(self._reader(text))
            for _ in islice(rows, skip):
                pass
            while True:
                part: list[list[str]] = []
                start = self._read
                while len(part) < size and self._read - start < _BATCH_BYTES:
                    step = list(islice(rows, min(_STEP, size - len(part))))
                    self._read = raw.tell()
                    part += step
                    if not step:
                        break
                if not part:
                    self._read = self._size
                    return
                columns = [pa.array(column, pa.string()) for column in zip(*part, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _open(self) -> _Opened:
        return _Opened(self.path, self.encoding or "utf-8")

    def _reader(self, text: TextIO) -> Reader:
        if self._declared:
            text.readline()
        return csv.reader(text, delimiter=self._delimiter, strict=True)

    def _header(self, reader: Reader) -> tuple[int, list[str]]:
        """The first row below the titles that holds anything, and its number; empty lines above it are no data."""
        try:
            for number, cells in enumerate(reader):
                if number >= self._begins and any(cell.strip(_NOTHING) for cell in cells):
                    return number + 1, cells
        except csv.Error as error:
            raise self._broken(error, reader, 0) from error
        raise InputError("the file holds no header and no rows", path=self.path, hint="export it again")

    def _rows(self, reader: Reader) -> Iterator[list[str]]:
        width = len(self._header(reader)[1])
        number, blank = 0, 0
        try:
            for number, cells in enumerate(reader, 1):
                if len(cells) == width and not blank:
                    yield cells
                elif not cells and width == 1:
                    yield [""]
                elif not cells:
                    blank = blank or number
                else:
                    raise self._ragged(cells, width, blank, number, reader.line_num)
        except csv.Error as error:
            raise self._broken(error, reader, number + 1) from error

    def _refuse_hidden_header(self, sample: str, *, whole: bool) -> None:
        """A header under a title, in a file that no delimiter divides: as one column it would pass for a comment."""
        for mark in DELIMITERS:
            records = _records(sample, mark, whole=whole)[:_HEADER_WITHIN]
            first = next((cells for cells in records if any(cell.strip() for cell in cells)), [])
            if names_of_columns(first):
                return  # who names the comment's column in the first line means it
            for line, cells in enumerate(records, 1):
                if len(names := names_of_columns(cells)) > (2 if mark == "，" else 1):
                    told = f"line {line} looks like the header, {', '.join(names)}, but other lines stand above it"
                    raise InputError(told, path=self.path, hint="delete the lines above the header")

    def _ragged(self, cells: list[str], width: int, blank: int, number: int, line: int) -> InputError:
        if blank:
            return InputError(
                "a blank line between rows",
                path=self.path,
                row=blank,
                hint="delete the blank line, or fill it with delimiters",
            )
        return InputError(
            f"{len(cells)} cells where the header has {width} (line {line})",
            path=self.path,
            row=number,
            value=mask(self.delimiter.join(cells)) if self.delimiter else None,  # of all cells, also those of persons
            hint='quote cells that hold the delimiter ("..."), and let the header be the first line of the file',
        )

    def _broken(self, error: csv.Error, reader: Reader, row: int) -> InputError:
        text = str(error)
        if "field larger" in text:
            text = f"a cell longer than {self.cell_chars:,} characters, or a quote that is never closed"
        elif "unexpected end" in text:
            text = "a quote that is opened and never closed"
        return InputError(f"{text} (line {reader.line_num})", path=self.path, row=row, hint=_QUOTES)


class _Opened:
    """The file as bytes, to tell how far it has been read, and as decoded text over the same bytes."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._encoding = path, encoding

    def __enter__(self) -> tuple[io.BufferedReader, TextIO]:
        self._raw = self._path.open("rb")
        self._text = io.TextIOWrapper(self._raw, encoding=self._encoding, newline="")
        return self._raw, self._text

    def __exit__(self, *_: object) -> None:
        self._text.close()


def _declared_delimiter(sample: str) -> tuple[str | None, str]:
    """Excel's own first line ``sep=;`` names the delimiter and is no row."""
    first, newline, rest = sample.partition("\n")
    first = first.rstrip("\r")
    if newline and len(first) == 5 and first.lower().startswith("sep=") and first[4] in DELIMITERS:
        return first[4], rest
    return None, sample


def sniff_delimiter(sample: str, *, whole: bool, tabs_first: bool = False) -> str:
    """The delimiter under which most rows of the sample have as many cells as the header, titles above it aside.

    Where no delimiter divides the header the file has one column, and WHOLE_LINE is returned: a comment a line, commas
    and all. Unless every row has the same three cells or more: then something stands above the header, the
    delimiter of the rows is returned, and reading reports the ragged row.
    """
    order = ("\t", *(mark for mark in DELIMITERS if mark != "\t")) if tabs_first else DELIMITERS
    best, best_share, ragged = WHOLE_LINE, 0.0, WHOLE_LINE
    for mark in order:
        records = _records(sample, mark, whole=whole)
        widths = _widths(records[_titled(records, mark)[0] :])
        if not widths:
            continue
        share = widths.count(widths[0]) / len(widths)
        if widths[0] > 1 and (share > best_share or (tabs_first and mark == "\t")):
            best, best_share = mark, share
            if tabs_first and mark == "\t":
                break
        if ragged == WHOLE_LINE and mark != "，" and len(widths) > 4 and min(widths[1:]) == max(widths[1:]) > 2:
            ragged = mark
    return ragged if best == WHOLE_LINE else best


def _records(sample: str, mark: str, *, whole: bool) -> list[list[str]]:
    """The first rows of the sample under one delimiter, blank ones too; a last row that may be cut does not count."""
    records: list[list[str]] = []
    lines = io.StringIO(sample, newline="")
    try:
        for cells in islice(csv.reader(lines, delimiter=mark), _SNIFF_ROWS):
            records.append(cells)
    except csv.Error:
        pass  # a broken row is reported, with its number, by the reading itself
    at_end = lines.tell() >= len(sample)
    return records[:-1] if at_end and not whole and len(records) > 1 else records


def _widths(records: Iterable[list[str]]) -> list[int]:
    """Cells a row, header first, without blank lines."""
    widths: list[int] = []
    for cells in records:
        if cells and (widths or any(cell.strip() for cell in cells)):
            widths.append(len(cells))
    return widths


def _titled(records: Sequence[list[str]], mark: str) -> tuple[int, tuple[str, ...]]:
    """(index of the first record that is no title, the titles above it); (0, ()) without titles.

    Commas divide comments, too: what looks like a header must be as wide as most rows below it, and without a name
    that we know as wide as all of them, three cells or more. No export is divided by full-width commas.
    """
    at, titles = find_header([cell.strip() for cell in cells] for cells in records)
    if not titles or mark == "，":
        return 0, ()
    widths, known = _widths(records[at:]), bool(names_of_columns(records[at]))
    same = widths.count(widths[0])
    fits = 2 * same > len(widths) if known else len(widths) > 1 and same == len(widths) and widths[0] > 2
    return (at, titles) if fits else (0, ())


def unique_names(cells: Sequence[object]) -> list[str]:
    """Header cells as column names: an empty one becomes 列N (N counts from 1), a repeated one gets " (2)", " (3)"."""
    texts = ["" if cell is None else str(cell) for cell in cells]
    given, taken = set(texts), set[str]()
    for number, text in enumerate(texts, 1):
        base = text if text.strip() else f"列{number}"
        name, again = base, 1
        while name in taken or (name in given and name != text):
            again += 1
            name = f"{base} ({again})"
        taken.add(name)
        texts[number - 1] = name
    return texts
