"""How surprising labelled texts are to a network that has not seen them: what early stopping goes by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit, log_softmax

from vocnlp.classifiers import Floats

from .calibration import temperature
from .logistic import logistic
from .reading import Example

_LEAST = 1e-6  # of a chance, so that one text cannot decide


def surprise(logits: Floats, mood: Floats, apart: Sequence[Example], *, exclusive: bool) -> float:
    """Mean of -log P(all labels of a text), after the confidence was calibrated on these very texts.

    Without calibration a network that grows too sure would seem to get worse while its order still gets better.
    logits: (n, c, 4) and mood: (n, 2), as ``encoder_fit.scores`` gives them.
    """
    weight = np.array([one.weight for one in apart])
    total = 0.0
    if logits.shape[1]:
        mention = np.stack([one.mention for one in apart])
        total += _chosen(logits, mention, weight) if exclusive else _marked(logits, mention, weight)
        judged = np.stack([one.polarity for one in apart])
        each = np.broadcast_to(weight[:, None], judged.shape)
        total += _classes(logits[..., 1:][judged >= 0], judged[judged >= 0].astype(np.int64), each[judged >= 0])
    label = np.array([one.mood for one in apart], np.int64)
    three = (label >= 0) & ~np.array([one.two_class for one in apart], bool)
    for column, (rows, yes) in enumerate(((three, label == 1), ((label == 0) | (label == 2), label == 2))):
        total += _classes(
            np.stack([np.zeros(rows.sum()), mood[rows, column]], 1), yes[rows].astype(np.int64), weight[rows]
        )
    return total / float(weight.sum())


def _classes(scores: Floats, truth: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]) -> float:
    if not len(truth):
        return 0.0
    logs = log_softmax(temperature(scores, truth, weight) * scores, axis=1)
    return -float(weight @ np.maximum(logs[np.arange(len(truth)), truth], np.log(_LEAST)))


def _chosen(logits: Floats, mention: npt.NDArray[np.int8], weight: npt.NDArray[np.float64]) -> float:
    told = (mention == 1).any(1)
    return _classes(logits[told, :, 0], mention[told].argmax(1), weight[told])


def _marked(logits: Floats, mention: npt.NDArray[np.int8], weight: npt.NDArray[np.float64]) -> float:
    known = mention >= 0
    there, score = (mention == 1)[known], logits[:, :, 0][known].astype(np.float64)
    slope, shift = 1.0, 0.0
    if there.any() and not there.all():
        slope, shift = logistic(sp.csr_matrix(score[:, None]), there, 1e6, None)
    chance = expit((slope if slope > 0 else 1.0) * score + (shift if slope > 0 else 0.0))
    logs = np.log(np.maximum(np.where(there, chance, 1 - chance), _LEAST))
    return -float(np.broadcast_to(weight[:, None], known.shape)[known] @ logs)
