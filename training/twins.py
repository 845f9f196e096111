"""Pairs of texts that are nearly the same: three-character strings by MinHash, each candidate pair compared in full.

Broder 1997, "On the resemblance and containment of documents"; bands as in Leskovec, Rajaraman & Ullman, ch. 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_GRAM = 3
_BANDS, _ROWS = 10, 3  # a pair that shares seven tenths of its strings is met with a chance of .98
_ALIKE = 0.7  # Jaccard similarity of strings: one character changed in some twenty
_SHORTEST = 12  # letters below which one changed word makes another comment
_CHUNK = 4096
_MOST = 20  # texts of one band's bucket that a text is compared with

Hashes = npt.NDArray[np.uint64]


def near_twins(plain: Sequence[str], theirs: Sequence[str], *, alike: float = _ALIKE) -> list[tuple[int, int]]:
    """``(index in plain, index in theirs)`` of texts, as ``plain_all`` gives them, that share ``alike`` of their strings.

    Each of ``plain`` is named at most once, with the first that was met; those that are equal but for case and marks count too.
    Texts of fewer than twelve letters are left out. Memory: ten numbers a text.
    """
    mine = [at for at, text in enumerate(plain) if len(text) >= _SHORTEST]
    long = [at for at, text in enumerate(theirs) if len(text) >= _SHORTEST]
    if not mine or not long:
        return []
    left, right = _bands([plain[at] for at in mine]), _bands([theirs[at] for at in long])
    met: dict[int, int] = {}
    for band in range(_BANDS):
        where: dict[int, list[int]] = {}
        wanted = set(left[:, band].tolist())
        for at, key in enumerate(right[:, band].tolist()):
            if key in wanted:
                where.setdefault(key, []).append(at)
        for at, key in enumerate(left[:, band].tolist()):
            if mine[at] in met:
                continue
            for other in where.get(key, ())[:_MOST]:
                if _share(plain[mine[at]], theirs[long[other]]) >= alike:
                    met[mine[at]] = long[other]
                    break
    return sorted(met.items())


def _share(one: str, two: str) -> float:
    """Jaccard similarity of the three-character strings of two texts."""
    first, second = ({text[k : k + _GRAM] for k in range(len(text) - _GRAM + 1)} for text in (one, two))
    return len(first & second) / len(first | second)


def _bands(texts: Sequence[str]) -> Hashes:
    """(n, bands): what the least hashes of a text's strings say, three in a number."""
    chance = np.random.default_rng(4)
    factor = chance.integers(1, 1 << 63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    shift = np.uint64(17)
    parts = [np.zeros((0, _BANDS), np.uint64)]
    for at in range(0, len(texts), _CHUNK):
        some = texts[at : at + _CHUNK]
        grams, start = _grams(some)
        least = np.stack([np.minimum.reduceat((grams * one) ^ ((grams * one) >> shift), start) for one in factor], 1)
        mixed = least.reshape(len(some), _BANDS, _ROWS)
        parts.append(mixed[..., 0] * factor[0] ^ mixed[..., 1] * factor[1] ^ mixed[..., 2] * factor[2])
    return np.concatenate(parts)


def _grams(texts: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Hashes of all strings of three characters that lie in one text, and where each text's begin."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    sizes = np.array([len(text) for text in texts], np.int64)
    own = np.repeat(np.arange(len(texts)), sizes)
    value = np.zeros(len(points) - _GRAM + 1, np.uint64)
    for k in range(_GRAM):
        value = value * np.uint64(0x100000001B3) + points[k : k + len(value)]
    inside = own[: len(value)] == own[_GRAM - 1 :]
    counts = np.bincount(own[: len(value)][inside], minlength=len(texts))
    return value[inside], np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)[:-1]])
