"""Threshold and spike rules, against arithmetic that is written out beside it, scipy's own test and statsmodels."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alert_rules_file import rules_of
from scipy import stats
from statsmodels.stats.rates import test_poisson_2indep as compare_rates
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.alert_figures import Quiet, surge
from vocnlp.alert_words import alert_id
from vocnlp.alerts import Decided, decide

NOW = datetime(2025, 3, 10, 4, tzinfo=UTC)  # noon of a Monday in Shanghai
TODAY = datetime(2025, 3, 10, 9)
LATE = tag("speed", "negative", 0, "等了九天才送到")
QUICK = tag("speed", "positive")


def judged(folder: Path, rows: list[dict[str, Any]], **rule: Any) -> Decided:
    rules = rules_of(folder, {"id": "f", "kind": "threshold", "days": 7, "at_least": 1, **rule}, owner="客服部")
    return decide(tagged(rows), rules, FRAME, now=NOW)


def ago(days: float) -> datetime:
    return TODAY - timedelta(days=days)


def test_nps_of_the_last_days_below_a_limit_is_an_alert(tmp_path):
    scores = [(0, 2), (1, 3), (6, 9), (6, 8), (6.4, 10), (7, 9), (-1, 10), (3, 11), (3, None)]
    rows = [row(number, at=ago(days), score=score) for number, (days, score) in enumerate(scores)]
    # Of 4 to 10 March: 2, 3, 9, 8, and 10 at 23:24 of the 3rd is before them: 1 promoter, 1 passive, 2 detractors.
    (alert,) = judged(tmp_path, rows, figure="nps", below=-20).alerts
    assert alert.figures == {"value": -25.0, "limit": -20.0, "base": 4.0}
    assert alert.text == "最近 7 天NPS为 -25.0，低于 -20.0（依据 4 个评分）。"
    assert (alert.first, alert.at, alert.owner) == ("2025-03-04", "2025-03-10", "客服部")
    assert alert.id == alert_id("f", "window", "", "", "2025-03-04", "2025-03-10")
    assert judged(tmp_path, rows, figure="nps", below=-25).alerts == ()
    assert judged(tmp_path, rows, figure="nps", below=-20, at_least=5) == Decided(
        (), (Quiet("f", "only 4 to go by, 5 are needed"),)
    )


def test_the_share_of_a_code_counts_comments_of_all_its_codes_below(tmp_path):
    rows = [
        row(n, at=ago(n % 5), voc_tags=[LATE] if n < 2 else [tag("packaging", "negative")] if n == 2 else [])
        for n in range(10)
    ]
    (alert,) = judged(tmp_path, rows, figure="share", code="logistics", above=0.25).alerts
    assert alert.figures == {"value": 0.3, "limit": 0.25, "base": 10.0}
    assert (alert.title, alert.quotes) == ("【严重】试验 · 物流", ("等了九天才送到",))
    assert judged(tmp_path, rows, figure="share", code="logistics", above=0.3).alerts == ()


def test_counts_and_net_sentiment_stand_in_a_stage_a_channel_and_a_segment(tmp_path):
    said = [
        (LATE, "物流", "门店"),
        (LATE, "物流", "门店"),
        (QUICK, "物流", "门店"),
        (LATE, "售后", "门店"),
        (LATE, "物流", "小程序"),
    ]
    rows = [row(n, at=ago(1), voc_tags=[t], stage=s, channel=c) for n, (t, s, c) in enumerate(said)]
    place = {"stage": "配送", "channels": ["门店"]}
    (count,) = judged(tmp_path, rows, figure="count", code="speed", above=1, **place).alerts
    (net,) = judged(tmp_path, rows, figure="net_sentiment", code="speed", below=0, **place).alerts
    assert count.figures == {"value": 2.0, "limit": 1.0, "base": 3.0}
    assert net.figures == {"value": pytest.approx(-100 / 3), "limit": 0.0, "base": 3.0}
    assert net.text == "最近 7 天配送“配送时效”净情感为 -33.3，低于 +0.0（依据 3 条评论）。"


def test_net_sentiment_over_all(tmp_path):
    moods = ["negative", "negative", "positive", "neutral"]
    rows = [row(n, at=ago(1), voc_sentiment=mood) for n, mood in enumerate(moods)]
    (alert,) = judged(tmp_path, rows, figure="net_sentiment", below=-20).alerts
    assert alert.figures == {"value": -25.0, "limit": -20.0, "base": 4.0}


def test_nothing_at_all_is_no_all_clear(tmp_path):
    for rows in ([], [row(1, score=1)]):  # a row without a time stands in no window
        assert judged(tmp_path, rows, figure="nps", below=0).quiet == (Quiet("f", "only 0 to go by, 1 are needed"),)


# --- spikes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "base", "past", "past_base"), [(6, 40, 9, 700), (1, 10, 0, 90), (30, 100, 80, 1000)])
def test_the_chance_of_a_surge_is_the_upper_binomial_tail(count, base, past, past_base):
    share = base / (base + past_base)
    total = count + past
    by_hand = sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(count, total + 1))
    mine = surge(count, base, past=past, past_base=past_base)
    assert mine == pytest.approx(by_hand)
    assert mine == pytest.approx(stats.binomtest(count, total, share, alternative="greater").pvalue)
    theirs = compare_rates(count, base, past, past_base, method="exact-cond", alternative="larger")
    assert mine == pytest.approx(theirs.pvalue)


def surging(now: int, comments: int, *, past: int = 10, past_comments: int = 200) -> list[dict[str, Any]]:
    """Comments of today, ``now`` of them late parcels; and of twenty days before."""
    today = [row(n, at=TODAY, voc_tags=[LATE] if n < now else []) for n in range(comments)]
    before = [row(9000 + n, at=ago(1 + n % 20), voc_tags=[LATE] if n < past else []) for n in range(past_comments)]
    return today + before


def spiking(folder: Path, rows: list[dict[str, Any]], **rule: Any) -> Decided:
    rules = rules_of(folder, {"id": "s", "kind": "spike", "every": "day", **rule})
    return decide(tagged(rows), rules, FRAME, now=NOW)


def test_a_code_that_surges_is_an_alert_with_its_figures(tmp_path):
    (alert,) = spiking(tmp_path, surging(9, 20)).alerts
    # 9 of 20 today, 10 of 200 before: P(X >= 9), X ~ Bin(19, 20/220); one code was looked at.
    tail = sum(math.comb(19, k) * (1 / 11) ** k * (10 / 11) ** (19 - k) for k in range(9, 20))
    assert alert.figures == {"count": 9.0, "base": 20.0, "past": 10.0, "past_base": 200.0, "p": pytest.approx(tail)}
    assert alert.text == "最近 1 天“配送时效”负面 9 条，占 20 条评论的 45.0%；此前 20 天 10 条，占 200 条的 5.0%。"
    assert (alert.code, alert.owner, alert.first, alert.at) == ("speed", "物流部", "2025-03-10", "2025-03-10")


def test_more_comments_in_all_are_no_surge_of_shares_but_one_in_time(tmp_path):
    rows = surging(10, 200)  # 5 % as before, and twenty times as many a day
    assert spiking(tmp_path, rows).alerts == ()
    (alert,) = spiking(tmp_path, rows, against="time").alerts
    assert alert.figures["p"] == pytest.approx(stats.binom.sf(9, 20, 1 / 21))
    assert alert.text == "最近 1 天“配送时效”负面 10 条；此前 20 天 10 条，日均 0.5 条。"


def test_a_surge_needs_a_count_a_factor_and_a_small_chance(tmp_path):
    rows = surging(9, 20)
    assert spiking(tmp_path, rows, at_least=10).alerts == ()
    assert spiking(tmp_path, rows, times=9.1).alerts == ()
    assert spiking(tmp_path, rows, alpha=1e-6).alerts == ()
    assert spiking(tmp_path, rows, codes=["quality"]).alerts == ()
    assert [alert.code for alert in spiking(tmp_path, rows, codes=["logistics", "quality"]).alerts] == ["logistics"]


def test_without_a_past_nothing_is_judged(tmp_path):
    told = "20 comments now and 29 in the past, 30 of the past are needed"
    assert spiking(tmp_path, surging(9, 20, past=2, past_comments=29)) == Decided((), (Quiet("s", told),))


def test_chances_are_corrected_for_the_number_of_codes(tmp_path):
    rows = surging(9, 20)
    rows[-1]["voc_tags"] = [tag("look", "negative")]
    (alert,) = spiking(tmp_path, rows).alerts
    assert alert.figures["p"] == pytest.approx(2 * surge(9, 20, past=10, past_base=200))  # Holm: the smallest of two
