"""The report in a real browser: it draws, asks the network for nothing, answers clicks, and runs nobody's script."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp.gaps import Attribute
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
CHARTS = [
    *("pains", "drivers", "matrix", "journey", "map", "channels", "segments", "cross"),
    *("months", "moods", "trend", "stages", "forecast", "effects", "peak", "gaps", "cloud"),
]
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
    ratings = [Attribute("价格", 5, 7, 9, 10), Attribute("便利性", 6, 7)]
    write_report(path, known(shop(600)), FRAME, title="小店客户之声", since=date(2025, 6, 1), ratings=ratings)
    return path


def known(table: pa.Table) -> pa.Table:
    """The table with ninety customers who come back."""
    customers = pa.array([f"u{at % 90}" for at in range(table.num_rows)])
    return table.set_column(table.schema.get_field_index("customer"), "customer", customers)


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


#: The period in which the first line is highest, so that no other line lies on its point.
TOP = "MOVES.lines[0].counts.map((_, at) => shareAt(MOVES.lines[0], at)).reduce((best, v, at, all) => (v > all[best] ? at : best), 0)"

WORST = TOP.replace("MOVES.lines", "MOVES.stages")

#: Chart -> (where its point lies: axes, place on them, pixels beside it), and what the list is then filtered by.
POINTS = {
    "pains": ("[{gridIndex: 0}, [CODES.get(DATA.pains[0]).pain / 2, 0], 0]", "{code: DATA.pains[0], side: 'n'}"),
    "drivers": ("[{gridIndex: 0}, [50 * DATA.drivers.items[0].share, 0], 0]", "{code: DATA.drivers.items[0].id}"),
    "matrix": (
        "[{gridIndex: 0}, [DATA.matrix.points[0].x, 100 * DATA.matrix.points[0].y], 0]",
        "{code: DATA.matrix.points[0].id}",
    ),
    "journey": (
        "[{gridIndex: 1}, [0, 0], 0]",
        "{code: DATA.heat.codes[0], side: 'n', stage: DATA.stages[0].key}",
    ),
    "map": ("[{gridIndex: 0}, [1, 2], 0]", "{channel: DATA.map.points[1], stage: DATA.map.stages[2].key}"),
    "channels": ("[{gridIndex: 0}, [DATA.channels[1].nps, 1], 0]", "{channel: DATA.channels[1].key}"),
    "segments": ("[{gridIndex: 0}, [DATA.segments[0].nps, 0], 0]", "{segment: DATA.segments[0].key}"),
    "cross": (
        "[{gridIndex: 0}, [1, 0], 0]",
        "{code: DATA.cross.segment.codes[0], side: 'n', segment: DATA.cross.segment.groups[1].key}",
    ),
    "months": ("[{gridIndex: 0}, [2, DATA.months[2].nps], 0]", "{from: '2025-03-01', to: '2025-04-01'}"),
    "moods": ("[{gridIndex: 0}, [2, 10], 0]", "{from: '2025-03-01', to: '2025-04-01', mood: 'negative'}"),
    "trend": (
        f"[{{gridIndex: 0}}, [{TOP}, shareAt(MOVES.lines[0], {TOP})], 0]",
        f"{{code: MOVES.lines[0].id, side: 'n', from: MOVES.starts[{TOP}], to: MOVES.ends[{TOP}]}}",
    ),
    "stages": (
        f"[{{gridIndex: 0}}, [{WORST}, shareAt(MOVES.stages[0], {WORST})], 0]",
        f"{{stage: MOVES.stages[0].id, mood: 'negative', from: MOVES.starts[{WORST}], to: MOVES.ends[{WORST}]}}",
    ),
    "forecast": (
        f"[{{gridIndex: 0}}, [{TOP}, shareAt(MOVES.lines[0], {TOP})], 0]",
        f"{{code: MOVES.lines[0].id, side: 'n', from: MOVES.starts[{TOP}], to: MOVES.ends[{TOP}]}}",
    ),
    "effects": (
        "[{gridIndex: 0}, [100 * MOVES.effects[1].before, 1], 0]",
        "{code: MOVES.effects[1].id, side: 'n', to: '2025-06-01'}",
    ),
    "peak": ("[{gridIndex: 0}, [2, DATA.peak.peaks[2] / 2], -10]", "{turn: 'peak:' + DATA.peak.stages[2].key}"),
    "gaps": ("[{gridIndex: 0}, [DATA.gaps[0].weighted / 2, 0], 0]", "{code: 'money'}"),
}


@pytest.fixture(scope="module")
def one_page(browser, shop_report) -> Iterator[Seen]:
    """A page for all clicks, as one reader has it open."""
    found = Seen(browser, shop_report)
    yield found
    found.page.close()


@pytest.mark.parametrize("chart", POINTS)
def test_a_click_on_a_figure_shows_the_comments_behind_it(one_page, chart):
    seen, (place, expected) = one_page, POINTS[chart]
    clear = seen.page.get_by_role("button", name="清除筛选")
    if clear.is_visible():
        clear.click()
    box = seen.page.locator(f"#chart-{chart}")
    box.scroll_into_view_if_needed()
    spot = f"(([axes, at, beside]) => {{ const [x, y] = drawn.get('chart-{chart}').chart.convertToPixel(axes, at); return [x + beside, y]; }})({place})"
    x, y = seen.page.evaluate(spot)
    box.click(position={"x": x, "y": y})
    assert seen.page.evaluate("view") == seen.page.evaluate(f"Object.assign({{}}, EVERYTHING, {expected})")
    assert seen.page.locator(".voice").count() >= 1
    assert "报告收录的原声中有" in seen.page.locator("#voices-note").inner_text()
    if "code" in expected:
        assert seen.page.locator(".voice:not(:has(mark.about))").count() == 0  # each shows its evidence
    until(seen.page, "Math.abs(byId('voices').getBoundingClientRect().top) < 200")  # it scrolls there
    assert seen.said == []


def test_a_word_of_the_cloud_shows_the_comments_with_it(seen):
    drawn_cloud(seen.page)
    box = seen.page.locator("#chart-cloud")
    box.scroll_into_view_if_needed()
    word, x, y = seen.page.evaluate(
        """() => {
          const shown = drawn.get('chart-cloud').chart.getZr().storage.getDisplayList(true).find((one) => one.style.text);
          const frame = shown.getBoundingRect().clone();
          frame.applyTransform(shown.transform);
          return [shown.style.text, frame.x + frame.width / 2, frame.y + frame.height / 2];
        }"""
    )
    box.click(position={"x": x, "y": y})
    assert seen.page.evaluate("view.words") == word
    texts = seen.page.locator(".voice p").all_inner_texts()
    assert texts and [text for text in texts if word not in text] == []


def test_a_changed_code_leads_to_its_comments_before_and_after(seen):
    seen.page.locator("table.moves .link[data-when=after]").first.click()
    dates = seen.page.locator(".voice footer span:last-child").all_inner_texts()
    assert dates and min(dates) >= "2025-06-01"
    assert "至 最后" in seen.page.locator("#f-chips").inner_text()
    seen.page.locator("#f-chips button").click()
    assert seen.page.evaluate("[view.from, view.side]") == ["", "n"]


def test_a_changed_stage_leads_to_its_negative_comments_before_and_after(seen):
    seen.page.locator("table.moves .link[data-stage][data-when=before]").first.click()
    dates = seen.page.locator(".voice footer span:last-child").all_inner_texts()
    assert dates and max(dates) < "2025-06-01"
    assert seen.page.evaluate("[view.mood, view.code, view.to]") == ["negative", "", "2025-06-01"]


def test_a_finding_leads_to_its_voices_and_clearing_leads_back(seen):
    seen.page.locator(".findings .link").first.click()
    assert seen.page.evaluate("[view.code, view.side]") == [seen.page.evaluate("DATA.pains[0]"), "n"]
    seen.page.get_by_role("button", name="清除筛选").click()
    assert seen.page.evaluate("Object.values(view).join('')") == ""
    assert seen.page.locator("#voices-list h3").count() == 5


def test_filters_narrow_the_list_and_leave_the_figures(seen):
    before = seen.page.evaluate("drawn.get('chart-pains').chart.getOption().series[0].data.length")
    seen.page.locator("#f-stage").select_option("deliver")
    seen.page.locator("#f-channel").select_option("小程序")
    seen.page.locator("#f-segment").select_option("会员")
    seen.page.locator("#f-mood").select_option("negative")
    expected = [["deliver"], ["小程序"], ["会员"], ["negative"]]
    kinds = "[[...new Set(found().flatMap(v => v.stages.filter(s => s === 'deliver')))], ...['channel', 'segment', 'mood'].map(key => [...new Set(found().map(v => v[key]))])]"
    assert seen.page.evaluate(kinds) == expected
    assert seen.page.locator(".voice").count() >= 1
    seen.page.get_by_role("button", name="清除筛选").click()
    seen.page.locator("#f-words").fill("拉链")
    texts = seen.page.locator(".voice p").all_inner_texts()
    assert texts and [text for text in texts if "拉链" not in text] == []
    seen.page.locator("#f-words").fill("没有这样的话")
    assert seen.page.locator("#voices-note").inner_text() == "报告没有收录符合条件的原声。"
    assert seen.page.evaluate("drawn.get('chart-pains').chart.getOption().series[0].data.length") == before


def test_praise_is_marked_as_praise(seen):
    seen.page.locator("#f-code").select_option("look")
    seen.page.locator("#f-side").select_option("p")
    assert seen.page.locator(".voice").count() >= 1
    assert seen.page.locator(".voice:not(:has(mark.about.good))").count() == 0


def test_the_map_the_cross_tab_and_the_forecast_turn(seen):
    seen.page.locator("[data-measure=comments]").click()
    assert seen.page.evaluate("measure") == "comments"
    seen.page.locator("[data-cross=channel]").click()
    axis = "drawn.get('chart-cross').chart.getOption().xAxis[0].data"
    assert seen.page.evaluate(axis) == seen.page.evaluate("DATA.cross.channel.groups.map(group => group.key)")
    second = seen.page.evaluate("MOVES.lines[1].id")
    seen.page.locator("#ahead").select_option(second)
    assert seen.page.evaluate("drawn.get('chart-forecast').chart.getOption().series.map(s => s.id)").count(second) == 1
    assert seen.said == []


def test_a_picture_is_saved_by_the_browser_itself(seen):
    with seen.page.expect_download() as waiting:
        seen.page.locator("#drivers .save").first.click()
    assert waiting.value.suggested_filename == "小店客户之声-驱动因素.png"
    assert Path(waiting.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert seen.page.locator(".save").count() == len(CHARTS)


def test_a_parent_code_shows_the_voices_of_the_codes_below_it(seen):
    seen.page.get_by_role("button", name="大类").click()
    seen.page.locator("#codes tbody tr:not([hidden]) .link", has_text="物流").click()
    below = seen.page.evaluate("[...new Set(found().flatMap(voice => [...voice.neg, ...voice.pos]))]")
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
    pains = [float(value) for value in column(11) if value]
    assert pains == sorted(pains)
    assert column(11)[len(pains) :] == [""] * (12 - len(pains))  # too few answers: last, without a number
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
    found.page.locator("#f-code").select_option(EVIL)
    assert EVIL in found.page.locator(".voice p").first.inner_text()
    assert found.page.locator("body img").count() == 0
    for chart in ("pains", "journey", "map", "channels", "cross"):  # tooltips show names, too
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
        "undated": shop(80).drop_columns(["at"]),
        "unscored": shop(80).drop_columns(["score"]),
        "textless": shop(80).drop_columns(["text"]),
    }
    for name, table in tables.items():
        write_report(tmp_path / f"{name}.html", table, FRAME, title=name)
        found = Seen(browser, tmp_path / f"{name}.html")
        assert (found.page.title(), found.said) == (name, [])
        found.page.close()
