"""Driver analysis: which codes move the score, and how much of its movement each of them stands for.

What customers complain about together (slow *and* rude) cannot be told apart by a plain regression: its coefficients
swing from sample to sample. Relative weights share out what the codes explain together, and stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .counts import MENTION, Folded, Patterns
from .figures import SMALL
from .records import NEGATIVE, POSITIVE

NET = "net"
_SIDES = (NET, NEGATIVE, POSITIVE, MENTION)
_CODES_AT_MOST = 60
_PER_CODE = 10  # answers per code below which a regression follows its sample (Harrell 2015, 4.4)
_CELLS = 2_000_000  # numbers in memory at a time
_EVEN = 1e-10  # an eigenvalue below this part of the largest is none: two codes that always come together

_Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Driver:
    """One code. Intervals are 95 % percentile intervals over the resamples.

    ``weight``: its relative weight, a part of R2; ``share``: the same as a share (0..1) of R2. Never below zero: they
    say how much, not which way. ``slope``: how many points the score is higher for a comment that means the code
    positively (by ``side`` net: or lower, negatively; else: that carries it), the other codes alike. ``carriers``:
    answers that carry the code; ``few``: fewer than 30.
    """

    code: str
    name: str
    carriers: int
    weight: float
    share: float
    share_low: float
    share_high: float
    slope: float
    slope_low: float
    slope_high: float

    @property
    def few(self) -> bool:
        return self.carriers < SMALL

    @property
    def clear(self) -> bool:
        """Whether the interval of the slope lies on one side of zero."""
        return self.slope_low > 0 or self.slope_high < 0


@dataclass(frozen=True, slots=True)
class Drivers:
    """The codes by weight, weightiest first. ``r2``: what all of them explain of the score's variance (0..1).

    ``warning`` is None, or what a reader has to know: ``few`` (fewer than 30 answers, or than 10 per code: see the
    intervals); or why there are no drivers at all: ``no answers``, ``one score`` (all the same), ``no codes`` (none with
    enough carriers), ``too few`` (not two answers more than codes). ``left_out``: code and carriers, below ``least``
    or beyond ``most``.
    """

    target: str
    side: str
    answers: int
    r2: float | None
    r2_adjusted: float | None
    drivers: tuple[Driver, ...]
    left_out: tuple[tuple[str, int], ...]
    warning: str | None

    @property
    def few(self) -> bool:
        return self.warning is not None


def drivers(
    rows: Folded,
    *,
    target: str = "score",
    side: str = NET,
    codes: Sequence[str] | None = None,
    least: int = 10,
    most: int = 15,
    resamples: int = 500,
    seed: int = 0,
) -> Drivers:
    """Regress the score of each answer with a comment on the codes that the comment carries.

    ``target``: score (0..10) or nps (-100, 0, 100, so that slopes are NPS points). ``side``: net (a code counts +1
    where meant positively, -1 negatively, 0 both or neither), or one of negative, positive, mention (1 where so).
    ``codes``: those to compare, else the ``most`` finest with the most carriers, of those with at least ``least``.
    The resamples draw answers with replacement (Efron 1979); the same ``seed`` gives the same intervals.

    Weights describe, and do not prove that mending a code would lift the score: who suffers from it may differ in
    other ways.
    """
    if target not in ("score", "nps") or side not in _SIDES:
        raise ValueError(f"target must be score or nps and side one of {', '.join(_SIDES)}, not {target!r}, {side!r}")
    if not 0 < most <= _CODES_AT_MOST or len(codes or ()) > _CODES_AT_MOST:
        raise ValueError(f"at most {_CODES_AT_MOST} codes can be compared")
    carriers = rows.carriers(side)
    wanted = rows.known(codes)
    ranked = sorted(wanted, key=lambda code: (-carriers.get(code, 0), code))
    kept = [code for code in ranked if carriers.get(code, 0) >= max(1, least)][: len(wanted) if codes else most]
    left_out = tuple((code, carriers.get(code, 0)) for code in ranked if code not in kept)
    said = rows.patterns(kept, side, points=target == "nps")
    answers = int(said.times.sum())
    warning = _warning(said, len(kept))
    if warning not in (None, "few"):
        return Drivers(target, side, answers, None, None, (), left_out, warning)
    weights, slopes = _fit(_covariances(_centred(said), said.times[None])[0])
    shares, swings = _resampled(said, resamples, np.random.default_rng(seed))
    r2 = float(weights.sum())
    found = [
        Driver(code, rows.code_name(code), carriers[code], *map(float, numbers))
        for code, *numbers in zip(kept, weights, weights / r2, *shares, slopes, *swings, strict=True)
    ]
    rest = 1 - (1 - r2) * (answers - 1) / (answers - len(kept) - 1)
    found.sort(key=lambda driver: (-driver.weight, driver.code))
    return Drivers(target, side, answers, r2, rest, tuple(found), left_out, warning)


def relative_weights(between: _Vector, outcome: _Vector) -> _Vector:
    """Johnson's relative weights: [code, code] correlations and [code] correlations with the outcome -> [code].

    The codes are replaced by the nearest set that is uncorrelated, the outcome is regressed on that, and what each
    explains is handed back to the codes by their squared correlations with it (Johnson 2000, "A heuristic method for
    estimating the relative weight of predictor variables in multiple regression", Multivariate Behavioral Research
    35). They add up to R2; for two codes they are those of Shapley and LMG. Codes that always come together share alike.
    """
    values, vectors = np.linalg.eigh(between)
    roots = np.sqrt(np.where(values > _EVEN * values.max(), values, 0.0))
    turns = np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)
    loads = (vectors * roots) @ vectors.T
    betas = (vectors * turns) @ vectors.T @ outcome
    return np.asarray(loads**2 @ betas**2, dtype=np.float64)


def _warning(said: Patterns, codes: int) -> str | None:
    answers = int(said.times.sum())
    if not answers:
        return "no answers"
    if np.ptp(said.score) == 0:
        return "one score"
    if not codes:
        return "no codes"
    if answers < codes + 2:
        return "too few"
    if not np.ptp(said.marks, axis=0).any():
        return "no codes"  # every answer carries them all
    return "few" if answers < max(SMALL, _PER_CODE * codes) else None


def _covariances(both: _Vector, times: npt.NDArray[np.int64]) -> _Vector:
    """[sample, v, v] of the [pattern, v] marks and scores, where ``times`` [sample, pattern] says how often each sample
    has each pattern. Zero for what does not vary in a sample.

    One product of matrices for many samples: moments about the mean of all, from which that of a sample is taken off.
    """
    share = times / times.sum(1, keepdims=True)
    square = np.zeros((len(times), both.shape[1] ** 2))
    step = max(1, _CELLS // square.shape[1])
    for low in range(0, len(both), step):
        part = both[low : low + step]
        square += share[:, low : low + step] @ (part[:, :, None] * part[:, None, :]).reshape(len(part), -1)
    mean, about = share @ both, square.reshape(len(times), both.shape[1], -1)
    found: _Vector = about - mean[:, :, None] * mean[:, None, :]
    still = np.einsum("svv->sv", found) <= _EVEN * np.einsum("svv->sv", about)
    found[still[:, :, None] | still[:, None, :]] = 0
    return found


def _centred(said: Patterns) -> _Vector:
    """[pattern, v]: the marks and, last, the score, from their means."""
    both = np.column_stack([said.marks, said.score])
    centred: _Vector = both - said.times @ both / said.times.sum()
    return centred


def _fit(cov: _Vector) -> tuple[_Vector, _Vector]:
    """Relative weights and slopes, both [code], of the [v, v] covariances of the codes and, last, the score.

    A code that does not vary here has neither (0, NaN).
    """
    varies = np.flatnonzero(np.diag(cov)[:-1] > 0)
    weights, slopes = np.zeros(len(cov) - 1), np.full(len(cov) - 1, np.nan)
    if cov[-1, -1] > 0 and varies.size:
        spread = np.sqrt(np.diag(cov))
        part = np.ix_(varies, varies)
        between = cov[part] / np.outer(spread[varies], spread[varies])
        weights[varies] = relative_weights(between, cov[varies, -1] / (spread[varies] * spread[-1]))
        slopes[varies] = np.linalg.pinv(cov[part], rcond=_EVEN, hermitian=True) @ cov[varies, -1]
    return weights, slopes


def _resampled(said: Patterns, resamples: int, dice: np.random.Generator) -> tuple[_Vector, _Vector]:
    """95 % bounds, [low or high, code], of the shares and of the slopes.

    Equal answers are interchangeable, so drawing how often each pattern occurs is drawing the answers.
    """
    total, chance = int(said.times.sum()), said.times / said.times.sum()
    shares, slopes, both = [], [], _centred(said)
    step = max(1, _CELLS // len(both))
    for begun in range(0, resamples, step):
        drawn = dice.multinomial(total, chance, size=min(step, resamples - begun))
        for weights, slope in map(_fit, _covariances(both, drawn)):
            if weights.sum() > 0:
                shares.append(weights / weights.sum())
                slopes.append(slope)
    bounds = (2.5, 97.5)
    return np.percentile(shares, bounds, axis=0), np.nanpercentile(slopes, bounds, axis=0)
