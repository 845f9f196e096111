"""Folds tagged rows into the journey figures: NPS, stages, what each code costs, trends.

SQL by DuckDB over Arrow; pure functions of a table in the schema ``records.TAGGED``. The values and their definitions
are in ``figures``, who is counted where in ``folding``.
"""
# ruff: noqa: S608 - what is put into SQL here are constants of this module; words from outside travel as parameters

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .codeframe import Codeframe
from .figures import Cell, CodeFigures, Figures, Group, Impact, Nps, Totals
from .folding import ANSWERS, BLANK, NPS, SENTIMENTS, UNKNOWN, Rows, folding, place

GROUPS = ("channel", "segment", "month")

_GROUP = f"count(*), count(*) filter (noise is null), {SENTIMENTS}"

#: One line per comment that can be shown. ``turn``: a readable length and a score go first, then as good as chance (MD5),
#: and the same on every run; equal texts are spread by their place, times Knuth's multiplier (TAOCP 3, 6.4).
_TOLD = """
create or replace temp table told as select rid, day, mood, same,
  first * 4611686018427387904::ubigint
    + xor(same // 4::ubigint, rid::ubigint * 2654435761 % 4294967296 * 1073741824) as turn
from (
  select rid, "at"::date as day, sentiment as mood, md5_number_lower(text) as same,
    (case when length(text) between 8 and 160 then 0 else 2 end + case when answer is null then 1 else 0 end)::ubigint as first
  from tagged join comment using (rid) where trim(text) <> '' and noise is null
)"""

#: What has verbatims of its own: (keys, joins, condition, how many). Every cell, bar and point of the report is one.
_SIDE = "case when neg then 'n' when pos then 'p' else 'u' end"
_SAID = "mention join told using (rid) join comment using (rid)"
_SHOWN = "neg and list_contains($codes, code::varchar)"
_SAMPLES = (
    (f"code, {_SIDE}", _SAID, "true", 8),
    ("code, stage", f"{_SAID} join placed using (rid)", _SHOWN, 2),
    ("code, channel", _SAID, _SHOWN, 2),
    ("code, segment", _SAID, _SHOWN, 2),
    ("code, date_trunc($every, day)", _SAID, "neg and list_contains($lines, code::varchar)", 2),
    ("code, day >= $since::date", _SAID, _SHOWN, 3),
    ("mood, stage, channel", "told join comment using (rid) join placed using (rid)", "true", 2),
    ("stage, date_trunc($every, day)", "told join placed using (rid)", "mood = 'negative'", 2),
    ("stage, day >= $since::date", "told join placed using (rid)", "mood = 'negative'", 3),
    ("mood, segment", "told join comment using (rid)", "true", 3),
    ("mood, month", "told join comment using (rid)", "true", 2),
)


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
        return figures_in(con, place(con, frame, journey), frame, trend_codes=trend_codes)


def figures_in(
    con: duckdb.DuckDBPyConnection, stages: Mapping[str, str], frame: Codeframe, *, trend_codes: int = 8
) -> Figures:
    """``figures`` of a table that is folded already, with its ``stages`` placed."""
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


def samples(
    con: duckdb.DuckDBPyConnection,
    *,
    codes: Sequence[str],
    lines: Sequence[str],
    every: str,
    since: date | None,
    also: Sequence[int] = (),
) -> dict[int, tuple[str, ...]]:
    """Rows to show, each with its stages: some of every code and side, and of whatever can be pointed at.

    ``codes``: those with a cell of their own by stage, channel, segment and before or ``since`` a date; ``lines``: those
    with a point of their own ``every`` week or month. The folding must hold the column ``text``; rows with none are
    not shown. Of equal texts a cell shows one. ``also``: rows wanted in any case.
    """
    con.execute(_TOLD)
    given = {"codes": list(codes), "lines": list(lines), "every": every, "since": since}
    cells: list[tuple[int, list[int]]] = [(1, [row]) for row in also]
    for keys, joins, condition, each in _SAMPLES:
        # Three times as many as needed, because some texts are the same.
        query = f"select min_by(rid, turn, {3 * each}) from {joins} where {condition} group by {keys}"
        used = {name: value for name, value in given.items() if f"${name}" in query}
        if "since" in used and since is None:
            continue
        cells += [(each, rows) for (rows,) in con.execute(query, used).fetchall()]
    return _different(con, cells)


def _different(con: duckdb.DuckDBPyConnection, cells: Sequence[tuple[int, list[int]]]) -> dict[int, tuple[str, ...]]:
    """The first rows of every cell that say different things, in the order of the table, with their stages."""
    con.register("shown", pa.table({"rid": pa.array(sorted({row for _, rows in cells for row in rows}), pa.int64())}))
    same = dict(_rows(con, "select rid, same from told join shown using (rid)"))
    kept: set[int] = set()
    for each, rows in cells:
        first: dict[int, int] = {}
        for row in rows:
            first.setdefault(same.get(row, row), row)
        kept |= set(list(first.values())[:each])
    stages = "select rid, list(stage order by stage) from placed join shown using (rid) group by rid order by rid"
    placed = _rows(con, stages)
    return {row: tuple(stages) for row, stages in placed if row in kept}


def _nps(con: duckdb.DuckDBPyConnection) -> Nps:
    return Nps(*_rows(con, f"select {ANSWERS} from comment")[0])


def _totals(con: duckdb.DuckDBPyConnection) -> Totals:
    kinds = "select noise, count(*) from comment where noise is not null group by noise order by 2 desc, 1"
    tags = "(select count(distinct rid) from tag), (select count(*) from tag), count(*) filter (odd)"
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


def _stages(con: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> tuple[Group, ...]:
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
