"""The challenger reads along: what differs is counted, what is shown is masked, and a stopped run goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from command_line import CommandLine, command_line
from scipy.stats import norm

from vocnlp.batch import tag_batches
from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError, OutputError
from vocnlp.records import NEGATIVE, NEUTRAL, POSITIVE, TAGGED, Prediction, Tag
from vocnlp.registry import Registry
from vocnlp.shadow import CHANGED, Shares, Tally, shadow
from vocnlp.shadow_files import shadow_file
from vocnlp.store import Store
from vocnlp.tagger import Tagger
from vocnlp.traffic import Traffic

__all__ = ["command_line"]
TEXTS = [
    "味道不错，但是价格太贵",
    "快递太慢了，等了五天",
    "服务员态度热情，电话13812345678",
    "停车场太小",
    "。。。",
    "还行吧",
]


def batch(texts: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"id": [f"r{number}" for number in range(len(texts))], "text": texts})


@pytest.fixture
def changed(tagger: Tagger, tiny_frame: Codeframe) -> Tagger:
    """The same model for a frame without delivery and without the keywords of parking."""
    codes = tuple(
        replace(code, keywords=() if code.id == "parking" else code.keywords)
        for code in tiny_frame.codes
        if code.id != "delivery"
    )
    bundle = replace(tagger.bundle, version="0.2.0", digest="")
    return Tagger(bundle, replace(tiny_frame, version="0.2.0", codes=codes))


def test_a_model_beside_itself_differs_in_nothing(tagger: Tagger) -> None:
    found = shadow(tagger, tagger, [batch(TEXTS)])
    assert (found.rows, found.read, found.noise, found.other_sentiment, found.changed) == (6, 5, (1, 1), 0, 0)
    assert {one.difference for one in (*found.codes.values(), *found.pains.values(), found.untagged)} == {0.0}
    assert found.confidence[0] == found.confidence[1]


def test_lost_codes_show_as_differences_and_their_comments_are_masked(tagger: Tagger, changed: Tagger) -> None:
    found = shadow(tagger, changed, [batch(TEXTS[:3]), batch([*TEXTS[3:], "快递小哥电话13812345678，送得很快"])])
    assert {code: (one.old, one.new, one.both) for code, one in found.codes.items() if one.difference} == {
        "delivery": (2, 0, 0), "parking": (1, 0, 0),
    }  # fmt: skip
    assert (found.changed, found.untagged.old, found.untagged.new) == (3, 1, 3)
    masked = [one.text for one in found.comments if "快递小哥" in one.text]
    assert masked == ["快递小哥电话电**********，送得很快"]
    lost = {one.id: set(one.old["tags"]) - set(one.new["tags"]) for one in found.comments}
    assert {code.partition(":")[0] for codes in lost.values() for code in codes} == {"delivery", "parking"}


def test_the_interval_is_that_of_agresti_and_min() -> None:
    shares = Shares(rows=100, old=30, new=20, both=18)  # 12 only the old, 2 only the new
    b, c, n = 12.5, 2.5, 102.0
    error = norm.ppf(0.975) * ((b + c) - (b - c) ** 2 / n) ** 0.5 / n
    assert shares.bounds == pytest.approx(((c - b) / n - error, (c - b) / n + error), abs=1e-6)
    assert (shares.moved, Shares(100, 30, 29, 28).moved) == (True, False)


def test_the_weightiest_changes_are_kept_and_no_more() -> None:
    old = [Prediction(NEGATIVE, 0.9, (Tag("taste", NEGATIVE, 0.9, 0, 1),))] * (CHANGED + 5)
    new = [Prediction(NEUTRAL, 0.5)] * (CHANGED + 4) + [Prediction(POSITIVE, 0.9)]
    tally = Tally()
    tally.add([None] * len(old), [f"第{number}条" for number in range(len(old))], old, new)
    assert (tally.changed, len(tally.kept)) == (CHANGED + 5, CHANGED)
    assert max(tally.kept)[0] == 5
    assert max(tally.kept)[2]["id"] == f"row {CHANGED + 5}"


def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not_stopped(
    tagger: Tagger, changed: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vocnlp.traffic.WINDOW", 4)
    file = tmp_path / "new.csv"
    file.write_text("编号,评论\n" + "".join(f"{n},{TEXTS[n % 6]}{n}\n" for n in range(20)), encoding="utf-8")
    whole = shadow_file(tagger, changed, Traffic.of(str(file)), tmp_path / "whole.xlsx")

    class Stop(Exception):
        pass

    def stop(rows: int) -> None:
        if rows == 8:
            raise Stop

    with pytest.raises(Stop):
        shadow_file(tagger, changed, Traffic.of(str(file)), tmp_path / "half.xlsx", report=stop)
    assert not (tmp_path / "half.xlsx").exists()
    heard: list[int] = []
    again = shadow_file(tagger, changed, Traffic.of(str(file)), tmp_path / "half.xlsx", report=heard.append)
    assert (again, heard) == (whole, [12, 16, 20])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "half.json", "half.xlsx", "new.csv", "whole.json", "whole.xlsx",
    ]  # fmt: skip


def test_a_run_over_other_comments_begins_anew(tagger: Tagger, changed: Tagger, tmp_path: Path) -> None:
    file, work = tmp_path / "new.csv", tmp_path / ".out.xlsx.shadow"
    file.write_text("评论\n快递太慢\n", encoding="utf-8")
    work.write_text(json.dumps({"identity": {"file": "another"}, "tally": {"rows": 7}}), encoding="utf-8")
    assert shadow_file(tagger, changed, Traffic.of(str(file)), tmp_path / "out.xlsx").rows == 1


def test_the_files_say_the_same_as_the_result(tagger: Tagger, changed: Tagger, tmp_path: Path) -> None:
    file, out = tmp_path / "new.csv", tmp_path / "out.xlsx"
    file.write_text(
        "编号,评论\n" + "".join(f"{n},{text}\n" for n, text in enumerate([*TEXTS, "=快递+1太慢"])), encoding="utf-8"
    )
    found = shadow_file(tagger, changed, Traffic.of(str(file)), out)
    told = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["codes"]["parking"] == {"name": "停车", **found.codes["parking"].to_dict()}
    assert [one["id"] for one in told["comments"]] == [one.id for one in found.comments]
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["概览", "情感变化", "编码占比", "负面编码占比", "变化的评论", "置信度分布"]
    rows = list(book["变化的评论"].iter_rows(min_row=2, values_only=True))
    assert ("6", "=快递+1太慢", "负面", "负面", "配送(负面)", "") in [row[:6] for row in rows]
    assert all(cell.data_type != "f" for row in book["变化的评论"].iter_rows() for cell in row)
    with pytest.raises(OutputError, match="already exists"):
        shadow_file(tagger, changed, Traffic.of(str(file)), out)


def test_a_period_of_a_store_is_read(tagger: Tagger, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    rows = pa.Table.from_pydict(
        {
            "id": [str(n) for n in range(6)],
            "text": TEXTS,
            "at": [datetime(2026, 6, 1) + timedelta(days=n) for n in range(6)],
        }
    )
    tagged = pa.Table.from_batches(tag_batches(rows.to_batches(), tagger, text="text"))
    store = Store.open(tmp_path / "store", create=True)
    store.put(tagged.select([name for name in TAGGED.names if name in tagged.schema.names]))
    place = str(tmp_path / "store")
    traffic = Traffic.of(f"{place}:2026-06-02..2026-06-04")
    assert [row["text"] for one in traffic.texts() for row in one.to_pylist()][:2] == [
        TEXTS[1],
        "服务员态度热情，电话电**********",
    ]
    assert shadow(tagger, tagger, traffic.texts(skip=1)).rows == 2
    with pytest.raises(InputError, match="no comment lies in this period") as empty:
        shadow_file(tagger, tagger, Traffic.of(f"{place}:2027-01-01.."), tmp_path / "out.xlsx")
    assert empty.value.hint == "it holds comments from 2026-06-01 to 2026-06-06"
    assert traffic.overlaps(Traffic.of(f"{place}:2026-06-04..")) and not traffic.overlaps(
        Traffic.of(f"{place}:2026-06-05..")
    )


def test_a_period_goes_to_the_last_day_there_is_and_begins_with_the_first(tmp_path: Path, tagger: Tagger) -> None:
    days = [datetime(2026, 6, 1), datetime(2026, 6, 4, 23, 59, 59), datetime(2026, 6, 5), None]
    texts = ["豆浆是现磨的", "油条炸得脆", "找零找错了", "没写日子的一条"]
    table = pa.table({"id": ["1", "2", "3", "4"], "text": texts, "at": pa.array(days, pa.timestamp("us"))})
    file = tmp_path / "新.jsonl"
    lines = [{"评论": text, "时间": day.isoformat(" ") if day else None} for text, day in zip(texts, days, strict=True)]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    tagged = pa.Table.from_batches(tag_batches(table.to_batches(), tagger, text="text"))
    Store.open(tmp_path / "库", create=True).put(tagged.select([n for n in TAGGED.names if n in tagged.schema.names]))
    for place in (file, tmp_path / "库"):
        for period, wanted in (
            ("0001-01-01..9999-12-31", texts[:3]),
            ("..9999-12-31", texts[:3]),
            ("2026-06-02..2026-06-04", texts[1:2]),
            ("..2026-06-04", texts[:2]),
            ("9999-12-31..9999-12-31", []),
        ):
            read = [row["text"] for one in Traffic.of(f"{place}:{period}").texts() for row in one.to_pylist()]
            assert read == wanted, (place.name, period)


@pytest.mark.parametrize("period", ["2026-06-31..", "2026-06-30..2026-06-01"])
def test_a_period_that_is_none_is_told(period: str) -> None:
    with pytest.raises(InputError, match=r"no such day|before it begins"):
        Traffic.of(f"new.csv:{period}")


def test_the_command_says_what_would_change(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    folder, file, out = tmp_path / "registry", tmp_path / "new.csv", tmp_path / "out.xlsx"
    file.write_text("评论\n" + "\n".join(TEXTS), encoding="utf-8")
    call = ("models", "shadow", "--data", file, "-o", out, "--registry", folder)
    assert vocnlp("models", "promote", tiny_bundle, "--registry", folder).code == 0
    assert "has no challenger" in vocnlp(*call).err
    later = replace(Bundle.load(tiny_bundle), version="0.1.1", digest="", path=None).save(tmp_path / "b", card="# b\n")
    vocnlp("models", "add", tmp_path / "b", "--registry", folder, "--as", "challenger")
    ended = vocnlp(*call)
    assert ended.out.splitlines()[:2] == [
        f"6 comments, 5 read: {Bundle.load(tiny_bundle).label} and {later.label}",
        "  other sentiment: 0 (0.0%); any change: 0 (0.0%)",
    ]
    assert Registry.open(folder).state().label("challenger") == later.label
