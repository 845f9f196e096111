"""Folds tagged rows into the journey figures: NPS, stages, what each code costs, trends.

SQL by DuckDB over Arrow; pure functions of a table in the schema ``records.TAGGED``. The values and their definitions
are in ``figures``; here is only who is counted where.
"""
# ruff: noqa: S608 - what is put into SQL here are constants of this module; words from outside travel as parameters

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeAlias
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from .codeframe import Codeframe
from .errors import InputError
from .figures import SMALL, Cell, CodeFigures, Figures, Group, Impact, Nps, Totals, Voice
from .records import NEGATIVE, NEUTRAL, POSITIVE

__all__ = ["BLANK", "SMALL", "UNKNOWN", "figures", "nps_by", "nps_of", "voices"]

BLANK = "(未填)"  # a channel, segment or month that the export left empty
UNKNOWN = "(未知)"  # the stage of a row where nobody gave one and no tag betrays it
GROUPS = ("channel", "segment", "month")

POSITION = "voc_row"  # the position of a row, where a table brings it along
_MEMORY = "192MB"
_SQL_TYPES = {"score": "double", "at": "timestamp", "voc_tags": "struct(code varchar, polarity varchar)[]"}

Rows: TypeAlias = pa.Table | ds.Dataset

_COLUMNS = ("score", "stage", "channel", "segment", "at", "voc_sentiment", "voc_noise", "voc_tags")
_REQUIRED = ("voc_sentiment", "voc_tags")

#: One line per row. ``answer``: 1 promoter, 0 passive, -1 detractor, null for no score or one outside 0..10 (NaN too).
_COMMENT = f"""
create temp table comment as select
  rid,
  nullif(trim(stage::varchar), '') as said,
  coalesce(nullif(trim(channel::varchar), ''), '{BLANK}') as channel,
  coalesce(nullif(trim(segment::varchar), ''), '{BLANK}') as segment,
  coalesce(strftime("at"::timestamp, '%Y-%m'), '{BLANK}') as month,
  nullif(trim(voc_noise::varchar), '') as noise,
  case when noise is null then voc_sentiment::varchar end as sentiment,
  case when score >= 9 and score <= 10 then 1
       when score >= 0 and score <= 6 then -1
       when score > 6 and score < 9 then 0 end as answer,
  score is not null and not isnan(score::double) and answer is null as odd,
  case when noise is null then coalesce(len(voc_tags), 0) else 0 end as tags
from tagged"""

#: One line per tag of a row that was read; the tags of a noise row, should it have any, are not counted.
_TAG = """
create temp table tag as select rid, t.code as code, t.polarity as polarity
from (select rid, unnest(voc_tags) as t from tagged where nullif(trim(voc_noise::varchar), '') is null)"""

#: One line per row and code, where a code stands for itself and all below it (``lineage``: code -> up). An enum is
#: kept and grouped as a small number, which halves the time on a million rows.
_CODE = "create type code as enum (select distinct up from lineage order by up)"
_MENTION = f"""
create temp table mention as select rid, up::code as code, bool_or(polarity = '{NEGATIVE}') as neg,
  bool_or(polarity = '{NEUTRAL}') as neu, bool_or(polarity = '{POSITIVE}') as pos
from tag join lineage using (code) group by rid, up::code"""

#: One line per row and stage: its own stage, else the stages its tags' codes belong to, else unknown.
_PLACED = """
create temp table placed as
select rid, stage, false as inferred from comment join said_stage using (said)
union all
select distinct rid, stage, true from comment join tag using (rid) join code_stage using (code) where said is null"""
_UNPLACED = f"insert into placed select rid, '{UNKNOWN}', false from comment anti join placed using (rid)"

# count(*) filter, not count_if: the latter is null, not 0, where the condition is null for every row.
_NPS = "count(*) filter ({0}answer = 1), count(*) filter ({0}answer = 0), count(*) filter ({0}answer = -1)"
_ANSWERS = _NPS.format("")
_SENTIMENTS = ", ".join(f"count(*) filter (sentiment = '{name}')" for name in (POSITIVE, NEUTRAL, NEGATIVE))
_GROUP = f"count(*), count(*) filter (noise is null), {_SENTIMENTS}"

_VOICES = """
with said as (
  select rid, md5(text) as same, length(text) between 8 and 160 as readable from tagged where trim(text) <> ''
), told as (
  select code, stage, rid, same, readable, answer is not null as scored
  from mention join wanted using (code) join placed using (rid) join comment using (rid) join said using (rid)
  where neg qualify row_number() over (partition by code, stage, same order by rid) = 1
), dealt as (
  select *, row_number() over (partition by code, stage order by readable desc, scored desc, same, rid) as turn
  from told
), chosen as (
  select *, row_number() over (partition by code order by turn, same, stage) as place from dealt
)
select code, stage, rid from chosen where place <= $each or turn <= 2 order by code, place"""


def nps_of(table: Rows) -> Nps:
    """The NPS of all answers of a table."""
    with _folding(table) as con:
        return _nps(con)


def nps_by(table: Rows, by: str) -> tuple[Group, ...]:
    """The NPS and the sentiments by ``channel``, ``segment`` or ``month``; empty cells come last, as ``(未填)``."""
    with _folding(table) as con:
        return _groups(con, by)


def figures(
    table: Rows, frame: Codeframe, journey: str = "general", *, trend_codes: int = 8, spill: Path | None = None
) -> Figures:
    """Every journey figure of a tagged table.

    A row's stage is its own ``stage`` as the journey knows it (id, name or synonym; any other word is a stage of its
    own, after the known ones). A row without one takes the stages of its tags' codes, and counts once in each of them.
    ``trend`` covers the ``trend_codes`` finest codes with the most negative comments. ``spill`` is where rows beyond
    the memory allowed wait (default: the system's folder for temporary files). A frame without journeys takes
    every stage as the export names it; otherwise CodeframeError for an unknown ``journey``. InputError when
    a column is missing.
    """
    with _folding(table, spill=spill) as con:
        stages = _place(con, frame, journey)
        total = _nps(con)
        groups = {by: _groups(con, by) for by in GROUPS}
        codes = _codes(con, frame, total)
        often = sorted((code for code in codes if code.leaf and code.negative), key=lambda code: -code.negative)
        return Figures(
            totals=_totals(con),
            nps=total,
            stages=_stages(con, stages),
            channels=groups["channel"],
            segments=groups["segment"],
            months=groups["month"],
            codes=codes,
            heat=_cells(con, "stage"),
            trend=_cells(con, "month", [code.code for code in often[:trend_codes]]),
        )


def voices(
    table: Rows, frame: Codeframe, journey: str = "general", *, codes: Collection[str], each: int = 8
) -> tuple[Voice, ...]:
    """Which comments to show for the negative side of ``codes``.

    Per code up to ``each`` comments, dealt round the stages so that no stage speaks alone, and two for every stage and
    code in addition. Identical texts are shown once; a readable length and a score go first; ties fall by the MD5 of
    the text, which is as good as chance and the same on every run. Needs the ``text`` column; without it, no rows.
    """
    with _folding(table, also=("text",)) as con:
        _place(con, frame, journey)
        con.register("wanted", pa.table({"code": pa.array(list(codes), pa.string())}))
        return tuple(Voice(*row) for row in con.execute(_VOICES, {"each": each}).fetchall())


@contextmanager
def _folding(table: Rows, also: Collection[str] = (), spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    # Extensions are never fetched: a figure must not depend on the network.
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    try:
        # What is beyond the memory allowed goes to the disk (DuckDB makes the folder when it needs it, and removes it),
        # so that a million rows take hardly more than a few.
        con.execute(f"set memory_limit = '{_MEMORY}'")
        folder = spill or Path(gettempdir())
        con.execute("set temp_directory = $folder", {"folder": str(folder / f"vocnlp-{uuid4().hex}")})
        rows = _numbered(table, (*_COLUMNS, *also))
        con.register("given", rows)
        con.execute(_tagged(rows.schema, (*_COLUMNS, *also)))
        con.execute(_COMMENT)
        yield con
    finally:
        con.close()


def _numbered(table: Rows, columns: Collection[str]) -> Rows:
    """The columns needed and ``voc_row``, the position of each row; a table that brings its own is left where it is.

    The position is added here and not by ``row_number()`` in SQL, because several scans must agree on it.
    """
    have = table.schema.names
    for name in _REQUIRED:
        if name not in have:
            raise InputError("the table has no such column", column=name, hint="score the comments first: vocnlp score")
    if POSITION in have:
        return table
    kept = [name for name in columns if name in have]
    picked = table.select(kept) if isinstance(table, pa.Table) else table.to_table(columns=kept)
    return picked.append_column(POSITION, pa.array(np.arange(picked.num_rows)))


def _tagged(schema: pa.Schema, columns: Collection[str]) -> str:
    """A view of the columns needed; those that are absent are null."""
    have = {field.name for field in schema if field.type != pa.null()}
    nothing = {name: f"null::{_SQL_TYPES.get(name, 'varchar')} as {name}" for name in columns}
    chosen = [f'"{name}"' if name in have else nothing[name] for name in columns]
    return f"create temp view tagged as select {POSITION} as rid, {', '.join(chosen)} from given"


def _place(con: duckdb.DuckDBPyConnection, frame: Codeframe, journey: str) -> dict[str, str]:
    """Makes the tables of tags, mentions and stages; returns the journey's stages, id to name, in order."""
    con.execute(_TAG)
    known = frame.journey(journey) if frame.journeys else None
    said = _column(con, "select distinct said from comment where said is not null")
    stage_of = {word: stage.id for word in said if known and (stage := known.stage_of(word))}
    tagged = _column(con, "select distinct code from tag")
    lineage = [(code, up.id) for code in tagged if code in frame for up in frame.path(code)]
    lineage += [(code, code) for code in tagged if code not in frame]
    homes = [(code, home) for code in tagged if code in frame and (home := _home(frame, code, journey))]
    con.register("said_stage", _pairs("said", "stage", [(word, stage_of.get(word, word)) for word in said]))
    con.register("lineage", _pairs("code", "up", lineage))
    con.register("code_stage", _pairs("code", "stage", homes))
    for statement in (_CODE, _MENTION, _PLACED, _UNPLACED):
        con.execute(statement)
    return {stage.id: stage.name for stage in known.stages} if known else {}


def _home(frame: Codeframe, code: str, journey: str) -> str | None:
    """The stage where a code usually happens; one that names none happens where its parent does."""
    return next((step.stage[journey] for step in reversed(frame.path(code)) if journey in step.stage), None)


def _nps(con: duckdb.DuckDBPyConnection) -> Nps:
    return Nps(*_rows(con, f"select {_ANSWERS} from comment")[0])


def _totals(con: duckdb.DuckDBPyConnection) -> Totals:
    kinds = "select noise, count(*) from comment where noise is not null group by noise order by 2 desc, 1"
    tags = "count(*) filter (tags > 0), coalesce(sum(tags), 0)::bigint, count(*) filter (odd)"
    counts = _rows(con, f"select {_GROUP}, {tags} from comment")[0]
    inferred = _rows(con, "select count(distinct rid) from placed where inferred")[0][0]
    staged = _rows(con, "select count(*) from comment where said is not null")[0][0]
    rows, comments, positive, neutral, negative, tagged, given, odd = counts
    noise = dict(_rows(con, kinds))
    return Totals(rows, comments, noise, positive, neutral, negative, tagged, given, odd, staged, inferred)


def _groups(con: duckdb.DuckDBPyConnection, by: str) -> tuple[Group, ...]:
    if by not in GROUPS:
        raise ValueError(f"by must be one of {', '.join(GROUPS)}, not {by!r}")
    order = by if by == "month" else f"count(*) desc, {by}"
    query = f"select {by}, {_GROUP}, 0, {_ANSWERS} from comment group by {by} order by {by} = '{BLANK}', {order}"
    return tuple(_group(row[0], row[0], *row[1:]) for row in _rows(con, query))


def _stages(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> tuple[Group, ...]:
    query = f"""select stage, {_GROUP}, count(*) filter (inferred), {_ANSWERS}
      from placed join comment using (rid) group by stage"""
    groups = [_group(row[0], names.get(row[0], row[0]), *row[1:]) for row in _rows(con, query)]
    order = {key: place for place, key in enumerate(names)}
    return tuple(sorted(groups, key=lambda g: (g.key == UNKNOWN, order.get(g.key, len(order)), -g.rows, g.key)))


def _group(key: str, name: str, *counts: int) -> Group:
    rows, comments, positive, neutral, negative, inferred, *answers = counts
    return Group(key, name, rows, comments, positive, neutral, negative, inferred, Nps(*answers))


def _codes(con: duckdb.DuckDBPyConnection, frame: Codeframe, total: Nps) -> tuple[CodeFigures, ...]:
    query = f"""select code, count(*), count(*) filter (pos), count(*) filter (neu), count(*) filter (neg),
      {_ANSWERS}, {_NPS.format("neg and ")}, (select count(*) filter (noise is null) from comment)
      from mention join comment using (rid) group by code"""
    rows = _rows(con, query)
    parents = {frame[row[0]].parent for row in rows if row[0] in frame}
    codes = []
    for code, mentions, positive, neutral, negative, *answers, comments in rows:
        known = code in frame
        every, pain = Nps(*answers[:3]), Nps(*answers[3:])
        codes.append(
            CodeFigures(
                code=code,
                name=frame[code].name if known else code,
                parent=frame[code].parent if known else None,
                depth=len(frame.path(code)) - 1 if known else 0,
                known=known,
                leaf=code not in parents,
                mentions=mentions,
                share=mentions / comments,
                positive=positive,
                neutral=neutral,
                negative=negative,
                every=Impact(every, total - every),
                pain=Impact(pain, total - pain),
            )
        )
    return tuple(sorted(codes, key=_dearest))


def _dearest(code: CodeFigures) -> tuple[bool, float, int, str]:
    points = code.pain.points
    return (points is None, points or 0.0, -code.negative, code.code)


def _cells(con: duckdb.DuckDBPyConnection, by: str, codes: Sequence[str] | None = None) -> tuple[Cell, ...]:
    joined = "mention join comment using (rid)" + (" join placed using (rid)" if by == "stage" else "")
    whole = "comment join placed using (rid)" if by == "stage" else "comment"
    query = f"""
      with whole as (select {by} as grp, count(*) filter (noise is null) as comments from {whole} group by {by})
      select {by}, code, count(*), count(*) filter (neg), count(*) filter (neg) / any_value(comments),
        {_NPS.format("neg and ")} from {joined} join whole on {by} = grp
      where $codes is null or list_contains($codes, code) group by {by}, code order by {by}, code"""
    rows = con.execute(query, {"codes": None if codes is None else list(codes)}).fetchall()
    return tuple(Cell(grp, code, every, neg, share, Nps(*nps)) for grp, code, every, neg, share, *nps in rows)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def _column(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return sorted(row[0] for row in con.execute(query).fetchall())


def _pairs(left: str, right: str, rows: Sequence[tuple[str, str]]) -> pa.Table:
    schema = pa.schema([(left, pa.string()), (right, pa.string())])
    return pa.Table.from_pylist([{left: a, right: b} for a, b in rows], schema)
