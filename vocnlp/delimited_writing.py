"""Arrow record batches as csv or tsv, with cells that a spreadsheet would run as a formula disarmed (CWE-1236)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from .jsonlines import dump_json, is_json_text, shortest_floats

# OWASP "CSV Injection": = + - @, tab, CR and LF at the start of a cell, and their full-width forms, which Excel in an
# East Asian locale takes for the plain ones. A plain number keeps its sign.
_FORMULA = r"\A[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"\A[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
_KEPT = ("utf-8", "utf-8-sig", "gb18030")


class DelimitedWriter:
    """Writes csv: the header at once, then batch after batch. ``guarded`` counts the cells that got an apostrophe."""

    def __init__(self, path: Path, schema: pa.Schema, *, delimiter: str, encoding: str, verbatim: bool) -> None:
        self.guarded = 0
        self._verbatim = verbatim
        self._fields = list(schema)
        self._file = path.open("w", encoding=encoding, newline="")
        # One column is quoted throughout: an empty cell is no blank line, and a comma in a text makes no second cell.
        self._rows = csv.writer(
            self._file,
            delimiter=delimiter,
            lineterminator="\r\n",
            quoting=csv.QUOTE_ALL if len(schema) == 1 else csv.QUOTE_MINIMAL,
        )
        self._rows.writerow(self._guard(pa.array(schema.names, pa.string())).to_pylist())

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [self._cells(column, field) for column, field in zip(batch.columns, self._fields, strict=True)]
        self._rows.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._file.close()

    def _cells(self, column: pa.Array, field: pa.Field) -> list[str | None]:
        if is_json_text(field):
            texts: pa.Array = pa.array([_cell_of_json(text) for text in column.to_pylist()], pa.string())
            return _listed(self._guard(texts))
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.dictionary_decode(), kind.value_type
        if pa.types.is_string_view(kind):  # has no regex kernel
            column, kind = column.cast(pa.large_string()), pa.large_string()
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _listed(self._guard(column))
        if pa.types.is_timestamp(kind):
            return _times(column)
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            values = shortest_floats(column).to_pylist()
            return [None if value is None else dump_json(value) for value in values]
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        return _listed(pc.cast(column, pa.string()))

    def _guard(self, texts: pa.Array) -> pa.Array:
        if self._verbatim:
            return texts
        risky = pc.and_(
            pc.match_substring_regex(texts, _FORMULA), pc.invert(pc.match_substring_regex(texts, _NUMBER))
        ).fill_null(False)
        found = risky.true_count
        if not found:
            return texts
        self.guarded += found
        return pc.if_else(risky, pc.binary_replace_slice(texts, 0, 0, "'"), texts)


def encoding_like(encoding: str | None) -> str:
    """The encoding to write in, given that of the file read: kept where it holds all of Unicode, else utf-8-sig.

    Excel tells UTF-8 only by its mark, hence utf-8-sig (and for UTF-16 the codec that writes one).
    """
    if encoding is not None and encoding.startswith("utf-16"):
        return "utf-16"
    return encoding if encoding in _KEPT else "utf-8-sig"


def _times(column: pa.Array) -> list[str | None]:
    """Local time as Excel and people read it: ``2026-06-01 08:03:00``, then the zone's offset if there is one."""
    texts = pc.cast(column, pa.string())
    return _listed(pc.replace_substring_regex(texts, r"\.0+($|[Z+-])", r"\1"))


def _listed(texts: pa.Array) -> list[str | None]:
    cells: list[str | None] = texts.to_pylist()
    return cells


def _cell_of_json(text: str | None) -> str | None:
    """A lone string as itself, without JSON's quotes; anything else as its JSON text."""
    if text is None:
        return None
    value = json.loads(text)
    return value if isinstance(value, str) else text
