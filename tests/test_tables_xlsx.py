"""Reading xlsx: typed columns, sheets, empty rows and header cells, bombs."""

import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter

from vocnlp.errors import InputError
from vocnlp.sheets_cells import way_back
from vocnlp.sheets_merged import Merged
from vocnlp.sheets_reading import SheetSource
from vocnlp.tables import Limits, open_table


def book_of(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def rows_of(path: Path, sheet: str | None = None) -> list[list[object]]:
    return [list(row.values()) for batch in open_table(path, sheet=sheet).batches() for row in batch.to_pylist()]


def test_columns_keep_their_types(tmp_path: Path) -> None:
    path = book_of(
        tmp_path / "a.xlsx",
        数据=[
            ["评论", "整数", "小数", "时刻", "日期", "是否", "混合", "空"],
            ["收银台排队太久", 5, 5, datetime(2026, 6, 1, 8, 3), date(2026, 6, 1), True, 5, None],
            ["冷气太足", None, 0.25, date(2026, 6, 2), None, False, "九分", None],
            [None, -3, None, None, date(2026, 6, 3), None, 0.1 + 0.2, None],
            ["还可以", 7, 1, None, None, None, True, None],
        ],
    )
    source = open_table(path)
    assert (source.kind, source.sheet, source.sheets, source.rows) == ("xlsx", "数据", ("数据",), 4)
    assert source.schema == pa.schema(
        [
            ("评论", pa.string()),
            ("整数", pa.int64()),
            ("小数", pa.float64()),
            ("时刻", pa.timestamp("us")),
            ("日期", pa.date32()),
            ("是否", pa.bool_()),
            ("混合", pa.string()),
            ("空", pa.string()),
        ]
    )
    assert rows_of(path) == [
        ["收银台排队太久", 5, 5.0, datetime(2026, 6, 1, 8, 3), date(2026, 6, 1), True, "5", None],
        ["冷气太足", None, 0.25, datetime(2026, 6, 2), None, False, "九分", None],
        [None, -3, None, None, date(2026, 6, 3), None, "0.3", None],
        ["还可以", 7, 1.0, None, None, None, "TRUE", None],
    ]


def test_times_and_durations_are_shown_as_excel_shows_them(tmp_path: Path) -> None:
    path = book_of(
        tmp_path / "a.xlsx", s=[["t"], [time(3, 4)], [timedelta(hours=30, seconds=5)], [datetime(2026, 6, 1, 8)]]
    )
    assert rows_of(path) == [["03:04:00"], ["30:00:05"], ["2026-06-01 08:00:00"]]


def test_empty_rows_lead_and_trail_but_stay_inside(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        rows = [[], [" "], ["评论", "分"], ["好", 1], [], ["差", 2], [], [" "]]
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        sheet.write_string(20, 1, "")
    assert rows_of(tmp_path / "a.xlsx") == [["好", 1], [None, None], ["差", 2], [None, None], [" ", None]]


def test_header_cells_get_names_and_table_may_start_anywhere(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for place, value in {"C4": "评论", "E4": "评论", "C5": "快", "D5": 8, "F5": "x"}.items():
        sheet[place] = value
    sheet.merge_cells("C4:D4")
    book.save(tmp_path / "a.xlsx")
    source = open_table(tmp_path / "a.xlsx")
    assert source.schema.names == ["评论", "列2", "评论 (2)", "列4"]
    assert rows_of(tmp_path / "a.xlsx") == [["快", 8, None, "x"]]


def test_header_of_numbers_and_dates_is_text(tmp_path: Path) -> None:
    path = book_of(tmp_path / "a.xlsx", s=[[1, 2.5, date(2026, 6, 1)], ["a", "b", "c"]])
    assert open_table(path).schema.names == ["1", "2.5", "2026-06-01"]


def test_default_sheet_is_the_first_visible_one_with_rows(tmp_path: Path) -> None:
    path = book_of(tmp_path / "a.xlsx", 空=[], 表头=[["评论"]], 藏=[["评论"], ["旧"]], 数据=[["评论"], ["新"]])
    book = openpyxl.load_workbook(path)
    book["藏"].sheet_state = "hidden"
    book.save(path)
    source = open_table(path)
    assert (source.sheet, source.sheets) == ("数据", ("空", "表头", "藏", "数据"))
    assert rows_of(path) == [["新"]]
    assert rows_of(path, "藏") == [["旧"]]


def test_header_only_sheet_has_no_rows(tmp_path: Path) -> None:
    source = open_table(book_of(tmp_path / "a.xlsx", 空=[], 表头=[["评论", "分"]]))
    assert (source.sheet, source.rows, source.schema.names) == ("表头", 0, ["评论", "分"])
    assert list(source.batches()) == []


def test_unknown_empty_and_missing_sheets_are_named(tmp_path: Path) -> None:
    path = book_of(tmp_path / "a.xlsx", 六月=[["评论"], ["好"]], 空=[])
    with pytest.raises(InputError, match="no such sheet") as caught:
        open_table(path, sheet="七月")
    assert caught.value.hint == "its sheets: 六月, 空"
    with pytest.raises(InputError, match="the sheet '空' is empty"):
        open_table(path, sheet="空")
    with pytest.raises(InputError, match="all sheets are empty"):
        open_table(book_of(tmp_path / "b.xlsx", 空=[]))
    charts = openpyxl.Workbook()
    charts.create_chartsheet("图")
    charts.remove(charts.active)
    charts.save(tmp_path / "c.xlsx")
    with pytest.raises(InputError, match="no sheets of cells"):
        open_table(tmp_path / "c.xlsx")


def test_batches_after_skip_hold_every_remaining_row_once(tmp_path: Path) -> None:
    source = open_table(book_of(tmp_path / "a.xlsx", s=[["n"], *([n] for n in range(50))]))
    for skip in (0, 1, 7, 49, 50, 51):
        batches = list(source.batches(7, skip))
        assert [n for batch in batches for n in batch.column("n").to_pylist()] == list(range(skip, 50))
        assert source.position() == 1.0
    shares = [source.position() for _ in source.batches(10)]
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]


def test_workbook_that_unpacks_too_far_is_refused(tmp_path: Path) -> None:
    path = book_of(tmp_path / "a.xlsx", s=[["评论"], ["好" * 30_000]])
    with pytest.raises(InputError, match="unpacks to more than 20,000 bytes"):
        open_table(path, limits=Limits(unpacked_bytes=20_000))


def test_a_zip_directory_that_lies_about_sizes_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x" * 1_000_000)
    content = path.read_bytes()
    assert content.count((1_000_000).to_bytes(4, "little")) == 2
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(InputError, match="unpacks to more than 500,000 bytes"):
        open_table(path, limits=Limits(unpacked_bytes=500_000))


def test_a_stray_cell_in_the_far_corner_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "评论"
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="reaches to row 1,048,576, column 16,384") as caught:
        open_table(tmp_path / "a.xlsx")
    assert "new one" in caught.value.hint


def test_a_comment_that_looks_like_a_cell_place_is_only_text(tmp_path: Path) -> None:
    text = '<c r="XFD1048576"> r="XFD1048576"'
    assert rows_of(book_of(tmp_path / "a.xlsx", s=[["评论"], [text]])) == [[text]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'r="A2"', b'r="A999999999999999999999"', "more than 64,000,000 cells"),
        (b'r="A2"', b'custom="1"  r = "XFD1048576"', "column 16,384"),
        (b'<row r="2"', b'<row r="4294967295"', "row 4,294,967,295"),
        (b"<v>5</v>", b"<v>999999999999</v>", "impossible value"),
    ],
)
def test_places_and_values_beyond_any_sheet_are_refused(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    made = book_of(tmp_path / "made.xlsx", s=[["评论"], [timedelta(days=5)]])
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            assert name != part or content.count(old) == 1
            target.writestr(name, content.replace(old, new) if name == part else content)
    with pytest.raises(InputError, match=message):
        open_table(tmp_path / "a.xlsx")


def test_a_formula_without_a_saved_value_keeps_its_text(tmp_path: Path) -> None:
    path = book_of(
        tmp_path / "a.xlsx",
        s=[["评论", "金额"], ["=太差了，退钱 & <b>", 7], ["好", "=B2*2"], [None, None], ["=SUM(B2:B3)", "=B2"]],
    )
    assert rows_of(path) == [
        ["=太差了，退钱 & <b>", "7"],
        ["好", "=B2*2"],
        [None, None],
        ["=SUM(B2:B3)", "=B2"],
    ]


def test_a_formula_with_a_saved_value_gives_that_value(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["评论", "分"])
        for number, value in enumerate(["很好", "#N/A", "#NAME?"], 1):
            sheet.write_formula(number, 0, "=太差了", None, value)
            sheet.write_formula(number, 1, "=1+1", None, 2)
    assert rows_of(tmp_path / "a.xlsx") == [["很好", 2], [None, 2], ["=太差了", 2]]
    made = book_of(tmp_path / "made.xlsx", s=[["评论", "分"], ["=T(B9)", 1]])
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as target:
        for name in source.namelist():  # as Excel saves a formula whose value is the empty text
            target.writestr(name, source.read(name).replace(b'<c r="A2">', b'<c r="A2" t="str">'))
    assert rows_of(tmp_path / "b.xlsx") == [[None, 1]]


def with_prefix(content: bytes, prefix: bytes) -> bytes:
    for name in (b"worksheet", b"sheetData", b"row", b"c", b"f", b"v", b"is", b"t"):
        for end in (b">", b" ", b"/"):
            content = content.replace(b"<" + name + end, b"<" + prefix + b":" + name + end)
        content = content.replace(b"</" + name + b">", b"</" + prefix + b":" + name + b">")
    return content.replace(b"xmlns=", b"xmlns:" + prefix + b"=")


def test_formulas_are_found_at_the_edge_of_a_chunk_and_under_any_prefix(tmp_path: Path) -> None:
    for length in range(9_985, 10_020, 5):  # the formula's cell lies across the end of the first MiB
        rows = [["评论"], *([["好" * 100]] * 2000), ["=" + "慢" * length], *([["好" * 1000]] * 300), ["=退钱"]]
        path = book_of(tmp_path / "a.xlsx", s=rows)
        assert rows_of(path) == [[row[0]] for row in rows[1:]]
    made = book_of(tmp_path / "made.xlsx", s=[["评论"], ["=退钱"], ["好"]])
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, with_prefix(content, b"x") if "worksheets" in name else content)
    assert rows_of(tmp_path / "b.xlsx") == [["=退钱"], ["好"]]


def test_titles_above_the_header_are_no_data_and_row_numbers_stay_those_of_excel(tmp_path: Path) -> None:
    rows = [[], ["滿意度調查 2026年第一季"], ["匯出時間：2026-04-01"], [], ["評論", "NPS"], ["送貨好慢", 2]]
    source = open_table(book_of(tmp_path / "a.xlsx", s=rows))
    assert isinstance(source, SheetSource)
    assert (source.header_row, source.above) == (5, ("滿意度調查 2026年第一季", "匯出時間：2026-04-01"))
    assert (source.schema.names, source.rows) == (["評論", "NPS"], 1)
    assert rows_of(source.path) == [["送貨好慢", 2]]


@pytest.mark.parametrize(
    "rows",
    [
        [["评论"], ["排队太久", "已回访"]],  # who names the comments means them
        [["您有什么建议？"], ["排队太久", 3]],
        [["您有什么建议？"], ["排队太久", "已回访"]],
        [["您有什么建议？"], [None], ["排队太久", "排队太久"]],
        [["门店意见"], *([["排队太久"]] * 12), ["评论", "NPS"]],
    ],
)
def test_the_first_row_stays_the_header_where_what_follows_is_none(
    tmp_path: Path, rows: Sequence[Sequence[object]]
) -> None:
    source = open_table(book_of(tmp_path / "a.xlsx", s=rows))
    assert isinstance(source, SheetSource)
    assert (source.header_row, source.above, source.schema.names[0]) == (1, (), rows[0][0])


def merged_book(path: Path) -> Path:
    """A title, a header in row 3 from column B on, and five rows; 渠道 is merged over rows 4-6 and 7-8, 评论 over 4-5."""
    rows = [["门店回访"], [], ["渠道", "评论", "评分"], ["热线", "坐等一小时", 2], [None, None, 3], [None, "很快", 9],
            ["官网", "找不到入口", 4], [None, "好用", 10]]  # fmt: skip
    book = openpyxl.load_workbook(book_of(path, s=[[None, *row] for row in rows]))
    for cells in ("B1:D1", "B4:B6", "B7:B8", "C4:C5"):
        book["s"].merge_cells(cells)
    book.save(path)
    return path


def test_merged_cells_are_known_and_give_their_value_to_each_row_of_the_columns_asked_for(tmp_path: Path) -> None:
    source = open_table(merged_book(tmp_path / "a.xlsx"))
    assert isinstance(source, SheetSource)
    assert source.merged == (Merged("渠道", 4, 6), Merged("评论", 4, 5), Merged("渠道", 7, 8))
    assert [row["渠道"] for row in next(source.batches()).to_pylist()] == ["热线", None, None, "官网", None]
    source.fill(["渠道"])
    cells = [list(row.values()) for batch in source.batches(2) for row in batch.to_pylist()]
    assert cells == [
        ["热线", "坐等一小时", 2],
        ["热线", None, 3],
        ["热线", "很快", 9],
        ["官网", "找不到入口", 4],
        ["官网", "好用", 10],
    ]
    assert [list(row.values()) for row in next(source.batches(2, skip=1)).to_pylist()] == cells[1:3]


def test_cells_of_a_mixed_column_find_the_way_back(tmp_path: Path) -> None:
    cells = [3, "九分", 10, "11", 0.5, True, "007", "1e3", date(2026, 1, 2), datetime(2026, 1, 3, 10, 5), time(9, 30)]
    cells += ["TRUE", 1 / 3, "2026/1/2"]
    source = open_table(book_of(tmp_path / "a.xlsx", s=[["评论", "混合"], *(["好", cell] for cell in cells)]))
    way = way_back(source.schema.field("混合"))
    assert way is not None and way_back(source.schema.field("评论")) is None
    texts = [row["混合"] for batch in source.batches() for row in batch.to_pylist()]
    back = [way(text) for text in texts]
    # "TRUE" stands there as a text, too, so both stay texts; Excel shows fifteen digits.
    assert back == [*cells[:5], "TRUE", *cells[6:12], 0.333333333333333, "2026/1/2"]
    assert [type(cell) for cell in back[:3]] == [float, str, float]
