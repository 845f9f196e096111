"""Did an action on a date move its code? First the plain comparison, then an interrupted time series.

A code that fell after an action may have been falling before it. The ratio of before and after cannot tell; the
interrupted series can, if there are enough periods on both sides.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy import stats

from .counts import Folded
from .errors import MissingExtraError
from .records import NEGATIVE
from .significance import Ratio, rate_ratio
from .trends import Days, check_split, named, span, wanted, within

PERIODS_NEEDED = 8  # on each side (Penfold and Zhang 2013, Academic Pediatrics 13)
_COUNTS_NEEDED = 10  # mentions on each side, below which a slope is a guess
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Factor:
    """What the share is multiplied by (1.0: nothing), with its 95 % interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A segmented Poisson regression of counts on time, comments as exposure (Wagner et al. 2002, Journal of Clinical
    Pharmacy and Therapeutics 27; Bernal, Cummins and Gasparrini 2017, International Journal of Epidemiology 46):

    ``log(count / comments) = a + b * t + c * after + d * (t - t0) * after``

    ``before``: the trend per period that was there anyway, exp(b); ``level``: the jump at the date, exp(c); ``slope``:
    by how much the trend per period changed, exp(d). Errors are widened by ``dispersion`` (Pearson's chi-square per
    degree of freedom) where it is above 1. ``autocorrelation``: of neighbouring residuals; beyond some 0.3 the intervals
    are too narrow. Seasons and whatever else happened on the date are not told apart from the action.
    """

    every: str
    periods_before: int
    periods_after: int
    before: Factor
    level: Factor
    slope: Factor
    dispersion: float
    autocorrelation: float | None


@dataclass(frozen=True, slots=True)
class Effect:
    """One code or stage around an action; ``interrupted`` None has its reason in ``why_not``."""

    key: str
    name: str
    on: date
    start: date
    end: date
    ratio: Ratio
    interrupted: Interrupted | None
    why_not: str | None


def effect(
    rows: Folded,
    key: str,
    *,
    on: date,
    of: str = "code",
    side: str = NEGATIVE,
    every: str = "week",
    start: date | None = None,
    end: date | None = None,
    series: bool = True,
) -> Effect:
    """Compare the share of a code (or the sentiment of a stage) before ``on`` with that from ``on`` to ``end``.

    Periods of a day or of seven days are counted from ``on`` in both directions, so that none holds days of both sides.
    InputError where one side has no comment, CodeframeError for an unknown code. ``series`` needs the extra
    ``analysis`` (statsmodels): MissingExtraError without it, but only where there is enough to look at.
    """
    if every not in _DAYS:
        raise ValueError(f"every must be day or week, not {every!r}")
    counts, bases = rows.daily(of, side)
    first, last = span(bases, start=start, end=end)
    check_split(on, first, last)
    wanted(rows, of, bases=bases, keys=[key])
    count, base = counts.get(key, {}), bases.get("" if of == "code" else key, {})
    sides = ((first, on - timedelta(1)), (on, last))
    (old, new), (old_base, new_base) = ([within(days, *side) for side in sides] for days in (count, base))
    ratio = rate_ratio(old, old_base, after=new, after_base=new_base)
    found, why_not = None, "not asked for"
    if series:
        periods = _periods(count, base, on=on, bounds=(first, last), width=_DAYS[every])
        why_not = _why_not(periods)
        found = None if why_not else interrupted(periods, every=every)
    return Effect(key, named(rows, of, key), on, first, last, ratio, found, why_not or None)


def interrupted(periods: Sequence[tuple[int, int, int]], *, every: str = "week") -> Interrupted:
    """Fit (period, count, comments), periods counted from the action: -1 is the last before it, 0 the first after it."""
    try:
        import statsmodels.api as sm
        from statsmodels.tools.sm_exceptions import PerfectSeparationWarning
    except ImportError as error:
        raise MissingExtraError("statsmodels", extra="analysis") from error
    at, count, comments = (np.array(column, dtype=np.float64) for column in zip(*periods, strict=True))
    since = (at >= 0).astype(np.float64)
    design = np.column_stack([np.ones_like(at), at, since, at * since])
    model = sm.GLM(count, design, family=sm.families.Poisson(), offset=np.log(comments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)  # counts that lie on the curve are no separation
        spread = max(1.0, float(model.fit(scale="X2").scale))
        fit: Any = model.fit(scale=spread)
    before, level, slope = (
        _factor(float(fit.params[place]), float(fit.bse[place]), len(at) - 4) for place in (1, 2, 3)
    )
    rest = np.asarray(fit.resid_pearson)
    power = float(rest @ rest)
    together = float(rest[1:] @ rest[:-1]) / power if power > 0 else None
    after = int(since.sum())
    return Interrupted(every, len(at) - after, after, before, level, slope, spread, together)


def _factor(log: float, error: float, freedom: int) -> Factor:
    margin = float(stats.t.ppf(0.975, freedom)) * error
    p = 2 * float(stats.t.sf(abs(log) / error, freedom))
    return Factor(math.exp(log), math.exp(log - margin), math.exp(log + margin), p)


def _periods(count: Days, base: Days, *, on: date, bounds: tuple[date, date], width: int) -> list[tuple[int, int, int]]:
    """(period counted from ``on``, count, comments) of every period with a comment."""
    found: dict[int, list[int]] = {}
    for days, place in ((count, 0), (base, 1)):
        for day, number in days.items():
            if bounds[0] <= day <= bounds[1]:
                found.setdefault((day - on).days // width, [0, 0])[place] += number
    return [(at, counted, comments) for at, (counted, comments) in sorted(found.items()) if comments]


def _why_not(periods: Sequence[tuple[int, int, int]]) -> str:
    for name, side in (("before", [p for p in periods if p[0] < 0]), ("after", [p for p in periods if p[0] >= 0])):
        if len(side) < PERIODS_NEEDED:
            return f"{len(side)} periods {name}, {PERIODS_NEEDED} are needed"
        if (mentions := sum(count for _, count, _ in side)) < _COUNTS_NEEDED:
            return f"{mentions} mentions {name}, {_COUNTS_NEEDED} are needed"
    return ""
