"""The coders' workbook: drop-down lists, nothing live, and what comes back from it checked cell by cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from review_rows_made import LATE, PLAIN, SOUR, made

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.review_rows import Mark, Problem, ReviewError
from vocnlp.review_sheet import read_sheet, write_sheet

AT = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)


@pytest.fixture
def book(tiny_frame: Codeframe, tmp_path: Path) -> Path:
    write_sheet(made(tiny_frame), tmp_path / "review.xlsx")
    return tmp_path / "review.xlsx"


def fill(path: Path, cells: Mapping[tuple[int, str], str | None]) -> None:
    """Write cells of the sheet 评审 by data row and column, as a coder does, and save the workbook."""
    book = openpyxl.load_workbook(path)
    sheet = book["评审"]
    place = {cell.value: cell.column for cell in sheet[1]}
    for (row, column), value in cells.items():
        sheet.cell(row + 1, place[column]).value = value
    book.save(path)


def test_the_suggestions_stand_in_cells_with_lists(book: Path) -> None:
    read = openpyxl.load_workbook(book)
    assert [(sheet.title, sheet.sheet_state) for sheet in read] == [
        ("评审", "visible"), ("码表", "visible"), ("_lists", "veryHidden"), ("_rows", "veryHidden")
    ]  # fmt: skip
    header, first, _, third = [[cell.value for cell in row] for row in read["评审"].iter_rows()]
    assert header[:10] == ["编号", "评论", "推荐理由", "整体情感", "标签1", "极性1", "证据1", "标签2", "极性2", "证据2"]
    assert header[-3:] == ["处理", "评审人", "备注"]
    assert first[:10] == [
        "a1",
        SOUR,
        "模型没有把握：味道",
        "负面",
        "味道",
        "负面",
        "汤头酸得离谱",
        "服务态度",
        "正面",
        "店员倒是一直赔笑",
    ]
    assert third[:5] == ["a3", PLAIN, "随机抽查", "中性", None]
    rules = {str(rule.sqref): rule.formula1 for rule in read["评审"].data_validations.dataValidation}
    assert rules["E2:E4"] == "_lists!$A$2:$A$8"
    assert (rules["F2:F4"], rules["D2:D4"]) == ("_lists!$B$2:$B$5", "_lists!$B$2:$B$4")
    assert rules["Q2:Q4"] == "_lists!$C$2:$C$4"
    assert [cell.value for cell in read["_lists"]["A"]] == [
        "标签",
        "质量",
        "味道",
        "服务态度",
        "等待时间",
        "停车",
        "配送",
        "价格",
    ]


def test_no_cell_is_a_formula(book: Path) -> None:
    assert [
        cell.coordinate
        for sheet in openpyxl.load_workbook(book)
        for row in sheet
        for cell in row
        if cell.data_type == "f"
    ] == []


def test_what_coders_answered_comes_back(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {
        (1, "处理"): "确认", (1, "评审人"): "阿敏",
        (2, "标签2"): "服务态度", (2, "极性2"): "负面", (2, "证据2"): "说好周三到", (2, "处理"): "修改", (2, "备注"): "失约",
    })  # fmt: skip
    found = read_sheet(book, tiny_frame, by="小周", at=AT)
    assert [(one.id, one.by, one.action, one.note) for one in found.answers] == [
        ("a1", "阿敏", "confirmed", ""), ("a2", "小周", "changed", "失约")
    ]  # fmt: skip
    assert found.answers[0].tags == (Mark("taste", "negative", 0, 6), Mark("attitude", "positive", 7, 15))
    assert found.answers[1].tags == (Mark("delivery", "negative", 0, 5), Mark("attitude", "negative", 0, 5))
    assert (found.answers[1].text, found.answers[1].at, found.open) == (LATE, "2026-05-04T08:30:00+00:00", 1)
    assert found.answers[0].origin == made(tiny_frame).by_id["a1"].origin


def test_a_confirmed_row_whose_cells_were_changed_is_a_change(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {(1, "极性2"): "中性", (1, "处理"): "确认", (1, "评审人"): "阿敏"})
    found = read_sheet(book, tiny_frame)
    assert [(one.action, one.tags[1]) for one in found.answers] == [("changed", Mark("attitude", "neutral", 7, 15))]
    assert found.remarks == ("a1: confirmed, but its cells were changed; taken as changed",)


def test_a_confirmed_label_that_leans_both_ways_stays_so(tiny_frame: Codeframe, tmp_path: Path) -> None:
    sample = made(tiny_frame)
    both = replace(sample.rows[0].origin, suggested=(Mark("taste", "mixed", 0, 6), Mark("attitude", "positive")))
    write_sheet(replace(sample, rows=(replace(sample.rows[0], origin=both),)), tmp_path / "r.xlsx")
    fill(tmp_path / "r.xlsx", {(1, "处理"): "确认", (1, "评审人"): "阿敏"})
    found = read_sheet(tmp_path / "r.xlsx", tiny_frame)
    assert [(one.action, one.tags) for one in found.answers] == [("confirmed", both.suggested)]
    assert found.remarks == ()


def test_a_skipped_row_says_nothing_whatever_stands_in_its_cells(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {(1, "处理"): "跳过", (1, "评审人"): "阿敏"})
    (skipped,) = read_sheet(book, tiny_frame).answers
    assert (skipped.action, skipped.tags, skipped.sentiment) == ("skipped", (), None)


def test_all_that_is_wrong_is_told_and_nothing_is_taken(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {
        (1, "评论"): "汤头还行", (1, "处理"): "确认", (1, "评审人"): "阿敏",
        (2, "编号"): "zz", (2, "标签1"): "送货上楼", (2, "处理"): "改了",
        (3, "极性1"): "负面", (3, "证据2"): "瞎写", (3, "整体情感"): "凑合", (3, "处理"): "修改", (3, "评审人"): "阿敏",
    })  # fmt: skip
    with pytest.raises(ReviewError) as caught:
        read_sheet(book, tiny_frame)
    assert caught.value.problems == (
        Problem(2, "评论", "汤头还行", "the comment was changed"),
        Problem(2, "证据1", "汤头酸得离谱", "these words do not stand in the comment"),
        Problem(2, "证据2", "店员倒是一直赔笑", "these words do not stand in the comment"),
        Problem(3, "处理", "改了", "is none of 确认、修改、跳过"),
        Problem(3, "编号", "zz", "was not given out for review"),
        Problem(3, "评审人", "", "nobody says who answered"),
        Problem(3, "标签1", "送货上楼", "the codeframe has no such code"),
        Problem(4, "整体情感", "凑合", "is none of 正面、中性、负面"),
        Problem(4, "标签1", "", "a polarity or an evidence without a code"),
        Problem(4, "标签2", "", "a polarity or an evidence without a code"),
    )
    assert "review.xlsx, row 2, column '评论': the comment was changed; 9 more" in str(caught.value)


def change(path: Path, *, drop: tuple[str, ...] = (), above: int = 0, slots: object = 4) -> None:
    """Delete columns of 评审 and insert empty rows above its header; say in the hidden sheet that there are ``slots``."""
    book = openpyxl.load_workbook(path)
    sheet = book["评审"]
    for name in drop:
        sheet.delete_cols(next(cell.column for cell in sheet[1] if cell.value == name))
    if above:
        sheet.insert_rows(1, above)
    head = book["_rows"]["B2"]
    told = {name: value for name, value in json.loads(str(head.value)).items() if name != "slots"}
    head.value = json.dumps(told if slots is None else {**told, "slots": slots})
    book.save(path)


def test_wrong_rows_are_numbered_as_excel_shows_them(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {(2, "处理"): "好的", (2, "评审人"): "阿敏"})
    change(book, above=2)
    with pytest.raises(ReviewError) as caught:
        read_sheet(book, tiny_frame)
    assert caught.value.problems == (Problem(5, "处理", "好的", "is none of 确认、修改、跳过"),)
    assert [row[0].row for row in openpyxl.load_workbook(book)["评审"] if row[0].value == "a2"] == [5]


@pytest.mark.parametrize("slots", [4, None])  # None: a workbook of before the number was written down
@pytest.mark.parametrize(
    ("drop", "told"),
    [
        (("标签1", "极性1", "证据1"), "column '标签1': a column is gone, and with it 极性1、证据1"),
        (("极性2",), "column '极性2': a column is gone"),
        (("标签4", "极性4", "证据4"), "column '标签4': a column is gone, and with it 极性4、证据4"),
        (("整体情感",), "column '整体情感': a column is gone"),
        (("备注", "编号"), "column '编号': a column is gone, and with it 备注"),
    ],
)
def test_a_column_that_holds_answers_cannot_be_left_out(
    drop: tuple[str, ...], told: str, slots: int | None, book: Path, tiny_frame: Codeframe
) -> None:
    fill(book, {(1, "处理"): "确认", (1, "评审人"): "阿敏"})
    change(book, drop=drop, slots=slots)
    with pytest.raises(InputError) as caught:
        read_sheet(book, tiny_frame)
    assert str(caught.value) == f"{book}, {told}"
    assert caught.value.hint == "review the workbook as it was written, with all of its columns"


def test_the_reason_may_be_deleted_and_older_workbooks_are_read(book: Path, tiny_frame: Codeframe) -> None:
    fill(book, {(1, "处理"): "确认", (1, "评审人"): "阿敏"})
    change(book, drop=("推荐理由",), slots=None)
    assert [(one.id, one.action, one.tags) for one in read_sheet(book, tiny_frame).answers] == [
        ("a1", "confirmed", made(tiny_frame).rows[0].origin.suggested)
    ]


@pytest.mark.parametrize("slots", [0, 10**9, "vier", []])
def test_a_hidden_sheet_that_was_edited_is_refused(slots: object, book: Path, tiny_frame: Codeframe) -> None:
    change(book, slots=slots)
    with pytest.raises(InputError, match="its hidden sheet was edited"):
        read_sheet(book, tiny_frame)


def test_slots_that_a_coder_added_count_too(book: Path, tiny_frame: Codeframe) -> None:
    read = openpyxl.load_workbook(book)
    sheet = read["评审"]
    last = sheet.max_column
    for at, name in enumerate(("标签6", "极性6", "极性7"), 1):
        sheet.cell(1, last + at).value = name
    read.save(book)
    fill(book, {(2, "标签6"): "价格", (2, "极性6"): "正面", (2, "处理"): "修改", (2, "评审人"): "阿敏"})
    assert read_sheet(book, tiny_frame).answers[0].tags == (
        Mark("delivery", "negative", 0, 5),
        Mark("price", "positive"),
    )
    fill(book, {(2, "极性7"): "负面"})
    with pytest.raises(ReviewError) as caught:
        read_sheet(book, tiny_frame)
    assert caught.value.problems == (Problem(3, "标签7", "", "a polarity or an evidence without a code"),)


def test_a_workbook_of_another_kind_or_frame_is_refused(book: Path, tiny_frame: Codeframe, tmp_path: Path) -> None:
    other = Codeframe.from_labels(["甜度", "辣度"])
    with pytest.raises(InputError, match="made for another codeframe than from-data"):
        read_sheet(book, other)
    plain = openpyxl.Workbook()
    plain.active.append(["评论"])
    plain.save(tmp_path / "plain.xlsx")
    with pytest.raises(InputError, match="is no workbook for review"):
        read_sheet(tmp_path / "plain.xlsx", tiny_frame)


def test_a_folder_that_is_not_there_leaves_nothing_behind(tiny_frame: Codeframe, tmp_path: Path) -> None:
    from vocnlp.errors import OutputError

    with pytest.raises(OutputError):
        write_sheet(made(tiny_frame), tmp_path / "gone" / "review.xlsx")
    assert list(tmp_path.iterdir()) == []
