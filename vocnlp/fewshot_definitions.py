"""What a codeframe itself says of its codes, read by an encoder: how near a clause lies to the words of each definition.

Three things speak for a code that nobody has labelled yet. How near a clause lies to the code's phrases, compared with
the phrases of the other codes of the frame (prototypes: Snell et al. 2017). What the codes that the base knows say:
a text that they read as they read the phrases speaks of the same (transfer). And the code's keywords.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .classifiers import Floats, Scores
from .codeframe import Code
from .rules import Keywords
from .text import clauses, normalise_all
from .windows import Ints

_NEAREST = 3  # phrases of a code that a clause is compared with: one may lie near by chance
_SHARPNESS = np.float32(10)  # of the softmax over codes, on cosines
# A logistic regression of "the comment has the code" on the log odds of nearness against chance, over frames of 8 to 25
# codes drawn from voc-zh-general and read as if they were new, on the comments of training/own (see docs/few_labels.md).
_SLOPE, _SHIFT = np.float32(2.3), np.float32(-5.2)
_TRANSFER = np.float32(4)
_KEYWORD = np.float32(3)
_FEW = 2
THRESHOLD = 0.28  # of best F1 in the same regression


class Reader(Protocol):
    """A classifier that gives vectors beside its scores: ``Encoder`` or ``Pooled``."""

    @property
    def codes(self) -> tuple[str, ...]: ...

    def score_and_embed(self, texts: Sequence[Sequence[str]]) -> tuple[Scores, Floats]: ...


@dataclass(frozen=True)
class Definitions:
    """The phrases of some codes as vectors.

    codes: of the frame, all that can be told apart; vectors: (p, d) one a phrase, those of a code side by side
    start: (c + 1,) the first phrase of each code; profile: (c, k) how likely the k codes of the base are in its phrases
    keywords: of each code
    """

    codes: tuple[str, ...]
    vectors: Floats
    start: Ints
    profile: Floats
    keywords: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, codes: Sequence[Code], base: Reader) -> Definitions:
        """The codes' names, definitions, inclusions, examples and keywords, as the base reads them.

        Of a code that the base knows, which is there to be told apart from, a few phrases do.
        """
        phrases = [_phrases(code, _FEW if code.id in base.codes else None) for code in codes]
        lines = [cut(phrase) for own in phrases for phrase in own]
        scores, by_clause = base.score_and_embed(lines)
        first = np.cumsum([0, *map(len, lines)])[:-1]
        sums = np.add.reduceat(by_clause, first, axis=0) if lines else by_clause
        vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
        start = np.cumsum([0, *map(len, phrases)], dtype=np.int64)
        profile = np.zeros((len(codes), scores.mention.shape[1]), np.float32)
        for code, own in enumerate(phrases):
            # The definition, which stands last, names what does not belong, too; the shorter phrases speak of the code alone.
            profile[code] = scores.mention[start[code] : start[code] + max(1, len(own) - 1)].mean(0)
        ids = tuple(code.id for code in codes)
        return cls(ids, vectors.astype(np.float32), start, profile, tuple(code.keywords for code in codes))

    def verdict(self, lines: Sequence[str], vectors: Floats, keyworded: Container[str]) -> Floats:
        """(clauses, c) log odds that a clause speaks of a code; keywords are among the reasons for the codes ``keyworded``.

        lines: the clauses; vectors: (clauses, d)
        """
        share = np.clip(self.nearness(vectors), 1e-6, 1 - 1e-6)
        chance = np.float32(np.log(max(len(self.codes) - 1, 1)))
        odds: Floats = _SLOPE * (np.log(share) - np.log1p(-share) + chance) + _SHIFT
        place = {code: at for at, code in enumerate(self.codes) if code in keyworded}
        for clause, code in self._words.find(lines) if place else ():
            if code in place:
                odds[clause, place[code]] += _KEYWORD
        return odds

    @cached_property
    def _words(self) -> Keywords:
        pairs = zip(self.codes, self.keywords, strict=True)
        return Keywords([Code(code, code, code, keywords=words) for code, words in pairs])

    def nearness(self, vectors: Floats) -> Floats:
        """(clauses, c) share of each code in what a clause lies near to; vectors: (clauses, d)."""
        cosines = vectors @ self.vectors.T
        near = np.empty((len(vectors), len(self.codes)), np.float32)
        for code in range(len(self.codes)):
            own = cosines[:, self.start[code] : self.start[code + 1]]
            kept = min(_NEAREST, own.shape[1])
            near[:, code] = np.partition(own, -kept, axis=1)[:, -kept:].mean(1)
        weight = np.exp(_SHARPNESS * near)
        answer: Floats = weight / weight.sum(1, keepdims=True)
        return answer

    def transfer(self, mention: Floats) -> Floats:
        """(n, c) what the base's codes add: much where they see in a text, (n, k), what they see in the phrases."""
        answer: Floats = _TRANSFER * (mention @ self.profile.T)
        return answer

    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """As they are written to a bundle, with ``settings``."""
        return {"phrases": self.vectors, "start": self.start, "profile": self.profile}

    def settings(self) -> dict[str, Any]:
        """Beside ``tensors``."""
        return {"codes": list(self.codes), "keywords": [list(words) for words in self.keywords]}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[np.generic]], settings: Mapping[str, Any]) -> Definitions:
        """What was written; ValueError or KeyError if the parts do not fit together."""
        codes = tuple(str(code) for code in settings["codes"])
        keywords = tuple(tuple(str(word) for word in words) for words in settings["keywords"])
        vectors, profile = (np.asarray(tensors[name], np.float32) for name in ("phrases", "profile"))
        start = np.asarray(tensors["start"], np.int64)
        grows = len(start) == len(codes) + 1 and start[0] == 0 and bool(np.all(np.diff(start) > 0))
        flat = vectors.ndim == profile.ndim == 2 and len(profile) == len(keywords) == len(codes)
        if not grows or not flat or start[-1] != len(vectors):
            raise ValueError("the vectors of the definitions do not fit together")
        return cls(codes, vectors, start, profile, keywords)


def _phrases(code: Code, most: int | None) -> list[str]:
    """At most so many of each field; the definition stands last."""
    fields = (code.includes, code.positive, code.negative, code.keywords)
    given = (code.name, *(phrase for own in fields for phrase in own[:most]), code.definition)
    return [phrase for phrase in given if phrase.strip()] or [code.id]


def cut(text: str) -> list[str]:
    """The normalised clauses of a text; at least one."""
    spans = clauses(text) or [(0, len(text))]
    return normalise_all([text[start:end].replace("\n", " ") for start, end in spans])
