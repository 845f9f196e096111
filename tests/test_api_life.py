"""From the start to the end of a served model: warm-up, a full house, deadlines, hang-ups, broken texts, SIGTERM."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from served import PATIENCE, POISON, Served, serving, until

from vocnlp.api.app import application
from vocnlp.api.protocol import protocol
from vocnlp.api.running import Running
from vocnlp.api.serve import _Server
from vocnlp.api.settings import Settings
from vocnlp.tagger import Tagger


@contextmanager
def gated(folder: Path, bundle: Path, **settings: object) -> Iterator[tuple[Served, Path, ThreadPoolExecutor]]:
    """A ready server, its gate (closed now), and threads to call it with."""
    gate = folder / "open"
    gate.touch()
    with serving(folder, bundle, gate=gate, **settings) as served, ThreadPoolExecutor(64) as pool:
        gate.unlink()
        try:
            yield served, gate, pool
        finally:
            gate.touch()  # so that no call hangs when a test fails


def classify(served: Served, *texts: str, timeout: float = PATIENCE) -> httpx.Response:
    return httpx.post(f"{served.url}/classify", json={"input": list(texts)}, timeout=timeout)


def meter(served: Served, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", httpx.get(f"{served.url}/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def block(served: Served, pool: ThreadPoolExecutor) -> Future[httpx.Response]:
    """A call that the scorer has taken and holds until the gate opens."""
    before = meter(served, "vocnlp_queue_seconds_count")
    first = pool.submit(classify, served, "先来的一句")
    until(lambda: meter(served, "vocnlp_queue_seconds_count") > before)
    return first


def test_ready_only_after_the_warm_up(tiny_bundle: Path, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    with serving(tmp_path, tiny_bundle, gate=gate, ready=False) as served:
        states = {
            path: httpx.get(served.url + path)
            for path in ("/health/live", "/health/ready", "/health", "/v2/health/ready")
        }
        assert {path: answer.status_code for path, answer in states.items()} == {
            "/health/live": 200, "/health/ready": 503, "/health": 503, "/v2/health/ready": 503,
        }  # fmt: skip
        early = classify(served, "味道很好")
        assert (early.status_code, early.json()["error"]["type"], early.headers["retry-after"]) == (
            503,
            "not_ready",
            "1",
        )
        gate.touch()
        served.wait_ready()
        assert classify(served, "味道很好").status_code == 200
        assert httpx.get(f"{served.url}/v2/models/corner-shop/ready").json() == {"name": "corner-shop", "ready": True}


def test_a_full_house_refuses_some_and_answers_the_rest(tiny_bundle: Path, tmp_path: Path, tagger: Tagger) -> None:
    texts = [f"味道不错，就是等了{n}分钟" for n in range(60)]
    expected = [[round(p, 6) for p in one.probabilities] for one in tagger.tag(texts)]
    with gated(tmp_path, tiny_bundle, queue_texts=20, texts_per_call=20) as (served, gate, pool):
        first = block(served, pool)
        calls = [pool.submit(classify, served, text) for text in texts]
        until(lambda: sum(call.done() for call in calls) == 40)
        assert httpx.get(f"{served.url}/health").status_code == 200
        assert meter(served, "vocnlp_queue_texts") == 20
        unread = httpx.post(f"{served.url}/classify", content=b"{", headers={"content-type": "text/plain"})
        assert unread.status_code == 429  # refused before anybody looked at what it brings
        gate.touch()
        answers = [call.result() for call in calls]
        assert first.result().status_code == 200
    assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 40}
    for answer, probs in zip(answers, expected, strict=True):
        if answer.status_code == 200:
            assert answer.json()["data"][0]["probs"] == probs
        else:
            assert answer.json()["error"]["type"] == "busy" and int(answer.headers["retry-after"]) >= 1


def test_no_more_calls_at_once_than_allowed(tiny_bundle: Path, tmp_path: Path) -> None:
    with gated(tmp_path, tiny_bundle, calls_at_once=3) as (served, gate, pool):
        block(served, pool)
        calls = [pool.submit(classify, served, "味道很好") for _ in range(9)]
        until(lambda: sum(call.done() for call in calls) == 7)
        gate.touch()
        assert Counter(call.result().status_code for call in calls) == {200: 2, 429: 7}


def test_an_answer_that_comes_too_late_is_a_504(tiny_bundle: Path, tmp_path: Path) -> None:
    with gated(tmp_path, tiny_bundle, deadline_seconds=0.4) as (served, gate, pool):
        blocked = block(served, pool)
        late = classify(served, "味道很好")
        assert (late.status_code, late.json()["error"]["type"]) == (504, "deadline")
        assert blocked.result().status_code == 504
        assert meter(served, "vocnlp_queue_texts") == 0
        gate.touch()
        until(lambda: classify(served, "味道很好").status_code == 200)


def test_who_hangs_up_frees_his_place(tiny_bundle: Path, tmp_path: Path) -> None:
    with gated(tmp_path, tiny_bundle) as (served, _, pool):
        block(served, pool)
        with pytest.raises(httpx.ReadTimeout):
            classify(served, "味道很好", "快递很快", timeout=0.5)
        until(lambda: meter(served, 'vocnlp_failures_total{type="caller_gone"}') == 1)
        assert meter(served, "vocnlp_queue_texts") == 0


def test_one_text_that_breaks_the_model_breaks_no_other_call(tiny_bundle: Path, tmp_path: Path) -> None:
    with gated(tmp_path, tiny_bundle) as (served, gate, pool):
        block(served, pool)
        calls = [pool.submit(classify, served, text) for text in ("味道很好", POISON, "快递很快")]
        until(lambda: meter(served, "vocnlp_queue_texts") == 3)
        gate.touch()
        good, bad, fine = (call.result() for call in calls)
        assert (good.status_code, bad.status_code, fine.status_code) == (200, 500, 200)
        assert bad.json()["error"]["type"] == "fault" and POISON not in bad.text
        assert classify(served, "味道很好").status_code == 200
        (line,) = [line for line in served.lines() if line["event"] == "fault"]
        assert (line["exception"], line["request_id"]) == ("RuntimeError", bad.headers["x-request-id"])
        assert POISON not in served.log.read_text(encoding="utf-8")


def test_sigterm_answers_every_accepted_call_and_ends_with_0(tiny_bundle: Path, tmp_path: Path) -> None:
    with gated(tmp_path, tiny_bundle, drain_seconds=2) as (served, gate, pool):
        first = block(served, pool)
        calls = [pool.submit(classify, served, f"味道很好，第{n}次来") for n in range(30)]
        until(lambda: meter(served, "vocnlp_queue_texts") == 30)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{served.url}/health/ready").status_code == 503)
        assert httpx.get(f"{served.url}/health/live").headers["connection"] == "close"
        until(lambda: refused(served))
        assert served.process.poll() is None and not any(call.done() for call in calls)
        gate.touch()
        assert [call.result().status_code for call in (first, *calls)] == [200] * 31
        assert served.process.wait(PATIENCE) == 0
    assert served.lines()[-1]["event"] == "ended"


def refused(served: Served) -> bool:
    try:
        httpx.get(f"{served.url}/health/live")
    except httpx.TransportError:
        return True
    return False


def test_who_stands_at_the_door_when_it_closes_is_let_in(tagger: Tagger) -> None:
    """Connected, and not seen by the event loop yet: its system would cut them off with the door."""

    async def seen() -> list[bytes]:
        house = Running(tagger, Settings(port=0))
        edge = application(house)
        http = protocol(patience=5, at_once=lambda method, path: False)
        server = _Server(uvicorn.Config(edge, http=http, ws="none", log_config=None), house, edge)
        listener = socket.create_server(("127.0.0.1", 0))
        served = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        callers = [socket.create_connection(listener.getsockname(), timeout=PATIENCE) for _ in range(7)]
        for caller in callers:
            caller.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await server.shutdown([listener])
        server.should_exit = True
        await served
        return [caller.recv(1000).partition(b"\r\n")[0] for caller in callers]

    assert asyncio.run(seen()) == [b"HTTP/1.1 200 OK"] * 7


def test_ctrl_c_ends_with_0(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle) as served:
        assert classify(served, "味道很好").status_code == 200
        assert served.stop(signal.SIGINT) == 0
