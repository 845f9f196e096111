"""Two classifiers read as one: an encoder, which knows word order and rare wordings, and n-grams, which learn a set's own words.

Their log odds are added with weights (a logarithmic opinion pool: Genest & Zidek 1986); the weights are found on texts
that neither has seen (stacking: Wolpert 1992). The clause that is the evidence is the encoder's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from .classifiers import LEAST, Floats, Scores, log_odds, sigmoid, softmax
from .encoder import Encoder
from .linear import Linear

FORMAT = 1
NGRAMS = "ngrams.safetensors"


@dataclass(frozen=True)
class Weights:
    """How far each of the two is trusted; the encoder stands first.

    mood: (2, 2), of the log odds of neutral, and of positive against negative, for each of the two
    polarity: (2,) of the log probabilities of a code's polarity
    mention: (2, c) of the log odds that a code is spoken of; shift: (c,) is added to them
    """

    mood: Floats
    polarity: Floats
    mention: Floats
    shift: Floats


@dataclass(frozen=True)
class Pooled:
    """An encoder and n-grams of the same training. A code that the n-grams do not know is the encoder's alone."""

    encoder: Encoder
    ngrams: Linear
    weights: Weights

    @property
    def codes(self) -> tuple[str, ...]:
        return self.encoder.codes

    @property
    def chunk(self) -> int:
        return self.encoder.chunk

    @property
    def threads(self) -> int:
        """See ``classifiers.Classifier.threads``."""
        return self.encoder.threads

    def on_threads(self, count: int) -> Pooled:
        """See ``classifiers.Classifier.on_threads``; the n-grams never use more than one."""
        return replace(self, encoder=self.encoder.on_threads(count))

    def in_batches(self, tokens: int) -> Pooled:
        """See ``Encoder.in_batches``."""
        return replace(self, encoder=self.encoder.in_batches(tokens))

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        return self._pool(*self.both(texts))

    def _pool(self, first: Scores, second: Scores) -> Scores:
        weights = self.weights
        odds = log_odds(first.mention), log_odds(second.mention)
        if self.encoder.exclusive:
            odds = np.log(np.maximum(first.mention, LEAST)), odds[1]
        mention = weights.mention[0] * odds[0] + weights.mention[1] * odds[1] + weights.shift
        return Scores(
            sentiment=_mood(first.sentiment, second.sentiment, weights.mood),
            mention=softmax(mention) if self.encoder.exclusive else sigmoid(mention),
            polarity=softmax(
                weights.polarity[0] * np.log(np.maximum(first.polarity, LEAST))
                + weights.polarity[1] * np.log(np.maximum(second.polarity, LEAST))
            ),
            clause=first.clause,
        )

    @property
    def embeds(self) -> bool:
        """See ``Encoder.embeds``."""
        return self.encoder.embeds

    def embed(self, texts: Sequence[Sequence[str]]) -> Floats:
        """See ``Encoder.embed``."""
        return self.encoder.embed(texts)

    def embed_clauses(self, texts: Sequence[Sequence[str]]) -> Floats:
        """See ``Encoder.embed_clauses``."""
        return self.encoder.embed_clauses(texts)

    def score_and_embed(self, texts: Sequence[Sequence[str]]) -> tuple[Scores, Floats]:
        """See ``Encoder.score_and_embed``."""
        first, vectors = self.encoder.score_and_embed(texts)
        return self._pool(first, self._beside(first, texts)), vectors

    def both(self, texts: Sequence[Sequence[str]]) -> tuple[Scores, Scores]:
        """What each of the two says, on the encoder's codes."""
        first = self.encoder.score(texts)
        return first, self._beside(first, texts)

    def _beside(self, first: Scores, texts: Sequence[Sequence[str]]) -> Scores:
        """What the n-grams say, on the encoder's codes; where they do not know one, what the encoder says."""
        parts = [
            self.ngrams.score(texts[at : at + self.ngrams.chunk]) for at in range(0, len(texts), self.ngrams.chunk)
        ]
        if not parts:
            return first
        mention, polarity = first.mention.copy(), first.polarity.copy()
        known = self._place >= 0
        mention[:, known] = np.concatenate([part.mention for part in parts])[:, self._place[known]]
        polarity[:, known] = np.concatenate([part.polarity for part in parts])[:, self._place[known]]
        moods = [part.sentiment for part in parts if part.sentiment is not None]
        return Scores(np.concatenate(moods) if moods else None, mention, polarity, first.clause)

    @cached_property
    def _place(self) -> npt.NDArray[np.int64]:
        """Where each code of the encoder stands among those of the n-grams, or -1."""
        place = {code: number for number, code in enumerate(self.ngrams.codes)}
        return np.array([place.get(code, -1) for code in self.codes], np.int64)

    def to_files(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Files and settings to write to a bundle."""
        files, encoder = self.encoder.to_files()
        tensors, ngrams = self.ngrams.to_tensors()
        pool = {f"pool.{name}": np.asarray(value, np.float32) for name, value in vars(self.weights).items()}
        packed = write_tensors({name: np.ascontiguousarray(one) for name, one in {**tensors, **pool}.items()})
        settings = {"format": FORMAT, "encoder": encoder, "ngrams": {**ngrams, "codes": list(self.ngrams.codes)}}
        return {**files, NGRAMS: packed}, settings

    @classmethod
    def from_files(cls, codes: tuple[str, ...], files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Pooled:
        """The model that ``to_files`` gave. ValueError, KeyError or SafetensorError if the parts do not fit together."""
        if settings["format"] != FORMAT:
            raise ValueError(f"a pooled model of format {settings['format']}; this version reads {FORMAT}")
        tensors = read_tensors(files[NGRAMS])
        weights = Weights(**{name: tensors[f"pool.{name}"] for name in Weights.__dataclass_fields__})
        shapes = tuple(value.shape for value in vars(weights).values())
        if shapes != ((2, 2), (2,), (2, len(codes)), (len(codes),)):
            raise ValueError("the weights of the pool are not of these codes")
        encoder = Encoder.from_files(codes, files, settings["encoder"])
        ngrams = Linear.from_tensors(tuple(settings["ngrams"]["codes"]), tensors, settings["ngrams"])
        return cls(encoder, ngrams, weights)


def mood_odds(sentiment: Floats) -> tuple[Floats, Floats]:
    """(n,) log odds of neutral, and of positive against negative, from (n, 3) probabilities."""
    negative, neutral, positive = np.maximum(sentiment, LEAST).T
    return log_odds(neutral), np.log(positive) - np.log(negative)


def _mood(first: Floats | None, second: Floats | None, weights: Floats) -> Floats | None:
    if first is None or second is None:
        return first
    (neutral, towards), (also_neutral, also_towards) = mood_odds(first), mood_odds(second)
    calm = sigmoid(weights[0, 0] * neutral + weights[1, 0] * also_neutral)
    glad = sigmoid(weights[0, 1] * towards + weights[1, 1] * also_towards)
    return np.stack([(1 - calm) * (1 - glad), calm, (1 - calm) * glad], 1)
