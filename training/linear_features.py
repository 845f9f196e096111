"""Labelled comments as features of their clauses: what the linear model is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from vocnlp.features import Grams, hash_clauses
from vocnlp.linear import Vocabulary
from vocnlp.readings import read_all

from .labelled import Labelled

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_CHUNK = 4096  # texts hashed at once
_MERGED = 16  # chunks whose counts are added up at once


@dataclass(frozen=True)
class Texts:
    """Labelled texts as the fit sees them: one row of features a clause, and where each text's clauses start."""

    rows: Sequence[Labelled]
    features: sp.csr_matrix
    start: npt.NDArray[np.int64]

    @cached_property
    def own(self) -> npt.NDArray[np.int64]:
        """The text that each clause belongs to."""
        return np.repeat(np.arange(len(self.rows)), np.diff(np.append(self.start, self.features.shape[0])))

    @cached_property
    def across(self) -> sp.csr_matrix:
        """The features turned round, (features, clauses): every gradient needs them so."""
        return self.features.T.tocsr()

    def take(self, keep: Mask) -> Texts:
        if keep.all():
            return self  # half a million comments are not copied for every code
        rows = [row for row, kept in zip(self.rows, keep, strict=True) if kept]
        sizes = np.diff(np.append(self.start, self.features.shape[0]))[keep]
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
        return Texts(rows, self.features[keep[self.own]], start)

    def pooled(self, share: Floats) -> sp.csr_matrix:
        """(texts, features): each text's clauses summed with these weights."""
        ends = np.append(self.start, self.features.shape[0])
        sums: sp.csr_matrix = sp.csr_matrix((share, np.arange(len(share)), ends)) @ self.features
        return sums


def featurise(
    rows: Sequence[Labelled], grams: Grams, *, least_texts: int, most_features: int
) -> tuple[Vocabulary, Texts]:
    """The vocabulary of the rows, and the rows as features.

    least_texts: a feature of fewer texts is left out; most_features: the most frequent are kept
    """
    readings = read_all([row.text for row in rows])
    lines = [line for reading in readings for line in reading.lines]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(reading.lines) for reading in readings])[:-1]])
    found, texts = _frequencies(lines, start, grams)
    kept = texts >= least_texts
    if kept.sum() > most_features:
        kept &= texts > np.partition(texts, -most_features)[-most_features]
    idf = np.log((1 + len(rows)) / (1 + texts[kept])) + 1
    vocabulary = Vocabulary(found[kept].astype(np.uint32), idf.astype(np.float32), grams)
    parts = [vocabulary.matrix(lines[low : low + _CHUNK]) for low in range(0, len(lines), _CHUNK)]
    return vocabulary, Texts(rows, sp.vstack(parts, format="csr").astype(np.float64), start)


def _frequencies(
    lines: Sequence[str], start: npt.NDArray[np.int64], grams: Grams
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """All features of the clauses, in order, and in how many texts each stands. start: first clause of each text."""
    found: list[npt.NDArray[np.uint64]] = []
    counts: list[npt.NDArray[np.int64]] = []
    ends = np.append(start, len(lines))
    for low in range(0, len(start), _CHUNK):
        own = ends[low : low + _CHUNK + 1]
        some = lines[own[0] : own[-1]]
        line, value = hash_clauses(some, grams)
        text = np.repeat(np.arange(len(own) - 1), np.diff(own))[line]
        pairs = np.unique(text.astype(np.uint64) << np.uint64(32) | value)  # each once a text
        new, often = np.unique(pairs & np.uint64(0xFFFFFFFF), return_counts=True)
        found.append(new)
        counts.append(often)
        if len(found) > _MERGED:
            features, texts = _merged(found, counts)
            found, counts = [features], [texts]
    return _merged(found, counts)


def _merged(
    found: Sequence[npt.NDArray[np.uint64]], counts: Sequence[npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The counts of several parts as one."""
    features, place = np.unique(np.concatenate(found), return_inverse=True)
    return features, np.bincount(place, np.concatenate(counts), len(features)).astype(np.int64)
