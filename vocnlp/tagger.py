"""Texts to predictions: the only place where sentiment, codes, thresholds and rules meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, islice
from math import ceil
from pathlib import Path
from typing import TypeAlias

import numpy as np

from .bundle import Bundle
from .classifiers import Scores
from .codeframe import Codeframe
from .codeframe_parts import DECIDE, Code
from .errors import CodeframeError
from .fewshot import Extended
from .privacy import mask_all
from .processes import cores, in_threads
from .readings import Reading, read_all
from .records import MODEL, NEUTRAL, POLARITIES, RULE, Prediction, Tag
from .rule_effects import Given, Vetoes, given, vetoed, vetoes
from .rules import Condition, Firing, Found, Rulebook
from .text import noise_kind

#: Called with some texts and what the model said of them, before thresholds and rules.
Watch = Callable[[Sequence[str], Scores], None]

_Mask: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

# Keywords alone were right in 80 to 94 of 100 cases on the public sets whose coders mark every mention.
_RULE_CONFIDENCE = 0.8
_FEW = 256  # texts for which a thread of their own does not pay


@dataclass(frozen=True)
class _Work:
    """Some texts read and scored; ``lines`` are all their clauses, those of text ``i`` ``[first[i]:first[i + 1]]``."""

    readings: Sequence[Reading]
    scores: Scores
    lines: Sequence[str]
    first: Sequence[int]


@dataclass(frozen=True)
class Traced:
    """A prediction and how it came about.

    without: the tags there would be without any rule (keywords count as the model's help, not as rules)
    firings: the rules that hold
    givers: for each code that a rule or keyword gave, the order of the rule in the frame; None for a keyword
    spans: the clauses of the raw text, which ``Firing.first`` and ``last`` count
    """

    prediction: Prediction
    without: tuple[Tag, ...] = ()
    firings: tuple[Firing, ...] = ()
    givers: Mapping[str, int | None] = field(default_factory=dict)
    spans: tuple[tuple[int, int], ...] = ()


class Tagger:
    """Reads comments with one bundle, and optionally with another codeframe than the bundle's own.

    The model finds the codes that it knows and the frame has, and by their definitions those that it never learnt, if it
    gives embeddings (``Bundle.for_frame``). The frame's keywords and rules add what the model missed; keywords of a code
    that the model has learnt from many comments (``Bundle.outgrown``) only where they are new to it. Rules also take
    tags away, or decide in the model's stead. In an exclusive frame the model decides before keywords and adding rules,
    and rules that decide before the model.
    """

    def __init__(self, bundle: Bundle, codeframe: Codeframe | None = None) -> None:
        self.bundle = bundle
        self.codeframe = bundle.codeframe if codeframe is None else codeframe
        foreign = codeframe is not None and codeframe.digest != bundle.codeframe.digest
        model = bundle.for_frame(self.codeframe) if foreign else bundle
        self._classifier = model.classifier
        known = self._classifier.codes
        self._kept = np.array([code in self.codeframe for code in known], bool)
        self._threshold = np.array([model.thresholds.get(code, 0.5) for code in known], np.float32)
        self._codes = known
        taggable = self.codeframe.taggable
        weighed = self._classifier.learnt if isinstance(self._classifier, Extended) else frozenset[str]()
        searched = [self._with_new_keywords(code) for code in taggable if code.id not in weighed]
        self._rules = Rulebook(
            self.codeframe, keywords_of=() if self.codeframe.exclusive and self._kept.any() else searched
        )
        self._decided = frozenset(one.code for one in self._rules.conditions if one.rule.effect == DECIDE)
        if foreign and not self._kept.any() and not any(code.keywords or code.rules for code in taggable):
            raise CodeframeError(
                f"codeframe {self.codeframe.name} shares no code with bundle {bundle.name} and has no keywords or rules",
                hint="train a bundle for this codeframe, or give its codes keywords",
            )

    def _with_new_keywords(self, code: Code) -> Code:
        """The code without the keywords that its model met in training and no longer needs."""
        if code.id not in self.bundle.outgrown or code.id not in self.bundle.codeframe:
            return code
        met = set(self.bundle.codeframe[code.id].keywords)
        return replace(code, keywords=tuple(word for word in code.keywords if word not in met))

    @classmethod
    def load(cls, bundle: Path | str | None = None, *, codeframe: Path | str | None = None) -> Tagger:
        """A tagger over a bundle folder, by default the shipped one; ``codeframe`` is a YAML or JSON file."""
        return cls(Bundle.load(bundle), Codeframe.load(codeframe) if codeframe is not None else None)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that the model scores: the columns of what ``watch`` is given."""
        return self._codes

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The rules of the frame, as read."""
        return self._rules.conditions

    @property
    def decided(self) -> Set[str]:
        """The codes that rules alone decide."""
        return self._decided

    def tag(self, texts: Sequence[str], *, watch: Watch | None = None) -> list[Prediction]:
        """One prediction a text, in order, for any strings whatever; equal texts are scored once.

        ``watch`` sees the scores of every distinct text that is read (noise is not).
        """
        distinct = list(dict.fromkeys(texts))
        answers: dict[str, Prediction] = {}
        threads = self._classifier.threads or cores()
        parts = _parts(distinct, self._classifier.chunk, threads)
        reader = self if len(parts) == 1 else self._alone
        found = in_threads(reader._tag_distinct, parts, min(threads, len(parts)))
        for part, (read, scores, predictions) in zip(parts, found, strict=True):
            if watch is not None:
                watch(read, scores)
            answers.update(zip(part, predictions, strict=True))
        return [answers[text] for text in texts]

    def _tag_distinct(self, texts: Sequence[str]) -> tuple[Sequence[str], Scores, list[Prediction]]:
        """The texts that are read, their scores, and one prediction for every text."""
        noise = [noise_kind(text) for text in texts]
        read = [text for text, kind in zip(texts, noise, strict=True) if kind is None]
        work = self._work(read)
        tags, _ = self._tags(work, self._rules.find(work.lines, work.first), self._decided)
        answers = iter(self._predictions(work.scores, tags))
        return read, work.scores, [next(answers) if kind is None else self._noise(kind) for kind in noise]

    @cached_property
    def _alone(self) -> Tagger:
        """The same tagger on one thread. While it is busy in Python, another part is with the model: no core waits."""
        other = copy(self)
        other._classifier = self._classifier.on_threads(1)
        return other

    def trace(self, texts: Sequence[str]) -> Iterator[Traced]:
        """What the rules did to every text, in order: for reports and for those who write rules."""
        rest = iter(texts)
        while chunk := list(islice(rest, self._classifier.chunk)):
            noise = [noise_kind(text) for text in chunk]
            traced = self._traced(self._work([text for text, kind in zip(chunk, noise, strict=True) if kind is None]))
            for kind in noise:
                yield next(traced) if kind is None else Traced(self._noise(kind))

    def _traced(self, work: _Work) -> Iterator[Traced]:
        found = self._rules.find(work.lines, work.first)
        tags, givers = self._tags(work, found, self._decided)
        plain, _ = self._tags(work, Found(found.keywords), frozenset())
        ruled, unruled = self._predictions(work.scores, tags), self._predictions(work.scores, plain)
        for row, reading in enumerate(work.readings):
            yield Traced(
                prediction=ruled[row],
                without=unruled[row].tags,
                firings=tuple(firing for firing in found.firings if firing.row == row),
                givers={code: order for (at, code), order in givers.items() if at == row},
                spans=tuple(reading.spans),
            )

    def _work(self, texts: Sequence[str]) -> _Work:
        # The model has no use for a telephone number, and what it never saw it cannot learn or betray. Offsets stay true.
        readings = read_all(mask_all(texts))
        scores = self._classifier.score([reading.lines for reading in readings])
        lines = [line for reading in readings for line in reading.lines]
        return _Work(readings, scores, lines, list(accumulate((len(one.lines) for one in readings), initial=0)))

    def _tags(
        self, work: _Work, found: Found, decided: Set[str]
    ) -> tuple[list[list[Tag]], dict[tuple[int, str], int | None]]:
        """The tags of every text; and by text and code the order of the rule that gave it, None for a keyword."""
        scores, where = work.scores, vetoes(found.firings, decided)
        tags: list[list[Tag]] = [[] for _ in work.readings]
        for row, column in np.argwhere(self._chosen(scores, self._barred(scores, where, decided))):
            outcome = int(scores.polarity[row, column].argmax())
            sure = float(scores.mention[row, column] * scores.polarity[row, column, outcome])
            start, end = work.readings[row].spans[int(scores.clause[row, column])]
            tags[row].append(Tag(self._codes[column], POLARITIES[outcome], sure, start, end, MODEL))
        return tags, self._add_rules(work, tags, given(found, work.first, where, decided))

    def _barred(self, scores: Scores, where: Vetoes, decided: Set[str]) -> _Mask | None:
        """(n, c): which codes the model may not give to which text; None where rules leave it all its codes."""
        if not where and not decided:
            return None
        barred = np.zeros(scores.mention.shape, bool)
        barred[:] = [code in decided for code in self._codes]
        column = {code: at for at, code in enumerate(self._codes)}
        for row, code in where:
            if code in column:
                clause = int(scores.clause[row, column[code]])
                barred[row, column[code]] |= vetoed(where, row, code, clause, clause)
        return barred

    def _chosen(self, scores: Scores, barred: _Mask | None) -> _Mask:
        """(n, c): which codes each text gets from the model."""
        free = self._kept if barred is None else self._kept & ~barred
        if self.codeframe.exclusive and len(self._codes):
            best = np.zeros(scores.mention.shape, bool)
            masked = np.where(free, scores.mention, -1)
            best[np.arange(len(best)), masked.argmax(1)] = True
        else:
            best = scores.mention >= self._threshold
        chosen: _Mask = best & free
        return chosen

    def _add_rules(
        self, work: _Work, tags: Sequence[list[Tag]], offered: Iterator[Given]
    ) -> dict[tuple[int, str], int | None]:
        """Add what is offered and not there yet; where no rule says the polarity, the sentiment of its clauses does."""
        seen = {(row, tag.code) for row, found in enumerate(tags) for tag in found}
        full = {row for row, found in enumerate(tags) if found} if self.codeframe.exclusive else set[int]()
        added: dict[tuple[int, str], Given] = {}
        for one in offered:
            if (key := (one.row, one.code)) in seen or (one.row in full and not one.decided):
                continue
            if one.decided and self.codeframe.exclusive:
                if one.row in full and not tags[one.row]:
                    continue  # of several rules that decide, the first of the frame does
                tags[one.row].clear()
                full.add(one.row)
            seen.add(key)
            added[key] = one
        spoken = sorted({_clauses_of(one, work.first) for one in added.values() if _polarity(one) is None})
        asked = self._clause_polarity([work.lines[a:b] for a, b in spoken]) if spoken else []
        best = dict(zip(spoken, asked, strict=True))
        for (row, code), one in added.items():
            said = _polarity(one)
            outcome, sure = best[_clauses_of(one, work.first)] if said is None else (said, 1.0)
            start, end = work.readings[row].spans[one.first][0], work.readings[row].spans[one.last][1]
            tags[row].append(Tag(code, outcome, _RULE_CONFIDENCE * sure, start, end, RULE))
        return {key: one.condition.order if one.condition else None for key, one in added.items()}

    def _clause_polarity(self, texts: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
        sentiment = self._classifier.score(texts).sentiment
        if sentiment is None:
            return [(NEUTRAL, 1.0)] * len(texts)
        best = sentiment.argmax(1)
        return [(POLARITIES[k], float(sentiment[i, k])) for i, k in enumerate(best)]

    def _predictions(self, scores: Scores, tags: Sequence[list[Tag]]) -> list[Prediction]:
        return [
            self._prediction(None if scores.sentiment is None else scores.sentiment[row], found)
            for row, found in enumerate(tags)
        ]

    def _noise(self, kind: str) -> Prediction:
        return Prediction(NEUTRAL, 0.0, (), self.bundle.label, kind)

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


def _parts(texts: Sequence[str], most: int, threads: int) -> list[Sequence[str]]:
    """Texts to read together, ``most`` at most, in parts of one size, equally many for each thread."""
    each = threads if len(texts) >= threads * _FEW else 1
    size = ceil(len(texts) / (each * ceil(len(texts) / (each * most)))) if texts else 1
    return [texts[at : at + size] for at in range(0, len(texts), size)]


def _polarity(one: Given) -> str | None:
    return None if one.condition is None else one.condition.rule.polarity


def _clauses_of(one: Given, first: Sequence[int]) -> tuple[int, int]:
    """Its clauses among all, the last one excluded."""
    return first[one.row] + one.first, first[one.row] + one.last + 1
