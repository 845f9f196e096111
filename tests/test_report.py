"""The report as a file: whole, self-contained, escaped, and honest about what is missing."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.errors import CodeframeError, InputError, OutputError
from vocnlp.report import write_report

ASSETS = Path(__file__).parent.parent / "vocnlp" / "assets"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\u2028]]>"


class Page(HTMLParser):
    """The elements of a page with their attributes and the text up to the next tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, name, attrs):
        self.found.append((name, dict(attrs), []))
        self.inside = True

    def handle_endtag(self, name):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1][2].append(data)

    def all(self, name: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, "".join(text)) for tag_name, attrs, text in self.found if tag_name == name]


def report(tmp_path, table, frame=FRAME, title="三月客户之声", **more) -> str:
    path = tmp_path / "report.html"
    write_report(path, table, frame, title=title, **more)
    return path.read_text("utf-8")


def data_of(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def text_of(html: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_names_nothing_outside_itself(tmp_path):
    page = Page(report(tmp_path, shop(200)))
    links = [attrs for _, attrs, _ in page.found if attrs.get("src") or attrs.get("href")]
    assert [
        attrs.get("src") or attrs.get("href") for attrs in links if not (attrs.get("href") or "").startswith("#")
    ] == ["data:,"]


def test_the_policy_lets_only_the_scripts_of_the_page_run(tmp_path):
    html = report(tmp_path, shop(50))
    page = Page(html)
    policy = next(attrs["content"] for attrs, _ in page.all("meta") if "http-equiv" in attrs)
    scripts = [text for attrs, text in page.all("script") if "type" not in attrs]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(scripts) == 6
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    assert policy == (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "sourceMappingURL" not in html


def test_hostile_words_stay_words_wherever_they_stand(tmp_path):
    evil = [tag(EVIL, "negative", 0, EVIL)]
    table = tagged(
        [
            row(text=f"{n}{EVIL}送得慢", score=1, stage=EVIL, channel=EVIL + str(n % 2), segment=EVIL, voc_tags=evil)
            | {"voc_bundle": EVIL, "voc_noise": None}
            for n in range(3)
        ]
        + [row(voc_noise=EVIL)]
    )
    html = report(tmp_path, table, title=EVIL, meta={EVIL: EVIL})
    page = Page(html)
    assert not [name for name, attrs, _ in page.found if name == "img" or "onerror" in attrs]
    assert len(page.all("script")) == 7
    assert data_of(html)["voices"][0]["stages"] == [EVIL]  # unharmed where it may stand
    assert "\u2028" not in re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1]


def test_the_headline_tells_the_figures(tmp_path):
    rows = [row(score=score, voc_sentiment="negative", voc_tags=[tag("price", "negative")]) for score in [0] * 30]
    rows += [row(score=9, voc_sentiment="positive") for _ in range(70)]
    text = text_of(report(tmp_path, tagged(rows)))
    assert "净推荐值 NPS +40.0 95% 区间" in text
    assert "推荐者 9–10 70.0%" in text
    assert "贬损者 0–6 30.0%" in text
    assert "被动者 7–8 0.0%" in text
    assert "负面评论占比 30.0% 正面 70.0% · 中性 0.0%" in text.replace("\u3000", " ")
    assert "未覆盖占比 70.0%" in text
    assert "最伤 NPS 的痛点 「性价比」有 30 条负面评论" in text


def test_the_table_of_codes_holds_every_code_with_its_figures(tmp_path):
    rows = [row(score=0, voc_sentiment="negative", voc_tags=[tag("price", "negative")]) for _ in range(30)]
    rows += [row(score=9, voc_tags=[tag("price", "positive")]) for _ in range(10)] + [row(score=9) for _ in range(60)]
    cells = [attrs["data-v"] for attrs, _ in Page(report(tmp_path, tagged(rows))).all("td") if "data-v" in attrs]
    # mentions, share, positive, neutral, negative, net, NPS with, NPS without, impact, pain, owner: 价格, then 性价比
    price = ["40", "0.4", "10", "0", "30", "-50.0", "-50.0", "100.0", "-60.0", "-60.0"]
    assert cells == [*price, "", *price, "商品部"]


def test_the_data_carries_the_heat_map_and_the_voices_of_its_cells(tmp_path):
    late = "到货比说好的晚了一个礼拜"
    rows = [row(1, text=late, score=2, stage="物流", channel="门店", voc_tags=[tag("speed", "negative", 0, late[:2])])]
    data = data_of(report(tmp_path, tagged([*rows, row(score=9, stage="售后")])))
    assert [stage["key"] for stage in data["stages"]] == ["deliver", "after"]
    assert data["heat"] == {"codes": ["speed"], "cells": [[0, 0, 1, 1.0, -100.0, 1]]}
    assert data["voices"] == [
        {
            "neg": ["speed"],
            "pos": [],
            "neu": [],
            "stages": ["deliver"],
            "turns": [],
            "score": 2.0,
            "channel": "门店",
            "segment": "(未填)",
            "mood": "neutral",
            "date": "",
            "parts": [["到货", ["speed"]], [late[2:], []]],
        }
    ]


def test_months_without_comments_stand_as_a_gap(tmp_path):
    rows = [row(at=datetime(2024, 11, 2), score=9), row(at=datetime(2025, 2, 2), score=9), row(at=None)]
    months = data_of(report(tmp_path, tagged(rows)))["months"]
    assert [(month["key"], month["comments"]) for month in months] == [
        ("2024-11", 1),
        ("2024-12", 0),
        ("2025-01", 0),
        ("2025-02", 1),
    ]


def test_what_is_missing_is_said_and_not_drawn(tmp_path):
    html = report(tmp_path, tagged([row(voc_noise="empty", voc_sentiment=None, voc_tags=None)]))
    text = text_of(html)
    missing = [
        "数据里没有 0–10 的评分",
        "没有读到指向具体问题的负面评论",
        "数据没有区分渠道",
        "数据没有日期",
        "没有带标签的评论",
    ]
    assert [words for words in missing if words not in text] == []
    assert "空白 1" in text
    assert 'class="chart"' not in html


def test_an_empty_table_still_makes_a_report(tmp_path):
    assert "表中没有评论。" in text_of(report(tmp_path, tagged([])))


def test_method_names_the_model_the_codeframe_and_what_the_caller_adds(tmp_path):
    text = text_of(report(tmp_path, shop(30), meta={"数据文件": "三月.xlsx"}))
    assert f"码框 小店码框（shop-test 0.3.0，摘要 {FRAME.digest[:12]}，16 个码）" in text
    assert "打标模型 demo 1" in text
    assert "数据文件 三月.xlsx" in text
    assert "Rocks 2016" in text


def test_a_flat_frame_without_journeys_is_enough(tmp_path):
    table = tagged([row(text="慢得出奇", score=1, voc_tags=[tag("慢", "negative", 0, "慢得出奇")]), row(score=9)])
    data = data_of(report(tmp_path, table, Codeframe.from_labels(["慢", "贵"])))
    assert (data["pains"], [stage["name"] for stage in data["stages"]]) == (["慢"], ["(未知)"])


def test_the_same_table_makes_the_same_file(tmp_path):
    assert report(tmp_path, shop(120)) == report(tmp_path, shop(120))


def test_a_dataset_on_disk_makes_the_report_of_the_table(tmp_path):
    pq.write_table(shop(120), tmp_path / "tagged.parquet", row_group_size=50)
    assert report(tmp_path, ds.dataset(tmp_path / "tagged.parquet")) == report(tmp_path, shop(120))


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path):
    target = tmp_path / "没有" / "report.html"
    with pytest.raises(OutputError, match=re.escape(str(target))):
        write_report(target, shop(5), FRAME, title="三月")


def test_a_report_that_cannot_be_made_leaves_the_old_one_alone(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("旧报告", "utf-8")
    with pytest.raises(CodeframeError):
        write_report(path, shop(5), FRAME, title="三月", journey="catering")
    with pytest.raises(InputError):
        write_report(path, shop(5).drop_columns(["voc_tags"]), FRAME, title="三月")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text("utf-8") == "旧报告"


def test_the_vendored_scripts_are_those_the_readme_names():
    readme = (ASSETS / "README.md").read_text("utf-8")
    listed = dict(re.findall(r"^    ([0-9a-f]{64})  (\S+)$", readme, re.MULTILINE))
    files = {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in listed.values()}
    assert files == {name: digest for digest, name in listed.items()}
    assert sorted(files) == ["echarts-wordcloud.min.js", "echarts.min.js"]
    assert b't.version="5.6.0"' in (ASSETS / "echarts.min.js").read_bytes()


@pytest.mark.parametrize("name", ["r.html", "r.xlsx", "图"])
def test_a_full_disk_is_told_with_the_next_step_and_leaves_what_stood_there(tmp_path, monkeypatch, name):
    def full(path, *_, **__):
        Path(path).write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "r.html").write_text("旧报告", encoding="utf-8")
    if name == "r.html":
        monkeypatch.setattr("vocnlp.report.page", lambda *_, **__: "新" * 9)
        monkeypatch.setattr(Path, "replace", lambda self, _: full(self))
    elif name == "r.xlsx":
        monkeypatch.setattr(
            "vocnlp.sheets.Sheet.write_rows", lambda *_: full(tmp_path / ".r.xlsx.vocnlp-part" / "tmp1")
        )
    else:
        pytest.importorskip("matplotlib")
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, path, **__: full(path))
    asked = {"r.xlsx": {"tables": tmp_path / "r.xlsx"}, "图": {"pictures": tmp_path / "图"}}.get(name, {})
    with pytest.raises(OutputError) as caught:
        write_report(tmp_path / "r.html", shop(60), FRAME, title="三月", **asked)
    monkeypatch.undo()
    assert (caught.value.message, caught.value.hint) == (
        f"{tmp_path / name}: the disk is full",
        "free some space, then run the same command again",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "旧报告"
