"""Clauses to sparse features: character n-grams and jieba words, hashed, without a loop over characters in Python.

The clauses of a batch are laid end to end in one array of code points. A polynomial hash over prefixes gives the
hash of any span by one subtraction, so all n-grams and all words of thousands of comments are hashed by a handful
of array operations (Karp & Rabin 1987, modulo 2**64). Word boundaries come from rjieba, jieba's dictionary and
algorithm in Rust.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))
_LINE_FEED = 10
_WORD, _WORD_PAIR = 101, 102  # kinds of feature; an n-gram's kind is its length


@dataclass(frozen=True)
class Grams:
    """Which features are taken: n-grams of 1..``characters`` characters, words, and pairs of neighbouring words."""

    characters: int = 3
    words: bool = True
    pairs: bool = True


def hash_clauses(clauses: Sequence[str], grams: Grams) -> tuple[Rows, Hashes]:
    """``(row, hash)`` of every feature of every clause, one entry per occurrence, in no particular order.

    ``row`` is the index of the clause. Clauses are normalised, so they hold no line feed and no carriage return. An
    n-gram does not cross clauses, but one line feed at either end belongs to it: where a clause begins and ends says
    much (``不`` + end, begin + ``但``).
    """
    if not clauses:
        return np.empty(0, np.int64), np.empty(0, np.uint32)
    joined = "\n" + "\n".join(clauses) + "\n"
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    feeds = points == _LINE_FEED
    line = np.cumsum(feeds) - 1  # the clause a position lies in; a line feed counts to the clause after it
    prefix, undo = _prefix_hash(points)
    rows, hashes = [], []
    for n in range(1, min(grams.characters, len(points)) + 1):
        start = _ngram_starts(feeds, n)
        rows.append(line[start])
        hashes.append(_mix(_span(prefix, undo, start, start + n), n))
    if grams.words:
        start, end, follows = _words(joined, feeds)
        word = _span(prefix, undo, start, end)
        rows.append(line[start])
        hashes.append(_mix(word, _WORD))
        if grams.pairs:
            rows.append(line[start[:-1][follows]])
            hashes.append(_mix(word[:-1][follows] * _BASE + word[1:][follows], _WORD_PAIR))
    return np.concatenate(rows), np.concatenate(hashes)


def _prefix_hash(points: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Sums of ``point[i] * BASE**i``, and the powers of the inverse that shift a span's hash to the origin."""
    size = len(points)
    powers = np.full(size, _BASE, np.uint64)
    powers[0] = 1
    prefix = np.zeros(size + 1, np.uint64)
    np.cumsum((points + np.uint64(1)) * np.cumprod(powers), out=prefix[1:])
    undo = np.full(size + 1, _INVERSE, np.uint64)
    undo[0] = 1
    return prefix, np.cumprod(undo)


def _span(
    prefix: npt.NDArray[np.uint64], undo: npt.NDArray[np.uint64], start: Rows, end: Rows
) -> npt.NDArray[np.uint64]:
    span: npt.NDArray[np.uint64] = (prefix[end] - prefix[start]) * undo[start]
    return span


def _ngram_starts(feeds: npt.NDArray[np.bool_], n: int) -> Rows:
    """Where n-grams start that lie in one clause, a line feed allowed at either end but not alone or inside."""
    size = len(feeds) - n + 1
    if n == 1:
        return np.flatnonzero(~feeds)
    inside = np.zeros(size, np.bool_)
    for k in range(1, n - 1):
        inside |= feeds[k : k + size]
    both = feeds[:size] & feeds[n - 1 : n - 1 + size]
    # A line feed at the front counts to its own (following) clause; at the back the start is already inside.
    return np.flatnonzero(~(inside | both)) if n > 2 else np.flatnonzero(~both)


def _words(joined: str, feeds: npt.NDArray[np.bool_]) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """Start and end of jieba's words, and for all but the last whether the next word stands in the same clause."""
    import rjieba

    words = rjieba.cut(joined, False)
    end = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    start = np.concatenate([np.zeros(1, np.int64), end[:-1]])
    real = ~feeds[start]
    start, end = start[real], end[real]
    return start, end, start[1:] == end[:-1]


def _mix(value: npt.NDArray[np.uint64], kind: int) -> Hashes:
    """The finaliser of SplitMix64 (Steele et al. 2014), so that all 32 bits kept depend on the whole span."""
    value = value + np.uint64((kind * 0xBF58476D1CE4E5B9) % 2**64)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (value >> np.uint64(32)).astype(np.uint32)
