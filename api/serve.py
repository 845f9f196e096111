"""Behind ``vocnlp serve``: listens, warms up, answers, and on SIGTERM answers all it has accepted and ends with 0."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vocnlp.errors import InputError, VocnlpError
from vocnlp.tagger import Tagger

from .app import application
from .edge import Edge
from .errors import MalformedError, body_of
from .journal import say, set_up
from .priorities import be_prompt
from .running import Running, for_callers
from .settings import Settings
from .swapping import swap

# Seconds that a connection may be idle between two requests. Longer than callers and proxies keep theirs (most a minute):
# who closes first loses the request that is under way just then.
_IDLE = 75


def serve(settings: Settings) -> None:
    """Load the bundle and serve until told to stop. Raises a VocnlpError for what cannot be served as it is set."""
    run(for_callers(Tagger.load(settings.bundle, codeframe=settings.codeframe)), settings)


def run(tagger: Tagger, settings: Settings) -> None:
    """Serve with this tagger."""
    be_prompt()
    house = Running(tagger, settings)
    _check_door(house)
    set_up(settings.audit)
    listener = _listen(settings)
    edge = application(house)
    config = uvicorn.Config(
        edge,
        http=_protocol(patience=max(5.0, settings.body_seconds)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=int(settings.deadline_seconds + settings.body_seconds) + 5,
    )
    host, port = listener.getsockname()[:2]
    say("listening", host=host, port=port, model=tagger.bundle.label, keys=house.ring is not None)
    _Server(config, house, edge).run(sockets=[listener])
    say("ended")


def _check_door(house: Running) -> None:
    """Without keys everybody who reaches the port may score and read; so nobody beyond this machine may reach it."""
    settings = house.settings
    if not settings.on_loopback and not house.ring:
        raise InputError(
            f"{settings.host} can be reached by other machines, and "
            + ("no API keys are set up" if house.ring is None else f"{settings.keys} holds no key that is alive"),
            hint="name a file of keys with --keys, or listen on 127.0.0.1",
        )


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}", hint="choose another with --port"
        ) from error


def _protocol(*, patience: float) -> type[_Protocol]:
    """The protocol with so many seconds for the head of a request."""
    return type("Protocol", (_Protocol,), {"patience": patience})


class _Server(uvicorn.Server):
    """Uvicorn, but a signal first makes it not ready, and what it ends with is 0."""

    def __init__(self, config: uvicorn.Config, house: Running, edge: Edge) -> None:
        super().__init__(config)
        self._house, self._edge = house, edge
        self._leave_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP"):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        self._reloading = asyncio.ensure_future(self._swap())

    async def _swap(self) -> None:
        """The served bundle's folder, read again. What is wrong with it is in the log, and the old one goes on."""
        try:
            await swap(self._house, None, who="SIGHUP")
        except VocnlpError as error:
            say("reload_failed", level=logging.ERROR, failure=type(error).__name__, message=error.message)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM gives load balancers the time to look elsewhere; Ctrl-C does not, and a second one ends at once."""
        if sig == signal.SIGINT and self.should_exit:
            self.force_exit = True
        self._house.closing = self._edge.closing = True
        wait = self._house.settings.drain_seconds if sig == signal.SIGTERM else 0.0
        self._leave_at = min(self._leave_at or sys.float_info.max, time.monotonic() + wait)

    async def on_tick(self, counter: int) -> bool:
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _Protocol(HttpToolsProtocol):
    """Uvicorn's, but a connection that sends no whole head is closed, and what is no HTTP is refused in our words."""

    patience = 5.0  # seconds for a head
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

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
        body = body_of(MalformedError("this is not HTTP"), "-")
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()
