"""The values that the journey figures consist of: counts, and the arithmetic on them.

Three populations, and no figure mixes them:

- *rows*: every row of the table;
- *comments*: the rows that were read (``voc_noise`` is empty); shares of sentiment and of codes are shares of these;
- *answers*: the rows with a score in 0..10, noise or not: who gives a 3 and writes nothing is still a detractor.

A figure that cannot be had is None; a missing score is never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

SMALL = 30  # answers below which an NPS is marked: its 95 % interval is then wider than some 50 points
_Z = 1.959963984540054  # two-sided 95 % quantile of the standard normal


@dataclass(frozen=True, slots=True)
class Nps:
    """The answers of one group. ``nps`` = % promoters - % detractors, in points (-100..100).

    A score of 9 and above is a promoter, 6 and below a detractor, everything between passive (Reichheld 2003, "The One
    Number You Need to Grow"). The scale has whole numbers only; 8.5 or 6.5, a mean or a converted star, is not
    rounded over the border and so counts as passive.

    The 95 % interval is the adjusted Wald interval of Rocks 2016, "Interval Estimation for the Net Promoter Score", The
    American Statistician 70(4): three invented answers (3/4 promoter, 3/2 passive, 3/4 detractor) are added before the
    variance ``p + d - (p - d)^2`` of a {-1, 0, 1} answer is taken. Rocks found its coverage best among the simple
    methods; the plain one gives a width of zero when all agree. It is centred on the adjusted estimate, cut at
    -100 and 100, and widened to hold ``nps`` itself, which a single answer would otherwise leave outside.
    """

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @property
    def n(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def small(self) -> bool:
        return self.n < SMALL

    @property
    def nps(self) -> float | None:
        return 100 * (self.promoters - self.detractors) / self.n if self.n else None

    @property
    def low(self) -> float | None:
        return None if self.nps is None else max(-100.0, min(self.nps, self._centre - _Z * self.error))

    @property
    def high(self) -> float | None:
        return None if self.nps is None else min(100.0, max(self.nps, self._centre + _Z * self.error))

    @property
    def error(self) -> float:
        """The adjusted standard error, in points."""
        p, d = (self.promoters + 0.75) / (self.n + 3), (self.detractors + 0.75) / (self.n + 3)
        return 100 * math.sqrt((p + d - (p - d) ** 2) / (self.n + 3))

    @property
    def _centre(self) -> float:
        return 100 * (self.promoters - self.detractors) / (self.n + 3)

    def __add__(self, other: Nps) -> Nps:
        return Nps(self.promoters + other.promoters, self.passives + other.passives, self.detractors + other.detractors)

    def __sub__(self, other: Nps) -> Nps:
        return Nps(self.promoters - other.promoters, self.passives - other.passives, self.detractors - other.detractors)

    def differs(self, other: Nps) -> bool:
        """Whether two separate groups differ by more than the 95 % margin of their difference (adjusted Wald)."""
        if self.nps is None or other.nps is None:
            return False
        return abs(self.nps - other.nps) > _Z * math.hypot(self.error, other.error)


@dataclass(frozen=True, slots=True)
class Impact:
    """How far the comments that carry a code move the total NPS.

    ``points`` = NPS of all answers - NPS of the answers without the code: below zero, the code costs NPS. It equals
    ``w * (NPS with - NPS without)`` with ``w`` the share of answers that carry the code, so it weighs how hard a code
    hits by how often. Removal is arithmetic, not a forecast: customers who carry a code differ in other ways too.
    ``margin`` is the half width of its 95 % interval, in points, by the delta method: both NPS are estimates, and so is
    ``w``, which a simulation shows to matter most where the two NPS are far apart. Half of the three invented answers of
    ``Nps`` goes to each side of ``w``. Both are None where either side has no answer.
    """

    carrying: Nps
    rest: Nps

    @property
    def points(self) -> float | None:
        total, rest = (self.carrying + self.rest).nps, self.rest.nps
        return None if total is None or rest is None or not self.carrying.n else total - rest

    @property
    def margin(self) -> float | None:
        with_code, without = self.carrying.nps, self.rest.nps
        if with_code is None or without is None:
            return None
        total = self.carrying.n + self.rest.n + 3
        weight = (self.carrying.n + 1.5) / total
        share = (with_code - without) * math.sqrt(weight * (1 - weight) / total)
        return _Z * math.hypot(weight * self.carrying.error, weight * self.rest.error, share)

    @property
    def small(self) -> bool:
        return self.carrying.small


@dataclass(frozen=True, slots=True)
class Group:
    """One stage, channel, segment or month (``key``: stage id, the value itself, or ``2025-03``).

    ``inferred`` counts the rows that stand here only because a tag's code belongs here (stages alone know it).
    """

    key: str
    name: str
    rows: int
    comments: int
    positive: int
    neutral: int
    negative: int
    inferred: int
    nps: Nps

    def share(self, count: int) -> float | None:
        """``count`` as a share (0..1) of the comments of this group."""
        return count / self.comments if self.comments else None


@dataclass(frozen=True, slots=True)
class CodeFigures:
    """One code, rolled up: a comment counts here once if it carries the code or any code below it.

    A comment that means the code in two ways counts in both polarities, so these need not add up to ``mentions``.
    ``every`` is the impact of all comments with the code, ``pain`` of those that mean it negatively. ``leaf``: no code
    below it occurs. A code that the frame does not know has ``known`` False, no ``parent``, and its id as its ``name``.
    """

    code: str
    name: str
    parent: str | None
    depth: int
    known: bool
    leaf: bool
    mentions: int
    share: float
    positive: int
    neutral: int
    negative: int
    every: Impact
    pain: Impact

    @property
    def net(self) -> float:
        """Net sentiment (positive - negative) / mentions, in points; a comment with both polarities cancels out."""
        return 100 * (self.positive - self.negative) / self.mentions


@dataclass(frozen=True, slots=True)
class Cell:
    """A code within a group (a stage or a month); ``nps`` is that of the comments that mean it negatively.

    ``share`` = negative / comments of the group.
    """

    group: str
    code: str
    mentions: int
    negative: int
    share: float
    nps: Nps


@dataclass(frozen=True, slots=True)
class Totals:
    """``noise``: kind -> rows. ``tagged``: comments with a tag; ``tags``: all their tags.

    ``odd_scores``: rows with a score outside 0..10, left out of every NPS. ``staged`` and ``inferred``: rows whose
    stage was given, or read from their tags; the other rows have none.
    """

    rows: int
    comments: int
    noise: Mapping[str, int]
    positive: int
    neutral: int
    negative: int
    tagged: int
    tags: int
    odd_scores: int
    staged: int
    inferred: int

    def share(self, count: int) -> float | None:
        """``count`` as a share (0..1) of the comments."""
        return count / self.comments if self.comments else None

    @property
    def mean_tags(self) -> float | None:
        return self.share(self.tags)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at once. Stages stand in the order of the journey, channels and segments by rows, months by time;
    codes by what their negative comments cost, dearest first; unknown and blank groups last."""

    totals: Totals
    nps: Nps
    stages: tuple[Group, ...]
    channels: tuple[Group, ...]
    segments: tuple[Group, ...]
    months: tuple[Group, ...]
    codes: tuple[CodeFigures, ...]
    heat: tuple[Cell, ...]
    trend: tuple[Cell, ...]
