"""``vocnlp discover``: from a file to topics, from a topic to a code that tags, and what happens where there is nothing to find."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from chatter import LOCKER, PARKING, RECIPE, STRAY
from command_line import CommandLine, command_line

from vocnlp import cli
from vocnlp.batch import Options
from vocnlp.codeframe import Codeframe
from vocnlp.discovery import Discovered, discover
from vocnlp.tagged_reading import read_rows
from vocnlp.tagger import Tagger
from vocnlp.topic_files import write_topics
from vocnlp.topic_page import page
from vocnlp.topic_pieces import Scope

__all__ = ["command_line"]
FILES = ["comments.jsonl", "topics.html", "topics.json", "topics.xlsx"]
FRAME = Path(__file__).parents[1] / "vocnlp" / "frames" / "voc-zh-general.yaml"


def _survey(path: Path) -> Path:
    """Twelve weeks; the locker is new in the last three."""
    calm = [*PARKING, *STRAY, *RECIPE]
    rows = [(text, date(2026, 1, 1) + timedelta(days=at * 83 // (len(calm) - 1))) for at, text in enumerate(calm)]
    rows += [(text, date(2026, 3, 5) + timedelta(days=at % 19)) for at, text in enumerate(LOCKER)]
    lines = [f"{at},{text},{at % 11},{day}" for at, (text, day) in enumerate(rows)]
    path.write_text("\n".join(["编号,评论,评分,时间", *lines]) + "\n", encoding="utf-8")
    return path


def _run(*words: object) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["vocnlp", *map(str, words)])
        cli.main()
    assert not ended.value.code


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _survey(tmp_path_factory.mktemp("survey") / "survey.csv")


@pytest.fixture(scope="module")
def folder(survey: Path) -> Path:
    """The result of a discovery over the survey. Not to be written to."""
    out = survey.parent / "topics"
    _run("discover", survey, "-o", out, "--all")
    return out


@pytest.fixture(scope="module")
def content(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "topics.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def locker(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = max(
        content["topics"], key=lambda topic: sum("柜" in words for words in topic["verbatims"]) * topic["comments"]
    )
    return found


def test_a_file_becomes_topics_a_page_and_a_workbook(folder: Path, content: dict[str, Any]) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (content["comments"], content["looked"], content["pieces"], content["reason"]) == (184, 184, 184, "")
    assert (content["inside"], content["everything"]) == (None, True)
    held = sum(topic["comments"] for topic in content["topics"])
    assert held + content["unplaced"] == 184
    html = (folder / "topics.html").read_text(encoding="utf-8")
    assert [topic["name"] for topic in content["topics"] if topic["name"] not in html] == []
    sheet = openpyxl.load_workbook(folder / "topics.xlsx")["话题"]
    ordered = sorted(content["topics"], key=lambda topic: topic["proposal"]["kind"] == "noise")
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [topic["id"] for topic in ordered]


def test_a_pain_that_is_new_is_rising_and_dated(locker: dict[str, Any]) -> None:
    assert (locker["rising"], locker["first"][:7]) == (True, "2026-03")
    assert locker["months"][0][:2] == ["2026-01", 0]
    assert "柜" in locker["name"]


def test_the_same_file_gives_the_same_bytes(survey: Path, folder: Path, vocnlp: CommandLine, tmp_path: Path) -> None:
    ended = vocnlp("discover", survey, "-o", tmp_path / "again", "--all")
    assert ended.code == 0, ended.err
    for name in ("topics.json", "comments.jsonl", "topics.html"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    count = len(json.loads((folder / "topics.json").read_text(encoding="utf-8"))["topics"])
    assert ended.out.splitlines()[-1].startswith(f"topics: {count} (184 comments, 184 open phrases, ")


def test_an_accepted_topic_is_a_code_that_tags_at_once(
    folder: Path, locker: dict[str, Any], vocnlp: CommandLine, tmp_path: Path
) -> None:
    out, examples = tmp_path / "next.yaml", tmp_path / "examples.jsonl"
    named = ("--as", "new", "--code", "locker", "--name", "快递柜故障", "--under", "convenience")
    ended = vocnlp(
        "discover", "accept", folder, "--topic", locker["id"], "--codeframe", FRAME, *named,
        "--out", out, "--examples", examples,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "  + locker 快递柜故障" in ended.out.splitlines()
    assert vocnlp("codeframe", "check", out).code == 0
    rows = [json.loads(line) for line in examples.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == locker["comments"]
    assert {(row["review"], row["tags"][0]["code"]) for row in rows} == {("needed", "locker")}
    (said,) = Tagger.load(codeframe=str(out)).tag(["小区的快递柜又打不开了"])
    assert "locker" in {tag.code for tag in said.tags}


def test_noise_leaves_the_frame_as_it_is(
    folder: Path, locker: dict[str, Any], vocnlp: CommandLine, tmp_path: Path
) -> None:
    out = tmp_path / "next.yaml"
    given = ("--topic", locker["id"], "--codeframe", FRAME, "--out", out)
    ended = vocnlp("discover", "accept", folder, *given, "--as", "noise")
    assert (ended.code, ended.out, out.exists()) == (0, "noise: the codeframe stays as it is\n", False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--topic", "t_gone"), "no such topic"),
        (("--topic", "ID", "--as", "new", "--code", "price"), "has a code 'price' already"),
        (("--topic", "ID", "--as", "new", "--under", "nonsense"), "has no code 'nonsense'"),
    ],
)
def test_a_decision_that_cannot_be_done_writes_nothing(
    words: tuple[str, ...], message: str, folder: Path, locker: dict[str, Any], vocnlp: CommandLine, tmp_path: Path
) -> None:
    given = [locker["id"] if word == "ID" else word for word in words]
    more = ("--codeframe", FRAME, "--out", tmp_path / "next.yaml", "--examples", tmp_path / "x.jsonl")
    ended = vocnlp("discover", "accept", folder, *given, *more)
    assert ended.code != 0
    assert message in " ".join(ended.err.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--all", "--inside", "price"), "two ways to look"),
        (("--inside", "nonsense"), "has no code 'nonsense'"),
    ],
)
def test_a_look_that_makes_no_sense_is_refused(
    words: tuple[str, ...], message: str, survey: Path, vocnlp: CommandLine, tmp_path: Path
) -> None:
    ended = vocnlp("discover", survey, "-o", tmp_path / "out", *words)
    assert ended.code != 0
    assert message in " ".join(ended.err.split())
    assert not (tmp_path / "out").exists()


def test_an_earlier_result_is_not_replaced_unasked(survey: Path, folder: Path, vocnlp: CommandLine) -> None:
    before = (folder / "topics.json").read_bytes()
    ended = vocnlp("discover", survey, "-o", folder, "--all")
    assert ended.code != 0
    assert "already exists" in " ".join(ended.err.split())
    assert (folder / "topics.json").read_bytes() == before


def test_a_result_that_would_replace_its_own_input_is_refused_before_the_work(
    vocnlp: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tagger, "load", lambda *given, **named: pytest.fail("the work has begun"))
    work = tmp_path / "work"
    work.mkdir()
    source = work / "comments.jsonl"
    source.write_text('{"text": "柜子打不开"}\n', encoding="utf-8")
    ended = vocnlp("discover", source, "-o", work, "--force")
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {source}: is the input itself")
    assert source.read_text(encoding="utf-8") == '{"text": "柜子打不开"}\n'
    for out in (source, source / "deeper"):
        ended = vocnlp("discover", source, "-o", out, "--force")
        assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {source}: cannot be written: it is no folder")
    assert list(work.iterdir()) == [source]


def test_an_accepted_topic_replaces_none_of_what_it_is_made_of(
    folder: Path, locker: dict[str, Any], vocnlp: CommandLine, tmp_path: Path
) -> None:
    frame, out = tmp_path / "frame.yaml", tmp_path / "next.yaml"
    shutil.copy(FRAME, frame)
    result = Path(shutil.copytree(folder, tmp_path / "topics"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    named = ("--topic", locker["id"], "--as", "new", "--code", "locker", "--codeframe", frame, "--force")
    for places, told in (
        (("--out", out, "--examples", frame), f"{frame}: is the input itself"),
        (("--out", frame), f"{frame}: is the input itself"),
        (("--out", out, "--examples", out), f"{out}: would be written twice"),
        (("--out", out, "--examples", result / "comments.jsonl"), f"{result}/comments.jsonl: is the input itself"),
        (("--out", tmp_path / "no" / "f.yaml", "--examples", tmp_path / "x.jsonl"),
         f"{tmp_path}/no/f.yaml: the folder does not exist"),
        (("--out", tmp_path / "f.txt", "--examples", tmp_path / "x.jsonl"),
         f"{tmp_path}/f.txt: a codeframe is a .yaml or .json file"),
    ):  # fmt: skip
        ended = vocnlp("discover", "accept", result, *named, *places)
        assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {told}")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_without_the_extra_the_pip_line_is_told(
    survey: Path, vocnlp: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bertopic", None)
    ended = vocnlp("discover", survey, "-o", tmp_path / "out", "--all")
    assert ended.code != 0
    assert 'pip install "vocnlp[topics]"' in " ".join(ended.err.split())
    assert not (tmp_path / "out").exists()


def test_where_there_is_nothing_to_find_the_command_says_so_and_leaves_an_empty_result(
    vocnlp: CommandLine, tmp_path: Path
) -> None:
    source = _column(tmp_path / "few.csv", STRAY[:5])
    ended = vocnlp("discover", source, "-o", tmp_path / "out", "--all")
    assert ended.code == 0, ended.err
    assert "只有 5 条互不相同的内容，至少需要 40 条才能归纳话题" in ended.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


@pytest.fixture(scope="module")
def shipped() -> Tagger:
    return Tagger.load()


def _column(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("\n".join(["评论", *texts]) + "\n", encoding="utf-8")
    return path


def _discovered(texts: Sequence[str], tagger: Tagger, folder: Path, scope: Scope) -> Discovered:
    table, facts = read_rows(_column(folder / "in.csv", texts), tagger, Options(named={"text": "评论"}))
    found = discover(table, tagger.bundle, tagger.codeframe, scope=scope, facts=facts)
    write_topics(found, folder / "out", page(found.to_dict()))
    return found


@pytest.mark.parametrize(
    ("texts", "scope", "reason"),
    [
        (["楼下的柜子打不开"] * 60, Scope(everything=True), "只有 1 条互不相同的内容，至少需要 40 条才能归纳话题"),
        (
            ["。。。", "asdfghjkl", "！！！"] * 20,
            Scope(everything=True),
            "没有可读的评论：全部是空白、符号、数字或广告",
        ),
        ([str(at) for at in range(100, 160)], Scope(), "没有可读的评论：全部是空白、符号、数字或广告"),
        (["服务员态度很好，非常热情"] * 60, Scope(), "没有尚未归入码框的内容：每条评论都已有把握足够的标签"),
    ],
    ids=["all equal", "only noise", "numbers", "all tagged"],
)
def test_data_without_topics_give_a_reason_and_a_valid_result(
    texts: list[str], scope: Scope, reason: str, shipped: Tagger, tmp_path: Path
) -> None:
    found = _discovered(texts, shipped, tmp_path, scope)
    assert (found.topics, found.reason) == ((), reason)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_one_giant_cluster_of_copies_is_no_topic_of_its_own_pain(shipped: Tagger, tmp_path: Path) -> None:
    found = _discovered(
        ["楼下的柜子打不开", *LOCKER] + ["快递柜半夜打不开，白跑一趟"] * 300, shipped, tmp_path, Scope(everything=True)
    )
    assert (found.comments, found.lines) == (349, 49)
    loud = [one.kind for one, said in zip(found.proposals, found.said, strict=True) if len(said) >= 300]
    assert set(loud) <= {"noise"}
    assert bool(found.topics) != bool(found.reason)


def test_english_comments_are_read_as_words(shipped: Tagger, tmp_path: Path) -> None:
    texts = [f"the {thing} {what} {when}" for thing in ("locker", "cabinet", "box", "door") for what in ("would not open", "stayed locked", "jammed", "ignored my code") for when in ("at night", "again", "this morning")]  # fmt: skip
    found = _discovered(texts, shipped, tmp_path, Scope(everything=True))
    assert found.lines == 48
    assert [term for topic in found.topics for term, _ in topic.terms if not term.isascii()] == []
    assert bool(found.topics) != bool(found.reason)


def test_the_frame_that_ships_is_not_changed() -> None:
    assert "locker" not in Codeframe.load(FRAME)
