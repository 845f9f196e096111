"""Codes and stages over time: periods without a gap, and what changed since a date."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from statsmodels.stats.multitest import multipletests
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.counts import folded
from vocnlp.errors import CodeframeError, InputError
from vocnlp.significance import rate_ratio
from vocnlp.trends import Line, Period, changes, trend

LATE, KIND, TORN = tag("speed", "negative"), tag("support", "positive"), tag("packaging", "negative")
MONDAY = date(2025, 3, 3)


def at(day: date, *tags, times=1, **cells):
    moment = datetime(day.year, day.month, day.day, 23, 59)
    return [row(at=moment, voc_tags=list(tags), **cells) for _ in range(times)]


def test_weeks_begin_on_monday_and_a_week_without_comments_has_no_share():
    rows = at(MONDAY + timedelta(6), LATE) + at(MONDAY, times=3) + at(MONDAY + timedelta(14), LATE, LATE)
    rows += [row(voc_tags=[LATE])]
    rows += at(MONDAY, LATE, voc_noise="mash", voc_sentiment=None)
    with folded(tagged(rows), FRAME) as found:
        weekly = trend(found)
    weeks = (Period(MONDAY, 4, 1), Period(date(2025, 3, 10), 0, 0), Period(date(2025, 3, 17), 1, 1))
    assert (weekly.lines, weekly.undated) == ((Line("speed", "配送时效", "week", weeks),), 1)
    assert [week.share for week in weeks] == [0.25, None, 1.0]


def test_months_and_days():
    rows = at(date(2024, 12, 31), LATE) + at(date(2025, 2, 1), times=2)
    with folded(tagged(rows), FRAME) as found:
        months = trend(found, every="month").lines[0].periods
        days = trend(found, every="day", start=date(2024, 12, 30), end=date(2025, 1, 1)).lines[0].periods
    assert months == (
        Period(date(2024, 12, 1), 1, 1),
        Period(date(2025, 1, 1), 0, 0),
        Period(date(2025, 2, 1), 2, 0),
    )
    assert days == (Period(date(2024, 12, 30), 0, 0), Period(date(2024, 12, 31), 1, 1), Period(date(2025, 1, 1), 0, 0))


def test_a_parent_and_the_praise_of_a_code_have_lines_of_their_own():
    rows = at(MONDAY, LATE, TORN) + at(MONDAY, KIND)
    with folded(tagged(rows), FRAME) as found:
        assert trend(found, keys=["logistics"]).lines[0].periods == (Period(MONDAY, 2, 1),)
        assert trend(found, side="positive", keys=["support"]).lines[0].count == 1
        assert trend(found, side="mention", keys=["speed", "refund"]).lines[1].count == 0


def test_a_stage_is_the_share_of_its_comments_with_that_sentiment():
    rows = at(MONDAY, stage="物流", voc_sentiment="negative") + at(MONDAY, stage="物流", voc_sentiment="positive")
    rows += at(MONDAY, stage="直播间", voc_sentiment="negative")
    with folded(tagged(rows), FRAME) as found:
        lines = trend(found, of="stage").lines
    assert [(line.key, line.name, line.periods[0].count, line.periods[0].share) for line in lines] == [
        ("deliver", "配送", 1, 0.5),
        ("直播间", "直播间", 1, 1.0),
    ]


def test_what_changed_since_a_date_is_compared_by_share_and_corrected():
    since = MONDAY + timedelta(7)
    before, later = since - timedelta(1), since
    rows = at(before, LATE, times=40) + at(before, TORN, times=15) + at(before, times=45)
    rows += at(later, LATE, times=30) + at(later, tag("refund", "negative"), times=16) + at(later, times=154)
    with folded(tagged(rows), FRAME) as found:
        told = changes(found, since)
    expected = {
        "speed": rate_ratio(40, 100, after=30, after_base=200),
        "packaging": rate_ratio(15, 100, after=0, after_base=200),
        "refund": rate_ratio(0, 100, after=16, after_base=200),
    }
    assert {change.key: change.ratio for change in told.changes} == expected
    assert expected["speed"].value == 0.15 / 0.4
    assert [change.key for change in told.changes] == sorted(expected, key=lambda key: expected[key].p)
    ps = [change.ratio.p for change in told.changes]
    assert [change.adjusted for change in told.changes] == pytest.approx(multipletests(ps, method="fdr_bh")[1])
    assert [change.key for change in told.new] == ["refund"]
    assert [change.key for change in told.vanished] == ["packaging"]
    assert (told.start, told.since, told.end) == (before, since, later)


@pytest.mark.parametrize(
    ("before", "without", "since", "vanished"),
    [(10, 20, 30, ["speed"]), (9, 21, 30, []), (10, 19, 30, []), (10, 20, 29, [])],
)
def test_what_is_too_little_to_compare_is_neither_new_nor_vanished(before, without, since, vanished):
    rows = at(MONDAY, LATE, times=before) + at(MONDAY, times=without)
    rows += at(MONDAY + timedelta(1), TORN, times=9) + at(MONDAY + timedelta(1), times=since - 9)
    with folded(tagged(rows), FRAME) as found:
        told = changes(found, MONDAY + timedelta(1))
    assert (told.new, [change.key for change in told.vanished]) == ((), vanished)
    assert [change.key for change in told.changes if not change.ratio.few] == vanished


def test_a_stage_that_nobody_spoke_of_before_is_new_and_has_nothing_to_be_compared_with():
    rows = at(MONDAY, stage="物流", times=30) + at(
        MONDAY + timedelta(1), stage="售后", voc_sentiment="negative", times=30
    )
    with folded(tagged(rows), FRAME) as found:
        told = changes(found, MONDAY + timedelta(1), of="stage")
    after = {change.key: change for change in told.changes}["after"]
    assert (after.ratio.value, after.ratio.p, after.adjusted) == (None, None, None)
    assert ([change.key for change in told.new], [change.key for change in told.vanished]) == (["after"], ["deliver"])


def test_a_stage_is_compared_by_the_share_of_its_own_comments_and_corrected():
    since = MONDAY + timedelta(7)
    rows = at(MONDAY, stage="物流", voc_sentiment="negative", times=20) + at(MONDAY, stage="物流", times=80)
    rows += at(since, stage="物流", voc_sentiment="negative", times=60) + at(since, stage="物流", times=40)
    rows += at(MONDAY, stage="售后", voc_sentiment="negative", times=25) + at(MONDAY, stage="售后", times=25)
    rows += at(since, stage="售后", voc_sentiment="negative", times=50) + at(since, stage="售后", times=50)
    with folded(tagged(rows), FRAME) as found:
        told = changes(found, since, of="stage")
    expected = {
        "deliver": rate_ratio(20, 100, after=60, after_base=100),
        "after": rate_ratio(25, 50, after=50, after_base=100),
    }
    assert {change.key: change.ratio for change in told.changes} == expected
    ps = [change.ratio.p for change in told.changes]
    assert [change.adjusted for change in told.changes] == pytest.approx(multipletests(ps, method="fdr_bh")[1])
    # 20 of 100 against 60 of 100: log ratio 1.0986, its error sqrt(1/20 - 1/100 + 1/60 - 1/100) = 0.21602, z = 5.0856.
    assert told.changes[0].ratio.p == pytest.approx(3.665e-07, rel=1e-3)
    assert (told.new, told.vanished) == ((), ())


@pytest.mark.parametrize("since", [MONDAY, MONDAY + timedelta(2)])
def test_a_date_with_nothing_on_one_side_is_refused(since):
    table = tagged(at(MONDAY) + at(MONDAY + timedelta(1)))
    with folded(table, FRAME) as found, pytest.raises(InputError) as caught:
        changes(found, since)
    assert caught.value.value == f"{since}"
    assert "comments from 2025-03-03 to 2025-03-04" in caught.value.hint


def test_without_dates_there_is_no_trend():
    undated = tagged([row(), row()])
    with folded(undated, FRAME) as found, pytest.raises(InputError, match="column 'at': no comment has a time"):
        trend(found)


def test_a_span_without_comments_is_refused():
    with folded(tagged(at(MONDAY)), FRAME) as found, pytest.raises(InputError, match=r"2026-01-01\.\.2026-02-01"):
        trend(found, start=date(2026, 1, 1), end=date(2026, 2, 1))


def test_a_stray_date_is_named_and_can_be_cut_off():
    with folded(tagged(at(date(1970, 1, 1)) + at(MONDAY, LATE)), FRAME) as found:
        with pytest.raises(InputError, match=r"more than 1200 periods \(value: '1970-01-01"):
            trend(found)
        assert trend(found, start=MONDAY).lines[0].periods == (Period(MONDAY, 1, 1),)


def test_unknown_codes_stages_and_periods_are_refused():
    with folded(tagged(at(MONDAY, LATE, stage="物流")), FRAME) as found:
        with pytest.raises(CodeframeError, match="'sped'"):
            trend(found, keys=["sped"])
        with pytest.raises(InputError, match=r"column 'stage': no comment stands in this stage \(value: '仓储'\)"):
            trend(found, of="stage", keys=["仓储"])
        with pytest.raises(ValueError, match="'hour'"):
            trend(found, every="hour")
        with pytest.raises(ValueError, match="of must be"):
            trend(found, of="stage", side="mention")


def test_a_stage_of_few_comments_is_neither_new_nor_vanished():
    rows = at(MONDAY, stage="物流", times=29) + at(MONDAY + timedelta(1), stage="售后", times=40)
    with folded(tagged(rows), FRAME) as found:
        told = changes(found, MONDAY + timedelta(1), of="stage")
    assert (told.new, told.vanished) == ((), ())
