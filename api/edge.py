"""Around every request: its id, headers that keep browsers out, meters, one log line, no exception that gets away."""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import FAULT, body_of, headers_of, status_of
from .journal import AUDIT, fault, say
from .keys import ANYBODY, Key
from .metrics import Meters

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
_VISIT = "vocnlp.visit"
#: Asked every few seconds by machines: answered before all else, and not in the log.
HEALTH = frozenset({"/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
_QUIET = HEALTH | {"/metrics"}


@dataclass
class Visit:
    """One request as meters and logs see it."""

    id: str
    key: Key = ANYBODY
    texts: int = 0
    characters: int = 0
    status: int = 0
    failure: str | None = None
    act: str = ""  # what was changed or taken away, for the audit
    begun: float = field(default_factory=perf_counter)


def visit_of(request: Request) -> Visit:
    visit: Visit = request.scope[_VISIT]
    return visit


async def refuse(request: Request, error: Exception) -> Response:
    """The one handler of all exceptions."""
    visit = visit_of(request)
    status, visit.failure = status_of(error)
    body = body_of(error, visit.id)
    return Response(body, status, headers=headers_of(error), media_type="application/json")


class Edge:
    """The application as the server sees it. ``closing`` tells callers to open no more requests on a connection."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "")
        visit = scope[_VISIT] = Visit(given if _ID.fullmatch(given) else secrets.token_hex(16))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                own = dict(message.get("headers", ()))
                headers = [*message.get("headers", ()), *((n, v) for n, v in _HEADERS.items() if n not in own)]
                message["headers"] = [*headers, (b"x-request-id", visit.id.encode())]
                if self.closing and own.get(b"connection") != b"close":
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # the caller has his answer by now; see refuse
            visit.failure = FAULT[1]
            say("fault", level=logging.ERROR, request_id=visit.id, **fault(error))
        finally:
            self._note(scope, visit)

    def _note(self, scope: Scope, visit: Visit) -> None:
        seconds = perf_counter() - visit.begun
        route = getattr(scope.get("route"), "path", "(none)")  # never the path itself: anything can stand in it
        method = scope["method"] if scope["method"] in ("GET", "POST", "DELETE") else "(other)"
        self._meters.answered(route, method, status=visit.status, seconds=seconds)
        fields: dict[str, Any] = {"request_id": visit.id, "route": route, "method": method, "status": visit.status}
        fields |= {"key": visit.key.id, "texts": visit.texts, "characters": visit.characters}
        if visit.failure is not None:
            self._meters.failed(visit.failure)
            fields["failure"] = visit.failure
        if route not in _QUIET or visit.failure is not None:
            say("request", **fields, seconds=round(seconds, 6))
        if visit.texts or visit.act or visit.status in (401, 403):
            fields |= {"act": visit.act} if visit.act else {}
            say("audit", log=AUDIT, **fields, name=visit.key.name)
