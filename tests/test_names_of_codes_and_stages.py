"""An id may be that of a stage and of a code, each with a name of its own: which of them is meant decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from alert_rules_file import write_rules
from openpyxl import load_workbook
from tagged_shop import row, tag, tagged

import vocnlp.frames
from vocnlp.alert_reading import read_rules
from vocnlp.alerts import decide
from vocnlp.before_after import effect
from vocnlp.codeframe import Codeframe
from vocnlp.counts import Folded, folded
from vocnlp.crosstabs import crosstab
from vocnlp.drivers import drivers
from vocnlp.journey_map import journey_map
from vocnlp.report import write_report
from vocnlp.trends import changes, trend

BOTH, CODE, STAGE = "loyalty", "忠诚与推荐", "复购推荐"
SINCE = date(2025, 4, 1)


@pytest.fixture(scope="module")
def shipped() -> Codeframe:
    return Codeframe.load(Path(vocnlp.frames.__file__).parent / "voc-zh-general.yaml")


def said() -> pa.Table:
    """Half a year of comments; a third of them, and two thirds from April on, say that they will not come back."""
    return tagged([_comment(number) for number in range(180)])


def _comment(number: int) -> dict[str, Any]:
    bad = number % 3 == 0 or (number > 90 and number % 3 == 1)
    open_, quote = f"第{number}次买，", "以后不会再来了"
    return row(
        number,
        text=open_ + (quote if bad else "照旧。"),
        at=datetime(2025, 1, 1, 9) + timedelta(days=number),
        score=float(number % 4 if bad else 6 + number % 5),
        stage=STAGE if number % 4 else "售后",
        channel="门店" if number % 2 else "小程序",
        segment="老客" if bad or number % 5 == 0 else "新客",
        voc_sentiment="negative" if bad else "positive",
        voc_tags=[tag(BOTH, "negative", len(open_), quote)] if bad else [],
    )


@pytest.fixture(scope="module")
def rows(shipped: Codeframe) -> Iterator[Folded]:
    with folded(said(), shipped) as found:
        yield found


def test_the_shipped_frame_has_one_id_that_is_a_stage_and_a_code(shipped):
    stages = [(stage.id, stage.name) for journey in shipped.journeys for stage in journey.stages]
    assert [(id, name, shipped[id].name) for id, name in stages if id in shipped] == [(BOTH, STAGE, CODE)]


def test_a_code_has_the_name_of_the_code_and_a_stage_that_of_the_stage(rows):
    assert (rows.code_name(BOTH), rows.stage_name(BOTH)) == (CODE, STAGE)
    assert (rows.code_name("没有的码"), rows.stage_name("直播间")) == ("没有的码", "直播间")
    assert rows.code_name("learn") == "learn"  # a stage only


def test_analyses_of_codes_name_the_code(rows):
    assert {cell.name for cell in crosstab(rows, "segment").cells if cell.code == BOTH} == {CODE}
    assert [driver.name for driver in drivers(rows, resamples=20).drivers if driver.code == BOTH] == [CODE]
    assert {pain.name for spot in journey_map(rows).spots for pain in spot.pains if pain.code == BOTH} == {CODE}
    assert [line.name for line in trend(rows).lines if line.key == BOTH] == [CODE]
    assert [change.name for change in changes(rows, SINCE).changes if change.key == BOTH] == [CODE]
    assert effect(rows, BOTH, on=SINCE, series=False).name == CODE


def test_analyses_of_stages_name_the_stage(rows):
    assert journey_map(rows).stages[BOTH] == STAGE
    assert [line.name for line in trend(rows, of="stage").lines if line.key == BOTH] == [STAGE]
    assert [change.name for change in changes(rows, SINCE, of="stage").changes if change.key == BOTH] == [STAGE]
    assert effect(rows, BOTH, on=SINCE, of="stage", series=False).name == STAGE


def test_an_alert_names_the_code_and_the_stage_each_by_its_own_name(tmp_path, shipped):
    common = {"days": 90, "at_least": 1, "kind": "threshold"}
    asked = [
        {"id": "share", "figure": "share", "code": BOTH, "stage": BOTH, "above": 0.1, **common},
        {"id": "score", "figure": "nps", "stage": BOTH, "below": 90, **common},
    ]
    rules = read_rules(write_rules(tmp_path, *asked), shipped)
    share, score = decide(said(), rules, shipped, now=datetime(2025, 6, 29, 4, tzinfo=UTC)).alerts
    assert (share.code_name, share.stage_name) == (CODE, STAGE)
    assert f"{STAGE}“{CODE}”" in share.text
    assert CODE in share.title
    assert (score.code_name, score.stage_name) == ("", STAGE)


def test_the_report_and_its_sheets_say_each_name_where_it_is_meant(tmp_path, shipped):
    write_report(tmp_path / "r.html", said(), shipped, title="名称", since=SINCE, tables=tmp_path / "r.xlsx")
    book = load_workbook(tmp_path / "r.xlsx", read_only=True)
    meant = {
        name: {cell for line in book[name].iter_rows(values_only=True) for cell in line if cell in (CODE, STAGE)}
        for name in book.sheetnames
    }
    of_codes = {name for name, words in meant.items() if words == {CODE}}
    of_stages = {name for name, words in meant.items() if words == {STAGE}}
    assert of_codes == {"码", "驱动与四象限", "交叉表", "走势与预测", "变化", "措施前后"}
    assert of_stages == {"分组", "旅程地图", "环节走势", "环节变化"}
    assert {name for name, words in meant.items() if words == {CODE, STAGE}} == {"环节×问题", "原声"}
    pains = [line[9] for line in book["旅程地图"].iter_rows(values_only=True) if line[9]]
    assert [pain for pain in pains if STAGE in pain] == [] and f"{CODE} " in pains[1]
