"""The polarity of codes taught by few comments: what the clause's sentiment says, and how the code's own differs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from vocnlp.classifiers import Floats
from vocnlp.fewshot import Extended, peaks
from vocnlp.fewshot_heads import Seen
from vocnlp.records import POLARITIES

from .labelled import Labelled

Numbers = npt.NDArray[np.float64]
_STRENGTH = 4.0  # judged comments that believing in the clause's sentiment is worth, for a code
_SHARED = 1.0  # for all codes together


def fit_polarity(rows: Sequence[Labelled], model: Extended, seen: Seen, evidence: Floats) -> tuple[float, Numbers]:
    """``(lean, polarity)`` of ``fewshot_heads.Heads``; evidence: (clauses, c) how much each clause speaks of a code.

    A multinomial logistic regression on the log probabilities of the clause's sentiment, with one factor for all codes,
    and shifts that a code shares with the others but for what its own comments say.
    """
    codes = model.new
    judged = [
        (row, place, POLARITIES.index(words.pop()))
        for row, one in enumerate(rows)
        for place, code in enumerate(codes)
        if len(words := {tag.polarity for tag in one.tags if tag.code == code and tag.polarity in POLARITIES}) == 1
    ]
    shifts = np.zeros((len(codes), 3))
    if not judged:
        return 1.0, shifts
    clause = peaks(evidence, seen.start)
    lines = [[seen.lines[seen.start[row] + clause[row, place]]] for row, place, _ in judged]
    mood = model.base.score(lines).sentiment
    if mood is None:
        return 1.0, shifts
    logs, owner = np.log(np.maximum(mood, 1e-6)), np.array([place for _, place, _ in judged])
    truth, numbers = np.array([word for _, _, word in judged]), np.arange(len(judged))

    def surprise(value: Numbers) -> tuple[float, Numbers]:
        shared, own = value[1:4], value[4:].reshape(len(codes), 3)
        said = log_softmax(value[0] * logs + shared + own[owner], axis=1)
        pull = np.exp(said)
        pull[numbers, truth] -= 1
        apart = _STRENGTH * own
        np.add.at(apart, owner, pull)
        factor = (pull * logs).sum() + _STRENGTH * (value[0] - 1)
        held = _SHARED * (shared @ shared) + _STRENGTH * (own**2).sum() + _STRENGTH * (value[0] - 1) ** 2
        gradient = np.concatenate([[factor], pull.sum(0) + _SHARED * shared, apart.ravel()])
        return float(-said[numbers, truth].sum() + held / 2), gradient

    first = np.append(1.0, np.zeros(3 + 3 * len(codes)))
    bounds = [(0.0, 3.0)] + [(-3.0, 3.0)] * (len(first) - 1)
    found = minimize(surprise, first, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), found[1:4] + found[4:].reshape(len(codes), 3)
