"""Which columns a scored file was scored on, kept in the file itself, so that nothing that reads it back has to guess again.

A workbook says it in its sheet 说明, parquet in the metadata of its schema. csv and jsonl have no place for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from .columns import ROLES, Columns
from .tables import Source, open_table
from .workbook import SHEET_ABOUT, is_own
from .workbook_about import told_columns

_KEY = b"vocnlp.columns"

Taken = Mapping[str, tuple[str | None, str]]
"""Role -> its column, None where there was none, and why it was taken (``Columns.how``)."""


def with_taken(schema: pa.Schema, columns: Columns) -> pa.Schema:
    """The schema with ``columns`` in its metadata, beside what is there."""
    told = {role: (columns.of(role), columns.how.get(role, "")) for role in ROLES}
    return schema.with_metadata({**(schema.metadata or {}), _KEY: json.dumps(told, ensure_ascii=False).encode()})


def columns_taken(source: Source) -> Taken:
    """What an earlier run took of the columns that are still there; empty where the file does not say."""
    if is_own(source.sheets):
        taken: dict[str, Any] = {}
        if SHEET_ABOUT in source.sheets:
            about = open_table(source.path, sheet=SHEET_ABOUT)
            taken = told_columns(row for batch in about.batches() for row in batch.to_pylist())
    else:
        taken = _read((source.schema.metadata or {}).get(_KEY, b"{}"))
    there = (None, *source.schema.names)
    return {role: (column, how) for role, (column, how) in taken.items() if role in ROLES and column in there}


def _read(said: bytes) -> dict[str, tuple[str | None, str]]:
    """What ``with_taken`` wrote; nothing where another program wrote something else under its name."""
    try:
        return {role: (column, str(how)) for role, (column, how) in json.loads(said).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def named_before(taken: Taken, named: Mapping[str, str]) -> dict[str, str]:
    """Role -> column as ``choose_columns`` is told: what the user names goes first, also where it had another role."""
    before = {role: column for role, (column, _) in taken.items() if column is not None}
    return {**{role: column for role, column in before.items() if column not in named.values()}, **named}


def as_before(columns: Columns, taken: Taken, named: Mapping[str, str]) -> Columns:
    """``columns`` without those that the earlier run did not take, each for the reason that it had then."""
    kept = {role: one for role, one in taken.items() if role not in named}
    none = {role: None for role, (column, _) in kept.items() if column is None}
    how = {role: kept[role][1] or why if role in kept else why for role, why in columns.how.items() if role not in none}
    left = {role: why for role, why in columns.left.items() if role not in kept or role in none}
    changed: dict[str, Any] = {**none, "how": how, "left": left}
    return replace(columns, **changed) if taken else columns
