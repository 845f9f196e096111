"""Labelled files: jsonl, long and wide tables; labels that are sentiments or codes; splits that keep twins together."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.labelled import (
    GoldTag,
    Labelled,
    frame_of,
    in_frame,
    part_of,
    parts_of,
    read_file,
    read_labelled,
    split,
)


def jsonl(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_jsonl_gives_tags_with_spans_and_unjudged_polarity(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl",
        {
            "id": "x",
            "text": "座椅硬，颠得腰疼",
            "tags": [{"code": "舒适", "polarity": "negative", "start": 0, "end": 3}],
        },
        {"text": "问问几点关门", "tags": [{"code": "营业", "polarity": None}]},
    )
    assert read_labelled(path) == [
        Labelled("x", "座椅硬，颠得腰疼", (GoldTag("舒适", "negative", 0, 3),), source="a"),
        Labelled("2", "问问几点关门", (GoldTag("营业", None),), source="a"),
    ]


def test_a_label_is_a_sentiment_or_else_a_code(tmp_path: Path) -> None:
    moods = jsonl(tmp_path / "m.jsonl", {"text": "值", "label": "positive"}, {"text": "坑", "label": "负面"})
    assert [(row.sentiment, row.two_class, row.tags) for row in read_labelled(moods)] == [
        ("positive", True, ()),
        ("negative", True, ()),
    ]
    topics = jsonl(
        tmp_path / "t.jsonl", {"text": "怎么改地址", "label": "改地址"}, {"text": "能开票吗", "label": "发票"}
    )
    rows = read_labelled(topics)
    assert [row.tags for row in rows] == [(GoldTag("改地址", None),), (GoldTag("发票", None),)]
    frame = frame_of(rows)
    assert (frame.exclusive, [code.id for code in frame.codes]) == (True, ["发票", "改地址"])


def test_a_set_that_knows_neutral_is_not_two_class(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "m.jsonl", {"text": "好", "label": "positive"}, {"text": "周二到的", "label": "neutral"})
    assert [row.two_class for row in read_labelled(path)] == [False, False]


def test_long_table_has_one_row_a_tag(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(
        "id,text,code,polarity\n1,快递慢但包装严实,物流,负面\n1,快递慢但包装严实,包装,正面\n2,没啥,,\n",
        encoding="utf-8",
    )
    assert [(row.id, row.tags) for row in read_labelled(path)] == [
        ("1", (GoldTag("物流", "negative"), GoldTag("包装", "positive"))),
        ("2", ()),
    ]


def test_wide_table_has_one_column_a_code(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    book = openpyxl.Workbook()
    for row in (["评论", "物流", "口味"], ["送来都凉了", "负面", None], ["汤很鲜", None, "正面"]):
        book.active.append(row)
    book.save(path)
    assert [row.tags for row in read_labelled(path)] == [(GoldTag("物流", "negative"),), (GoldTag("口味", "positive"),)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "好"\n', "row 1"),
        ('{"text": "好", "label": "positive"}\n{"id": 3}\n', "row 2"),
        ('{"text": 5, "tags": []}\n', "not a string"),
        ('{"text": "好", "tags": [{"polarity": "positive"}]}\n', "without a code"),
        ('{"text": "好", "tags": [{"code": "a", "polarity": "great"}]}\n', "'great'"),
        ('{"text": "好"}\n', "no row carries a label"),
        ("\n", "no labelled row"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_unknown_codes_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    frame = Codeframe.from_labels(["Logistics"])
    with pytest.raises(InputError) as caught:
        in_frame([Labelled("1", "慢", (GoldTag("logistics", "negative"),))], frame, path="d.jsonl")
    assert "logistics" in str(caught.value)
    assert caught.value.hint == "did you mean 'Logistics'?"


def test_twins_never_cross_the_split() -> None:
    twins = ["這家店真的很貼心！！", "这家店真的很贴心!!!!", "这家店 真的很贴心"]
    assert len({part_of(text) for text in twins}) == 1
    rows = [Labelled(str(n), f"第{n}次来，换了{n}种做法") for n in range(300)]
    train, dev = split(rows)
    assert sorted(int(row.id) for row in train + dev) == list(range(300))
    assert 10 <= len(dev) <= 60
    assert all(row.held_out for row in dev)
    assert parts_of(twins) == [part_of(text) for text in twins]


def sheet(path: Path, *rows: list[object], first: int = 1) -> Path:
    """A workbook whose table begins in row ``first``."""
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, first):
        for column, cell in enumerate(row, 1):
            book.active.cell(number, column, cell)
    book.save(path)
    return path


def test_rows_are_counted_as_the_sheet_shows_them(tmp_path: Path) -> None:
    path = sheet(tmp_path / "w.xlsx", ["评论", "物流"], ["送得快", "正面"], [None, None], ["半路洒了", "负面"], first=3)
    assert [(row.text, row.row) for row in read_labelled(path)] == [("送得快", 4), ("半路洒了", 6)]
    csv = tmp_path / "w.csv"
    csv.write_text("评论,物流\n送得快,正面\n半路洒了,负面\n", encoding="utf-8")
    assert [row.row for row in read_labelled(csv)] == [2, 3]


def test_all_cells_that_hold_no_polarity_are_named_at_once(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "w.xlsx",
        ["评论", "物流", "口味"],
        ["慢", "负面", None],
        ["快", "很棒", None],
        ["咸", None, "负面"],
        ["甜", None, "太甜"],
    )
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    told = str(caught.value)
    assert "row 3, column '物流': not a polarity; 1 more: row 5 '太甜' (value: '很棒')" in told
    assert "正面" in caught.value.hint


def test_a_wide_table_of_ticks_says_there_and_not_there(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "w.xlsx", ["评论", "物流", "口味"], ["慢慢吞吞", 1, 0], ["又咸又油", 0, 1], ["洒了还难吃", 1, 1]
    )
    assert [row.tags for row in read_labelled(path)] == [
        (GoldTag("物流", None),),
        (GoldTag("口味", None),),
        (GoldTag("物流", None), GoldTag("口味", None)),
    ]


def test_numbers_from_minus_two_to_one_are_polarities(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "w.xlsx", ["评论", "物流", "口味"], ["慢慢吞吞", -1, -2], ["口味还行", -2, 0], ["快", 1, -2]
    )
    assert [row.tags for row in read_labelled(path)] == [
        (GoldTag("物流", "negative"),),
        (GoldTag("口味", "neutral"),),
        (GoldTag("物流", "positive"),),
    ]


def test_columns_without_a_polarity_are_no_codes_and_are_named(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "w.xlsx",
        ["编号", "评论", "渠道", "备注", "物流"],
        ["a1", "送错楼了", "小程序", "已回访", "负面"],
        ["a2", "半小时就到", "电话", None, "正面"],
    )
    read = read_file(path)
    assert [(row.id, row.tags) for row in read.rows] == [
        ("a1", (GoldTag("物流", "negative"),)),
        ("a2", (GoldTag("物流", "positive"),)),
    ]
    assert read.left == ("渠道", "备注")


def test_a_column_named_like_a_code_of_the_frame_is_one_whatever_it_holds(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "w.xlsx", ["评论", "备注", "物流"], ["送错楼了", "待定", "负面"], ["半小时就到", None, "正面"]
    )
    with pytest.raises(InputError, match="row 2, column '备注': not a polarity"):
        read_file(path, Codeframe.from_labels(["备注", "物流"]))


def test_a_long_table_may_have_the_sentiment_of_the_whole_beside_the_polarity(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "l.xlsx",
        ["编号", "评论", "标签", "极性", "整体情感"],
        [1, "快递慢，东西倒是好", "物流", "负面", "中性"],
        [1, "快递慢，东西倒是好", "质量", "正面", "中性"],
        [2, "路过看看", None, None, "中性"],
    )
    assert [(row.id, row.tags, row.sentiment, row.row) for row in read_labelled(path)] == [
        ("1", (GoldTag("物流", "negative"), GoldTag("质量", "positive")), "neutral", 2),
        ("2", (), "neutral", 4),
    ]


def test_one_id_with_two_texts_is_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path / "l.xlsx", ["编号", "评论", "标签"], [1, "慢", "物流"], [1, "咸", "口味"])
    with pytest.raises(InputError, match="row 3: the id '1' has another text in row 2"):
        read_labelled(path)


def test_all_unknown_codes_are_counted_and_the_first_is_placed() -> None:
    rows = [
        Labelled(str(n), "慢", (GoldTag(code, None),), row=n) for n, code in ((4, "物 流"), (7, "配送"), (9, "物流"))
    ]
    with pytest.raises(InputError) as caught:
        in_frame(rows, Codeframe.from_labels(["物流", "口味"]), path="d.csv")
    assert str(caught.value) == (
        "d.csv, row 4, column 'code': the codeframe from-data has no such code, nor 1 more ('配送') (value: '物 流')"
    )
