"""Labelled files as people save them: merged cells, sentiments in numbers, offsets, labels beside sentiments."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.labelled import GoldTag, frame_of, in_frame, read_labelled

HEAD = ["编号", "评论", "标签", "极性", "整体情感"]
SENTIMENTS = "use positive, neutral, negative, mixed, or 正面, 中性, 负面; a column or key that holds something else needs another name"  # fmt: skip
OFFSETS = "start counts the characters before the marked words, end those up to their last; or leave both empty"


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, *rows: list[Any]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def sheet(path: Path, *rows: list[Any], merged: tuple[str, ...] = (), at: tuple[int, int] = (1, 1)) -> Path:
    """A workbook whose header begins ``at`` a row and a column, with merged ranges."""
    book = openpyxl.Workbook()
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            book.active.cell(at[0] + number, at[1] + column, cell)
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(path)
    return path


def refusal(path: Path) -> tuple[str, str]:
    """What reading a file is refused with: the message without the path, and the hint."""
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    return str(caught.value).removeprefix(f"{path}, "), caught.value.hint


def test_cells_merged_over_the_rows_of_a_comment_count_in_each(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "l.xlsx",
        HEAD[:4],
        [1, "粥凉透了，骑手倒是客气", "口味", "负面"],
        [None, None, "骑手", "正面"],
        [2, "停车要绕三圈", "停车", "负面"],
        [3, "牛奶过期，客服也不回", "质量", "负面"],
        [None, None, "客服", None],
        merged=("C5:C6", "D5:D6", "C8:C9", "D8:D9", "F8:F9"),
        at=(4, 3),
    )
    assert [(row.id, row.text, row.tags, row.row) for row in read_labelled(path)] == [
        ("1", "粥凉透了，骑手倒是客气", (GoldTag("口味", "negative"), GoldTag("骑手", "positive")), 5),
        ("2", "停车要绕三圈", (GoldTag("停车", "negative"),), 7),
        ("3", "牛奶过期，客服也不回", (GoldTag("质量", "negative"), GoldTag("客服", "negative")), 8),
    ]


def test_a_text_merged_over_its_rows_needs_no_id(tmp_path: Path) -> None:
    rows = [["评论", "标签"], ["灯太暗，桌子还晃", "环境"], [None, "家具"], ["上菜快", "速度"]]
    path = sheet(tmp_path / "l.xlsx", *rows, merged=("A2:A3",))
    assert [[tag.code for tag in row.tags] for row in read_labelled(path)] == [["环境", "家具"], ["速度"]]


def test_blank_cells_that_are_not_merged_are_refused_with_their_rows(tmp_path: Path) -> None:
    rows = [["评论", "标签"], ["灯太暗，桌子还晃", "环境"], ["", "家具"], ["", "气味"], ["上菜快", "速度"]]
    told = "row 3, column '评论': empty, so nothing says of which comment this row speaks; 1 more: row 4"
    for path in (table(tmp_path / "l.csv", *rows), sheet(tmp_path / "l.xlsx", *rows)):
        assert refusal(path) == (told, "merged cells? fill the cell down")
    path = table(tmp_path / "i.csv", HEAD[:3], [1, "灯太暗", "环境"], ["", "灯太暗", "气味"])
    assert refusal(path)[0] == "row 3, column '编号': empty, so nothing says of which comment this row speaks"


def test_an_id_that_is_filled_down_says_whose_tag_it_is(tmp_path: Path) -> None:
    path = table(tmp_path / "l.csv", HEAD[:3], [1, "灯太暗，桌子还晃", "环境"], [1, "", "家具"], ["", "", ""])
    assert [(row.text, len(row.tags)) for row in read_labelled(path)] == [("灯太暗，桌子还晃", 2)]


def test_sentiments_in_numbers_read_the_same_in_every_kind_of_file(tmp_path: Path) -> None:
    rows = [[1, "门把手掉漆", "质量", "负面", -1], [2, "换货很痛快", "售后", "正面", 1], [3, "周四到的", None, None, 0]]
    lines = [{"text": text, "tags": [{"code": code}] if code else [], "sentiment": mood} for _, text, code, _, mood in rows]  # fmt: skip
    for path in (
        sheet(tmp_path / "l.xlsx", HEAD, *rows),
        table(tmp_path / "l.csv", HEAD, *rows),
        jsonl(tmp_path / "l.jsonl", *lines),
        sheet(tmp_path / "w.xlsx", ["评论", "质量", "整体情感"], *[[row[1], row[3], row[4]] for row in rows]),
    ):
        assert [row.sentiment for row in read_labelled(path)] == ["negative", "positive", "neutral"], path.name


def test_the_sentiment_of_a_comment_may_stand_in_any_of_its_rows(tmp_path: Path) -> None:
    text = "门把手掉漆，换货倒痛快"
    rows = [[1, text, "质量", "负面", ""], [1, text, "售后", "正面", "负面"], [2, "周四到的", "", "", "中性"]]
    assert [row.sentiment for row in read_labelled(table(tmp_path / "l.csv", HEAD, *rows))] == ["negative", "neutral"]
    rows[0][-1] = "-1"  # the same in another word
    assert [row.sentiment for row in read_labelled(table(tmp_path / "l.csv", HEAD, *rows))] == ["negative", "neutral"]
    rows[0][-1] = "正面"
    assert refusal(table(tmp_path / "l.csv", HEAD, *rows)) == (
        "row 3, column '整体情感': a comment has one sentiment, and '正面' stands in row 2 (value: '负面')",
        "decide which is right",
    )


def test_words_that_are_no_sentiment_are_refused_all_at_once(tmp_path: Path) -> None:
    moods = ["positive", "postive", None, "很好"]
    lines = [{"text": f"第{n}回来买", "tags": [{"code": "回购"}], "sentiment": mood} for n, mood in enumerate(moods)]
    told = "row 2, column 'sentiment': not a sentiment; 1 more: row 4 '很好' (value: 'postive')"
    assert refusal(jsonl(tmp_path / "s.jsonl", *lines)) == (told, SENTIMENTS)
    rows = [[n, f"第{n}回来买", "回购", "正面", mood] for n, mood in enumerate(moods)]
    told = "row 3, column '整体情感': not a sentiment; 1 more: row 5 '很好' (value: 'postive')"
    assert refusal(table(tmp_path / "l.csv", HEAD, *rows)) == (told, SENTIMENTS)
    wide = [[row[1], row[3], row[4]] for row in rows]
    assert refusal(sheet(tmp_path / "w.xlsx", ["评论", "回购", "整体情感"], *wide)) == (told, SENTIMENTS)


def test_a_mixed_sentiment_is_not_judged_and_no_code(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "m.jsonl",
        {"text": "菜好服务差", "sentiment": "褒贬不一"},
        {"text": "说不清", "label": "mixed", "tags": [{"code": "其他"}]},
    )
    assert [(row.tags, row.sentiment, row.annotated) for row in read_labelled(path)] == [
        ((), None, frozenset()),  # as beside any other sentiment, nobody looked for codes
        ((GoldTag("其他", None),), None, None),
    ]


def test_a_label_that_is_a_code_stands_beside_the_sentiment(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "s.jsonl",
        {"text": "等了俩钟头", "label": "等位", "sentiment": "negative"},
        {"text": "送来还热着", "label": "配送", "sentiment": None},
        {"text": "汤底很鲜", "label": "positive", "tags": [{"code": "口味", "polarity": "positive"}]},
        {"text": "隔壁太吵", "label": "环境", "sentiment": float("nan"), "tags": [{"code": "噪音"}, {"code": "环境"}]},
    )
    assert [([tag.code for tag in row.tags], row.sentiment) for row in read_labelled(path)] == [
        (["等位"], "negative"),
        (["配送"], None),
        (["口味"], "positive"),
        (["噪音", "环境"], None),
    ]
    wide = sheet(tmp_path / "w.xlsx", ["评论", "label", "整体情感"], ["等了俩钟头", "等位", "负面"], ["鲜", "口味", 1])
    assert [([tag.code for tag in row.tags], row.sentiment) for row in read_labelled(wide)] == [
        (["等位"], "negative"),
        (["口味"], "positive"),
    ]


def test_a_label_and_a_sentiment_that_differ_are_refused(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "s.jsonl", {"text": "汤底很鲜", "label": "负面", "sentiment": "positive"})
    told = "row 1, column 'label': a comment has one sentiment, and 'positive' stands in row 1, column 'sentiment' (value: '负面')"  # fmt: skip
    assert refusal(path) == (told, "decide which is right")
    path = jsonl(tmp_path / "s.jsonl", {"text": "汤底很鲜", "label": True})
    assert refusal(path)[0] == "row 1, column 'label': neither a sentiment nor a code (value: 'True')"


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (900, 950, "column 'start': beyond the text, which has 6 characters (value: '900')"),
        (0, 7, "column 'end': beyond the text, which has 6 characters (value: '7')"),
        (0, "9" * 5000, f"column 'end': beyond the text, which has 6 characters (value: '{'9' * 80}')"),
        (-5, -1, "column 'start': not an offset (value: '-5')"),
        (0, "两", "column 'end': not an offset (value: '两')"),
        (1.5, 3, "column 'start': not an offset (value: '1.5')"),
        (5, 2, "column 'end': the marked words end before they begin: start is 5 (value: '2')"),
        (2, 2, "column 'end': the marked words end before they begin: start is 2 (value: '2')"),
        (2, None, "column 'end': one offset without the other (value: '')"),
    ],
)
def test_offsets_that_mark_no_words_of_the_text_are_refused(tmp_path: Path, start: Any, end: Any, told: str) -> None:
    text = "送货慢吞吞！"
    path = jsonl(tmp_path / "o.jsonl", {"text": text, "tags": [{"code": "物流", "start": start, "end": end}]})
    assert refusal(path) == (f"row 1, {told}", OFFSETS)
    path = table(tmp_path / "o.csv", ["评论", "标签", "start", "end"], [text, "物流", start, end])
    assert refusal(path) == (f"row 2, {told}", OFFSETS)


def test_offsets_are_those_of_the_text_as_it_stands(tmp_path: Path) -> None:
    text = " 送貨慢吞吞！\n"
    tags = [{"code": "物流", "start": 1, "end": len(text)}, {"code": "态度", "start": "0", "end": "2"}]
    path = jsonl(tmp_path / "o.jsonl", {"text": text, "tags": [*tags, {"code": "价格", "start": None}]})
    marked = (GoldTag("物流", None, 1, 8), GoldTag("态度", None, 0, 2), GoldTag("价格", None))
    assert [(row.text, row.tags) for row in read_labelled(path)] == [(text, marked)]
    rows = [[text, "物流", 1, 8], [text, "态度", 0, 2], [text, "价格", None, None]]
    path = sheet(tmp_path / "o.xlsx", ["评论", "标签", "start", "end"], *rows)
    assert [(row.text, row.tags) for row in read_labelled(path)] == [(text, marked)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": "快递慢", "tags": 5}', "row 1, column 'tags': is not a list (value: '5')"),
        ('{"text": "快递慢", "tags": {"code": "a"}}', "row 1, column 'tags': is not a list (value: \"{'code': 'a'}\")"),
        ('{"text": "快递慢", "annotated": "a"}', "row 1, column 'annotated': is not a list (value: \"'a'\")"),
        ('{"text": "快递慢", "annotated": [3]}', "row 1, column 'annotated': holds something that is no code (value: '[3]')"),
    ],
)  # fmt: skip
def test_fields_of_the_wrong_kind_are_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    assert refusal(path)[0] == told


def test_a_number_of_thousands_of_digits_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    path.write_text('{"text": "好", "label": "正面"}\n{"id": 1' + "0" * 5000 + ', "text": "好"}\n', encoding="utf-8")
    assert refusal(path)[0].startswith("row 2: not a labelled row: ValueError('Exceeds the limit (4300 digits)")


def test_codes_that_were_looked_for_go_by_id_or_name_and_must_be_known(tmp_path: Path) -> None:
    frame = Codeframe.from_labels(["delivery", "价格"])
    path = jsonl(tmp_path / "a.jsonl", {"text": "盒子压扁了", "tags": [], "annotated": ["delivery", "价格"]}, {"text": "贵", "label": "价格"})  # fmt: skip
    assert [row.annotated for row in in_frame(read_labelled(path), frame)] == [frozenset({"delivery", "价格"}), None]
    jsonl(path, {"text": "贵", "tags": [{"code": "价格"}]}, {"text": "盒子压扁了", "annotated": ["Delivry", "价格"]})
    with pytest.raises(InputError) as caught:
        in_frame(read_labelled(path), frame, path="a.jsonl")
    told = "a.jsonl, row 2, column 'annotated': the codeframe from-data has no such code (value: 'Delivry')"
    assert (str(caught.value), caught.value.hint) == (told, "did you mean 'delivery'?")
    assert [code.id for code in frame_of(read_labelled(path)).codes] == ["Delivry", "价格"]


def test_names_of_codes_that_were_looked_for_become_their_ids(tmp_path: Path) -> None:
    frame = Codeframe.load(frame_file(tmp_path))
    path = jsonl(tmp_path / "a.jsonl", {"text": "贵", "tags": [{"code": "价格"}], "annotated": ["价格", "delivery"]})
    assert [(row.tags, row.annotated) for row in in_frame(read_labelled(path), frame)] == [
        ((GoldTag("price", None),), frozenset({"price", "delivery"}))
    ]


def frame_file(folder: Path) -> Path:
    path = folder / "frame.yaml"
    codes = "".join(
        f"  - {{id: {code}, name: {name}, definition: 说的是{name}}}\n"
        for code, name in (("price", "价格"), ("delivery", "配送"))
    )
    path.write_text(f"schema: 1\nname: shop\nversion: 0.1.0\ncodes:\n{codes}", encoding="utf-8")
    return path
