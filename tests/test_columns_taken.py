"""A scored file that is read back is read by the columns that it was scored on, not by those that its names suggest."""

from __future__ import annotations

from pathlib import Path

import pytest
from corner_export import write

from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.columns_taken import columns_taken, named_before
from vocnlp.errors import InputError
from vocnlp.tables import open_table
from vocnlp.tagged_reading import read_tagged
from vocnlp.tagger import Tagger

SAID = ["送货太慢，等了一个星期", "味道很好，下次还来", "客服态度差，问了三遍", "价格有点贵"]
NOTE = ["门店已经回访过这位客人", "转交给区域经理跟进了", "已经补发优惠券一张", "无需处理直接归档"]
MADE = [
    {"推荐分": 9 - n, "上月打分": n, "评论": NOTE[n], "补充说明": said, "渠道": "门店" if n else "外卖"}
    for n, said in enumerate(SAID)
]
CHOSEN = {"text": "补充说明", "score": "上月打分"}


def scored(tmp_path: Path, tagger: Tagger, ending: str, **named: str) -> Path:
    options = Options(named=named)
    source, columns = open_for_scoring(write(tmp_path / "export.xlsx", MADE), options)
    out = tmp_path / f"tagged{ending}"
    score_file(source, columns, out, tagger, options=options)
    return out


@pytest.mark.parametrize("ending", [".xlsx", ".parquet"])
def test_a_scored_file_is_read_by_the_columns_it_was_scored_on(tmp_path, tagger, ending):
    table, _ = read_tagged(scored(tmp_path, tagger, ending, **CHOSEN), tagger)
    assert (table.column("text").to_pylist(), table.column("score").to_pylist()) == (SAID, [0, 1, 2, 3])
    assert table.column("channel").to_pylist() == ["外卖", "门店", "门店", "门店"]


@pytest.mark.parametrize("ending", [".xlsx", ".parquet"])
def test_a_column_that_the_user_names_goes_before_the_one_it_was_scored_on(tmp_path, tagger, ending):
    tagged = scored(tmp_path, tagger, ending, **CHOSEN)
    table, _ = read_tagged(tagged, tagger, Options(named={"score": "推荐分"}))
    assert (table.column("text").to_pylist(), table.column("score").to_pylist()) == (SAID, [9, 8, 7, 6])


def test_a_role_that_had_no_column_gets_none_when_the_file_is_read_back(tmp_path, tagger):
    tagged = scored(tmp_path, tagger, ".parquet", text="补充说明", score="推荐分", segment="渠道")
    assert columns_taken(open_table(tagged)) == {
        "id": (None, ""),
        "text": ("补充说明", "named"),
        "score": ("推荐分", "named"),
        "stage": (None, ""),
        "channel": (None, ""),
        "segment": ("渠道", "named"),
        "customer": (None, ""),
        "at": (None, ""),
        "csat": (None, ""),
        "ces": (None, ""),
    }
    table, _ = read_tagged(tagged, tagger)
    assert set(table.column("channel").to_pylist()) == {None}


def test_a_column_named_for_one_role_leaves_the_role_that_it_had():
    taken = {"score": ("打分", "name"), "csat": ("满意度", "name"), "ces": (None, "")}
    assert named_before(taken, {"score": "满意度"}) == {"score": "满意度"}


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_text_file_scored_on_another_column_is_refused_with_the_way_to_name_it(tmp_path, tagger, ending):
    tagged = scored(tmp_path, tagger, ending, **CHOSEN)
    with pytest.raises(InputError) as caught:
        read_tagged(tagged, tagger)
    assert (caught.value.message, caught.value.hint) == (
        f"{tagged}, column '评论': the quotes of the tags do not stand in this column, so another one was scored",
        "name the columns that were scored: --text ... --score ..., or score the original export again",
    )
    table, _ = read_tagged(tagged, tagger, Options(named=CHOSEN))
    assert (table.column("text").to_pylist(), table.column("score").to_pylist()) == (SAID, [0, 1, 2, 3])


def test_a_workbook_read_with_another_text_column_is_told_how_to_name_the_right_one(tmp_path, tagger):
    tagged = scored(tmp_path, tagger, ".xlsx", **CHOSEN)
    with pytest.raises(InputError) as caught:
        read_tagged(tagged, tagger, Options(named={"text": "评论"}))
    assert caught.value.message == (
        f"{tagged}, row 1: this row of '标注结果' is not the one that '标签明细' has tags for: rows were sorted or deleted, "
        "or another text column was used: --text ..."
    )
