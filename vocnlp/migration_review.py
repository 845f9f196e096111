"""The rows of split codes, listed for a person: a workbook that ``vocnlp review import`` takes back, or jsonl."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc

from .errors import InputError, OutputError
from .jsonlines import dump_json
from .migration import OPEN, Migration
from .records import POLARITIES
from .review import LABEL
from .review_rows import Mark, Origin, ReviewRow, Sample, named, shown
from .review_sheet import SHEET_KEPT, is_review_sheet, write_sheet
from .store import Store
from .tables import open_table
from .unfinished import writing

_COLUMNS = ("id", "text", "voc_sentiment", "voc_tags", "voc_bundle", "voc_codeframe")


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A comment with a tag of a split code: ``parts`` are the codes it may mean, ``known`` what stays, ``sentiment`` its whole.

    ``row`` is where it stands in the labelled file, None for a row of the store.
    """

    id: str
    text: str
    parts: tuple[str, ...]
    known: tuple[Mark, ...] = ()
    sentiment: str | None = None
    bundle: str = ""
    row: int | None = None


def open_rows(store: Store, migration: Migration) -> Iterator[OpenRow]:
    """The rows that a migration left open in a store; nothing of the run that left them is needed."""
    rows = store.read(_COLUMNS)
    taggable = {code.id for code in migration.new.taggable}
    label = migration.after + OPEN
    for batch in rows.to_batches(columns=list(_COLUMNS), filter=pc.field("voc_codeframe") == label):
        for row in batch.to_pylist():
            tags = row["voc_tags"] or []
            codes = {tag["code"] for tag in tags}
            waiting = [code for code, home in migration.homes.items() if home in codes]
            parts = dict.fromkeys(part for code in waiting for part in migration.fates[code].codes)
            known = tuple(
                Mark(tag["code"], tag["polarity"], tag["start"], tag["end"])
                for tag in tags
                if tag["code"] in taggable and tag["code"] not in migration.homes
            )
            yield OpenRow(
                row["id"], row["text"] or "", tuple(parts), known, row["voc_sentiment"], row["voc_bundle"] or ""
            )


def write_open(rows: Iterable[OpenRow], path: Path, migration: Migration, *, force: bool = False) -> int:
    """Write the rows at ``path``, .xlsx or .jsonl, masked, whole or not at all; how many there are (see ``distinct``).

    A list of the same rows that is there is left as it is: somebody may have begun to answer. OutputError for another
    ending, where another file is there, and where the file cannot be written.
    """
    check_ending(path)
    found = distinct(rows)
    with writing(path):
        if path.suffix.lower() == ".xlsx":
            sample = _sample(found, migration)
            if force or (before := _sheet_before(path)) is None or before[1] != sample.digest:
                _refuse_another(path, force=force)
                _write_sheet(sample, path)
        elif force or not path.exists() or path.read_text(encoding="utf-8") != _lines(found):
            _refuse_another(path, force=force)
            _write_lines(found, path)
    return len(found)


def listed_before(path: Path, migration: Migration) -> bool:
    """Whether a list of a migration to this frame stands there, as one that was stopped leaves it."""
    if path.suffix.lower() == ".xlsx":
        before = _sheet_before(path)
        return before is not None and before[0] == migration.new.digest
    try:
        with path.open(encoding="utf-8") as file:
            return '"review": "needed"' in file.readline()
    except (OSError, UnicodeDecodeError):
        return False


def _sheet_before(path: Path) -> tuple[str, str] | None:
    """The digests of frame and sample of a workbook that is there; None where there is no such workbook."""
    try:
        if not path.is_file() or not is_review_sheet(path):
            return None
        first = next(iter(open_table(path, sheet=SHEET_KEPT).batches())).to_pylist()[0]
        head = json.loads(first["text"])
        return str(head["frame"]), str(head["sample"])
    except (InputError, StopIteration, LookupError, TypeError, ValueError):
        return None


def _refuse_another(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        hint = "it may hold answers: import them first, choose another name, or replace it with --force"
        raise OutputError("already exists, and lists other rows", path=path, hint=hint)


def distinct(rows: Iterable[OpenRow]) -> list[OpenRow]:
    """The rows masked, each comment once and each id once, so that an answer says which row it is of; data come first.

    A comment is the same where id and masked text are: a store holds it masked. Other comments of one id get ids that
    name their places: ``data:7`` and ``store:7``, and of several in a labelled file ``7#12`` for that in row 12.
    """
    kept: dict[tuple[str, str], OpenRow] = {}
    for row in sorted(rows, key=lambda row: row.row is None):  # what people labelled before what a model tagged
        key = row.id, shown(row.text)
        before = kept.get(key)
        parts = (*before.parts, *row.parts) if before else row.parts
        kept[key] = replace(before or row, text=key[1], parts=tuple(dict.fromkeys(parts)))
    ids = Counter(row.id for row in kept.values())
    stored = {row.id for row in kept.values() if row.row is None}
    taken, found = {number for number, count in ids.items() if count == 1}, []
    for row in kept.values():
        fresh = row.id if ids[row.id] == 1 else _placed(row, row.id in stored, ids[row.id] - (row.id in stored) > 1)
        while ids[row.id] > 1 and fresh in taken:  # somebody's own id looks like this
            fresh += "'"
        taken.add(fresh)
        found.append(replace(row, id=fresh))
    return found


def _placed(row: OpenRow, in_both: bool, several: bool) -> str:
    """The id of a row with the place that tells it from others of this id."""
    if row.row is None:
        return f"store:{row.id}"
    return f"{'data:' if in_both else ''}{row.id}{f'#{row.row}' if several else ''}"


def _sample(found: Sequence[OpenRow], migration: Migration) -> Sample:
    listed = tuple(
        ReviewRow(
            row.id,
            row.text,
            Origin("", LABEL, 0.0, len(found), row.bundle, migration.after, row.known, _plain(row.sentiment)),
            row.parts,
        )
        for row in found
    )
    return named(Sample(listed, migration.new, ""))


def _write_sheet(sample: Sample, path: Path) -> None:
    try:
        write_sheet(sample, path)
    except OutputError as error:  # it names the file that is written beside
        told = error.message.removeprefix(f"{error.path}: ")
        raise OutputError(told, path=path, hint=error.hint) from error


def _lines(rows: Iterable[OpenRow]) -> str:
    return "".join(
        dump_json(
            {"id": row.id, "text": row.text, "parts": list(row.parts), "tags": [mark.to_dict() for mark in row.known],
             "sentiment": row.sentiment, "review": "needed"}
        ) + "\n"
        for row in rows
    )  # fmt: skip


def _write_lines(rows: Iterable[OpenRow], path: Path) -> None:
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(_lines(rows), encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_ending(path: Path) -> None:
    if path.suffix.lower() not in (".xlsx", ".jsonl"):
        raise OutputError("the list is an .xlsx or .jsonl file", path=path, hint=f"name it {path.stem}.xlsx")


def _plain(sentiment: str | None) -> str | None:
    return sentiment if sentiment in POLARITIES else None


__all__ = ["OpenRow", "check_ending", "distinct", "listed_before", "open_rows", "write_open"]
