"""The short forecast: level, inside 0..1, wider the farther, and honest about too little."""

from __future__ import annotations

import math
import sys
from datetime import date, timedelta

import numpy as np
import pytest
from statsmodels.tsa.arima.model import ARIMA

from vocnlp.errors import MissingExtraError
from vocnlp.forecast import Forecast, forecast
from vocnlp.trends import Line, Period


def line(counts, comments=200, every="week"):
    days = {"day": 1, "week": 7}[every]
    start = date(2025, 3, 3)
    sizes = comments if isinstance(comments, list) else [comments] * len(counts)
    periods = zip(counts, sizes, strict=True)
    return Line(
        "speed",
        "配送时效",
        every,
        tuple(Period(start + timedelta(days * at), n, k) for at, (k, n) in enumerate(periods)),
    )


def wandering(length=60, seed=4):
    """Counts whose log odds walk at random and are seen through noise."""
    dice = np.random.default_rng(seed)
    odds = -1.5 + np.cumsum(dice.normal(0, 0.15, length)) + dice.normal(0, 0.2, length)
    return [round(200 / (1 + math.exp(-value))) for value in odds]


def test_the_forecast_is_that_of_the_moving_average_model_of_the_same_process():
    # A random walk through noise is an ARIMA(0, 1, 1) (Muth 1960); statsmodels fits that by another likelihood.
    counts = wandering()
    odds = [math.log((k + 0.5) / (200 - k + 0.5)) for k in counts]
    theirs = ARIMA(odds, order=(0, 1, 1)).fit().get_forecast(3)
    ours = forecast(line(counts), ahead=3).expected
    bounds = theirs.conf_int(alpha=0.05)
    for at in range(3):
        found = [math.log(share / (1 - share)) for share in (ours[at].share, ours[at].low, ours[at].high)]
        assert found == pytest.approx([theirs.predicted_mean[at], *bounds[at]], abs=0.02)


def test_the_interval_holds_what_comes_about_as_often_as_it_says():
    held = []
    for seed in range(40):
        counts = wandering(41, seed=seed)
        told = forecast(line(counts[:-1]), ahead=1, level=0.8).expected[0]
        held.append(told.low <= counts[-1] / 200 <= told.high)
    assert 25 <= sum(held) <= 39  # 32 expected; 0.5 % of binomial(40, 0.8) lies outside


def test_a_steady_share_is_expected_to_stay_and_the_weeks_go_on():
    told = forecast(line([20, 22, 19, 21, 18, 20, 21, 19, 20, 20]), ahead=2).expected
    assert [expected.start for expected in told] == [date(2025, 5, 12), date(2025, 5, 19)]
    assert told[0].share == pytest.approx(0.1, abs=0.005)
    assert 0 < told[0].low < told[0].share < told[0].high < 0.2


def test_a_week_without_comments_is_missing_and_not_zero():
    counts, sizes = [20] * 12, [200] * 12
    counts[5] = sizes[5] = 0
    assert forecast(line(counts, sizes)).expected[0].share == pytest.approx(0.1, abs=0.005)


def test_shares_near_zero_keep_their_bounds_above_it():
    told = forecast(line([0, 1, 0, 2, 0, 0, 1, 0, 0])).expected[-1]
    assert 0 < told.low < told.share < told.high < 1


def test_too_little_is_told_and_nothing_is_guessed():
    assert forecast(line([5] * 7)) == Forecast("speed", 0.95, (), "7 periods with comments, 8 are needed")
    assert forecast(line([0] * 20)) == Forecast("speed", 0.95, (), "never mentioned")


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"0, 0\.95"):
        forecast(line([5] * 9), ahead=0)


def test_without_statsmodels_the_exact_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.statespace.structural", None)
    with pytest.raises(MissingExtraError) as caught:
        forecast(line([5] * 9))
    assert caught.value.hint == 'pip install "vocnlp[analysis]"'
