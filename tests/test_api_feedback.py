"""POST /feedback stores what it has read; GET /nps and /journey count it. Figures by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

from vocnlp.alert_outbox import Outbox
from vocnlp.alert_reading import read_rules
from vocnlp.alerts import decide
from vocnlp.client import Client
from vocnlp.store import Store
from vocnlp.tagger import Tagger

pytest.importorskip("deltalake")
ROWS: list[dict[str, Any]] = [
    {"id": "1", "text": "味道很好", "score": 10, "stage": "堂食", "channel": "门店", "at": "2026-06-01T09:00:00+08:00"},
    {"id": "2", "text": "味道太咸，一口都吃不下", "score": 3, "stage": "用餐", "channel": "门店", "at": "2026-06-02"},
    {"id": "3", "text": "排队太久", "score": 8, "stage": "排隊", "channel": "小程序", "at": "2026-06-30T23:30:00"},
    {"id": "4", "text": "味道很好，打13800138000订的座", "score": 9, "channel": "小程序", "customer": "c-1"},
]


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, tiny_bundle, store=folder / "store") as running, Client(running.url) as client:
        told = client.feedback(ROWS)
        assert {name: told[name] for name in ("rows", "added", "replaced", "repeated", "alerts")} == {
            "rows": 4, "added": 4, "replaced": 0, "repeated": 0, "alerts": 0,
        }  # fmt: skip
        yield running
        assert "味道" not in running.log.read_text(encoding="utf-8")


def got(served: Served, path: str) -> Any:
    return httpx.get(served.url + path, timeout=60).raise_for_status().json()


def test_rows_are_on_the_disk_and_masked_when_the_answer_comes(served: Served) -> None:
    rows = {row["id"]: row for row in Store.open(served.log.parent / "store").read().to_table().to_pylist()}
    assert rows["1"]["text"] == "味道很好" and rows["1"]["at"].isoformat() == "2026-06-01T09:00:00"
    assert "13800138000" not in rows["4"]["text"] and len(rows["4"]["text"]) == len(ROWS[3]["text"])
    assert [(tag["code"], tag["polarity"]) for tag in rows["1"]["voc_tags"]] == [("taste", "positive")]


def test_the_nps_is_that_of_the_answers(served: Served) -> None:
    total = got(served, "/nps")["total"]  # two promoters, a passive, a detractor
    assert {name: total[name] for name in ("rows", "promoters", "passives", "detractors", "nps", "small")} == {
        "rows": 4, "promoters": 2, "passives": 1, "detractors": 1, "nps": 25.0, "small": True,
    }  # fmt: skip
    by = {one["key"]: one["nps"] for one in got(served, "/nps?by=channel")["data"]}
    assert by == {"门店": 0.0, "小程序": 50.0}


def test_a_stage_is_asked_for_by_any_of_its_names(served: Served) -> None:
    for name in ("queue", "排队", "排隊", "等位", "QUEUE"):
        assert got(served, f"/nps?journey=catering&stage={name}")["total"]["passives"] == 1


def test_filters_choose_the_rows(served: Served) -> None:
    def rows(query: str) -> int:
        return int(got(served, f"/nps?journey=catering&{query}")["total"]["rows"])

    assert [rows(query) for query in ("channel=门店", "stage=dine", "stage=堂食", "stage=没有", "segment=vip")] == [
        2,
        3,  # the row without a stage, too: its code is at home there
        3,
        0,
        0,
    ]
    assert [rows(query) for query in ("from=2026-06-02", "to=2026-06-02", "from=2026-06-30&to=2026-06-30")] == [2, 2, 1]


@pytest.mark.parametrize("day", ["0", "1767225600", "2026-6-2", "2026-02-30", "昨天"])
def test_a_day_that_is_not_written_as_one_is_refused(served: Served, day: str) -> None:
    answer = httpx.get(f"{served.url}/nps", params={"from": day}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["type"], answer.json()["error"]["param"]) == (
        422,
        "invalid",
        "from",
    )


def test_the_journey_map(served: Served) -> None:
    told = got(served, "/journey?journey=catering")
    assert list(told["stages"])[:3] == ["queue", "dine", "pay"]
    spots = {(spot["stage"], spot["channel"]): spot for spot in told["spots"]}
    dine = spots["dine", "门店"]
    assert (dine["rows"], dine["positive"], dine["negative"], dine["net"]) == (2, 1, 1, 0.0)
    assert (dine["nps"]["promoters"], dine["nps"]["detractors"]) == (1, 1)
    assert dine["pains"] == [{"code": "taste", "name": "味道", "negative": 1}]


def test_a_row_that_comes_again_replaces_the_one_that_is_there(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle, store=tmp_path / "store") as served, Client(served.url) as client:
        client.feedback([{"id": "1", "text": "味道很好", "score": 10}])
        again = client.feedback([{"id": "1", "text": "味道很差", "score": 2}, {"id": "2", "text": "好"}])
        assert (again["rows"], again["added"], again["replaced"]) == (2, 1, 1)
        assert client.nps()["total"]["nps"] == -100.0


def test_rules_look_at_every_row(tiny_bundle: Path, tmp_path: Path) -> None:
    rules, state = tmp_path / "rules.yaml", tmp_path / "alerts.sqlite"
    rule = {
        "id": "taste",
        "kind": "comment",
        "title": "味道差",
        "severity": "high",
        "when": {"codes": ["taste"], "polarities": ["negative"]},
    }
    rules.write_text(json.dumps({"schema": 1, "name": "门店", "rules": [rule]}), encoding="utf-8")
    more = {"store": tmp_path / "store", "alerts": rules, "alerts_state": state}
    with serving(tmp_path, tiny_bundle, **more) as served, Client(served.url) as client:
        rows = [
            {"id": "1", "text": "味道太咸，一口都吃不下", "stage": "order"},
            {"text": "味道很怪，有股馊味", "stage": "use"},
            {"text": "味道很好"},
        ]
        assert client.feedback(rows)["alerts"] == 2
        assert client.feedback(rows)["alerts"] == 0  # known already
        rules.write_text("no rules", encoding="utf-8")
        told = client.feedback([{"id": "9", "text": "味道太咸"}])
        assert (told["alerts"], told["added"]) == (None, 1)
    table = Store.open(tmp_path / "store").read().to_table()
    with Outbox.open(state, create=False) as outbox:
        recorded = outbox.recorded()
        rules.write_text(json.dumps({"schema": 1, "name": "门店", "rules": [rule]}), encoding="utf-8")
        frame = Tagger.load(tiny_bundle).codeframe
        again = decide(table, read_rules(rules, frame), frame, now=datetime.now(UTC), figures=False)
    known = {one.alert.id for one in recorded}
    assert len(known) == 2 and known < {alert.id for alert in again.alerts} and len(again.alerts) == 3


@pytest.mark.parametrize(
    ("rows", "param"),
    [
        ([], "rows"),
        ([{"score": 3}], "rows[0].text"),
        ([{"text": "好", "score": 11}], "rows[0].score"),
        ([{"text": "好", "at": "昨天"}], "rows[0].at"),
        ([{"text": "好", "phone": "1"}], "rows[0].phone"),
        ([{"text": "好"}, {"text": "好", "customer": "张\x00三"}], "rows[1].customer"),
    ],
)
def test_rows_that_cannot_be_stored_are_refused(served: Served, rows: Any, param: str) -> None:
    answer = httpx.post(f"{served.url}/feedback", json={"rows": rows}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["type"], answer.json()["error"]["param"]) == (
        422,
        "invalid",
        param,
    )
    assert got(served, "/nps")["total"]["rows"] == 4


def test_without_a_store_there_is_no_feedback(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle) as served:
        told = httpx.post(f"{served.url}/feedback", json={"rows": [{"text": "好"}]})
        assert told.status_code == 404 and "VOCNLP_STORE" in told.json()["error"]["message"]
        assert [httpx.get(served.url + path).status_code for path in ("/nps", "/journey")] == [404, 404]
