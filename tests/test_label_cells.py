"""Labels in cells: several codes in one, labels that can be no code, codes that are tagged though the list of codes looked for lacks them."""

from __future__ import annotations

import csv
import json
import lzma
from pathlib import Path

import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.labelled import GoldTag, Labelled, in_frame, part_of, read_labelled, split, starred_lines
from vocnlp.training.own_recipe import OwnRecipe
from vocnlp.training.preparing import prepare

ROWS = (
    ("拉链坏了", "质量"),
    ("隔天就到", "物流"),
    ("颜色好看", "外观"),
    ("线头多", "质量"),
    ("盒子破了", "物流"),
    ("款式老气", "外观"),
    ("扣子掉了", "质量"),
)
ONE_A_ROW = "one row a code; if it is a single code, give a codeframe that has it"


def long(path: Path, *rows: tuple[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("评论", "标签"), *rows])
    return path


def jsonl(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def refusal(own: OwnRecipe) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        prepare(own)
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize("mark", [";", "；", ",", "，", "、", "/", "|", "； "])
def test_several_codes_in_one_cell_are_refused_with_their_place(tmp_path: Path, mark: str) -> None:
    path = long(tmp_path / "l.csv", *ROWS, ("快是快，就是起球", f"物流{mark}质量"))
    told = f"{path}, row 9, column '标签': holds 2 codes, each of which stands alone, too (value: '物流{mark}质量')"
    assert refusal(OwnRecipe(path)) == (told, ONE_A_ROW)


def test_codes_of_the_frame_stand_alone_and_a_code_with_a_stroke_of_its_own_is_one(tmp_path: Path) -> None:
    path = long(tmp_path / "l.csv", *ROWS, ("退了又换", "退货/换货"))
    assert "退货/换货" in prepare(OwnRecipe(path, dev_parts=0)).checked.per_code
    frame = tmp_path / "frame.yaml"

    def write(*names: str) -> None:
        codes = "".join(f"  - {{id: c{n}, name: {name}, definition: 说到{name}}}\n" for n, name in enumerate(names))
        frame.write_text(f"schema: 1\nname: bag\nversion: 1.0.0\ncodes:\n{codes}", encoding="utf-8")

    write("质量", "物流", "外观", "退货", "换货")
    told = f"{path}, row 9, column '标签': holds 2 codes, each of which stands alone, too (value: '退货/换货')"
    assert refusal(OwnRecipe(path, frame)) == (told, ONE_A_ROW)
    write("质量", "物流", "外观", "退货", "换货", "退货/换货")
    assert prepare(OwnRecipe(path, frame, dev_parts=0)).checked.refused == ()


def test_a_column_of_a_wide_table_is_one_code_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        cells = [[text, *("负面" if n % 3 == at else "" for at in range(3))] for n, (text, _) in enumerate(ROWS * 2)]
        csv.writer(file).writerows([["评论", "包装", "快递", "包装/快递"], *cells])
    assert dict(prepare(OwnRecipe(path, dev_parts=0)).checked.per_code) == {"包装": 5, "快递": 5, "包装/快递": 4}


def test_a_frame_that_has_the_parts_of_a_label_says_one_row_a_code() -> None:
    frame = Codeframe.from_labels(["质量", "物流"])
    rows = [Labelled("1", "快是快，就是起球", (GoldTag("物流；质量", None),), row=2)]
    with pytest.raises(InputError) as caught:
        in_frame(rows, frame, path="l.csv")
    assert caught.value.hint == "it holds 2 codes: one row a code"


def test_a_label_that_can_be_no_code_is_named_with_file_and_row(tmp_path: Path) -> None:
    path = long(tmp_path / "l.csv", *ROWS, ("味儿大", "气味|其他"))
    told = f"{path}, row 9, column '标签': cannot be the name of a code: it has '|' or control characters in it (value: '气味|其他')"
    assert refusal(OwnRecipe(path)) == (told, ONE_A_ROW)


def test_blanks_around_a_code_are_taken_off_in_every_kind_of_file(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl", {"text": "拉链坏了", "tags": [{"code": " 质量 "}], "annotated": ["质量 ", "\u3000物流"]}
    )
    (row,) = read_labelled(path)
    assert ([tag.code for tag in row.tags], row.annotated) == (["质量"], frozenset({"质量", "物流"}))


def test_a_code_that_is_tagged_was_looked_for(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "拉链坏了", "tags": [{"code": "质量"}], "annotated": ["物流"]})
    (row,) = read_labelled(path)
    assert row.annotated == frozenset({"质量", "物流"})
    assert [row.looked_for(code) for code in ("质量", "物流", "外观")] == [True, True, False]


def test_rows_without_a_text_neither_teach_nor_measure(tmp_path: Path) -> None:
    empty = [{"text": " " * (n % 3), "tags": [{"code": "质量", "polarity": "negative"}]} for n in range(12)]
    path = jsonl(tmp_path / "a.jsonl", *({"text": text, "tags": [{"code": code}]} for text, code in ROWS * 2), *empty)
    prepared = prepare(OwnRecipe(path, dev_parts=2))
    assert {row.text for row in (*prepared.train, *prepared.dev)} == {text for text, _ in ROWS}
    assert (prepared.checked.rows, prepared.checked.dev_rows) == (len(prepared.train), len(prepared.dev))
    (one,) = (each for each in prepared.checked.findings if each.kind == "empty")
    assert one.message == "12 row(s) without a text are left out; 12 carry labels"


def test_texts_of_marks_alone_are_not_all_held_out() -> None:
    marks = ["！" * n + "？" * more for n in range(1, 9) for more in range(1, 9)]
    parts = {part_of(mark) for mark in marks}
    assert len(parts) > 5
    train, dev = split([Labelled(str(n), mark) for n, mark in enumerate(marks)])
    assert len(train) > len(dev) > 0
    assert all(row.held_out for row in dev)
    assert part_of("\ud83d") in range(10)  # half a pair has no letters either


@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_a_corpus_that_was_cut_off_is_named_with_the_last_row_that_was_read(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "shop.tsv.xz"
    packed = lzma.compress("".join(f"5\t第{n}回来买{chr(0x4E00 + n * 37 % 20000)}\n" for n in range(9000)).encode())
    path.write_bytes(packed[: int(kept * len(packed))])
    seen = list[tuple[int, str]]()
    with pytest.raises(InputError) as caught:
        seen.extend(starred_lines(path))
    assert (caught.value.path, caught.value.row, caught.value.hint) == (path, len(seen) or None, "copy it again")
    assert bool(seen) == bool(kept)
    assert "is no whole xz file: Compressed file ended before the end-of-stream marker" in str(caught.value)


def test_a_corpus_that_is_no_xz_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.tsv.xz"
    path.write_text("5\t好\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(starred_lines(path))
    assert str(caught.value) == f"{path}: is no whole xz file: Input format not supported by decoder"
    assert caught.value.hint == "copy it again"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(starred_lines(tmp_path / "none.tsv.xz"))
