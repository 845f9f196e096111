"""Scores by any dimension and period: NPS, net sentiment, CSAT and CES, each with its interval.

NPS itself is ``figures.Nps``. Dimensions are those of ``counts.Folded``; by ``code`` a row counts once for each code it
carries and for all above it, so figures roll up along the tree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from scipy import stats

from .counts import PERIODS, Folded
from .errors import InputError
from .figures import SMALL, Nps
from .folding import BLANK, UNKNOWN

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Net:
    """Net sentiment = % positive - % negative comments, in points (-100..100); None without comments.

    Like the NPS it is the mean of answers of 1, 0 and -1, and has its interval (adjusted Wald, Rocks 2016).
    """

    positive: int = 0
    neutral: int = 0
    negative: int = 0

    @property
    def n(self) -> int:
        return self.positive + self.neutral + self.negative

    @property
    def few(self) -> bool:
        return self.n < SMALL

    @property
    def net(self) -> float | None:
        return self._as_nps.nps

    @property
    def low(self) -> float | None:
        return self._as_nps.low

    @property
    def high(self) -> float | None:
        return self._as_nps.high

    @property
    def _as_nps(self) -> Nps:
        return Nps(self.positive, self.neutral, self.negative)


@dataclass(frozen=True, slots=True)
class Csat:
    """Customer satisfaction: the share (0..1) of answers that are satisfied, the two best of a five-point scale ("top two
    boxes") unless said otherwise. The 95 % interval is that of Wilson 1927, JASA 22, which holds for few answers and
    for shares near 0 and 1."""

    satisfied: int = 0
    n: int = 0

    @property
    def few(self) -> bool:
        return self.n < SMALL

    @property
    def share(self) -> float | None:
        return self.satisfied / self.n if self.n else None

    @property
    def low(self) -> float | None:
        return self._interval[0] if self.n else None

    @property
    def high(self) -> float | None:
        return self._interval[1] if self.n else None

    @property
    def _interval(self) -> tuple[float, float]:
        found = stats.binomtest(self.satisfied, self.n).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class Ces:
    """Customer effort: "the company made it easy for me", 1 (not at all) to 7 (CES 2.0: Dixon, Toman and DeLisi 2013, "The
    Effortless Experience"). ``mean`` with its 95 % t interval (Student 1908), which needs two answers that differ; ``easy``
    is the share (0..1) that agrees. ``answers``: answer -> times."""

    answers: Mapping[float, int] = field(default_factory=dict)
    agreeing: int = 0

    @property
    def n(self) -> int:
        return sum(self.answers.values())

    @property
    def few(self) -> bool:
        return self.n < SMALL

    @property
    def mean(self) -> float | None:
        return sum(value * times for value, times in self.answers.items()) / self.n if self.n else None

    @property
    def easy(self) -> float | None:
        return self.agreeing / self.n if self.n else None

    @property
    def low(self) -> float | None:
        return None if self.mean is None or self.margin is None else self.mean - self.margin

    @property
    def high(self) -> float | None:
        return None if self.mean is None or self.margin is None else self.mean + self.margin

    @property
    def margin(self) -> float | None:
        if self.mean is None or len(self.answers) < 2:
            return None
        squares = sum(times * (value - self.mean) ** 2 for value, times in self.answers.items())
        return float(stats.t.ppf(0.975, self.n - 1)) * math.sqrt(squares / (self.n - 1) / self.n)


@dataclass(frozen=True, slots=True)
class Scored(Generic[Value]):
    """One group: a key per dimension asked for, its rows, and its figure. ``odd``: answers off the scale or no numbers;
    they are left out of the figure, and never counted as an answer."""

    keys: tuple[str, ...]
    rows: int
    odd: int
    value: Value


def nps(rows: Folded, by: Sequence[str] = ()) -> tuple[Scored[Nps], ...]:
    """NPS by none, one or more dimensions; ``odd`` are scores outside 0..10."""
    at = len(by)
    found = [Scored(row[:at], row[at], row[at + 1], Nps(*row[at + 2 :])) for row in rows.answers(by)]
    return _ordered(found, by, rows)


def net(rows: Folded, by: Sequence[str] = ()) -> tuple[Scored[Net], ...]:
    """Net sentiment of the comments by none, one or more dimensions."""
    at = len(by)
    return _ordered([Scored(row[:at], row[at], 0, Net(*row[at + 1 :])) for row in rows.sentiments(by)], by, rows)


def csat(
    rows: Folded, column: str, *, by: Sequence[str] = (), scale: tuple[float, float] = (1, 5), satisfied: float = 4
) -> tuple[Scored[Csat], ...]:
    """CSAT of the answers in ``column`` (folded in with ``also``); ``satisfied`` is the lowest answer that is."""
    _check(scale, satisfied)
    found = []
    for keys, count, odd, answers in _distributions(rows, column, by=by, scale=scale):
        content = sum(times for value, times in answers.items() if value >= satisfied)
        found.append(Scored(keys, count, odd, Csat(content, sum(answers.values()))))
    return _ordered(found, by, rows)


def ces(
    rows: Folded, column: str, *, by: Sequence[str] = (), scale: tuple[float, float] = (1, 7), easy: float = 5
) -> tuple[Scored[Ces], ...]:
    """CES of the answers in ``column`` (folded in with ``also``), high is easy; ``easy`` is the lowest that agrees."""
    _check(scale, easy)
    found = []
    for keys, count, odd, answers in _distributions(rows, column, by=by, scale=scale):
        agreeing = sum(times for value, times in answers.items() if value >= easy)
        found.append(Scored(keys, count, odd, Ces(answers, agreeing)))
    return _ordered(found, by, rows)


def _check(scale: tuple[float, float], border: float) -> None:
    if not scale[0] < border <= scale[1]:
        raise ValueError(f"{border} does not cut the scale {scale[0]}..{scale[1]} in two")


def _distributions(
    rows: Folded, column: str, *, by: Sequence[str], scale: tuple[float, float]
) -> list[tuple[tuple[str, ...], int, int, dict[float, int]]]:
    """(keys, rows, answers that are none on this scale, answer -> times) per group.

    InputError where something is written and nothing of it is on the scale: then it is another column or scale.
    """
    groups: dict[tuple[str, ...], tuple[list[int], dict[float, int]]] = {}
    strange: Any = None
    for *keys, value, written, count in rows.values(column, by):
        totals, answers = groups.setdefault(tuple(keys), ([0, 0], {}))
        totals[0] += count
        if value is not None and scale[0] <= value <= scale[1]:
            answers[value] = answers.get(value, 0) + count
        elif written:
            totals[1] += count
            strange = value if strange is None else strange
    if any(totals[1] for totals, _ in groups.values()) and not any(answers for _, answers in groups.values()):
        raise InputError(f"no answer between {scale[0]} and {scale[1]}", column=column, value=f"{strange}")
    return [(keys, count, odd, dict(sorted(answers.items()))) for keys, ((count, odd), answers) in groups.items()]


def _ordered(found: Iterable[Scored[Value]], by: Sequence[str], rows: Folded) -> tuple[Scored[Value], ...]:
    """Dimension by dimension: stages as in the journey, periods by time, others by rows; what is not known last."""
    groups = list(found)
    size: dict[tuple[int, str], int] = {}
    for group in groups:
        for place, key in enumerate(group.keys):
            size[place, key] = size.get((place, key), 0) + group.rows
    stages = {stage: place for place, stage in enumerate(rows.stages)}

    def rank(group: Scored[Value]) -> list[tuple[bool, int, str]]:
        ranks = []
        for place, (name, key) in enumerate(zip(by, group.keys, strict=True)):
            order = 0 if name in PERIODS else stages.get(key, len(stages)) if "stage" in name else -size[place, key]
            ranks.append((key in (BLANK, UNKNOWN), order, key))
        return ranks

    return tuple(sorted(groups, key=rank))
