"""Codes by segment or channel: which group speaks of a code more, or less, often than the others do.

Each code is a table of its own, comments that carry it against those that do not, by group; a comment may carry several
codes, so codes do not share one table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from .counts import Folded
from .figures import SMALL
from .folding import BLANK
from .records import NEGATIVE
from .significance import adjusted

_COCHRAN = 5.0  # expected comments below which the normal curve is no guide (Cochran 1954, Biometrics 10)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One code in one group.

    ``expected`` = comments of the group * share of all comments that carry the code. ``residual`` is the adjusted
    standardised residual ``(observed - expected) / sqrt(expected * (1 - share of the code) * (1 - share of the
    group))``, standard normal where code and group have nothing to do with each other (Haberman 1973, Biometrics 29;
    Agresti 2013, Categorical Data Analysis, 3.3). None where the group is all there is, or every comment carries the
    code. ``p``: two-sided, from the residual; Fisher's exact test where ``few`` (fewer than 5 comments are expected to
    carry the code in the group, or not to). ``adjusted``: corrected for all cells of the table.
    """

    code: str
    name: str
    group: str
    observed: int
    size: int
    expected: float
    residual: float | None
    p: float | None
    adjusted: float | None
    few: bool

    @property
    def share(self) -> float:
        """Comments of the group that carry the code, as a share (0..1)."""
        return self.observed / self.size

    def stands_out(self, level: float = 0.05) -> bool:
        return self.adjusted is not None and self.adjusted < level


@dataclass(frozen=True, slots=True)
class Crosstab:
    """All codes by all groups. ``groups``: group -> comments, largest first; ``few_groups``: those with fewer than 30.

    ``left_out``: comments of no group (an empty cell, no stage of their own) or of a group beyond ``most``.
    """

    by: str
    side: str
    method: str
    groups: dict[str, int]
    few_groups: tuple[str, ...]
    left_out: int
    cells: tuple[Crossing, ...]

    @property
    def striking(self) -> tuple[Crossing, ...]:
        """The cells that stand out at 5 %, farthest from expectation first."""
        found = [cell for cell in self.cells if cell.stands_out()]
        return tuple(sorted(found, key=lambda cell: -abs(cell.residual or 0.0)))


def crosstab(
    rows: Folded,
    by: str,
    *,
    side: str = NEGATIVE,
    codes: Sequence[str] | None = None,
    method: str = "holm",
    most: int = 20,
) -> Crosstab:
    """Codes (the finest that occur, unless ``codes`` are named) by the ``most`` largest groups of a dimension.

    ``side``: negative, positive or mention. By stage, only comments whose row names its stage are counted: a stage that
    was read from the code itself would prove nothing. ``method``: holm or bh (``significance.adjusted``).
    """
    if by in ("code", ""):
        raise ValueError("codes are crossed with a dimension of the rows, not with codes")
    dimension = "given_stage" if by == "stage" else by
    sizes = rows.sizes(dimension)
    kept = sorted((group for group in sizes if group != BLANK), key=lambda group: (-sizes[group], group))[:most]
    groups = {group: sizes[group] for group in kept}
    counts = rows.mentions(dimension, side)
    carried = {code: sum(counts.get((group, code), 0) for group in groups) for code in rows.known(codes)}
    ranked = sorted((code for code in carried if carried[code] or codes), key=lambda code: (-carried[code], code))
    total = sum(groups.values())
    cells = [
        _crossing(rows.code_name(code), code, group, (counts.get((group, code), 0), size, carried[code], total))
        for code in ranked
        for group, size in groups.items()
    ]
    corrected = adjusted([cell.p for cell in cells], method)
    few = tuple(group for group, size in groups.items() if size < SMALL)
    everyone = sum(rows.sizes("channel").values())
    told = tuple(replace(cell, adjusted=p) for cell, p in zip(cells, corrected, strict=True))
    return Crosstab(by, side, method, groups, few, everyone - total, told)


def _crossing(name: str, code: str, group: str, counts: tuple[int, int, int, int]) -> Crossing:
    observed, size, carried, total = counts
    expected = size * carried / total
    spread = expected * (1 - carried / total) * (1 - size / total)
    few = min(expected, size - expected) < _COCHRAN
    residual = p = None
    if spread > 0:
        residual = (observed - expected) / math.sqrt(spread)
        outside = np.array([[observed, size - observed], [carried - observed, total - size - carried + observed]])
        p = float(stats.fisher_exact(outside).pvalue if few else 2 * stats.norm.sf(abs(residual)))
    return Crossing(code, name, group, observed, size, expected, residual, p, None, few)
