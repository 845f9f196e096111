"""NPS, net sentiment, CSAT and CES by any dimension, each interval against another source."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.counts import folded
from vocnlp.errors import InputError
from vocnlp.figures import Nps
from vocnlp.scores import Ces, Csat, Net, Scored, ces, csat, net, nps

JAN, FEB = datetime(2025, 1, 31), datetime(2025, 2, 1)


def answered(name, cells, kind=None, **rows):
    table = tagged([row(**{key: values[at] for key, values in rows.items()}) for at in range(len(cells))])
    given = table.drop_columns([name]) if name in table.schema.names else table
    return given.append_column(name, pa.array(cells, kind))


# --- values ---------------------------------------------------------------------------------------------------------


def test_csat_is_the_share_of_the_satisfied_with_the_interval_of_wilson():
    found = Csat(81, 100)
    low, high = proportion_confint(81, 100, method="wilson")
    assert (found.share, found.low, found.high) == (0.81, pytest.approx(low), pytest.approx(high))
    assert (found.few, Csat(3, 3).few) == (False, True)


def test_ces_is_a_mean_with_the_interval_of_student():
    answers = {1: 2, 4: 5, 6: 20, 7: 13}
    theirs = DescrStatsW(np.repeat(list(answers), list(answers.values())))
    found = Ces(answers, 33)
    assert (found.n, found.mean, found.easy) == (40, pytest.approx(theirs.mean), 33 / 40)
    assert (found.low, found.high) == pytest.approx(theirs.tconfint_mean())


def test_net_sentiment_has_the_interval_of_an_nps():
    found = Net(50, 20, 30)
    assert (found.net, found.low, found.high) == (20.0, Nps(50, 20, 30).low, Nps(50, 20, 30).high)


def test_without_answers_nothing_is_known():
    for nothing in (Csat(), Ces(), Net()):
        middle = {"Csat": "share", "Ces": "mean", "Net": "net"}[type(nothing).__name__]
        assert (nothing.n, getattr(nothing, middle), nothing.low, nothing.high, nothing.few) == (
            0,
            None,
            None,
            None,
            True,
        )
    assert Ces().easy is None


def test_answers_that_are_all_the_same_have_a_mean_and_no_interval():
    assert (Ces({6.0: 9}, 9).mean, Ces({6.0: 9}, 9).low, Ces({6.0: 1}, 1).high) == (6.0, None, None)


# --- tables ---------------------------------------------------------------------------------------------------------


def test_nps_by_month_and_channel_with_what_is_blank_last():
    table = tagged(
        [
            row(at=FEB, channel="门店", score=9),
            row(at=JAN, channel="小程序", score=3),
            row(at=FEB, channel="小程序", score=11),
            row(at=None, channel="小程序", score=8),
            row(at=FEB, channel=None, score=10),
        ]
    )
    with folded(table, FRAME) as rows:
        assert nps(rows, ("month", "channel")) == (
            Scored(("2025-01", "小程序"), 1, 0, Nps(0, 0, 1)),
            Scored(("2025-02", "小程序"), 1, 1, Nps()),
            Scored(("2025-02", "门店"), 1, 0, Nps(1)),
            Scored(("2025-02", "(未填)"), 1, 0, Nps(1)),
            Scored(("(未填)", "小程序"), 1, 0, Nps(0, 1, 0)),
        )
        assert nps(rows) == (Scored((), 5, 1, Nps(2, 1, 1)),)


@pytest.mark.parametrize(
    ("period", "keys"),
    [
        ("day", ["2024-12-30", "2025-04-01"]),
        ("week", ["2025-W01", "2025-W14"]),  # 30 December 2024 is the Monday of the first ISO week of 2025
        ("month", ["2024-12", "2025-04"]),
        ("quarter", ["2024-Q4", "2025-Q2"]),
        ("year", ["2024", "2025"]),
    ],
)
def test_periods_have_names_that_sort_by_time(period, keys):
    with folded(tagged([row(at=datetime(2025, 4, 1)), row(at=datetime(2024, 12, 30, 23))]), FRAME) as rows:
        assert [scored.keys[0] for scored in net(rows, [period])] == keys


def test_stages_stand_in_the_order_of_the_journey():
    stages = ["售后", "种草", "直播间", None, "售后"]
    with folded(tagged([row(stage=stage) for stage in stages]), FRAME) as rows:
        assert [(scored.keys[0], scored.rows) for scored in net(rows, ["stage"])] == [
            ("learn", 1),
            ("after", 2),
            ("直播间", 1),
            ("(未知)", 1),
        ]


def test_scores_roll_up_along_the_tree_and_count_a_row_once():
    late, torn = tag("speed", "negative"), tag("packaging", "negative")
    table = answered("满意度", [2, 5, 1], voc_tags=[[late, torn], [late], []])
    with folded(table, FRAME, also=["满意度"]) as rows:
        assert csat(rows, "满意度", by=["code"]) == (
            Scored(("logistics",), 2, 0, Csat(1, 2)),
            Scored(("speed",), 2, 0, Csat(1, 2)),
            Scored(("packaging",), 1, 0, Csat(0, 1)),
        )


@pytest.mark.parametrize("cells", [["4", " 5 ", "2", "6", "很好", "", None], [4, 5, 2, 6, 0, None, None]])
def test_answers_off_the_scale_are_counted_and_left_out(cells):
    with folded(answered("csat", cells), FRAME, also=["csat"]) as rows:
        assert csat(rows, "csat") == (Scored((), 7, 2, Csat(2, 3)),)


def test_not_a_number_is_a_missing_answer():
    table = answered("effort", [7.0, float("nan"), 2.0], pa.float32(), segment=["新客", "新客", "老客"])
    with folded(table, FRAME, also=["effort"]) as rows:
        assert ces(rows, "effort", by=["segment"]) == (
            Scored(("新客",), 2, 0, Ces({7.0: 1}, 1)),
            Scored(("老客",), 1, 0, Ces({2.0: 1}, 0)),
        )


def test_a_column_without_one_answer_on_the_scale_is_refused():
    with folded(answered("csat", [80, 95]), FRAME, also=["csat"]) as rows:
        with pytest.raises(InputError, match=r"column 'csat': no answer between 1 and 5"):
            csat(rows, "csat")
        with pytest.raises(ValueError, match="6 does not cut"):
            csat(rows, "csat", satisfied=6)
        with pytest.raises(InputError, match="'ces': no such dimension"):
            ces(rows, "ces")


def test_an_empty_table_has_one_empty_figure():
    with folded(tagged([]), FRAME) as rows:
        assert nps(rows) == (Scored((), 0, 0, Nps()),)
        assert net(rows, ["channel"]) == ()
