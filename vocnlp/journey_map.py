"""The journey map: each stage by each touchpoint, with volume, sentiment, NPS and what hurts there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .counts import Folded
from .figures import SMALL, Nps
from .folding import UNKNOWN


@dataclass(frozen=True, slots=True)
class Pain:
    """A finest code and the comments at the spot that mean it negatively."""

    code: str
    name: str
    negative: int


@dataclass(frozen=True, slots=True)
class Spot:
    """One stage at one touchpoint. ``net`` = (positive - negative) / comments, in points; None without comments.

    ``few``: fewer than 30 comments; the NPS has its own mark, ``nps.small``.
    """

    stage: str
    touchpoint: str
    rows: int
    positive: int
    neutral: int
    negative: int
    nps: Nps
    pains: tuple[Pain, ...]

    @property
    def comments(self) -> int:
        return self.positive + self.neutral + self.negative

    @property
    def net(self) -> float | None:
        return 100 * (self.positive - self.negative) / self.comments if self.comments else None

    @property
    def few(self) -> bool:
        return self.comments < SMALL


@dataclass(frozen=True, slots=True)
class JourneyMap:
    """Spots by stage in the order of the journey, then by rows. ``stages``: id -> name; a stage nobody wrote of is there.

    ``unknown``: stages that rows name and the journey does not know. Spots with no row are not listed: nobody spoke there,
    which is not the same as all being well. A row without a stage takes those of its codes, and counts in each of them.
    """

    by: str
    stages: Mapping[str, str]
    touchpoints: tuple[str, ...]
    spots: tuple[Spot, ...]
    unknown: tuple[str, ...]

    def at(self, stage: str, touchpoint: str) -> Spot | None:
        return next((spot for spot in self.spots if (spot.stage, spot.touchpoint) == (stage, touchpoint)), None)


def journey_map(rows: Folded, *, touchpoint: str = "channel", pains: int = 3) -> JourneyMap:
    """Stage by touchpoint; a touchpoint is the channel, or any column that was folded in with ``also``."""
    by = ("stage", touchpoint)
    answers = {key[:2]: Nps(*key[4:]) for key in rows.answers(by)}
    hurts = _pains(rows, by, pains)
    spots = [
        Spot(stage, point, count, good, even, bad, answers[stage, point], hurts.get((stage, point), ()))
        for stage, point, count, good, even, bad in rows.sentiments(by)
    ]
    order = {stage: place for place, stage in enumerate(rows.stages)}
    spots.sort(key=lambda s: (s.stage == UNKNOWN, order.get(s.stage, len(order)), s.stage, -s.rows, s.touchpoint))
    odd = dict.fromkeys(spot.stage for spot in spots if spot.stage not in order and spot.stage != UNKNOWN)
    stages = {**rows.stages, **{spot.stage: rows.stage_name(spot.stage) for spot in spots}}
    size: dict[str, int] = {}
    for spot in spots:
        size[spot.touchpoint] = size.get(spot.touchpoint, 0) + spot.rows
    points = tuple(sorted(size, key=lambda point: (-size[point], point)))
    return JourneyMap(touchpoint, stages, points, tuple(spots), tuple(odd) if rows.stages else ())


def _pains(rows: Folded, by: tuple[str, str], most: int) -> dict[tuple[str, str], tuple[Pain, ...]]:
    finest = set(rows.known())
    found: dict[tuple[str, str], list[Pain]] = {}
    for stage, point, code, count in rows.pains(by):
        if code in finest:
            found.setdefault((stage, point), []).append(Pain(code, rows.code_name(code), count))
    return {
        spot: tuple(sorted(hurts, key=lambda pain: (-pain.negative, pain.code))[:most]) for spot, hurts in found.items()
    }
