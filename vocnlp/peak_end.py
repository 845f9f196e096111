"""Peak and end of each customer's journey (峰终定律), and how they go with what the customer says of the whole.

People judge an experience by its most intense moment and its last, hardly by its length or mean (Kahneman, Fredrickson,
Schreiber and Redelmeier 1993, Psychological Science 4; Fredrickson and Kahneman 1993, JPSP 65). Whether a business's
customers do is asked of its data here, not taken for granted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from .counts import Folded
from .drivers import relative_weights
from .errors import InputError
from .figures import SMALL

_Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path:
    """One customer: the ``moments`` before the last score, and that score, the ``overall``.

    A moment is a row with a sentiment (-1, 0, 1) or a score (0..10), earlier than the row of the overall score; that row
    itself is left out, because a comment beside a score goes with it in any case. ``peak`` is the moment farthest from
    the middle (0 or 5); of two equally far the worse, then the earlier. ``end`` is the last moment.
    """

    customer: str
    overall: float
    moments: int
    mean: float
    worst: float
    best: float
    peak: float
    peak_stage: str
    end: float
    end_stage: str


@dataclass(frozen=True, slots=True)
class Paths:
    """Many paths side by side, a column for each field of ``Path``; iterating gives each of them."""

    columns: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, found: Iterable[Path]) -> Paths:
        every = list(found)
        return cls({one.name: np.array([getattr(path, one.name) for path in every]) for one in fields(Path)})

    def __len__(self) -> int:
        return len(self.columns["customer"])

    def __iter__(self) -> Iterator[Path]:
        for row in zip(*(self.columns[one.name].tolist() for one in fields(Path)), strict=True):
            yield Path(*row)


@dataclass(frozen=True, slots=True)
class Relation:
    """Spearman's rank correlation with the overall score; its 95 % interval by Fisher's z with the standard error of
    Bonett and Wright 2000 (Psychometrika 65), ``sqrt((1 + r^2 / 2) / (n - 3))``. None where either does not vary."""

    of: str
    correlation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PeakEnd:
    """Over the customers with at least two moments (with one, peak, end and mean are the same): ``customers``.

    ``relations``: peak, end, their mean ("peak-end"), the mean of all moments, the worst. ``shares``: what peak and end
    each explain of the overall score's variance (relative weights, adding up to ``r2``); ``mean_r2``: what the mean of
    all moments explains alone, for comparison. ``few``: fewer than 30 customers. ``single``: customers with one moment.
    ``low_peaks``: stage -> customers whose peak is a bad one and lies there; ``low_ends`` alike.
    """

    customers: int
    single: int
    relations: tuple[Relation, ...]
    r2: float | None
    mean_r2: float | None
    shares: Mapping[str, float]
    low_peaks: Mapping[str, int]
    low_ends: Mapping[str, int]

    @property
    def few(self) -> bool:
        return self.customers < SMALL


def paths(rows: Folded, *, value: str = "sentiment") -> Paths:
    """The path of every customer who gave a score after at least one moment; ``value``: sentiment or score.

    InputError where no row names both customer and time.
    """
    if value not in ("sentiment", "score"):
        raise ValueError(f"value must be sentiment or score, not {value!r}")
    if not rows.persons():
        raise InputError("no row names a customer and a time", column="customer", hint="peak and end need both")
    found = rows.paths(scores=value == "score")
    return Paths({one.name: column for one, column in zip(fields(Path), found, strict=True)})


def peak_end(found: Paths | Iterable[Path], *, middle: float = 0.0) -> PeakEnd:
    """How peak and end go with the overall score; ``middle`` is 0 for moments of sentiment and 5 for scores."""
    every = found if isinstance(found, Paths) else Paths.of(found)
    whole = every.columns["moments"] > 1
    told = {name: column[whole] for name, column in every.columns.items()}
    overall = told["overall"]
    columns = {
        "peak": told["peak"],
        "end": told["end"],
        "peak-end": (told["peak"] + told["end"]) / 2,
        "mean": told["mean"],
        "worst": told["worst"],
    }
    shares = _explained([columns["peak"], columns["end"]], overall)
    alone = _explained([columns["mean"]], overall)
    return PeakEnd(
        customers=len(overall),
        single=len(every) - len(overall),
        relations=tuple(_relation(name, values, overall) for name, values in columns.items()),
        r2=sum(shares) if shares else None,
        mean_r2=sum(alone) if alone else None,
        shares=dict(zip(("peak", "end"), shares, strict=False)),
        low_peaks=_stages(told["peak_stage"][told["peak"] < middle]),
        low_ends=_stages(told["end_stage"][told["end"] < middle]),
    )


def _relation(name: str, values: _Numbers, overall: _Numbers) -> Relation:
    count = len(values)
    if count < 4 or np.ptp(values) == 0 or np.ptp(overall) == 0:
        return Relation(name, None, None, None)
    found = float(stats.spearmanr(values, overall).statistic)
    if abs(found) >= 1 - 1e-12:
        return Relation(name, found, found, found)
    margin = float(stats.norm.ppf(0.975)) * math.sqrt((1 + found**2 / 2) / (count - 3))
    return Relation(name, found, math.tanh(math.atanh(found) - margin), math.tanh(math.atanh(found) + margin))


def _explained(columns: Sequence[_Numbers], overall: _Numbers) -> list[float]:
    """What each column explains of the overall score's variance; nothing where something does not vary."""
    if len(overall) < len(columns) + 3 or not all(np.ptp(values) for values in (*columns, overall)):
        return []
    together = np.corrcoef([*columns, overall]).reshape(len(columns) + 1, -1)
    return [float(part) for part in relative_weights(together[:-1, :-1], together[:-1, -1])]


def _stages(stages: npt.NDArray[Any]) -> dict[str, int]:
    return dict(sorted(Counter(stages.tolist()).items(), key=lambda item: (-item[1], item[0])))
