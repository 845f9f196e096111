"""The report in a real browser: it draws, asks the network for nothing, answers clicks, and runs nobody's script."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHARTS = ["pains", "journey", "channels", "segments", "months", "moods", "trend", "cloud"]
PAINTED = """id => {
  const canvas = document.querySelector(`#chart-${id} canvas`);
  if (!canvas) return 0;
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const paint = copy.getContext("2d", { willReadFrequently: true });
  paint.drawImage(canvas, 0, 0);
  const pixels = paint.getImageData(0, 0, copy.width, copy.height).data;
  let painted = 0;
  for (let at = 3; at < pixels.length; at += 4) painted += pixels[at] > 0;
  return painted;
}"""
EVIL = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        missing = "no Chromium on the PATH: install the package chromium, the report's charts are untested without it"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    if not os.environ.get("CI"):
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Seen:
    """A page, and everything it said or asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1280) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture(scope="module")
def shop_report(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "shop.html"
    write_report(path, shop(600), FRAME, title="小店客户之声")
    return path


@pytest.fixture
def seen(browser, shop_report) -> Iterator[Seen]:
    found = Seen(browser, shop_report)
    yield found
    found.page.close()


def until(page: Any, expression: str) -> None:
    """Waits for something to become true; playwright's own wait evaluates text, which the page's policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not within ten seconds: {expression}")


def drawn_cloud(page: Any) -> None:
    """The cloud is laid out word by word after loading."""
    until(page, f"({PAINTED})('cloud') > 500")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_painted_without_a_word_on_the_console_or_a_request(browser, shop_report, width):
    found = Seen(browser, shop_report, width)
    drawn_cloud(found.page)
    painted = {chart: found.page.evaluate(PAINTED, chart) for chart in CHARTS}
    assert {chart: count for chart, count in painted.items() if count < 500} == {}
    assert found.said == []
    assert found.asked == [shop_report.as_uri()]
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out sideways
    found.page.close()


def test_a_click_on_a_bar_shows_what_customers_said_about_it(seen):
    first = seen.page.evaluate("CODES.get(DATA.pains[0]).name")
    seen.page.locator("#chart-pains").click(position={"x": 260, "y": 22})
    assert seen.page.locator("#voices-list h3").all_inner_texts() == [first]
    assert seen.page.locator("#chips-code [aria-pressed=true]").inner_text() == first
    voices = seen.page.locator(".voice")
    assert 1 <= voices.count() <= 30
    assert seen.page.locator(".voice:not(:has(mark.about))").count() == 0  # each shows its evidence
    until(seen.page, "Math.abs(byId('voices').getBoundingClientRect().top) < 200")  # it scrolls there


def test_a_click_on_a_heat_cell_shows_that_code_in_that_stage(seen):
    # The first row of cells begins under the panel of stages; its first column right of the names.
    seen.page.locator("#chart-journey").click(position={"x": 160, "y": 186 + 8 + 16})
    code, stage = seen.page.evaluate("[view.code, view.stage]")
    assert (code, stage) == tuple(seen.page.evaluate("[DATA.heat.codes[0], DATA.stages[0].key]"))
    assert seen.page.locator("#chips-stage [aria-pressed=true]").inner_text() == "了解"
    stages = seen.page.evaluate("said(view.code, view.stage).every(voice => voice.stages.includes(view.stage))")
    assert stages
    assert seen.page.locator(".voice").count() >= 1


def test_a_finding_leads_to_its_voices_and_the_chips_lead_back(seen):
    seen.page.locator(".findings .link").first.click()
    assert seen.page.evaluate("view.code") == seen.page.evaluate("DATA.pains[0]")
    seen.page.get_by_role("button", name="精选").click()
    assert seen.page.evaluate("[view.code, view.stage]") == [None, None]
    assert seen.page.locator("#voices-list h3").count() == 6


def test_a_parent_code_shows_the_voices_of_the_codes_below_it(seen):
    seen.page.get_by_role("button", name="大类").click()
    seen.page.locator("#codes tbody tr:not([hidden]) .link", has_text="物流").click()
    below = seen.page.evaluate("[...new Set(said(view.code, null).flatMap(voice => voice.codes))]")
    assert {"speed", "packaging", "courier"} <= set(below)
    assert seen.page.locator(".voice").count() > 8


def test_the_table_sorts_by_number_and_by_name_and_shows_the_level_asked_for(seen):
    def column(place: int) -> list[str]:
        cells = seen.page.locator(f"#codes tbody tr:not([hidden]) > :nth-child({place})")
        return cells.evaluate_all("nodes => nodes.map(node => node.dataset.v)")

    assert len(column(1)) == 12
    seen.page.locator("#codes thead button", has_text="提及").first.click()
    mentions = [int(value) for value in column(2)]
    assert mentions == sorted(mentions, reverse=True)
    seen.page.locator("#codes thead button", has_text="提及").first.click()
    assert [int(value) for value in column(2)] == sorted(mentions)
    assert seen.page.locator("#codes thead th").nth(1).get_attribute("aria-sort") == "ascending"
    seen.page.locator("#codes thead button", has_text="痛点影响").click()
    pains = [float(value) for value in column(11)]
    assert pains == sorted(pains)
    seen.page.get_by_role("button", name="大类").click()
    assert set(column(1)) == {"产品", "物流", "价格", "宣传相符", "服务"}
    seen.page.get_by_role("button", name="全部", exact=True).click()
    assert len(column(1)) == 16


def test_the_word_cloud_turns_to_the_positive_side(seen):
    drawn_cloud(seen.page)
    seen.page.locator("[data-words=positive]").click()
    drawn_cloud(seen.page)
    words = seen.page.evaluate("drawn.get('chart-cloud').chart.getOption().series[0].data.map(word => word.name)")
    assert words == seen.page.evaluate("DATA.words.positive.map(word => word.name)")
    assert seen.said == []


def test_a_hostile_comment_stays_text(browser, tmp_path):
    path = tmp_path / "evil.html"
    rows = [
        row(
            text=f"{n}号单:{EVIL}送货太慢",
            score=n % 11,
            stage=EVIL,
            channel=EVIL + str(n % 2),
            segment=EVIL + str(n % 3),
            voc_sentiment="negative",
            voc_tags=[tag(EVIL, "negative", 0, EVIL), tag("speed", "negative", 4, EVIL)],
        )
        for n in range(40)
    ]
    write_report(path, tagged(rows), FRAME, title=EVIL)
    found = Seen(browser, path)
    found.page.locator("#chips-code button").nth(1).click()
    assert EVIL in found.page.locator(".voice p").first.inner_text()
    assert found.page.locator("body img").count() == 0
    for chart in ("pains", "journey", "channels"):  # tooltips show names, too
        box = found.page.locator(f"#chart-{chart}")
        box.scroll_into_view_if_needed()
        place = box.bounding_box()
        found.page.mouse.move(place["x"] + place["width"] / 3, place["y"] + 24)
        found.page.mouse.move(place["x"] + place["width"] / 3 + 3, place["y"] + place["height"] - 24)
    assert found.page.title() == EVIL
    assert (found.said, found.asked) == ([], [path.as_uri()])
    found.page.close()


def test_an_injected_script_would_not_run(seen):
    """The policy holds even where an element is made by hand, as a hole in the page would do it."""
    seen.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"document.title=1\">');"
        "const s = document.createElement('script'); s.textContent = 'document.title=2'; document.body.append(s);"
    )
    seen.page.wait_for_timeout(100)
    assert seen.page.title() == "小店客户之声"
    assert len([line for line in seen.said if "Content Security Policy" in line]) == 2


def test_thin_tables_raise_no_error_in_the_browser(browser, tmp_path):
    late = [tag("speed", "negative", 0, "慢")]
    tables = {
        "empty": tagged([]),
        "noise": tagged([row(voc_noise="empty", voc_sentiment=None, voc_tags=None)]),
        "one": tagged([row(text="慢", score=1, voc_sentiment="negative", voc_tags=late)]),
        "unscored": shop(80).drop_columns(["score"]),
        "textless": shop(80).drop_columns(["text"]),
    }
    for name, table in tables.items():
        write_report(tmp_path / f"{name}.html", table, FRAME, title=name)
        found = Seen(browser, tmp_path / f"{name}.html")
        assert (found.page.title(), found.said) == (name, [])
        found.page.close()
