"""What reviewed comments teach of a new code, on top of what its definition says: one weight a direction, one a word.

The weights are drawn to zero, and that of the definition's verdict to one: a code of eight reviewed comments is its
definition, corrected a little; one of a hundred has learnt its own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .classifiers import Floats
from .features import Grams
from .linear import Vocabulary

if TYPE_CHECKING:
    import scipy.sparse as sp

ODDS = np.float32(12)  # what the base's codes say counts little: log odds divided by this
GRAMS = Grams(characters=3, words=True, pairs=False)


@dataclass(frozen=True)
class Seen:
    """What is known of n texts before a code is decided on, for the c codes of the definitions.

    vectors: (clauses, d), start: (n,) the first clause of each text, lines: the clauses
    prior: (clauses, c) what the definition says of each clause, in log odds; whole: (n, c) of each text
    odds: (n, k) of the base's codes, scaled
    """

    lines: Sequence[str]
    start: npt.NDArray[np.int64]
    vectors: Floats
    prior: Floats
    whole: Floats
    odds: Floats

    @property
    def texts(self) -> Floats:
        """(n, d) of length one."""
        sums = np.add.reduceat(self.vectors, self.start, axis=0)
        answer: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-6))
        return answer


@dataclass(frozen=True)
class Heads:
    """Learnt weights of c codes.

    dense: (d + k, c) on a text's vector and the base's log odds; words: (f, c) on the features of ``vocabulary``
    bias: (c,) in log odds; trust: (c,) how much the definition's verdict counts
    polarity: (c, 3) is added to the log probabilities of the clause's sentiment, after ``lean``
    """

    vocabulary: Vocabulary
    dense: Floats
    words: Floats
    bias: Floats
    trust: Floats
    polarity: Floats
    lean: float = 1.0

    def logits(self, seen: Seen) -> Floats:
        """(n, c) log odds that a text speaks of a code."""
        features = np.hstack([seen.texts, seen.odds])
        said = features @ self.dense + words_of(seen.lines, seen.start, self.vocabulary) @ self.words
        answer: Floats = self.trust * seen.whole + said + self.bias
        return answer

    def evidence(self, seen: Seen) -> Floats:
        """(clauses, c) how much each clause speaks of a code."""
        answer: Floats = self.trust * seen.prior + seen.vectors @ self.dense[: seen.vectors.shape[1]]
        return answer

    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """As they are written to a bundle."""
        return {
            "dense": self.dense, "words": self.words, "bias": self.bias, "trust": self.trust, "polarity": self.polarity,
            "lean": np.array([self.lean], np.float32), "vocabulary": self.vocabulary.hashes, "idf": self.vocabulary.idf,
        }  # fmt: skip

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[np.generic]], codes: int, width: int) -> Heads:
        """ValueError or KeyError if they do not fit together; width: d + k."""
        names = ("dense", "words", "bias", "trust", "polarity", "lean", "idf")
        dense, words, bias, trust, polarity, lean, idf = (np.asarray(tensors[name], np.float32) for name in names)
        hashes = tensors["vocabulary"]
        shapes = tuple(one.shape for one in (dense, words, bias, trust, polarity, lean, idf))
        wanted = ((width, codes), (len(hashes), codes), (codes,), (codes,), (codes, 3), (1,), (len(hashes),))
        if shapes != wanted or hashes.dtype != np.uint32 or not bool(np.all(np.diff(hashes.astype(np.int64)) > 0)):
            raise ValueError("the arrays of the codes taught by few comments do not fit together")
        vocabulary = Vocabulary(hashes.astype(np.uint32), idf, GRAMS)
        return cls(vocabulary, dense, words, bias, trust, polarity, float(lean[0]))


def words_of(lines: Sequence[str], start: npt.NDArray[np.int64], vocabulary: Vocabulary) -> sp.csr_matrix:
    """(n, features) of length one: the n-grams and words of each text; start: (n,) the first of its clauses in lines."""
    import scipy.sparse as sp

    ends = np.append(start, len(lines))
    sums = sp.csr_matrix((np.ones(len(lines), np.float32), np.arange(len(lines)), ends)) @ vocabulary.matrix(lines)
    length = np.sqrt(np.asarray(sums.multiply(sums).sum(1)).ravel())
    answer: sp.csr_matrix = (sp.diags(1 / np.maximum(length, 1e-6)) @ sums).tocsr().astype(np.float32)
    return answer
