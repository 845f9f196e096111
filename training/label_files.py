"""Labelled files as they stand, jsonl, xlsx or csv: who said what, in which row; the words in the cells are not judged here.

Rows are counted as the person who opens the file sees them: lines of a jsonl, rows of a sheet with its header as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vocnlp.column_names import EXACT, match_name
from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.tables import Source, open_table

_CODE = ("code", "codes", "编码", "标签", "码", "代码", "编码名称", "码名", "标签名称", "tag", "label_code")
_POLARITY = ("polarity", "极性", "倾向", "情感极性", "情感倾向", "情感")
_SENTIMENT = ("sentiment", "label", "整体情感", "总体情感", "情感")
_ID = ("id", "编号", "序号", "评论编号", "答卷编号")
_FEW = 50  # distinct cells of a column that are looked at: one with more is no column of polarities


@dataclass(frozen=True, slots=True)
class Mark:
    """A code in a text as a file has it: the polarity is a cell, its column and row are where that stands."""

    code: str
    polarity: Any
    start: int | None = None
    end: int | None = None
    column: str = "polarity"
    row: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One text as a file has it. ``label`` is a sentiment, or the code of an exclusive frame.

    ``annotated`` are the codes that were looked for, where the file says so: reviewed rows without any code do.
    """

    row: int
    id: str
    text: str
    marks: tuple[Mark, ...]
    label: Any = None
    annotated: tuple[str, ...] | None = None


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
    """The columns of a table that are no codes; ``header`` is the row in which the header stands."""

    text: str
    identity: str | None
    sentiment: str | None
    header: int = 1
    codes: tuple[str, ...] = field(default=())


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
        polarity = _named(lower, _POLARITY)
        sentiment = next((lower[name] for name in _SENTIMENT if name in lower and lower[name] != polarity), None)
        return LabelFile(_long(path, rows, lower, _Roles(text, identity, sentiment, header), code=code))
    roles = _Roles(text, identity, _named(lower, _SENTIMENT), header)
    return _wide(source, rows, roles, polarities, frozenset(known))


def _named(lower: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((lower[name] for name in names if name in lower), None)


def _from_jsonl(path: Path) -> Iterator[Line]:
    try:
        handle = path.open(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="check the spelling and the folder") from None
    with handle:
        for number, line in enumerate(_decoded(handle, path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                text = row["text"]
            except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
                hint = 'each line is a JSON object with at least "text"'
                raise InputError(f"not a labelled row: {error!r}", path=path, row=number, hint=hint) from error
            if not isinstance(text, str):
                raise InputError("the text is not a string", path=path, row=number, column="text", value=repr(text))
            marks = tuple(_mark(tag, path, number) for tag in row.get("tags") or ())
            looked = row.get("annotated")
            annotated = tuple(map(str, looked)) if isinstance(looked, list) else None
            label = row.get("sentiment", row.get("label"))
            yield Line(number, str(row.get("id", number)), text, marks, label, annotated)


def _decoded(handle: Iterable[str], path: Path) -> Iterator[str]:
    try:
        yield from handle
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8: {error.reason}", path=path, hint="save the file as UTF-8") from error


def _mark(tag: Any, path: Path, number: int) -> Mark:
    if not isinstance(tag, dict) or not isinstance(tag.get("code"), str) or not tag["code"].strip():
        raise InputError("a tag without a code", path=path, row=number, column="tags", value=repr(tag))
    start, end = tag.get("start"), tag.get("end")
    spans = isinstance(start, int) and isinstance(end, int)
    return Mark(tag["code"], tag.get("polarity"), *((start, end) if spans else (None, None)), row=number)


def _long(
    path: Path, rows: Iterable[dict[str, Any]], lower: Mapping[str, str], roles: _Roles, *, code: str
) -> Iterator[Line]:
    """One row a tag; rows of one id, or of one text where there are no ids, are one comment."""
    polarity = _named(lower, _POLARITY)
    start, end = lower.get("start", ""), lower.get("end", "")
    texts: dict[str, tuple[int, str, Any]] = {}
    marks: dict[str, list[Mark]] = {}
    for number, row in enumerate(rows, roles.header + 1):
        text, named = shown(row[roles.text]), shown(row[code]).strip()
        key = shown(row[roles.identity]) if roles.identity else text
        if not text and not named:
            continue  # a row left empty
        label = row[roles.sentiment] if roles.sentiment else None
        before = texts.setdefault(key, (number, text, label))
        if before[1] != text:
            told = f"the id {key!r} has another text in row {before[0]}"
            raise InputError(told, path=path, row=number, hint="give every comment an id of its own")
        places = shown(row.get(start)), shown(row.get(end))
        begin, stop = (int(places[0]), int(places[1])) if all(map(str.isdecimal, places)) else (None, None)
        if named:
            cell = row[polarity] if polarity else None
            marks.setdefault(key, []).append(Mark(named, cell, begin, stop, polarity or "", number))
    for key, (number, text, label) in texts.items():
        yield Line(number, key if roles.identity else str(number), text, tuple(marks.get(key, ())), label)


def _wide(
    source: Source,
    rows: Iterable[dict[str, Any]],
    roles: _Roles,
    polarities: Mapping[str, str],
    known: frozenset[str],
) -> LabelFile:
    """One column a code. Columns without a single polarity are none, unless the frame has a code of that name."""
    plain = {roles.text, roles.identity, roles.sentiment}
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
            label = row[roles.sentiment] if roles.sentiment else None
            if (text := shown(row[roles.text])) or marks:
                yield Line(number, identity, text, marks, label)

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


def shown(cell: Any) -> str:
    """A cell as a word: whole numbers without a point, nothing for an empty one."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
