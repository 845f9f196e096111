"""The application: paths, the one handler of exceptions, the edge around all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from vocnlp import __version__
from vocnlp.errors import VocnlpError

from . import about, codeframe_check, feedback, figures, health, jobs, scoring, swapping
from .edge import Edge, refuse
from .express import Express
from .job_files import Shelf
from .job_running import Jobs
from .running import Running
from .settings import Tracing
from .shapes import invalid
from .stored import Stored
from .tracing import trace


def application(house: Running) -> Edge:
    """The ASGI application of one service. It warms up beside the first requests, which are told to come again."""
    stored = _stored(house)
    worker = None if house.settings.jobs is None else Jobs(house, Shelf(house.settings.jobs))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        house.queue.open()
        warming = asyncio.create_task(house.warm_up())
        if worker is not None:
            worker.open()
        yield
        house.closing = True
        warming.cancel()
        if worker is not None:
            await worker.close()
        if stored is not None:
            await stored.close()
        await house.queue.close()

    # The pages of Swagger and ReDoc load scripts from elsewhere; the document itself is at /openapi.json.
    app = FastAPI(
        title="vocnlp", version=__version__, description=_ABOUT, lifespan=life, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.running, app.state.jobs, app.state.stored = house, worker, stored
    for kind in (VocnlpError, HTTPException, Exception):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(RequestValidationError, _refuse_query)
    for part in (scoring, about, codeframe_check, health, swapping, jobs, feedback, figures):
        app.include_router(part.router)
    tracing = Tracing()
    express = partial(Express, routes=scoring.router.routes, application=app)
    watched = bool(house.settings.origins) or tracing.on
    if watched:
        app.add_middleware(express)  # inside of CORS and tracing, which are added after it
    if house.settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=house.settings.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("authorization", "content-type", "x-request-id"),
            expose_headers=("x-request-id", "retry-after"),
        )
    trace(app, tracing)
    return Edge(app if watched else express(app), house.meters)


def _stored(house: Running) -> Stored | None:
    asked = house.settings
    if asked.store is None:
        return None
    return Stored(asked.store, rules=asked.alerts, state=asked.alerts_state, frame=house.live.frame)


async def _refuse_query(request: Request, error: Exception) -> Response:
    """A query that the framework has read, refused in our words."""
    return await refuse(request, invalid(error.errors()) if isinstance(error, RequestValidationError) else error)


_ABOUT = "Comments in Chinese in; sentiment, codes of a codeframe (码框) with polarity and evidence out."
