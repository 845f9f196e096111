"""Whether the service lives and whether it takes requests, under the names that Kubernetes and KServe v2 ask for.

Open to everybody, with or without keys: a probe has none, and learns nothing but yes or no and a name.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from vocnlp import __version__

from .doors import running
from .errors import NotReadyError
from .shapes import Problem

router = APIRouter(tags=["health"])
_NOT_YET: dict[int | str, dict[str, Any]] = {503: {"model": Problem, "description": "not_ready"}}


@router.get("/health/live", responses=_NOT_YET)
@router.get("/v2/health/live", responses=_NOT_YET)
async def live(request: Request) -> dict[str, bool]:
    """200 as long as the scorer works; otherwise only a new process helps."""
    if not running(request).queue.alive:
        raise NotReadyError("the scorer has ended")
    return {"live": True}


@router.get("/health", responses=_NOT_YET)
@router.get("/health/ready", responses=_NOT_YET)
@router.get("/v2/health/ready", responses=_NOT_YET)
async def ready(request: Request) -> dict[str, bool]:
    """200 after the warm-up and until the service goes down."""
    house = running(request)
    if not house.ready:
        raise NotReadyError("the service goes down" if house.closing else "the service warms up")
    return {"ready": True}


@router.get("/v2")
async def server() -> dict[str, Any]:
    """KServe v2: the server's metadata."""
    return {"name": "vocnlp", "version": __version__, "extensions": []}


@router.get("/v2/models/{name}/ready", responses={**_NOT_YET, 404: {"model": Problem}})
async def model_ready(request: Request, name: str) -> dict[str, Any]:
    """KServe v2: whether this model takes requests."""
    running(request).live.check_model(name, param="name")
    return {"name": name, **await ready(request)}
