"""What the tagger asks of a model: read clauses, return probabilities and the clause that carries each code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
LEAST = np.float32(1e-6)  # no classifier is surer than that


@dataclass(frozen=True)
class Scores:
    """What a classifier read in ``n`` texts, for the ``c`` codes it knows.

    sentiment: (n, 3) probabilities of negative, neutral, positive; None if the model never learnt sentiment
    mention: (n, c) calibrated probabilities that a code is spoken of
    polarity: (n, c, 3) probabilities of negative, neutral, positive, given that it is
    clause: (n, c) index, within the text, of the clause that speaks of the code most
    """

    sentiment: Floats | None
    mention: Floats
    polarity: Floats
    clause: npt.NDArray[np.int64]


def sigmoid(value: Floats) -> Floats:
    """1 / (1 + exp(-value)), without overflow."""
    half = np.float32(0.5)
    answer: Floats = half * (np.tanh(half * value) + np.float32(1))
    return answer


def log_odds(chance: Floats) -> Floats:
    """log(p / (1 - p)), bounded on both sides."""
    held = np.clip(chance, LEAST, 1 - LEAST)
    answer: Floats = np.log(held) - np.log1p(-held)
    return answer


def softmax(value: Floats) -> Floats:
    """Probabilities over the last axis, without overflow."""
    peak = np.exp(value - value.max(-1, keepdims=True))
    answer: Floats = peak / peak.sum(-1, keepdims=True)
    return answer


class Classifier(Protocol):
    """Anything that can score clauses. A text's scores must not depend on the texts it is scored with."""

    @property
    def codes(self) -> tuple[str, ...]: ...

    @property
    def chunk(self) -> int:
        """How many texts to score in one call: enough to be fast, few enough for the memory."""
        ...

    @property
    def threads(self) -> int:
        """How many threads it uses at most; 0: as many as there are cores."""
        ...

    def on_threads(self, count: int) -> Classifier:
        """The same classifier, using at most so many threads (0: as many as there are cores)."""
        ...

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """Scores of texts, each given as its normalised clauses (at least one, none with a line feed)."""
        ...
