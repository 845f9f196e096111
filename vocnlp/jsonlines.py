"""JSON Lines as Arrow record batches, such that writing them as JSON Lines again gives equal values.

A key whose values share one plain type becomes a column of that type. Nested values, mixed types and whole numbers
beyond 64 bits have no honest Arrow type: they are kept as JSON text, in a string field that carries the mark JSON_TEXT.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from .charsets import detect_encoding
from .delimited import unique_names
from .errors import InputError

#: Metadata of a string field whose values are JSON texts.
JSON_TEXT = {b"vocnlp": b"json"}
_INT64, _EXACT = 1 << 63, 1 << 53
_TYPES = {
    frozenset[str](): pa.string(),
    frozenset({"bool"}): pa.bool_(),
    frozenset({"int"}): pa.int64(),
    frozenset({"small"}): pa.int64(),
    frozenset({"small", "int"}): pa.int64(),
    frozenset({"float"}): pa.float64(),
    frozenset({"small", "float"}): pa.float64(),
    frozenset({"str"}): pa.string(),
}


def is_json_text(field: pa.Field) -> bool:
    """True where the field's strings are JSON texts (see JSON_TEXT)."""
    return bool(field.metadata) and field.metadata.get(b"vocnlp") == b"json"


def dump_json(value: object) -> str:
    """``value`` on one line: Chinese as it is, times as ISO 8601; NaN and infinity, which JSON lacks, as null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


class JsonLinesSource:
    """One .jsonl file. It is read through once on opening, for the keys and types of all its lines.

    ``rows`` is the number of objects; ``replaced`` counts the cells in which half a surrogate pair (``\\ud83d`` alone,
    which no text can hold) became U+FFFD. A key that a line lacks is null there. Raises InputError with the line
    number for a line that is not a JSON object.
    """

    kind = "jsonl"
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    delimiter: str | None = None

    def __init__(self, path: Path, *, cell_chars: int) -> None:
        self.path = path
        self.encoding: str | None = detect_encoding(path, longest_line=16 * cell_chars)
        self._done, self.replaced = 0, 0
        kinds: dict[str, set[str]] = {}
        count = 0
        for record in self._records():
            count += 1
            for key, value in record.items():
                kind = _kind(value)
                if key not in kinds:
                    kinds[key] = set()
                if kind:
                    kinds[key].add(kind)
        self.rows: int | None = count
        self._keys = list(kinds)
        names = [_sound(key)[0] for key in kinds]
        self.schema = pa.schema([_field(name, frozenset(kinds[key])) for name, key in zip(names, kinds, strict=True)])
        self._makers: list[Callable[[Any], object]] = [
            _as_json_text if is_json_text(field) else _same for field in self.schema
        ]

    def position(self) -> float:
        """Share of the rows read so far, 0 to 1."""
        return self._done / self.rows if self.rows else 1.0

    def batches(self, size: int = 4096, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """The rows after the first ``skip``, in order, at most ``size`` a batch."""
        part: list[dict[str, Any]] = []
        self._done, self.replaced = 0, 0
        for number, record in enumerate(self._records(), 1):
            if number <= skip:
                continue
            part.append(record)
            if len(part) == size:
                self._done = number
                yield self._batch(part)
                part = []
        self._done = self.rows or 0
        if part:
            yield self._batch(part)

    def _batch(self, part: list[dict[str, Any]]) -> pa.RecordBatch:
        columns = []
        for key, field, make in zip(self._keys, self.schema, self._makers, strict=True):
            values = [None if (value := record.get(key)) is None else make(value) for record in part]
            try:
                columns.append(pa.array(values, field.type))
            except UnicodeEncodeError:
                sound = [_sound(value) if isinstance(value, str) else (value, False) for value in values]
                self.replaced += sum(broken for _, broken in sound)
                columns.append(pa.array([value for value, _ in sound], field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _records(self) -> Iterator[dict[str, Any]]:
        blank = 0
        # newline="\n": a carriage return is blank space to JSON, and U+2028 inside a text must not end a line.
        with self.path.open(encoding=self.encoding, newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip(" \t\r\n"):
                    blank = blank or number
                    continue
                if blank:
                    raise InputError(
                        "a blank line between rows", path=self.path, row=blank, hint="delete the blank line"
                    )
                yield self._parse(line, number)

    def _parse(self, line: str, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise InputError(
                f"line {number} is not JSON: {reason}",
                path=self.path,
                row=number,
                value=line.strip(),
                hint="one object a line",
            ) from error
        if not isinstance(record, dict):
            raise InputError(
                f"line {number} is not an object",
                path=self.path,
                row=number,
                value=line.strip(),
                hint='write {"text": "..."}',
            )
        return record


class JsonLinesWriter:
    """Writes one object a line, UTF-8; JSON texts (see JSON_TEXT) as the values they stand for."""

    guarded = 0

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._names = unique_names(schema.names)
        self._json = [is_json_text(field) for field in schema]
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [shortest_floats(column).to_pylist() for column in batch.columns]
        for index, column in enumerate(columns):
            if self._json[index]:
                columns[index] = [None if text is None else json.loads(text) for text in column]
        for row in zip(*columns, strict=True):
            self._file.write(_one_line(dump_json(dict(zip(self._names, row, strict=True)))) + "\n")

    def close(self) -> None:
        self._file.close()


def _one_line(text: str) -> str:
    """``text`` with the Unicode line separators escaped: JSON allows them bare, but many readers end a line there."""
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def shortest_floats(column: pa.Array) -> pa.Array:
    """The column with every float32, nested ones too, as the float64 that prints alike: 0.9, not 0.8999999761581421."""
    text, wide = _retype(column.type, pa.string()), _retype(column.type, pa.float64())
    return column if text == column.type else column.cast(text).cast(wide)


def _retype(kind: pa.DataType, target: pa.DataType) -> pa.DataType:
    if pa.types.is_float32(kind):
        return target
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_retype(field.type, target)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_retype(kind.value_type, target)))
    return kind


def _kind(value: object) -> str:
    """The JSON type of a value; "" for null, "small" for a whole number that a float holds exactly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        if -_EXACT <= value <= _EXACT:
            return "small"
        return "int" if -_INT64 <= value < _INT64 else "big"
    return type(value).__name__


def _field(name: str, kinds: frozenset[str]) -> pa.Field:
    plain = _TYPES.get(kinds)
    return pa.field(name, pa.string(), metadata=JSON_TEXT) if plain is None else pa.field(name, plain)


def _same(value: Any) -> object:
    return value


def _as_json_text(value: Any) -> str:
    return dump_json(value)


def _sound(text: str) -> tuple[str, bool]:
    """``text`` with lone surrogates as U+FFFD, and whether there were any. Offsets stay: one character for one."""
    sound = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return sound, sound != text
