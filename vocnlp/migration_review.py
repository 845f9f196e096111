"""The rows of split codes, listed for a person: a workbook that ``vocnlp review import`` takes back, or jsonl."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc

from .errors import OutputError
from .jsonlines import dump_json
from .migration import OPEN, Migration
from .records import POLARITIES
from .review import LABEL
from .review_rows import Mark, Origin, ReviewRow, Sample, named, shown
from .review_sheet import write_sheet
from .store import Store
from .unfinished import writing

_COLUMNS = ("id", "text", "voc_sentiment", "voc_tags", "voc_bundle", "voc_codeframe")


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A comment with a tag of a split code: ``parts`` are the codes it may mean, ``known`` what stays, ``sentiment`` its whole."""

    id: str
    text: str
    parts: tuple[str, ...]
    known: tuple[Mark, ...] = ()
    sentiment: str | None = None
    bundle: str = ""


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


def write_open(rows: Iterable[OpenRow], path: Path, migration: Migration) -> int:
    """Write the rows at ``path``, .xlsx or .jsonl, masked, whole or not at all; how many there are.

    OutputError for another ending, and where the file cannot be written.
    """
    check_ending(path)
    if path.suffix.lower() == ".xlsx":
        found = [replace(row, text=shown(row.text)) for row in rows]
        origins = (
            Origin("", LABEL, 0.0, len(found), row.bundle, migration.after, row.known, _plain(row.sentiment))
            for row in found
        )
        listed = tuple(
            ReviewRow(row.id, row.text, origin, row.parts) for row, origin in zip(found, origins, strict=True)
        )
        with writing(path):
            write_sheet(named(Sample(listed, migration.new, "")), path)
        return len(listed)
    count = 0
    partial = path.with_name(f".{path.name}.part")
    with writing(path):
        try:
            with partial.open("w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    count += 1
                    told = {"id": row.id, "text": shown(row.text), "parts": list(row.parts)}
                    tags = [mark.to_dict() for mark in row.known]
                    file.write(dump_json({**told, "tags": tags, "sentiment": row.sentiment, "review": "needed"}) + "\n")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return count


def check_ending(path: Path) -> None:
    if path.suffix.lower() not in (".xlsx", ".jsonl"):
        raise OutputError("the list is an .xlsx or .jsonl file", path=path, hint=f"name it {path.stem}.xlsx")


def _plain(sentiment: str | None) -> str | None:
    return sentiment if sentiment in POLARITIES else None


__all__ = ["OpenRow", "check_ending", "open_rows", "write_open"]
