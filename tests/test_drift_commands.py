"""``vocnlp drift``: from files and stores to a list of codes to review, a page and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, command_line
from test_report_browser import Seen, browser  # noqa: F401 - the fixture

__all__ = ["command_line"]
PLAIN = [
    "味道不错",
    "价格便宜，量还足",
    "服务员态度热情",
    "今天路过买了一份",
    "做工精细",
    "质量真好",
    "第二次来了",
    "隔壁同事推荐的",
]


def write(path: Path, texts: list[str], month: int) -> Path:
    lines = [f"m{month}-{number},{text},2026-{month:02d}-{1 + number % 28:02d}" for number, text in enumerate(texts)]
    path.write_text("\n".join(["编号,评论,时间", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def months(tmp_path: Path) -> tuple[Path, Path]:
    """January and June; in June half the comments complain of delivery."""
    january = write(tmp_path / "january.csv", PLAIN * 15, 1)
    june = write(tmp_path / "june.csv", [*PLAIN * 8, *["快递太慢，冰袋都化了<b>", "配送慢得离谱，冰袋漏水"] * 30], 6)
    return january, june


def test_the_command_names_the_codes_and_the_next_step(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    january, june = months
    page = tmp_path / "drift.html"
    ended = vocnlp("drift", "--reference", january, "--data", june, "--bundle", tiny_bundle, "--html", page)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == f"120 comments of {january}, 124 of {june}"
    reviewed = next(line for line in lines if "(delivery)" in line)
    assert reviewed.startswith("  配送 (delivery): 首次出现：0.0% → 48.4%(0 条 → 60 条)；负面占比上升：0.0% → 48.4%")
    assert any("冰袋 0→60" in line for line in lines)
    assert f"next step: vocnlp review sample {june} -o review.xlsx --rows 300" in lines
    html = page.read_text(encoding="utf-8")
    assert "<td>配送</td>" in html and "需要复核的编码" in html and "<script" not in html and "<b>" not in html


def test_reasons_stay_readable_on_a_telephone(
    vocnlp: CommandLine,
    tiny_bundle: Path,
    months: tuple[Path, Path],
    tmp_path: Path,
    browser: Any,  # noqa: F811
) -> None:
    page = tmp_path / "drift.html"
    vocnlp("drift", "--reference", months[0], "--data", months[1], "--bundle", tiny_bundle, "--html", page)
    narrow = Seen(browser, page, width=390)
    widths = narrow.page.locator("td.why").evaluate_all("all => all.map(one => one.clientWidth / 15)")
    assert widths and min(widths) >= 13  # characters
    assert (narrow.page.evaluate("document.documentElement.scrollWidth"), narrow.said) == (390, [])
    narrow.page.close()


def test_a_store_is_compared_by_its_periods(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    pytest.importorskip("deltalake")
    store = tmp_path / "store"
    for month in months:
        assert vocnlp("store", "put", month, "--store", store, "--bundle", tiny_bundle).code == 0
    call = ("drift", "--data", store, "--bundle", tiny_bundle, "--json")
    ended = vocnlp(*call, "--reference", f"{store}:..2026-03-31", "--since", "2026-04-01")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["reference"]["rows"] + told["current"]["rows"] == 244
    assert "delivery" in [one["code"] for one in told["review"]]
    assert {"codes", "vocabulary"} <= set(told["moved"])
    same = vocnlp(*call, "--reference", store)
    assert same.code == 2 and "have comments in common" in same.err
    empty = vocnlp(*call, "--reference", f"{store}:..2026-03-31", "--since", "2027-01-01")
    assert "no comment lies in this period" in empty.err
    assert "it holds comments from 2026-01-01 to 2026-06-28" in empty.err
    few = vocnlp(*call, "--reference", f"{store}:..2026-03-31", "--since", "2026-06-28")
    assert "comments that say something are too few to compare" in few.err


def test_comments_without_a_readable_time_are_told_and_an_empty_period_is_called_empty(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    both = tmp_path / "both.csv"
    lines = [line for month in months for line in month.read_text(encoding="utf-8").splitlines()[1:]]
    lines[7] = lines[7].rpartition(",")[0] + ",前天"
    both.write_text("\n".join(["编号,评论,时间", *lines]) + "\n", encoding="utf-8")
    call = ("drift", "--data", both, "--bundle", tiny_bundle)
    ended = vocnlp(*call, "--reference", f"{both}:..2026-03-31", "--since", "2026-04-01")
    told = f"warning: 1 comments of {both} have no time that can be read, so they lie in no period"
    assert ended.code == 0
    assert " ".join(ended.err.split()).count(f"{told}; the first cell: data row 8, column 时间, '前天'") == 2
    for reference, since in ((f"{both}:2025-01-01..2025-01-31", ()), (both, ("--since", "2027-01-01"))):
        empty = vocnlp(*call, "--reference", reference, *since)
        assert (empty.code, "no comment lies in this period" in empty.err) == (2, True)


def test_a_profile_is_kept_and_is_a_reference(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    january, june = months
    kept = tmp_path / "profile.json"
    call = ("drift", "--data", june, "--bundle", tiny_bundle, "--json")
    first = json.loads(vocnlp(*call, "--reference", january, "--keep-profile", kept).out)
    again = json.loads(vocnlp(*call, "--reference", kept).out)
    assert [one["code"] for one in again["review"]] == [one["code"] for one in first["review"]]
    assert again["codes"] == first["codes"]


def test_tags_of_another_frame_are_told_and_made_anew(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    january, june = months
    other = tmp_path / "other.yaml"
    other.write_text(
        "schema: 1\nname: other\nversion: '1'\ncodes:\n  - {id: box, name: 箱子, definition: 箱, keywords: [箱, 味道]}\n",
        encoding="utf-8",
    )
    tagged = tmp_path / "tagged.jsonl"
    assert vocnlp("score", january, "-o", tagged, "--bundle", tiny_bundle, "--codeframe", other).code == 0
    call = ("drift", "--reference", tagged, "--data", june, "--bundle", tiny_bundle, "--json")
    refused = vocnlp(*call)
    assert refused.code == 2 and "was tagged with codeframe other@1" in refused.err and "--retag" in refused.err
    assert json.loads(vocnlp(*call, "--retag").out)["reference"]["codeframes"] == {"corner-shop@0.1.0": 120}


@pytest.mark.parametrize(
    ("option", "name", "told"),
    [
        ("--keep-profile", "january.csv", "january.csv: a profile is a .json file"),
        ("--keep-profile", "frame.json", "frame.json: is there and is no profile, so it is not replaced"),
        ("--keep-profile", "没有/p.json", "没有/p.json: the folder does not exist"),
        ("--html", "frame.yaml", "frame.yaml: the page is an HTML file"),
        ("--html", "notes.html", "notes.html: is there and is no page, so it is not replaced"),
        ("--html", "没有/drift.html", "没有/drift.html: the folder does not exist"),
    ],
)
def test_what_would_be_lost_or_cannot_be_written_is_refused_before_anything_is_read(
    vocnlp: CommandLine, months: tuple[Path, Path], tmp_path: Path, option: str, name: str, told: str
) -> None:
    for own in ("frame.json", "frame.yaml", "notes.html"):
        (tmp_path / own).write_text("我的文件", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    call = ("drift", "--reference", months[0], "--data", months[1], "--bundle", tmp_path / "not read", option)
    ended = vocnlp(*call, tmp_path / name)
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {tmp_path}/{told}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_page_and_a_profile_are_made_anew_and_no_reference_is(
    vocnlp: CommandLine, tiny_bundle: Path, months: tuple[Path, Path], tmp_path: Path
) -> None:
    page, kept = tmp_path / "drift.html", tmp_path / "profile.json"
    call = ("drift", "--data", months[1], "--bundle", tiny_bundle, "--html", page, "--keep-profile", kept)
    assert vocnlp(*call, "--reference", months[0]).code == 0
    assert vocnlp(*call, "--reference", months[0]).code == 0
    ended = vocnlp(*call, "--reference", kept)
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {kept}: is the input itself")
