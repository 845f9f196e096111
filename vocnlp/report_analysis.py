"""Everything the report tells of a table, asked of one fold: figures, analyses, and which comments stand for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from .before_after import Effect, effect
from .codeframe import Codeframe
from .counts import Folded, folded
from .crosstabs import Crosstab, crosstab
from .drivers import Drivers, drivers
from .errors import InputError, MissingExtraError
from .figures import SMALL, Figures
from .folding import UNKNOWN, Rows
from .forecast import Forecast, forecast
from .gaps import Attribute, Gap, gaps
from .journey import figures_in, samples
from .journey_map import JourneyMap, journey_map
from .matrix import Matrix, matrix_of
from .peak_end import PeakEnd, paths, peak_end
from .records import NEGATIVE
from .scores import Ces, Csat, Scored, ces, csat
from .trends import Changes, Line, Trend, changes, span, trend, within

# Bars, rows, lines and columns that a reader can still take in at one glance.
PAINS, CODES, LINES, GROUPS, STAGES = 15, 12, 6, 12, 8
_LONGEST = 3 * 366  # days of a trend; a stray date such as 1970 lies before them
_WEEKLY = 400  # days up to which a trend is weekly, where the weeks have comments enough
_LATELY = 30  # days that are compared with the time before, where no date is given
_MANY = 50_000  # answers from which on fewer resamples do: the intervals are narrow, and each resample is dear
_MEMORY = "1GB"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Moves:
    """What moved over the time. ``since`` is the date of an action, where one was given; ``every``: week or month.

    ``stages`` and ``stage_changes``: the negative comments of each stage, as a share of the stage's own comments.
    """

    every: str
    trend: Trend
    stages: Trend
    forecasts: tuple[Forecast, ...]
    changes: Changes | None
    stage_changes: Changes | None
    effects: tuple[Effect, ...]
    since: date | None

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.trend.lines


@dataclass(frozen=True, slots=True)
class Asked(Generic[Value]):
    """A question beside the NPS, satisfaction or effort: its figure over all answers, and by stage."""

    total: Scored[Value]
    stages: tuple[Scored[Value], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows that the page shows: row -> stages, and row -> what it was a turn of, as ``peak:STAGE``."""

    stages: Mapping[int, tuple[str, ...]]
    turns: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All of it. What could not be had is None or empty, and ``missing`` says why, in Chinese."""

    figures: Figures
    drivers: Drivers
    matrix: Matrix
    map: JourneyMap
    crosstabs: Mapping[str, Crosstab]
    moves: Moves | None
    peak_end: PeakEnd | None
    gaps: tuple[Gap, ...]
    csat: Asked[Csat] | None
    ces: Asked[Ces] | None
    sample: Sample
    missing: Mapping[str, str]


def analyse(
    table: Rows,
    frame: Codeframe,
    journey: str = "general",
    *,
    since: date | None = None,
    ratings: Iterable[Attribute] = (),
    spill: Path | None = None,
) -> Analysis:
    """Fold a tagged table (schema ``records.TAGGED``) once and ask it everything.

    ``since``: the day of an action whose effect is asked for; InputError where it has no comment on one side.
    ``ratings``: for the satisfaction gaps. Other errors as ``counts.folded`` raises them.
    """
    missing: dict[str, str] = {}
    also = [name for name in ("csat", "ces") if name in table.schema.names]
    with folded(table, frame, journey, also=also, texts=True, spill=spill, memory=_MEMORY) as rows:
        figures = figures_in(rows.con, rows.stages, frame, trend_codes=LINES)
        found = drivers(rows, resamples=500 if figures.nps.n < _MANY else 200)
        moves = _moves(rows, often(figures)[:LINES], since=since, missing=missing)
        walked = _walked(rows, missing)
        crossed = _crossed(rows, figures, missing)
        sample = _sample(rows, figures, crossed=crossed, moves=moves, walked=walked is not None)
        return Analysis(
            figures=figures,
            drivers=found,
            matrix=matrix_of(found, figures.codes),
            map=journey_map(rows),
            crosstabs=crossed,
            moves=moves,
            peak_end=walked,
            gaps=gaps(ratings),
            csat=_asked(rows, "csat", csat, missing),
            ces=_asked(rows, "ces", ces, missing),
            sample=sample,
            missing=missing,
        )


def _asked(
    rows: Folded, name: str, figure: Callable[..., tuple[Scored[Value], ...]], missing: dict[str, str]
) -> Asked[Value] | None:
    """None without a single answer; where all answers are off the scale, the page says so."""
    if name not in rows.also or not any(value is not None for value, *_ in rows.values(name)):
        return None
    try:
        return Asked(figure(rows, name)[0], figure(rows, name, by=("stage",)))
    except InputError as error:
        missing[name] = f"{name.upper()} 没有一条回答在量表之内（{error.value}）。"
        return None


def often(figures: Figures) -> list[str]:
    """The finest codes with negative comments, commonest first."""
    leaves = (code for code in figures.codes if code.leaf and code.negative)
    return [code.code for code in sorted(leaves, key=lambda code: (-code.negative, code.code))]


def pains(figures: Figures) -> tuple[list[str], bool]:
    """The codes of the ranking, and whether they stand by what they cost.

    The finest codes; where none of them has enough answers, the broadest; by their number where these have not, either.
    """
    priced = [code for code in figures.codes if not code.pain.small and (code.pain.points or 0.0) < 0]
    costly = [code.code for code in priced if code.leaf] or [code.code for code in priced if code.depth == 0]
    return (costly or often(figures))[:PAINS], bool(costly)


def _crossed(rows: Folded, figures: Figures, missing: dict[str, str]) -> dict[str, Crosstab]:
    found = {}
    for by, name, groups in (("channel", "渠道", figures.channels), ("segment", "客群", figures.segments)):
        if not often(figures):
            missing[by] = "没有读到指向具体问题的负面评论。"
        elif len(groups) < 2:
            missing[by] = f"数据没有区分{name}。"
        else:
            found[by] = crosstab(rows, by, codes=often(figures)[:PAINS], most=GROUPS)
    return {by: table for by, table in found.items() if len(table.groups) > 1}


def _moves(rows: Folded, codes: Sequence[str], *, since: date | None, missing: dict[str, str]) -> Moves | None:
    try:
        bases = rows.daily("code")[1]
        first, last = span(bases, start=None, end=None)
    except InputError:
        if since:
            raise
        missing["moves"] = "数据没有日期，看不出走势，也无从比较措施前后。"
        return None
    if not codes:
        missing["moves"] = "没有读到指向具体问题的负面评论，没有走势可看。"
        return None
    start = max(first, last - timedelta(_LONGEST))
    weeks = (last - start).days / 7
    often_enough = within(bases[""], start, last) >= SMALL * weeks
    every = "week" if 7 * weeks <= _WEEKLY and often_enough else "month"
    lines, stages = trend(rows, every=every, keys=codes, start=start), _stages(rows, every, start)
    split = since or _lately(start, last)
    changed = changes(rows, split, start=start) if split else None
    moved = changes(rows, split, of="stage", start=start, keys=_places(rows)) if split and stages.lines else None
    if changed is None:
        missing["changes"] = "全部评论都在同一天，没有前后可比。"
    effects = _effects(rows, codes, since=since, start=start, missing=missing) if since else ()
    return Moves(every, lines, stages, _forecasts(lines.lines, missing), changed, moved, effects, since)


def _places(rows: Folded) -> list[str]:
    """The stages that a dated comment stands in; where nobody knows the stage, there is none to look at."""
    return [stage for stage in rows.daily("stage")[1] if stage != UNKNOWN]


def _stages(rows: Folded, every: str, start: date) -> Trend:
    """The stages with the most negative comments."""
    places = _places(rows)
    if not places:
        return Trend(NEGATIVE, (), rows.undated())
    found = trend(rows, of="stage", every=every, keys=places, start=start)
    return replace(found, lines=tuple(line for line in found.lines if line.count)[:STAGES])


def _lately(first: date, last: date) -> date | None:
    """The first day of the last thirty, or of the later half of a short time."""
    days = (last - first).days
    return last - timedelta(min(_LATELY, (days + 1) // 2) - 1) if days else None


def _forecasts(lines: Sequence[Line], missing: dict[str, str]) -> tuple[Forecast, ...]:
    try:
        return tuple(forecast(line) for line in lines)
    except MissingExtraError as error:
        missing["forecast"] = _needed("预测", error)
        return ()


def _effects(
    rows: Folded, codes: Sequence[str], *, since: date, start: date, missing: dict[str, str]
) -> tuple[Effect, ...]:
    try:
        return tuple(effect(rows, code, on=since, start=start) for code in codes)
    except MissingExtraError as error:
        missing["effects"] = _needed("间断时间序列", error)
        return tuple(effect(rows, code, on=since, start=start, series=False) for code in codes)


def _needed(what: str, error: MissingExtraError) -> str:
    return f"{what}需要 {error.module}，这里没有安装。运行 {error.hint} 后重新生成报告即可。"


def _walked(rows: Folded, missing: dict[str, str]) -> PeakEnd | None:
    try:
        found = peak_end(paths(rows))
    except InputError:
        missing["peak_end"] = "数据没有同时给出客户和时间，看不出每位客户的旅程。"
        return None
    if not found.customers:
        missing["peak_end"] = "没有客户在最后一次评分之前留下过两次以上有情感的评论，峰与终无从区分。"
        return None
    return found


def _sample(
    rows: Folded, figures: Figures, *, crossed: Mapping[str, Crosstab], moves: Moves | None, walked: bool
) -> Sample:
    shown = [*pains(figures)[0], *often(figures)[:CODES]]
    for table in crossed.values():
        shown += [cell.code for cell in table.cells]
    lines = [line.key for line in moves.lines] if moves else []
    split = moves.changes.since if moves and moves.changes else None
    codes = dict.fromkeys([*shown, *lines])
    turns: dict[int, list[str]] = {}
    for kind, stage, some in rows.turns() if walked else ():
        for row in some:
            turns.setdefault(row, []).append(f"{kind}:{stage}")
    every = moves.every if moves else "month"
    stages = samples(rows.con, codes=list(codes), lines=lines, every=every, since=split, also=list(turns))
    return Sample(stages, {row: tuple(names) for row, names in turns.items()})
