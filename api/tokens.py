"""Tokens, by which work is counted here: about how many a text has, and how many a scorer reads in a second."""

from __future__ import annotations

from dataclasses import dataclass

_TELLING = 256  # tokens that a batch has at least which says how fast a scorer is
_SLOWER, _FASTER = 0.5, 0.1  # weight of the newest batch in the measured speed: bad news is believed sooner


def tokens_in(text: str) -> int:
    """About how many tokens a model reads in a text: two thirds of its characters, and two marks.

    An estimate, because what has no room must be known before it is cut and normalised, and a linear model has no
    tokenizer. ``python -m benchmarks.serving --only tokens`` compares it with the tokenizer of the bundle.
    """
    return 2 + len(text) * 17 // 25


@dataclass
class Speed:
    """How fast one scorer is, by its batches so far. ``batch``: tokens that are scored together; ``a_second``: 0 until known."""

    batch: int
    a_second: float = 0.0

    def learn(self, tokens: int, seconds: float) -> None:
        """A batch took so long. A few short texts are slow for their tokens, and say nothing of a full queue."""
        if tokens < min(_TELLING, self.batch // 4):
            return
        found = tokens / max(seconds, 1e-6)
        weight = _SLOWER if found < self.a_second else _FASTER
        self.a_second = (1 - weight) * self.a_second + weight * found if self.a_second else found

    def seconds(self, tokens: float) -> float:
        """What so many take; 0 until a batch has told."""
        return tokens / self.a_second if self.a_second else 0.0
