"""vocnlp rules check, test and report, as they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import CommandLine, command_line
from conftest import FRAME
from tagged_shop import row, tagged

from vocnlp.store import Store

__all__ = ["command_line"]

RULES: dict[str, list[dict[str, str]]] = {
    "taste": [{"when": "别家 and 味道", "effect": "veto", "name": "夸别家"}],
    "parking": [{"when": "@车 near/6 (贵 or 难)", "polarity": "negative"}, {"when": "地铁 and 远"}],
    "price": [{"when": "affirmed(贵 or 便宜)", "effect": "decide"}],
}
COMMENTS = ["别家的味道更好", "停车费太贵了", "价格实惠", "打13800138000也叫不来代驾，停车难", "无", "停车位难找"]


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    codes = [{**code, "rules": RULES.get(str(code["id"]), [])} for code in FRAME["codes"]]
    path = tmp_path / "frame.yaml"
    content = {**FRAME, "synonyms": {"车": ["停车", "泊车"]}, "codes": codes}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text("评论\n" + "".join(f'"{text}"\n' for text in COMMENTS), encoding="utf-8")
    return path


def test_check_lists_the_rules_and_warns(vocnlp: CommandLine, frame: Path) -> None:
    ended = vocnlp("rules", "check", frame)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "taste#1 (veto, clause, 夸别家): 别家 and 味道",
        "parking#1 (add, negative, clause): @车 near/6 (贵 or 难)",
        "parking#2 (add, clause): 地铁 and 远",
        "price#1 (decide, clause): affirmed(贵 or 便宜)",
        "corner-shop 0.1.0: 4 rules, 1 synonyms",
    ]
    assert ended.err.splitlines() == ["warning: price: its keywords are never used, because a rule decides"]


def test_check_refuses_a_broken_rule_with_its_place(vocnlp: CommandLine, frame: Path) -> None:
    frame.write_text(frame.read_text(encoding="utf-8").replace("地铁 and 远", "地铁 and and 远"), encoding="utf-8")
    line = next(n for n, text in enumerate(frame.read_text(encoding="utf-8").splitlines(), 1) if "地铁" in text)
    ended = vocnlp("rules", "check", frame)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {frame}, line {line}, key 'when': character 8: expected a term")


def test_test_says_which_rule_holds_where(vocnlp: CommandLine, frame: Path, tiny_bundle: Path) -> None:
    ended = vocnlp("rules", "test", "--codeframe", frame, "--bundle", tiny_bundle, "停車費太貴了", "[好]天气")
    lines = ended.out.splitlines()
    assert (ended.code, lines[0], lines[-3], lines[-1]) == (0, "停車費太貴了", "[好]天气", "  no rule holds")
    assert "  rule parking#1 (add) by 停车 + 贵 in «停車費太貴了»: added" in lines
    assert "  rule price#1 (decide) by 贵 in «停車費太貴了»: added" in lines


def test_test_gives_json(vocnlp: CommandLine, frame: Path, tiny_bundle: Path) -> None:
    ended = vocnlp("rules", "test", "--json", "--codeframe", frame, "--bundle", tiny_bundle, "唉，别家的味道更好")
    said = json.loads(ended.out)
    assert said["tags"] == []
    assert said["rules"] == [
        {"rule": "夸别家", "code": "taste", "effect": "veto", "when": "别家 and 味道", "words": ["别家", "味道"],
         "start": 2, "end": 9, "quote": "别家的味道更好", "outcome": "removed"}
    ]  # fmt: skip


def counts(printed: str) -> dict[str, dict[str, Any]]:
    return {rule["rule"]: rule for rule in json.loads(printed)["rules"]}


def test_report_counts_what_rules_did(vocnlp: CommandLine, frame: Path, export: Path, tiny_bundle: Path) -> None:
    given = ("--codeframe", frame, "--bundle", tiny_bundle, "--data", export)
    ended = vocnlp("rules", "report", *given, "--json", "--examples", 2)
    assert (ended.code, json.loads(ended.out)["comments"], json.loads(ended.out)["noise"]) == (0, 6, 1)
    found = counts(ended.out)
    assert found["parking#1"] == {
        "rule": "parking#1", "code": "parking", "number": 1, "effect": "add", "when": "@车 near/6 (贵 or 难)",
        "held": 3, "added": 2, "agreed": 1, "removed": 0, "idle": 0, "overruled": 0, "dropped": 0, "remark": "",
        "examples": ["停车费太贵了", "打电**********也叫不来代驾，停车难"],
    }  # fmt: skip
    assert {name: (one["held"], one["remark"]) for name, one in found.items()} == {
        "夸别家": (1, ""), "parking#1": (3, ""), "parking#2": (0, "never fired"), "price#1": (1, ""),
    }  # fmt: skip
    assert (found["夸别家"]["removed"], found["price#1"]["dropped"]) == (1, 1)
    lines = vocnlp("rules", "report", *given, "--examples", 1).out.splitlines()
    assert lines[0].split() == ["rule", "effect", "held", "added", "agreed", "removed", "idle", "overruled", "dropped"]
    assert lines[2].split() == ["parking#1", "add", "3", "2", "1", "-", "-", "-", "-"]
    assert lines[5:] == [
        "  夸别家: 别家的味道更好",
        "  parking#1: 停车费太贵了",
        "  price#1: 停车费太贵了",
        "never fired: parking#2",
        "6 comments, 1 of them noise",
    ]


def test_report_reads_a_store(vocnlp: CommandLine, frame: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    Store.open(tmp_path / "kept", create=True).put(tagged([row(n, text=text) for n, text in enumerate(COMMENTS)]))
    ended = vocnlp(
        "rules", "report", "--codeframe", frame, "--bundle", tiny_bundle, "--data", tmp_path / "kept", "--json"
    )
    assert counts(ended.out)["parking#1"]["held"] == 3


def test_report_says_how_often_rules_are_right(
    vocnlp: CommandLine, frame: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    gold = [[], ["parking", "price"], ["price"], ["parking"], [], []]
    path = tmp_path / "labelled.jsonl"
    rows = [
        {"id": str(n), "text": text, "tags": [{"code": code, "polarity": "negative"} for code in codes]}
        for n, (text, codes) in enumerate(zip(COMMENTS, gold, strict=True))
    ]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    given = ("--codeframe", frame, "--bundle", tiny_bundle, "--data", path, "--labelled")
    found = counts(vocnlp("rules", "report", *given, "--json").out)
    assert {name: (one.get("right"), one.get("judged")) for name, one in found.items()} == {
        "夸别家": (1, 1), "parking#1": (2, 3), "parking#2": (None, None), "price#1": (1, 1),
    }  # fmt: skip
    assert vocnlp("rules", "report", *given).out.splitlines()[2].split()[-1] == "67%"


def test_a_row_of_sentiment_alone_does_not_judge_rules(
    vocnlp: CommandLine, frame: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    path = tmp_path / "moods.jsonl"
    rows = [
        {"id": "1", "text": "停车费太贵了", "sentiment": "negative"},
        {"id": "2", "text": "停车场出口也贵", "tags": [{"code": "parking"}]},
    ]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    found = counts(
        vocnlp(
            "rules", "report", "--codeframe", frame, "--bundle", tiny_bundle, "--data", path, "--labelled", "--json"
        ).out
    )
    assert (found["parking#1"]["held"], found["parking#1"]["right"], found["parking#1"]["judged"]) == (2, 1, 1)


def test_report_knows_codes_by_name_and_refuses_others_as_evaluate_does(
    vocnlp: CommandLine, frame: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    path = tmp_path / "labelled.jsonl"
    given = ("--codeframe", frame, "--bundle", tiny_bundle, "--data", path, "--labelled", "--json")
    name = next(str(code["name"]) for code in FRAME["codes"] if code["id"] == "parking")
    row = {"id": "1", "text": "停车费太贵了", "tags": [{"code": name}], "annotated": [name]}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    found = counts(vocnlp("rules", "report", *given).out)
    assert (found["parking#1"]["right"], found["parking#1"]["judged"]) == (1, 1)
    path.write_text(json.dumps({**row, "tags": [{"code": "PARKING"}]}, ensure_ascii=False) + "\n", encoding="utf-8")
    ended = vocnlp("rules", "report", *given)
    assert (ended.code, ended.out) == (2, "")
    assert f"{path}, row 1, column 'code': the codeframe corner-shop has no such code (value: 'PARKING')" in ended.err
    assert "did you mean 'parking'?" in ended.err


def test_a_frame_without_rules_is_told_so(vocnlp: CommandLine, tmp_path: Path, tiny_bundle: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text(yaml.safe_dump(FRAME, allow_unicode=True), encoding="utf-8")
    ended = vocnlp("rules", "test", "--codeframe", path, "--bundle", tiny_bundle, "好")
    assert ended.code == 2
    assert "none of the codes that a comment may carry has rules" in ended.err


def test_report_of_no_such_file(vocnlp: CommandLine, frame: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    ended = vocnlp("rules", "report", "--codeframe", frame, "--bundle", tiny_bundle, "--data", tmp_path / "none.csv")
    assert (ended.code, ended.out) == (2, "")
    assert "none.csv" in ended.err
