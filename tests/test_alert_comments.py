"""Comment rules: which rows give an alert, whose it is, what it says, and that its id is always the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from alert_rules_file import rules_of
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.alert_comments import plain_all
from vocnlp.alert_words import Alert, alert_id
from vocnlp.alerts import decide
from vocnlp.errors import InputError

NOW = datetime(2025, 3, 1, 4, tzinfo=UTC)  # noon in Shanghai
BROKEN = tag("quality", "negative", 0, "用了三天拉链就崩开")


def found(folder: Path, rows: list[dict[str, Any]], when: dict[str, Any], **rule: Any) -> tuple[Alert, ...]:
    rules = rules_of(folder, {"id": "r", "kind": "comment", "when": when, **rule})
    return decide(tagged(rows), rules, FRAME, now=NOW).alerts


def ids(alerts: tuple[Alert, ...]) -> list[str]:
    return [alert.row for alert in alerts]


def test_an_alert_says_everything_and_nothing_personal(tmp_path):
    text = "用了三天拉链就崩开,打13812345678找我"
    rows = [
        row(1, text=text, score=2, stage="使用", channel=" 门店 ", segment="会员", customer="u7",
            at=datetime(2025, 2, 28, 9, 30), voc_sentiment="negative", voc_tags=[BROKEN]),
    ]  # fmt: skip
    (alert,) = found(tmp_path, rows, {"codes": ["product"], "detractor": True}, title="质量投诉")
    assert alert == Alert(
        id=alert_id("r", "row", "c1"),
        rule="r",
        kind="comment",
        severity="high",
        title="【严重】质量投诉 · 做工质量 · 使用",
        text="用了三天拉链就崩开,打电**********找我",
        owner="品质部",
        code="quality",
        code_name="做工质量",
        stage="use",
        stage_name="使用",
        channel="门店",
        segment="会员",
        row="c1",
        customer="u7",
        score=2.0,
        quotes=("用了三天拉链就崩开",),
        at="2025-02-28 09:30:00",
    )
    assert "u7" not in str(alert.payload())
    assert Alert.from_payload({**alert.payload(), "customer": "u7"}) == alert


@pytest.mark.parametrize(
    ("score", "gives"),
    [(6, True), (6.5, False), (0, True), (-1, False), (11, False), (None, False), (float("nan"), False)],
)
def test_only_an_answer_within_the_scale_is_a_detractor(tmp_path, score, gives):
    assert bool(found(tmp_path, [row(1, score=score)], {"detractor": True})) is gives


def test_polarity_confidence_and_noise_decide_over_a_tag(tmp_path):
    rows = [
        row(1, voc_tags=[tag("quality", "positive")]),
        row(2, voc_tags=[{**tag("quality", "negative"), "confidence": 0.5}]),
        row(3, voc_tags=[tag("speed", "negative")]),
        row(4, voc_tags=[tag("look", "negative")], voc_noise="spam"),
        row(5, voc_tags=[tag("look", "negative")]),
        row(6, voc_tags=None),
    ]
    assert ids(found(tmp_path, rows, {"codes": ["product"]})) == ["c2", "c5"]
    assert ids(found(tmp_path, rows, {"codes": ["product"], "confidence": 0.6})) == ["c5"]
    assert ids(found(tmp_path, rows, {"codes": ["product"], "polarities": ["positive"]})) == ["c1"]


def test_a_row_without_a_stage_stands_where_its_code_happens(tmp_path):
    late = tag("speed", "negative")
    rows = [
        row(1, stage="物流", voc_tags=[BROKEN]),
        row(2, stage=None, voc_tags=[BROKEN, late]),
        row(3, stage=" ", voc_tags=[BROKEN]),
        row(4, stage="直播间", voc_tags=[late]),
    ]
    alerts = found(tmp_path, rows, {"codes": ["quality", "speed"], "stages": ["配送"]})
    assert [(alert.row, alert.code, alert.stage) for alert in alerts] == [
        ("c1", "quality", "deliver"),
        ("c2", "speed", "deliver"),
    ]


def test_channels_segments_and_sentiments_are_conditions_too(tmp_path):
    rows = [
        row(1, channel="门店 ", segment="会员", voc_sentiment="negative"),
        row(2, channel="小程序", segment="会员", voc_sentiment="negative"),
        row(3, channel="门店", segment="新客", voc_sentiment="negative"),
        row(4, channel="门店", segment="会员", voc_sentiment="positive"),
    ]
    when = {"channels": ["门店"], "segments": ["会员"], "sentiments": ["negative"]}
    assert ids(found(tmp_path, rows, when)) == ["c1"]


def test_what_is_older_than_fresh_is_left_alone_and_what_has_no_time_is_not(tmp_path):
    rows = [
        row(1, score=1, at=datetime(2025, 2, 26, 11, 59)),
        row(2, score=1, at=datetime(2025, 2, 26, 12)),
        row(3, score=1),
    ]
    assert ids(found(tmp_path, rows, {"detractor": True}, fresh_days=3)) == ["c2", "c3"]


THREATS = [
    "再不退钱我就打12315",
    "已经跟消费者協會反映了",
    "等着收律师函吧",
    "准备找媒體曝光你们",
    "三一五见",
    "我会去市场监管局举报这家店",
    "明天就去法院起诉",
    "发抖音让大家都看看你们的嘴脸",
    "１２３１５已经打过了",
    "上次的工商银行卡被多扣钱,我要去工商投诉",
]
HARMLESS = [
    "用工商银行的卡付款立减三十",
    "夜景拍出来有点过度曝光",
    "订单尾号8123150还没到",
    "流媒体播放很流畅",
    "这款报警器声音够大",
    "胎压报警挺准的",
    "店就在法院旁边,很好找",
    "媒体宣传的功能都有",
    "送货的师傅很客气",
    "价格3150元,比别家便宜",
]


def test_threats_are_found_and_banks_cameras_and_numbers_are_not(tmp_path):
    rows = [row(number, text=text, voc_sentiment="negative") for number, text in enumerate(THREATS + HARMLESS)]
    alerts = found(tmp_path, rows, {"word_list": "threat"})
    assert [alert.text for alert in alerts] == THREATS


def test_the_quote_of_a_word_is_its_clause_masked(tmp_path):
    rows = [row(1, text="东西坏了。我要打12315,我的电话13812345678。等回复")]
    (alert,) = found(tmp_path, rows, {"words": ["12315"]})
    assert (alert.quotes, alert.code, alert.owner) == (("我要打12315",), "", "")


def test_words_of_ones_own_join_a_list_and_exceptions_are_struck_out(tmp_path):
    rows = [row(1, text="我要告诉集团总部"), row(2, text="集团总部楼下那家店"), row(3, text="打12315")]
    when = {"word_list": "threat", "words": ["集团总部"], "except": ["集团总部楼下"]}
    assert ids(found(tmp_path, rows, when)) == ["c1", "c3"]


def test_texts_stay_one_line_each_whatever_they_hold():
    assert plain_all(["A\u2028退貨\r\n費", "", "１２３１５"]) == ["a 退货 费", "", "12315"]


def test_ids_are_the_same_on_every_reading_and_in_every_batch(tmp_path):
    rows = [row(number, score=1) for number in range(3)] + [{**row(score=1), "id": None, "text": "差"}] * 2
    whole = found(tmp_path, rows, {"detractor": True})
    assert len({alert.id for alert in whole}) == 5  # two equal rows without an id are two
    assert [alert.id for alert in found(tmp_path, rows, {"detractor": True})] == [alert.id for alert in whole]


def test_batches_tables_and_datasets_are_read_alike(tmp_path):
    rules = rules_of(tmp_path, {"id": "r", "kind": "comment", "when": {"detractor": True}})
    table = tagged([row(number, score=number) for number in range(11)])
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    given = [table, table.to_batches()[0], ds.dataset(tmp_path / "t.parquet"), pa.concat_tables([table[:3], table[3:]])]
    read = [decide(one, rules, FRAME, now=NOW).alerts for one in given]
    assert ids(read[0]) == [f"c{n}" for n in range(7)]
    assert all(one == read[0] for one in read)


def test_tags_belong_to_their_rows_in_slices_and_beyond_one_batch(tmp_path):
    rules = rules_of(tmp_path, {"id": "r", "kind": "comment", "when": {"codes": ["quality"]}})
    rows = [
        row(number, voc_tags=[BROKEN] if number in (3, 8191, 8192, 9000) else [tag("speed", "negative")])
        for number in range(9001)
    ]
    assert ids(decide(tagged(rows), rules, FRAME, now=NOW).alerts) == ["c3", "c8191", "c8192", "c9000"]
    assert ids(decide(tagged(rows)[8190:], rules, FRAME, now=NOW).alerts) == ["c8191", "c8192", "c9000"]


def test_rows_that_were_never_tagged_are_refused(tmp_path):
    rules = rules_of(tmp_path, {"id": "r", "kind": "comment", "when": {"detractor": True}})
    with pytest.raises(InputError, match="voc_tags"):
        decide(pa.table({"text": ["差"]}), rules, FRAME, now=NOW)
