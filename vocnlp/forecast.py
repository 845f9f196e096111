"""A short forecast of a line of a trend: where its share will lie if nothing happens, and how far off that may be."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from datetime import date

import numpy as np

from .errors import MissingExtraError
from .trends import Line, after

PERIODS_NEEDED = 8  # with a comment; a level and two variances are learnt from them


@dataclass(frozen=True, slots=True)
class Expected:
    """One period to come: the middle (median) share, and the interval that holds the share with ``level``."""

    start: date
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """``expected`` is empty, and ``why_not`` says why, where there is too little to go by."""

    key: str
    level: float
    expected: tuple[Expected, ...]
    why_not: str | None = None


def forecast(line: Line, *, ahead: int = 4, level: float = 0.95) -> Forecast:
    """The next ``ahead`` periods of a line, by a local level model (random walk seen through noise; Harvey 1989,
    "Forecasting, Structural Time Series Models and the Kalman Filter"; Durbin and Koopman 2012) of the log odds.

    The forecast is level: no trend is carried on, since over a handful of periods it is mostly chance. Log odds
    ``log((count + 1/2) / (comments - count + 1/2))`` (Haldane 1956; Anscombe 1956) keep every bound inside 0..1. Periods
    without comments are missing, not zero. Needs the extra ``analysis`` (statsmodels), else MissingExtraError.
    """
    if ahead < 1 or not 0 < level < 1:
        raise ValueError(f"ahead must be at least 1 and level between 0 and 1, not {ahead}, {level}")
    given = [period for period in line.periods if period.comments]
    if len(given) < PERIODS_NEEDED:
        return Forecast(line.key, level, (), f"{len(given)} periods with comments, {PERIODS_NEEDED} are needed")
    if not line.count:
        return Forecast(line.key, level, (), "never mentioned")
    try:
        from statsmodels.tsa.statespace.structural import UnobservedComponents
    except ImportError as error:
        raise MissingExtraError("statsmodels", extra="analysis") from error
    odds = np.array([_log_odds(period.count, period.comments) for period in line.periods])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance at its bound of zero is a result, not a failure
        found = UnobservedComponents(odds, "llevel").fit(disp=False).get_forecast(ahead)
    middle, bounds = np.asarray(found.predicted_mean), np.asarray(found.conf_int(alpha=1 - level))
    start, expected = line.periods[-1].start, []
    for centre, (low, high) in zip(middle, bounds, strict=True):
        start = after(start, line.every)
        expected.append(Expected(start, _share(centre), _share(low), _share(high)))
    return Forecast(line.key, level, tuple(expected))


def _log_odds(count: int, comments: int) -> float:
    return math.log((count + 0.5) / (comments - count + 0.5)) if comments else math.nan


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-float(odds)))
