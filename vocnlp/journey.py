"""Folds tagged rows into the journey figures: NPS, stages, what each code costs, trends.

SQL by DuckDB over Arrow; pure functions of a table in the schema ``records.TAGGED``. The values and their definitions
are in ``figures``, who is counted where in ``folding``.
"""
# ruff: noqa: S608 - what is put into SQL here are constants of this module; words from outside travel as parameters

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .codeframe import Codeframe
from .figures import Cell, CodeFigures, Figures, Group, Impact, Nps, Totals, Voice
from .folding import ANSWERS, BLANK, NPS, SENTIMENTS, UNKNOWN, Rows, folding, place

GROUPS = ("channel", "segment", "month")

_GROUP = f"count(*), count(*) filter (noise is null), {SENTIMENTS}"

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
    with folding(table) as con:
        return _nps(con)


def nps_by(table: Rows, by: str) -> tuple[Group, ...]:
    """The NPS and the sentiments by ``channel``, ``segment`` or ``month``; empty cells come last, as ``(未填)``."""
    with folding(table) as con:
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
    with folding(table, spill=spill) as con:
        stages = place(con, frame, journey)
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
    with folding(table, also=("text",)) as con:
        place(con, frame, journey)
        con.register("wanted", pa.table({"code": pa.array(list(codes), pa.string())}))
        return tuple(Voice(*row) for row in con.execute(_VOICES, {"each": each}).fetchall())


def _nps(con: duckdb.DuckDBPyConnection) -> Nps:
    return Nps(*_rows(con, f"select {ANSWERS} from comment")[0])


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
    query = f"select {by}, {_GROUP}, 0, {ANSWERS} from comment group by {by} order by {by} = '{BLANK}', {order}"
    return tuple(_group(row[0], row[0], *row[1:]) for row in _rows(con, query))


def _stages(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> tuple[Group, ...]:
    query = f"""select stage, {_GROUP}, count(*) filter (inferred), {ANSWERS}
      from placed join comment using (rid) group by stage"""
    groups = [_group(row[0], names.get(row[0], row[0]), *row[1:]) for row in _rows(con, query)]
    order = {key: place for place, key in enumerate(names)}
    return tuple(sorted(groups, key=lambda g: (g.key == UNKNOWN, order.get(g.key, len(order)), -g.rows, g.key)))


def _group(key: str, name: str, *counts: int) -> Group:
    rows, comments, positive, neutral, negative, inferred, *answers = counts
    return Group(key, name, rows, comments, positive, neutral, negative, inferred, Nps(*answers))


def _codes(con: duckdb.DuckDBPyConnection, frame: Codeframe, total: Nps) -> tuple[CodeFigures, ...]:
    query = f"""select code, count(*), count(*) filter (pos), count(*) filter (neu), count(*) filter (neg),
      {ANSWERS}, {NPS.format("neg and ")}, (select count(*) filter (noise is null) from comment)
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
        {NPS.format("neg and ")} from {joined} join whole on {by} = grp
      where $codes is null or list_contains($codes, code) group by {by}, code order by {by}, code"""
    rows = con.execute(query, {"codes": None if codes is None else list(codes)}).fetchall()
    return tuple(Cell(grp, code, every, neg, share, Nps(*nps)) for grp, code, every, neg, share, *nps in rows)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()
