"""Measures a bundle on labelled comments: sentiment, codes, (code, polarity) pairs, evidence, calibration, speed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vocnlp.codeframe import Codeframe
from vocnlp.records import NEGATIVE, POLARITIES, POSITIVE, Prediction
from vocnlp.tagger import Tagger

from .labelled import Labelled


@dataclass(frozen=True)
class Count:
    """True positives, false positives and false negatives; ratios that guard their own zero (None: no case)."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float | None:
        cases = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / cases if cases else None

    def __add__(self, other: Count) -> Count:
        return Count(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    def to_dict(self) -> dict[str, float | int | None]:
        return {**asdict(self), "precision": self.precision, "recall": self.recall, "f1": self.f1}


def evaluate(tagger: Tagger, rows: Sequence[Labelled]) -> dict[str, Any]:
    """The figures of ``vocnlp evaluate --json``; a figure that the data cannot give is None.

    Only codes that were looked for in a row count there. Micro figures count over all codes; macro figures are the
    mean over the codes (pairs) that occur in the data. Where a set's coders could not say neutral, the choice is
    made between the two outcomes they had.
    """
    begun = time.perf_counter()
    predictions = tagger.tag([row.text for row in rows])
    seconds = time.perf_counter() - begun
    known = {code.id for code in tagger.codeframe.codes}
    codes = _counts(rows, predictions, known, lambda tag: tag.code)
    pairs = _counts(
        rows, predictions, known, lambda tag: (tag.code, tag.polarity) if tag.polarity in POLARITIES else None
    )
    return {
        "rows": len(rows),
        "sentiment": _sentiment(rows, predictions),
        "codes": _summary(codes),
        "pairs": _summary(pairs),
        "evidence": _evidence(rows, predictions),
        "calibration": _calibration(rows, predictions),
        "per_code": {
            code: {**codes[code].to_dict(), "pairs_f1": _total(v for k, v in pairs.items() if k[0] == code).f1}
            for code in _in_order(codes, tagger.codeframe)
        },
        "comments_per_second": len(rows) / seconds if seconds else None,
    }


def _in_order(codes: Mapping[str, Count], frame: Codeframe) -> list[str]:
    place = {code.id: number for number, code in enumerate(frame.codes)}
    return sorted(codes, key=lambda code: place.get(code, len(place)))


def _counts(rows: Sequence[Labelled], predictions: Sequence[Prediction], known: set[str], key: Any) -> dict[Any, Count]:
    """Counts per code or pair. A row without any tag and without a list of codes looked for says nothing of codes."""
    counts: dict[Any, Count] = {}
    for row, prediction in zip(rows, predictions, strict=True):
        if row.annotated is None and not row.tags and row.sentiment is not None:
            continue
        looked = known if row.annotated is None else row.annotated
        unjudged = {tag.code for tag in row.tags if tag.polarity not in POLARITIES}
        gold = {key(tag) for tag in row.tags} - {None}
        said = {key(tag) for tag in prediction.tags if tag.code in looked} - {None}
        if any(
            isinstance(each, tuple) for each in gold | said
        ):  # a polarity nobody judged can be neither right nor wrong
            said = {each for each in said if each[0] not in unjudged}
        for each in gold | said:
            found = Count(int(each in gold and each in said), int(each not in gold), int(each not in said))
            counts[each] = counts.get(each, Count()) + found
    return counts


def _total(counts: Any) -> Count:
    return sum(counts, Count())


def _summary(counts: Mapping[Any, Count]) -> dict[str, float | int | None]:
    total = _total(counts.values())
    occurring = [count.f1 or 0.0 for count in counts.values() if count.right + count.missed]
    return {
        "micro_f1": total.f1,
        "macro_f1": sum(occurring) / len(occurring) if occurring else None,
        "precision": total.precision,
        "recall": total.recall,
        "support": total.right + total.missed,
    }


def _sentiment(rows: Sequence[Labelled], predictions: Sequence[Prediction]) -> dict[str, Any]:
    judged = [(row, prediction) for row, prediction in zip(rows, predictions, strict=True) if row.sentiment]
    if not judged:
        return {"accuracy": None, "macro_f1": None, "support": 0}
    counts: dict[str, Count] = {}
    for row, prediction in judged:
        gold, said = str(row.sentiment), _choice(row, prediction)
        if gold == said:
            counts[gold] = counts.get(gold, Count()) + Count(1, 0, 0)
        else:
            counts[gold] = counts.get(gold, Count()) + Count(0, 0, 1)
            counts[said] = counts.get(said, Count()) + Count(0, 1, 0)
    occurring = {word: count for word, count in counts.items() if count.right + count.missed}
    return {
        "accuracy": _total(counts.values()).right / len(judged),
        "macro_f1": sum(count.f1 or 0.0 for count in occurring.values()) / len(occurring),
        "support": len(judged),
        "three_way_accuracy": sum(row.sentiment == prediction.sentiment for row, prediction in judged) / len(judged),
        "per_class": {word: count.to_dict() for word, count in sorted(occurring.items())},
    }


def _choice(row: Labelled, prediction: Prediction) -> str:
    """The sentiment said, or the likelier of the two that the coders of a two-class set could choose from."""
    if not row.two_class or not prediction.probabilities:
        return prediction.sentiment
    negative, _, positive = prediction.probabilities
    return POSITIVE if positive > negative else NEGATIVE


def _evidence(rows: Sequence[Labelled], predictions: Sequence[Prediction]) -> dict[str, float | int | None]:
    """Of the tags whose code is right and whose place was marked, the share whose span meets a marked one."""
    met = marked = 0
    for row, prediction in zip(rows, predictions, strict=True):
        spans: dict[str, list[tuple[int, int]]] = {}
        for tag in row.tags:
            if tag.start is not None and tag.end is not None:
                spans.setdefault(tag.code, []).append((tag.start, tag.end))
        for said in prediction.tags:
            if said.code in spans:
                marked += 1
                met += any(said.start < end and start < said.end for start, end in spans[said.code])
    return {"overlap": met / marked if marked else None, "support": marked}


def _calibration(
    rows: Sequence[Labelled], predictions: Sequence[Prediction], bins: int = 10
) -> dict[str, float | None]:
    """Expected calibration error of sentiment (Guo et al. 2017): mean gap of confidence and accuracy over equal bins."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    judged = 0
    for row, prediction in zip(rows, predictions, strict=True):
        if row.sentiment:
            judged += 1
            place = min(bins - 1, int(prediction.confidence * bins))
            groups.setdefault(place, []).append((prediction.confidence, prediction.sentiment == row.sentiment))
    if not judged:
        return {"sentiment_ece": None}
    gap = sum(abs(sum(sure for sure, _ in each) - sum(right for _, right in each)) for each in groups.values())
    return {"sentiment_ece": gap / judged}
