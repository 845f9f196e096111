"""What the client is given: long lists of rows and texts, one text by mistake, keys and addresses that are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

from vocnlp.client import AsyncClient, Client
from vocnlp.client_calls import Call, How, Retry, classified
from vocnlp.client_rows import named
from vocnlp.errors import InputError
from vocnlp.store import Store

URL = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    limits = {"texts_per_call": 10, "text_characters": 600, "queue_tokens": 700}
    with serving(folder, tiny_bundle, store=folder / "store", **limits) as running:
        yield running


def test_equal_rows_of_a_list_are_all_kept_and_once_when_the_list_comes_again(served: Served) -> None:
    rows = [{"text": "还行吧", "score": 7}] * 25 + [{"id": "own", "text": "还行吧", "score": 7}]
    names = ("rows", "added", "replaced", "repeated")
    with Client(served.url) as client:
        first, again = client.feedback(rows), client.feedback(rows)
        total = client.nps()["total"]
    assert [[told[name] for name in names] for told in (first, again)] == [[26, 26, 0, 0], [26, 0, 26, 0]]
    assert (total["rows"], total["passives"]) == (26, 26)


def test_the_id_is_the_one_that_the_store_makes(served: Served) -> None:
    row = {"text": "打13912345678没人接", "score": 3.3, "at": "2026-06-30T18:00:00+08:00", "customer": " k ", "id": " "}
    httpx.post(f"{served.url}/feedback", json={"rows": [row]}).raise_for_status()
    with Client(served.url) as client:
        told = client.feedback([row])
    assert (told["added"], told["replaced"]) == (0, 1)
    held = Store.open(served.log.parent / "store").read(["id"]).to_table()["id"].to_pylist()
    assert named([row])[0]["id"] in held


def test_rows_that_differ_in_what_the_mask_covers_have_two_ids() -> None:
    rows = [{"text": f"打1391234567{n}没人接"} for n in range(2)] + [{"text": 5, "at": "昨天", "score": "高"}]
    one, two, odd = (row["id"] for row in named(rows))
    assert two == f"{one}-2" and odd not in (one, two)


def test_long_texts_are_cut_by_tokens_too(served: Served) -> None:
    with Client(served.url) as client:  # 206 tokens each: all ten in one call would be refused
        assert len(client.classify(["等了很久" * 75] * 10)["data"]) == 10


def test_a_part_takes_a_quarter_of_the_queue() -> None:
    limits = {"texts_per_call": 100, "body_bytes": 10**6, "queue_tokens": 80}
    steps = classified(["甲" * 10] * 3 + ["乙" * 50, "丙"], {}, How(Retry(), limits))
    sent: list[list[str]] = []
    answer: Any = None
    try:
        while True:
            call = steps.send(answer)
            assert isinstance(call, Call)
            sent.append(call.body["input"])
            told = {"data": [{} for _ in sent[-1]], "usage": {"texts": len(sent[-1])}, "model": "m"}
            answer = httpx.Response(200, content=json.dumps(told))
    except StopIteration as end:
        assert end.value["usage"] == {"texts": 5}
    assert sent == [["甲" * 10] * 2, ["甲" * 10], ["乙" * 50], ["丙"]]


@pytest.mark.parametrize("ask", ["classify", "predict", "feedback"])
def test_one_text_or_row_is_no_list(ask: str) -> None:
    what = "rows" if ask == "feedback" else "texts"
    with Client(URL) as client:
        for given, kind in (("送餐慢", "str"), ({"text": "送餐慢"}, "dict")):
            with pytest.raises(InputError) as told:
                getattr(client, ask)(given)
            assert str(told.value) == f"{what} are given as a list, not as one {kind}"
        with pytest.raises(InputError, match=rf"{what}\[0\] is no (str|Mapping) but a int"):
            getattr(client, ask)([7])


def test_a_client_works_without_with_and_again_after_it(served: Served) -> None:
    client = Client(served.url)
    label = client.model()["label"]
    client.close()
    with client:
        assert client.model()["label"] == label

    async def asked() -> str:
        other = AsyncClient(served.url)
        try:
            return str((await other.model())["label"])
        finally:
            await other.close()

    assert asyncio.run(asked()) == label


@pytest.mark.parametrize("key", ["钥匙-7788", "voc_a b7788", "voc_a\nb7788"])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InputError) as told:
        Client(URL, key=key)
    assert str(told.value) == "the key holds a character that no key has"
    assert "7788" not in str(told.value) + told.value.hint


@pytest.mark.parametrize("url", ["localhost:8765", "127.0.0.1:8765", "", "ftp://a", "http://", "http://a:b"])
def test_an_address_without_its_beginning_is_named(url: str) -> None:
    with pytest.raises(InputError) as told:
        AsyncClient(url)
    assert str(told.value) == f"no address of a service: {url!r}"
    assert told.value.hint == "it begins with http:// or https://"
