"""Writing xlsx: texts stay texts, values keep their types, limits of the format are met and counted."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from vocnlp.errors import OutputError
from vocnlp.sheets import CUT_MARK, Workbook
from vocnlp.tables import open_table


def values_of(sheet: Worksheet) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_formulas_links_and_digits_stay_texts(tmp_path: Path) -> None:
    texts = ["=1+1", "+SUM(A1)", "@我", "-", "http://example.com", "007", "{=A1}", "_x0041_", " 前后有空格 "]
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", ["评论"]).write_rows([text] for text in texts)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["s"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(texts)
    assert [cell.hyperlink for cell in cells] == [None] * len(texts)
    read = [row["评论"] for batch in open_table(tmp_path / "a.xlsx").batches() for row in batch.to_pylist()]
    assert read == texts


def test_values_keep_their_types(tmp_path: Path) -> None:
    row = [1, 2.5, True, None, datetime(2026, 6, 1, 8, 3), date(2026, 6, 1), time(8, 3), Decimal("1.5"), float("nan")]
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", [str(n) for n in range(len(row))]).write(row)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["s"]
    moment, midnight = datetime(2026, 6, 1, 8, 3), datetime(2026, 6, 1)
    assert values_of(sheet)[1] == [1, 2.5, True, None, moment, midnight, time(8, 3), 1.5, None]
    assert sheet["F2"].number_format == "yyyy-mm-dd"


def test_what_excel_would_bend_is_written_as_text(tmp_path: Path) -> None:
    row = [
        202606010000123456,
        Decimal("0.12345678901234567"),
        float("inf"),
        date(1899, 5, 1),
        datetime(1900, 1, 1, 1),
        [{"码": "速度"}],
    ]
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", list("abcdef")).write(row)
    assert values_of(openpyxl.load_workbook(tmp_path / "a.xlsx")["s"])[1] == [
        "202606010000123456",
        "0.12345678901234567",
        "inf",
        "1899-05-01",
        "1900-01-01 01:00:00",
        '[{"码": "速度"}]',
    ]


def test_zoned_times_keep_the_clock_they_were_written_with(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", ["at"]).write([datetime(2026, 6, 1, 8, 3, tzinfo=UTC)])
    assert values_of(openpyxl.load_workbook(tmp_path / "a.xlsx")["s"])[1] == [datetime(2026, 6, 1, 8, 3)]


def test_long_texts_are_cut_with_a_mark_and_counted(tmp_path: Path) -> None:
    texts = ["长" * 32_767, "长" * 32_768, "😀" * 20_000]
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", ["t"]).write_rows([text] for text in texts)
    assert book.cut == 2
    whole, cut, emoji = (row["t"] for batch in open_table(tmp_path / "a.xlsx").batches() for row in batch.to_pylist())
    assert whole == texts[0]
    assert cut == "长" * (32_767 - len(CUT_MARK)) + CUT_MARK
    assert emoji == "😀" * ((32_767 - len(CUT_MARK)) // 2) + CUT_MARK


def test_forbidden_characters_are_replaced_and_counted(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", ["t\x01"]).write_rows([["好\x00\x0b\x1f吃"], ["\ud83d半个"], ["\uffff"], ["一\t二\n三"]])
    assert book.replaced == 4  # the header among them
    assert values_of(openpyxl.load_workbook(tmp_path / "a.xlsx")["s"]) == [
        ["t\ufffd"],
        ["好\ufffd\ufffd\ufffd吃"],
        ["\ufffd半个"],
        ["\ufffd"],
        ["一\t二\n三"],
    ]


def test_a_text_that_had_to_change_is_counted_once_for_all_sheets_and_quotes(tmp_path: Path) -> None:
    long, marked = "慢" * 40_000, "屏幕\x00闪，按键\x00松"
    with Workbook(tmp_path / "a.xlsx") as book:
        rows = book.sheet("标注结果", ["评论", "证据"])
        rows.write([long, long])
        rows.write([marked, "屏幕\x00闪；按键\x00松"])
        rows.write([long, None])  # another customer's, word for word
        tags = book.sheet("标签明细", ["证据", "评论"])
        tags.write_rows([[long, long], ["屏幕\x00闪", marked], ["按键\x00松", marked], ["好", "新\x00的"]])
    assert (book.cut, book.replaced) == (2, 2)


def test_sheets_are_written_in_turn_with_header_filter_and_widths(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        comments = book.sheet("明细", ["编号", "评论"], widths={"评论": 50})
        comments.write_rows([[1, "停电没有通知"], [2, "地库太暗"]])
        book.sheet("统计", ["码"]).write(["速度"])
    read = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert read.sheetnames == ["明细", "统计"]
    assert values_of(read["明细"]) == [["编号", "评论"], [1, "停电没有通知"], [2, "地库太暗"]]
    assert values_of(read["统计"]) == [["码"], ["速度"]]
    assert (read["明细"].freeze_panes, read["明细"].auto_filter.ref) == ("A2", "A1:B3")
    assert read["明细"]["A1"].font.bold
    assert round(read["明细"].column_dimensions["B"].width) == 51
    assert comments.rows == 2


def test_rows_beyond_the_last_go_on_in_a_following_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Workbook.data_rows == 1_048_575
    monkeypatch.setattr(Workbook, "data_rows", 3)
    with Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.sheet("明细", ["n"])
        sheet.write_rows([n] for n in range(7))
        book.sheet("后", ["m"])
    read = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert {sheet.title: values_of(sheet) for sheet in read} == {
        "明细": [["n"], [0], [1], [2]],
        "明细 (2)": [["n"], [3], [4], [5]],
        "明细 (3)": [["n"], [6]],
        "后": [["m"]],
    }
    assert sheet.rows == 7


def test_sheet_names_are_made_acceptable_and_unique(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        for name in ["a/b:c", "A_b_c", "长" * 40, "长" * 31, "", "History", "'引'"]:
            book.sheet(name, ["x"])
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == [
        "a_b_c",
        "A_b_c (2)",
        "长" * 31,
        "长" * 27 + " (2)",
        "Sheet",
        "History_",
        "引",
    ]


def test_unwritable_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the folder does not exist"):
        Workbook(tmp_path / "none" / "a.xlsx")
    with pytest.raises(OutputError, match="cannot be written"):
        Workbook(tmp_path)


def test_an_error_inside_the_block_passes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), Workbook(tmp_path / "a.xlsx") as book:
        book.sheet("s", ["a"])
        raise KeyError("mine")
