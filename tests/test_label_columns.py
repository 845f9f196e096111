"""Which columns of labelled tables are read as what: Traditional headers, numbered tags, ticks or polarities, columns that are no codes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.labelled import GoldTag, Labelled, read_file, read_labelled
from vocnlp.training.own_recipe import OwnRecipe
from vocnlp.training.preparing import prepare

TEXTS = (
    "窗帘短了一截",
    "师傅量得很准",
    "布料有股霉味",
    "安装只用了一刻钟",
    "颜色跟图上一样",
    "轨道拉起来卡",
    "改单三次才改对",
    "送了两个挂钩",
)


def table(path: Path, *rows: list[object]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def tags(rows: list[Labelled]) -> list[list[tuple[str, str | None]]]:
    return [[(tag.code, tag.polarity) for tag in row.tags] for row in rows]


def test_traditional_headers_and_words_read_as_simplified_ones(tmp_path: Path) -> None:
    path = table(
        tmp_path / "l.csv",
        ["編號", "評論", "標籤", "極性", "整體情感"],
        [1, "窗簾短了一截", "尺寸", "負面", "負面"],
        [2, "師傅量得很準", "師傅", "正面", "滿意"],
        [3, "布料厚，就是有霉味", "布料", "褒貶不一", ""],
    )
    rows = read_labelled(path)
    assert tags(rows) == [[("尺寸", "negative")], [("師傅", "positive")], [("布料", "mixed")]]
    assert [(row.id, row.sentiment) for row in rows] == [("1", "negative"), ("2", "positive"), ("3", None)]


def test_a_wide_table_may_be_traditional_too(tmp_path: Path) -> None:
    path = table(tmp_path / "w.csv", ["評論", "師傅", "布料"], [TEXTS[1], "滿意", "無"], [TEXTS[2], "無", "負面"])
    assert tags(read_labelled(path)) == [[("師傅", "positive")], [("布料", "negative")]]


def test_numbered_columns_hold_several_tags_a_row(tmp_path: Path) -> None:
    head = ["编号", "评论", "标签1", "极性1", "标签2", "极性2"]
    path = table(
        tmp_path / "l.csv",
        head,
        [1, "布料厚，轨道卡", "布料", "正面", "轨道", "负面"],
        [2, "尺寸对", "尺寸", "中性", "", ""],
    )
    read = read_file(path)
    assert tags(list(read.rows)) == [[("布料", "positive"), ("轨道", "negative")], [("尺寸", "neutral")]]
    assert (read.left, read.column) == ((), "标签1")
    path = table(
        tmp_path / "t.csv", ["评论", "标签1", "标签2"], ["布料厚，轨道卡", "布料", "轨道"], ["尺寸对", "尺寸", ""]
    )
    assert tags(read_labelled(path)) == [[("布料", None), ("轨道", None)], [("尺寸", None)]]


def test_a_column_of_polarities_is_never_a_code(tmp_path: Path) -> None:
    path = table(
        tmp_path / "w.csv",
        ["评论", "布料", "極性", "极性2"],
        [TEXTS[2], "负面", "负面", ""],
        [TEXTS[4], "", "", "正面"],
    )
    read = read_file(path)
    assert tags(list(read.rows)) == [[("布料", "negative")], []]
    assert read.left == ("極性", "极性2")


def test_beside_minus_two_a_nought_is_neutral(tmp_path: Path) -> None:
    path = table(tmp_path / "w.csv", ["评论", "尺寸", "师傅"], [TEXTS[1], -2, 1], [TEXTS[3], 0, -2], [TEXTS[4], 0, 0])
    read = read_file(path)
    assert tags(list(read.rows)) == [
        [("师傅", "positive")],
        [("尺寸", "neutral")],
        [("尺寸", "neutral"), ("师傅", "neutral")],
    ]
    assert not read.ticked


def test_ones_and_noughts_alone_are_ticks_and_the_look_at_the_data_says_so(tmp_path: Path) -> None:
    lines = [[text, int(n % 2 == 0), int(n % 2)] for n, text in enumerate(TEXTS)]
    checked = prepare(OwnRecipe(table(tmp_path / "w.csv", ["评论", "布料", "师傅"], *lines), dev_parts=0)).checked
    told = {one.kind: (one.severity, one.message, one.hint) for one in checked.findings}
    assert told["ticked"] == (
        "note",
        "1 and 0 were read as there and not there, without a polarity",
        "are they positive and neutral? write the words",
    )
    lines = [[text, "√" if n % 2 else "", "" if n % 2 else "√"] for n, text in enumerate(TEXTS)]
    checked = prepare(OwnRecipe(table(tmp_path / "t.csv", ["评论", "布料", "师傅"], *lines), dev_parts=0)).checked
    assert "ticked" not in {one.kind for one in checked.findings}


def test_columns_that_are_no_codes_by_cells_or_name_are_left_out_and_named(tmp_path: Path) -> None:
    advice = ["无", "没有", "多送几个挂钩", "早点打电话", "无", "无", "便宜些", "无"]
    lines = [
        [text, ("正面", "负面")[n % 2], n % 4 + 1, "是" if n % 3 else "否", advice[n]] for n, text in enumerate(TEXTS)
    ]
    read = read_file(table(tmp_path / "w.csv", ["评论", "师傅", "购买次数", "是否会员", "其他建议"], *lines))
    assert {code for row in tags(list(read.rows)) for code, _ in row} == {"师傅"}
    assert read.left == ("购买次数", "是否会员", "其他建议")


def test_a_column_with_slips_of_the_pen_is_still_a_code_and_refused_with_a_way_out(tmp_path: Path) -> None:
    slips = {3: "很准", 7: "太慢", 11: "还成", 15: "赞赞"}
    lines = [[f"{text}，第{n}单", slips.get(n, "正面")] for n, text in enumerate(TEXTS * 5)]
    with pytest.raises(InputError) as caught:
        read_labelled(table(tmp_path / "w.csv", ["评论", "师傅"], *lines))
    assert str(caught.value) == (
        f"{tmp_path / 'w.csv'}, row 5, column '师傅': not a polarity; 3 more: row 9 '太慢'; row 13 '还成'; row 17 '赞赞'"
        " (value: '很准')"
    )
    assert caught.value.hint == (
        "use positive, neutral, negative, mixed, or 正面, 中性, 负面; is the column no code? take it out"
    )


def test_what_the_frame_calls_a_code_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    path = table(tmp_path / "w.csv", ["评论", "退货次数", "师傅"], ["退了两回才对", "负面", ""], [TEXTS[1], "", "正面"])
    assert tags(read_labelled(path, Codeframe.from_labels(["退货次数"]))) == [
        [("退货次数", "negative")],
        [("师傅", "positive")],
    ]


def test_offsets_need_both_columns_and_the_one_that_is_there_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "l.csv", ["评论", "标签", "start"], [TEXTS[0], "尺寸", ""], [TEXTS[5], "轨道", 0])
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    assert str(caught.value) == (
        f"{path}, row 3, column 'start': one offset without the other: there is no column 'end' (value: '0')"
    )


def test_a_text_may_stand_in_a_later_row_of_its_comment(tmp_path: Path) -> None:
    head = ["编号", "评论", "标签", "start", "end"]
    lines = [[1, "", "布料", 0, 2], [1, "布料厚，轨道卡", "轨道", 4, 6]]
    (row,) = read_labelled(table(tmp_path / "l.csv", head, *lines))
    assert (row.text, row.tags, row.row) == (
        "布料厚，轨道卡",
        (GoldTag("布料", None, 0, 2), GoldTag("轨道", None, 4, 6)),
        2,
    )
    with pytest.raises(InputError) as caught:
        read_labelled(table(tmp_path / "m.csv", head, *lines, [1, "轨道卡", "轨道", "", ""]))
    assert str(caught.value) == f"{tmp_path / 'm.csv'}, row 4: the id '1' has another text in row 3"
