"""Uvicorn's way with a connection, and what is ours: slow heads are not waited for, and what waits for nothing stands in no line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .errors import MalformedError, body_of

# A request line whose URL is not ASCII; HTTP has no such thing, and a caller who wrote 物流 there cannot know.
_RAW_URL = re.compile(rb"(?:\A|\n)[A-Z]{3,20} [!-~]*[\x80-\xff]")


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        self._chunk = data
        try:
            super().data_received(data)
        finally:
            self._chunk = b""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._forget()
        super().on_headers_complete()

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
        body = body_of(told, "-")
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

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
