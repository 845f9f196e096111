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

import pyarrow as pa
import pyarrow.compute as pc

from vocnlp.column_names import EXACT, match_name
from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.sheets_reading import merged_of
from vocnlp.tables import Source, open_table

from .label_marks import Line, Mark, Said, shown, span_of

_CODE = ("code", "codes", "编码", "标签", "码", "代码", "编码名称", "码名", "标签名称", "tag", "label_code")
_POLARITY = ("polarity", "极性", "倾向", "情感极性", "情感倾向", "情感")
_SENTIMENT = ("sentiment", "整体情感", "总体情感", "情感")
_LABEL = "label"
_ID = ("id", "编号", "序号", "评论编号", "答卷编号")
_FEW = 50  # distinct cells of a column that are looked at: one with more is no column of polarities


@dataclass(frozen=True)
class LabelFile:
    """The texts of a file, once; ``left`` are columns of a wide table that hold no polarities and so are no codes.

    ``absent``: what a cell says where the code is not there, ``present``: where it is, without polarity.
    """

    lines: Iterable[Line]
    left: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()


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
        return LabelFile(_from_jsonl(path))
    source = open_table(path)
    batches = source.batches()
    if (first := next(batches, None)) is None:
        return LabelFile(())
    lower = {name.strip().lower(): name for name in source.schema.names}
    code, identity, header = _named(lower, _CODE), _named(lower, _ID), getattr(source, "header_row", 1)
    text = lower.get("text") or choose_columns(source.schema, first).text
    rows = chain.from_iterable(batch.to_pylist() for batch in chain([first], batches))
    if code is not None:
        # The codes have a column of their own here, so that a label can be a sentiment alone.
        names = [name for name in (*_SENTIMENT, _LABEL) if lower.get(name) != _named(lower, _POLARITY)]
        roles = _Roles(text, identity, _named(lower, names), header=header)
        return LabelFile(_long(path, _unmerged(source, rows, header), lower, roles, code=code))
    roles = _Roles(text, identity, _named(lower, _SENTIMENT), lower.get(_LABEL), header)
    return _wide(source, rows, roles, polarities, frozenset(known))


def _named(lower: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((lower[name] for name in names if name in lower), None)


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
    said = _Roles("text", "id", "sentiment", _LABEL).said(row, number)
    name = str(number) if identity is None else str(identity)
    return Line(number, name, text, marks, tuple(said), None if looked is None else tuple(looked))


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
    return Mark(tag["code"], tag.get("polarity"), start, end, row=number)


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


def _long(
    path: Path, rows: Iterable[dict[str, Any]], lower: Mapping[str, str], roles: _Roles, *, code: str
) -> Iterator[Line]:
    """One row a tag; rows of one id, or of one text where there are no ids, are one comment."""
    polarity = _named(lower, _POLARITY)
    start, end = lower.get("start", ""), lower.get("end", "")
    texts: dict[str, tuple[int, str]] = {}
    marks: dict[str, list[Mark]] = {}
    said: dict[str, list[Said]] = {}
    lost: list[int] = []
    for number, row in enumerate(rows, roles.header + 1):
        text, named, whole = shown(row[roles.text]), shown(row[code]).strip(), list(roles.said(row, number))
        key = shown(row[roles.identity]) if roles.identity else text
        if not (text.strip() or named or whole):
            continue  # a row left empty
        if not key.strip():
            lost.append(number)
            continue
        first, before = texts.setdefault(key, (number, text))
        if text and before != text:
            told = f"the id {key!r} has another text in row {first}"
            raise InputError(told, path=path, row=number, hint="give every comment an id of its own")
        known = said.setdefault(key, [])
        known += [cell for cell in whole if cell.value not in [one.value for one in known]]
        begin, stop = span_of(before, row.get(start), row.get(end), path=path, row=number, columns=(start, end))
        if named:
            cell = row[polarity] if polarity else None
            marks.setdefault(key, []).append(Mark(named, cell, begin, stop, polarity or "", number))
    _refuse_lost(lost, path, roles.identity or roles.text)
    for key, (number, text) in texts.items():
        name = key if roles.identity else str(number)
        yield Line(number, name, text, tuple(marks.get(key, ())), tuple(said[key]))


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
    """One column a code. Columns without a single polarity are none, unless the frame has a code of that name."""
    plain = {roles.text, roles.identity, roles.sentiment, roles.label}
    cells = _distinct(source, [name for name in source.schema.names if name not in plain])
    words = frozenset(polarities) | ABSENT | PRESENT
    codes = tuple(
        name
        for name, found in cells.items()
        if name.strip() in known or (found & words and match_name(name)[1] < EXACT)
    )
    left = tuple(name for name, found in cells.items() if name not in codes and found)
    used = set().union(*(cells[name] for name in codes)) if codes else set()
    # 1 and 0 are "there" and "not there" in a table that has nothing else; beside -1 they are polarities.
    ticked = used <= {"1", "0"} | PRESENT | ABSENT
    absent, present = (ABSENT | {"0"}, PRESENT | {"1"}) if ticked else (ABSENT, PRESENT)

    def lines() -> Iterator[Line]:
        for number, row in enumerate(rows, roles.header + 1):
            filled = [code for code in codes if shown(row[code]).strip()]
            marks = tuple(Mark(code.strip(), row[code], column=code, row=number) for code in filled)
            identity = shown(row[roles.identity]) if roles.identity else str(number)
            if (text := shown(row[roles.text])) or marks:
                yield Line(number, identity, text, marks, tuple(roles.said(row, number)))

    return LabelFile(lines(), left, absent, present)


#: In a cell of a wide table, whatever else stands in the file.
ABSENT = frozenset(
    {"-2", "-", "/", "无", "否", "未提及", "未提到", "没有提到", "no", "none", "n", "false", "not mentioned"}
)
PRESENT = frozenset({"√", "✓", "✔", "是", "有", "x", "y", "yes", "true", "提及", "提到"})


def _distinct(source: Source, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Up to fifty different cells of each column, as words; a whole reading of the file."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for batch in source.batches():
        for name in names:
            if len(found[name]) <= _FEW:
                some = pc.unique(batch.column(name)).drop_null()
                found[name] |= {shown(cell).strip().lower() for cell in _first(some)} - {""}
    return {name: frozenset(cells) for name, cells in found.items()}


def _first(cells: pa.Array) -> list[Any]:
    return list(cells.slice(0, _FEW + 1).to_pylist())
