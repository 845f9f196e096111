"""The tutorial's commands, run in its order on the sample export; a person's part is played by a few lines here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import openpyxl
import pytest
from command_line import CommandLine, command_line  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def _commands() -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^\$ vocnlp (.+)$", TUTORIAL, re.MULTILINE)]


def _review(path: Path) -> int:
    """What a person does: confirm every row, and give a third of them the new code, so that it can be learnt.

    How many rows bear it then: the codeframe's definition suggested some already.
    """
    book = openpyxl.load_workbook(path)
    sheet = book["评审"]
    place = {cell.value: cell.column for cell in sheet[1]}
    for number in range(2, sheet.max_row + 1):
        turned = number % 3 == 0
        sheet.cell(number, place["处理"]).value = "修改" if turned else "确认"
        sheet.cell(number, place["评审人"]).value = "小周"
        if turned:
            sheet.cell(number, place["标签1"]).value = "新发现的痛点"
            sheet.cell(number, place["极性1"]).value = "负面"
            sheet.cell(number, place["证据1"]).value = None
    book.save(path)
    slots = [column for name, column in place.items() if str(name).startswith("标签")]
    said = [{sheet.cell(number, slot).value for slot in slots} for number in range(2, sheet.max_row + 1)]
    return sum("新发现的痛点" in each for each in said)


def _prepared(folder: Path) -> None:
    shutil.copy(ROOT / "examples" / "nps_survey.xlsx", folder / "survey.xlsx")
    shutil.copy(ROOT / "vocnlp" / "frames" / "voc-zh-general.yaml", folder / "frame.yaml")
    (folder / "models").symlink_to(ROOT / "models")


def test_the_tutorial_from_an_export_to_a_promoted_bundle(
    tmp_path: Path, vocnlp: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prepared(tmp_path)
    monkeypatch.chdir(tmp_path)
    told: dict[str, str] = {}
    bearing = 0
    for words in _commands():
        if words[0] == "review" and words[1] == "import":
            bearing = _review(tmp_path / "review.xlsx")
        if "TOPIC" in words:
            topics = json.loads((tmp_path / "topics" / "topics.json").read_text(encoding="utf-8"))["topics"]
            words[words.index("TOPIC")] = topics[0]["id"]
        ended = vocnlp(*words)
        assert ended.code == 0, f"{' '.join(words)}\n{ended.err}"
        told[" ".join(words[:2])] = ended.out
    assert "spotted_pain" in told["codeframe diff"]
    assert json.loads((tmp_path / "registry" / "aliases.json").read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in (tmp_path / "labelled.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 60
    assert sum(any(tag["code"] == "spotted_pain" for tag in row["tags"]) for row in rows) == bearing >= 20
