"""Tables in and out: xlsx, csv, tsv, jsonl and parquet as streams of Arrow record batches.

``open_table`` answers with a Source whose ``batches`` give every data row once, in order; ``write_table`` pours
batches into a file. Rows are never dropped, merged or guessed: what cannot be read as it stands is an InputError.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from .delimited import DelimitedSource
from .delimited_writing import DelimitedWriter, encoding_like
from .errors import InputError, OutputError
from .filekinds import CSV, JSONL, PARQUET, XLSX, kind_of
from .jsonlines import JsonLinesSource, JsonLinesWriter

_GROUP_ROWS, _GROUP_BYTES = 1 << 16, 64 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused.

    ``unpacked_bytes``: what an xlsx may unpack to; ``cells``: the rectangle from its first to its last used cell,
    which is held in memory at 32 bytes a cell; ``cell_chars``: the longest single cell of a csv or jsonl.
    """

    unpacked_bytes: int = 2_000_000_000
    cells: int = 64_000_000
    cell_chars: int = 5_000_000


class Source(Protocol):
    """A table file opened for reading.

    ``rows`` is the number of data rows where that is known without reading everything; ``encoding`` and ``delimiter``
    belong to text files, ``sheet`` and ``sheets`` (the names of all sheets) to workbooks. ``replaced`` counts cells
    in which characters that no text can hold became U+FFFD.
    """

    path: Path
    schema: pa.Schema
    sheet: str | None
    sheets: tuple[str, ...]
    encoding: str | None
    delimiter: str | None
    rows: int | None
    replaced: int

    @property
    def kind(self) -> str: ...

    def position(self) -> float:
        """Share of the input read so far, 0 to 1."""
        ...

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The data rows after the first ``skip``, in order, at most ``size`` a batch."""
        ...


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What was written: data rows, and csv cells (header too) that got an apostrophe against formula injection."""

    path: Path
    rows: int
    guarded: int


def open_table(path: Path | str, *, sheet: str | None = None, limits: Limits | None = None) -> Source:
    """Open a table by its ending: .xlsx .csv .tsv .txt .jsonl .ndjson .parquet.

    ``sheet`` names the sheet of a workbook; without it the first one that has rows is taken. Raises InputError with the
    next step in ``hint`` for every file that cannot be read as it stands.
    """
    path, limits = Path(path), limits or Limits()
    kind = kind_of(path)
    if sheet is not None and kind != XLSX:
        raise InputError(f"a {kind} file has no sheets", path=path, value=sheet, hint="leave the sheet name out")
    if kind == XLSX:
        from .sheets_reading import SheetSource

        return SheetSource(path, sheet=sheet, unpacked_bytes=limits.unpacked_bytes, cells=limits.cells)
    if kind == PARQUET:
        return ParquetSource(path)
    if kind == JSONL:
        return JsonLinesSource(path, cell_chars=limits.cell_chars)
    return DelimitedSource(path, cell_chars=limits.cell_chars)


def write_table(
    path: Path | str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    *,
    like: Source | None = None,
    verbatim: bool = False,
) -> WriteReport:
    """Write batches of ``schema`` to a .csv, .tsv, .txt, .jsonl, .ndjson or .parquet file at ``path``.

    csv keeps the delimiter and encoding of ``like`` where that was csv (Big5, which cannot hold everything, becomes
    UTF-8 with a mark) and writes UTF-8 with a mark otherwise. String cells that a spreadsheet would run as a formula
    get a leading apostrophe unless ``verbatim``. Raises OutputError where the file cannot be written; errors of
    ``batches`` pass through. A file begun and not finished stays behind: write to a temporary name.
    """
    path = Path(path)
    rows = 0
    with _as_output_error(path):
        writer = _writer(path, schema, like, verbatim)
    try:
        for batch in batches:
            with _as_output_error(path):
                writer.write(batch)
            rows += batch.num_rows
    except BaseException:
        _abandon(writer)
        raise
    with _as_output_error(path):
        writer.close()
    return WriteReport(path, rows, writer.guarded)


class _Writer(Protocol):
    guarded: int

    def write(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


def _writer(path: Path, schema: pa.Schema, like: Source | None, verbatim: bool) -> _Writer:
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv", ".txt"):
        model = like if like is not None and like.kind == CSV else None
        delimiter = "\t" if ending == ".tsv" else (model and model.delimiter) or ","
        encoding = encoding_like(model.encoding if model else None)
        return DelimitedWriter(path, schema, delimiter=delimiter, encoding=encoding, verbatim=verbatim)
    if ending in (".jsonl", ".ndjson"):
        return JsonLinesWriter(path, schema)
    if ending == ".parquet":
        return ParquetWriter(path, schema)
    raise OutputError(
        f"cannot write a table as {ending or '(no ending)'!r}",
        path=path,
        hint="name the file .csv, .tsv, .jsonl or .parquet",
    )


def _abandon(writer: _Writer) -> None:
    """Let go of the file after a failure; a second failure while closing must not hide the first."""
    try:
        writer.close()
    except (OSError, ValueError, pa.ArrowException):
        return


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            message, hint = "the disk is full", "free some space or write to another disk"
        elif isinstance(error, PermissionError):
            message, hint = (
                "no permission to write here",
                "close the file in other programs, or write to another folder",
            )
        elif isinstance(error, FileNotFoundError):
            message, hint = "the folder does not exist", f"create {path.parent}"
        else:
            message, hint = f"cannot be written: {error.strerror or error}", ""
        raise OutputError(message, path=path, hint=hint) from error


class ParquetSource:
    """One parquet file; columns of any type pass as they are."""

    kind = PARQUET
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    replaced = 0

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self.rows: int | None = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error
        self._done = 0

    def position(self) -> float:
        """Share of the rows read so far, 0 to 1."""
        return self._done / self.rows if self.rows else 1.0

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The rows after the first ``skip``, in order, at most ``size`` a batch; skipped row groups are not read."""
        import pyarrow.parquet as pq

        self._done = skip
        with pq.ParquetFile(self.path) as file:
            groups = list(range(file.metadata.num_row_groups))
            while groups and skip >= (held := file.metadata.row_group(groups[0]).num_rows):
                skip -= held
                groups.pop(0)
            stream = file.iter_batches(batch_size=size, row_groups=groups)
            while (batch := self._next(stream)) is not None:
                if skip >= batch.num_rows:
                    skip -= batch.num_rows
                    continue
                batch, skip = batch.slice(skip), 0
                self._done += batch.num_rows
                yield batch

    def _next(self, stream: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            return next(stream, None)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0]
        return InputError(f"the parquet file is damaged: {reason}", path=self.path, hint="export it again")


class ParquetWriter:
    """Writes parquet in row groups of about 65,536 rows, however small the batches are."""

    guarded = 0

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._schema = schema
        self._file: Any = pq.ParquetWriter(path, schema, compression="zstd")
        self._part: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._part.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._part:
            self._file.write_table(pa.Table.from_batches(self._part, self._schema), row_group_size=max(self._rows, 1))
        self._part, self._rows, self._bytes = [], 0, 0
