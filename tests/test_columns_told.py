"""What is said of a table before it is scored: titles, merged cells, a missing header, columns that were not taken."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from rich.console import Console

from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.cli_output import print_columns
from vocnlp.errors import InputError
from vocnlp.tagger import Tagger


def told(path: Path, **named: str) -> list[str]:
    """The lines that are shown of a file, without the first, which names it."""
    console = Console(file=io.StringIO(), width=400)
    print_columns(console, *open_for_scoring(path, Options(named=named)))
    assert isinstance(console.file, io.StringIO)
    return [line.strip() for line in console.file.getvalue().splitlines()][1:]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def book(path: Path, *rows: Sequence[object], merged: tuple[str, ...] = ()) -> Path:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(list(row))
    for cells in merged:
        made.active.merge_cells(cells)
    made.save(path)
    return path


def test_titles_of_a_csv_are_told_with_the_row_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "客服回访\n导出人：李雷\n\n评论,NPS\n排队太久,3\n")
    assert told(path) == [
        "above the header, row 4, and taken for a title: 客服回访, 导出人：李雷",
        "text      评论  by its name",
        "score     NPS  by its name",
    ]


def test_merged_cells_are_told_by_column_and_count(tmp_path: Path) -> None:
    rows = [
        ["渠道", "评论", "NPS", "店长"],
        ["热线", "坐等一小时", 2, "张"],
        [None, None, 3, None],
        [None, "很快", 9, None],
    ]
    path = book(tmp_path / "a.xlsx", *rows, merged=("A2:A4", "B2:B3", "D2:D4"))
    assert told(path)[:2] == [
        "渠道: merged cells; their value counts in each of their rows, 2 that were empty",
        "评论: merged cells; each counts once, in the first of its rows, and 1 below have none",
    ]


def test_the_value_of_a_merged_channel_counts_in_each_of_its_rows(tmp_path: Path, tagger: Tagger) -> None:
    rows = [
        ["渠道", "评论", "NPS"],
        ["热线", "坐等一小时", 2],
        [None, "没人接", 3],
        ["官网", "很快", 9],
        [None, "好用", 10],
    ]
    path = book(tmp_path / "a.xlsx", *rows, merged=("A2:A3", "A4:A5"))
    options = Options()
    source, columns = open_for_scoring(path, options)
    figures = score_file(source, columns, tmp_path / "b.xlsx", tagger, options=options).figures
    assert [(group.name, group.rows, group.nps.n) for group in figures.channels] == [("官网", 2, 2), ("热线", 2, 2)]


def test_a_time_and_an_id_that_are_not_taken_are_told_with_a_cell_and_what_to_write(
    tmp_path: Path, tagger: Tagger
) -> None:
    path = written(tmp_path / "a.csv", "编号,日期,评论\nA7,1/3/2026,排队太久\nA7,2/3/2026,师傅很耐心\n")
    assert told(path) == [
        "text      评论  by its name",
        "at        - not taken: 日期 has dates such as '1/3/2026', and none says whether the day or the month stands "
        "first; write 2026-03-01",
        "id        - not taken: 编号 holds 'A7' more than once, so it numbers no rows; rows go by their place",
    ]
    source, columns = open_for_scoring(path, Options())
    assert score_file(source, columns, tmp_path / "b.xlsx", tagger, options=Options()).rows == 2
    about = openpyxl.load_workbook(tmp_path / "b.xlsx")["说明"].iter_rows(values_only=True)
    assert {str(row[0]): row[2] for row in about if str(row[0]) in ("列：时间", "列：编号")} == {
        "列：时间": "未使用：“日期”中如“1/3/2026”的日期看不出日、月哪个在前；请写成 2026-03-01",
        "列：编号": "未使用：“编号”中“A7”不止一次，不能当编号；编号按行序",
    }


def test_no_dates_are_told_with_a_cell(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "时间,评论\n上周二,排队太久\n上周三,师傅很耐心\n")
    assert told(path)[1] == (
        "at        - not taken: 时间 is not mainly dates or times, because of cells such as '上周二'; write 2026-03-01"
    )


def test_the_order_of_day_and_month_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "日期,评论\n1/3/2026,排队太久\n31/3/2026,师傅很耐心\n")
    assert told(path)[1] == "at        日期  by its name  day first"


def test_a_first_row_that_looks_like_data_is_told(tmp_path: Path) -> None:
    rows = [["A1", 9, "前台笑脸相迎，办事利落"], ["A2", 3, "停车场指示牌看不懂，绕了三圈"]]
    line = "the first row looks like data ('9'), but it is read as the header: put a header above it"
    assert told(book(tmp_path / "a.xlsx", *rows))[0] == line
    path = written(tmp_path / "a.csv", "\n".join(",".join(map(str, row)) for row in rows))
    assert told(path)[0] == line


def test_a_score_of_uncalculated_formulas_is_told_beside_the_one_that_is_taken(tmp_path: Path, tagger: Tagger) -> None:
    rows = [["评论", "推荐分", "打分"], ["门口没有停车位", "=C2*2", 4], ["店员很热心", "=C3*2", 9]]
    path = book(tmp_path / "a.xlsx", *rows)
    assert told(path) == [
        "text      评论  by its name",
        "score     打分  by its name",
        "- not taken: 推荐分 holds formulas that were never calculated; open the file in Excel and save it",
    ]
    source, columns = open_for_scoring(path, Options())
    score_file(source, columns, tmp_path / "b.xlsx", tagger, options=Options())
    about = openpyxl.load_workbook(tmp_path / "b.xlsx")["说明"].iter_rows(values_only=True)
    assert next(row for row in about if row[0] == "列：推荐分") == (
        "列：推荐分",
        "打分",
        "按列名；未使用：“推荐分”是从未计算过的公式，请用 Excel 打开并保存",
    )


@pytest.mark.parametrize("behind", ["备注", 2026])
def test_a_header_below_titles_may_hold_a_name_twice_or_a_number(tmp_path: Path, behind: object) -> None:
    rows = [["门店回访"], ["导出于 2026-02-01"], ["推荐分", "评论", "备注", behind], [3, "灯光太暗", "x", 1]]
    assert told(book(tmp_path / "a.xlsx", *rows)) == [
        "above the header, row 3, and taken for a title: 门店回访, 导出于 2026-02-01",
        "text      评论  by its name",
        "score     推荐分  by its name",
    ]


def test_a_header_that_stands_far_below_a_title_is_named_by_its_row(tmp_path: Path) -> None:
    rows = [["门店回访", None, "二月"], *[["说明", None, f"第{n}条"] for n in range(8)], ["编号", "推荐分", "评论"]]
    with pytest.raises(InputError) as caught:
        told(book(tmp_path / "a.xlsx", *rows, [1, 3, "灯光太暗"]))
    assert caught.value.message.endswith(
        "'门店回访' is a title; the header, 编号, 推荐分, 评论, stands below it, in data row 9"
    )


def test_groups_that_are_called_like_columns_are_no_header(tmp_path: Path) -> None:
    rows = [["评论", None, "推荐分", "渠道"], ["灯光太暗", "甲", 3, "平台"], ["店员热心", "用户", 9, "平台"]]
    assert told(book(tmp_path / "a.xlsx", *rows))[0] == "text      评论  by its name"


def test_personal_data_in_a_cell_is_masked_where_the_cell_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "时间,评论\n13800001357,灯光太暗\n13800001357,店员热心\n")
    assert told(path)[1] == (
        "at        - not taken: 时间 is not mainly dates or times, because of cells such as '电**********'; "
        "write 2026-03-01"
    )


def test_sheets_that_are_not_read_are_named_with_the_way_to_read_them(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["评论", "推荐分"], ["灯光太暗", 3])
    made = openpyxl.load_workbook(path)
    made.active.title = "一月"
    for name in ("二月", "空表", "藏起来的"):
        made.create_sheet(name)
    for name in ("二月", "藏起来的"):
        made[name].append(["评论"])
        made[name].append(["店员热心"])
    made["藏起来的"].sheet_state = "hidden"
    made.save(path)
    assert told(path) == [
        "not read: 二月; --sheet 二月 reads it",
        "text      评论  by its name",
        "score     推荐分  by its name",
    ]
