"""Codes and stages over time: their share by day, week or month, and what changed since a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .counts import Folded
from .errors import InputError
from .records import NEGATIVE
from .significance import Ratio, adjusted, rate_ratio

_PERIODS_AT_MOST = 1200  # three years of days; beyond, a stray date such as 1970 is likelier than a plan

Days = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week (from Monday) or month by its first day: ``count`` of ``comments``."""

    start: date
    comments: int
    count: int

    @property
    def share(self) -> float | None:
        """None, and no zero, where nobody wrote."""
        return self.count / self.comments if self.comments else None


@dataclass(frozen=True, slots=True)
class Line:
    """One code or stage; the periods follow each other without a gap. The first and the last may be cut short."""

    key: str
    name: str
    every: str
    periods: tuple[Period, ...]

    @property
    def count(self) -> int:
        return sum(period.count for period in self.periods)


@dataclass(frozen=True, slots=True)
class Trend:
    """Lines by count, largest first. ``undated``: comments without a time, which stand nowhere here."""

    side: str
    lines: tuple[Line, ...]
    undated: int


@dataclass(frozen=True, slots=True)
class Change:
    """One code or stage before and since a date. ``adjusted``: the p-value of ``ratio``, corrected for all of them.

    ``new``: never before, at least ``least`` times since; ``vanished``: the other way round. Of a code, mentions count
    for this among all comments, of a stage all of its comments. Neither is said where there is too little to compare
    (``Ratio.few``). That a rare code was not met in a short time proves little even so: see ``adjusted``.
    """

    key: str
    name: str
    ratio: Ratio
    adjusted: float | None
    new: bool
    vanished: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed between ``start``..``since`` (since itself not in it) and ``since``..``end``, surest first."""

    start: date
    since: date
    end: date
    side: str
    changes: tuple[Change, ...]
    undated: int

    @property
    def new(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.new)

    @property
    def vanished(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.vanished)


def trend(
    rows: Folded,
    *,
    of: str = "code",
    every: str = "week",
    side: str = NEGATIVE,
    keys: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Trend:
    """The share of comments with a code (or, of a stage's comments, with this sentiment) by day, week or month.

    ``keys``: the codes or stages wanted, else the finest codes, or all stages. ``end`` is the last day that counts.
    InputError where no comment has a time, or a stage is nowhere; CodeframeError for an unknown code.
    """
    counts, bases = rows.daily(of, side)
    first, last = span(bases, start=start, end=end)
    starts = _starts(first, last, every)
    lines = []
    for key in wanted(rows, of, bases=bases, keys=keys):
        base = _binned(bases.get("" if of == "code" else key, {}), every, first=first, last=last)
        count = _binned(counts.get(key, {}), every, first=first, last=last)
        periods = tuple(Period(at, base.get(at, 0), count.get(at, 0)) for at in starts)
        lines.append(Line(key, named(rows, of, key), every, periods))
    return Trend(side, tuple(sorted(lines, key=lambda line: (-line.count, line.key))), rows.undated())


def changes(
    rows: Folded,
    since: date,
    *,
    of: str = "code",
    side: str = NEGATIVE,
    keys: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    least: int = 10,
    method: str = "bh",
) -> Changes:
    """Every code or stage from ``since`` on against the time before it, as far back as ``start``.

    A share of comments is compared, so more comments in all are no change. ``method``: ``significance.adjusted``.
    InputError as ``trend``, and where no comment lies before ``since``, or none from it on.
    """
    counts, bases = rows.daily(of, side)
    first, last = span(bases, start=start, end=end)
    check_split(since, first, last)
    found = []
    everything = bases if of == "code" else rows.daily("code")[1]
    whole = _split(everything.get("", {}), first, since, last)
    for key in wanted(rows, of, bases=bases, keys=keys):
        bounds = whole if of == "code" else _split(bases.get(key, {}), first, since, last)
        old, new = _split(counts.get(key, {}), first, since, last)
        ratio = rate_ratio(old, bounds[0], after=new, after_base=bounds[1])
        met = bounds if of == "stage" else (old, new)
        enough = not replace(ratio, before=met[0], before_base=whole[0], after=met[1], after_base=whole[1]).few
        appeared = enough and met[0] == 0 and met[1] >= least
        vanished = enough and met[1] == 0 and met[0] >= least
        found.append(Change(key, named(rows, of, key), ratio, None, appeared, vanished))
    corrected = adjusted([change.ratio.p for change in found], method)
    told = [replace(change, adjusted=p) for change, p in zip(found, corrected, strict=True)]
    told.sort(key=lambda change: (2.0 if change.ratio.p is None else change.ratio.p, change.key))
    return Changes(first, since, last, side, tuple(told), rows.undated())


def _split(days: Days, first: date, since: date, last: date) -> tuple[int, int]:
    """What was counted before ``since``, and from it on."""
    return within(days, first, since - timedelta(1)), within(days, since, last)


def wanted(rows: Folded, of: str, *, bases: Mapping[str, Days], keys: Sequence[str] | None) -> list[str]:
    """The codes or stages to look at; a stage that neither the journey nor a dated comment knows is an InputError."""
    if of == "code":
        return rows.known(keys)
    known = [*(stage for stage in rows.stages if stage in bases), *(key for key in bases if key not in rows.stages)]
    for key in keys or ():
        if key not in known and key not in rows.stages:
            raise InputError("no comment stands in this stage", column="stage", value=key, hint=", ".join(known))
    return list(dict.fromkeys(keys or known))


def named(rows: Folded, of: str, key: str) -> str:
    """What a code or a stage is called: an id may be that of a code and of a stage, which have names of their own."""
    return rows.code_name(key) if of == "code" else rows.stage_name(key)


def span(bases: Mapping[str, Days], *, start: date | None, end: date | None) -> tuple[date, date]:
    """The first and the last day to look at; InputError where there is none."""
    days = [day for base in bases.values() for day in base]
    if not days:
        raise InputError(
            "no comment has a time", column="at", hint="a trend needs the column with the date of each row"
        )
    first, last = start or min(days), end or max(days)
    if first > last or not any(first <= day <= last for day in days):
        raise InputError(
            "no comment between these days",
            column="at",
            value=f"{first}..{last}",
            hint=f"there are comments from {min(days)} to {max(days)}",
        )
    return first, last


def within(days: Days, first: date, last: date) -> int:
    """What was counted from ``first`` to ``last``, both days in it."""
    return sum(count for day, count in days.items() if first <= day <= last)


def check_split(since: date, first: date, last: date) -> None:
    """InputError unless the date has days to look at on both of its sides."""
    if not first < since <= last:
        hint = f"there are comments from {first} to {last}; the date must lie after the first and not after the last"
        raise InputError("nothing to compare on one side of the date", column="at", value=f"{since}", hint=hint)


def begin(day: date, every: str) -> date:
    """The first day of the period that a day lies in."""
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(day.weekday())
    if every == "month":
        return day.replace(day=1)
    raise ValueError(f"every must be day, week or month, not {every!r}")


def after(start: date, every: str) -> date:
    """The first day of the next period."""
    return begin(start + timedelta({"day": 1, "week": 7, "month": 31}[every]), every)


def _starts(first: date, last: date, every: str) -> list[date]:
    starts = [begin(first, every)]
    while (following := after(starts[-1], every)) <= last:
        starts.append(following)
        if len(starts) > _PERIODS_AT_MOST:
            raise InputError(
                f"more than {_PERIODS_AT_MOST} periods",
                column="at",
                value=f"{first}..{last}",
                hint="a stray date? Give start and end, or a longer period",
            )
    return starts


def _binned(days: Days, every: str, *, first: date, last: date) -> dict[date, int]:
    found: dict[date, int] = {}
    for day, count in days.items():
        if first <= day <= last:
            found[begin(day, every)] = found.get(begin(day, every), 0) + count
    return found
