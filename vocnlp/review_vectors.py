"""Texts as vectors, to tell near twins and new ground: hashed n-grams weighed by TF-IDF, or an encoder's embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .classifiers import Floats
from .features import Grams, hash_clauses
from .text import normalise_all

TWIN = 0.8  # cosine from which two comments say the same in nearly the same words
_BUCKETS = 1 << 18
_GRAMS = Grams(characters=3, words=True, pairs=False)
_CHUNK = 4096
_BLOCK = 256
_PRIOR = 0.05  # of a coordinate, in squared lengths of what is known: n-grams read once or twice are half learnt

#: (n, d) rows of length one: sparse n-grams, or dense embeddings.
Vectors: TypeAlias = sp.csr_matrix | Floats


def gram_vectors(texts: Sequence[str]) -> sp.csr_matrix:
    """(n, buckets) TF-IDF of character n-grams and words, each row of length one; a text without any is a row of zeros.

    Hashing in place of a vocabulary (Weinberger et al. 2009); idf is of these texts, so compare only rows of one call.
    """
    if not texts:
        return sp.csr_matrix(np.zeros((0, _BUCKETS), np.float32))
    parts = []
    for low in range(0, len(texts), _CHUNK):
        lines = normalise_all([text.replace("\n", " ") for text in texts[low : low + _CHUNK]])
        row, value = hash_clauses(lines, _GRAMS)
        cells = (np.ones(len(row), np.float32), (row, value % _BUCKETS))
        parts.append(sp.coo_matrix(cells, shape=(len(lines), _BUCKETS)).tocsr())
    counts = sp.vstack(parts, format="csr")
    counts.data = 1 + np.log(counts.data)
    found = np.bincount(counts.indices, minlength=_BUCKETS)
    idf = np.log((1 + len(texts)) / (1 + found)) + 1
    weighed = sp.csr_matrix(counts @ sp.diags(idf.astype(np.float32)))
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel())
    return sp.csr_matrix(sp.diags((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ weighed)


def unit(vectors: Floats) -> Floats:
    """(n, d) embeddings with every row of length one; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


def likeness(vectors: Vectors, one: Vectors) -> Floats:
    """(n,) cosine of every row with a single row, (1, d)."""
    product = vectors @ one.T
    dense: Floats = product.toarray() if sp.issparse(product) else np.asarray(product)
    return dense.ravel()


def nearest(vectors: Vectors, others: Vectors) -> Floats:
    """(n,) cosine of every row with the likest of ``others``; 0 where there are none."""
    best = np.zeros(vectors.shape[0], np.float32)
    for low in range(0, others.shape[0], _BLOCK):
        product = vectors @ others[low : low + _BLOCK].T
        part = product.max(1).toarray().ravel() if sp.issparse(product) else np.asarray(product).max(1)
        best = np.maximum(best, part)
    return best


def unlearnt(vectors: Vectors, known: Vectors | None) -> npt.NDArray[np.float64]:
    """(n,) how little the labelled rows say of what a row is made of: 1 where nothing is known, towards 0 where all is.

    The variance of a linear model's score on the row (Laplace's approximation, its diagonal), as a share of what it was
    before any label. Times the doubt it is what a label is expected to tell about the model's weights (MacKay 1992,
    "Information-based objective functions for active data selection"): in doubt alone, words that were read a hundred
    times and stay ambiguous win over those never read.
    """
    if known is None:
        return np.ones(vectors.shape[0])
    left = _PRIOR / (_PRIOR + np.asarray(_squares(known).sum(0), np.float64).ravel())
    told: npt.NDArray[np.float64] = np.asarray(_squares(vectors) @ left).ravel()
    return told


def _squares(vectors: Vectors) -> Vectors:
    return vectors.multiply(vectors) if sp.issparse(vectors) else np.square(vectors)


def spread(
    score: npt.NDArray[np.float64], vectors: Vectors, count: int, *, taken: Iterable[int], pull: float
) -> list[int]:
    """At most ``count`` rows of high score that are unlike each other and unlike the rows ``taken``.

    Greedy: the next row is the one of highest ``score - pull * likeness`` to what is there (maximal marginal relevance:
    Carbonell & Goldstein 1998). Rows of score -inf and near twins are never taken, so there may be fewer.
    """
    free = np.flatnonzero(np.isfinite(score))
    best = free[np.argsort(-score[free], kind="stable")][: max(20 * count, 2000)]
    some, worth = vectors[best], score[best].astype(np.float64)
    already = list(taken)
    close = nearest(some, vectors[already]) if already else np.zeros(len(best), np.float32)
    chosen: list[int] = []
    open_ = np.isfinite(worth)
    while len(chosen) < count:
        open_ &= close < TWIN
        if not open_.any():
            break
        at = int(np.argmax(np.where(open_, worth - pull * close, -np.inf)))
        chosen.append(int(best[at]))
        open_[at] = False
        close = np.maximum(close, likeness(some, some[at : at + 1]))
    return chosen
