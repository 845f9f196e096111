"""A sample of three comments of the corner shop, as coders get it, for the tests of the review loop."""

from __future__ import annotations

from vocnlp.codeframe import Codeframe
from vocnlp.review import RANDOM, UNCERTAIN
from vocnlp.review_rows import Mark, Origin, ReviewRow, Sample, named

SOUR = "汤头酸得离谱，店员倒是一直赔笑"
LATE = "说好周三到，周六才送来"
PLAIN = "=1+1 先放着，过几天再评"


def origin(reason: str, *suggested: Mark, mood: str | None = "negative", weight: float = 0.0) -> Origin:
    return Origin("", reason, weight, 40, "corner-shop@0.1.0", "corner-shop@0.1.0", suggested, mood)


def made(frame: Codeframe) -> Sample:
    """Two rows picked on purpose, one drawn by chance; the first with two tags, the last without any."""
    sour = origin(UNCERTAIN, Mark("taste", "negative", 0, 6), Mark("attitude", "positive", 7, 15))
    rows = (
        ReviewRow("a1", SOUR, sour, ("taste",)),
        ReviewRow("a2", LATE, origin(UNCERTAIN, Mark("delivery", "negative", 0, 5))),
        ReviewRow("a3", PLAIN, Origin("", RANDOM, 40.0, 40, "corner-shop@0.1.0", "corner-shop@0.1.0", (), "neutral")),
    )
    return named(Sample(rows, frame, "corner-shop@0.1.0"))
