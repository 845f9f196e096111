"""Behind ``vocnlp serve``: listens, warms up, answers, and on SIGTERM answers all it has accepted and ends with 0."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.routing import Route

from vocnlp.errors import InputError, VocnlpError
from vocnlp.tagger import Tagger

from . import scoring
from .app import application
from .edge import HEALTH, Edge
from .journal import say, set_up
from .priorities import be_prompt
from .protocol import protocol
from .running import Running, for_callers
from .settings import Settings
from .swapping import swap

# Seconds that a connection may be idle between two requests. Longer than callers and proxies keep theirs (most a minute):
# who closes first loses the request that is under way just then.
_IDLE = 75
_LAST_WORDS = 0.3  # seconds after the door has closed, for requests that were under way


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
        http=protocol(patience=max(5.0, settings.body_seconds), at_once=_at_once(house)),
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


def _at_once(house: Running) -> Callable[[str, str], bool]:
    """Which requests wait for nothing: those that ask for health, and comments for which there is no room."""
    scoring_paths = frozenset(route.path for route in scoring.router.routes if isinstance(route, Route))

    def known(method: str, path: str) -> bool:
        return path in HEALTH if method == "GET" else path in scoring_paths and house.full

    return known


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What has come in by now is read and answered; uvicorn would close connections that it has not read yet."""
        at_the_door = self._at_the_door(sockets or [])
        for server in self.servers:
            server.close()  # at once: who connects between the last look and this gets no answer
        await asyncio.gather(*at_the_door)
        await asyncio.sleep(_LAST_WORDS)
        await super().shutdown(sockets)

    def _at_the_door(self, listeners: list[socket.socket]) -> list[Coroutine[Any, Any, Any]]:
        """Who has connected and was not let in yet, to be let in: closing the door would cut them off unheard."""
        settings = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        one = partial(cast(Any, self.config.http_protocol_class), **settings)
        found: list[Coroutine[Any, Any, Any]] = []
        for listener in listeners:
            with suppress(OSError):  # nobody is left, or no more can be opened
                while True:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    found.append(asyncio.get_running_loop().connect_accepted_socket(one, connection))
        return found

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
