"""The workbook beside the page: the same numbers, texts that stay texts, nothing where a number cannot be carried."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pytest
from statsmodels.stats.proportion import proportion_confint
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp.errors import OutputError
from vocnlp.gaps import Attribute
from vocnlp.report import write_report


def tables(tmp_path: Path, table, **more):
    write_report(tmp_path / "r.html", table, FRAME, title="表", tables=tmp_path / "r.xlsx", **more)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    return {sheet.title: [[cell.value for cell in line] for line in sheet.iter_rows()] for sheet in book}, book


def test_all_tables_of_the_page_are_there(tmp_path):
    found, _ = tables(tmp_path, shop(600), since=date(2025, 6, 1), ratings=[Attribute("价格", 5, 7, 9, 10)])
    assert list(found) == [
        *("码", "分组", "环节×问题", "旅程地图", "驱动与四象限", "交叉表", "走势与预测", "变化"),
        *("环节走势", "环节变化", "措施前后"),
        *("满意度差距", "原声", "说明"),
    ]
    assert found["满意度差距"][1] == ["价格", 5, 7, 9, 10, -2, -18, -5]
    assert all(len(line) == len(lines[0]) for lines in found.values() for line in lines)


def test_the_numbers_are_those_of_a_hand_count_and_few_answers_leave_a_gap(tmp_path):
    late, dear = [tag("speed", "negative")], [tag("price", "negative")]
    rows = [row(score=0, channel="门店", voc_sentiment="negative", voc_tags=late) for _ in range(30)]
    rows += [row(score=9, channel="网店", voc_sentiment="positive") for _ in range(70)]
    rows += [row(score=3, channel="邮寄", voc_sentiment="negative", voc_tags=dear)]
    found, _ = tables(tmp_path, tagged(rows))
    codes = {line[0]: line for line in found["码"]}
    # NPS of all 101 answers: (70 - 31) / 101 = +38.6; without the late ones (70 - 1) / 71 = +97.2.
    assert codes["配送时效"][3:9] == [30, pytest.approx(30 / 101, abs=1e-4), 0, 0, 30, -100]
    assert codes["配送时效"][11] == pytest.approx(100 * (39 / 101 - 69 / 71), abs=1e-3)
    assert codes["配送时效"][-1] is None
    assert (codes["性价比"][9:13], codes["性价比"][-1]) == ([None] * 4, "样本太少")
    groups = {line[1]: line for line in found["分组"] if line[0] == "渠道"}
    assert groups["门店"][2:8] == [30, 0, 0, 30, 30, -100]
    assert (groups["邮寄"][7], groups["邮寄"][-1]) == (None, "样本太少")


def test_satisfaction_and_effort_have_a_table_where_the_data_have_them(tmp_path):
    rows = [row(stage="物流", csat=5.0 if n < 30 else 1.0, ces=6.0 if n % 2 else 4.0) for n in range(40)]
    found, _ = tables(tmp_path, tagged([*rows, row(stage="售后", csat=4.0)]))
    head, *lines = found["满意度与省力度"]
    assert head == ["题目", "环节", "回答", "数值", "95%下限", "95%上限", "觉得省力的占比", "样本"]
    csat, ces = "CSAT（满意的占比）", "CES（均值，1-7，越高越省力）"
    low, high = proportion_confint(30, 40, method="wilson")
    assert [line[:4] + line[6:] for line in lines] == [
        [csat, "全部", 41, pytest.approx(31 / 41, abs=1e-4), None, None],
        [csat, "配送", 40, 0.75, None, None],
        [csat, "售后", 1, None, None, "样本太少"],
        [ces, "全部", 40, 5, 0.5, None],
        [ces, "配送", 40, 5, 0.5, None],
    ]
    assert lines[1][4:6] == pytest.approx([low, high], abs=1e-4)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert ('<p class="mid">75.6%</p>' in page, '<p class="mid">5.00</p>' in page, 'id="asked"' in page) == (True,) * 3
    write_report(tmp_path / "n.html", tagged([row(score=9.0)]), FRAME, title="表")
    assert 'id="asked"' not in (tmp_path / "n.html").read_text(encoding="utf-8")


def test_a_would_be_formula_or_link_stays_text(tmp_path):
    words = '=HYPERLINK("http://x.invalid","点我") 太慢'
    rows = [row(text=words, channel="=1+1", stage="http://x.invalid", voc_tags=[tag("speed", "negative", 0, "=H")])]
    found, book = tables(tmp_path, tagged([*rows, row(channel="门店")]))
    assert found["原声"][1][0] == words
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert [cell.hyperlink for cell in cells if cell.hyperlink] == []


def test_personal_data_is_masked_there_too(tmp_path):
    table = tagged([row(text="快给13800138000回电话", voc_tags=[tag("support", "negative", 0, "快给13800138000")])])
    found, _ = tables(tmp_path, table)
    assert found["原声"][1][0] == "快给电**********回电话"
    assert "13800138000" not in (tmp_path / "r.html").read_text("utf-8")
    found, _ = tables(tmp_path, table, masked=False)
    assert found["原声"][1][0] == "快给13800138000回电话"


def test_a_workbook_that_cannot_be_written_is_an_output_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="没有"):
        write_report(tmp_path / "r.html", shop(5), FRAME, title="表", tables=tmp_path / "没有" / "r.xlsx")
    assert list(tmp_path.iterdir()) == []
