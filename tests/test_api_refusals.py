"""What the service says no to: the right status, one shape, nothing of it in the log, and the next caller is served."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

JSON = {"content-type": "application/json"}
SECRET = "收银台的王小姐"  # stands in what is sent; may stand nowhere in the log


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"body_bytes": 200_000, "texts_per_call": 50, "text_characters": 1000, "body_seconds": 1}
    with serving(tmp_path_factory.mktemp("served"), tiny_bundle, **limits) as running:
        yield running
        httpx.post(f"{running.url}/classify", json={"input": SECRET}).raise_for_status()
        assert SECRET not in running.log.read_text(encoding="utf-8")
        assert [line for line in running.lines() if line["level"] == "error"] == []


def body(**content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


#: What is sent, with which headers; the status, the type and the param of the refusal.
BODIES: dict[str, tuple[bytes, dict[str, str], int, str, str | None]] = {
    "no JSON": (SECRET.encode(), JSON, 400, "malformed", "body"),
    "half of JSON": (f'{{"input": "{SECRET}'.encode(), JSON, 400, "malformed", "body"),
    "nothing": (b"", JSON, 400, "malformed", "body"),
    "not UTF-8": (f'{{"input": "{SECRET}"}}'.encode("gb18030"), JSON, 400, "malformed", "body"),
    "a name twice": (b'{"input": "a", "input": "b"}', JSON, 400, "malformed", "body"),
    "deep nesting": (b"[" * 90_000, JSON, 400, "malformed", "body"),
    "deep and whole": (b'{"input": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", JSON, 400, "malformed", "body"),
    "NaN": (b'{"input": "a", "minimum_confidence": NaN}', JSON, 400, "malformed", "body"),
    "a number without end": (b'{"input": ' + b"1" * 9000 + b"}", JSON, 400, "malformed", "body"),
    "a list": (b'["a"]', JSON, 422, "invalid", None),
    "null": (b"null", JSON, 422, "invalid", None),
    "no input": (b"{}", JSON, 422, "invalid", "input"),
    "a number": (body(input=7), JSON, 422, "invalid", "input"),
    "a number among texts": (body(input=["好", SECRET, 7]), JSON, 422, "invalid", "input[2]"),
    "no texts": (body(input=[]), JSON, 422, "invalid", "input"),
    "an object": (body(input={"text": SECRET}), JSON, 422, "invalid", "input"),
    "a misspelt option": (body(input=SECRET, evidnce=True), JSON, 422, "invalid", "evidnce"),
    "half a surrogate as a name": (b'{"input": "a", "\\ud800": 1}', JSON, 422, "invalid", None),
    "confidence over one": (body(input="a", minimum_confidence=1.5), JSON, 422, "invalid", "minimum_confidence"),
    "confidence as a word": (body(input="a", minimum_confidence="0.5"), JSON, 422, "invalid", "minimum_confidence"),
    "another model": (body(input=SECRET, model="gpt"), JSON, 404, "not_found", "model"),
    "an unknown branch": (body(input=SECRET, under="../etc"), JSON, 404, "not_found", "under"),
    "an unknown industry": (body(input=SECRET, industry="航天"), JSON, 404, "not_found", "industry"),
    "too many texts": (body(input=["好"] * 51), JSON, 413, "too_large", "input"),
    "a text too long": (body(input=["好", "长" * 1001]), JSON, 413, "too_large", "input[1]"),
    "a body too large": (body(input="大" * 70_000), JSON, 413, "too_large", "body"),
    "a form": (b"input=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "wrong_media_type", "content-type"),
    "no kind": (body(input="a"), {}, 415, "wrong_media_type", "content-type"),
    "another charset": (body(input="a"), {"content-type": "application/json; charset=gbk"}, 415, "wrong_media_type",
                        "content-type"),
    "compressed": (gzip.compress(body(input="a")), {**JSON, "content-encoding": "gzip"}, 415, "wrong_media_type",
                   "content-encoding"),
}  # fmt: skip


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """The one shape, checked whole."""
    error = answer.json()["error"]
    assert answer.json() == {"error": error} and set(error) == {"type", "message", "param", "request_id"}
    assert error["message"] and error["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, error["type"], error["param"]


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_bad_body_is_refused(served: Served, name: str) -> None:
    content, headers, status, kind, param = BODIES[name]
    answer = httpx.post(f"{served.url}/classify", content=content, headers=headers, timeout=60)
    assert problem(answer) == (status, kind, param)


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"inputs": ["一句", "两句"]}, "inputs"),
        ({"inputs": [["一句", "两句"]]}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [[]]}, "inputs"),
        ({"inputs": ["一句", ["两句"]]}, "inputs"),
        ({"inputs": "一句", "raw_scores": True}, "raw_scores"),
    ],
    ids=["a pair", "a pair in a batch", "nothing", "nothing in a batch", "a mixture", "raw scores"],
)
def test_predict_refuses_what_has_no_answer(served: Served, content: Any, param: str) -> None:
    assert problem(httpx.post(f"{served.url}/predict", json=content)) == (422, "invalid", param)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "param"),
    [
        ("GET", "/", 404, "not_found", None),
        ("GET", "/docs", 404, "not_found", None),
        ("GET", "/../../etc/passwd", 404, "not_found", None),
        ("GET", "/classify", 405, "method_not_allowed", None),
        ("DELETE", "/model", 405, "method_not_allowed", None),
        ("GET", "/codes?under=%ff", 404, "not_found", "under"),
        ("GET", "/codes?undr=goods", 422, "invalid", "undr"),
        ("GET", "/v2/models/%2e%2e%2fetc/ready", 404, "not_found", None),
        ("GET", "/v2/models/other/ready", 404, "not_found", "name"),
    ],
)
def test_a_path_that_is_not_there(
    served: Served, method: str, path: str, status: int, kind: str, param: str | None
) -> None:
    assert problem(httpx.request(method, served.url + path)) == (status, kind, param)


def spoken(served: Served, words: bytes) -> bytes:
    """What a raw connection is answered, until the server ends it."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(words)
        heard = b""
        while part := line.recv(65536):
            heard += part
    return heard


def test_a_large_body_is_refused_before_it_comes(served: Served) -> None:
    head = b"POST /classify HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
    assert b" 413 " in spoken(served, head + b"content-length: 9000000000\r\n\r\n").split(b"\r\n")[0]


def test_a_body_without_a_length_is_refused_when_it_is_too_large(served: Served) -> None:
    chunks = (b'{"input": "' if n == 0 else b"a" * 50_000 for n in range(9))
    answer = httpx.post(f"{served.url}/classify", content=chunks, headers=JSON, timeout=60)
    assert problem(answer) == (413, "too_large", "body")


def test_a_slow_body_is_not_waited_for(served: Served) -> None:
    head = b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n"
    heard = spoken(served, head + b'{"input": "')
    assert heard.startswith(b"HTTP/1.1 408 ") and b'"type": "too_slow"' in heard


def test_a_slow_head_is_not_waited_for(served: Served) -> None:
    assert spoken(served, b"POST /classify HTTP/1.1\r\nhost:") == b""


@pytest.mark.parametrize(
    "words",
    [
        b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["two lengths", "two different lengths", "TLS"],
)
def test_what_is_no_clean_http_is_refused(served: Served, words: bytes) -> None:
    heard = spoken(served, words)
    assert heard.startswith(b"HTTP/1.1 400 ") and b'"type": "malformed"' in heard
