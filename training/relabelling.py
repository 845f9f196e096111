"""Labelled comments carried from one codeframe to the next: no row is lost, and nothing is claimed that nobody looked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocnlp.errors import OutputError
from vocnlp.jsonlines import dump_json
from vocnlp.migration import Migration
from vocnlp.migration_review import OpenRow
from vocnlp.records import MIXED, NEUTRAL
from vocnlp.review_rows import Mark

from .label_files import read_label_file
from .label_marks import shown
from .label_words import POLARITY_WORDS, sentiment_of
from .labelled import Labelled, in_frame, read_labelled


@dataclass(frozen=True)
class Relabelled:
    """What a labelled file became.

    rows, changed: how many there are, and how many have other tags now
    per_change: for each change of the migration, how many tags it concerned; dropped: tags of retired codes
    opened: the rows whose tags of split codes a person has to give again
    """

    rows: int
    changed: int
    per_change: tuple[int, ...]
    dropped: int
    opened: tuple[OpenRow, ...]


def relabel(source: Path, out: Path, migration: Migration, *, force: bool = False) -> Relabelled:
    """Carry a labelled file (see ``read_labelled``) over, as jsonl, whole or not at all.

    Tags of merged codes become tags of one (see ``united``). Tags of split codes are left out; ``annotated`` then does
    not name the parts, so they are unknown in that row, and nothing is learnt. So are codes that were added since the
    row was labelled. Further fields of a jsonl stay. A file that is there and is the same is left as it is.
    InputError for a row that cannot be read or a code that the old frame lacks; OutputError where ``out`` is another file.
    """
    check_out(source, out)
    rows = in_frame(read_labelled(source, migration.old), migration.old, path=source)
    given = _fields(source)
    lines, opened, changed = [], [], 0
    for row in rows:
        fields = given.get(row.row, {})
        fresh = carried_fields(row, fields, migration)
        changed += [_said(tag) for tag in fresh["tags"]] != [_said(tag) for tag in _tags(row, fields)]
        lines.append(_line(fresh))
        if waiting := _open_row(row, migration):
            opened.append(waiting)
    _write(out, "".join(lines), force=force)
    tags = Counter(tag.code for row in rows for tag in row.tags)
    per_change = tuple(sum(tags[code] for code in codes) for codes in migration.touched)
    dropped = sum(count for code, count in tags.items() if not migration.fates[code].codes)
    return Relabelled(len(rows), changed, per_change, dropped, tuple(opened))


def carried_fields(row: Labelled, fields: Mapping[str, Any], migration: Migration) -> dict[str, Any]:
    """One row in the new frame as a line of jsonl. ``fields`` are those it has in its file, {} for a table's row."""
    merged = _merged(migration)
    tags: list[dict[str, Any]] = []
    for tag, read in zip(_tags(row, fields), row.tags, strict=True):
        fate = migration.fates[tag["code"]]
        if fate.codes and not fate.parted:
            plain = {"polarity": read.polarity} if fate.codes[0] in merged else {}  # 负面 and negative are one
            tags.append({**tag, "code": fate.codes[0], **plain})
    fresh: dict[str, Any] = dict(fields) or {"id": row.id, "text": row.text}
    if shown(fields.get("label")).strip() and sentiment_of(fields["label"]) is None:
        del fresh["label"]  # the code of an exclusive frame: it stands among the tags now
    if row.sentiment is not None and not fields:
        fresh["sentiment"] = row.sentiment
    fresh["tags"] = united(tags, merged)
    fresh.pop("annotated", None)
    if (annotated := _annotated(row, {tag["code"] for tag in fresh["tags"]}, migration)) is not None:
        fresh["annotated"] = annotated
    return fresh


def united(tags: Sequence[dict[str, Any]], codes: set[str]) -> list[dict[str, Any]]:
    """Tags without the twins that a merge made of tags of ``codes``; the words that carry them stay marked.

    Of the same words, or of no marked words, one tag stays: with the polarity that they share, the one that is not
    neutral where the others are, else mixed. A tag without marked words goes where one with them says the same.
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for at, tag in enumerate(tags):
        key = (tag["code"], tag.get("start"), tag.get("end")) if tag["code"] in codes else (at,)
        before = groups.get(key)
        groups[key] = dict(tag) if before is None else {**before, "polarity": _joint(before, tag)}
    marked = {(tag["code"], tag.get("polarity")) for tag in groups.values() if tag.get("start") is not None}
    return [
        tag
        for tag in groups.values()
        if tag["code"] not in codes or tag.get("start") is not None or (tag["code"], tag.get("polarity")) not in marked
    ]


def _joint(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    said = {one.get("polarity"), other.get("polarity")} - {None}
    if len(said) > 1:
        said.discard(NEUTRAL)
    return str(said.pop()) if len(said) == 1 else MIXED if said else None


def _annotated(row: Labelled, tagged: set[str], migration: Migration) -> list[str] | None:
    """The codes of the new frame that were looked for in a row; None where that needs no saying.

    A code was looked for if all that it came from was. A part of a split code is absent where the whole was, unknown
    where the whole is tagged. A code that came from nothing is unknown.
    """
    if not row.coded:
        return None
    before = {tag.code for tag in row.tags}
    every = {code.id for code in migration.old.taggable} | before
    looked = every if row.annotated is None else row.annotated | before
    waiting = {code for code in before if migration.fates[code].parted}

    def known(code: str) -> bool:
        whence = migration.sources[code] & every
        return code in tagged or (bool(whence) and whence <= looked and not whence & waiting)

    taggable = [code.id for code in migration.new.taggable]
    found = [code for code in taggable if known(code)]
    return None if row.annotated is None and row.tags and tagged and found == taggable else found


def _merged(migration: Migration) -> set[str]:
    return {code for code, whence in migration.sources.items() if len(whence) > 1}


def _open_row(row: Labelled, migration: Migration) -> OpenRow | None:
    """The row for a person, its polarities as they were read: a file may say 负面."""
    waiting = [tag.code for tag in row.tags if migration.fates[tag.code].parted]
    if not waiting:
        return None
    parts = tuple(dict.fromkeys(part for code in waiting for part in migration.fates[code].codes))
    fates = [(migration.fates[tag.code], tag) for tag in row.tags]
    kept = [
        Mark(fate.codes[0], tag.polarity, tag.start, tag.end) for fate, tag in fates if fate.codes and not fate.parted
    ]
    known = tuple(map(Mark.from_dict, united([mark.to_dict() for mark in kept], _merged(migration))))
    return OpenRow(row.id, row.text, parts, known, row.sentiment, row=row.row)


def _tags(row: Labelled, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tags with codes as ids of the old frame; what else a jsonl says of each is kept."""
    given = list(fields.get("tags") or [])
    given += [{"polarity": tag.polarity} for tag in row.tags[len(given) :]]  # of a table, or of a label that is a code
    spans = [{} if tag.start is None else {"start": tag.start, "end": tag.end} for tag in row.tags]
    return [{**one, "code": tag.code, **span} for one, tag, span in zip(given, row.tags, spans, strict=True)]


def _line(fields: Mapping[str, Any]) -> str:
    line = dump_json(fields)
    if any("\ud800" <= character <= "\udfff" for character in line):  # half a pair can only stand escaped
        line = json.dumps(fields)
    return line + "\n"


def _said(tag: Mapping[str, Any]) -> tuple[Any, ...]:
    return tag["code"], tag.get("polarity"), tag.get("start"), tag.get("end")


def _fields(source: Path) -> dict[int, dict[str, Any]]:
    """The lines of a jsonl by their number; of a table the rows whose sentiment is mixed, which no labelled row says."""
    if source.suffix.lower() not in (".jsonl", ".ndjson"):
        return {
            line.row: {"id": line.id, "text": line.text, "sentiment": MIXED}
            for line in read_label_file(source, POLARITY_WORDS).lines
            if MIXED in {sentiment_of(one.value) for one in line.said}
        }
    with source.open(encoding="utf-8-sig") as file:
        return {number: json.loads(line) for number, line in enumerate(file, 1) if line.strip()}


def check_out(source: Path, out: Path) -> None:
    """OutputError where the rows cannot be written at ``out``."""
    if out.suffix.lower() != ".jsonl":
        hint = f"name it {out.with_suffix('.jsonl').name}: no table can say which codes nobody has looked for"
        raise OutputError("the carried rows are a .jsonl file", path=out, hint=hint)
    if out.exists() and source.exists() and out.samefile(source):
        raise OutputError("is the input itself", path=out, hint="choose another name")


def _write(out: Path, text: str, *, force: bool) -> None:
    content = text.encode()
    partial = out.with_name(f".{out.name}.part")
    try:
        if out.exists() and out.read_bytes() == content:
            return  # a run that was stopped had come so far
        if out.exists() and not force:
            raise OutputError("already exists", path=out, hint="choose another name, or replace it with --force")
        partial.write_bytes(content)
        partial.replace(out)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=out, hint="does the folder exist?") from error
    finally:
        partial.unlink(missing_ok=True)


__all__ = ["Relabelled", "carried_fields", "check_out", "relabel", "united"]
