"""Is a confidence worth what it says? Expected calibration error, Brier score and reliability bins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vocnlp.classifiers import Scores
from vocnlp.records import Prediction

from .labelled import Labelled
from .tally import judged_codes, judged_pairs

_BINS = 10


class Mentions:
    """The model's P(mention) of every code for the texts it read: what ``Tagger.tag`` lets its ``watch`` see."""

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = tuple(codes)
        self.column = {code: number for number, code in enumerate(self.codes)}
        self._of: dict[str, npt.NDArray[np.float32]] = {}

    def hear(self, texts: Sequence[str], scores: Scores) -> None:
        self._of.update(zip(texts, scores.mention, strict=True))

    def of(self, text: str) -> npt.NDArray[np.float32] | None:
        """(codes,) probabilities; None where the text was not read, as it holds nothing to read."""
        return self._of.get(text)

    def of_code(self, text: str, code: str) -> float | None:
        """The probability of one code; None where the text was not read or the model never learnt the code."""
        found, column = self._of.get(text), self.column.get(code)
        return None if found is None or column is None else float(found[column])


def reliability(
    sure: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_], bins: int = _BINS
) -> dict[str, Any] | None:
    """``{"ece", "brier", "support", "bins"}`` of confidences and whether they were right, both (n,); None without any.

    ece: mean gap of confidence and share right over bins of equal width, weighted by their size (Naeini et al. 2015;
    Guo et al. 2017); brier: mean (confidence - right)^2 (Brier 1950), 0.25 for a coin that says 0.5. A bin is ``{"low",
    "high", "count", "confidence", "share"}``; empty ones are left out.
    """
    if not len(sure):
        return None
    place = np.minimum(bins - 1, (sure * bins).astype(int))
    count = np.bincount(place, minlength=bins)
    said = np.bincount(place, weights=sure, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    return {
        "ece": float(np.abs(said - hits).sum() / len(sure)),
        "brier": float(np.mean((sure - right) ** 2)),
        "support": len(sure),
        "bins": [
            {"low": at / bins, "high": (at + 1) / bins, "count": int(count[at]),
             "confidence": float(said[at] / count[at]), "share": float(hits[at] / count[at])}
            for at in range(bins) if count[at]
        ],
    }  # fmt: skip


def sentiment_ece(rows: Sequence[Labelled], predictions: Sequence[Prediction]) -> float | None:
    """The ece of the sentiment's confidence; None where nobody judged a sentiment."""
    found = reliability(*_sentiment(rows, predictions))
    return None if found is None else found["ece"]


def reliabilities(
    rows: Sequence[Labelled], predictions: Sequence[Prediction], mentions: Mentions, known: Collection[str]
) -> dict[str, Any]:
    """``sentiment``: the confidence of the sentiment; ``tags``: that of the tags said, right if code and polarity are;
    ``mentions``: P(mention) of every code looked for in every text, said or not. None where the data cannot tell."""
    return {
        "sentiment": reliability(*_sentiment(rows, predictions)),
        "tags": reliability(*_tags(rows, predictions, known)),
        "mentions": reliability(*_mentions(rows, predictions, mentions, known)),
    }


_Cases = tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.bool_]]


def _cases(found: Sequence[tuple[float, bool]]) -> _Cases:
    return np.array([sure for sure, _ in found], np.float64), np.array([right for _, right in found], bool)


def _sentiment(rows: Sequence[Labelled], predictions: Sequence[Prediction]) -> _Cases:
    pairs = zip(rows, predictions, strict=True)
    return _cases([(said.confidence, said.sentiment == row.sentiment) for row, said in pairs if row.sentiment])


def _tags(rows: Sequence[Labelled], predictions: Sequence[Prediction], known: Collection[str]) -> _Cases:
    found = []
    for row, prediction in zip(rows, predictions, strict=True):
        if (answer := judged_pairs(row, prediction, known)) is not None:
            pairs = ((tag, (tag.code, tag.polarity)) for tag in prediction.tags)
            found += [(tag.confidence, pair in answer.gold) for tag, pair in pairs if pair in answer.said]
    return _cases(found)


def _mentions(
    rows: Sequence[Labelled], predictions: Sequence[Prediction], mentions: Mentions, known: Collection[str]
) -> _Cases:
    columns = {code: column for code, column in mentions.column.items() if code in known}
    whole = np.array(sorted(columns.values()), int)
    sure, right = [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for row, prediction in zip(rows, predictions, strict=True):
        chances, answer = mentions.of(row.text), judged_codes(row, prediction, known)
        if chances is None or answer is None:
            continue
        looked = whole
        if row.annotated is not None:
            looked = np.array(sorted(columns[code] for code in row.annotated if code in columns), int)
        there = np.zeros(len(chances), bool)
        there[[columns[code] for code in answer.gold if code in columns]] = True
        sure.append(chances[looked])
        right.append(there[looked])
    return np.concatenate(sure).astype(np.float64), np.concatenate(right)
