"""Reading csv, tsv and txt: delimiters, line ends, quotes, ragged rows, header cells, streaming."""

from pathlib import Path

import pyarrow as pa
import pytest

from vocnlp.delimited import DelimitedSource
from vocnlp.errors import InputError
from vocnlp.tables import Limits, open_table


def rows_of(path: Path, size: int = 4096, skip: int = 0) -> list[list[str]]:
    source = open_table(path)
    return [list(row.values()) for batch in source.batches(size, skip) for row in batch.to_pylist()]


def written(tmp_path: Path, text: str | bytes, name: str = "in.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "，"])
def test_finds_the_delimiter(tmp_path: Path, mark: str) -> None:
    lines = [["编号", "评论", "分数"], ["1", "客服耐心", "9"], ["2", f'"菜凉了{mark}还要等"', "3"]]
    path = written(tmp_path, "\n".join(mark.join(line) for line in lines))
    source = open_table(path)
    assert (source.kind, source.delimiter, source.schema.names) == ("csv", mark, ["编号", "评论", "分数"])
    assert rows_of(path) == [["1", "客服耐心", "9"], ["2", f"菜凉了{mark}还要等", "3"]]


def test_ascii_comma_wins_over_commas_inside_the_texts(tmp_path: Path) -> None:
    path = written(tmp_path, "评论，原话,分数\n包间宽敞，隔音佳,9\n一般,5\n")
    assert rows_of(path) == [["包间宽敞，隔音佳", "9"], ["一般", "5"]]


def test_tsv_is_divided_by_tabs_even_where_commas_are_as_regular(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\tc\n1,2\t3\n", "in.tsv")
    assert rows_of(path) == [["1,2", "3"]]


def test_one_column_keeps_its_commas(tmp_path: Path) -> None:
    path = written(tmp_path, "评论\n味道好,量也足\n等位太久\n;|\t，\n", "in.txt")
    assert open_table(path).delimiter == ","
    assert rows_of(path) == [["味道好,量也足"], ["等位太久"], [";|\t，"]]


def test_one_column_blank_line_is_an_empty_cell(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, '评论\n\n还行\n""\n\n')) == [[""], ["还行"], [""], [""]]


def test_line_ends_may_be_mixed(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a,b\r\n1,2\n3,4\r5,6")) == [["1", "2"], ["3", "4"], ["5", "6"]]


def test_quoted_newlines_quotes_and_nul_stay_in_the_cell(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n"第一行\r\n第二行","他说""不错"""\nx\0y,5" 屏\n')
    assert rows_of(path) == [["第一行\r\n第二行", '他说"不错"'], ["x\0y", '5" 屏']]


def test_empty_cells_stay_empty_strings(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a,b\n,\n1,\n")) == [["", ""], ["1", ""]]


def test_cells_are_never_numbers(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, "编号,分数\n007,9\n"))
    assert source.schema == pa.schema([("编号", pa.string()), ("分数", pa.string())])
    assert next(source.batches()).to_pylist() == [{"编号": "007", "分数": "9"}]


def test_blank_lines_before_the_header_and_at_the_end_are_no_rows(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "\n,\na,b\n1,2\n\n\r\n")) == [["1", "2"]]


def test_blank_line_between_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 2: a blank line between rows"):
        rows_of(written(tmp_path, "a,b\n1,2\n\n3,4\n"))


@pytest.mark.parametrize(("line", "count"), [("2,好,多,了", 4), ("2,少", 2)])
def test_ragged_row_is_named_with_its_counts(tmp_path: Path, line: str, count: int) -> None:
    path = written(tmp_path, f'编号,评论,分数\n1,"换\n行",9\n{line}\n3,行,8\n')
    with pytest.raises(InputError, match=rf"row 2: {count} cells where the header has 3 \(line 4\)") as caught:
        rows_of(path)
    assert caught.value.row == 2
    assert "quote" in caught.value.hint


def titled(path: Path) -> tuple[str | None, list[str], int, tuple[str, ...]]:
    source = open_table(path)
    assert isinstance(source, DelimitedSource)
    return source.delimiter, source.schema.names, source.header_row, source.above


def test_titles_above_the_header_are_no_data(tmp_path: Path) -> None:
    path = written(tmp_path, "六月客户反馈\n编号,评论,分数\n1,好,9\n2,差,2\n3,行,7\n4,快,8\n")
    assert titled(path) == (",", ["编号", "评论", "分数"], 2, ("六月客户反馈",))
    assert rows_of(path) == [["1", "好", "9"], ["2", "差", "2"], ["3", "行", "7"], ["4", "快", "8"]]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
@pytest.mark.parametrize("above", ["", "导出时间：2026-07-01 09:30\n", "导出人：王芳\n\n"])
def test_titles_are_skipped_in_files_of_two_columns_and_two_rows(
    tmp_path: Path, mark: str, encoding: str, above: str
) -> None:
    if encoding == "big5":
        above = above.translate(str.maketrans("导时间", "導時間"))
    text = f"客服回訪記錄\n{above}評論{mark}評分\n送貨很慢{mark}3\n師傅很有耐心{mark}10\n"
    path = written(tmp_path, text.encode(encoding))
    lines = above.splitlines()
    told = ("客服回訪記錄", *(line for line in lines if line))
    assert titled(path) == (mark, ["評論", "評分"], 2 + len(lines), told)
    assert rows_of(path) == [["送貨很慢", "3"], ["師傅很有耐心", "10"]]


@pytest.mark.parametrize("rows", ["", "很慢,3\n"])
def test_a_title_is_skipped_however_few_rows_follow(tmp_path: Path, rows: str) -> None:
    path = written(tmp_path, "客户满意度，第三季度\n评论,评分\n" + rows)
    assert titled(path) == (",", ["评论", "评分"], 2, ("客户满意度，第三季度",))
    assert rows_of(path) == [row.split(",") for row in rows.splitlines()]


def test_titles_saved_by_a_spreadsheet_have_empty_cells_behind_them(tmp_path: Path) -> None:
    path = written(tmp_path, "sep=;\n满意度调查;;\n;;\n门店;评论;评分\n城南店;灯坏了;4\n")
    assert titled(path) == (";", ["门店", "评论", "评分"], 3, ("满意度调查",))
    assert rows_of(path) == [["城南店", "灯坏了", "4"]]


def test_a_header_without_known_names_stands_behind_an_empty_line(tmp_path: Path) -> None:
    path = written(tmp_path, "巡店小结\n\n店名,片区,顾客怎么讲\n甲店,东,门口积水\n乙店,西,冷气太足\n")
    assert titled(path)[1:] == (["店名", "片区", "顾客怎么讲"], 3, ("巡店小结",))


def test_a_ragged_row_below_titles_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "回访\n导出人：李雷\n评论,评分\n很慢,3\n很快,9\n共2条\n")
    with pytest.raises(InputError, match=r"row 3: 1 cells where the header has 2 \(line 6\)"):
        rows_of(path)


def test_batches_after_skip_know_where_the_rows_below_titles_begin(tmp_path: Path) -> None:
    path = written(tmp_path, "回访\n\n评论,评分\n" + "".join(f"第{n}句,{n % 11}\n" for n in range(30)))
    assert rows_of(path, 7, 28) == [["第28句", "6"], ["第29句", "7"]]


@pytest.mark.parametrize(
    "text",
    [
        "评论\n味道好,量也足\n服务,还行\n",  # who names the comments means them
        "顾客怎么讲\n菜咸,汤淡\n下次,还来\n评价,就这样吧,不多写了\n环境可以\n灯太暗,桌子,都在晃\n",
        "顾客怎么讲\n\n菜咸,汤淡\n下次,还来\n",
    ],
)
def test_comments_a_line_stay_one_column(tmp_path: Path, text: str) -> None:
    lines = text.splitlines()
    assert titled(written(tmp_path, text)) == (",", [lines[0]], 1, ())
    assert rows_of(tmp_path / "in.csv") == [[line] for line in lines[1:]]


def test_a_header_that_cannot_be_reached_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "回访记录\n评论,评分\n很慢,3,已回\n很快,9,已回\n一般,6,未回\n还行\n"
    with pytest.raises(InputError, match="line 2 looks like the header, 评论, 评分, but other lines") as caught:
        open_table(written(tmp_path, text))
    assert caught.value.hint == "delete the lines above the header"


@pytest.mark.parametrize(
    ("text", "message"),
    [('a,b\n1,"没关上\n2,3\n', "never closed"), ('a,b\n1,"关"后\n', "expected after"), ('a,b\n"x" ,1\n', "row 1")],
)
def test_broken_quotes_are_errors(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        rows_of(written(tmp_path, text))
    assert "doubled" in caught.value.hint


def test_header_cells_get_names_and_become_unique(tmp_path: Path) -> None:
    path = written(tmp_path, "评论,,评论,列2,评论 (2), \n1,2,3,4,5,6\n")
    assert open_table(path).schema.names == ["评论", "列2 (2)", "评论 (3)", "列2", "评论 (2)", "列6"]


def test_header_only_has_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "编号,评论")
    assert open_table(path).schema.names == ["编号", "评论"]
    assert rows_of(path) == []


@pytest.mark.parametrize("content", ["\n\n", ",,\n", "\ufeff"])
def test_no_header_at_all_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="no header and no rows"):
        open_table(written(tmp_path, content))


def test_excel_separator_line_is_obeyed_and_no_row(tmp_path: Path) -> None:
    path = written(tmp_path, "sep=;\r\na;b\r\n1,5;2\r\n")
    assert rows_of(path) == [["1,5", "2"]]


def test_a_million_characters_in_a_cell_pass(tmp_path: Path) -> None:
    text = "长" * 1_000_000
    assert rows_of(written(tmp_path, f"a,b\n1,{text}\n")) == [["1", text]]


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"a\n" + b"x" * 3_000_000)
    with pytest.raises(InputError, match="a line longer than"):
        open_table(path, limits=Limits(cell_chars=1000))


@pytest.mark.parametrize("skip", [0, 1, 199, 200, 999, 1000, 1001])
def test_batches_after_skip_hold_every_remaining_row_once(tmp_path: Path, skip: int) -> None:
    path = written(tmp_path, "n,t\n" + "".join(f'{i},"评\n论{i}"\n' for i in range(1000)))
    source = open_table(path)
    batches = list(source.batches(200, skip))
    assert [batch.num_rows for batch in batches[:-1]] == [200] * (len(batches) - 1)
    assert [n for batch in batches for n in batch.column("n").to_pylist()] == [str(i) for i in range(skip, 1000)]
    assert source.position() == 1.0


def test_position_grows_with_the_bytes_read(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, "n,t\n" + "".join(f"{i},{'慢' * 50}\n" for i in range(2000))))
    shares = [source.position() for _ in source.batches(100)]
    assert shares == sorted(shares)
    assert 0.04 < shares[0] < 0.2


def test_personal_data_in_a_ragged_row_is_masked_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("评论,推荐分\n灯光太暗,3\n店员热心,9,13800001357\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(open_table(path).batches())
    assert "13800001357" not in caught.value.message
    assert "店员热心,9,电**********" in caught.value.message
