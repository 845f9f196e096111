"""The review loop on the command line: sample, import, agreement, quality."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from command_line import CommandLine, command_line
from conftest import VOICES

from vocnlp.bundle import Bundle
from vocnlp.errors import OutputError
from vocnlp.locks import one_at_a_time
from vocnlp.review_merge import read_answers
from vocnlp.review_rows import ReviewRow
from vocnlp.review_sample import tenth_of
from vocnlp.review_sheet import read_sheet

__all__ = ["command_line"]
Lines = list[dict[str, object]]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The comments of the corner shop with a friendlier or angrier end, 126 of them."""
    lines = [line.split("|")[0] for line in VOICES.strip().splitlines()]
    rows = [f"n{at},{text}{end}" for at, (end, text) in enumerate((e, t) for e in ("，真的", "，唉") for t in lines)]
    path = tmp_path / "export.csv"
    path.write_text("编号,评论\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def answered(path: Path, by: str, *, turn_every: int = 0) -> None:
    """Confirm all rows of a workbook; take the first tag away from every ``turn_every``-th."""
    book = openpyxl.load_workbook(path)
    sheet = book["评审"]
    place = {cell.value: cell.column for cell in sheet[1]}
    for number in range(2, sheet.max_row + 1):
        turned = bool(turn_every) and number % turn_every == 0 and sheet.cell(number, place["标签1"]).value
        sheet.cell(number, place["处理"]).value = "修改" if turned else "确认"
        sheet.cell(number, place["评审人"]).value = by
        for column in ("标签1", "极性1", "证据1") if turned else ():
            sheet.cell(number, place[column]).value = None
    book.save(path)


def read_sheet_of(path: Path, bundle: Path) -> list[ReviewRow]:
    answered(path, "阿敏")
    found = read_sheet(path, Bundle.load(bundle).codeframe).answers
    return [ReviewRow(one.id, one.text, one.origin) for one in found if one.origin is not None]


def test_the_loop_from_an_export_to_an_estimate(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    sheet, into, gold = tmp_path / "r.xlsx", tmp_path / "reviewed.jsonl", tmp_path / "labelled.jsonl"
    done = vocnlp("review", "sample", export, "-o", sheet, "-o", tmp_path / "r.json", "--rows", 60, "--bundle", tiny_bundle,
                  "--shares", "uncertain=0.3,rare=0.1,new=0.1,random=0.5")  # fmt: skip
    assert (done.code, done.out.splitlines()[0]) == (
        0,
        "126 comments, 126 different ones to choose from (0 noise, 0 known)",
    )
    assert re.fullmatch(r"chosen: 60 rows \(uncertain \d+, rare \d+, new \d+, random 30\)", done.out.splitlines()[1])
    second = tmp_path / "second.xlsx"
    second.write_bytes(sheet.read_bytes())
    answered(sheet, "阿敏")
    answered(second, "小周", turn_every=4)
    first = vocnlp("review", "import", sheet, "--into", into, "--bundle", tiny_bundle, "--gold", gold)
    assert (first.code, first.out.splitlines()) == (
        0, [f"answers: {into} (60 new, 0 replaced, 0 there already; 0 rows still open)", f"labels: {gold} (60 comments)"]
    )  # fmt: skip
    both = vocnlp("review", "import", sheet, second, "--into", into, "--bundle", tiny_bundle, "--gold", gold)
    assert "(60 new, 0 replaced, 60 there already; 0 rows still open)" in both.out
    assert "need adjudication" in both.out
    before = into.read_bytes()
    vocnlp("review", "import", second, sheet, "--into", into, "--bundle", tiny_bundle)
    assert into.read_bytes() == before
    agreed = json.loads(vocnlp("review", "agreement", into, "--json").out)
    assert agreed["coders"] == ["小周", "阿敏"]
    assert 0.5 < agreed["alpha"][0]["alpha"] < 1
    shown = vocnlp("review", "agreement", into)
    assert (shown.code, "all codes" in shown.out) == (0, True)
    told = json.loads(vocnlp("review", "quality", into, "--adjudicator", "小周", "--json").out)
    assert (told["reviewed"], told["drawn"]) == (60, 30)
    assert 0.5 < told["codes"]["low"] <= told["codes"]["f1"] <= told["codes"]["high"] <= 1
    assert (told["disputed"], told["disputed_drawn"], "disputed" in " ".join(told["warnings"])) == (0, 0, False)
    disputed = re.search(r"(\d+) comments need adjudication", both.out)
    assert disputed is not None
    unsettled = vocnlp("review", "quality", into)
    left = json.loads(vocnlp("review", "quality", into, "--json").out)
    assert (left["disputed"], left["reviewed"]) == (int(disputed[1]), 60 - int(disputed[1]))
    assert (left["drawn"], left["disputed_drawn"] > 0) == (30 - left["disputed_drawn"], True)
    assert left["codes"]["f1"] > told["codes"]["f1"]  # hence the warning
    warning = f"{disputed[1]} comments are disputed and left out, {left['disputed_drawn']} of them drawn by chance"
    assert (unsettled.code, warning in " ".join(unsettled.err.split())) == (0, True)
    assert "settle them with --adjudicator NAME" in " ".join(unsettled.err.split())


def test_the_same_command_gives_the_same_rows(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    made = []
    for name in ("a.json", "b.json"):
        vocnlp("review", "sample", export, "-o", tmp_path / name, "--rows", 20, "--bundle", tiny_bundle)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_what_was_reviewed_is_not_given_out_again(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    sheet, into = tmp_path / "r.xlsx", tmp_path / "reviewed.jsonl"
    vocnlp("review", "sample", export, "-o", sheet, "--rows", 100, "--bundle", tiny_bundle)
    answered(sheet, "阿敏")
    vocnlp("review", "import", sheet, "--into", into, "--bundle", tiny_bundle)
    again = vocnlp("review", "sample", export, "-o", tmp_path / "2.xlsx", "--known", into, "--bundle", tiny_bundle)
    given = len(into.read_text(encoding="utf-8").splitlines())
    assert f"{126 - given} different ones to choose from (0 noise, {given} known)" in again.out
    first, second = (read_sheet_of(tmp_path / name, tiny_bundle) for name in ("r.xlsx", "2.xlsx"))
    assert {one.origin.pool for one in first} == {one.origin.pool for one in second}
    assert {(one.origin.comments, one.origin.known) for one in first} == {(126, 0)}
    assert {(one.origin.comments, one.origin.known) for one in second} == {(126 - given, given)}
    assert {tenth_of(one.text) for one in second if one.origin.by_chance} <= {0}  # from the others some were picked


def test_wrong_cells_are_listed_and_nothing_is_written(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    sheet, into = tmp_path / "r.xlsx", tmp_path / "reviewed.jsonl"
    vocnlp("review", "sample", export, "-o", sheet, "--rows", 10, "--bundle", tiny_bundle)
    answered(sheet, "")
    done = vocnlp("review", "import", sheet, "--into", into, "--bundle", tiny_bundle)
    assert (done.code, into.exists()) == (2, False)
    assert done.err.count("column 评审人: nobody says who answered") == 10
    assert "nothing was taken over" in done.err
    assert vocnlp("review", "import", sheet, "--into", into, "--bundle", tiny_bundle, "--by", "阿敏").code == 0


def test_labels_of_another_make_are_not_replaced(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    sheet, into, gold = tmp_path / "r.xlsx", tmp_path / "reviewed.jsonl", tmp_path / "labelled.jsonl"
    vocnlp("review", "sample", export, "-o", sheet, "--rows", 10, "--bundle", tiny_bundle)
    answered(sheet, "阿敏")
    own = json.dumps({"id": "9", "text": "柜台没人应", "tags": [{"code": "attitude"}]}, ensure_ascii=False)
    gold.write_text(own, encoding="utf-8")
    done = vocnlp("review", "import", sheet, "--into", into, "--gold", gold, "--bundle", tiny_bundle)
    assert (done.code, into.exists(), gold.read_text(encoding="utf-8")) == (2, False, own)
    assert "next step: choose another name for --gold" in done.err
    vocnlp("review", "import", sheet, "--into", tmp_path / "other.jsonl", "--by", "小周", "--bundle", tiny_bundle)
    other = (tmp_path / "other.jsonl").read_bytes()
    answered(sheet, "小周")
    done = vocnlp(
        "review", "import", sheet, "--into", into, "--gold", tmp_path / "other.jsonl", "--bundle", tiny_bundle
    )
    assert (done.code, into.exists(), (tmp_path / "other.jsonl").read_bytes()) == (2, False, other)


def test_a_mistyped_name_is_told_with_those_that_are_there(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    sheet, into = tmp_path / "r.xlsx", tmp_path / "reviewed.jsonl"
    vocnlp("review", "sample", export, "-o", sheet, "--rows", 10, "--bundle", tiny_bundle)
    answered(sheet, "阿敏")
    words = ("review", "import", sheet, "--into", into, "--bundle", tiny_bundle)
    done = vocnlp(*words, "--adjudicator", "阿民")
    assert (done.code, into.exists()) == (2, False)
    assert "next step: name one of the coders: 阿敏" in done.err
    vocnlp(*words)
    assert "next step: name one of the coders: 阿敏" in vocnlp("review", "quality", into, "--adjudicator", "阿民").err
    told = " ".join(vocnlp("review", "quality", into, "--of", "b9").err.split())
    bundle = json.loads(into.read_text(encoding="utf-8").split("\n")[0])["origin"]["bundle"]
    assert told.endswith(f"(value: 'b9') next step: choose one of these with --of: {bundle}")


def test_label_errors_are_looked_for_by_cross_validation(
    vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path
) -> None:
    lines: Lines = []
    for at, line in enumerate(VOICES.strip().splitlines()):
        text, codes, _ = line.split("|")
        lines.append(
            {"id": f"v{at}", "text": text, "tags": [{"code": code[:-1], "polarity": None} for code in codes.split()]}
        )
    lines[0]["tags"] = [{"code": "delivery", "polarity": None}]  # 做工精细 is no delivery
    lines.append({**lines[1], "id": "again"})  # two texts alike are looked at once
    data = tmp_path / "labelled.jsonl"
    data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    out = tmp_path / "check.json"
    done = vocnlp("review", "sample", data, "--labelled", "-o", out, "--rows", 10, "--bundle", tiny_bundle)
    assert done.code == 0, done.err
    assert f"{len(lines)} comments, {len(lines) - 1} different ones to choose from (0 noise, 0 known)" in done.out
    chosen = json.loads(out.read_text(encoding="utf-8"))
    assert "v0" in [task["data"]["id"] for task in chosen if task["data"]["why"].startswith("原标注可能有误")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sample", "EXPORT", "-o", "rows.csv"), "rows to review are an .xlsx or a .json file"),
        (("sample", "EXPORT", "-o", "EXPORT"), "rows to review are an .xlsx"),
        (("sample", "EXPORT", "-o", "r.xlsx", "--shares", "uncertain=viel"), "--shares takes names and numbers"),
        (("sample", "EXPORT", "-o", "r.xlsx", "--shares", "random=nan"), "--shares takes names and numbers"),
        (("sample", "EXPORT", "-o", "r.xlsx", "--shares", "random=0"), "shares of the budget are between 0 and 1"),
        (("sample", "EXPORT", "-o", "r.xlsx", "--shares", "mood=0.4"), "is no reason"),
        (("import", "EXPORT", "--into", "all.jsonl"), "is no workbook for review"),
        (("import", "gone.xlsx", "--into", "all.jsonl"), "no such file"),
        (("import", "EXPORT", "--into", "EXPORT"), "is the input itself"),
        (("import", "EXPORT", "--into", "all.jsonl", "--gold", "EXPORT"), "is the input itself"),
        (("import", "EXPORT", "--into", "all.jsonl", "--gold", "./all.jsonl"), "would be written twice"),
        (("import", "EXPORT", "--into", "all.jsonl", "--gold", "gone/g.jsonl"), "the folder does not exist"),
        (("agreement", "gone.jsonl"), "no such file"),
        (("agreement", "."), "cannot be read"),
        (("quality", "EXPORT"), "is no reviewed row"),
    ],
)
def test_what_cannot_be_used_is_told(
    words: tuple[str, ...], told: str, vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = [export if word == "EXPORT" else word for word in words]
    bundle = ["--bundle", tiny_bundle] if words[0] in ("sample", "import") else []
    done = vocnlp("review", *given, *bundle)
    assert done.code == 2
    assert told in " ".join(done.err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv"]


def test_an_output_that_is_there_is_kept(vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_text("mine")
    done = vocnlp("review", "sample", export, "-o", tmp_path / "r.xlsx", "--bundle", tiny_bundle)
    assert (done.code, (tmp_path / "r.xlsx").read_text()) == (2, "mine")


def test_a_labelling_interface_that_is_there_is_kept(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.xml").write_text("mine")
    done = vocnlp("review", "sample", export, "-o", tmp_path / "r.json", "--bundle", tiny_bundle)
    assert (done.code, (tmp_path / "r.xml").read_text()) == (2, "mine")
    assert "r.xml: already exists" in done.err


def test_several_imports_at_once_lose_no_answer(
    vocnlp: CommandLine, export: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    given = tmp_path / "r.xlsx"
    vocnlp("review", "sample", export, "-o", given, "--rows", "20", "--bundle", tiny_bundle)
    sheets = [shutil.copy(given, tmp_path / f"{by}.xlsx") for by in "甲乙丙丁"]
    for sheet in sheets:
        answered(Path(sheet), Path(sheet).stem)
    words = ["--into", str(tmp_path / "all.jsonl"), "--bundle", str(tiny_bundle)]
    start = [sys.executable, "-c", "from vocnlp.cli import main; main()", "review", "import"]
    running = [subprocess.Popen([*start, sheet, *words], stdout=subprocess.DEVNULL) for sheet in sheets]
    assert [one.wait() for one in running] == [0] * 4
    by = Counter(answer.by for answer in read_answers(tmp_path / "all.jsonl"))
    assert by == dict.fromkeys("甲乙丙丁", 20)
    assert not list(tmp_path.glob(".*"))


def test_an_import_waits_for_the_one_that_is_at_work_and_not_for_ever(tmp_path: Path) -> None:
    into = tmp_path / "all.jsonl"
    with (
        one_at_a_time(into),
        pytest.raises(OutputError, match="another process is writing it at this moment"),
        one_at_a_time(into, patience=0.1),
    ):
        pass
    with one_at_a_time(into, patience=0.0):
        assert (tmp_path / ".all.jsonl.lock").exists()
    assert list(tmp_path.iterdir()) == []
