"""Rows of several callers in one commit: each is told what became of his own, as if the calls had come one by one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from served import serving

from vocnlp.api.group_commit import Line, put_together
from vocnlp.batch import verdicts
from vocnlp.client import Client
from vocnlp.errors import InputError, StoreError
from vocnlp.records import FEEDBACK, TAGGED
from vocnlp.tagger import Tagger

pytest.importorskip("deltalake")
from vocnlp.store import Put, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def rows(tagger: Tagger, *said: tuple[str | None, str]) -> pa.Table:
    """Tagged rows of these ids and texts."""
    texts = [text for _, text in said]
    told = verdicts(texts, tagger.tag(texts), "corner-shop@0.1.0")
    columns: dict[str, Sequence[Any]] = {"id": [number for number, _ in said], "text": texts}
    own = [pa.array(columns.get(field.name, [None] * len(said)), field.type) for field in FEEDBACK]
    return pa.Table.from_arrays([*own, *told.columns], schema=TAGGED)


def texts(store: Store) -> dict[str, str]:
    return {row["id"]: row["text"] for row in store.read(["id", "text"]).to_table().to_pylist()}


def test_several_deliveries_are_one_commit(store: Store, tagger: Tagger) -> None:
    told = put_together(store, [rows(tagger, ("1", "味道很好")), rows(tagger, ("2", "快递慢"), ("3", "价格贵"))])
    assert told == [Put(1, 1, 0, 0, 1), Put(2, 2, 0, 0, 1)]
    assert texts(store) == {"1": "味道很好", "2": "快递慢", "3": "价格贵"}


def test_each_is_told_what_became_of_his_own_rows(store: Store, tagger: Tagger) -> None:
    store.put(rows(tagger, ("old", "味道一般")))
    told = put_together(
        store,
        [
            rows(tagger, ("1", "味道很好"), ("old", "味道变好了")),
            rows(tagger, ("1", "味道很差"), ("1", "味道太差"), ("2", "快递慢")),
            rows(tagger, ("3", "排队太久")),
        ],
    )
    assert told == [Put(2, 1, 1, 0, 2), Put(3, 1, 1, 1, 2), Put(1, 1, 0, 0, 2)]
    assert texts(store) == {"old": "味道变好了", "1": "味道太差", "2": "快递慢", "3": "排队太久"}


def test_the_same_row_without_an_id_from_two_callers_is_one_row(store: Store, tagger: Tagger) -> None:
    one = rows(tagger, (None, "停车位难找"))
    assert put_together(store, [one, one]) == [Put(1, 1, 0, 0, 1), Put(1, 0, 1, 0, 1)]
    assert len(texts(store)) == 1


def test_rows_that_cannot_be_stored_fail_their_own_caller_alone(store: Store, tagger: Tagger) -> None:
    bad = rows(tagger, ("9", "好")).drop_columns(["voc_tags"])
    good, failed = put_together(store, [rows(tagger, ("1", "味道很好")), bad])
    assert good == Put(1, 1, 0, 0, 1) and isinstance(failed, InputError)
    assert texts(store) == {"1": "味道很好"}


class Picky(Store):
    """Cannot write a certain row, for a reason of that row."""

    def put(self, given: Any, **more: Any) -> Put:
        if "poison" in given["id"].to_pylist():
            raise pa.ArrowInvalid("this row")
        return super().put(given, **more)


def test_a_commit_that_breaks_over_one_delivery_is_made_for_the_others(tmp_path: Path, tagger: Tagger) -> None:
    picky = Picky.open(tmp_path / "store", create=True)
    deliveries = [rows(tagger, (number, "味道很好")) for number in ("1", "poison", "2")]
    first, broken, last = put_together(picky, deliveries)
    assert (first, last) == (Put(1, 1, 0, 0, 1), Put(1, 1, 0, 0, 2)) and isinstance(broken, pa.ArrowInvalid)
    assert set(texts(picky)) == {"1", "2"}


class Slow(Store):
    """Waits before each commit until it may; counts the rows of each."""

    def put(self, given: Any, **more: Any) -> Put:
        self.__dict__.setdefault("commits", []).append(given.num_rows)
        assert self.__dict__["free"].wait(60)
        if self.__dict__.get("full"):
            raise StoreError("the disk is full", path=self.url)
        return super().put(given, **more)


def play(store: Slow, deliveries: Sequence[pa.Table]) -> list[Any]:
    """The first alone, the others while it is being written."""

    async def scene() -> list[Any]:
        with ThreadPoolExecutor(1) as writer:
            line = Line(store, writer)
            tasks = [asyncio.create_task(line.put(deliveries[0]))]
            while not store.__dict__.get("commits"):
                await asyncio.sleep(0.001)
            tasks += [asyncio.create_task(line.put(one)) for one in deliveries[1:]]
            await asyncio.sleep(0)
            assert len(line) == len(deliveries) - 1 and not any(task.done() for task in tasks)
            store.__dict__["free"].set()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            await line.close()
            return answers

    return asyncio.run(scene())


def test_who_comes_while_a_commit_runs_shares_the_next(tmp_path: Path, tagger: Tagger) -> None:
    slow = Slow.open(tmp_path / "store", create=True)
    assert isinstance(slow, Slow)
    slow.__dict__["free"] = threading.Event()
    told = play(slow, [rows(tagger, (str(number), "味道很好")) for number in range(6)])
    assert slow.__dict__["commits"] == [1, 5]
    assert told == [Put(1, 1, 0, 0, 1), *[Put(1, 1, 0, 0, 2)] * 5]


def test_a_store_that_cannot_be_written_fails_all_who_shared_the_commit(tmp_path: Path, tagger: Tagger) -> None:
    slow = Slow.open(tmp_path / "store", create=True)
    assert isinstance(slow, Slow)
    slow.__dict__.update(free=threading.Event(), full=True)
    told = play(slow, [rows(tagger, (str(number), "味道很好")) for number in range(3)])
    assert [type(one) for one in told] == [StoreError] * 3 and slow.__dict__["commits"] == [1, 2]


def test_many_callers_of_the_service_at_once(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle, store=tmp_path / "store") as served:

        def call(number: int) -> dict[str, Any]:
            with Client(served.url) as client:
                return client.feedback([{"id": f"n-{number % 20}", "text": f"味道很好，第{number}次来", "score": 9}])

        with ThreadPoolExecutor(12) as pool:
            told = list(pool.map(call, range(40)))
        assert sum(one["added"] for one in told) == 20 and sum(one["replaced"] for one in told) == 20
        assert len(texts(Store.open(tmp_path / "store"))) == 20
        assert all(json.loads(line)["level"] == "info" for line in served.log.read_text("utf-8").splitlines())
