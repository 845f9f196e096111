"""The paths that are called all day, without the framework's own way to them.

A short comment is read in milliseconds, and a refusal takes less; solving dependencies and routes would take about as
long. The framework still has these routes: it documents them, and answers every other method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .doors import admit, token_of
from .edge import refuse
from .errors import FAULT, status_of
from .keys import SCORE


class Express:
    """Calls the endpoints of ``routes`` itself, for POST, to keys that may score; all else goes on to ``app``."""

    def __init__(self, app: ASGIApp, routes: Sequence[Any], application: ASGIApp) -> None:
        self._app = app
        self._application = application  # what ``request.app`` is, which may stand inside of this or around it
        self._routes: dict[str, Any] = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["method"] == "POST"
        route = self._routes.get(scope["path"]) if ours else None
        if route is None:
            return await self._app(scope, receive, send)
        scope["app"] = self._application
        scope["route"] = route  # what meters and logs call it
        request, fault = Request(scope, receive), None
        try:
            admit(request, SCORE, token_of(request))
            response = await route.endpoint(request)
        except Exception as error:
            fault = error if status_of(error) == FAULT else None
            response = await refuse(request, error)
        await response(scope, receive, send)
        if fault is not None:
            raise fault  # for the log; see Edge
        return None
