"""Requests that wait for nothing are answered as soon as their head is there; what waits after all is answered too."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn
from served import PATIENCE, Served, serving, until
from test_api_life import block, classify, gated

from vocnlp.api.protocol import protocol

HEALTH = b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n"
LAST = b"connection: close\r\n\r\n"


def connected(served: Served) -> socket.socket:
    host, port = served.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def heard(line: socket.socket, until_: bytes = b"") -> bytes:
    """What comes until these bytes have come, or to the end."""
    words = b""
    while not (until_ and until_ in words) and (part := line.recv(65536)):
        words += part
    return words


def test_three_thousand_requests_in_one_breath_are_answered_one_by_one(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle) as served, connected(served) as line:
        line.sendall((HEALTH + b"\r\n") * 2999 + HEALTH + LAST)
        assert heard(line).count(b"HTTP/1.1 200 OK") == 3000


def test_health_is_told_behind_a_comment_that_waits(tiny_bundle: Path, tmp_path: Path) -> None:
    body = json.dumps({"input": "味道很好"}).encode()
    head = b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with gated(tmp_path, tiny_bundle) as (served, gate, pool):
        first = block(served, pool)
        with connected(served) as line:
            line.sendall(head % len(body) + body + (HEALTH + b"\r\n") * 2999 + HEALTH + LAST)
            gate.touch()
            words = heard(line)
        assert (words.count(b"HTTP/1.1 200 OK"), words.index(b'"list"') < words.index(b'"ready"')) == (3001, True)
        assert first.result().status_code == 200


def test_a_full_house_answers_before_the_body_comes_and_keeps_the_line(tiny_bundle: Path, tmp_path: Path) -> None:
    head = (
        b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 40000\r\n\r\n"
    )
    with gated(tmp_path, tiny_bundle, queue_texts=1, texts_per_call=1) as (served, gate, pool):
        calls = [block(served, pool), pool.submit(classify, served, "快递很快")]
        until(lambda: b"vocnlp_queue_texts 1.0" in asked(served, b"/metrics"))
        with connected(served) as line:
            line.sendall(head)
            refusal = heard(line, b"request_id")
            line.sendall(b"x" * 40_000 + HEALTH + LAST)
            rest = heard(line)
        assert refusal.startswith(b"HTTP/1.1 429 ") and b"retry-after: " in refusal
        assert rest.endswith(b'{"ready":true}')
        gate.touch()
        assert [call.result().status_code for call in calls] == [200, 200]


def asked(served: Served, path: bytes) -> bytes:
    with connected(served) as line:
        line.sendall(b"GET " + path + b" HTTP/1.1\r\nhost: localhost\r\n" + LAST)
        return heard(line)


async def waits(name: str) -> str:
    """Ways to wait, and what comes of each."""
    if name == "/sleeps":
        await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
    elif name == "/fails":
        failing = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(failing.set_exception, LookupError("gone"))
        try:
            await failing
        except LookupError as error:
            return f"caught {error}"
    elif name == "/breaks":
        await asyncio.sleep(0)
        raise ValueError("broken")
    return "slept" if name == "/sleeps" else "at once"


async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    said = (await waits(scope["path"])).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


async def answers(*paths: str) -> list[tuple[bytes, bytes]]:
    """``(status, body)`` of each, over one server whose protocol believes that nothing waits."""
    at_once = protocol(patience=5, at_once=lambda method, path: True)
    server = uvicorn.Server(uvicorn.Config(app, http=at_once, ws="none", lifespan="off", log_level="critical"))
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    found = []
    for path in paths:
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        found.append((head.split(b" ")[1], body))
        writer.close()
    server.should_exit = True
    await running
    return found


def test_what_waits_after_all_goes_on_in_a_task_of_its_own() -> None:
    assert asyncio.run(answers("/at-once", "/sleeps", "/fails", "/breaks")) == [
        (b"200", b"at once"),
        (b"200", b"slept"),
        (b"200", b"caught gone"),
        (b"500", b"Internal Server Error"),
    ]


def test_a_url_that_is_not_percent_encoded_is_named_as_such(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle) as served:
        told = {path: asked(served, path.encode()) for path in ("/nps?stage=物流", "/物流", "/n ps")}
    head, _, body = told["/nps?stage=物流"].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"] == {
        "type": "malformed",
        "message": "the URL holds characters that are not ASCII; "
        "percent-encode them, 物流 as %E7%89%A9%E6%B5%81; curl does it with -G --data-urlencode",
        "param": None,
        "request_id": "-",
    }
    assert told["/物流"] == told["/nps?stage=物流"]
    assert json.loads(told["/n ps"].partition(b"\r\n\r\n")[2])["error"]["message"] == "this is not HTTP"
