"""The texts that two models answer differently, and for which of them it is for the better."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from vocnlp.privacy import mask
from vocnlp.records import Prediction

from .labelled import Labelled
from .tally import Answer, judged_codes, judged_pairs, judged_sentiment


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a text: the sentiment (None: nobody judged it) and (code, polarity), sorted."""

    sentiment: str | None
    tags: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A text with two answers: ``better`` or ``worse`` by the number of errors, ``other`` where that is the same.

    ``fewer`` is how many errors the new answer has less: codes, pairs and sentiment, each wrong or missed one. The text is
    masked.
    """

    id: str
    text: str
    gold: Reading
    old: Reading
    new: Reading
    verdict: Literal["better", "worse", "other"]
    fewer: int
    data: str = ""


def changed_texts(
    rows: Sequence[Labelled], old: Sequence[Prediction], new: Sequence[Prediction], codes: Collection[str]
) -> tuple[Changed, ...]:
    """Rows whose codes, polarities or sentiment differ, those that got worse first."""
    found = []
    for row, before, after in zip(rows, old, new, strict=True):
        first, second = _reading(before), _reading(after)
        if first == second:
            continue
        fewer = _errors(row, before, codes) - _errors(row, after, codes)
        gold = Reading(row.sentiment, tuple(sorted({(t.code, t.polarity) for t in row.tags}, key=str)))
        verdict: Literal["better", "worse", "other"] = "better" if fewer > 0 else "worse" if fewer < 0 else "other"
        found.append(Changed(row.id, mask(row.text), gold, first, second, verdict, fewer, row.source))
    return tuple(sorted(found, key=lambda each: (_ORDER[each.verdict], -abs(each.fewer))))


_ORDER = {"worse": 0, "better": 1, "other": 2}


def _reading(said: Prediction) -> Reading:
    return Reading(said.sentiment, tuple(sorted({(tag.code, tag.polarity) for tag in said.tags})))


def _errors(row: Labelled, said: Prediction, codes: Collection[str]) -> int:
    judged = (judge(row, said, codes) for judge in (judged_codes, judged_pairs, judged_sentiment))
    return sum(_wrong(answer) for answer in judged if answer is not None)


def _wrong(answer: Answer) -> int:
    return len(answer.gold ^ answer.said)
