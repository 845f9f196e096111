"""What counts as right, wrong or missed in one text, and the sums of it: the one place that decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from vocnlp.records import NEGATIVE, POLARITIES, POSITIVE, Prediction

from .labelled import Labelled

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Count:
    """True positives, false positives and false negatives; ratios that guard their own zero (None: no case)."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def support(self) -> int:
        return self.right + self.missed

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        return self.right / self.support if self.support else None

    @property
    def f1(self) -> float | None:
        cases = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / cases if cases else None

    def __add__(self, other: Count) -> Count:
        return Count(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    def to_dict(self) -> dict[str, float | int | None]:
        ratios = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**asdict(self), **ratios, "support": self.support}


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds of one text and what was said of it: codes, (code, polarity) pairs, or one sentiment."""

    gold: frozenset[Any]
    said: frozenset[Any]


@dataclass(frozen=True)
class Sums:
    """Right, wrong and missed, each of shape (..., keys); a ratio without a case is nan."""

    right: Floats
    wrong: Floats
    missed: Floats

    @property
    def precision(self) -> Floats:
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> Floats:
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> Floats:
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)

    @property
    def total(self) -> Sums:
        """Over all keys: shape (...); its ratios are the micro figures."""
        return Sums(self.right.sum(-1), self.wrong.sum(-1), self.missed.sum(-1))

    @property
    def macro_f1(self) -> Floats:
        """(...): the mean F1 of the keys that occur."""
        occurring = self.right + self.missed > 0
        return _share(np.where(occurring, np.nan_to_num(self.f1), 0.0).sum(-1), occurring.sum(-1))

    def of(self, columns: Sequence[int]) -> Sums:
        """The sums of some keys, by their places."""
        return Sums(self.right[..., columns], self.wrong[..., columns], self.missed[..., columns])


@dataclass(frozen=True)
class Tally:
    """The answers of many texts: ``cells`` is (texts, 3 * keys), where a text was right, wrong or missed, side by side."""

    keys: tuple[Any, ...]
    cells: sp.csr_matrix

    def part(self, number: int) -> sp.csr_matrix:
        """(texts, keys): right (0), wrong (1) or missed (2)."""
        width = len(self.keys)
        return self.cells[:, number * width : (number + 1) * width]

    def sums(self, totals: Floats) -> Sums:
        """``totals`` of shape (..., 3 * keys), taken apart."""
        width = len(self.keys)
        return Sums(*(totals[..., place * width : (place + 1) * width] for place in range(3)))

    def widened(self, keys: Iterable[Any]) -> Tally:
        """The same with columns for more keys, in the order of ``tally``."""
        ordered = tuple(sorted({*self.keys, *keys}))
        place = {key: number for number, key in enumerate(ordered)}
        columns = [part * len(ordered) + place[key] for part in range(3) for key in self.keys]
        cells = self.cells.tocoo()
        shape = (cells.shape[0], 3 * len(ordered))
        moved = np.array(columns, np.intp)[cells.col] if columns else cells.col
        return Tally(ordered, sp.csr_matrix((cells.data, (cells.row, moved)), shape=shape))

    def counts(self) -> dict[Any, Count]:
        """The sums over all texts, by key."""
        sums = self.sums(np.asarray(self.cells.sum(axis=0), np.float64).ravel())
        columns = zip(self.keys, sums.right.tolist(), sums.wrong.tolist(), sums.missed.tolist(), strict=True)
        return {key: Count(int(right), int(wrong), int(missed)) for key, right, wrong, missed in columns}


def tally(answers: Sequence[Answer | None]) -> Tally:
    """The tally of one answer a text (None: nobody judged it); the keys are those that occur, sorted."""
    ordered = tuple(sorted({key for answer in answers if answer is not None for key in answer.gold | answer.said}))
    place = {key: number for number, key in enumerate(ordered)}
    rows: list[int] = []
    columns: list[int] = []
    for row, answer in enumerate(answers):
        if answer is None:
            continue
        parts = (answer.gold & answer.said, answer.said - answer.gold, answer.gold - answer.said)
        for number, part in enumerate(parts):
            columns += [number * len(ordered) + place[key] for key in part]
            rows += [row] * len(part)
    shape = (len(answers), 3 * len(ordered))
    return Tally(ordered, sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape))


Judge = Callable[[Labelled, Prediction, Collection[str]], Answer | None]


def answers(
    judge: Judge, rows: Sequence[Labelled], predictions: Sequence[Prediction], known: Collection[str]
) -> list[Answer | None]:
    """``judge`` over all rows."""
    return [judge(row, prediction, known) for row, prediction in zip(rows, predictions, strict=True)]


def judged_codes(row: Labelled, prediction: Prediction, known: Collection[str]) -> Answer | None:
    """Codes of a text; of those said, only the ones that were looked for count.

    None where the row says nothing of codes: without any tag and without a list of codes looked for, but with a
    sentiment.
    """
    if not row.coded:
        return None
    looked = known if row.annotated is None else row.annotated
    return Answer(
        frozenset(tag.code for tag in row.tags), frozenset(tag.code for tag in prediction.tags if tag.code in looked)
    )


def judged_pairs(row: Labelled, prediction: Prediction, known: Collection[str]) -> Answer | None:
    """(code, polarity) of a text; a polarity that nobody judged can be neither right nor wrong.

    A code with a mark that has no polarity, or a mixed one, is not judged there whatever its other marks say: training
    reads it so, too.
    """
    if (codes := judged_codes(row, prediction, known)) is None:
        return None
    unjudged = {tag.code for tag in row.tags if tag.polarity not in POLARITIES}
    marked, said = ((tag.code, tag.polarity) for tag in row.tags), ((tag.code, tag.polarity) for tag in prediction.tags)
    return Answer(
        frozenset(pair for pair in marked if pair[0] not in unjudged),
        frozenset(pair for pair in said if pair[0] in codes.said - unjudged),
    )


def judged_sentiment(row: Labelled, prediction: Prediction, known: Collection[str] = ()) -> Answer | None:
    """The sentiment of a text, or None where nobody judged it.

    Where a set's coders could not say neutral, the choice is made between the two outcomes they had.
    """
    if not row.sentiment:
        return None
    said = prediction.sentiment
    if row.two_class and prediction.probabilities:
        negative, _, positive = prediction.probabilities
        said = POSITIVE if positive > negative else NEGATIVE
    return Answer(frozenset({row.sentiment}), frozenset({said}))


def met_evidence(row: Labelled, prediction: Prediction) -> tuple[int, int]:
    """(met, marked): of the tags whose code is right and whose place was marked, how many meet a marked span."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for tag in row.tags:
        if tag.start is not None and tag.end is not None:
            spans.setdefault(tag.code, []).append((tag.start, tag.end))
    marked = [said for said in prediction.tags if said.code in spans]
    met = sum(any(said.start < end and start < said.end for start, end in spans[said.code]) for said in marked)
    return met, len(marked)


def total(counts: Mapping[Any, Count] | Iterable[Count]) -> Count:
    """The sum of some counts."""
    return sum(counts.values() if isinstance(counts, Mapping) else counts, Count())


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), np.float64)
