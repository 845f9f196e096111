"""Rows as exports really bring them: clear words or marked rows, and nothing lost on the way to store and report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
from corner_export import write_csv
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.report import write_report
from vocnlp.store import Store
from vocnlp.tagged_reading import read_tagged
from vocnlp.tagger import Tagger

#: One column of times, in five notations and two zones; each is the clock of its own zone.
TIMES = {
    "2026-06-01 09:30:00": datetime(2026, 6, 1, 9, 30),
    "2026/6/2 9:30": datetime(2026, 6, 2, 9, 30),
    "2026年6月3日 上午9时30分": datetime(2026, 6, 3, 9, 30),
    "20260604": datetime(2026, 6, 4),
    "2026.06.05 09:30": datetime(2026, 6, 5, 9, 30),
    "2026-06-06T23:30:00+08:00": datetime(2026, 6, 6, 23, 30),
    "2026-06-07T23:30:00Z": datetime(2026, 6, 7, 23, 30),
    "昨天下午": None,
}


def test_times_in_five_notations_and_two_zones_stand_on_the_day_that_their_own_clock_showed(
    tmp_path: Path, tagger: Tagger
) -> None:
    lines = [{"评论": f"快递太慢，第{n}次了", "提交时间": said} for n, said in enumerate(TIMES)]
    table, _ = read_tagged(write_csv(tmp_path / "六月.csv", lines), tagger)
    store = Store.open(tmp_path / "s", create=True)
    assert store.put(table).rows == len(TIMES)
    kept = store.read(["text", "at"]).to_table().sort_by("text").to_pylist()
    assert [one["at"] for one in kept] == list(TIMES.values())


def test_a_score_of_eleven_keeps_its_row_and_counts_as_no_answer(tmp_path: Path, tagger: Tagger) -> None:
    scores = ["9"] * 12 + ["11", "满分", "10分"]
    lines = [{"评论": f"味道不错，第{n}回来了", "推荐分": score} for n, score in enumerate(scores)]
    table, _ = read_tagged(write_csv(tmp_path / "a.csv", lines), tagger)
    assert table["score"].to_pylist() == [9.0] * 12 + [None, None, 10.0]
    given = tagged([row(1, text="还行吧", score=11.0), row(2, text="正常", score=9.0)])  # as another program wrote them
    page = tmp_path / "r.html"
    write_report(page, given, FRAME, title="分")
    assert "1 条；另有 1 条不在 0–10 之内，未计" in page.read_text(encoding="utf-8")


def test_a_segment_of_one_row_and_a_stage_nobody_knows_are_shown_and_marked(tmp_path: Path) -> None:
    late = {
        "voc_sentiment": "negative",
        "voc_tags": [tag("speed", "negative", 0, "等了九天")],
        "text": "等了九天才送到",
    }
    rows = [row(n, score=float(n % 11), segment="老客", stage="物流", **late) for n in range(60)]
    rows.append(row(60, score=2.0, segment="企业客户", stage="元宇宙展厅", **late))
    write_report(tmp_path / "r.html", tagged(rows), FRAME, title="分", tables=tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    groups = {line[1]: line for line in book["分组"].iter_rows(values_only=True)}
    for name in ("企业客户", "元宇宙展厅"):
        assert (groups[name][2], groups[name][7:]) == (1, (None, None, None, "样本太少"))
    assert groups["老客"][-1] is None
    assert "数据里有旅程不认识的环节：元宇宙展厅" in (tmp_path / "r.html").read_text(encoding="utf-8")
