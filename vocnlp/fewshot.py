"""Codes that a bundle never learnt, found from the first day: a classifier around the bundle's own that knows more.

What speaks for a new code is its definition (``fewshot_definitions``) and, where comments were reviewed, what they
taught (``fewshot_heads``). The base's own codes are left as they are, to the last bit.
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

from .classifiers import Classifier, Floats, Scores, log_odds, sigmoid, softmax
from .codeframe import Codeframe
from .encoder import Encoder
from .fewshot_definitions import Definitions
from .fewshot_heads import ODDS, Heads, Seen
from .pooled import Pooled

FORMAT = 1
FEW = "few.safetensors"
_ENOUGH = 6  # codes that can be told apart from each other alone
_WORTH_READING = 0.15  # a mention less likely than that is shown by no threshold, and needs no polarity of its own
_KINDS: Mapping[str, type[Encoder] | type[Pooled]] = {"encoder": Encoder, "pooled": Pooled}


@dataclass(frozen=True)
class Extended:
    """A base classifier, and codes that it never learnt.

    kept: the codes of the base that are shown; the others serve to tell the new ones apart
    new: the new codes, among those of the definitions; heads: what reviewed comments taught of them, None before
    learnt: the new codes that comments taught; their keywords are among the reasons, weighed with the others, as are all
        keywords where a text has one code (exclusive)
    """

    base: Encoder | Pooled
    kept: tuple[str, ...]
    new: tuple[str, ...]
    definitions: Definitions
    heads: Heads | None = None
    learnt: frozenset[str] = frozenset()
    exclusive: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*self.kept, *self.new)

    @property
    def embeds(self) -> bool:
        """See ``Encoder.embeds``."""
        return True

    @property
    def chunk(self) -> int:
        return self.base.chunk

    @property
    def threads(self) -> int:
        """See ``classifiers.Classifier.threads``."""
        return self.base.threads

    def on_threads(self, count: int) -> Extended:
        """See ``classifiers.Classifier.on_threads``."""
        return replace(self, base=self.base.on_threads(count))

    def embed(self, texts: Sequence[Sequence[str]]) -> Floats:
        """See ``Encoder.embed``."""
        return self.base.embed(texts)

    def embed_clauses(self, texts: Sequence[Sequence[str]]) -> Floats:
        """See ``Encoder.embed_clauses``."""
        return self.base.embed_clauses(texts)

    def score_and_embed(self, texts: Sequence[Sequence[str]]) -> tuple[Scores, Floats]:
        """See ``Encoder.score_and_embed``."""
        scores, vectors = self.base.score_and_embed(texts)
        return self._more(texts, scores, vectors), vectors

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        return self.score_and_embed(texts)[0]

    def seen(self, texts: Sequence[Sequence[str]], scores: Scores, vectors: Floats) -> Seen:
        """What is known of at least one text before a new code is decided on; of the new codes alone.

        scores, vectors: what the base gives for the texts.
        """
        lines = [line for text in texts for line in text]
        start = np.cumsum([0, *map(len, texts)], dtype=np.int64)[:-1]
        place = [self.definitions.codes.index(code) for code in self.new]
        by_clause = self.definitions.verdict(lines, vectors, self.new if self.exclusive else self.learnt)[:, place]
        transferred = self.definitions.transfer(scores.mention)[:, place]
        return Seen(
            lines=lines,
            start=start,
            vectors=vectors,
            prior=by_clause,
            whole=np.maximum.reduceat(by_clause, start) + transferred,
            odds=log_odds(scores.mention) / ODDS,
        )

    def _more(self, texts: Sequence[Sequence[str]], scores: Scores, vectors: Floats) -> Scores:
        """The base's scores with those of the new codes behind."""
        n, c = len(texts), len(self.new)
        shown = self._shown
        if n:
            seen = self.seen(texts, scores, vectors)
            logits = seen.whole if self.heads is None else self.heads.logits(seen)
            mention = sigmoid(logits)
            clause = peaks(seen.prior if self.heads is None else self.heads.evidence(seen), seen.start)
            polarity = self._polarity(texts, mention, clause, scores.sentiment)
        else:
            mention, clause = np.empty((0, c), np.float32), np.empty((0, c), np.int64)
            polarity = np.empty((0, c, 3), np.float32)
        return Scores(
            sentiment=scores.sentiment,
            mention=np.hstack([scores.mention[:, shown], mention]),
            polarity=np.concatenate([scores.polarity[:, shown], polarity], 1),
            clause=np.hstack([scores.clause[:, shown], clause]),
        )

    @cached_property
    def _shown(self) -> npt.NDArray[np.int64]:
        """The columns of the base that are shown."""
        return np.array([self.base.codes.index(code) for code in self.kept], np.int64)

    def _polarity(
        self, texts: Sequence[Sequence[str]], mention: Floats, clause: npt.NDArray[np.int64], sentiment: Floats | None
    ) -> Floats:
        """(n, c, 3): the sentiment of the clause that speaks of the code, or of the whole where hardly any does."""
        n, c = mention.shape
        if sentiment is None:
            return np.broadcast_to(np.array([0, 1, 0], np.float32), (n, c, 3)).copy()
        moods = np.repeat(sentiment[:, None], c, 1)
        several = np.array([len(text) > 1 for text in texts])
        row, column = np.nonzero((mention >= _WORTH_READING) & several[:, None])
        wanted = sorted(set(zip(row.tolist(), clause[row, column].tolist(), strict=True)))
        by_clause: dict[tuple[int, int], int] = {pair: number for number, pair in enumerate(wanted)}
        parts = [
            self.base.score([[texts[at][place]] for at, place in wanted[low : low + self.chunk]]).sentiment
            for low in range(0, len(wanted), self.chunk)
        ]
        if parts:
            read = np.concatenate([part for part in parts if part is not None])
            moods[row, column] = read[
                [by_clause[pair] for pair in zip(row.tolist(), clause[row, column].tolist(), strict=True)]
            ]
        if self.heads is None:
            return moods.astype(np.float32)
        leaning = np.float32(self.heads.lean) * np.log(np.maximum(moods, np.float32(1e-6))) + self.heads.polarity
        return softmax(leaning.astype(np.float32))

    def to_files(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Files and settings to write to a bundle."""
        files, base = self.base.to_files()
        tensors = {**self.definitions.tensors(), **(self.heads.tensors() if self.heads is not None else {})}
        packed = write_tensors({name: np.ascontiguousarray(one) for name, one in tensors.items()})
        kind = next(name for name, one in _KINDS.items() if isinstance(self.base, one))
        below = {"kind": kind, "codes": list(self.base.codes), "settings": base}
        own = {"kept": list(self.kept), "learnt": sorted(self.learnt), "exclusive": self.exclusive}
        settings = {"format": FORMAT, "base": below, **own, "definitions": self.definitions.settings()}
        return {**files, FEW: packed}, settings

    @classmethod
    def from_files(cls, codes: tuple[str, ...], files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Extended:
        """The model that ``to_files`` gave. ValueError, KeyError or SafetensorError if the parts do not fit together."""
        if settings["format"] != FORMAT:
            raise ValueError(f"few-shot heads of format {settings['format']}; this version reads {FORMAT}")
        below = settings["base"]
        base = _KINDS[below["kind"]].from_files(tuple(below["codes"]), files, below["settings"])
        kept = tuple(settings["kept"])
        new = codes[len(kept) :]
        tensors = read_tensors(files[FEW])
        definitions = Definitions.from_tensors(tensors, settings["definitions"])
        if codes[: len(kept)] != kept or not set(kept) <= set(base.codes) or not set(new) <= set(definitions.codes):
            raise ValueError("the codes of the base and the new ones do not fit together")
        width = definitions.vectors.shape[1] + len(base.codes)
        heads = Heads.from_tensors(tensors, len(new), width) if "dense" in tensors else None
        return cls(base, kept, new, definitions, heads, frozenset(settings["learnt"]), bool(settings["exclusive"]))


def extended(classifier: Classifier, frame: Codeframe, own: Codeframe) -> Classifier:
    """The classifier with the codes of the frame that it never learnt; itself where it knows all, or cannot embed.

    own: the frame that it was trained for. A frame of a few codes says little of what else comments speak of: then the
    codes of ``own`` stand beside them to be told apart from.
    """
    known = classifier.codes
    new = tuple(code.id for code in frame.taggable if code.id not in known)
    if not new or not isinstance(classifier, Encoder | Pooled) or not classifier.embeds:
        return classifier
    few = len(frame.taggable) < _ENOUGH and not frame.exclusive
    beside = [code for code in own.taggable if few and code.id in known and code.id not in frame]
    kept = tuple(code for code in known if code in frame)
    definitions = Definitions.read([*frame.taggable, *beside], classifier)
    return Extended(classifier, kept, new, definitions, exclusive=frame.exclusive)


def peaks(scores: Floats, start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n, c) the clause of each text, counted within it, at which each column is highest; the first of equals."""
    sizes = np.diff(np.append(start, len(scores)))
    own = np.repeat(np.arange(len(start)), sizes)
    peak = scores == np.maximum.reduceat(scores, start)[own]
    place = np.where(peak, (np.arange(len(own)) - start[own])[:, None], len(own))
    answer: npt.NDArray[np.int64] = np.minimum.reduceat(place, start)
    return answer
