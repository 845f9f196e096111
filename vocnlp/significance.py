"""Is it more than chance? A rate before and after, and p-values corrected for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .figures import SMALL

EXACT_BELOW = 20  # mentions on either side below which the interval is the exact one
_FEW = 10  # mentions on both sides together below which hardly any change could show


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share after, divided by the share before; 1.0 is no change, 0.5 is half as often.

    ``value`` is None where nothing was mentioned before (or nothing was said at all); ``low`` is then still known.
    ``high`` None is without bound. ``low``..``high`` holds 95 %, and ``p`` is two-sided and of the same method:

    - exact (``exact``), with fewer than 20 mentions on either side: given the sum of two Poisson counts, the later one
      is binomial (Przyborowski and Wilenski 1940, Biometrika 31); its interval is that of Clopper and Pearson 1934,
      turned into a ratio. Comments carry a code or not, so for shares far from 0 it errs to the wide side.
    - otherwise the log interval for a ratio of two shares (Katz, Baptista, Azen and Pike 1978, Biometrics 34).

    Both take comments as independent: a burst of comments on one event makes them too sure. ``few``: fewer than 30
    comments on a side, or fewer than 10 mentions together.
    """

    before: int
    before_base: int
    after: int
    after_base: int
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    exact: bool

    @property
    def few(self) -> bool:
        return min(self.before_base, self.after_base) < SMALL or self.before + self.after < _FEW

    @property
    def before_share(self) -> float | None:
        return self.before / self.before_base if self.before_base else None

    @property
    def after_share(self) -> float | None:
        return self.after / self.after_base if self.after_base else None


def rate_ratio(before: int, before_base: int, *, after: int, after_base: int) -> Ratio:
    """Compare ``after`` mentions in ``after_base`` comments with ``before`` in ``before_base``."""
    if not (0 <= before <= before_base and 0 <= after <= after_base):
        raise ValueError(f"mentions must lie in 0..comments: {before} of {before_base}, {after} of {after_base}")
    exact = min(before, after) < EXACT_BELOW
    value = low = high = p = None
    if before_base and after_base and before + after:
        value = (after / after_base) / (before / before_base) if before else None
        compared = _exact if exact else _katz
        low, high, p = compared(before, before_base, after, after_base)
    return Ratio(before, before_base, after, after_base, value, low, high, p, exact)


def _exact(before: int, before_base: int, after: int, after_base: int) -> tuple[float, float | None, float]:
    total, chance = before + after, after_base / (before_base + after_base)
    bounds = stats.binomtest(after, total, chance).proportion_ci(0.95, method="exact")
    low, high = (
        None if share >= 1 else float(share / (1 - share) * before_base / after_base)
        for share in (bounds.low, bounds.high)
    )
    # Twice the smaller tail, so that p < 0.05 exactly where the interval leaves 1 out.
    tails = stats.binom.cdf(after, total, chance), stats.binom.sf(after - 1, total, chance)
    return low or 0.0, high, min(1.0, 2 * float(min(tails)))


def _katz(before: int, before_base: int, after: int, after_base: int) -> tuple[float, float, float]:
    found = stats.contingency.relative_risk(after, after_base, before, before_base)
    bounds = found.confidence_interval(0.95)
    error = float(np.sqrt(1 / after - 1 / after_base + 1 / before - 1 / before_base))
    p = 2 * float(stats.norm.sf(abs(np.log(found.relative_risk)) / error)) if error else 1.0
    return float(bounds.low), float(bounds.high), p


def adjusted(ps: Sequence[float | None], method: str = "holm") -> list[float | None]:
    """p-values corrected for their number; None (not tested) stays None and is not counted.

    ``holm`` keeps the chance of even one false alarm (Holm 1979, Scandinavian Journal of Statistics 6); ``bh`` keeps
    the expected share of false alarms among those raised (Benjamini and Hochberg 1995, JRSS B 57).
    """
    if method not in ("holm", "bh"):
        raise ValueError(f"method must be holm or bh, not {method!r}")
    given = np.array([p for p in ps if p is not None])
    if method == "bh":
        corrected = stats.false_discovery_control(given) if given.size else given
    else:
        order = np.argsort(given, kind="stable")
        stepped = np.maximum.accumulate(given[order] * np.arange(given.size, 0, -1))
        corrected = np.empty_like(given)
        corrected[order] = np.minimum(stepped, 1.0)
    back = iter(corrected.tolist())
    return [None if p is None else next(back) for p in ps]
