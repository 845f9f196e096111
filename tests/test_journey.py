"""The journey figures, each checked against arithmetic that is written out beside it."""

from __future__ import annotations

import math
from datetime import datetime

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.errors import CodeframeError, InputError
from vocnlp.figures import Cell, Figures, Group, Impact, Nps, Totals
from vocnlp.folding import BLANK, UNKNOWN
from vocnlp.journey import figures, nps_by, nps_of

JAN, FEB = datetime(2025, 1, 31, 23, 59, 59), datetime(2025, 2, 1)
NONE = Nps()


def by_code(found: Figures) -> dict[str, object]:
    return {code.code: code for code in found.codes}


# --- NPS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (10, Nps(promoters=1)),
        (9, Nps(promoters=1)),
        (8.9, Nps(passives=1)),
        (8, Nps(passives=1)),
        (7, Nps(passives=1)),
        (6.5, Nps(passives=1)),
        (6, Nps(detractors=1)),
        (0, Nps(detractors=1)),
        (-1, NONE),
        (11, NONE),
        (math.nan, NONE),
        (None, NONE),
    ],
)
def test_a_score_falls_into_its_class(score, expected):
    assert nps_of(tagged([row(score=score)])) == expected


def test_scores_outside_the_scale_are_counted_and_left_out():
    table = tagged([row(score=score) for score in (9, 12, -3, math.nan, None)])
    found = figures(table, FRAME)
    assert (found.nps, found.totals.odd_scores) == (Nps(promoters=1), 2)


def test_a_score_without_a_comment_counts_as_an_answer():
    found = figures(tagged([row(score=2, voc_noise="empty", voc_sentiment=None), row(score=9)]), FRAME)
    assert (found.nps, found.totals.rows, found.totals.comments) == (Nps(promoters=1, detractors=1), 2, 1)


# --- groups ---------------------------------------------------------------------------------------------------------


def test_channels_stand_by_size_and_the_empty_ones_last():
    table = tagged(
        [
            row(channel="小程序", score=9, voc_sentiment="positive"),
            row(channel=" 小程序 ", score=3, voc_sentiment="negative"),
            row(channel="门店", voc_sentiment="negative"),
            row(channel=None, score=10),
            row(channel="  ", score=7),
            row(channel="", score=0, voc_noise="empty", voc_sentiment=None),
        ]
    )
    assert nps_by(table, "channel") == (
        Group("小程序", "小程序", 2, 2, 1, 0, 1, 0, Nps(1, 0, 1)),
        Group("门店", "门店", 1, 1, 0, 0, 1, 0, NONE),
        Group(BLANK, BLANK, 3, 2, 0, 2, 0, 0, Nps(1, 1, 1)),
    )


def test_months_stand_in_order_of_time():
    table = tagged([row(at=FEB, score=9), row(at=JAN, score=1), row(at=None, score=8), row(at=JAN, score=9)])
    months = [(group.key, group.nps) for group in nps_by(table, "month")]
    assert months == [("2025-01", Nps(1, 0, 1)), ("2025-02", Nps(1)), (BLANK, Nps(0, 1))]


def test_an_unknown_grouping_is_refused():
    with pytest.raises(ValueError, match="'text'"):
        nps_by(tagged([]), "text")


# --- stages ---------------------------------------------------------------------------------------------------------


def test_a_row_stands_in_its_own_stage_or_in_those_of_its_tags():
    late, torn, dear = tag("speed", "negative"), tag("packaging", "negative"), tag("price", "negative")
    table = tagged(
        [
            row(stage="物流", score=9),  # a synonym of 配送
            row(stage="直播间", score=1),  # a stage the journey does not know
            row(stage=None, score=2, voc_tags=[late, torn, dear]),  # two codes of 配送, one of 下单
            row(stage="", score=8),  # no tag to go by
            row(stage="下单", score=10, voc_tags=[late]),  # its own word wins over the tag
            row(stage=None, score=3, voc_tags=[tag("怪码", "negative")]),  # a code without a stage
        ]
    )
    found = figures(table, FRAME)
    assert [(g.key, g.name, g.rows, g.inferred, g.nps) for g in found.stages] == [
        ("order", "下单", 2, 1, Nps(1, 0, 1)),
        ("deliver", "配送", 2, 1, Nps(1, 0, 1)),
        ("直播间", "直播间", 1, 0, Nps(0, 0, 1)),
        (UNKNOWN, UNKNOWN, 2, 0, Nps(0, 1, 1)),
    ]
    assert (found.totals.staged, found.totals.inferred) == (3, 1)


def test_a_frame_without_journeys_takes_stages_as_they_are_named():
    flat = Codeframe.from_labels(["慢", "贵"])
    table = tagged([row(stage="到店"), row(voc_tags=[tag("慢", "negative")])])
    assert [(g.key, g.rows) for g in figures(table, flat).stages] == [("到店", 1), (UNKNOWN, 1)]


def test_an_unknown_journey_is_an_error_of_the_codeframe():
    with pytest.raises(CodeframeError, match="catering"):
        figures(tagged([row()]), FRAME, "catering")


# --- codes ----------------------------------------------------------------------------------------------------------


def twelve() -> pa.Table:
    """Ten comments read, eight of them scored: 4 promoters, 1 passive, 3 detractors; and two empty rows, one scored 0.

    All answers: 4 promoters, 1 passive, 4 detractors of 9, NPS 0.
    """
    late, quick = tag("speed", "negative"), tag("speed", "positive")
    torn, whole = tag("packaging", "negative"), tag("packaging", "neutral")
    return tagged(
        [
            row(score=0, voc_sentiment="negative", voc_tags=[late, torn], at=JAN, stage="物流"),
            row(score=3, voc_sentiment="negative", voc_tags=[late, late], at=JAN, stage="物流"),
            row(score=9, voc_sentiment="negative", voc_tags=[late, quick], at=FEB, stage="物流"),
            row(score=None, voc_sentiment="negative", voc_tags=[late], at=FEB, stage="售后"),
            row(score=10, voc_sentiment="positive", voc_tags=[quick, whole], at=FEB, stage="售后"),
            row(score=9, voc_sentiment="positive", voc_tags=[tag("怪码", "positive")], at=FEB),
            row(score=8, voc_tags=[], at=FEB),
            row(score=10, voc_sentiment="positive", at=FEB),
            row(score=5, voc_tags=[tag("logistics", "negative")], at=FEB),
            row(score=None, voc_tags=[], at=FEB),
            row(score=0, voc_noise="empty", voc_sentiment=None, voc_tags=None),
            row(score=None, voc_noise="mash", voc_sentiment=None, voc_tags=[late]),
        ]
    )


def test_a_code_counts_each_comment_once_in_every_polarity_it_has():
    speed = by_code(figures(twelve(), FRAME))["speed"]
    assert (speed.mentions, speed.share) == (5, 0.5)  # of ten comments; the noise row with the tag is not read
    assert (speed.positive, speed.neutral, speed.negative) == (2, 0, 4)  # one comment says both
    assert speed.net == pytest.approx(100 * (2 - 4) / 5)


def test_impact_is_what_the_total_would_lose_or_win_without_the_comments_that_carry_the_code():
    found = figures(twelve(), FRAME)
    assert (found.nps, found.nps.nps) == (Nps(4, 1, 4), 0.0)
    speed = by_code(found)["speed"]
    # Scored with the code: 0, 3, 9, 10. Without: 9, 8, 10, 5, 0, that is 2 promoters, 1 passive, 2 detractors: NPS 0.
    assert speed.every == Impact(Nps(2, 0, 2), Nps(2, 1, 2))
    assert speed.every.points == 0.0
    # Scored with the code meant negatively: 0, 3, 9. Without: 10, 9, 8, 10, 5, 0: 3 promoters, 2 detractors of 6.
    assert speed.pain == Impact(Nps(1, 0, 2), Nps(3, 1, 2))
    assert speed.pain.points == pytest.approx(0 - 100 / 6)  # below zero: the code costs NPS
    assert speed.pain.points == pytest.approx(3 / 9 * (-100 / 3 - 100 / 6))  # share of answers times the gap
    assert speed.pain.small


def test_a_parent_counts_a_comment_once_however_many_of_its_codes_it_carries():
    found = by_code(figures(twelve(), FRAME))
    parent = found["logistics"]
    assert (parent.mentions, parent.positive, parent.neutral, parent.negative) == (6, 2, 1, 5)
    assert parent.pain.carrying == Nps(1, 0, 3)  # 0, 3, 9 below it and the 5 that carries it itself
    assert (parent.depth, parent.parent, parent.leaf) == (0, None, False)
    assert (found["speed"].depth, found["speed"].parent, found["speed"].leaf) == (1, "logistics", True)
    assert found["packaging"].mentions == 2


def test_a_code_that_the_frame_does_not_know_is_kept_under_its_id():
    odd = by_code(figures(twelve(), FRAME))["怪码"]
    assert (odd.name, odd.known, odd.parent, odd.depth, odd.leaf, odd.mentions) == ("怪码", False, None, 0, True, 1)


def test_codes_stand_by_what_their_negative_comments_cost():
    found = figures(twelve(), FRAME)
    assert [code.code for code in found.codes] == ["logistics", "speed", "packaging", "怪码"]
    # logistics: without 0, 3, 9, 5 there remain 10, 9, 8, 10, 0: NPS 40. packaging: without the 0, 4 and 3 of 8: 12.5.
    points = [code.pain.points for code in found.codes]
    assert points == [pytest.approx(-40), pytest.approx(-100 / 6), pytest.approx(-12.5), None]


def test_a_heat_cell_is_the_share_of_the_stages_comments():
    cells = {(cell.group, cell.code): cell for cell in figures(twelve(), FRAME).heat}
    assert cells["deliver", "speed"] == Cell("deliver", "speed", 3, 3, 3 / 4, Nps(1, 0, 2))  # the 5 stands there too
    assert cells["after", "speed"] == Cell("after", "speed", 2, 1, 0.5, NONE)
    assert cells["deliver", "logistics"] == Cell("deliver", "logistics", 4, 4, 1.0, Nps(1, 0, 3))


def test_the_trend_follows_the_finest_codes_with_the_most_negative_comments():
    trend = figures(twelve(), FRAME, trend_codes=1).trend
    assert trend == (
        Cell("2025-01", "speed", 2, 2, 1.0, Nps(0, 0, 2)),
        Cell("2025-02", "speed", 3, 2, 2 / 8, Nps(1, 0, 0)),
    )


def test_the_totals_of_a_table():
    totals = figures(twelve(), FRAME).totals
    assert totals == Totals(
        rows=12,
        comments=10,
        noise={"empty": 1, "mash": 1},
        positive=3,
        neutral=3,
        negative=4,
        tagged=7,
        tags=11,
        odd_scores=0,
        staged=5,
        inferred=1,
    )
    assert (totals.share(totals.tagged), totals.mean_tags) == (0.7, 1.1)


# --- thin tables ----------------------------------------------------------------------------------------------------


def test_an_empty_table_has_no_figures():
    found = figures(tagged([]), FRAME)
    assert found == Figures(Totals(0, 0, {}, 0, 0, 0, 0, 0, 0, 0, 0), NONE, (), (), (), (), (), (), ())
    assert (found.totals.share(0), found.totals.mean_tags) == (None, None)


def test_one_row_alone():
    found = figures(tagged([row(score=2, voc_sentiment="negative", voc_tags=[tag("price", "negative")])]), FRAME)
    assert found.nps == Nps(0, 0, 1)
    assert [code.code for code in found.codes] == ["money", "price"]
    assert all(code.pain.points is None for code in found.codes)  # nobody is left to compare with
    assert found.stages == (Group("order", "下单", 1, 1, 0, 0, 1, 1, Nps(0, 0, 1)),)


def test_noise_alone_has_rows_and_no_shares():
    found = figures(tagged([row(voc_noise="empty", voc_sentiment=None, voc_tags=None) for _ in range(3)]), FRAME)
    assert (found.totals.rows, found.totals.comments, found.totals.noise) == (3, 0, {"empty": 3})
    assert (found.codes, found.heat, found.totals.share(0)) == ((), (), None)
    assert found.stages[0].share(0) is None


def test_a_table_without_scores_has_codes_and_no_nps():
    table = twelve()
    without = table.drop_columns(["score"])
    nulls = table.set_column(table.schema.get_field_index("score"), "score", pa.nulls(12))
    for found in (figures(without, FRAME), figures(nulls, FRAME)):
        assert (found.nps, found.totals.odd_scores) == (NONE, 0)
        assert [(code.code, code.negative, code.pain.points) for code in found.codes] == [
            ("logistics", 5, None),
            ("speed", 4, None),
            ("packaging", 1, None),
            ("怪码", 0, None),
        ]


def test_text_and_customer_columns_are_not_needed():
    table = twelve()
    assert figures(table.select(["score", "voc_sentiment", "voc_tags", "voc_noise", "stage", "at"]), FRAME) == figures(
        table, FRAME
    )


def test_a_dataset_on_disk_gives_the_figures_of_the_table(tmp_path):
    pq.write_table(twelve(), tmp_path / "part.parquet", row_group_size=5)
    assert figures(ds.dataset(tmp_path), FRAME) == figures(twelve(), FRAME)


def test_a_table_that_was_not_scored_is_refused():
    with pytest.raises(InputError) as caught:
        figures(pa.table({"text": ["还行"]}), FRAME)
    assert (caught.value.column, caught.value.hint) == ("voc_sentiment", "score the comments first: vocnlp score")


def test_a_stage_that_no_journey_knows_is_one_however_its_characters_are_written():
    given = tagged([row(stage=name, score=9) for name in ("門店", "门店", " 门 店", "柜台")])
    assert [(stage.name, stage.rows) for stage in figures(given, FRAME).stages if stage.rows] == [
        ("门店", 3),
        ("柜台", 1),
    ]
