"""The challenger reads along: two models on the same new comments, and where their answers differ.

Nobody has labelled new comments, so this says what would change, not what would be better; ``vocnlp compare`` says that
on labelled ones.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any

import pyarrow as pa

from .codeframe import Codeframe
from .privacy import mask_all
from .records import NEGATIVE, NEUTRAL, POLARITIES, Prediction
from .tagger import Tagger

CHANGED = 500  # changed comments that are kept
BINS = 20  # of the histogram of confidence
_Z = 1.959964  # 97.5 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of ``rows`` comments the old model, the new one, and both say something of.

    ``low``..``high`` holds 95 % of new - old share, for pairs: the adjusted Wald interval (Agresti and Min 2005,
    Statistics in Medicine 24), half a comment added to each of the four cells.
    """

    rows: int
    old: int
    new: int
    both: int

    @property
    def difference(self) -> float:
        return (self.new - self.old) / self.rows if self.rows else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        only_old, only_new, rows = self.old - self.both + 0.5, self.new - self.both + 0.5, self.rows + 2
        middle = (only_new - only_old) / rows
        error = sqrt(only_old + only_new - (only_new - only_old) ** 2 / rows) / rows
        return max(-1.0, middle - _Z * error), min(1.0, middle + _Z * error)

    @property
    def moved(self) -> bool:
        """Whether the interval leaves no difference out."""
        low, high = self.bounds
        return low > 0 or high < 0

    def to_dict(self) -> dict[str, Any]:
        low, high = self.bounds
        return {**asdict(self), "difference": self.difference, "low": low, "high": high, "moved": self.moved}


@dataclass(frozen=True, slots=True)
class Changed:
    """A comment that the two read differently, masked; ``old`` and ``new`` are ``{"sentiment", "tags"}``.

    ``weight``: one for each tag that differs in code or polarity, two for another sentiment, four for the opposite.
    """

    weight: int
    id: str
    text: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]


@dataclass
class Tally:
    """What was counted so far: grows by ``add``, and can be put away and taken up again as plain data."""

    rows: int = 0
    noise: list[int] = field(default_factory=lambda: [0, 0])
    untagged: list[int] = field(default_factory=lambda: [0, 0, 0])
    sentiment: dict[str, int] = field(default_factory=dict)  # "negative>neutral" -> comments
    codes: dict[str, list[int]] = field(default_factory=dict)  # code -> old, new, both
    pains: dict[str, list[int]] = field(default_factory=dict)  # the same, said negatively
    confidence: list[list[int]] = field(default_factory=lambda: [[0] * BINS, [0] * BINS])
    changed: int = 0
    kept: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def add(
        self, ids: Sequence[str | None], texts: Sequence[str], old: Sequence[Prediction], new: Sequence[Prediction]
    ) -> None:
        """Count a batch, four sequences of one length."""
        for row_id, text, one, other in zip(ids, texts, old, new, strict=True):
            self.rows += 1
            for side, said in enumerate((one, other)):
                self.noise[side] += said.noise is not None
                if said.noise is None:
                    self.confidence[side][min(BINS - 1, int(said.confidence * BINS))] += 1
            if one.noise is not None and other.noise is not None:
                continue
            self._count(one, other)
            if weight := _weight(one, other):
                self.changed += 1
                self._keep(weight, row_id or f"row {self.rows}", text, one, other)

    def _count(self, one: Prediction, other: Prediction) -> None:
        turn = f"{one.sentiment}>{other.sentiment}"
        self.sentiment[turn] = self.sentiment.get(turn, 0) + 1
        bare = (not one.tags, not other.tags)
        self.untagged = [a + b for a, b in zip(self.untagged, (*bare, all(bare)), strict=True)]
        for counts, polarity in ((self.codes, None), (self.pains, NEGATIVE)):
            before, after = ({t.code for t in said.tags if polarity in (None, t.polarity)} for said in (one, other))
            for code in before | after:
                cell = counts.setdefault(code, [0, 0, 0])
                cell[0] += code in before
                cell[1] += code in after
                cell[2] += code in before and code in after

    def _keep(self, weight: int, row_id: str, text: str, one: Prediction, other: Prediction) -> None:
        """The weightiest stay; among equals chance decides, the same chance at every run."""
        lot = hashlib.blake2b(f"{row_id}\n{text}".encode(errors="replace"), digest_size=8).hexdigest()
        if len(self.kept) == CHANGED and (weight, lot) <= self.kept[0][:2]:
            return
        row = {"id": row_id, "text": mask_all([text])[0], "old": _answer(one), "new": _answer(other)}
        push = heapq.heappushpop if len(self.kept) == CHANGED else heapq.heappush
        push(self.kept, (weight, lot, row))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Tally:
        return cls(**{**content, "kept": [(weight, lot, row) for weight, lot, row in content["kept"]]})


@dataclass(frozen=True)
class Shadow:
    """The differences of two models over ``rows`` comments, of which ``read`` were read by at least one of them.

    ``sentiment`` counts (old, new); ``codes`` and ``pains`` are by code, those with the largest difference first, a code
    of only one of the frames included. ``confidence`` are counts in twenty equal bins over 0..1, of the comments each
    model read. ``changed`` counts comments; the weightiest of them are ``comments``.
    """

    old: str
    new: str
    rows: int
    read: int
    noise: tuple[int, int]
    untagged: Shares
    sentiment: Mapping[tuple[str, str], int]
    codes: Mapping[str, Shares]
    pains: Mapping[str, Shares]
    confidence: tuple[tuple[int, ...], tuple[int, ...]]
    changed: int
    comments: tuple[Changed, ...]

    @property
    def other_sentiment(self) -> int:
        return sum(count for (old, new), count in self.sentiment.items() if old != new)

    @property
    def mean_confidence(self) -> tuple[float, float]:
        """The mean of each model, from the middles of the bins; 0.0 where nothing was read."""
        old, new = (
            sum((place + 0.5) / BINS * count for place, count in enumerate(bins)) / max(1, sum(bins))
            for bins in self.confidence
        )
        return old, new

    def to_dict(self, frame: Codeframe) -> dict[str, Any]:
        """Plain data, with the names that ``frame`` has for the codes."""

        def named(shares: Mapping[str, Shares]) -> dict[str, Any]:
            return {code: {"name": name_in(frame, code), **one.to_dict()} for code, one in shares.items()}

        return {
            "old": self.old,
            "new": self.new,
            "rows": self.rows,
            "read": self.read,
            "noise": list(self.noise),
            "untagged": self.untagged.to_dict(),
            "sentiment": {f"{old}>{new}": count for (old, new), count in self.sentiment.items()},
            "other_sentiment": self.other_sentiment,
            "codes": named(self.codes),
            "pains": named(self.pains),
            "confidence": {"bins": [list(bins) for bins in self.confidence], "mean": list(self.mean_confidence)},
            "changed": self.changed,
            "comments": [asdict(one) for one in self.comments],
        }


def shadow(
    old: Tagger,
    new: Tagger,
    batches: Iterable[pa.RecordBatch],
    *,
    tally: Tally | None = None,
    report: Callable[[Tally], None] = lambda _: None,
) -> Shadow:
    """Score ``batches`` (columns ``id`` and ``text``) with both and say where they differ; memory holds one batch.

    ``tally`` is one to go on with; ``report`` hears it after every batch.
    """
    counted = Tally() if tally is None else tally
    for batch in batches:
        texts = [text or "" for text in batch["text"].to_pylist()]
        counted.add(batch["id"].to_pylist(), texts, old.tag(texts), new.tag(texts))
        report(counted)
    return _told(old.bundle.label, new.bundle.label, counted)


def name_in(frame: Codeframe, code: str) -> str:
    return frame[code].name if code in frame else code


def _told(old: str, new: str, tally: Tally) -> Shadow:
    read = sum(tally.sentiment.values())
    pairs = [(a, b) for a in POLARITIES for b in POLARITIES]
    kept = sorted(tally.kept, key=lambda one: (-one[0], one[1]))
    return Shadow(
        old=old,
        new=new,
        rows=tally.rows,
        read=read,
        noise=(tally.noise[0], tally.noise[1]),
        untagged=Shares(read, *tally.untagged),
        sentiment={(a, b): tally.sentiment[f"{a}>{b}"] for a, b in pairs if f"{a}>{b}" in tally.sentiment},
        codes=dict(_largest_first(tally.codes, read)),
        pains=dict(_largest_first(tally.pains, read)),
        confidence=(tuple(tally.confidence[0]), tuple(tally.confidence[1])),
        changed=tally.changed,
        comments=tuple(Changed(weight, **row) for weight, _, row in kept),
    )


def _largest_first(counts: Mapping[str, Sequence[int]], rows: int) -> Iterator[tuple[str, Shares]]:
    shares = {code: Shares(rows, old, new, both) for code, (old, new, both) in counts.items()}
    yield from sorted(shares.items(), key=lambda pair: (-abs(pair[1].difference), pair[0]))


def _weight(one: Prediction, other: Prediction) -> int:
    tags = {(tag.code, tag.polarity) for tag in one.tags} ^ {(tag.code, tag.polarity) for tag in other.tags}
    if one.sentiment == other.sentiment:
        return len(tags)
    return len(tags) + (2 if NEUTRAL in (one.sentiment, other.sentiment) else 4)


def _answer(said: Prediction) -> dict[str, Any]:
    return {"sentiment": said.sentiment, "tags": sorted({f"{tag.code}:{tag.polarity}" for tag in said.tags})}
