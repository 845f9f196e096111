"""Another bundle takes over while callers call: no call is lost, each is answered by one bundle, a bad one changes nothing."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving, until

from vocnlp.api.errors import UnfitError, UnknownError
from vocnlp.api.running import Live, Running
from vocnlp.api.settings import Settings
from vocnlp.api.swapping import Canary, check, folder_of
from vocnlp.bundle import Bundle
from vocnlp.records import NEUTRAL, POSITIVE, Prediction, Tag
from vocnlp.tagger import Tagger

TEXTS = ["味道不错，但是价格太贵", "快递太慢", "服务员态度热情"]


@dataclass(frozen=True)
class House:
    """A server of bundle one, and a folder in which ``two`` and broken ones wait."""

    served: Served
    bundles: Path
    one: str
    two: str

    def swap(self, path: str | None) -> httpx.Response:
        return httpx.post(f"{self.served.url}/admin/bundle", json={"path": path}, timeout=60)

    def live(self) -> str:
        return str(httpx.get(f"{self.served.url}/model", timeout=60).json()["label"])

    def audit(self) -> list[dict[str, Any]]:
        lines = (self.bundles.parent / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        return [line for line in map(json.loads, lines) if line["event"].startswith("bundle")]


@pytest.fixture
def house(tiny_bundle: Path, tmp_path: Path) -> Iterator[House]:
    bundles = tmp_path / "bundles"
    one = Path(shutil.copytree(tiny_bundle, bundles / "one"))
    first = Bundle.load(one)
    second = replace(first, version="0.2.0", digest="", path=None).save(bundles / "two", card="# two\n")
    with serving(tmp_path, one, audit=tmp_path / "audit.jsonl") as served:
        yield House(served, bundles, first.label, second.label)


def test_no_call_is_lost_and_each_is_answered_by_one_bundle(house: House) -> None:
    stop = threading.Event()
    answers: list[httpx.Response] = []

    def call(number: int) -> None:
        with httpx.Client(base_url=house.served.url, timeout=60) as client:
            while not stop.is_set():
                texts = [f"{text}，第{number}回{n}" for n in range(20) for text in TEXTS]
                answers.append(client.post("/classify", json={"input": texts}))

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(call, number) for number in range(8)]
        until(lambda: len(answers) >= 8)
        swaps = [house.swap(name).json() for name in ("two", "one", "two")]
        seen = len(answers)
        until(lambda: len(answers) >= seen + 16)
        stop.set()
        for one in calls:
            one.result()
    assert [(told["before"], told["model"]) for told in swaps] == [
        (house.one, house.two), (house.two, house.one), (house.one, house.two),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["model"] for answer in answers} == {house.one, house.two}
    assert answers[0].json()["model"] == house.one and answers[-1].json()["model"] == house.two
    probs = {json.dumps([entry["probs"] for entry in answer.json()["data"][:1]]) for answer in answers}
    assert len(answers) > 24 and all(len(answer.json()["data"]) == 60 for answer in answers) and len(probs) <= 8
    assert house.live() == house.two
    assert [(line["event"], line["before"], line["model"]) for line in house.audit()] == [
        ("bundle", house.one, house.two), ("bundle", house.two, house.one), ("bundle", house.one, house.two),
    ]  # fmt: skip


def test_a_broken_bundle_leaves_the_old_one_in_place(house: House) -> None:
    altered = Path(shutil.copytree(house.bundles / "two", house.bundles / "altered"))
    weights = altered / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    picky = Path(shutil.copytree(house.bundles / "two", house.bundles / "picky"))
    rows = [
        {"text": "味道很好", "sentiment": "positive", "codes": ["taste:positive"]},
        {"text": "味道很好", "codes": ["price"]},
    ]
    (picky / "canary.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    empty = Path(shutil.copytree(house.bundles / "two", house.bundles / "empty"))
    (empty / "canary.jsonl").write_text("\n", encoding="utf-8")
    (house.bundles / "nothing").mkdir()
    told = {name: house.swap(name) for name in ("altered", "picky", "empty", "nothing", "missing", "../..", "a\x00b")}
    errors = {name: (answer.status_code, answer.json()["error"]["type"]) for name, answer in told.items()}
    assert errors == {
        "altered": (424, "unfit_bundle"),
        "picky": (424, "unfit_bundle"),
        "empty": (424, "unfit_bundle"),
        "nothing": (424, "unfit_bundle"),
        "missing": (404, "not_found"),
        "../..": (404, "not_found"),
        "a\x00b": (404, "not_found"),
    }
    assert "was altered: its digest does not match" in told["altered"].json()["error"]["message"]
    assert "canary 2 of canary.jsonl: price was not found" in told["picky"].json()["error"]["message"]
    assert told["nothing"].json()["error"]["message"].startswith("nothing: ")
    assert not any(str(house.bundles) in answer.text for answer in told.values())
    assert house.live() == house.one
    assert httpx.post(f"{house.served.url}/classify", json={"input": TEXTS}).json()["model"] == house.one
    assert [line["event"] for line in house.audit()] == ["bundle_refused"] * 7
    assert "味道" not in house.served.log.read_text(encoding="utf-8")


def test_a_bundle_may_bring_its_canaries(house: House) -> None:
    row = {"text": "味道很好\u2028\u0085", "sentiment": "positive", "codes": ["taste", "taste:positive"]}
    written = json.dumps(row, ensure_ascii=False)
    (house.bundles / "two" / "canary.jsonl").write_text(written, encoding="utf-8")
    assert house.swap("two").json() == {"model": house.two, "before": house.one, "canaries": 1}


def test_sighup_reads_the_served_folder_again(house: House) -> None:
    shutil.rmtree(house.bundles / "one")
    shutil.copytree(house.bundles / "two", house.bundles / "one")
    house.served.process.send_signal(signal.SIGHUP)
    until(lambda: house.live() == house.two)
    (house.bundles / "one" / "manifest.json").unlink()
    house.served.process.send_signal(signal.SIGHUP)
    until(lambda: any(line["event"] == "reload_failed" for line in house.served.lines()))
    assert house.live() == house.two
    assert house.served.stop() == 0


def test_null_and_sighup_return_to_the_folder_of_the_start(house: House) -> None:
    for back in (lambda: house.swap(None), lambda: house.served.process.send_signal(signal.SIGHUP)):
        assert house.swap("two").json()["model"] == house.two
        back()
        until(lambda: house.live() == house.one)


def test_the_folder_of_the_start_is_kept_where_no_bundle_was_named(tiny_bundle: Path) -> None:
    shipped = Tagger.load(tiny_bundle)
    running = Running(shipped, Settings())
    other = replace(shipped.bundle, path=tiny_bundle.parent / "other")
    running.take_over(Live(Tagger(other, shipped.codeframe)))
    assert folder_of(running, None) == tiny_bundle
    unsaved = Running(Tagger(replace(shipped.bundle, path=None), shipped.codeframe), Settings())
    with pytest.raises(UnknownError, match="the bundle of the start came from no folder"):
        folder_of(unsaved, None)


def test_what_a_canary_asks_for() -> None:
    good = Prediction(POSITIVE, 0.9, (Tag("taste", POSITIVE, 0.8, 0, 2),), probabilities=(0.05, 0.05, 0.9))
    noise = Prediction(NEUTRAL, 0.0, noise="empty")
    check([Canary("一", POSITIVE, ("taste",))], [good], classes=("taste",))
    cases = [
        ([Canary("一"), Canary("二")], [good], "no proper answers"),
        ([Canary("一")], [replace(good, confidence=float("nan"))], "no proper answers"),
        ([Canary("一"), Canary("二")], [noise, noise], "calls all its canaries noise"),
        ([Canary("一")], [replace(good, tags=())], "finds no code in any"),
        ([Canary("一", NEUTRAL)], [good], "canary 1 of canary.jsonl: neutral was not found"),
        ([Canary("一", None, ("taste:negative",))], [good], "taste:negative was not found"),
    ]
    for canaries, found, words in cases:
        with pytest.raises(UnfitError, match=words):
            check(canaries, found, classes=("taste",))
