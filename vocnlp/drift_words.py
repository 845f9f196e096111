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
    (Dunning 1993, Computational Linguistics 19); ``p`` is that of the exact test of two rates (Przyborowski and Wilenski
    1940, Biometrika 31), corrected for the number of words (Benjamini and Hochberg 1995). ``untagged``: share of its
    comments that carry no code.
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
    """Words in at least ``least`` comments of the period, at least twice as frequent there, and beyond chance.

    Every word that is frequent enough in both together is tested: to test only those that have become more frequent, and
    to correct for their number alone, would find some among thousands that have not.
    """
    words = [word for word in sorted(before.keys() | after.keys()) if before.get(word, 0) + after.get(word, 0) >= least]
    old, new = (np.array([side.get(word, 0) for word in words], np.int64) for side in (before, after))
    chance = rows[1] / sum(rows)
    tails = stats.binom.cdf(new, old + new, chance), stats.binom.sf(new - 1, old + new, chance)
    ps = adjusted(np.minimum(1.0, 2 * np.minimum(*tails)).tolist(), "bh")
    kept = []
    for word, was, count, p in zip(words, old.tolist(), new.tolist(), ps, strict=True):
        ratio = (count / rows[1]) / (max(was, 0.5) / rows[0])
        if count >= least and ratio >= 2 and p is not None and p < alpha:
            moved = g2(was, rows[0], count, rows[1])
            kept.append(Word(word, was, count, ratio, moved, p=p, untagged=untagged.get(word, 0) / count))
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
