"""The importance-performance matrix (四象限): what matters and is done badly comes first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .drivers import Drivers
from .errors import InputError
from .figures import CodeFigures, Nps


class Quadrant(StrEnum):
    """Martilla and James 1977, "Importance-Performance Analysis", Journal of Marketing 41; with the words in use."""

    IMPROVE = "improve"  # 重点改进: important, done badly ("concentrate here")
    KEEP = "keep"  # 优势保持: important, done well ("keep up the good work")
    LATER = "later"  # 次要改进: unimportant, done badly ("low priority")
    EASE = "ease"  # 适度维持: unimportant, done well ("possible overkill")


@dataclass(frozen=True, slots=True)
class Point:
    """One code or attribute; ``few``: either figure stands on too little. Intervals are (low, high), where known."""

    key: str
    name: str
    importance: float
    performance: float
    importance_interval: tuple[float, float] | None = None
    performance_interval: tuple[float, float] | None = None
    few: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A point in its quadrant. ``sure``: both intervals stay on their side of the lines; None without intervals."""

    point: Point
    quadrant: Quadrant
    sure: bool | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """The points by importance, and the lines that cut them: ``importance_line`` and ``performance_line``.

    ``left_out``: keys that lack one of the two figures. Without points there are no lines.
    """

    importance_line: float | None
    performance_line: float | None
    placed: tuple[Placed, ...]
    left_out: tuple[str, ...] = ()

    def within(self, quadrant: Quadrant) -> tuple[Placed, ...]:
        return tuple(placed for placed in self.placed if placed.quadrant == quadrant)


def matrix(
    points: Iterable[Point], *, lines: str | tuple[float, float] = "mean", left_out: Iterable[str] = ()
) -> Matrix:
    """Place each point by two lines: the means, the medians, or (importance, performance) as given.

    A point on a line counts as important, and as done well. Means and medians are relative: some code is always below.
    Where a target exists, give it as a line. InputError for a figure that is not a number.
    """
    found = sorted(points, key=lambda point: (-point.importance, point.performance, point.key))
    for point in found:
        if not (math.isfinite(point.importance) and math.isfinite(point.performance)):
            value = f"{point.importance}, {point.performance}"
            raise InputError("importance and performance must be numbers", column=point.key, value=value)
    if not found:
        return Matrix(None, None, (), tuple(left_out))
    if isinstance(lines, str):
        if lines not in ("mean", "median"):
            raise ValueError(f"lines must be mean, median or two numbers, not {lines!r}")
        middle = statistics.fmean if lines == "mean" else statistics.median
        across, up = middle(p.importance for p in found), middle(p.performance for p in found)
    else:
        across, up = lines
    placed = tuple(Placed(point, _quadrant(point, across, up), _sure(point, across, up)) for point in found)
    return Matrix(across, up, placed, tuple(left_out))


def matrix_of(found: Drivers, codes: Iterable[CodeFigures], *, lines: str | tuple[float, float] = "mean") -> Matrix:
    """The matrix of the codes of a driver analysis: importance is the share of R2, performance the net sentiment.

    So importance is derived from what moves the score, not from what customers say matters to them. Codes that were
    left out of the driver analysis are left out here, too; they are named.
    """
    by_code = {code.code: code for code in codes}
    points = [
        Point(
            driver.code,
            driver.name,
            driver.share,
            by_code[driver.code].net,
            (driver.share_low, driver.share_high),
            _net_interval(by_code[driver.code]),
            driver.few or found.few,
        )
        for driver in found.drivers
        if driver.code in by_code
    ]
    return matrix(points, lines=lines, left_out=[code for code, _ in found.left_out])


def _net_interval(code: CodeFigures) -> tuple[float, float] | None:
    """Net sentiment is a share less a share, as the NPS is; a comment with both polarities stands as neither.

    How many comments have both is not known, only how many must; so the interval errs to the wide side.
    """
    twice = max(0, code.positive + code.negative - code.mentions)
    up, down = code.positive - twice, code.negative - twice
    nps = Nps(up, code.mentions - up - down, down)
    return None if nps.low is None or nps.high is None else (nps.low, nps.high)


def _quadrant(point: Point, across: float, up: float) -> Quadrant:
    if point.importance >= across:
        return Quadrant.KEEP if point.performance >= up else Quadrant.IMPROVE
    return Quadrant.EASE if point.performance >= up else Quadrant.LATER


def _sure(point: Point, across: float, up: float) -> bool | None:
    if point.importance_interval is None or point.performance_interval is None:
        return None
    sides = ((point.importance_interval, across), (point.performance_interval, up))
    return all(not low < line <= high for (low, high), line in sides)
