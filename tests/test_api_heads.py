"""Heads of requests: offers of another protocol are not taken up and cost no body; a head without end is not read."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Served, serving
from test_api_protocol import HEALTH, LAST, connected, heard

OFFER = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
BODY = json.dumps({"input": "等了一个钟头才上菜，味道倒是不错"}, ensure_ascii=False).encode()
FORM = (
    '--sep\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n评价\n面有点坨了\n\r\n--sep--\r\n'
).encode()
END = b'{"ready":true}'


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, tiny_bundle, jobs=folder / "jobs", body_seconds=20) as running:
        yield running
        assert [line for line in running.lines() if line["level"] == "error"] == []


def post(body: bytes, *more: bytes, path: bytes = b"/classify", kind: bytes = b"application/json") -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: " + kind + b"\r\n"
    return head + b"".join(more) + b"content-length: %d\r\n\r\n" % len(body) + body


def told(served: Served, *pieces: bytes) -> bytes:
    """What is answered to the pieces, each sent by itself, until the server ends the line."""
    with connected(served) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            line.sendall(piece)
        return heard(line)


def test_a_body_behind_an_offer_of_http_2_is_read(served: Served) -> None:
    words = told(served, post(BODY, OFFER) + HEALTH + LAST)
    assert words.startswith(b"HTTP/1.1 200 ") and b'"sentiment"' in words and words.endswith(END)
    assert words.count(b"HTTP/1.1 ") == 2 and b"upgrade" not in words.lower()


@pytest.mark.parametrize("size", [1, 40, 150])
def test_an_offer_may_come_in_pieces(served: Served, size: int) -> None:
    whole = post(BODY, OFFER) + post(BODY, OFFER) + HEALTH + LAST
    words = told(served, *(whole[at : at + size] for at in range(0, len(whole), size)))
    assert words.count(b"HTTP/1.1 200 OK") == 3 and words.count(b'"sentiment"') == 2 and words.endswith(END)


def test_forms_and_chunked_bodies_come_behind_an_offer_too(served: Served) -> None:
    form = post(FORM, OFFER, path=b"/jobs", kind=b"multipart/form-data; boundary=sep")
    chunked = post(b"", OFFER, b"transfer-encoding: chunked\r\n").replace(b"content-length: 0\r\n", b"")
    words = told(served, form + chunked + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n" + HEALTH + LAST)
    assert words.startswith(b"HTTP/1.1 202 ") and words.count(b"HTTP/1.1 200 OK") == 2 and words.endswith(END)


def test_an_offer_without_a_body_is_a_plain_request(served: Served) -> None:
    offer = b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
    assert told(served, HEALTH + offer + HEALTH + LAST).count(END) == 2


def test_what_else_the_connection_says_still_holds(served: Served) -> None:
    words = told(served, post(BODY, OFFER.replace(b"Upgrade,", b"close, Upgrade,")))
    assert words.startswith(b"HTTP/1.1 200 ") and b"connection: close" in words


def test_a_body_is_said_once_behind_an_offer_too(served: Served) -> None:
    words = told(served, post(BODY, OFFER, b"transfer-encoding: chunked\r\n"))
    assert words.startswith(b"HTTP/1.1 400 ") and words.count(b"HTTP/1.1 ") == 1


def refused(words: bytes) -> bool:
    head, _, body = words.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert (error["type"], error["param"], error["request_id"]) == ("head_too_large", None, "-")
    return head.startswith(b"HTTP/1.1 431 ") and b"connection: close" in head


def test_a_head_that_never_ends_is_refused(served: Served) -> None:
    line = b"x-note: " + b"a" * 20_000 + b"\r\n"
    assert refused(told(served, HEALTH, *[line] * 60))
    assert refused(told(served, HEALTH + b"x-note: " + b"a" * 900_000))
    assert refused(told(served, b"GET /health?" + b"a" * 900_000))


def test_a_long_head_is_refused_even_when_it_ends(served: Served) -> None:
    assert refused(told(served, HEALTH + b"x-note: " + b"a" * 66_000 + b"\r\n" + LAST))
    fits = HEALTH + b"x-note: " + b"a" * 60_000 + b"\r\n"
    assert told(served, fits + b"\r\n" + fits + LAST).count(END) == 2


def test_a_head_behind_a_large_body_is_not_counted_with_it(served: Served) -> None:
    large = json.dumps({"input": ["很好" * 3000] * 30}, ensure_ascii=False).encode()
    words = told(served, post(large) + HEALTH, LAST)
    assert words.startswith(b"HTTP/1.1 200 ") and words.endswith(END)


def test_trailers_without_end_are_not_read(served: Served) -> None:
    head = post(b"", b"transfer-encoding: chunked\r\n", path=b"/nowhere").replace(b"content-length: 0\r\n", b"")
    with connected(served) as line:
        line.sendall(head + b"1\r\na\r\n0\r\nx-note: ")
        assert heard(line, b"request_id").startswith(b"HTTP/1.1 404 ")
        with pytest.raises(OSError):
            for _ in range(100):
                line.sendall(b"a" * 100_000)
