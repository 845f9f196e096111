"""Labelled files as they stand, jsonl, xlsx or csv: who said what, in which row; the words in the cells are not judged here.

Rows are counted as the person who opens the file sees them: lines of a jsonl, rows of a sheet with its header as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.sheets_reading import merged_of
from vocnlp.tables import Source, open_table

from .label_columns import (
    ABSENT,
    ID,
    LABEL,
    NUMBERS,
    PRESENT,
    SENTIMENT,
    TagColumns,
    by_name,
    code_columns,
    distinct,
    named,
    sentiment_of_long,
    tag_columns,
)
from .label_marks import Line, Mark, Said, shown, span_of, word_of


@dataclass(frozen=True)
class LabelFile:
    """The texts of a file, once; ``left`` are columns of a wide table that hold no polarities and so are no codes.

    ``absent``: what a cell says where the code is not there, ``present``: where it is, without polarity; ``ticked``: 1 and
    0 are among those, though they might be polarities. ``column``: whose cells name codes, None where columns are codes.
    """

    lines: Iterable[Line]
    left: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    ticked: bool = False
    column: str | None = None


@dataclass(frozen=True, slots=True)
class _Roles:
    """The columns of a table that are no codes; ``header`` is the row in which the header stands.

    ``sentiment`` holds nothing but sentiments; ``label`` holds them, too, or codes of an exclusive frame.
    """

    text: str
    identity: str | None
    sentiment: str | None
    label: str | None = None
    header: int = 1

    def said(self, row: Mapping[str, Any], number: int) -> Iterator[Said]:
        """What a row says of the whole text."""
        for column, free in ((self.sentiment, False), (self.label, True)):
            if column is not None and shown(cell := row.get(column)).strip():
                yield Said(cell, column, number, free)


def read_label_file(path: Path, polarities: Mapping[str, str], known: Iterable[str] = ()) -> LabelFile:
    """The texts of a labelled file; InputError where they cannot be read.

    polarities: words that mean one; known: names of codes, so that a column without a single polarity is one of them
    """
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return LabelFile(_from_jsonl(path), column="code")
    source, codes = open_table(path), frozenset(known)
    batches = source.batches()
    if (first := next(batches, None)) is None:
        return LabelFile(())
    columns, header = by_name(source.schema.names), getattr(source, "header_row", 1)
    identity = named(columns, ID)
    text = columns.get("text") or choose_columns(source.schema, first).text
    rows = chain.from_iterable(batch.to_pylist() for batch in chain([first], batches))

    def judges(column: str) -> bool:
        return any(word_of(cell) in polarities for cell in first.column(column).to_pylist())

    if tags := tag_columns(columns, codes, judges):
        roles = _Roles(text, identity, sentiment_of_long(columns), header=header)
        return LabelFile(_long(path, _unmerged(source, rows, header), tags, roles), column=tags[0].code)
    roles = _Roles(text, identity, named(columns, SENTIMENT), columns.get(LABEL), header)
    return _wide(source, rows, roles, polarities, codes)


def _from_jsonl(path: Path) -> Iterator[Line]:
    try:
        handle = path.open(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="check the spelling and the folder") from None
    except OSError as error:
        hint = "give a file, and check its rights"
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=hint) from None
    with handle:
        for number, line in enumerate(_decoded(handle, path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                text = row["text"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                hint = 'each line is a JSON object with at least "text"'
                raise InputError(f"not a labelled row: {error!r}", path=path, row=number, hint=hint) from error
            if not isinstance(text, str):
                raise InputError("the text is not a string", path=path, row=number, column="text", value=repr(text))
            yield _line(row, path, number)


def _decoded(handle: Iterable[str], path: Path) -> Iterator[str]:
    try:
        yield from handle
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8: {error.reason}", path=path, hint="save the file as UTF-8") from error


def _line(row: Mapping[str, Any], path: Path, number: int) -> Line:
    text, identity = row["text"], row.get("id")
    tags, looked = (_listed(row, name, path, number) for name in ("tags", "annotated"))
    if looked is not None and not all(isinstance(code, str) for code in looked):
        told = "holds something that is no code"
        raise InputError(told, path=path, row=number, column="annotated", value=repr(looked))
    marks = tuple(_mark(tag, text, path, number) for tag in tags or ())
    said = _Roles("text", "id", "sentiment", LABEL).said(row, number)
    name = str(number) if identity is None else str(identity)
    return Line(
        number, name, text, marks, tuple(said), None if looked is None else tuple(code.strip() for code in looked)
    )


def _listed(row: Mapping[str, Any], name: str, path: Path, number: int) -> list[Any] | None:
    """The list that a row has under a name; None where it has nothing."""
    value = row.get(name)
    if value is not None and not isinstance(value, list):
        raise InputError("is not a list", path=path, row=number, column=name, value=repr(value), hint="write it in [ ]")
    return value


def _mark(tag: Any, text: str, path: Path, number: int) -> Mark:
    if not isinstance(tag, dict) or not isinstance(tag.get("code"), str) or not tag["code"].strip():
        raise InputError("a tag without a code", path=path, row=number, column="tags", value=repr(tag))
    start, end = span_of(text, tag.get("start"), tag.get("end"), path=path, row=number)
    return Mark(tag["code"].strip(), tag.get("polarity"), start, end, row=number)


def _unmerged(source: Source, rows: Iterable[dict[str, Any]], header: int) -> Iterator[dict[str, Any]]:
    """The rows of a table; a cell of a sheet that is merged with those above it says what they say."""
    merged = _merged(source)
    held: dict[str, tuple[int, Any]] = {}
    for number, row in enumerate(rows, header + 1):
        held |= {column: (last, row[column]) for column, last in merged.get(number, ())}
        held = {column: (last, cell) for column, (last, cell) in held.items() if number <= last}
        yield {**row, **{column: cell for column, (_, cell) in held.items() if row[column] is None}}


def _merged(source: Source) -> dict[int, list[tuple[str, int]]]:
    """Row as the sheet shows it -> columns in which cells of several rows are merged from there on, and the last row."""
    found: dict[int, list[tuple[str, int]]] = {}
    for one in merged_of(source):
        found.setdefault(one.first, []).append((one.column, one.last))
    return found


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A tag of a long table before the text of its comment is known; without a code its offsets are looked at alone."""

    columns: TagColumns
    code: str
    polarity: Any
    span: tuple[Any, Any]
    row: int

    @classmethod
    def of(cls, columns: TagColumns, row: Mapping[str, Any], number: int) -> _Tagged:
        polarity = row[columns.polarity] if columns.polarity else None
        span = row.get(columns.start or ""), row.get(columns.end or "")
        return cls(columns, shown(row[columns.code]).strip(), polarity, span, number)

    def mark(self, text: str, path: Path) -> Mark:
        """InputError where its offsets mark no words of the text."""
        where = self.columns.start or "", self.columns.end or ""
        start, end = span_of(text, *self.span, path=path, row=self.row, columns=where)
        return Mark(self.code, self.polarity, start, end, self.columns.polarity or "", self.row)


def _long(path: Path, rows: Iterable[dict[str, Any]], tags: Sequence[TagColumns], roles: _Roles) -> Iterator[Line]:
    """One row a tag, or some; rows of one id, or of one text where there are no ids, are one comment."""
    first: dict[str, int] = {}
    texts: dict[str, tuple[int, str]] = {}
    tagged: dict[str, list[_Tagged]] = {}
    said: dict[str, list[Said]] = {}
    lost: list[int] = []
    for number, row in enumerate(rows, roles.header + 1):
        text, whole = shown(row[roles.text]), list(roles.said(row, number))
        found = [_Tagged.of(one, row, number) for one in tags]
        key = shown(row[roles.identity]) if roles.identity else text
        if not (text.strip() or whole or any(one.code for one in found)):
            continue  # a row left empty
        if not key.strip():
            lost.append(number)
            continue
        first.setdefault(key, number)
        if text:
            place, before = texts.setdefault(key, (number, text))
            if before != text:
                told = f"the id {key!r} has another text in row {place}"
                raise InputError(told, path=path, row=number, hint="give every comment an id of its own")
        known = said.setdefault(key, [])
        known += [cell for cell in whole if cell.value not in [one.value for one in known]]
        tagged.setdefault(key, []).extend(found)
    _refuse_lost(lost, path, roles.identity or roles.text)
    for key, number in first.items():
        text = texts[key][1] if key in texts else ""
        marks = tuple(mark for mark in (one.mark(text, path) for one in tagged[key]) if mark.code)
        yield Line(number, key if roles.identity else str(number), text, marks, tuple(said[key]))


def _refuse_lost(rows: Sequence[int], path: Path, column: str) -> None:
    if rows:
        more = f"; {len(rows) - 1:,} more: row {', '.join(map(str, rows[1:6]))}" if len(rows) > 1 else ""
        told = f"empty, so nothing says of which comment this row speaks{more}"
        raise InputError(told, path=path, row=rows[0], column=column, hint="merged cells? fill the cell down")


def _wide(
    source: Source,
    rows: Iterable[dict[str, Any]],
    roles: _Roles,
    polarities: Mapping[str, str],
    known: frozenset[str],
) -> LabelFile:
    """One column a code. Columns without polarities are none, unless the frame has a code of that name."""
    plain = {roles.text, roles.identity, roles.sentiment, roles.label}
    cells = distinct(source, [name for name in source.schema.names if name not in plain])
    codes = code_columns(cells, polarities, known)
    left = tuple(name for name, found in cells.items() if name not in codes and found)
    used = frozenset(cell for name in codes for cell in cells[name])
    # 1 and 0 are "there" and "not there" in a table that has nothing else; beside -1, or -2 for "not there", they are
    # polarities.
    ticked = used <= NUMBERS | PRESENT | ABSENT and "-2" not in used
    absent, present = (ABSENT | {"0"}, PRESENT | {"1"}) if ticked else (ABSENT, PRESENT)

    def lines() -> Iterator[Line]:
        for number, row in enumerate(rows, roles.header + 1):
            filled = [code for code in codes if shown(row[code]).strip()]
            marks = tuple(Mark(code.strip(), row[code], column=code, row=number) for code in filled)
            identity = shown(row[roles.identity]) if roles.identity else str(number)
            if (text := shown(row[roles.text])) or marks:
                yield Line(number, identity, text, marks, tuple(roles.said(row, number)))

    return LabelFile(lines(), left, absent, present, ticked and not used.isdisjoint(NUMBERS), roles.label)
