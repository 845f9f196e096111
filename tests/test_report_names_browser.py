"""Names and numbers of the charts in a real browser: none over another and none cut, however many, on any screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tagged_shop import FRAME, shop
from test_report_browser import PAINTED, Seen, browser, until  # noqa: F401 - the fixture

from vocnlp.codeframe import Codeframe
from vocnlp.report import write_report

CHANNELS = 12
#: The texts of a chart as they stand, by ECharts' own boxes: [text, left, top, right, bottom].
TEXTS = """id => drawn.get('chart-' + id).chart.getZr().storage.getDisplayList(true)
  .filter((one) => one.style.text && !one.ignore && !one.invisible)
  .map((one) => {
    const box = one.getBoundingRect().clone();
    if (one.transform) box.applyTransform(one.transform);
    return [one.style.text, box.x, box.y, box.x + box.width, box.y + box.height];
  })"""
Box = tuple[str, float, float, float, float]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve channels and stages with long names, and customers who come back."""
    stages = [{"id": f"s{at}", "name": f"第{at}个接触点的现场体验"} for at in range(3)]
    frame = Codeframe.from_dict({**FRAME.to_dict(), "journeys": [_with(stages)]})
    table = shop(1500)
    cells = {
        "channel": [f"华东大区第{at % CHANNELS}家旗舰店" for at in range(table.num_rows)],
        "customer": [f"u{at % 90}" for at in range(table.num_rows)],
        "stage": [f"第{at % 3}个接触点的现场体验" if at % 4 == 0 else None for at in range(table.num_rows)],
    }
    for name, values in cells.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    path = tmp_path_factory.mktemp("crowded") / "crowded.html"
    write_report(path, table, frame, title="很多门店", since=date(2025, 6, 1))
    return path


def _with(stages: list[dict[str, Any]]) -> dict[str, Any]:
    (general,) = FRAME.to_dict()["journeys"]
    return {**general, "stages": [*general["stages"], *stages]}


@pytest.fixture(scope="module", params=[1280, 390])
def seen(request: pytest.FixtureRequest, browser: Any, crowded: Path) -> Iterator[Seen]:  # noqa: F811
    found = Seen(browser, crowded, request.param)
    until(found.page, f"({PAINTED})('peak') > 500")
    yield found
    assert found.said == []
    found.page.close()


def over_each_other(texts: list[Box]) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than a sliver."""
    return [
        (one[0], other[0])
        for at, one in enumerate(texts)
        for other in texts[at + 1 :]
        if min(one[3], other[3]) - max(one[1], other[1]) > 1.5 and min(one[4], other[4]) - max(one[2], other[2]) > 3
    ]


@pytest.mark.parametrize("chart", ["map", "cross", "journey", "drivers", "pains", "matrix"])
def test_no_text_of_a_chart_stands_on_another(seen: Seen, chart: str) -> None:
    if chart == "cross":
        seen.page.locator("[data-cross=channel]").click()
    texts = seen.page.evaluate(TEXTS, chart)
    assert len(texts) > 12
    assert over_each_other(texts) == []
    wide = seen.page.evaluate(f"drawn.get('chart-{chart}').chart.getWidth()")
    assert [text for text, left, _, right, _ in texts if left < -1 or right > wide + 1] == []


def test_a_chart_with_many_columns_is_scrolled_inside_its_card(seen: Seen) -> None:
    seen.page.locator("[data-cross=channel]").click()
    for chart in ("map", "cross"):
        columns = seen.page.evaluate(f"drawn.get('chart-{chart}').chart.getOption().xAxis[0].data.length")
        wide = seen.page.evaluate(f"drawn.get('chart-{chart}').chart.getWidth()")
        assert (columns, wide >= 62 * columns) == (CHANNELS, True)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= seen.page.evaluate("window.innerWidth")


def test_stages_of_bad_peaks_and_ends_have_names_that_are_clear_of_each_other(seen: Seen) -> None:
    option = seen.page.evaluate(
        "({rotate, stages: DATA.peak.stages.length})".replace(
            "rotate,", "rotate: drawn.get('chart-peak').chart.getOption().xAxis[0].axisLabel.rotate,"
        )
    )
    assert option["stages"] >= 6
    if not option["rotate"]:
        assert over_each_other(seen.page.evaluate(TEXTS, "peak")) == []
    else:  # each slanted line is further from the next than it is high
        room = seen.page.evaluate("(drawn.get('chart-peak').chart.getWidth() - 62) / DATA.peak.stages.length")
        assert room * 0.707 > 13


def test_a_pain_that_may_be_none_reaches_past_zero(browser: Any, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "shop.html"
    table = shop(600)  # whose scores follow no complaint
    scores = pa.array([float(7 * at % 11) for at in range(table.num_rows)])
    table = table.set_column(table.schema.get_field_index("score"), "score", scores)
    write_report(path, table, FRAME, title="小店")
    found = Seen(browser, path)
    until(found.page, f"({PAINTED})('pains') > 500")
    unsure = found.page.evaluate(
        "DATA.pains.map((id) => CODES.get(id)).filter((c) => c.pain + c.margin > 0).map((c) => c.id)"
    )
    assert unsure
    chart = "drawn.get('chart-pains').chart"
    most = found.page.evaluate("Math.max(...DATA.pains.map((id) => CODES.get(id).pain + CODES.get(id).margin))")
    highs = found.page.evaluate(f"{chart}.getOption().series[1].data.map((point) => point.value[3])")
    assert max(highs) == pytest.approx(most)
    assert found.page.evaluate(f"{chart}.getModel().getComponent('xAxis').axis.scale.getExtent()[1]") >= most
    assert found.said == []
    found.page.close()
