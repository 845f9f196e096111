"""What the report asks of a table: everything of one fold, every figure with comments behind it, every gap in words."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp import counts
from vocnlp.errors import InputError
from vocnlp.report_analysis import analyse, pains
from vocnlp.report_payload import figures_payload
from vocnlp.report_sections import sections
from vocnlp.report_verbatims import verbatims

LATE, KIND = [tag("speed", "negative", 0, "慢")], [tag("support", "positive")]


def payload(table, **more):
    found = analyse(table, FRAME, **more)
    order = {"learn", "order", "deliver", "use", "after"}
    return {**figures_payload(found.figures, FRAME, order), **sections(found), "voices": verbatims(table, found.sample)}


def days(count: int, first: date, **cells) -> list[dict]:
    start = datetime(first.year, first.month, first.day, 8)
    return [row(at=start + timedelta(days=n), **cells) for n in range(count)]


def test_the_table_is_folded_once(monkeypatch):
    times = []
    real = counts.folding
    monkeypatch.setattr(counts, "folding", lambda *args, **more: (times.append(1), real(*args, **more))[1])
    analyse(shop(60), FRAME, since=date(2025, 6, 1))
    assert times == [1]


def test_every_cell_and_point_has_a_comment_behind_it():
    data = payload(shop(600), since=date(2025, 6, 1))
    said = data["voices"]
    negative = {(code, key) for v in said for code in v["neg"] for key in (*v["stages"], v["channel"], v["segment"])}
    heat = [
        (data["heat"]["codes"][code], data["stages"][stage]["key"]) for stage, code, n, *_ in data["heat"]["cells"] if n
    ]
    assert len(heat) > 40
    assert set(heat) - negative == set()
    for by in ("channel", "segment"):
        table = data["cross"][by]
        cells = {
            (table["codes"][c["at"][1]], table["groups"][c["at"][0]]["key"]) for c in table["cells"] if c["observed"]
        }
        assert cells - negative == set()
    spots = {
        (data["map"]["stages"][s["at"][0]]["key"], data["map"]["points"][s["at"][1]])
        for s in data["map"]["spots"]
        if s["comments"]
    }
    assert spots - {(stage, v["channel"]) for v in said for stage in v["stages"]} == set()
    moves = data["moves"]
    for line in moves["lines"]:
        dates = [v["date"] for v in said if line["id"] in v["neg"]]
        bounds = zip(moves["starts"], moves["ends"], line["counts"], strict=True)
        assert [start for start, end, n in bounds if n and not any(start <= day < end for day in dates)] == []
    for line in moves["stages"]:
        dates = [v["date"] for v in said if line["id"] in v["stages"] and v["mood"] == "negative"]
        bounds = zip(moves["starts"], moves["ends"], line["counts"], strict=True)
        assert [start for start, end, n in bounds if n and not any(start <= day < end for day in dates)] == []
        assert min(dates) < moves["split"] <= max(dates)


def test_equal_texts_are_shown_once_a_cell_and_blank_ones_never():
    rows = [row(text="送货太慢了真受不了", stage="物流", voc_tags=LATE) for _ in range(40)]
    rows += [row(text="  ", stage="物流", voc_tags=LATE), row(text=None, stage="物流", voc_tags=LATE)]
    texts = [v["parts"][0][0] + v["parts"][1][0] for v in payload(tagged(rows))["voices"]]
    assert set(texts) == {"送货太慢了真受不了"}
    assert len(texts) <= 9  # one a cell, not eight


def test_the_same_rows_are_chosen_on_every_run():
    assert payload(shop(300))["voices"] == payload(shop(300))["voices"]


def test_a_change_since_a_date_is_told_with_its_shares():
    # Before: 40 of 80 days late; since: 5 of 40.
    rows = days(40, date(2025, 1, 1), voc_tags=LATE) + days(40, date(2025, 1, 1))
    rows += days(5, date(2025, 2, 10), voc_tags=LATE) + days(35, date(2025, 2, 10))
    moves = payload(tagged(rows), since=date(2025, 2, 10))["moves"]
    (change,) = moves["changes"]
    assert (change["before"], change["after"]) == (40, 5)
    assert (change["beforeShare"], change["afterShare"], change["ratio"]) == (0.5, 0.125, 0.25)
    assert (change["sure"], change["new"], change["vanished"]) == (True, False, False)
    (effect,) = moves["effects"]
    assert (effect["before"], effect["after"], effect["ratio"]) == (0.5, 0.125, 0.25)
    assert (effect["level"], effect["whyNot"]) == (None, "之前只有 6 期，至少要 8 期")


def test_the_negative_share_of_a_stage_is_told_by_period_and_before_and_since():
    # Deliveries, before: 40 of 80 negative; since: 5 of 40. Where no stage is known, there is no line.
    bad = {"stage": "物流", "voc_sentiment": "negative", "voc_tags": LATE}
    rows = days(40, date(2025, 1, 1), **bad) + days(40, date(2025, 1, 1), stage="物流")
    rows += days(5, date(2025, 2, 10), **bad) + days(35, date(2025, 2, 10), stage="物流") + days(3, date(2025, 1, 1))
    moves = payload(tagged(rows), since=date(2025, 2, 10))["moves"]
    (line,) = moves["stages"]
    assert (line["id"], line["name"], sum(line["counts"]), sum(line["comments"])) == ("deliver", "配送", 45, 120)
    (change,) = moves["stageChanges"]
    assert (change["name"], change["before"], change["after"], change["ratio"]) == ("配送", 40, 5, 0.25)
    assert (change["beforeShare"], change["afterShare"], change["sure"]) == (0.5, 0.125, True)


def test_without_a_date_the_last_thirty_days_are_compared():
    rows = days(100, date(2025, 1, 1), voc_tags=LATE)
    moves = payload(tagged(rows))["moves"]
    assert (moves["split"], moves["end"], moves["since"], moves["effects"]) == ("2025-03-12", "2025-04-10", None, [])


def test_a_date_with_nothing_before_it_is_refused():
    with pytest.raises(InputError, match="2024-01-01"):
        analyse(shop(60), FRAME, since=date(2024, 1, 1))
    with pytest.raises(InputError, match="no comment has a time"):
        analyse(tagged([row(voc_tags=LATE)]), FRAME, since=date(2025, 1, 1))


def test_a_stray_date_does_not_stretch_the_trend():
    rows = [*days(60, date(2025, 1, 1), voc_tags=LATE), row(at=datetime(1970, 1, 1), voc_tags=LATE)]
    starts = payload(tagged(rows))["moves"]["starts"]
    assert (starts[0], starts[-1]) == ("2022-02-01", "2025-03-01")


def test_codes_with_few_answers_do_not_stand_in_the_ranking():
    rows = [row(score=0, voc_tags=LATE) for _ in range(30)] + [row(score=9) for _ in range(30)]
    rows += [row(score=0, voc_tags=[tag("price", "negative")]) for _ in range(29)]
    found = analyse(tagged(rows), FRAME).figures
    assert pains(found) == (["speed"], True)
    few = analyse(tagged(rows[:29]), FRAME).figures
    assert pains(few) == (["speed"], False)


def test_where_no_fine_code_has_enough_answers_the_broad_ones_are_ranked():
    torn = [tag("packaging", "negative")]
    rows = [row(score=0, voc_tags=tags) for tags in (LATE, torn) for _ in range(29)] + [row(score=9) for _ in range(30)]
    assert pains(analyse(tagged(rows), FRAME).figures) == (["logistics"], True)


def test_without_statsmodels_the_page_says_what_is_missing(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    found = analyse(shop(900), FRAME, since=date(2025, 6, 1))
    line = '需要 statsmodels，这里没有安装。运行 pip install "vocnlp[analysis]" 后重新生成报告即可。'
    assert (found.missing["forecast"], found.missing["effects"]) == (f"预测{line}", f"间断时间序列{line}")
    assert found.moves is not None
    assert [effect.interrupted for effect in found.moves.effects] == [None] * 6
    assert found.moves.effects[0].ratio.value is not None


def test_peaks_and_ends_are_told_by_stage_with_the_comments_themselves():
    # Each customer: a bad moment at 配送, a good one at 使用, then a score; the peak is the bad one, the end is good.
    rows = []
    for n in range(30):
        at = datetime(2025, 1, 1 + n % 28)
        rows += [
            row(
                text=f"第{n}单迟了很久", customer=f"u{n}", at=at, stage="物流", voc_sentiment="negative", voc_tags=LATE
            ),
            row(text="用着顺手", customer=f"u{n}", at=at + timedelta(1), stage="使用", voc_sentiment="positive"),
            row(text="打个分", customer=f"u{n}", at=at + timedelta(2), score=n % 11),
        ]
    data = payload(tagged(rows))
    assert (data["peak"]["customers"], data["peak"]["few"], data["peak"]["single"]) == (30, False, 0)
    assert [stage["key"] for stage in data["peak"]["stages"]] == ["deliver"]
    assert (data["peak"]["peaks"], data["peak"]["ends"]) == ([30], [0])
    turned = [v for v in data["voices"] if v["turns"]]
    assert len(turned) == 6
    assert {(turn, v["stages"][0]) for v in turned for turn in v["turns"]} == {("peak:deliver", "deliver")}


def test_what_cannot_be_had_is_said_in_words():
    missing = analyse(tagged([row(text="还行")]), FRAME).missing
    assert missing == {
        "moves": "数据没有日期，看不出走势，也无从比较措施前后。",
        "peak_end": "数据没有同时给出客户和时间，看不出每位客户的旅程。",
        "channel": "没有读到指向具体问题的负面评论。",
        "segment": "没有读到指向具体问题的负面评论。",
    }


def test_personal_data_is_masked_and_the_evidence_stays_in_its_place():
    text = "打13800138000没人接,送货慢"
    table = tagged([row(text=text, voc_tags=[tag("speed", "negative", 16, "送货慢")])])
    sample = analyse(table, FRAME).sample
    (masked,), (open_,) = verbatims(table, sample), verbatims(table, sample, masked=False)
    assert masked["parts"] == [["打电**********没人接,", []], ["送货慢", ["speed"]]] or masked["parts"] == [
        ("打电**********没人接,", []),
        ("送货慢", ["speed"]),
    ]
    assert "".join(words for words, _ in open_["parts"]) == text


def test_a_table_without_texts_has_figures_and_no_verbatims():
    table = shop(60).drop_columns(["text"])
    assert payload(table)["voices"] == []
    assert payload(table)["codes"] == payload(shop(60))["codes"]


def test_satisfaction_and_effort_are_told_whole_and_by_stage():
    rows = [row(stage="物流", csat=5.0, ces=7.0) for _ in range(20)] + [row(stage="物流", csat=2.0) for _ in range(20)]
    rows += [row(stage="售后", csat=4.0, ces=3.0) for _ in range(10)] + [row(csat=9.0)]
    data = payload(tagged(rows))
    told = data["csat"]
    assert (told["value"], told["n"], told["odd"], told["few"]) == (0.6, 50, 1, False)
    interval = proportion_confint(30, 50, method="wilson")
    assert (told["low"], told["high"]) == pytest.approx(interval, abs=1e-4)
    stages = {one["name"]: (one["value"], one["n"], one["few"]) for one in told["stages"]}
    assert stages == {"配送": (0.5, 40, False), "售后": (1.0, 10, True)}
    effort = data["ces"]
    assert (effort["value"], effort["easy"], effort["n"]) == (round(170 / 30, 4), round(20 / 30, 4), 30)
    assert [(one["name"], one["value"], one["low"]) for one in effort["stages"]] == [
        ("配送", 7.0, None),
        ("售后", 3.0, None),
    ]


def test_without_an_answer_on_satisfaction_or_effort_there_is_no_figure_and_all_off_the_scale_is_said():
    assert (payload(tagged([row()]))["csat"], payload(tagged([row()]))["ces"]) == (None, None)
    found = analyse(tagged([row(csat=9.0)]), FRAME)
    assert (found.csat, found.missing["csat"]) == (None, "CSAT 没有一条回答在量表之内（9.0）。")


def test_hand_counted_cells_of_the_journey_map():
    rows = [row(stage="物流", channel="门店", voc_sentiment="negative", score=0, voc_tags=LATE) for _ in range(30)]
    rows += [row(stage="物流", channel="门店", voc_sentiment="positive", score=10) for _ in range(10)]
    rows += [row(stage="使用", channel="网店", voc_sentiment="neutral") for _ in range(3)]
    found = payload(tagged(rows))["map"]
    assert found["points"] == ["门店", "网店"]
    spots = {(found["stages"][s["at"][0]]["key"], found["points"][s["at"][1]]): s for s in found["spots"]}
    store = spots["deliver", "门店"]
    assert (store["comments"], store["net"], store["nps"], store["n"]) == (40, -50.0, -50.0, 40)
    assert (store["pains"], store["few"], store["small"]) == ([["speed", 30]], False, False)
    assert (spots["use", "网店"]["few"], spots["use", "网店"]["small"]) == (True, True)


def test_noise_is_not_shown():
    rows = [row(text="哈哈哈哈哈", voc_noise="mash", voc_sentiment=None), row(text="慢", voc_tags=LATE)]
    assert [v["parts"] for v in payload(tagged(rows))["voices"]] == [[("慢", ["speed"])]]


def test_a_table_and_its_columns_in_another_order_give_the_same(tmp_path):
    table = shop(120)
    turned = pa.Table.from_arrays(table.columns[::-1], schema=pa.schema(list(table.schema)[::-1]))
    assert payload(turned) == payload(table)
