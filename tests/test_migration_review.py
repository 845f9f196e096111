"""The list of rows that a person reads again: every comment stands in it once, under an id that no other has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CommandLine, command_line
from migrating import AFTER, BEFORE, CHANGES, said, shop_migration
from tagged_shop import FRAME, tag, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_writing import write_frame
from vocnlp.migration_review import OpenRow, distinct, write_open
from vocnlp.review_merge import read_answers
from vocnlp.store import Store

__all__ = ["command_line"]
PARTS = ("delay", "tracking")


def names(*rows: OpenRow) -> list[tuple[str, str]]:
    return [(row.id, row.text) for row in distinct(rows)]


def test_rows_that_share_an_id_are_all_listed_with_where_they_stand() -> None:
    stored = OpenRow("7", "等到月底", PARTS)
    rows = [OpenRow("7", "三天才到", PARTS, row=2), OpenRow("7", "物流不更新", PARTS, row=5)]
    assert names(stored, *rows) == [("data:7#2", "三天才到"), ("data:7#5", "物流不更新"), ("store:7", "等到月底")]
    assert names(*rows) == [("7#2", "三天才到"), ("7#5", "物流不更新")]
    assert names(stored, rows[0]) == [("data:7", "三天才到"), ("store:7", "等到月底")]


def test_a_comment_of_data_and_store_is_listed_once_though_the_store_masks_it() -> None:
    stored = OpenRow("7", "打13*******00没人接，等到月底", ("tracking",), sentiment="neutral")
    given = OpenRow("7", "打13800138000没人接，等到月底", ("delay",), sentiment="negative", row=3)
    masked = distinct([given])[0].text
    assert "13800138000" not in masked
    found = distinct([OpenRow("7", masked, ("tracking",), sentiment=stored.sentiment), given])
    assert found == [OpenRow("7", masked, ("delay", "tracking"), sentiment="negative", row=3)]


def test_an_id_that_looks_like_a_made_one_stays_its_owners() -> None:
    rows = [OpenRow("7", "三天才到", PARTS, row=2), OpenRow("data:7", "送得慢", PARTS, row=4)]
    assert names(OpenRow("7", "等到月底", PARTS), *rows) == [
        ("data:7'", "三天才到"), ("data:7", "送得慢"), ("store:7", "等到月底")
    ]  # fmt: skip


def test_a_workbook_that_cannot_be_written_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "没有" / "清单.xlsx"
    with pytest.raises(Exception, match="the folder does not exist") as error:
        write_open([OpenRow("7", "等到月底", PARTS)], path, shop_migration(tmp_path))
    assert str(error.value) == f"{path}: the folder does not exist"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store numbered c0 and c1 beside labelled rows, of which two have the id c0 and one is the store's c1."""
    write_frame(FRAME, tmp_path / "shop.yaml")
    (tmp_path / "m.yaml").write_text(CHANGES, encoding="utf-8")
    late = [{"code": "speed", "polarity": "negative"}]
    given = [("c0", "三天才到"), ("c0", "物流一周不更新"), ("c1", "当天到")]
    lines = [json.dumps({"id": number, "text": text, "tags": late}, ensure_ascii=False) for number, text in given]
    (tmp_path / "old.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stored = [said(0, tag("speed", "negative", 0, "等到月底")), said(1, tag("speed", "positive", 0, "当天到"))]
    Store.open(tmp_path / "feedback", create=True).put(tagged(stored))
    return tmp_path


def words(shop: Path) -> list[object]:
    data = ["--data", shop / "old.jsonl", "--data-out", shop / "new.jsonl", "--store", shop / "feedback"]
    out = ["--changes", shop / "m.yaml", "--out", shop / "next.yaml"]
    return ["codeframe", "migrate", shop / "shop.yaml", *out, *data]


def test_answers_to_rows_that_share_an_id_come_back_each_to_its_comment(shop: Path, vocnlp: CommandLine) -> None:
    import openpyxl

    listed = shop / "todo.xlsx"
    ended = vocnlp(*words(shop), "--review", listed)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    at = lines.index(
        "3 rows of the data and 2 rows of the store carry a code that was split: a person has to read them again"
    )
    told = f"  4 are listed in {listed}, each comment once; take the answers back: vocnlp review import"
    assert lines[at + 1] == told
    book = openpyxl.load_workbook(listed)
    sheet = book["评审"]
    columns = [cell.value for cell in sheet[1]]
    for row in range(2, 6):
        sheet.cell(row, columns.index("标签1") + 1, "送得慢")
        sheet.cell(row, columns.index("极性1") + 1, "负面")
        sheet.cell(row, columns.index("处理") + 1, "修改")
    book.save(listed)
    into = shop / "answers.jsonl"
    ended = vocnlp("review", "import", listed, "--into", into, "--by", "li", "--codeframe", shop / "next.yaml")
    assert ended.code == 0, ended.err
    assert [(one.id, one.text, one.tags[0].code) for one in read_answers(into)] == [
        ("data:c0#1", "三天才到", "delay"),
        ("data:c0#2", "物流一周不更新", "delay"),
        ("c1", "当天到", "delay"),
        ("store:c0", "等到月底", "delay"),
    ]


def test_the_list_as_jsonl_has_one_line_a_comment(shop: Path, vocnlp: CommandLine) -> None:
    assert vocnlp(*words(shop), "--review", shop / "todo.jsonl").code == 0
    rows = [json.loads(line) for line in (shop / "todo.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["data:c0#1", "data:c0#2", "c1", "store:c0"]
    assert rows[0] == {
        "id": "data:c0#1", "text": "三天才到", "parts": ["delay", "tracking"], "tags": [], "sentiment": None,
        "review": "needed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--review", "没有/todo.xlsx"), "没有/todo.xlsx: the folder does not exist"),
        (("--review", "new.jsonl"), "new.jsonl: would be written twice"),
        (("--review", "old.jsonl", "--force"), "old.jsonl: is the input itself"),
        (("--out", "shop.yaml", "--force"), "shop.yaml: is the input itself"),
        (("--out", "m.yaml", "--force"), "m.yaml: is the input itself"),
        (("--out", "没有/next.yaml"), "没有/next.yaml: the folder does not exist"),
        (("--data-out", "没有/new.jsonl"), "没有/new.jsonl: the folder does not exist"),
    ],
)
def test_a_place_that_is_wrong_stops_the_migration_before_it_begins(
    shop: Path, vocnlp: CommandLine, more: tuple[str, ...], told: str
) -> None:
    before = sorted(shop.iterdir())
    ended = vocnlp(*words(shop), *(word if word.startswith("--") else shop / word for word in more))
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {shop}/{told}")
    assert sorted(shop.iterdir()) == before
    assert Store.open(shop / "feedback").info().codeframes == {BEFORE: 2}
    assert Codeframe.load(shop / "shop.yaml").digest == FRAME.digest


def test_a_history_that_would_be_lost_or_cannot_be_read_stops_the_migration(shop: Path, vocnlp: CommandLine) -> None:
    history = shop / "next.history.yaml"
    theirs = "history:\n- {version: 2.0.0, date: '2026-01-05', digest: abc, changes: []}\n"
    history.write_text(theirs, encoding="utf-8")
    ended = vocnlp(*words(shop))
    assert (ended.code, ended.err) == (
        2,
        f"error: {history}: holds the history of another frame, up to 2.0.0\n"
        "next step: choose another name, or replace it with --force\n",
    )
    history.write_text("history: [\n", encoding="utf-8")
    assert vocnlp(*words(shop)).code == 2
    assert Store.open(shop / "feedback").info().codeframes == {BEFORE: 2}
    assert not (shop / "new.jsonl").exists()
    history.write_text(theirs, encoding="utf-8")
    assert vocnlp(*words(shop), "--force").code == 0
    assert Store.open(shop / "feedback").info().codeframes == {f"{AFTER}+open": 2}
    assert vocnlp(*words(shop)).code == 0  # its own history does not stand in the way
