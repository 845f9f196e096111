"""Labelled files: jsonl, long and wide tables; labels that are sentiments or codes; splits that keep twins together."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.labelled import GoldTag, Labelled, frame_of, in_frame, look_over, part_of, read_labelled, split


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


def test_look_over_counts_twins_and_contradictions() -> None:
    rows = [
        Labelled("1", "一般", (GoldTag("a", "neutral"),)),
        Labelled("2", "一般", (GoldTag("a", "negative"),)),
        Labelled("3", "很香", (GoldTag("b", "positive"),)),
        Labelled("4", " "),
    ]
    findings = look_over(rows)
    assert (findings.rows, findings.empty, findings.twins, findings.contradictions) == (4, 1, 1, 1)
    assert findings.per_code == {"a": 2, "b": 1}
