"""What an encoder's tokens say together: one vector a clause and one a text, so that near meanings lie near each other.

A vector has two halves: the word vectors that the encoder begins with, and the states that it ends with, each the mean
over the words, frequent words counting less (smooth inverse frequency: Arora et al. 2017), without what all texts have
in common, at unit length. Alone, the first half knows no order and the second leans to what the codes were taught.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .classifiers import Floats
from .windows import Ints

_RARE = 1e-3  # a word of this frequency counts half


def word_weights(vocabulary: bytes) -> Floats:
    """(words,) what each entry of a tokenizer.json counts, 0 for its marks; 1 where it says nothing of frequencies.

    A unigram tokenizer holds the log probability of every entry (Kudo 2018); others do not.
    """
    content = json.loads(vocabulary)
    entries = content["model"]["vocab"]
    marks = [int(one["id"]) for one in content.get("added_tokens", ()) if one.get("special")]
    if content["model"].get("type") == "Unigram":
        weights = inverse_frequency(np.exp([float(score) for _, score in entries]))
    else:
        weights = np.ones(max([*entries.values(), *marks], default=0) + 1, np.float32)
    weights[[mark for mark in marks if mark < len(weights)]] = 0
    return weights


def inverse_frequency(share: npt.NDArray[np.float64]) -> Floats:
    """What a word counts whose share of all words is ``share``."""
    answer: Floats = (_RARE / (_RARE + share)).astype(np.float32)
    return answer


@dataclass(frozen=True)
class ClauseSums:
    """Weighted sums over the tokens of clauses: total (clauses, d), weight (clauses,). Windows of one text add up."""

    total: Floats
    weight: Floats

    @classmethod
    def zero(cls, clauses: int, width: int) -> ClauseSums:
        return cls(np.zeros((clauses, width), np.float32), np.zeros(clauses, np.float32))

    def add(self, clause: Ints, weight: Floats, parts: Sequence[Floats]) -> None:
        """Tokens that follow each other: clause (tokens,) ascending within a window, weight (tokens,), parts (tokens, d_k) each."""
        begin = np.flatnonzero(np.diff(clause, prepend=-1))
        place, at = clause[begin], 0
        for part in parts:
            width = part.shape[1]
            np.add.at(self.total[:, at : at + width], place, np.add.reduceat(part * weight[:, None], begin, axis=0))
            at += width
        np.add.at(self.weight, place, np.add.reduceat(weight, begin))

    def of_texts(self, owner: Ints, texts: int) -> ClauseSums:
        """The same per text; owner: (clauses,) the text of each."""
        sums = ClauseSums.zero(texts, self.total.shape[1])
        np.add.at(sums.total, owner, self.total)
        np.add.at(sums.weight, owner, self.weight)
        return sums

    def unit(self, centre: Floats, widths: Sequence[int]) -> Floats:
        """(clauses, d) of length 1, or 0 where no word stands; centre: (d,), widths: of the parts."""
        there = self.weight > 0
        mean: Floats = (self.total / np.where(there, self.weight, 1)[:, None] - centre).astype(np.float32)
        at = 0
        for width in widths:
            part = mean[:, at : at + width]
            size = np.maximum(np.linalg.norm(part, axis=1), 1e-6) * np.float32(np.sqrt(len(widths)))
            part /= size[:, None]
            at += width
        mean[~there] = 0
        return mean
