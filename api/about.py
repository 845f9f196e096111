"""What is served: the model with its measured figures and limits, the codeframe, its codes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.encoders import jsonable_encoder

from vocnlp import __version__
from vocnlp.codeframe import Code
from vocnlp.records import POLARITIES

from .doors import needs, running
from .keys import READ
from .metrics import MEDIA_TYPE
from .running import Running
from .scoring import NOES
from .shapes import AskCodes, codes_of, json_bytes

_CLOSED: dict[int | str, dict[str, Any]] = {status: NOES[status] for status in (401, 403, 429)}
router = APIRouter(dependencies=[Depends(needs(READ))], responses=_CLOSED, tags=["about"])


@router.get("/model")
async def model(request: Request) -> dict[str, Any]:
    """The bundle that answers: version, digests, measured figures; and what one call may ask for."""
    house = running(request)
    live = house.live
    bundle, frame = live.bundle, live.frame
    return {
        "name": bundle.name,
        "version": bundle.version,
        "label": bundle.label,
        "digest": bundle.digest,
        "since": live.since.isoformat(timespec="seconds"),
        "kind": type(bundle.classifier).__name__.lower(),
        "codeframe": {"name": frame.name, "version": frame.version, "digest": frame.digest, "codes": len(frame)},
        "learnt_codes": [code for code in bundle.classifier.codes if code in frame],
        "labels": list(POLARITIES),
        "figures": jsonable_encoder(bundle.figures),
        "limits": _limits(house),
        "vocnlp": __version__,
    }


def _limits(house: Running) -> dict[str, float]:
    names = (
        "body_bytes",
        "texts_per_call",
        "text_characters",
        "calls_per_minute",
        "queue_texts",
        "queue_tokens",
        "deadline_seconds",
    )
    return {name: getattr(house.settings, name) for name in names}


@router.get("/codeframe", responses={304: {"description": "still the frame of this ETag"}})
async def codeframe(request: Request) -> Response:
    """The whole codeframe in the shape of its file. Its digest is the ETag."""
    frame = running(request).live.frame
    tag = {"etag": f'"{frame.digest}"'}
    if request.headers.get("if-none-match") == tag["etag"]:
        return Response(status_code=304, headers=tag)
    return Response(json_bytes({**frame.to_dict(), "digest": frame.digest}), headers=tag, media_type="application/json")


@router.get("/codes", responses={404: NOES[404], 422: NOES[422]})
async def codes(request: Request, ask: Annotated[AskCodes, Query()]) -> dict[str, Any]:
    """The codes of the frame, of one branch or of one industry."""
    live = running(request).live
    learnt = set(live.bundle.classifier.codes)
    data = [
        _code_out(code, live.paths[code.id], learnt=code.id in learnt)
        for code in codes_of(live.frame, under=ask.under, industry=ask.industry)
    ]
    return {"object": "list", "codeframe": f"{live.frame.name}@{live.frame.version}", "data": data}


def _code_out(code: Code, path: list[str], *, learnt: bool) -> dict[str, Any]:
    """A code for people who choose one; ``learnt`` codes are found by the model, all others by their keywords alone."""
    head = {"id": code.id, "name": code.name, "path": path, "parent": code.parent, "definition": code.definition}
    more = {"keywords": list(code.keywords), "stage": dict(code.stage), "industries": list(code.industries)}
    return {**head, **more, "owner": code.owner, "learnt": learnt}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    return Response(running(request).meters.page(), media_type=MEDIA_TYPE)
