"""Did an action move its code? The plain ratio, and the interrupted series that knows a trend from a jump."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from scipy import optimize
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.before_after import effect, interrupted
from vocnlp.counts import folded
from vocnlp.errors import CodeframeError, InputError, MissingExtraError
from vocnlp.significance import rate_ratio

ON = date(2025, 6, 4)  # a Wednesday


def weeks(counts, comments=60, first=None):
    """Comments in runs of seven days that end the day before ON, go on from ON, and carry 配送时效 so often."""
    made = []
    start = ON - timedelta(7 * first)
    for week, count in enumerate(counts):
        for number in range(comments):
            day = start + timedelta(7 * week + number % 7)
            tags = [tag("speed", "negative")] if number < count else []
            made.append(row(at=datetime(day.year, day.month, day.day, 12), voc_tags=tags))
    return tagged(made)


def test_few_weeks_give_the_ratio_and_say_why_there_is_no_series():
    with folded(weeks([12, 10, 14, 3, 2], first=3), FRAME) as rows:
        found = effect(rows, "speed", on=ON)
    assert found.ratio == rate_ratio(36, 180, after=5, after_base=120)
    assert (found.name, found.start, found.end) == ("配送时效", ON - timedelta(21), ON + timedelta(13))
    assert (found.interrupted, found.why_not) == (None, "3 periods before, 8 are needed")


def test_a_jump_is_told_from_a_trend_that_was_there_before():
    falling = [30, 29, 27, 25, 24, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 13, 12, 11, 11, 10]
    jumping = [20] * 10 + [10] * 10
    with folded(weeks(falling, first=10), FRAME) as rows:
        slow = effect(rows, "speed", on=ON)
    with folded(weeks(jumping, first=10), FRAME) as rows:
        sharp = effect(rows, "speed", on=ON)
    assert slow.ratio.p < 0.001 and sharp.ratio.p < 0.001  # halved both times
    assert slow.interrupted.level.low < 1 < slow.interrupted.level.high
    assert slow.interrupted.before.high < 1
    assert sharp.interrupted.level.value == pytest.approx(0.5)
    assert sharp.interrupted.level.high < 1
    assert (sharp.interrupted.before.value, sharp.interrupted.slope.value) == (pytest.approx(1), pytest.approx(1))
    assert (sharp.interrupted.periods_before, sharp.interrupted.periods_after) == (10, 10)


def test_the_series_is_the_maximum_of_the_poisson_likelihood():
    dice = np.random.default_rng(2)
    at = np.arange(-12, 12)
    comments = dice.integers(80, 160, size=24)
    count = dice.poisson(comments * np.exp(-1.5 + 0.02 * at - 0.6 * (at >= 0)))
    found = interrupted(list(zip(at.tolist(), count.tolist(), comments.tolist(), strict=True)))
    design = np.column_stack([np.ones(24), at, at >= 0, at * (at >= 0)]).astype(float)

    def loss(beta):
        log = design @ beta + np.log(comments)
        return float(np.sum(np.exp(log) - count * log))

    def slope(beta):
        return design.T @ (comments * np.exp(design @ beta) - count)

    best = optimize.minimize(loss, [-1.5, 0, 0, 0], jac=slope, method="BFGS", options={"gtol": 1e-9}).x
    factors = (found.before, found.level, found.slope)
    assert [math.log(factor.value) for factor in factors] == pytest.approx(best[1:], abs=1e-5)
    # Errors: the inverse of the information X' diag(mean) X, times Pearson's chi-square over 20 degrees of freedom.
    mean = comments * np.exp(design @ best)
    spread = max(1.0, float(np.sum((count - mean) ** 2 / mean)) / 20)
    error = math.sqrt(spread * np.linalg.inv((design.T * mean) @ design)[2, 2])
    assert found.dispersion == pytest.approx(spread, rel=1e-5)
    assert math.log(found.level.high / found.level.low) == pytest.approx(2 * 2.085963 * error, rel=1e-4)  # t of 20


def test_a_code_that_vanishes_has_an_exact_ratio_and_no_series():
    with folded(weeks([9] * 8 + [0] * 8, first=8), FRAME) as rows:
        found = effect(rows, "speed", on=ON)
    assert (found.ratio.value, found.ratio.exact, found.interrupted) == (0.0, True, None)
    assert found.why_not == "0 mentions after, 10 are needed"


def test_weeks_are_counted_from_the_date_so_that_none_holds_both_sides():
    # Every comment before ON carries the code, none after: a calendar week across ON would show a share in between.
    counts = [60] * 9 + [1] * 12
    with folded(weeks(counts, first=9), FRAME) as rows:
        found = effect(rows, "speed", on=ON)
    assert found.interrupted.level.value == pytest.approx(1 / 60, rel=0.01)
    assert found.interrupted.before.value == pytest.approx(1.0)


def test_a_stage_can_be_looked_at_too():
    table = tagged(
        [
            row(at=datetime(2025, 6, day, 9), stage="物流", voc_sentiment="negative" if day < 4 else "positive")
            for day in range(1, 8)
        ]
    )
    with folded(table, FRAME) as rows:
        found = effect(rows, "deliver", on=ON, of="stage", series=False)
    assert (found.ratio, found.why_not) == (rate_ratio(3, 3, after=0, after_base=4), "not asked for")


def test_a_date_outside_the_data_an_unknown_code_and_an_unknown_period_are_refused():
    with folded(weeks([1, 1], first=1), FRAME) as rows:
        with pytest.raises(InputError, match="one side of the date"):
            effect(rows, "speed", on=date(2026, 1, 1))
        with pytest.raises(CodeframeError, match="'sped'"):
            effect(rows, "sped", on=ON)
        with pytest.raises(ValueError, match="'month'"):
            effect(rows, "speed", on=ON, every="month")


def test_without_statsmodels_the_exact_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.api", None)
    with folded(weeks([9] * 16, first=8), FRAME) as rows:
        with pytest.raises(MissingExtraError) as caught:
            effect(rows, "speed", on=ON)
        assert effect(rows, "speed", on=ON, series=False).ratio.value == 1.0
    assert caught.value.hint == 'pip install "vocnlp[analysis]"'
