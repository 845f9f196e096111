"""The mapping of public sets to the shipped frame: complete, checked, and applied as written."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
import yaml

from vocnlp.codeframe import Codeframe
from vocnlp.errors import CodeframeError
from vocnlp.training.labelled import GoldTag, split
from vocnlp.training.mapping import DEFAULT, SetMapping, codeframe_examples, read_all, read_mapped, read_mapping

FRAME = Codeframe.load(Path(__file__).parents[1] / "vocnlp" / "frames" / "voc-zh-general.yaml")


def write(path: Path, *rows: dict[str, object]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def test_the_shipped_mapping_names_source_and_licence_of_every_set() -> None:
    sets = read_mapping(FRAME)
    assert len(sets) >= 14
    assert all(one.source and one.licence for one in sets)


def test_a_code_outside_the_frame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    entry = {"name": "s", "file": "s.jsonl", "source": "x", "licence": "x", "codes": {"口感": "no_such_code"}}
    path.write_text(yaml.safe_dump({"frame": FRAME.name, "sets": [entry]}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(CodeframeError, match="no_such_code"):
        read_mapping(FRAME, path)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    entry = {"name": "s", "file": "s.jsonl", "source": "x", "licence": "x", "code": {}}
    path.write_text(yaml.safe_dump({"frame": FRAME.name, "sets": [entry]}), encoding="utf-8")
    with pytest.raises(CodeframeError, match="unknown key"):
        read_mapping(FRAME, path)


def test_labels_become_codes_and_what_was_looked_for_is_known(tmp_path: Path) -> None:
    write(
        tmp_path / "cars.jsonl",
        {"text": "提速肉", "tags": [{"code": "动力", "polarity": "negative"}, {"code": "杂", "polarity": "neutral"}]},
        {"text": "周末去看车", "tags": []},
    )
    mapping = SetMapping(
        "cars", "cars.jsonl", "x", "x", industries=("汽车",), absent=("taste",), sentiment="from_tags",
        codes={"动力": "car_power", "杂*": None},
    )  # fmt: skip
    first, second = read_mapped(mapping, FRAME, tmp_path)
    assert first.tags == (GoldTag("car_power", "negative"),)
    assert first.annotated is not None
    assert {"car_power", "taste", "bank_limit", "dish_look"} <= first.annotated
    assert not {"car_fuel", "staff_attitude"} & first.annotated  # never looked for, so nothing is known
    assert (first.sentiment, second.sentiment) == ("negative", "neutral")


def test_sets_that_mark_opinions_alone_teach_absence_only_where_something_was_marked(tmp_path: Path) -> None:
    write(
        tmp_path / "p.jsonl",
        {"text": "电池两天一充", "tags": [{"code": "BATTERY#QUALITY", "polarity": "positive"}]},
        {"text": "电池三千毫安", "tags": []},
    )
    mapping = SetMapping("p", "p.jsonl", "x", "x", annotated="tagged", codes={"BATTERY#*": "dig_battery"})
    marked, silent = read_mapped(mapping, FRAME, tmp_path)
    assert marked.annotated == {"dig_battery"}
    assert silent.annotated == frozenset()


def test_codes_that_the_coders_did_not_look_for_are_unknown_unless_marked(tmp_path: Path) -> None:
    write(
        tmp_path / "o.jsonl",
        {"text": "菜凉了", "tags": [{"code": "taste", "polarity": "negative"}], "sentiment": "negative"},
        {"text": "等位一小时", "tags": [{"code": "dining_wait", "polarity": "negative"}], "sentiment": "negative"},
    )
    marked, silent = read_mapped(
        SetMapping("o", "o.jsonl", "x", "x", codes="same", unmarked=("taste", "comfort")), FRAME, tmp_path
    )
    assert marked.annotated is not None
    assert silent.annotated is not None
    assert {"taste", "dining_wait"} <= marked.annotated
    assert "dining_wait" in silent.annotated
    assert not {"taste", "comfort"} & silent.annotated
    assert "comfort" not in marked.annotated


def test_a_label_nobody_decided_on_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "p.jsonl", {"text": "盒子瘪了", "tags": [{"code": "外箱", "polarity": "negative"}]})
    mapping = SetMapping("p", "p.jsonl", "x", "x", codes={"口味": "taste"})
    with pytest.raises(CodeframeError, match="外箱"):
        read_mapped(mapping, FRAME, tmp_path)


def test_stars_and_one_label_can_say_the_sentiment(tmp_path: Path) -> None:
    write(
        tmp_path / "s.jsonl",
        *(
            {"id": str(n), "text": f"来了{n}回", "stars": n, "tags": [{"code": "味", "polarity": "neutral"}]}
            for n in (1, 3, 5)
        ),
    )
    stars = SetMapping("s", "s.jsonl", "x", "x", sentiment={"stars": True}, codes={"味": "taste"})
    assert [row.sentiment for row in read_mapped(stars, FRAME, tmp_path)] == ["negative", "neutral", "positive"]
    code = SetMapping("s", "s.jsonl", "x", "x", sentiment={"code": "味"}, codes={"味": "taste"})
    assert {row.sentiment for row in read_mapped(code, FRAME, tmp_path)} == {"neutral"}


def test_spans_of_training_comments_become_clauses_and_those_of_held_out_ones_do_not() -> None:
    own = next(one for one in read_mapping(FRAME) if one.spans and one.file.startswith("./"))
    rows = read_mapped(own, FRAME, DEFAULT.parent)
    train, dev = split(rows)
    assert any(":" in row.id for row in train)
    assert not any(":" in row.id for row in dev)
    whole = {row.text: row for row in rows if ":" not in row.id}
    assert all(tag.start is not None and row.text[tag.start : tag.end] for row in whole.values() for tag in row.tags)


def test_examples_of_the_frame_teach_their_code_and_spare_its_kin() -> None:
    row = next(row for row in codeframe_examples(FRAME) if row.id == "car_power-negative-0")
    assert row.tags == (GoldTag("car_power", "negative"),)
    assert row.annotated is not None
    assert "car_power" in row.annotated
    assert "performance" not in row.annotated  # its parent: what is true of the child says nothing against it
    assert "taste" in row.annotated


def test_starred_reviews_teach_sentiment_so_many_of_each_and_nothing_of_codes(tmp_path: Path) -> None:
    lines = [
        "5\t湯頭一流",
        "5\t環境舒服",
        "shop\t地點好找",
        "3\t普普通通",
        "1\t店員臭臉",
        "2\t等太久",
        "4\t份量足",
        "0\t路過",
    ]
    (tmp_path / "stars.tsv.xz").write_bytes(lzma.compress("\n".join(lines).encode()))
    mapping = SetMapping("stars", "stars.tsv.xz", "x", "x", models=("encoder",), each=1, dev_parts=0)
    rows = read_mapped(mapping, FRAME, tmp_path)
    assert [(row.id, row.text, row.sentiment) for row in rows] == [
        ("1", "湯頭一流", "positive"),
        ("4", "普普通通", "neutral"),
        ("5", "店員臭臉", "negative"),
    ]
    assert {row.annotated for row in rows} == {frozenset()}
    assert split(rows) == (rows, [])


def test_a_set_teaches_the_kinds_of_model_it_is_meant_for(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"text": "汤很鲜", "label": "positive"}, {"text": "汤太咸", "label": "negative"})
    (tmp_path / "b.tsv.xz").write_bytes(lzma.compress("5\t湯頭一流".encode()))
    both = SetMapping("both", "a.jsonl", "x", "x", sentiment="labels")
    one = SetMapping("one", "b.tsv.xz", "x", "x", models=("encoder",), each=1)
    assert {row.source for row in read_all((both, one), FRAME, tmp_path)} == {"both", "codeframe_examples"}
    assert {row.source for row in read_all((both, one), FRAME, tmp_path, "encoder")} == {
        "both",
        "one",
        "codeframe_examples",
    }
