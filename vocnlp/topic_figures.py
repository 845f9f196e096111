"""What stands behind a topic: how many comments, how glad, how they score, where on the journey, since when, and is it more?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .codeframe import Codeframe
from .figures import Nps
from .records import POLARITIES
from .significance import Ratio, adjusted, rate_ratio
from .topic_pieces import Looked
from .topics import Found

_SURE = 0.05
_LATE = 3  # the last third of the days is compared with the rest


@dataclass(frozen=True)
class TopicFigures:
    """The figures of one topic. A comment counts once, however many of its pieces speak of the topic.

    share: comments of the topic / comments that were looked at; sentiment: comments by overall sentiment
    stages: (name, comments), commonest first; first: the day of its first comment; months: (yyyy-mm, comments, looked at)
    rise: the last third of the days against those before, with ``p`` corrected for the number of topics (Holm)
    codes: (code id, comments), the codes that these comments carry already, commonest first
    """

    comments: int
    share: float
    sentiment: Mapping[str, int]
    nps: Nps
    stages: tuple[tuple[str, int], ...]
    first: date | None
    months: tuple[tuple[str, int, int], ...]
    rise: Ratio | None
    p: float | None
    codes: tuple[tuple[str, int], ...]

    @property
    def rising(self) -> bool:
        if self.rise is None or self.p is None or self.p >= _SURE:
            return False
        return self.rise.value is None or self.rise.value > 1.0  # None: there was nothing before


def topic_figures(
    looked: Looked, rows_of: Sequence[Sequence[int]], frame: Codeframe, journey: str = "general"
) -> list[TopicFigures]:
    """One a topic; ``rows_of`` are the rows of each topic, as ``Piece.row`` numbers them."""
    days = {row: at for row, cells in looked.rows.items() if (at := _day(cells.get("at"))) is not None}
    split = _split(days)
    found = [_one(looked, sorted(set(rows)), frame, journey, days, split) for rows in rows_of]
    corrected = adjusted([one.rise.p if one.rise else None for one in found])
    from dataclasses import replace

    return [replace(one, p=p) for one, p in zip(found, corrected, strict=True)]


def _one(
    looked: Looked,
    rows: Sequence[int],
    frame: Codeframe,
    journey: str,
    days: Mapping[int, date],
    split: date | None,
) -> TopicFigures:
    cells = [looked.rows[row] for row in rows]
    mood = Counter(str(cell.get("voc_sentiment")) for cell in cells)
    dated = [days[row] for row in rows if row in days]
    months = Counter(f"{day:%Y-%m}" for day in dated)
    base = Counter(f"{day:%Y-%m}" for day in days.values())
    stages = Counter(name for cell in cells if (name := _stage(cell.get("stage"), frame, journey)))
    codes = Counter(code for cell in cells for code in {tag["code"] for tag in cell.get("voc_tags") or ()})
    return TopicFigures(
        comments=len(rows),
        share=len(rows) / len(looked.rows) if looked.rows else 0.0,
        sentiment={polarity: mood[polarity] for polarity in POLARITIES},
        nps=_nps(cell.get("score") for cell in cells),
        stages=tuple(sorted(stages.items(), key=lambda pair: (-pair[1], pair[0]))),
        first=min(dated, default=None),
        months=tuple((month, months[month], base[month]) for month in sorted(base)),
        rise=_rise(dated, days, split),
        p=None,
        codes=tuple(sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))[:10]),
    )


def rows_by_topic(found: Found, places: Sequence[Sequence[int]], looked: Looked) -> list[list[int]]:
    """The rows of each topic; ``places``: for each distinct line the numbers of the pieces that say it."""
    return [[looked.pieces[piece].row for line in topic.lines for piece in places[line]] for topic in found.topics]


def _nps(scores: Any) -> Nps:
    answers: Counter[str] = Counter()
    for score in scores:
        if score is not None and 0 <= score <= 10:  # NaN is neither
            answers["promoter" if score >= 9 else "detractor" if score <= 6 else "passive"] += 1
    return Nps(answers["promoter"], answers["passive"], answers["detractor"])


def _stage(said: Any, frame: Codeframe, journey: str) -> str | None:
    if not said or not str(said).strip():
        return None
    stage = frame.journey(journey).stage_of(str(said)) if frame.journeys else None
    return stage.name if stage else str(said).strip()


def _day(at: Any) -> date | None:
    return at.date() if isinstance(at, datetime) else at if isinstance(at, date) else None


def _split(days: Mapping[int, date]) -> date | None:
    """The first day of the last third of the time; None where all is of one day."""
    if not days:
        return None
    first, last = min(days.values()), max(days.values())
    return last - (last - first) / _LATE if (last - first).days >= _LATE else None


def _rise(dated: Sequence[date], days: Mapping[int, date], split: date | None) -> Ratio | None:
    if split is None or not dated:
        return None
    late, base = sum(day >= split for day in dated), sum(day >= split for day in days.values())
    return rate_ratio(len(dated) - late, len(days) - base, after=late, after_base=base)
