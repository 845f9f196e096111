"""Texts to predictions: the only place where sentiment, codes, thresholds and rules meet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path

import numpy as np

from .bundle import Bundle
from .classifiers import Scores
from .codeframe import Codeframe
from .errors import CodeframeError
from .privacy import mask_all
from .records import MODEL, NEUTRAL, POLARITIES, RULE, Prediction, Tag
from .rules import Keywords
from .text import clauses, noise_kind, normalise_all

# Keywords alone were right in 80 to 94 of 100 cases on the public sets whose coders mark every mention.
_RULE_CONFIDENCE = 0.8


@dataclass(frozen=True)
class _Reading:
    """A text that holds something to read: its clauses as offsets and as the model sees them."""

    spans: Sequence[tuple[int, int]]
    lines: Sequence[str]


class Tagger:
    """Reads comments with one bundle, and optionally with another codeframe than the bundle's own.

    The model finds the codes that it knows and the frame has. The frame's keywords add what the model missed, and are
    all there is for codes that it never learnt. In an exclusive frame the model alone decides.
    """

    def __init__(self, bundle: Bundle, codeframe: Codeframe | None = None) -> None:
        self.bundle = bundle
        self.codeframe = bundle.codeframe if codeframe is None else codeframe
        known = bundle.classifier.codes
        self._kept = np.array([code in self.codeframe for code in known], bool)
        self._threshold = np.array([bundle.thresholds.get(code, 0.5) for code in known], np.float32)
        self._codes = known
        self._keywords = Keywords(() if self.codeframe.exclusive and self._kept.any() else self.codeframe.taggable)
        foreign = codeframe is not None and codeframe.digest != bundle.codeframe.digest
        if foreign and not self._kept.any() and not any(code.keywords for code in self.codeframe.taggable):
            raise CodeframeError(
                f"codeframe {self.codeframe.name} shares no code with bundle {bundle.name} and has no keywords",
                hint="train a bundle for this codeframe, or give its codes keywords",
            )

    @classmethod
    def load(cls, bundle: Path | str | None = None, *, codeframe: Path | str | None = None) -> Tagger:
        """A tagger over a bundle folder, by default the shipped one; ``codeframe`` is a YAML or JSON file."""
        return cls(Bundle.load(bundle), Codeframe.load(codeframe) if codeframe is not None else None)

    def tag(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order, for any strings whatever; equal texts are scored once."""
        distinct = dict.fromkeys(texts)
        queue = iter(distinct)
        answers: dict[str, Prediction] = {}
        while chunk := list(islice(queue, self.bundle.classifier.chunk)):
            answers.update(zip(chunk, self._tag_distinct(chunk), strict=True))
        return [answers[text] for text in texts]

    def _tag_distinct(self, texts: Sequence[str]) -> Iterator[Prediction]:
        noise = [noise_kind(text) for text in texts]
        # The model has no use for a telephone number, and what it never saw it cannot learn or betray. Offsets stay true.
        readings = _read(mask_all(text for text, kind in zip(texts, noise, strict=True) if kind is None))
        answers = iter(self._predict(readings))
        for kind in noise:
            yield next(answers) if kind is None else Prediction(NEUTRAL, 0.0, (), self.bundle.label, kind)

    def _predict(self, readings: Sequence[_Reading]) -> list[Prediction]:
        scores = self.bundle.classifier.score([reading.lines for reading in readings])
        tags: list[list[Tag]] = [[] for _ in readings]
        for row, column in np.argwhere(self._chosen(scores)):
            outcome = int(scores.polarity[row, column].argmax())
            sure = float(scores.mention[row, column] * scores.polarity[row, column, outcome])
            start, end = readings[row].spans[int(scores.clause[row, column])]
            tags[row].append(Tag(self._codes[column], POLARITIES[outcome], sure, start, end, MODEL))
        self._add_rules(readings, tags)
        return [
            self._prediction(None if scores.sentiment is None else scores.sentiment[row], found)
            for row, found in enumerate(tags)
        ]

    def _chosen(self, scores: Scores) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """(n, c): which codes each text gets."""
        if self.codeframe.exclusive and len(self._codes):
            best = np.zeros(scores.mention.shape, bool)
            masked = np.where(self._kept, scores.mention, -1)
            best[np.arange(len(best)), masked.argmax(1)] = True
        else:
            best = scores.mention >= self._threshold
        chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = best & self._kept
        return chosen

    def _add_rules(self, readings: Sequence[_Reading], tags: Sequence[list[Tag]]) -> None:
        """Keyword tags take their polarity from the sentiment of the clause that holds the keyword."""
        lines = [line for reading in readings for line in reading.lines]
        first = list(accumulate((len(reading.lines) for reading in readings), initial=0))
        seen = {(row, tag.code) for row, found in enumerate(tags) for tag in found}
        added = []
        for clause, code in self._keywords.find(lines):
            row = bisect_right(first, clause) - 1
            if (row, code) not in seen:
                seen.add((row, code))
                added.append((row, clause, code))
        spoken = sorted({clause for _, clause, _ in added})
        best = dict(zip(spoken, self._clause_polarity([lines[clause] for clause in spoken]), strict=True))
        for row, clause, code in added:
            start, end = readings[row].spans[clause - first[row]]
            outcome, sure = best[clause]
            tags[row].append(Tag(code, outcome, _RULE_CONFIDENCE * sure, start, end, RULE))

    def _clause_polarity(self, lines: Sequence[str]) -> list[tuple[str, float]]:
        sentiment = self.bundle.classifier.score([[line] for line in lines]).sentiment
        if sentiment is None:
            return [(NEUTRAL, 1.0)] * len(lines)
        best = sentiment.argmax(1)
        return [(POLARITIES[k], float(sentiment[i, k])) for i, k in enumerate(best)]

    def _prediction(
        self, sentiment: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None, tags: list[Tag]
    ) -> Prediction:
        if self.codeframe.exclusive:  # several keywords can be found, one code is wanted
            tags = sorted(tags, key=lambda tag: -tag.confidence)[:1]
        tags.sort(key=lambda tag: (tag.start, -tag.confidence, tag.code))
        if sentiment is None:  # a model of codes alone: the weightier polarity of its tags speaks for the whole
            weight: Mapping[str, float] = {p: sum(t.confidence for t in tags if t.polarity == p) for p in POLARITIES}
            total = sum(weight.values())
            best = max(POLARITIES, key=lambda p: weight[p]) if total else NEUTRAL
            return Prediction(best, weight[best] / total if total else 0.0, tuple(tags), self.bundle.label)
        k = int(sentiment.argmax())
        chances = tuple(float(chance) for chance in sentiment)
        return Prediction(POLARITIES[k], chances[k], tuple(tags), self.bundle.label, probabilities=chances)


def _read(texts: Sequence[str]) -> list[_Reading]:
    """Cut all texts, then normalise all their clauses in one call. A text no cut finds a clause in is one clause."""
    spans = [clauses(text) or [(0, len(text))] for text in texts]
    lines = iter(
        normalise_all([text[a:b].replace("\n", " ") for text, cut in zip(texts, spans, strict=True) for a, b in cut])
    )
    return [_Reading(cut, list(islice(lines, len(cut)))) for cut in spans]
