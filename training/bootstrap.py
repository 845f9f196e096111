"""How far a figure could be off by the luck of which texts were labelled: the bootstrap, over texts.

Texts are drawn with replacement, as many as there are, and the figure is counted anew (Efron and Tibshirani 1993, An
Introduction to the Bootstrap, ch. 13: percentile intervals). For two models the same draw is counted for both, so that
what is hard for both falls out of the difference (Koehn 2004, Statistical Significance Tests for Machine Translation
Evaluation, EMNLP; Berg-Kirkpatrick, Burkett and Klein 2012, An Empirical Investigation of Statistical Significance in
NLP, EMNLP). Texts count as independent: many comments on one event make the intervals too narrow.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy import stats

from .tally import Floats

SAMPLES = 1000
SEED = 7
_AT_ONCE = 2_000_000  # drawn numbers that are held in memory
_ALL = 400  # texts that changed, up to which every swap is added up
_BEYOND = 1e-18  # more than the chance of a count nine deviations from its mean


def resampled(cells: sp.csr_matrix, *, samples: int = SAMPLES, seed: int = SEED) -> Floats:
    """(samples, columns): the column sums of ``cells`` (texts, columns) over texts drawn with replacement.

    Drawing is counting: how often each text came up, (samples, texts), times the cells. The same seed and number of
    texts give the same draws, so tallies of the same texts can be set side by side.
    """
    texts, columns = cells.shape
    totals = np.zeros((samples, columns))
    if not texts or not columns:
        return totals
    generator = np.random.default_rng(seed)
    turned = cells.T.tocsr().astype(np.float32)  # whole numbers far below 2**24: exact
    at_once = max(1, _AT_ONCE // texts)
    for begin in range(0, samples, at_once):
        count = min(at_once, samples - begin)
        drawn = generator.integers(texts, size=(count, texts)) + texts * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * texts).reshape(count, texts)
        totals[begin : begin + count] = (turned @ weights.T.astype(np.float32)).T
    return totals


def interval(values: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """The percentile interval of one figure, (samples,); draws that had no case (nan) are left out, None if all are."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return None
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def swap_chance(old: tuple[int, int], new: tuple[int, int], both: tuple[int, int], support: int) -> float:
    """The chance of so large a difference in F1 if it did not matter which model gave which answer; two-sided.

    The randomisation test for paired answers (Noreen 1989, Computer Intensive Methods for Testing Hypotheses; Yeh 2000,
    More Accurate Tests for the Statistical Significance of Result Differences, COLING), exact and not by drawing: swapping
    the answers of single texts moves only how many of those that one model alone found (or alone claimed wrongly) go to
    the one side, which are two binomial counts. Unlike a share of bootstrap draws it is not too sure when few texts
    changed, and is never rounded to 1 / samples.

    ``old``, ``new``: (right, wrong) of one code that this model alone said; ``both``: that both said; ``support``: texts
    that carry the code. F1 = 2 right / (right + wrong + support).
    """
    if not support:
        return 1.0
    swapped = old[0] + new[0], old[1] + new[1]
    right, wrong = (_likely(count) for count in swapped)
    chances = stats.binom.pmf(right, swapped[0], 0.5)[:, None] * stats.binom.pmf(wrong, swapped[1], 0.5)

    def f1(hits: Floats, claims: Floats) -> Floats:
        return 2 * (both[0] + hits) / (both[0] + hits + both[1] + claims + support)

    def gap(hits: Floats, claims: Floats) -> Floats:
        return f1(hits, claims) - f1(swapped[0] - hits, swapped[1] - claims)

    seen = abs(gap(np.array(float(new[0])), np.array(float(new[1]))))
    as_far = np.abs(gap(right[:, None], wrong[None, :])) >= seen - 1e-12
    return min(1.0, float(chances[as_far].sum()) + (_BEYOND if max(swapped) > _ALL else 0.0))


def _likely(count: int) -> Floats:
    """The counts of heads in ``count`` tosses that are worth adding up: all, or those within nine deviations."""
    reach = count if count <= _ALL else int(4.5 * count**0.5) + 1
    return np.arange(max(0, count // 2 - reach), min(count, (count + 1) // 2 + reach) + 1, dtype=np.float64)
