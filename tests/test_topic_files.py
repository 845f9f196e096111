"""What discovery leaves behind: topics.json, comments, a workbook without formulas, and a page that runs nobody's script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from test_report_browser import EVIL, PAINTED, Seen, browser, until  # noqa: F401 - the fixture

from vocnlp.codeframe import Codeframe
from vocnlp.discovery import Discovered
from vocnlp.errors import InputError, OutputError
from vocnlp.figures import Nps
from vocnlp.significance import rate_ratio
from vocnlp.topic_figures import TopicFigures
from vocnlp.topic_files import read_comments, read_topics, write_topics
from vocnlp.topic_page import page
from vocnlp.topic_proposals import Proposal
from vocnlp.topics import Topic
from vocnlp.whole_files import write_whole

FILES = ["comments.jsonl", "topics.html", "topics.json", "topics.xlsx"]
FORMULA = '=HYPERLINK("http://a.example","x")'


def _topic(number: int, name: str) -> Topic:
    spot = (float(number), number / 2)
    return Topic(
        f"t{number}", name, (("充电宝", 0.5), ("归还", 0.25)), (number,), 0, (number,), np.ones(2, np.float32), spot
    )


def _figures(number: int) -> TopicFigures:
    months = (("2026-01", 1, 40), ("2026-02", number, 30))
    rise = rate_ratio(1, 40, after=9 + number, after_base=30)
    mood = {"negative": 5, "neutral": 2, "positive": number}
    return TopicFigures(
        7 + number, 0.125, mood, Nps(10, 5, 20), (("使用", 4),), date(2026, 1, 5), months, rise, 0.001, (("taste", 2),)
    )


@pytest.fixture(scope="module")
def discovered(tiny_frame: Codeframe) -> Discovered:
    names = [FORMULA, EVIL, "排队</script>太久"]
    kinds = [("new", None), ("sub", "taste"), ("noise", None)]
    verbatims = [(FORMULA, "@SUM(1+1)"), (EVIL,), ("等了半小时</script>",)]
    said = [
        ({"id": f"r{at}", "text": words[0], "start": 0, "end": 3, "sentiment": "negative"},)
        for at, words in enumerate(verbatims)
    ]
    return Discovered(
        frame=tiny_frame, inside=None,
        topics=tuple(_topic(at, name) for at, name in enumerate(names)),
        figures=tuple(map(_figures, range(3))),
        proposals=tuple(Proposal(kind, code, "理由", "定义", ("充电宝",), ("例",)) for kind, code in kinds),
        verbatims=tuple(verbatims), said=tuple(said),
        comments=70, looked=60, pieces=66, lines=65, unplaced=40, tree=((0, 1, 0.2), (2, 3, 0.9)),
        facts={"数据文件": "a.csv"},
    )  # fmt: skip


@pytest.fixture
def empty(discovered: Discovered) -> Discovered:
    none: dict[str, Any] = dict.fromkeys(("topics", "figures", "proposals", "verbatims", "said", "tree"), ())
    return replace(discovered, **none, reason="没有可读的评论")


def test_what_is_written_reads_back(discovered: Discovered, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "topics"
    written = write_topics(discovered, folder, "<html>")
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in written) == FILES
    assert read_topics(folder) == read_topics(folder / "topics.json") == discovered.to_dict()
    assert list(read_comments(folder, "t1")) == [
        {"topic": "t1", "id": "r1", "text": EVIL, "start": 0, "end": 3, "sentiment": "negative"}
    ]


def test_cells_that_look_like_formulas_stay_text(discovered: Discovered, tmp_path: Path) -> None:
    write_topics(discovered, tmp_path, "")
    book = openpyxl.load_workbook(tmp_path / "topics.xlsx")
    assert book.sheetnames == ["话题", "月度", "典型说法", "说明"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert any("HYPERLINK" in str(cell.value) for cell in cells)
    head, _, second, *_ = book["话题"].iter_rows(values_only=True)
    told = dict(zip(head, second, strict=True))
    assert (told["评论数"], told["负面"], told["NPS"], told["有分数"]) == (8, 5, pytest.approx(-28.57, abs=0.01), 35)
    assert (told["趋势"], told["建议"], told["相关的码"], told["主要环节"]) == (
        "上升 13.3 倍",
        "细分为子码",
        "taste",
        "使用 4",
    )
    assert [row[2:] for row in book["月度"].iter_rows(min_row=2, max_row=3, values_only=True)] == [
        ("2026-01", 1, 40),
        ("2026-02", 0, 30),
    ]


def test_files_that_are_there_are_kept_unless_forced(discovered: Discovered, tmp_path: Path) -> None:
    (tmp_path / "topics.xlsx").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="already exists"):
        write_topics(discovered, tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["topics.xlsx"]
    write_topics(discovered, tmp_path, "", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_nothing_is_left_half_written(discovered: Discovered, tmp_path: Path) -> None:
    (tmp_path / ".topics.html.part").mkdir()  # the last of the files cannot be written
    with pytest.raises(OutputError, match="cannot be written"):
        write_topics(discovered, tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == [".topics.html.part"]
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_topics(discovered, tmp_path / "file", "")
    with pytest.raises(OutputError, match="already exists"):
        write_whole(tmp_path / "file", "x", replace=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("{", "cannot be read"),
        ('{"schema": 99, "topics": []}', "is no result of a discovery"),
        ("[]", "is no result of a discovery"),
    ],
)
def test_what_is_no_result_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "topics.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_topics(tmp_path)


def test_a_discovery_without_topics_is_valid(empty: Discovered, tmp_path: Path) -> None:
    content = empty.to_dict()
    write_topics(empty, tmp_path, page(content))
    assert (read_topics(tmp_path)["topics"], read_topics(tmp_path)["reason"]) == ([], "没有可读的评论")
    assert (tmp_path / "comments.jsonl").read_text(encoding="utf-8") == ""
    assert "没有可读的评论。" in (tmp_path / "topics.html").read_text(encoding="utf-8")
    assert openpyxl.load_workbook(tmp_path / "topics.xlsx")["话题"].max_row == 1


@pytest.fixture
def seen(browser: Any, discovered: Discovered, tmp_path: Path) -> Iterator[Seen]:  # noqa: F811
    path = tmp_path / "topics.html"
    path.write_text(page(discovered.to_dict()), encoding="utf-8")
    found = Seen(browser, path)
    yield found
    found.page.close()


def test_the_page_draws_asks_for_nothing_and_runs_nobodys_script(seen: Seen) -> None:
    for chart in ("map", "bars", "time"):
        until(seen.page, f"({PAINTED})('{chart}') > 500")
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
    assert seen.page.title() == "话题发现"
    assert seen.page.text_content("h1") == "码框未归类的内容：2 个话题，另有 1 组疑似噪声"
    assert seen.page.evaluate("[...document.querySelectorAll('.topic h3')].map(one => one.textContent)") == [
        f"{FORMULA} t0",
        f"{EVIL} t1",
        "排队</script>太久 t2",
    ]
    assert seen.page.evaluate("[...document.querySelectorAll('#t1 .said li')].map(one => one.textContent)") == [EVIL]


def test_the_page_of_no_topics_says_why(browser: Any, empty: Discovered, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "topics.html"
    path.write_text(page(empty.to_dict()), encoding="utf-8")
    found = Seen(browser, path)
    assert (found.said, found.page.text_content(".missing")) == ([], "没有可读的评论。")
    found.page.close()


def test_the_page_fits_a_telephone(browser: Any, discovered: Discovered, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "topics.html"
    path.write_text(page(discovered.to_dict()), encoding="utf-8")
    narrow = Seen(browser, path, width=390)
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 390
    narrow.page.close()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda topic: topic.pop("proposal"), "topics[1].proposal"),
        (lambda topic: topic["proposal"].pop("kind"), "topics[1].proposal.kind"),
        (lambda topic: topic["proposal"].update(keywords=["充电宝", 3]), "topics[1].proposal.keywords"),
        (lambda topic: topic.update(sentiment={"positive": "多"}), "topics[1].sentiment.positive"),
        (lambda topic: topic.update(id=7), "topics[1].id"),
    ],
)
def test_a_topic_that_somebody_changed_by_hand_is_refused_with_its_place(
    discovered: Discovered, tmp_path: Path, change: Callable[[dict[str, Any]], object], place: str
) -> None:
    write_topics(discovered, tmp_path, "")
    content = read_topics(tmp_path)
    change(content["topics"][1])
    file = tmp_path / "topics.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_topics(tmp_path)
    told = (caught.value.path, caught.value.column, caught.value.hint)
    assert told == (file, place, "run vocnlp discover again")


def test_a_comment_of_a_topic_that_lacks_a_part_is_refused(discovered: Discovered, tmp_path: Path) -> None:
    write_topics(discovered, tmp_path, "")
    for line in ('{"topic": "t1", "id": "r1", "text": "没有位置"}', "3"):
        (tmp_path / "comments.jsonl").write_text(line + "\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"comments\.jsonl: cannot be read: "):
            list(read_comments(tmp_path, "t1"))
