"""Uvicorn's way with a connection, and what is ours: slow heads are not waited for, and what waits for nothing stands in no line.

A head is bounded, since it is read before any key; and who asks for another protocol, as curl --http2 and Java do, is
answered in this one (RFC 9110, 7.8).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from http import HTTPStatus
from types import coroutine
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .errors import HeadTooLargeError, MalformedError, RefusedError, body_of, status_of

# A request line whose URL is not ASCII; HTTP has no such thing, and a caller who wrote 物流 there cannot know.
_RAW_URL = re.compile(rb"(?:\A|\n)[A-Z]{3,20} [!-~]*[\x80-\xff]")
_HEAD = 64 * 1024  # bytes of a head, and of all else that is no body: trailers, lines without an end
_OFFERS = (b"upgrade", b"http2-settings")  # headers, and words of the header Connection, that ask for another protocol


def protocol(*, patience: float, at_once: Callable[[str, str], bool]) -> type[Protocol]:
    """The protocol with so many seconds for the head of a request.

    ``at_once(method, path)`` says which requests are answered as soon as their head is read, if nothing in their way
    waits: a task of its own comes after those of all requests that arrived together, hundreds in an overload.
    """
    return type("Protocol", (Protocol,), {"patience": patience, "at_once": staticmethod(at_once)})


class Protocol(HttpToolsProtocol):
    """A connection that sends no whole head is closed, and what is no HTTP is refused in our words."""

    at_once: Callable[[str, str], bool]
    patience = 5.0  # seconds for a head
    _patience: asyncio.TimerHandle | None = None
    _chunk = b""  # what is being read
    _onward = False  # whether it brought a body, or the end of a head or of a message
    _idle = 0  # bytes before it that brought none of these
    _offered = False  # the head that was read asks for another protocol
    _inside = False  # a message, behind its head
    _too_long = _over = False  # a head is; nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._unset_keepalive_if_required()
        self._chunk, self._onward = data, False
        try:
            self._read(data)
            self._idle = 0 if self._onward else self._idle + len(data)
            self._too_long = self._idle > _HEAD
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            if not self._too_long:
                self.send_400_response("")
        finally:
            self._chunk = b""
        if self._too_long:
            self._refuse_head()

    def _read(self, data: bytes) -> None:
        """A head with an offer has no body for the parser, which leaves the line to the other protocol; without it, it has."""
        while True:
            try:
                return self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._offered:
                    return None
                data = self._without_offer() + data[offer.args[0] :]
                self._offered = False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _without_offer(self) -> bytes:
        """The head that was just read, less what asks for another protocol."""
        start = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [start]
        for name, value in self.headers:
            kept = value
            if name == b"connection":
                words = [word.strip() for word in value.split(b",")]
                kept = b", ".join(word for word in words if word.lower() not in _OFFERS)
            if name not in _OFFERS:
                lines.append(b"%b: %b" % (name, kept))
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._onward = True
        self._forget()
        if self._idle + len(self._chunk) > _HEAD:  # it may be too long: most come in one small piece
            length = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            self._too_long = length > _HEAD
            if self._too_long:
                raise HeadTooLargeError("a head without end")  # ends the parser; see data_received
        self._offered = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if not self._offered:
            self._inside = True
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._onward = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._onward, self._inside = True, False
        if not self._offered:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._forget()
        self._patience = self.loop.call_later(self.patience, self._lose_patience)

    def _lose_patience(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_handler()
        else:  # the request before is still being answered
            self._expect_head()

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def send_400_response(self, msg: str) -> None:
        told = MalformedError("this is not HTTP")
        if _RAW_URL.search(self._chunk):
            told = MalformedError(
                "the URL holds characters that are not ASCII",
                hint="percent-encode them, 物流 as %E7%89%A9%E6%B5%81; curl does it with -G --data-urlencode",
            )
        self._say(told)
        self.transport.close()

    def _refuse_head(self) -> None:
        """431 and the end. What still comes is let go for a while: closing at once could take the answer away with it."""
        self._over = True
        self._forget()
        if self.cycle is not None and not self.cycle.response_complete:  # what is being answered is the last
            self.cycle.keep_alive = False
        elif self._inside:  # trailers of a request that has its answer
            self.transport.close()
        else:
            self._say(HeadTooLargeError(f"the head of a request may have at most {_HEAD:,} bytes"))
            self.transport.write_eof()
            self._patience = self.loop.call_later(self.patience, self.transport.close)

    def _say(self, refusal: RefusedError) -> None:
        status, body = status_of(refusal)[0], body_of(refusal, "-")
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        more = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + more.encode() + body)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # With more requests behind it on the line each would be begun from within the one before, deeper and deeper.
        if self.pipeline or not self.at_once(cycle.scope["method"], cycle.scope["path"]):
            super()._start_asgi_task(cycle, app)
            return
        begun = cycle.run_asgi(app)
        try:
            awaited = begun.send(None)
        except StopIteration:
            return
        task = self.loop.create_task(_go_on(begun, awaited))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


async def _go_on(begun: Coroutine[Any, Any, None], awaited: Any) -> None:
    """The rest of a coroutine that was begun outside of any task and waits for ``awaited``."""
    await _rest(begun, awaited)


@coroutine
def _rest(begun: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    while True:
        try:
            given = yield awaited
        except BaseException as error:  # thrown by the task: the awaited failed, or it is cancelled
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, given)
        try:
            awaited = step()
        except StopIteration:
            return
