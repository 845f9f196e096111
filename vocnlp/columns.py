"""Which column is the comment, which the score: chosen by name, by content, or named by the user; and said which.

``choose_columns`` decides once, on the schema and a sample; ``feedback`` then turns batch after batch into the
FEEDBACK schema of ``records``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .column_choice import (
    BY_NAME,
    Left,
    choose_answer,
    choose_id,
    choose_label,
    choose_score,
    choose_text,
    choose_time,
    listed,
)
from .column_header import refuse_title
from .column_names import ROLES, dates_are_in, match_name, plain
from .column_sample import Sample
from .column_values import SCALES, as_answers, as_labels, as_texts, as_times
from .errors import InputError
from .records import FEEDBACK

__all__ = ["ROLES", "Columns", "RowProblem", "choose_columns", "feedback"]

NAMED = "named"
#: Roles of which a cell that is merged over rows counts in each of them. A comment, an answer and an id count once.
GROUPING = ("stage", "channel", "segment", "customer", "at")
_OURS = "voc_"  # columns that an earlier run appended are never input


@dataclass(frozen=True, slots=True)
class Columns:
    """The source's column for each role, None where it has none.

    ``how`` maps each role found to why: ``name``, ``content`` or ``named``; ``left`` has the roles that a column was
    left out of for a reason that a person should know. ``order`` is DAY_FIRST or MONTH_FIRST where the times are dates
    such as 13/1/2026.
    """

    text: str
    score: str | None = None
    stage: str | None = None
    channel: str | None = None
    segment: str | None = None
    customer: str | None = None
    at: str | None = None
    id: str | None = None
    csat: str | None = None
    ces: str | None = None
    how: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, Left] = field(default_factory=dict)
    order: str = ""

    @property
    def grouping(self) -> tuple[str, ...]:
        """The columns whose cells say to which group, customer or time a row belongs, and so may be those of many rows."""
        return tuple(name for role in GROUPING if (name := self.of(role)) is not None)

    def of(self, role: str) -> str | None:
        """The column of one of ROLES."""
        column: str | None = getattr(self, role)
        return column


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A cell that could not be used, in a row that was kept. ``row`` counts data rows from 1."""

    row: int
    column: str
    value: str
    problem: str


def choose_columns(schema: pa.Schema, sample: pa.RecordBatch, *, named: Mapping[str, str] | None = None) -> Columns:
    """Choose a column for every role; ``sample`` is the first thousand rows or so, ``named`` maps roles to columns.

    Raises InputError where a named column does not exist, where no column holds comments, and where two are equally
    good for the text or the score, and where a title stands above the true header.
    """
    refuse_title(schema, sample)
    chosen: dict[str, Any] = {}
    how: dict[str, str] = {}
    left: dict[str, Left] = {}
    for role, column in (named or {}).items():
        if role not in ROLES:
            raise ValueError(f"{role!r} is not one of {', '.join(ROLES)}")
        chosen[role], how[role] = _existing(schema, role, column), NAMED
    free = [name for name in schema.names if name not in chosen.values() and not name.startswith(_OURS)]
    matches = {name: match_name(name) for name in free}
    sampled = Sample(schema, sample)
    if "text" not in chosen:
        text, how["text"] = choose_text(matches, sampled, schema)
        chosen["text"] = text
        matches.pop(text)
    for role in SCALES:
        if role not in chosen:
            score = role == "score"
            found = choose_score(matches, sampled) if score else choose_answer(matches, sampled, role=role)
            chosen[role], not_taken = found
            left |= {role: not_taken} if not_taken else {}
    for role, choose in (("at", choose_time), ("id", choose_id)):
        if role not in chosen:
            chosen[role], not_taken = choose(matches, sampled)
            left |= {role: not_taken} if not_taken else {}
    for role in ROLES:
        if role not in chosen:
            chosen[role] = choose_label(role, matches)
        how |= {role: BY_NAME} if chosen[role] is not None and role not in how else {}
    order = sampled.day_order(chosen["at"]) if chosen["at"] is not None else ""
    return Columns(**chosen, how=how, left=left, order=order)


def _existing(schema: pa.Schema, role: str, column: str) -> str:
    names: list[str] = schema.names
    if column in names:
        return column
    alike = [name for name in names if plain(name) == plain(column)]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(column, names, n=1, cutoff=0.4)
    closest = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"no such column for {role}", column=column, hint=f"{closest}columns: {listed(names)}")


def feedback(batch: pa.RecordBatch, columns: Columns, *, first_row: int) -> tuple[pa.RecordBatch, list[RowProblem]]:
    """A batch in the FEEDBACK schema, row for row, and the cells that could not be used.

    ``first_row`` is the number of the batch's first data row, counted from 1. A missing text is "". Without an id
    column the row number is the id; an empty id cell becomes ``row-N``, which no numbered export holds.
    """
    problems: list[RowProblem] = []
    numbers = pc.cast(pa.array(range(first_row, first_row + batch.num_rows), pa.int64()), pa.string())
    made: dict[str, pa.Array] = {}
    for role in ROLES:
        name = columns.of(role)
        if name is None:
            made[role] = numbers if role == "id" else pa.nulls(batch.num_rows, FEEDBACK.field(role).type)
            continue
        column, kind = batch.column(name), batch.schema.field(name)
        if role == "text":
            made[role] = pc.fill_null(as_texts(column, kind), "")
        elif role in SCALES or role == "at":
            if role == "at":
                serial = columns.how.get(role) == NAMED or dates_are_in(name)
                made[role], wrong = as_times(column, kind, order=columns.order, serial=serial)
            else:
                made[role], wrong = as_answers(column, kind, kind_of=role)
            problems += _problems(name, column, wrong, first_row)
        else:
            made[role] = as_labels(column, kind)
    if columns.id is not None:
        made["id"] = pc.coalesce(made["id"], pc.binary_join_element_wise("row-", numbers, ""))
    problems.sort(key=lambda problem: problem.row)
    return pa.RecordBatch.from_arrays([made[name] for name in FEEDBACK.names], schema=FEEDBACK), problems


def _problems(name: str, column: pa.Array, wrong: pa.Array, first_row: int) -> list[RowProblem]:
    if wrong.null_count == len(wrong):
        return []
    at = pc.indices_nonzero(wrong.is_valid())
    cells, texts = pc.take(column, at).to_pylist(), pc.take(wrong, at).to_pylist()
    rows = at.to_pylist()
    return [
        RowProblem(first_row + row, name, str(cell), text) for row, cell, text in zip(rows, cells, texts, strict=True)
    ]
