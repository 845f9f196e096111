"""Labelled rows carried to a new frame: none is lost, and nothing is learnt of what nobody looked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from migrating import CHANGES, shop_migration

from vocnlp.errors import InputError, OutputError
from vocnlp.migration_review import write_open
from vocnlp.review_sheet import read_sheet
from vocnlp.training.labelled import read_labelled
from vocnlp.training.relabelling import relabel, united

ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "text": "掉色，一股胶味",
        "tags": [
            {"code": "外观颜色", "polarity": "negative", "start": 0, "end": 2, "by": "甲"},
            {"code": "smell", "polarity": "负面", "start": 3, "end": 7},
        ],
        "sentiment": "negative",
        "note": "留着",
    },
    {"id": "b", "text": "好看是好看，就是呛", "tags": [{"code": "look", "polarity": "positive"}, {"code": "smell", "polarity": "negative"}]},
    {"id": "c", "text": "等到月底，电话13800138000", "tags": [{"code": "speed", "polarity": "negative", "start": 0, "end": 4}, {"code": "size", "polarity": "positive"}]},
    {"id": "d", "text": "跟说的不同", "tags": [{"code": "ads", "polarity": "negative"}], "sentiment": "negative"},
    {"id": "e", "text": "还凑合", "tags": [], "sentiment": "neutral"},
    {"id": "f", "text": "便宜", "tags": [{"code": "price", "polarity": "positive"}], "annotated": ["price", "look", "speed"]},
]  # fmt: skip
MERGE_ALONE = CHANGES.split("  - rename")[0] + "  - merge: {codes: [look, smell], into: look}\n"
TAGGABLE = ["quality", "look", "size", "packaging", "delay", "tracking", "courier", "price", "promotion", "support", "refund"]  # fmt: skip


def labelled(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    path = folder / "old.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in (ROWS if rows is None else rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def carried(folder: Path, changes: str = CHANGES) -> dict[str, dict[str, Any]]:
    out = folder / "new.jsonl"
    relabel(labelled(folder), out, shop_migration(folder, changes))
    return {row["id"]: row for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())}


def test_merged_codes_are_one_and_the_rest_of_a_row_stays(tmp_path: Path) -> None:
    rows = carried(tmp_path, MERGE_ALONE)
    assert rows["a"] == {
        **ROWS[0],
        "tags": [
            {"code": "look", "polarity": "negative", "start": 0, "end": 2, "by": "甲"},
            {"code": "look", "polarity": "negative", "start": 3, "end": 7},
        ],
    }
    assert rows["b"] == {**ROWS[1], "tags": [{"code": "look", "polarity": "mixed"}]}
    assert [rows[key] for key in "cde"] == ROWS[2:5]
    assert rows["f"] == {**ROWS[5], "annotated": ["speed", "price"]}  # of look, only the half was looked for


def test_the_parts_of_a_split_code_are_unknown_where_it_is_tagged_and_absent_where_it_is_not(tmp_path: Path) -> None:
    rows = carried(tmp_path)
    assert rows["c"]["tags"] == [{"code": "size", "polarity": "positive"}]
    assert rows["c"]["annotated"] == [code for code in TAGGABLE if code not in ("delay", "tracking")]
    assert rows["d"]["tags"] == []
    assert rows["d"]["annotated"] == TAGGABLE
    assert rows["e"] == ROWS[4]
    assert rows["f"]["annotated"] == ["delay", "tracking", "price"]


def test_a_code_that_was_added_is_unknown_in_earlier_rows(tmp_path: Path) -> None:
    changes = CHANGES.split("  - rename")[0] + "  - add: {id: gift, name: 赠品, parent: money, definition: 送的东西}\n"
    rows = carried(tmp_path, changes)
    assert "gift" not in rows["a"]["annotated"]
    assert len(rows["a"]["annotated"]) == 12
    assert "annotated" not in rows["e"]


def test_what_happened_is_counted_by_change(tmp_path: Path) -> None:
    done = relabel(labelled(tmp_path), tmp_path / "new.jsonl", shop_migration(tmp_path))
    assert (done.rows, done.changed, done.dropped) == (6, 4, 1)
    assert done.per_change == (1, 0, 0, 0, 4, 1, 1)
    assert [(row.id, row.parts) for row in done.opened] == [("c", ("delay", "tracking"))]
    assert len(read_labelled(tmp_path / "new.jsonl")) == 6


def test_tables_are_carried_too(tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text("编号,评论,编码,极性,start,end\n1,好闻,气味,正面,0,2\n2,到得早,speed,正面,,\n", encoding="utf-8")
    done = relabel(table, tmp_path / "new.jsonl", shop_migration(tmp_path, MERGE_ALONE))
    rows = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()]
    assert done.rows == 2
    assert rows == [
        {"id": "1", "text": "好闻", "tags": [{"code": "look", "polarity": "positive", "start": 0, "end": 2}]},
        {"id": "2", "text": "到得早", "tags": [{"code": "speed", "polarity": "positive"}]},
    ]


def test_a_mixed_sentiment_of_a_table_stays(tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text(
        "编号,评论,编码,极性,整体情感\n1,好闻但是贵,气味,正面,褒贬不一\n1,好闻但是贵,性价比,负面,\n2,说不上来,,,混合\n3,贵,性价比,负面,负面\n",
        encoding="utf-8",
    )
    relabel(table, tmp_path / "new.jsonl", shop_migration(tmp_path, MERGE_ALONE))
    rows = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["sentiment"], len(row["tags"]), row.get("annotated")) for row in rows] == [
        ("1", "mixed", 2, None), ("2", "mixed", 0, []), ("3", "negative", 1, None),
    ]  # fmt: skip
    assert [row.sentiment for row in read_labelled(tmp_path / "new.jsonl")] == [None, None, "negative"]


def test_the_label_of_an_exclusive_frame_becomes_its_tag(tmp_path: Path) -> None:
    source = labelled(
        tmp_path, [{"id": "1", "text": "呛", "label": "smell"}, {"id": "2", "text": "慢", "label": "speed"}]
    )
    relabel(source, tmp_path / "new.jsonl", shop_migration(tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[0]["tags"] == [{"code": "look", "polarity": None}]
    assert (rows[1]["tags"], "label" in rows[1], "delay" in rows[1]["annotated"]) == ([], False, False)


def test_a_label_beside_a_sentiment_or_tags_becomes_a_tag(tmp_path: Path) -> None:
    tag = {"code": "size", "polarity": "negative", "start": "0", "end": "2", "by": "乙"}
    rows = [
        {"id": "1", "text": "呛人", "label": "smell", "sentiment": "negative", "tags": []},
        {"id": "2", "text": "偏小，颜色也暗", "label": "外观颜色", "tags": [tag]},
        {"id": "3", "text": "太小了", "label": "负面", "tags": [{"code": "size"}]},
    ]
    relabel(labelled(tmp_path, rows), tmp_path / "new.jsonl", shop_migration(tmp_path, MERGE_ALONE))
    assert [json.loads(line) for line in (tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()] == [
        {"id": "1", "text": "呛人", "sentiment": "negative", "tags": [{"code": "look", "polarity": None}]},
        {
            "id": "2",
            "text": "偏小，颜色也暗",
            "tags": [{**tag, "start": 0, "end": 2}, {"code": "look", "polarity": None}],
        },
        rows[2],
    ]


def test_codes_that_were_looked_for_are_known_to_the_old_frame_by_name_or_not_at_all(tmp_path: Path) -> None:
    row = {"id": "1", "text": "没提尺码", "tags": [], "sentiment": "neutral", "annotated": ["气味", "外观颜色", "size"]}
    relabel(labelled(tmp_path, [row]), tmp_path / "new.jsonl", shop_migration(tmp_path, MERGE_ALONE), force=True)
    assert json.loads((tmp_path / "new.jsonl").read_text(encoding="utf-8"))["annotated"] == ["look", "size"]
    source = labelled(tmp_path, [{**row, "annotated": ["尺嘛"]}])
    with pytest.raises(InputError, match="row 1, column 'annotated': the codeframe shop-test has no such code"):
        relabel(source, tmp_path / "new.jsonl", shop_migration(tmp_path, MERGE_ALONE), force=True)


def test_twins_of_a_merge() -> None:
    def of(*polarities: str | None, **cells: Any) -> list[str | None]:
        tags = [{"code": "x", "polarity": polarity, **cells} for polarity in polarities]
        return [tag["polarity"] for tag in united(tags, {"x"})]

    assert of("negative", "negative") == ["negative"]
    assert of("negative", "positive") == of("neutral", "positive", "negative") == ["mixed"]
    assert of("neutral", "positive") == of(None, "positive") == ["positive"]
    assert of("negative", "positive", start=1, end=3) == ["mixed"]
    marked = [{"code": "x", "polarity": "negative", "start": 1, "end": 3}, {"code": "x", "polarity": "negative"}]
    assert united(marked, {"x"}) == marked[:1]
    assert united(marked, set()) == marked


def test_what_cannot_be_carried_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    found, out = shop_migration(tmp_path), tmp_path / "new.jsonl"
    source = labelled(tmp_path, [{"id": "1", "text": "好", "tags": [{"code": "colour", "polarity": "positive"}]}])
    with pytest.raises(InputError, match=r"row 1, column 'code': the codeframe shop-test has no such code"):
        relabel(source, out, found)
    assert not out.exists()
    with pytest.raises(OutputError, match=r"the carried rows are a \.jsonl file"):
        relabel(source, tmp_path / "new.csv", found)
    out.write_text("别人的\n", encoding="utf-8")
    with pytest.raises(OutputError, match="already exists"):
        relabel(labelled(tmp_path), out, found)
    relabel(labelled(tmp_path), out, found, force=True)
    relabel(labelled(tmp_path), out, found)  # the same again, as after a kill: nothing to do


def test_the_list_is_a_workbook_for_review_and_masked(tmp_path: Path) -> None:
    found = shop_migration(tmp_path)
    done = relabel(labelled(tmp_path), tmp_path / "new.jsonl", found)
    assert write_open(done.opened, tmp_path / "todo.xlsx", found) == 1
    answers = read_sheet(tmp_path / "todo.xlsx", found.new)
    assert (answers.open, answers.answers) == (1, ())
    assert write_open(done.opened, tmp_path / "todo.jsonl", found) == 1
    (row,) = [json.loads(line) for line in (tmp_path / "todo.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (row["id"], row["parts"], row["tags"]) == (
        "c",
        ["delay", "tracking"],
        [{"code": "size", "polarity": "positive"}],
    )
    assert row["text"].startswith("等到月底") and "13800138000" not in row["text"]
