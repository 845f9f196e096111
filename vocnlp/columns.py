"""Which column is the comment, which the score: chosen by name, by content, or named by the user; and said which.

``choose_columns`` decides once, on the schema and a sample; ``feedback`` then turns batch after batch into the
FEEDBACK schema of ``records``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .column_names import (
    CES_NAME,
    CES_PROPER,
    CONTAINS,
    CSAT_NAME,
    EFFORT_NAME,
    EXACT,
    NPS_NAME,
    QUESTION,
    ROLES,
    STARS,
    match_name,
    order_of,
    plain,
)
from .column_sample import Sample
from .column_values import SCALES, as_answers, as_labels, as_texts, as_times
from .errors import InputError
from .records import FEEDBACK

__all__ = ["ROLES", "Columns", "Left", "RowProblem", "choose_columns", "feedback"]

NAMED, BY_NAME, BY_CONTENT = "named", "name", "content"
NO_ANSWERS, UP_TO_FIVE, TIED = "no answers", "up to five", "tied"
OFF_SCALE, UNDIRECTED = "off scale", "undirected"
_OURS = "voc_"  # columns that an earlier run appended are never input
_MAINLY = 0.8


@dataclass(frozen=True, slots=True)
class Left:
    """Likely columns that were not taken for a role, and why: NO_ANSWERS (hardly numbers within 0-10), UP_TO_FIVE
    (none above 5, so no 0-10 answer), TIED (equally likely), OFF_SCALE (hardly answers of 1-5 for satisfaction, 1-7 for
    effort) or UNDIRECTED (effort, and nobody says whether the highest answer is the best)."""

    why: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The source's column for each role, None where it has none.

    ``how`` maps each role found to why: ``name``, ``content`` or ``named``; ``left`` has the roles that a column was
    left out of for a reason that a person should know.
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
    _refuse_title(schema, sample)
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
        text, how["text"] = _choose_text(matches, sampled, schema)
        chosen["text"] = text
        matches.pop(text)
    for role in SCALES:
        if role not in chosen:
            score = role == "score"
            found = _choose_score(matches, sampled) if score else _choose_answer(matches, sampled, role=role)
            chosen[role], not_taken = found
            how |= {role: BY_NAME} if found[0] is not None else {}
            left |= {role: not_taken} if not_taken else {}
    for role in ROLES:
        if role not in chosen:
            chosen[role] = _choose_plain(role, matches, sampled)
            how |= {role: BY_NAME} if chosen[role] is not None else {}
    return Columns(**chosen, how=how, left=left)


def _refuse_title(schema: pa.Schema, sample: pa.RecordBatch) -> None:
    """With a title in the header's place the header would pass for a comment, and the scores for words."""
    unnamed = [name for at, name in enumerate(schema.names, 1) if name == f"列{at}"]
    first = list(sample.slice(0, 1).to_pylist()[0].values()) if unnamed and sample.num_rows else []
    header = [cell for cell in first if isinstance(cell, str) and match_name(cell)[1] == EXACT]
    if len(header) > 1:
        told = f"{schema.names[0]!r} is a title; the header, {_listed(header)}, stands below it"
        raise InputError(told, hint="delete the rows above the header")


def _existing(schema: pa.Schema, role: str, column: str) -> str:
    names: list[str] = schema.names
    if column in names:
        return column
    alike = [name for name in names if plain(name) == plain(column)]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(column, names, n=1, cutoff=0.4)
    closest = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"no such column for {role}", column=column, hint=f"{closest}columns: {_listed(names)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _choose_text(matches: Mapping[str, tuple[str | None, int]], sample: Sample, schema: pa.Schema) -> tuple[str, str]:
    candidates = [name for name, (role, _) in matches.items() if role == "text"]
    for rank in (EXACT, CONTAINS, QUESTION):
        pool = [name for name in candidates if matches[name][1] == rank]
        filled = pool if sample.is_empty else [name for name in pool if sample.words(name)[0] > 0]
        if rank == QUESTION or len(filled) > 1:
            filled = [name for name in filled if sample.is_open(name)] or (filled if rank != QUESTION else [])
        if len(filled) == 1:
            return filled[0], BY_NAME
        if filled:
            raise InputError(f"two candidates for the text: {_listed(filled)}", hint="name one with --text")
    unnamed = [name for name, (role, _) in matches.items() if role in (None, "text")]
    others = [name for name, (_, rank) in matches.items() if rank < EXACT]
    for pool in (unnamed, others):
        if open_ones := [name for name in pool if sample.is_open(name)]:
            return max(open_ones, key=lambda name: math.prod(sample.words(name))), BY_CONTENT
    silent = [name for name in candidates if matches[name][1] != QUESTION]
    if len(silent) == 1:  # the comment column is there, only the first rows have no comment
        return silent[0], BY_NAME
    hint = f"name one with --text; columns: {_listed(schema.names)}"
    raise InputError("no column holds comments", hint=hint)


def _choose_score(matches: Mapping[str, tuple[str | None, int]], sample: Sample) -> tuple[str | None, Left | None]:
    """The NPS answer, or None and why a likely column was left."""
    ranked: dict[int, list[str]] = {}
    left = None
    for name, (role, match) in matches.items():
        text = plain(name)
        explicit = NPS_NAME.search(text) is not None
        other = CSAT_NAME.search(text) or CES_NAME.search(text)
        if role != "score" or STARS.search(text) or (other and not explicit):
            continue
        filled, share, greatest = sample.scores(name)
        if filled and share < _MAINLY:
            left = Left(NO_ANSWERS, (name,))
        elif not explicit and filled >= 20 and greatest <= 5:
            left = Left(UP_TO_FIVE, (name,))
        else:
            ranked.setdefault(match + (2 if explicit else 0), []).append(name)
    if not ranked:
        return None, left
    best = ranked[max(ranked)]
    if len(best) == 1:
        return best[0], None
    if max(ranked) == CONTAINS:  # 口味评分, 环境评分: marks for single aspects
        return None, Left(TIED, tuple(best))
    raise InputError(f"two candidates for the score: {_listed(best)}", hint="name one with --score")


def _choose_answer(
    matches: Mapping[str, tuple[str | None, int]], sample: Sample, *, role: str
) -> tuple[str | None, Left | None]:
    """The column of ``csat`` or ``ces``, or None and why a likely one was left."""
    about = CSAT_NAME if role == "csat" else CES_NAME
    ranked: dict[int, list[str]] = {}
    left = None
    for name, (found, match) in matches.items():
        text = plain(name)
        if found not in (role, "score") or not about.search(text) or NPS_NAME.search(text) or STARS.search(text):
            continue
        filled, share, _ = sample.scores(name, role)
        if filled and share < _MAINLY:
            left = Left(OFF_SCALE, (name,))
        elif role == "ces" and EFFORT_NAME.search(text) and not CES_PROPER.search(text):
            left = Left(UNDIRECTED, (name,))
        else:
            ranked.setdefault(match if found == role else CONTAINS, []).append(name)
    best = ranked[max(ranked)] if ranked else []
    if len(best) > 1 and max(ranked) == CONTAINS:  # 服务满意度, 物流满意度: marks for single aspects
        return None, Left(TIED, tuple(best))
    return (min(best, key=order_of), None) if best else (None, left)


def _choose_plain(role: str, matches: Mapping[str, tuple[str | None, int]], sample: Sample) -> str | None:
    """The best-named column whose cells do not speak against it; the leftmost on a tie."""
    pool = [name for name, (found, _) in matches.items() if found == role]
    if role == "at" and not sample.is_empty:
        pool = [name for name in pool if sample.time_share(name) >= 0.5]
    if role == "id" and not sample.is_empty:
        pool = [name for name in pool if sample.is_unique(name)]
    return min(pool, key=lambda name: (-matches[name][1], order_of(name)), default=None)


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
            made[role], wrong = as_times(column, kind) if role == "at" else as_answers(column, kind, kind_of=role)
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
