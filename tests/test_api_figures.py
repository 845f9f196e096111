"""GET /nps and /journey: what is a key of an answer is a filter that chooses the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

from vocnlp.client import Client

pytest.importorskip("deltalake")
ROWS: list[dict[str, Any]] = [
    {"text": "汤很鲜，就是上得慢", "score": 10, "channel": "小程序", "segment": "会员", "stage": "物流"},
    {"text": "骑手迷路了", "score": 0, "channel": " 小程序 ", "segment": "会员 ", "stage": " 配送"},
    {"text": "味道太咸，一口都吃不下", "score": 2, "channel": "小程序　"},
    {"text": "味道真不错", "score": 9, "channel": "小程序", "segment": "", "at": "2026-02-03"},
    {"text": "说不上来", "score": 7, "channel": "", "stage": "門店"},
    {"text": "还行", "score": 8, "stage": "门店", "segment": "打13800138000"},
    {"text": "没什么可说", "score": 5, "channel": "APP"},
]


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, tiny_bundle, store=folder / "store") as running, Client(running.url) as client:
        client.feedback([{**row, "id": str(number)} for number, row in enumerate(ROWS)])
        yield running


def got(served: Served, path: str, **query: str) -> Any:
    return httpx.get(served.url + path, params=query, timeout=60).raise_for_status().json()


@pytest.mark.parametrize("by", ["channel", "segment", "stage"])
@pytest.mark.parametrize("journey", ["general", "catering"])
def test_every_key_of_a_breakdown_is_a_filter(served: Served, by: str, journey: str) -> None:
    groups = got(served, "/nps", by=by, journey=journey)["data"]
    assert len(groups) > 1
    for group in groups:
        chosen = got(served, "/nps", journey=journey, **{by: group["key"]})["total"]
        assert {**chosen, "key": group["key"]} == group


def test_blanks_and_what_is_left_empty(served: Served) -> None:
    def rows(**query: str) -> int:
        return int(got(served, "/nps", **query)["total"]["rows"])

    assert [rows(channel=name) for name in ("小程序", " 小程序", "(未填)", "APP", "app")] == [4, 4, 2, 1, 0]
    assert [rows(segment=name) for name in ("会员", "(未填)")] == [2, 4]
    assert rows(channel="小程序", segment="会员", stage="送货") == 2


def test_a_stage_has_the_rows_whose_codes_tell_it(served: Served) -> None:
    stages = {one["key"]: one["rows"] for one in got(served, "/nps", by="stage", journey="catering")["data"]}
    assert stages["dine"] == got(served, "/nps", stage="堂食", journey="catering")["total"]["rows"] == 2
    assert got(served, "/nps", stage="門店")["total"]["rows"] == got(served, "/nps", stage="门店")["total"]["rows"] == 2


def test_the_map_is_filtered_by_its_own_keys(served: Served) -> None:
    whole = got(served, "/journey")["spots"]
    for spot in whole:
        chosen = got(served, "/journey", stage=spot["stage"], channel=spot["channel"])["spots"]
        assert spot in chosen


def test_days_that_run_backwards_are_refused(served: Served) -> None:
    for path in ("/nps", "/journey"):
        days = {"from": "2026-02-04", "to": "2026-02-03"}
        answer = httpx.get(served.url + path, params=days, timeout=60)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["param"]) == (422, "invalid", "from")
        assert httpx.get(served.url + path, params={**days, "from": "2026-02-03"}, timeout=60).status_code == 200


def test_a_store_that_fails_is_named_without_its_place(tiny_bundle: Path, tmp_path: Path) -> None:
    store = tmp_path / "深处" / "store"
    with serving(tmp_path, tiny_bundle, store=store) as served, Client(served.url) as client:
        client.feedback([{"id": "1", "text": "盘子没洗干净", "score": 1, "at": "2026-02-03"}])
        for file in store.glob("*.parquet"):
            file.unlink()
        answers = [httpx.get(served.url + path, timeout=60) for path in ("/nps", "/nps?from=2026-01-01", "/journey")]
        for file in store.glob("_delta_log/*"):
            file.write_text("坏了", encoding="utf-8")
        (store / "_delta_log" / f"{9:020}.json").write_text("坏了", encoding="utf-8")
        answers += [
            httpx.get(f"{served.url}/nps", timeout=60),
            httpx.post(f"{served.url}/feedback", json={"rows": [{"text": "盘子没洗干净"}]}, timeout=60),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]["type"]) == (503, "store")
            assert answer.json()["error"]["message"].startswith("the store: ")
            assert "深处" not in answer.text and str(tmp_path).strip("/") not in answer.text
