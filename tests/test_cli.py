"""The command line as people use it: what each command prints and writes, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from command_line import CommandLine, command_line
from conftest import FRAME, VOICES
from corner_export import names_in, read_csv, rows, write_csv, write_xlsx

import vocnlp as package
from vocnlp.tagger import Tagger

__all__ = ["command_line"]
CONTRACT = {
    "sentiment": {"accuracy", "macro_f1"},
    "codes": {"micro_f1", "macro_f1"},
    "pairs": {"micro_f1", "macro_f1"},
    "evidence": {"overlap"},
}


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """The comments that the tiny bundle was trained on, as jsonl."""
    polarity = {"+": "positive", "-": "negative", "0": "neutral"}
    lines = []
    for number, voice in enumerate(VOICES.strip().splitlines(), 1):
        text, codes, sentiment = voice.split("|")
        tags = [{"code": c[:-1], "polarity": polarity[c[-1]], "start": 0, "end": len(text)} for c in codes.split()]
        lines.append({"id": f"v{number}", "text": text, "tags": tags, "sentiment": polarity[sentiment]})
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    path = tmp_path / "frame.yaml"
    path.write_text(yaml.safe_dump(FRAME, allow_unicode=True), encoding="utf-8")
    return path


def console(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vocnlp.cli", *map(str, words)]
    return subprocess.run(command, check=False, input=stdin, capture_output=True, encoding="utf-8")


# score and report


def test_score_says_what_was_chosen_and_what_came_out(tmp_path: Path, tiny_bundle: Path) -> None:
    cells = rows(40)
    cells[3]["推荐分"], cells[5]["推荐分"], cells[7]["评论"] = 11, "十分", "无"
    source = write_csv(tmp_path / "六月.csv", cells)
    ended = console("score", source, "-o", tmp_path / "出.xlsx", "--bundle", tiny_bundle)
    assert (ended.returncode, sorted(names_in(tmp_path))) == (0, sorted(["六月.csv", "出.xlsx"]))
    assert ended.stderr.splitlines() == [
        "六月.csv (utf-8-sig, delimiter ',')",
        "  text      评论  by its name",
        "  score     推荐分  by its name",
        "  stage     触点  by its name",
        "  channel   渠道  by its name",
        "  at        提交时间  by its name",
        "  id        编号  by its name",
    ]
    lines = ended.stdout.splitlines()
    assert lines[:2] == [f"40 rows -> {tmp_path / '出.xlsx'}", "  read 39; noise 1 (no_opinion 1)"]
    assert "  推荐分: 1 outside 0-10 (data row 4: '11'); such cells are left out, their rows are kept" in lines
    assert "  推荐分: 1 not a number (data row 6: '十分'); such cells are left out, their rows are kept" in lines
    assert any(line.startswith("  NPS -") and line.endswith("n = 38)") for line in lines)
    assert "pain points by what they cost in NPS" in [line.strip() for line in lines]


def test_score_without_scores_names_what_is_most_often_negative(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path
) -> None:
    texts = ["快递太慢", "快递太慢了", "价格太贵", "味道很好"]
    source = write_csv(tmp_path / "a.csv", [{"评论": text} for text in texts])
    ended = vocnlp("score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle)
    assert ended.code == 0
    assert "  no scores, so no NPS; most often negative: 配送 2, 价格 1\n" in ended.out
    assert "NPS +" not in ended.out


def test_score_with_columns_and_sheet_as_the_user_says(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    cells = [{"评论": "旧", "评价": row["评论"], "甲": row["推荐分"], "乙": row["渠道"]} for row in rows(12)]
    source = write_xlsx(tmp_path / "a.xlsx", cells, sheet="七月")
    words = ["--sheet", "七月", "--text", "评价", "--score", "甲", "--channel", "乙", "--workers", "1"]
    ended = vocnlp("score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle, *words)
    assert ended.code == 0
    assert "a.xlsx (sheet '七月')\n  text      评价  as you said\n  score     甲  as you said\n" in ended.err
    assert [row["voc_noise"] for row in read_csv(tmp_path / "b.csv")] == [""] * 12


def test_score_with_another_codeframe(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path, frame: Path) -> None:
    frame.write_text(frame.read_text(encoding="utf-8").replace("name: 价格", "name: 贵不贵"), encoding="utf-8")
    source = write_csv(tmp_path / "a.csv", [{"评论": "价格太贵"}])
    words = ["--bundle", tiny_bundle, "--codeframe", frame, "--journey", "catering"]
    assert vocnlp("score", source, "-o", tmp_path / "b.csv", *words).code == 0
    assert read_csv(tmp_path / "b.csv")[0]["voc_names"].split("|")[0] == "贵不贵"


def test_formulas_are_told_of_and_verbatim_leaves_them(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [{"评论": "=味道很好", "号": "x"}])
    ended = vocnlp("score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle)
    assert "cells got an apostrophe, so that no spreadsheet runs them as a formula" in ended.out
    ended = vocnlp("score", source, "-o", tmp_path / "c.csv", "--bundle", tiny_bundle, "--verbatim")
    assert "apostrophe" not in ended.out
    assert read_csv(tmp_path / "c.csv")[0]["评论"] == "=味道很好"


def test_force_replaces_and_the_rest_of_the_folder_stays(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path
) -> None:
    source = write_csv(tmp_path / "a.csv", rows(4))
    (tmp_path / "b.csv").write_text("旧", encoding="utf-8")
    assert vocnlp("score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle, "--force").code == 0
    assert len(read_csv(tmp_path / "b.csv")) == 4
    assert sorted(names_in(tmp_path)) == ["a.csv", "b.csv"]


def test_report_of_a_raw_export_and_of_a_tagged_one(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows(40))
    vocnlp("score", source, "-o", tmp_path / "b.xlsx", "--bundle", tiny_bundle)
    for given, out in (("a.csv", "raw.html"), ("b.xlsx", "tagged.html")):
        words = ["--bundle", tiny_bundle, "--title", "六月客户之声"]
        ended = vocnlp("report", tmp_path / given, "-o", tmp_path / out, *words)
        assert (ended.code, ended.out) == (0, f"report: {tmp_path / out} (40 rows)\n")
        page = (tmp_path / out).read_text(encoding="utf-8")
        assert "六月客户之声" in page
        assert given in page


def test_report_of_a_raw_export_says_its_columns_and_the_cells_it_could_not_use(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path
) -> None:
    cells = [
        {"评论": "价格太贵", "推荐分": 3},
        {"评论": "味道很好", "推荐分": 11},
        {"评论": "快递太慢", "推荐分": 2},
    ] * 2 + [{"评论": "味道很好", "推荐分": 9}] * 6
    source = write_csv(tmp_path / "a.csv", cells)
    ended = vocnlp("report", source, "-o", tmp_path / "r.html", "--bundle", tiny_bundle)
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "a.csv (utf-8-sig, delimiter ',')",
        "  text      评论  by its name",
        "  score     推荐分  by its name",
        "  推荐分: 2 outside 0-10; such cells are left out, their rows are kept",
    ]


# classify


def test_classify_arguments(vocnlp: CommandLine, tiny_bundle: Path) -> None:
    ended = vocnlp("classify", "价格太贵", "", "--bundle", tiny_bundle)
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert lines[0] == "价格太贵"
    assert lines[1].split()[0] == "negative"
    assert lines[2].split()[:3] == ["negative", "价格", "«价格太贵»"]
    assert lines[-2:] == ["(empty)", "  noise: empty"]


def test_classify_json_from_stdin_one_object_a_line(vocnlp: CommandLine, tiny_bundle: Path) -> None:
    texts = ["价格太贵", "质量很好，就是快递太慢", "", "[red]味道很好[/red]"]
    given = ("\ufeff" + "\r\n".join(texts) + "\r\n").encode()
    ended = vocnlp("classify", "--json", "--bundle", tiny_bundle, stdin=given)
    told = [json.loads(line) for line in ended.out.splitlines()]
    predictions = Tagger.load(tiny_bundle).tag(texts)
    assert [one["text"] for one in told] == texts
    assert [one["sentiment"] for one in told] == [p.sentiment for p in predictions]
    assert [[(t["code"], t["quote"]) for t in one["tags"]] for one in told] == [
        [(t.code, text[t.start : t.end]) for t in p.tags] for text, p in zip(texts, predictions, strict=True)
    ]
    assert told[2]["noise"] == "empty"
    assert set(told[0]) == {"text", "sentiment", "confidence", "noise", "tags", "bundle"}


def test_classify_of_nothing_says_nothing(vocnlp: CommandLine, tiny_bundle: Path) -> None:
    ended = vocnlp("classify", "--bundle", tiny_bundle, stdin=b"")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_classify_through_a_pipe_in_a_console_without_chinese(tiny_bundle: Path) -> None:
    command = [sys.executable, "-m", "vocnlp.cli", "classify", "价格太贵", "--bundle", str(tiny_bundle)]
    ended = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ended.stdout.splitlines()[0] == b"????"


# codeframe


def test_codeframe_show_prints_the_tree(vocnlp: CommandLine, frame: Path) -> None:
    ended = vocnlp("codeframe", "show", frame)
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert lines[0].startswith("街角小店码框 0.1.0 9 codes")
    assert [line.split("── ")[1].strip() for line in lines[1:5]] == [
        "商品 goods",
        "质量 quality",
        "味道 taste 餐饮",
        "服务 people",
    ]


def test_codeframe_show_without_a_frame_is_the_shipped_one(vocnlp: CommandLine) -> None:
    ended = vocnlp("codeframe", "show")
    assert ended.code == 0
    assert ended.out.startswith("通用客户体验码框 ")


def test_codeframe_check_tells_size_and_warnings(vocnlp: CommandLine, frame: Path) -> None:
    ended = vocnlp("codeframe", "check", frame)
    assert ended.code == 0
    assert ended.out.startswith("corner-shop 0.1.0: 9 codes, 7 leaves, digest ")
    doubled = frame.read_text(encoding="utf-8").replace("- 停车位", "- 态度")
    frame.write_text(doubled, encoding="utf-8")
    ended = vocnlp("codeframe", "check", frame)
    assert ended.code == 0
    assert "warning: parking: keyword '态度' also belongs to attitude" in ended.err


def test_codeframe_diff_says_what_changed(tmp_path: Path, vocnlp: CommandLine, frame: Path) -> None:
    content = yaml.safe_load(frame.read_text(encoding="utf-8"))
    content["version"] = "0.2.0"
    by_id = {code["id"]: code for code in content["codes"]}
    by_id["price"]["name"] = "价钱"
    by_id["waiting"]["parent"] = "goods"
    by_id["taste"]["owner"] = "中央厨房"
    content["codes"] = [code for code in content["codes"] if code["id"] != "parking"]
    content["codes"].append({"id": "music", "name": "音乐", "definition": "店里放的歌"})
    new = tmp_path / "new.yaml"
    new.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    ended = vocnlp("codeframe", "diff", frame, new)
    assert (ended.code, ended.out.splitlines()) == (0, [
        "corner-shop 0.1.0 -> corner-shop 0.2.0",
        "  + music 音乐",
        "  - parking 停车",
        "  ~ price: name 价格 -> 价钱",
        "  ~ waiting: parent people -> goods",
        "  ~ taste: owner",
    ])  # fmt: skip
    assert vocnlp("codeframe", "diff", frame, frame).out.splitlines()[-1] == "  no difference"


# train and evaluate


def test_evaluate_prints_the_figures_of_the_contract(vocnlp: CommandLine, tiny_bundle: Path, labelled: Path) -> None:
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", labelled, "--json")
    figures = json.loads(ended.out)
    assert ended.code == 0
    assert {part: names - set(figures[part]) for part, names in CONTRACT.items()} == {part: set() for part in CONTRACT}
    assert {"per_code", "comments_per_second"} <= set(figures)
    rows_in = len(VOICES.strip().splitlines())
    assert figures["rows"] == rows_in
    table = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", labelled).out
    assert f"{figures['sentiment']['accuracy']:.3f}" in table
    assert f"{rows_in} comments" in table


def test_train_writes_a_bundle_that_loads(tmp_path: Path, vocnlp: CommandLine, labelled: Path, frame: Path) -> None:
    out = tmp_path / "模型"
    words = ["--data", labelled, "--out", out, "--codeframe", frame, "--dev-parts", "0", "--linear"]
    ended = vocnlp("train", *words)
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == f"bundle: {out}"
    tagger = Tagger.load(out)
    assert tagger.codeframe.name == "corner-shop"
    assert len(tagger.tag(["价格太贵"])) == 1
    again = vocnlp("train", *words)
    assert (again.code, f"error: {out}: already exists" in again.err) == (2, True)


# How a run ends


def test_version(vocnlp: CommandLine) -> None:
    ended = vocnlp("--version")
    assert (ended.code, ended.out) == (0, f"{package.__version__}\n")


def test_help_names_every_command(vocnlp: CommandLine) -> None:
    ended = vocnlp("--help")
    assert ended.code == 0
    for command in ("score", "report", "classify", "train", "evaluate", "codeframe"):
        assert command in ended.out


SLOW = """
import sys, time
from vocnlp import batch, cli
batch.WINDOW = 50
kept = batch.Unfinished.keep

def keep(work, tagged):
    kept(work, tagged)
    print("kept", file=sys.stderr, flush=True)
    time.sleep(0.2)

batch.Unfinished.keep = keep
cli.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent there")
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path, tiny_bundle: Path) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(1000)), tmp_path / "b.csv"
    words = ["score", str(source), "-o", str(out), "--bundle", str(tiny_bundle)]
    with subprocess.Popen([sys.executable, "-c", SLOW, *words, "--workers", "1"], stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        while b"kept" not in run.stderr.readline():
            time.sleep(0.001)
        run.send_signal(signal.SIGINT)
        told = run.stderr.read().decode()
    assert run.returncode == 130
    assert told.endswith("interrupted; go on with the same command and --resume\n")
    assert "Traceback" not in told
    assert not out.exists()
    ended = console(*words)
    assert (ended.returncode, "next step: go on with --resume, or start over with --force" in ended.stderr) == (2, True)


def test_ctrl_c_elsewhere_speaks_of_no_resume(
    vocnlp: CommandLine, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tagger, "tag", interrupt)
    ended = vocnlp("classify", "味道很好", "--bundle", tiny_bundle)
    assert (ended.code, ended.err) == (130, "interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent there")
def test_ctrl_c_reaches_every_process_and_only_the_first_one_speaks(tmp_path: Path, tiny_bundle: Path) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(1000)), tmp_path / "b.csv"
    script = tmp_path / "slow.py"
    script.write_text(SLOW.replace("cli.main()", 'if __name__ == "__main__":\n    cli.main()'), encoding="utf-8")
    words = [str(script), "score", str(source), "-o", str(out), "--bundle", str(tiny_bundle), "--workers", "2"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, start_new_session=True) as run:
        assert run.stderr is not None
        while b"  id " not in run.stderr.readline():
            time.sleep(0.001)
        until = time.monotonic() + 10
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        while children.exists() and len(children.read_text().split()) < 3 and time.monotonic() < until:
            time.sleep(0.001)
        os.killpg(run.pid, signal.SIGINT)
        told = run.stderr.read().decode()
    assert run.returncode == 130
    assert "Traceback" not in told
    assert told.endswith("interrupted; go on with the same command and --resume\n")
