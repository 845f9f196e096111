"""Labels that are likely wrong: where a model that has not seen a row is surer of the contrary than it usually is of the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .classifiers import Floats


def wrongness(mention: Floats, there: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(n, c) how likely a label, given or withheld, is an error: 0 where none is suspected, else how far the model is from it.

    mention: (n, c) probabilities by a model that has not learnt from these rows; there: (n, c) what is labelled.

    Confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70), each code a problem of two classes: a class's own
    threshold is the mean probability of the rows labelled with it. A label is suspect where the probability of the
    other class reaches that class's threshold; suspects are ranked by the probability of the label they contradict.
    """
    against = np.where(there, 1 - mention, mention).astype(np.float64)
    return np.where(suspects(mention, there), against, 0.0)


def suspects(mention: Floats, there: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(n, c): labels, given or withheld, that are likely errors. A code that is always or never there has none."""
    found = np.zeros(there.shape, bool)
    for code in range(there.shape[1]):
        given, chance = there[:, code], mention[:, code]
        if given.all() or not given.any():
            continue
        usual, unusual = float(chance[given].mean()), float((1 - chance[~given]).mean())
        missing = ~given & (chance >= usual) & (chance > 0.5)
        surplus = given & (1 - chance >= unusual) & (chance < 0.5)
        found[:, code] = missing | surplus
    return found


def exclusive_suspects(chance: Floats, label: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) the class that is likelier than the one a row is labelled with, or -1 where its label is not suspect.

    chance: (n, c) probabilities of classes of which a text has one; label: (n,) the class given.

    Confident learning again, with a threshold a class: the mean probability of the class in the rows labelled with it.
    A row belongs to the likeliest class that reaches its threshold; where that one is likelier than the label, the label is
    suspect.
    """
    n, c = chance.shape
    own, count = chance[np.arange(n), label], np.bincount(label, minlength=c)
    usual = np.divide(np.bincount(label, own, c), count, out=np.full(c, np.inf), where=count > 0)
    reached = np.where(chance >= usual, chance, -1.0)
    best = reached.argmax(1)
    found: npt.NDArray[np.int64] = np.where(reached.max(1) > own, best, -1)
    return found
