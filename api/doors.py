"""Who may come in: the bearer key of a request, the role that a path asks for, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from .edge import visit_of
from .errors import NoKeyError, NotAllowedError
from .running import Running
from .settings import Settings

_BEARER = HTTPBearer(auto_error=False, description="an API key; not needed where none are set up (loopback only)")


def running(request: Request) -> Running:
    house: Running = request.app.state.running
    return house


def needs(role: str) -> Callable[..., Awaitable[None]]:
    """A dependency: NoKeyError without a living key, NotAllowedError with one of too low a role,
    BusyError with one that has made its calls for this minute."""

    async def door(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None
    ) -> None:
        admit(request, role, given.credentials if given is not None else "")

    return door


def admit(request: Request, role: str, token: str) -> None:
    """What a door does, once the bearer token of the request is known ("": it has none)."""
    house = running(request)
    if house.ring is None:
        _check_page(request, house.settings)
        return house.pay(visit_of(request).key)
    if not token:
        raise NoKeyError("this needs an API key", hint="send it as authorization: Bearer voc_...")
    key = house.ring.check(token)
    if key is None:
        raise NoKeyError("this key is unknown, revoked or expired")
    visit_of(request).key = key
    if not key.may(role):
        raise NotAllowedError(f"this needs the role {role}; the key has {key.role}")
    return house.pay(key)


def _check_page(request: Request, settings: Settings) -> None:
    """NotAllowedError for a web page from elsewhere: where no keys are set up, the browser of anybody here could bring it in.

    It comes under a name of its own that leads to this machine, or says where it is from. Callers other than browsers
    name the machine and no origin.
    """
    host = request.headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name and name not in settings.names:
        told = "without keys this is served under the names of this machine alone"
        raise NotAllowedError(told, param="host", hint="call it at localhost, or set up keys: VOCNLP_KEYS=FILE")
    origin = request.headers.get("origin")
    if origin is None or (host and origin.lower().partition("://")[2] == host):
        return
    if origin not in settings.origins and "*" not in settings.origins:
        raise NotAllowedError(
            "pages of this origin may not call here", param="origin", hint="name it in VOCNLP_ORIGINS, or set up keys"
        )


def token_of(request: Request) -> str:
    """The bearer token of a request, or ""."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
