"""Words of a period against those of another: which are new or more frequent, and how far apart the two speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

from .privacy import mask_all
from .significance import adjusted
from .text import normalise_all

_MOST = 200_000  # words held while counting; beyond it those seen once are forgotten
_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Word:
    """A word that more comments hold than before: ``before`` of the reference's, ``after`` of the period's.

    ``ratio`` compares the shares (a word never seen counts as half a comment), ``g2`` is twice the log-likelihood ratio
    (Dunning 1993, Computational Linguistics 19), ``p`` its chi-square tail with one degree of freedom, corrected for the
    number of words (Benjamini and Hochberg 1995). ``untagged``: share of its comments that carry no code.
    """

    word: str
    before: int
    after: int
    ratio: float
    g2: float
    p: float
    untagged: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``distance``: that of Jensen and Shannon (Lin 1991; base 2, its root, 0..1) between the shares of words.

    ``by_chance``: what 95 of 100 pairs of samples of these sizes from one and the same vocabulary stay below. Words of a
    comment come together, so chance goes somewhat beyond it.
    """

    distance: float
    by_chance: float
    words: tuple[Word, ...]


def words_of(texts: Sequence[str]) -> list[Set[str]]:
    """The words of each text, masked and normalised before: jieba's (rjieba), two characters and more."""
    import rjieba  # only here: loading the dictionary costs a call without words nothing

    lines = normalise_all([text.replace("\n", " ") for text in mask_all(texts)])
    return [{word for word in rjieba.cut(line, True) if len(word) > 1 and word.isalpha()} for line in lines]


def counted(counts: Counter[str], held: Iterable[Set[str]]) -> None:
    """Add the words of some comments. Beyond ``_MOST`` words, those seen once are dropped (as Manku and Motwani 2002)."""
    for words in held:
        counts.update(words)
    if len(counts) > _MOST:
        for word in [word for word, count in counts.items() if count == 1]:
            del counts[word]


def more_frequent(
    before: Mapping[str, int],
    after: Mapping[str, int],
    untagged: Mapping[str, int],
    *,
    rows: tuple[int, int],
    alpha: float,
    least: int,
) -> tuple[Word, ...]:
    """Words in at least ``least`` comments of the period, at least twice as frequent there, and beyond chance."""
    found = []
    for word, count in after.items():
        old = before.get(word, 0)
        ratio = (count / rows[1]) / (max(old, 0.5) / rows[0])
        if count >= least and ratio >= 2:
            found.append((word, old, count, ratio, g2(old, rows[0], count, rows[1])))
    ps = adjusted([float(stats.chi2.sf(one[4], 1)) for one in found], "bh")
    kept = [
        Word(*one, p=p, untagged=untagged.get(one[0], 0) / one[2])
        for one, p in zip(found, ps, strict=True)
        if p is not None and p < alpha
    ]
    return tuple(sorted(kept, key=lambda one: (-one.g2, one.word)))


def g2(before: int, before_rows: int, after: int, after_rows: int) -> float:
    """Dunning's -2 log lambda that two binomial shares are one."""
    share = (before + after) / (before_rows + after_rows)
    terms = ((before, before_rows), (after, after_rows))
    return max(0.0, 2 * sum(_log_likelihood(k, n, k / n) - _log_likelihood(k, n, share) for k, n in terms))


def _log_likelihood(hits: int, rows: int, share: float) -> float:
    return (hits * np.log(share) if hits else 0.0) + ((rows - hits) * np.log1p(-share) if hits < rows else 0.0)


def apart(before: Mapping[str, int], after: Mapping[str, int], *, seed: int = 7) -> tuple[float, float]:
    """The distance of two vocabularies, and what chance alone stays below in 95 of 100 cases; (0, 0) without words."""
    names = sorted(before.keys() | after.keys())
    counts = np.array([[side.get(name, 0) for name in names] for side in (before, after)], np.float64).reshape(2, -1)
    sizes = counts.sum(1)
    if not sizes.all():
        return 0.0, 0.0
    pooled = counts.sum(0) / counts.sum()
    random = np.random.default_rng(seed)
    drawn = [_distance(*(random.multinomial(int(size), pooled) / size for size in sizes)) for _ in range(_DRAWS)]
    return _distance(*(counts / sizes[:, None])), float(np.quantile(drawn, 0.95))


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    middle = (one + other) / 2
    parts = (np.sum(side[side > 0] * np.log2(side[side > 0] / middle[side > 0])) / 2 for side in (one, other))
    return sqrt(max(0.0, float(sum(parts))))
