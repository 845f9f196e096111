"""Stage by touchpoint: volume, sentiment, NPS and the top pains of each spot."""

from __future__ import annotations

import pyarrow as pa
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.counts import folded
from vocnlp.figures import Nps
from vocnlp.folding import UNKNOWN
from vocnlp.journey_map import Pain, Spot, journey_map

LATE, TORN, RUDE = tag("speed", "negative"), tag("packaging", "negative"), tag("courier", "negative")


def shop():
    return tagged(
        [
            row(stage="物流", channel="小程序", score=2, voc_sentiment="negative", voc_tags=[LATE, TORN]),
            row(stage="配送", channel="小程序", score=9, voc_sentiment="positive", voc_tags=[LATE]),
            row(stage="配送", channel="门店", voc_sentiment="negative", voc_tags=[RUDE]),
            row(channel="小程序", score=8, voc_tags=[LATE]),  # placed by its tag
            row(stage="下单", channel="小程序", score=1, voc_noise="empty", voc_sentiment=None),
            row(stage="直播间", voc_sentiment="positive"),
            row(channel="门店"),
        ]
    )


def test_each_spot_has_its_volume_sentiment_nps_and_pains():
    with folded(shop(), FRAME) as rows:
        found = journey_map(rows, pains=1)
    assert found.spots == (
        Spot("order", "小程序", 1, 0, 0, 0, Nps(detractors=1), ()),
        Spot("deliver", "小程序", 3, 1, 1, 1, Nps(1, 1, 1), (Pain("speed", "配送时效", 3),)),
        Spot("deliver", "门店", 1, 0, 0, 1, Nps(), (Pain("courier", "快递员态度", 1),)),
        Spot("直播间", "(未填)", 1, 1, 0, 0, Nps(), ()),
        Spot(UNKNOWN, "门店", 1, 0, 1, 0, Nps(), ()),
    )
    assert found.touchpoints == ("小程序", "门店", "(未填)")


def test_a_stage_nobody_wrote_of_is_there_and_has_no_spot():
    with folded(shop(), FRAME) as rows:
        found = journey_map(rows)
    assert list(found.stages) == ["learn", "order", "deliver", "use", "after", "直播间", UNKNOWN]
    assert (found.at("use", "门店"), found.at("deliver", "门店").net) == (None, -100.0)


def test_a_stage_the_journey_does_not_know_is_named():
    with folded(shop(), FRAME) as rows:
        assert journey_map(rows).unknown == ("直播间",)
    with folded(shop(), Codeframe.from_labels(["speed"])) as rows:  # a frame without journeys knows no stages at all
        assert journey_map(rows).unknown == ()


def test_a_spot_without_comments_has_no_net_sentiment_and_few_are_marked():
    with folded(shop(), FRAME) as rows:
        order = journey_map(rows).at("order", "小程序")
    assert (order.comments, order.net, order.few, order.nps.nps) == (0, None, True, -100.0)


def test_any_column_can_be_the_touchpoint():
    table = shop().append_column("触点", pa.array(["电话", "电话", "短信", None, "电话", "短信", "短信"]))
    with folded(table, FRAME, also=["触点"]) as rows:
        found = journey_map(rows, touchpoint="触点")
    assert found.touchpoints == ("电话", "短信", "(未填)")
    assert found.at("deliver", "电话").pains == (Pain("speed", "配送时效", 2), Pain("packaging", "包装破损", 1))
