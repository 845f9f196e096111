"""Where pieces lie: what the encoder reads in them beside the characters they are written with.

The encoder brings 快递慢 and 物流拖了三天 together; characters keep apart what it has no word for. On short questions both
together gave better clusters than either (see ``benchmarks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .classifiers import Floats
from .errors import MissingExtraError

_DIRECTIONS = 200  # of the encoder's space that are kept, most spread first
_CHARACTERS = 150  # directions of the characters' space


class Embeds(Protocol):
    """What reads texts, each given as its normalised clauses, into vectors (``encoder.Encoder``)."""

    def embed(self, texts: Sequence[Sequence[str]]) -> Floats: ...


def vectors(lines: Sequence[str], encoder: Embeds, *, seed: int = 7) -> Floats:
    """(n, d) of normalised lines: two halves of length 1 each, of the encoder's states and of 1- and 2-grams of characters.

    The encoder's directions are divided by the fourth root of their variance, half way to whitening: a few directions
    that all comments share would drown the rest (Mu and Viswanath 2018). Characters are TF-IDF, reduced by SVD
    (Deerwester et al. 1990). The same lines give the same vectors. At least two lines.
    """
    read = np.asarray(encoder.embed([[line] for line in lines]), np.float32)
    spread = _unit(_half_whitened(read))
    return np.hstack([spread, _unit(_characters(lines, seed))]).astype(np.float32)


def _half_whitened(read: Floats) -> Floats:
    centred = read - read.mean(0)
    # The eigenvectors of a small matrix, not the SVD of a tall one: the same directions, in a tenth of the time.
    values, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64) / max(1, len(read) - 1))
    chosen = np.argsort(-values)[:_DIRECTIONS]
    kept = chosen[values[chosen] > 1e-9 * values.max(initial=1e-12)]
    scaled: Floats = ((centred @ directions[:, kept]) / values[kept] ** 0.25).astype(np.float32)
    return scaled


def _characters(lines: Sequence[str], seed: int) -> Floats:
    text, decomposition = _sklearn()
    least = 2 if len(lines) < 2000 else 3
    counted = text.TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=least, sublinear_tf=True)
    try:
        sparse = counted.fit_transform(lines)
    except ValueError:  # no two lines share a character
        return np.zeros((len(lines), 1), np.float32)
    width = min(_CHARACTERS, sparse.shape[1] - 1, len(lines) - 1)
    if width < 1:
        return np.asarray(sparse.toarray(), np.float32)
    reduced: Floats = decomposition.TruncatedSVD(width, random_state=seed).fit_transform(sparse).astype(np.float32)
    return reduced


def _sklearn() -> tuple[Any, Any]:
    try:
        from sklearn import decomposition
        from sklearn.feature_extraction import text
    except ImportError as error:
        raise MissingExtraError(str(error.name), extra="topics") from error
    return text, decomposition


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    answer: Floats = rows / np.maximum(length, 1e-9)
    return answer
