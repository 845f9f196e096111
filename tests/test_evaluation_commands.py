"""``vocnlp evaluate`` and ``vocnlp compare`` as they are called: JSON, tables, pages, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CommandLine, command_line  # noqa: F401 - the fixture

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear


def written(path: Path, rows: list[Labelled]) -> Path:
    lines = [
        {
            "id": row.id,
            "text": row.text,
            "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags],
            "sentiment": row.sentiment,
        }
        for row in rows
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("data") / "voices.jsonl", tiny_rows)


@pytest.fixture(scope="module")
def smaller(tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that has learnt three codes only."""
    fitted = fit_linear(tiny_rows[:18], tiny_frame, LinearRecipe(least_texts=1, penalty=0.12))
    path = tmp_path_factory.mktemp("bundles") / "half"
    Bundle("half", "0.0.1", tiny_frame, fitted.model, fitted.thresholds).save(path, card="# half\n")
    return path


def test_evaluate_prints_intervals_in_json_and_in_the_table(vocnlp: CommandLine, tiny_bundle: Path, data: Path) -> None:
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", data, "--json", "--samples", 50, "--errors", 1)
    figures = json.loads(ended.out)
    assert ended.code == 0
    low, high = figures["codes"]["interval"]["micro_f1"]
    assert figures["bootstrap"] == {"samples": 50, "seed": 7}
    assert all(len(cases) <= 1 for cases in figures["errors"].values())
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", data, "--samples", 50)
    assert f"{low:.3f} {high:.3f}" in ended.out
    assert "delivery" in ended.out
    assert "calibration of mentions: ECE" in ended.out


def test_several_files_are_measured_together(
    vocnlp: CommandLine, tiny_bundle: Path, data: Path, tmp_path: Path, tiny_rows: list[Labelled]
) -> None:
    more = written(tmp_path / "more.jsonl", tiny_rows[:5])
    words = ("evaluate", "--bundle", tiny_bundle, "--data", data, "--data", more, "--json", "--samples", 0)
    assert json.loads(vocnlp(*words).out)["data"] == {"voices": len(tiny_rows), "more": 5}


def test_errors_are_shown_when_asked_for(
    vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path, tiny_rows: list[Labelled]
) -> None:
    wrong = [Labelled("x1", "味道很好，电话13912345678", (), "negative"), *tiny_rows[:3]]
    told = vocnlp(
        "evaluate", "--bundle", tiny_bundle, "--data", written(tmp_path / "w.jsonl", wrong), "--errors", 3
    ).out
    assert "positive  (w x1; gold: no code, negative)" in told
    assert "味道很好，电话电**********" in told
    assert "13912345678" not in told


def test_compare_says_which_codes_are_better(vocnlp: CommandLine, tiny_bundle: Path, smaller: Path, data: Path) -> None:
    words = ("compare", smaller, tiny_bundle, "--data", data, "--samples", 100)
    ended = vocnlp(*words)
    assert ended.code == 0
    (line,) = [line for line in ended.out.splitlines() if line.strip().startswith("taste")]
    assert line.split()[-1] == "better"
    assert "old half@0.0.1" in ended.out
    found = json.loads(vocnlp(*words, "--json", "--codes", "delivery,质量").out)
    assert sorted(found["per_code"]) == ["delivery", "quality"]
    assert found["figures"]["codes.micro_f1"]["low"] > 0
    assert {change["verdict"] for change in found["changed"]} <= {"better", "worse", "other"}


def test_both_write_a_page_and_do_not_replace_one(
    vocnlp: CommandLine, tiny_bundle: Path, smaller: Path, data: Path, tmp_path: Path
) -> None:
    page = tmp_path / "p.html"
    for words, title in (
        (("evaluate", "--bundle", tiny_bundle, "--data", data), "模型评测"),
        (("compare", smaller, tiny_bundle, "--data", data), "模型对比"),
    ):
        ended = vocnlp(*words, "--samples", 20, "--html", page, "--force")
        assert (ended.code, ended.out.splitlines()[-1]) == (0, f"page: {page}")
        assert f"<title>{title}</title>" in page.read_text(encoding="utf-8")
    for name, said, step in (
        ("p.html", "already exists", "--force"),
        ("p.txt", "the page is an HTML file", "name it p.html"),
        ("none/p.html", "the folder does not exist", "create"),
    ):
        ended = vocnlp("compare", smaller, tiny_bundle, "--data", data, "--html", tmp_path / name)
        assert ended.code == 2
        assert said in ended.err and step in ended.err.partition("next step:")[2]
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]


@pytest.mark.parametrize(
    ("content", "said", "step"),
    [
        ("", "d.jsonl: holds no labelled row", "each line needs a text"),
        ('{"text": "好"}\n', "d.jsonl: no row carries a label", "expected fields"),
        ('{"text": "好", "tags": [{"code": "Quality"}]}\n', "'Quality'", "did you mean 'quality'?"),
        (
            '{"text": "好", "tags": [{"code": "车门"}, {"code": "油耗"}]}\n',
            "none of its 2 codes is in the codeframe corner-shop of corner-shop@",
            "measure a bundle that was trained for these codes",
        ),
    ],
)
def test_evaluate_refuses_what_it_cannot_measure(
    vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path, content: str, said: str, step: str
) -> None:
    (tmp_path / "d.jsonl").write_text(content, encoding="utf-8")
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", tmp_path / "d.jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert step in ended.err.partition("next step:")[2]


def test_compare_refuses_codes_that_it_does_not_know(
    vocnlp: CommandLine, tiny_bundle: Path, smaller: Path, data: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "d.jsonl"
    odd.write_text('{"text": "好", "tags": [{"code": "QUALITY"}]}\n', encoding="utf-8")
    ended = vocnlp("compare", smaller, tiny_bundle, "--data", odd)
    assert ended.code == 2
    assert "row 1, column 'code': neither codeframe, corner-shop or corner-shop, has such a code" in ended.err
    assert "did you mean 'quality'?" in ended.err
    ended = vocnlp("compare", smaller, tiny_bundle, "--data", data, "--codes", "天气")
    assert (ended.code, "neither codeframe has such a code" in ended.err) == (2, True)
    ended = vocnlp("compare", smaller, tmp_path / "nothing", "--data", data)
    assert (ended.code, "no such bundle folder" in ended.err) == (2, True)


def test_a_code_that_the_bundle_lacks_is_refused_with_a_step_that_measuring_has(
    vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path, tiny_rows: list[Labelled]
) -> None:
    odd = Labelled("q", "发票抬头开错了", (GoldTag("发票抬头", "negative"),))
    path = written(tmp_path / "may.jsonl", [*tiny_rows[:2], odd])
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", path)
    assert ended.code == 2
    assert f"{path}, row 3, column 'code': the codeframe" in " ".join(ended.err.split())
    assert "add it to the codeframe, or take its tags out of the data" in " ".join(ended.err.split())
    assert "train without" not in ended.err


def test_rows_without_a_text_are_said_and_nothing_else_is_refused(
    vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path, tiny_rows: list[Labelled]
) -> None:
    empty = Labelled("e", " ", (), "negative")
    path = written(tmp_path / "may.jsonl", [*tiny_rows[:3], empty])
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", path, "--samples", 0)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 row(s) without a text left out")
    ended = vocnlp("compare", tiny_bundle, tiny_bundle, "--data", path, "--samples", 10)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 row(s) without a text left out")
    ended = vocnlp("evaluate", "--bundle", tiny_bundle, "--data", written(tmp_path / "none.jsonl", [empty]))
    assert (ended.code, "none.jsonl: no labelled row has a text" in ended.err) == (2, True)
