"""Mention scores to probabilities, and the threshold of every code, from texts that the fit has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit

from vocnlp.records import NEUTRAL, POLARITIES, POSITIVE

from .logistic import Floats, Mask, logistic

_ENOUGH = 8  # positives below which calibration is a guess
_STEEPEST = 8.0  # a temperature multiplies or divides by so much at most
_PRIOR = 100  # positives that the threshold shared by all codes is worth
_OWN = 1.0  # the penalty of a code's own shift


@dataclass(frozen=True)
class Calibration:
    """P(mention) = 1 / (1 + exp(-(slope * score + shift))); one threshold a code, in the order of the columns."""

    slope: float
    shift: float
    thresholds: tuple[float, ...]


def calibrate(scores: npt.NDArray[np.float32] | Floats, there: Mask, known: Mask, weight: Floats) -> Calibration:
    """Slope and shift (Platt 1999), and the thresholds of best F1.

    scores, there, known: (texts, codes), where ``known`` says that the code was looked for; weight: (texts,).
    A code with few positives says little about its own threshold: it is drawn towards the threshold that is best for
    all codes together, with the weight of a hundred positives.
    """
    codes = scores.shape[1]
    if not there[known].any() or there[known].all():
        return Calibration(1.0, 0.0, (0.5,) * codes)
    slope, shift = logistic(sp.csr_matrix(scores[known][:, None]), there[known], 1e6, None)
    if slope <= 0 or there[known].sum() < _ENOUGH:
        slope, shift = 1.0, 0.0  # too little was held out: a negative slope would turn the model round
    chance = expit(slope * scores + shift)
    shared = _best_threshold(chance[known], there[known], np.broadcast_to(weight[:, None], known.shape)[known])
    thresholds = []
    for column in range(codes):
        rows = known[:, column]
        positives = int(there[rows, column].sum())
        own = _best_threshold(chance[rows, column], there[rows, column], weight[rows]) if positives else shared
        thresholds.append((positives * own + _PRIOR * shared) / (positives + _PRIOR))
    return Calibration(float(slope), float(shift), tuple(thresholds))


def calibrate_few(scores: npt.NDArray[np.float32] | Floats, there: Mask, known: Mask, weight: Floats) -> Calibration:
    """The same from few texts, too few to look for the best threshold of a code among them.

    Each code has a shift of its own, drawn towards that of all; where probabilities are right, the threshold of best F1
    is half of that F1 (Lipton et al. 2014), and the F1 to be expected of all codes together is known from many scores.
    What a code's own shift would do to its probabilities is done by its threshold instead.
    """
    codes = scores.shape[1]
    if there[known].sum() < _ENOUGH or there[known].all():
        return calibrate(scores, there, known, weight)
    counted = known * weight[:, None]

    def loss(found: Floats) -> tuple[float, Floats]:
        slope, shift, own = found[0], found[1], found[2:]
        margin = np.where(there, 1.0, -1.0) * (slope * scores + shift + own)
        pull = np.where(there, -1.0, 1.0) * counted * expit(-margin)
        surprise = float((counted * np.logaddexp(0, -margin)).sum() + _OWN / 2 * own @ own)
        return surprise, np.concatenate([[(pull * scores).sum(), pull.sum()], pull.sum(0) + _OWN * own])

    result: Any = minimize(loss, np.append([1.0, 0.0], np.zeros(codes)), jac=True, method="L-BFGS-B")
    slope, shift, own = float(result.x[0]), float(result.x[1]), np.asarray(result.x[2:])
    if slope <= 0:
        return calibrate(scores, there, known, weight)
    half = _expected_f1(expit(slope * scores + shift + own)[known], counted[known]) / 2
    return Calibration(slope, shift, tuple(float(one) for one in expit(logit(half) - own)))


def _expected_f1(chance: Floats, weight: Floats) -> float:
    """The F1 to be expected at the best threshold, of right probabilities and their weights."""
    order = np.argsort(-chance)
    hits, said = np.cumsum((weight * chance)[order]), np.cumsum(weight[order])
    return float((2 * hits / (said + hits[-1])).max())


def temperature(scores: npt.NDArray[np.float32] | Floats, truth: npt.NDArray[np.int64], weight: Floats) -> float:
    """The factor of the scores at which a softmax over them is likeliest (temperature scaling, Guo et al. 2017).

    scores: (texts, classes); truth: (texts,) the right class of each; weight: (texts,). 1 where too few texts are given.
    """
    if len(truth) < _ENOUGH:
        return 1.0
    rows = np.arange(len(truth))

    def surprise(power: float) -> float:
        return -float(np.average(log_softmax(np.exp(power) * scores, axis=1)[rows, truth], weights=weight))

    widest = np.log(_STEEPEST)
    return float(np.exp(minimize_scalar(surprise, bounds=(-widest, widest), method="bounded").x))


def _best_threshold(chance: Floats, there: Mask, weight: Floats) -> float:
    """The threshold of best F1, on a grid of hundredths between 0.1 and 0.8."""
    grid = np.arange(0.1, 0.8, 0.01)
    hits = np.array([weight[there & (chance >= t)].sum() for t in grid])
    said = np.array([weight[chance >= t].sum() for t in grid])
    return float(grid[np.argmax(2 * hits / (said + weight[there].sum()))])


def mood_slopes(
    mood: npt.NDArray[np.float32], label: npt.NDArray[np.int64], two_class: Mask, weight: Floats
) -> tuple[float, float]:
    """The two factors of an encoder's mood (n, 2): neutral or not, positive or negative. label: into POLARITIES, -1 unknown.

    As in ``mood_loss``: two-class texts say nothing about neutral, neutral ones nothing about positive.
    """
    three = (label >= 0) & ~two_class
    polar = (label >= 0) & (label != POLARITIES.index(NEUTRAL))
    judged = ((three, label == POLARITIES.index(NEUTRAL)), (polar, label == POLARITIES.index(POSITIVE)))
    neutral, positive = (
        # a logit is the difference of two scores, one of which is nothing
        temperature(np.stack([np.zeros(rows.sum()), mood[rows, k]], 1), yes[rows].astype(np.int64), weight[rows])
        for k, (rows, yes) in enumerate(judged)
    )
    return neutral, positive
