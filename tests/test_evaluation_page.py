"""The pages of evaluate and compare in a real browser: they ask the network for nothing, sort, and run nobody's script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_report_browser import EVIL, Seen, browser  # noqa: F401 - the fixture

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.errors import OutputError
from vocnlp.tagger import Tagger
from vocnlp.training.comparison import compare
from vocnlp.training.evaluation import examine
from vocnlp.training.evaluation_page import comparison_page, evaluation_page, write_page
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear


@pytest.fixture(scope="module")
def evil_rows(tiny_rows: list[Labelled]) -> list[Labelled]:
    """The rows, and two whose texts would be script and a telephone number if they were shown as they are."""
    evil = Labelled("<b>e</b>", f"味道{EVIL}", (GoldTag("price", "negative"),), "negative", source="voices")
    personal = Labelled("p", "快递让我打13912345678", (GoldTag("attitude", "negative"),), "positive", source="voices")
    return [*tiny_rows, evil, personal]


@pytest.fixture(scope="module")
def pages(
    tagger: Tagger, tiny_frame: Codeframe, evil_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    fitted = fit_linear(evil_rows[:18], tiny_frame, LinearRecipe(least_texts=1, penalty=0.12))
    smaller = Tagger(Bundle("half", "0.0.1", tiny_frame, fitted.model, fitted.thresholds))
    examined = examine(tagger, evil_rows, samples=100)
    compared = compare(smaller, tagger, evil_rows, samples=100)
    compared = replace(compared, only_old=("parking",), changed=compared.changed)
    written = {"evaluation": folder / "evaluation.html", "comparison": folder / "comparison.html"}
    write_page(written["evaluation"], evaluation_page(examined, tiny_frame))
    write_page(written["comparison"], comparison_page(compared, tiny_frame, tiny_frame))
    return written


@pytest.fixture(params=["evaluation", "comparison"])
def seen(request: pytest.FixtureRequest, browser: Any, pages: dict[str, Path]) -> Iterator[Seen]:  # noqa: F811
    found = Seen(browser, pages[request.param])
    yield found
    found.page.close()


def test_a_page_stands_alone_and_runs_no_script_but_its_own(seen: Seen) -> None:
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
    assert seen.page.title() in ("模型评测", "模型对比")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280
    body = seen.page.inner_text("main")
    assert "<script>" in seen.page.evaluate("document.body.textContent")  # the comment, as text
    assert seen.page.locator("main img, main script").count() == 0
    assert "13912345678" not in seen.page.content()
    assert "None" not in body and "nan" not in body and "Undefined" not in body


def test_a_click_on_a_head_sorts(seen: Seen) -> None:
    table = seen.page.locator("#codes table")
    cells = "rows => rows.map(row => Number(row.cells[1].dataset.v))"
    table.locator("thead button").nth(1).click()
    falling = table.locator("tbody tr").evaluate_all(cells)
    assert falling == sorted(falling, reverse=True)
    table.locator("thead button").nth(1).click()
    assert table.locator("tbody tr").evaluate_all(cells) == falling[::-1] or falling == sorted(falling)
    assert table.locator("th[aria-sort=ascending]").inner_text().startswith("标注数")


def test_it_fits_a_telephone(browser: Any, pages: dict[str, Path]) -> None:  # noqa: F811
    for path in pages.values():
        narrow = Seen(browser, path, width=390)
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 390
        for table in ("#codes", "#polarity") if path.stem == "evaluation" else ():
            names = narrow.page.locator(f"{table} tbody th.name")
            sizes = names.evaluate_all(
                "all => all.map(one => one.clientWidth / parseFloat(getComputedStyle(one).fontSize))"
            )
            assert sizes and min(sizes) >= 6.5  # a name is not broken after every character
        narrow.page.close()


def test_weak_codes_and_worse_ones_come_first(pages: dict[str, Path]) -> None:
    text = pages["evaluation"].read_text(encoding="utf-8")
    assert text.index('data-v="价格"') < text.index('data-v="质量"')  # one of its tags is missed, none of the other's
    assert "快递让我打电**********" in text
    compared = pages["comparison"].read_text(encoding="utf-8")
    assert "只在旧码框：停车" in compared
    assert compared.index("变差（") < compared.index("变好（")


def test_data_without_codes_is_told_so(tagger: Tagger, tiny_frame: Codeframe) -> None:
    rows = [Labelled(str(n), text, (), "positive") for n, text in enumerate(("味道很好", "快递真快"))]
    page = evaluation_page(examine(tagger, rows, samples=20), tiny_frame)
    assert "数据里没有码的标注" in page
    assert "数据里没有码的极性标注" in page
    compared = comparison_page(compare(tagger, tagger, rows, samples=20), tiny_frame, tiny_frame)
    assert "数据里没有两个模型共有的码的标注" in compared


def test_rows_without_a_text_are_told_beside_those_that_were_judged(tagger: Tagger, tiny_frame: Codeframe) -> None:
    rows = [Labelled(str(n), text, (), "positive", source="店") for n, text in enumerate(("味道很好", "快递真快", " "))]
    assert "2 条标注评论（店 2，另有 1 条没有原文，未计入）" in evaluation_page(
        examine(tagger, rows, samples=20), tiny_frame
    )
    both = [compare(tagger, tagger, some, samples=20) for some in (rows, rows[:2])]
    told, untold = (comparison_page(one, tiny_frame, tiny_frame) for one in both)
    assert "2 条标注评论（另有 1 条没有原文，未计入）" in told
    assert "未计入" not in untold


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError, match="there"):
        write_page(tmp_path / "there", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
