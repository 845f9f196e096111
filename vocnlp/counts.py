"""A tagged table, folded once; and the counts that the analyses ask of it.

Who is counted where (rows, comments, answers; a row's stage; a code with all below it) is decided in ``folding``, and
this room takes it from there. Scores, drivers, cross-tabs, trends, the journey map and peak-end get numbers from here
and hold no SQL of their own: ``with folded(table, frame) as rows: crosstab(rows, by="segment")``.
"""
# ruff: noqa: S608 - what is put into SQL here are constants and quoted column names that were looked up before

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .codeframe import Codeframe
from .errors import CodeframeError, InputError
from .folding import ANSWERS, BLANK, COLUMNS, PARTS, SENTIMENTS, UNKNOWN, Rows, build, check_times, folding, stages_of
from .records import NEGATIVE, NEUTRAL, POSITIVE

MENTION = "mention"  # a comment that carries a code, however it is meant
SIDES = {NEGATIVE: "neg", POSITIVE: "pos", MENTION: "true"}
_MEMORY = "512MB"  # what a million rows with their tags and mentions need, without a way to the disk and back
PERIODS = ("day", "week", "month", "quarter", "year")

_NAMED = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}
_GIVEN = f"(select rid, stage from placed where not inferred and stage <> '{UNKNOWN}')"

#: The conditions of +1 and of -1; ``net`` takes what a comment means in one way only.
_BITS = {
    "net": ("pos and not neg", "neg and not pos"),
    **{side: (condition, "false") for side, condition in SIDES.items()},
}

#: The overall answer is a customer's last score; the moments are the rows with a value before it. Windows and not
#: arg_max, which keeps the whole key of every customer in memory.
_PATHS = """
create or replace temp table path as with step as (
  select who, moment, rid, score, {value} as value
  from person join clock using (rid) join comment using (rid) where who is not null
), whole as (
  select who, score as overall, moment as ended from step where score is not null
  qualify row_number() over (partition by who order by moment desc, rid desc) = 1
), told as (
  select who, overall, rid, value, row_number() over (partition by who order by moment desc, rid desc) as back,
    row_number() over (partition by who order by abs(value - {middle}) desc, value, moment, rid) as place
  from step join whole using (who) where value is not null and moment < ended
), walked as (
  select who, any_value(overall) as overall, count(*) as moments, avg(value) as mean, min(value) as worst,
    max(value) as best, max(value) filter (place = 1) as peak, max(rid) filter (place = 1) as peak_rid,
    max(value) filter (back = 1) as last, max(rid) filter (back = 1) as last_rid
  from told group by who
), standing as (
  select rid, case when count(*) = 1 then min(stage) else '{unknown}' end as at_stage
  from placed where rid in (select peak_rid from walked union all select last_rid from walked) group by rid
)
select who, overall, moments, mean, worst, best, peak, there.at_stage as peak_stage, last,
  here.at_stage as last_stage, peak_rid, last_rid
from walked join standing there on peak_rid = there.rid join standing here on last_rid = here.rid"""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Equal answers taken together. ``marks``: [pattern, code] of -1, 0, 1; ``score`` and ``times``: [pattern]."""

    marks: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Folded:
    """The rows of one table, counted by whatever is asked. ``stages``: the journey's, id to name. ``told``: asked before.

    A dimension is ``channel``, ``segment``, ``stage`` (a row may stand in several), ``given_stage`` (only where the
    row itself names one), ``code``, a period of ``PERIODS``, or a column named in ``also``.
    """

    bare: duckdb.DuckDBPyConnection
    frame: Codeframe
    journey: str
    stages: Mapping[str, str]
    also: tuple[str, ...] = ()
    told: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict, repr=False, compare=False)
    built: set[str] = field(default_factory=set, repr=False, compare=False)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The database with all of its parts; ``bare`` has those that were needed so far: one figure needs few."""
        self._build(PARTS if self.also else PARTS[:-1])
        return self.bare

    def keep(self, dimension: str, keys: Collection[str]) -> None:
        """From here on only rows that stand under one of these keys are counted."""
        key, join = self._dimension(dimension)
        kept = f"select rid from comment {join} where list_contains($keys, {key})"
        self._rows(f"delete from comment where rid not in ({kept})", {"keys": list(keys)})
        self.told.clear()

    def answers(self, by: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """(key per dimension, rows, scores outside 0..10, promoters, passives, detractors)."""
        return self._by(by, f"count(*), count(*) filter (odd), {ANSWERS}")

    def sentiments(self, by: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """(key per dimension, rows, positive, neutral, negative comments)."""
        return self._by(by, f"count(*), {SENTIMENTS}")

    def values(self, column: str, by: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """(key per dimension, number or None, whether something is written there, rows) for a column of answers."""
        cell = self._also(column)
        number = f"case when not isnan(try_cast({cell} as double)) then try_cast({cell} as double) end"
        written = f"{cell} is not null and trim({cell}::varchar) not in ('', 'nan')"
        return self._by(by, f"{number}, {written}, count(*)", also="join extra using (rid)")

    def sizes(self, by: str) -> dict[str, int]:
        """Comments per group."""
        return {key: count for key, count in self._by([by], "count(*) filter (noise is null)") if count}

    def mentions(self, by: str, side: str = NEGATIVE) -> dict[tuple[str, str], int]:
        """Comments per group and code that mean the code on this side."""
        found = self._by([by, "code"], f"count(*) filter ({_side(side)})")
        return {(group, code): count for group, code, count in found if count}

    def pains(self, by: Sequence[str]) -> list[tuple[Any, ...]]:
        """(key per dimension, code, comments that mean it negatively)."""
        return [row for row in self._by([*by, "code"], "count(*) filter (neg)") if row[-1]]

    def codes(self) -> dict[str, int]:
        """Every code that occurs, rolled up, with its comments."""
        return {str(code): count for code, count in self._by(["code"], "count(*)")}

    def known(self, codes: Sequence[str] | None = None) -> list[str]:
        """The codes asked for, or else the finest that occur; CodeframeError for one that nobody knows."""
        occurring = self.codes()
        if not codes:
            parents = {self.frame[code].parent for code in occurring if code in self.frame}
            return sorted(set(occurring) - parents)
        for code in codes:
            if code not in self.frame and code not in occurring:
                raise CodeframeError(f"codeframe {self.frame.name} has no code {code!r}, and no comment carries it")
        return list(dict.fromkeys(codes))

    def code_name(self, code: str) -> str:
        """The codeframe's name of a code, also where a stage has the same id; any other word stands for itself."""
        return self.frame[code].name if code in self.frame else code

    def stage_name(self, stage: str) -> str:
        """The journey's name of a stage; any other word stands for itself."""
        return self.stages.get(stage, stage)

    def undated(self) -> int:
        """Comments without a time."""
        query = "select count(*) filter (noise is null) from comment anti join clock using (rid)"
        return int(self._rows(query)[0][0])

    def daily(self, of: str, side: str = NEGATIVE) -> tuple[dict[str, dict[date, int]], dict[str, dict[date, int]]]:
        """Counts, and the comments they are a share of, per key and day. ``of`` code: comments that mean it on this
        side, of all comments of the day (under the key ""). ``of`` stage: comments of that sentiment, of the stage's
        comments of the day.
        """
        if of == "code":
            counts = f"code, moment::date, count(*) filter ({_side(side)}) from mention join clock using (rid)"
            bases = "'', moment::date, count(*) filter (noise is null) from comment join clock using (rid)"
        elif of == "stage" and side != MENTION and _side(side):
            joined = "from placed join comment using (rid) join clock using (rid)"
            counts = f"stage, moment::date, count(*) filter (sentiment = '{side}') {joined}"
            bases = f"stage, moment::date, count(*) filter (noise is null) {joined}"
        else:
            raise ValueError(f"of must be code (any side) or stage (negative, positive), not {of!r} ({side})")
        return self._days(counts), self._days(bases)

    def carriers(self, side: str) -> dict[str, int]:
        """Answers with a comment, per code that the comment means on this side (``net``: in one way only)."""
        up, down = _BITS[side]
        query = f"select code, count(*) from mention join comment using (rid) where answer is not null and ({up} or {down}) group by code"
        return {str(code): count for code, count in self._rows(query)}

    def patterns(self, codes: Sequence[str], side: str, *, points: bool) -> Patterns:
        """What the answers with a comment say of at most 62 ``codes``; ``points``: the score as -100, 0, 100."""
        bits = pa.table({"name": pa.array(codes, pa.string()), "bit": pa.array([1 << at for at in range(len(codes))])})
        self.con.register("bits", bits)
        up, down = _BITS[side]
        query = f"""
          with said as (
            select rid, bit_or(bit) filter ({up}) as up, bit_or(bit) filter ({down}) as down
            from mention join bits on code::varchar = name group by rid
          ) select coalesce(up, 0), coalesce(down, 0), {"100 * answer" if points else "score"}, count(*)
          from comment join person using (rid) left join said using (rid)
          where answer is not null and noise is null group by all order by all"""
        rows = self.con.execute(query).fetchall()
        self.con.unregister("bits")
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        ups, downs = (table[:, at].astype(np.int64)[:, None] >> np.arange(len(codes)) & 1 for at in (0, 1))
        return Patterns((ups - downs).astype(np.float64), table[:, 2], table[:, 3].astype(np.int64))

    def persons(self) -> int:
        """Rows with a customer and a time."""
        return int(self._rows("select count(who) from person join clock using (rid)")[0][0])

    def paths(self, *, scores: bool) -> list[npt.NDArray[Any]]:
        """The columns of ``peak_end.Path``, a row per customer with a final score and moments before it."""
        mood = f"(case sentiment when '{POSITIVE}' then 1.0 when '{NEGATIVE}' then -1.0 when '{NEUTRAL}' then 0.0 end)::double"
        value, middle = ("score", 5.0) if scores else (mood, 0.0)
        self.con.execute(_PATHS.format(value=value, middle=middle, unknown=UNKNOWN))
        found = self.con.execute("select * exclude (peak_rid, last_rid) from path order by who").fetchnumpy()
        return [np.asarray(column) for column in found.values()]

    def turns(self, middle: float = 0.0, each: int = 6) -> list[tuple[str, str, list[int]]]:
        """(peak or end, stage, some rows where it was a bad one), of the ``paths`` with two moments asked for last."""
        some = "select '{0}', {1}_stage, min({1}_rid, {3}) from path where moments > 1 and {1} < {2} group by all"
        both = (some.format(kind, name, middle, each) for kind, name in (("peak", "peak"), ("end", "last")))
        return self.con.execute(f"{' union all '.join(both)} order by all").fetchall()

    def _by(self, by: Sequence[str], figures: str, also: str = "") -> list[tuple[Any, ...]]:
        dimensions = [self._dimension(name) for name in by]
        joins = " ".join(dict.fromkeys([*(join for _, join in dimensions), also]))
        wanted = ", ".join([*(key for key, _ in dimensions), figures])
        return self._rows(f"select {wanted} from comment {joins} group by all")

    def _dimension(self, name: str) -> tuple[str, str]:
        """The expression of a dimension's key, and the join that brings it."""
        if name in ("channel", "segment"):
            return f"comment.{name}", ""
        if name in ("stage", "given_stage"):
            return "placed.stage", f"join {'placed' if name == 'stage' else _GIVEN + ' as placed'} using (rid)"
        if name == "code":
            return "mention.code::varchar", "join mention using (rid)"
        if name in PERIODS:
            quarter = "year(moment) || '-Q' || quarter(moment)"
            label = f"strftime(moment, '{_NAMED[name]}')" if name in _NAMED else quarter
            return f"coalesce({label}, '{BLANK}')", "left join clock using (rid)"
        return f"coalesce(nullif(trim({self._also(name)}::varchar), ''), '{BLANK}')", "join extra using (rid)"

    def _also(self, name: str) -> str:
        if name not in self.also:
            known = ("channel", "segment", "stage", "code", *PERIODS, *self.also)
            hint = f"known here: {', '.join(known)}; others: folded(..., also=[...])"
            raise InputError("no such dimension", column=name, hint=hint)
        return f"extra.c{self.also.index(name)}"

    def _days(self, query: str) -> dict[str, dict[date, int]]:
        found: dict[str, dict[date, int]] = {}
        for key, day, count in self._rows(f"select {query} group by all order by all"):
            if count:
                found.setdefault(str(key), {})[day] = count
        return found

    def _rows(self, query: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        if query not in self.told:
            self._build([part for part in PARTS if re.search(rf"\b{part}\b", query)])
            self.told[query] = self.bare.execute(query, given).fetchall()
        return self.told[query]

    def _build(self, parts: Sequence[str]) -> None:
        wanted = {*parts, *(("tag",) if {"mention", "placed"} & {*parts} else ())}
        for part in PARTS:
            if part in wanted and part not in self.built:
                build(self.bare, part, self.frame, journey=self.journey, extra=self.also)
                self.built.add(part)


@contextmanager
def folded(
    table: Rows,
    frame: Codeframe,
    journey: str = "general",
    *,
    also: Collection[str] = (),
    texts: bool = False,
    spill: Path | None = None,
    memory: str = _MEMORY,
) -> Iterator[Folded]:
    """Fold a tagged table (schema ``records.TAGGED``) for as many questions as are asked inside the ``with``.

    ``also`` names further columns to group by or to read answers from; ``texts`` keeps the comments at hand. Times are
    taken by the clock of their zone. InputError for no such column or times, CodeframeError for no such ``journey``.
    """
    extra = tuple(dict.fromkeys(also))
    for name in extra:
        if name not in table.schema.names or '"' in name:
            raise InputError("the table has no such column", column=name, hint=", ".join(table.schema.names))
    beside = [name for name in ("customer", *extra) if name not in COLUMNS and name in table.schema.names]
    check_times(table.schema)
    wanted = dict.fromkeys([*beside, "customer", *(["text"] * texts)])
    with folding(table, also=tuple(wanted), spill=spill, memory=memory) as con:
        yield Folded(con, frame, journey, stages_of(frame, journey), extra)


def _side(side: str) -> str:
    if side not in SIDES:
        raise ValueError(f"side must be one of {', '.join(SIDES)}, not {side!r}")
    return SIDES[side]
