"""POST /codeframe/check: what would be said of a codeframe (码框), before anybody serves or trains by it. Changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_reading import located
from vocnlp.errors import CodeframeError

from .doors import needs, running
from .errors import InvalidError, MalformedError, WrongKindError
from .keys import EDIT
from .reading import check_plain, parse, read_body
from .running import Live
from .scoring import NOES

_STATUSES = (400, 401, 403, 408, 413, 415, 422, 429, 503)
router = APIRouter(dependencies=[Depends(needs(EDIT))], responses={s: NOES[s] for s in _STATUSES}, tags=["codeframe"])
_FILE = Path("codeframe.yaml")  # what errors call the body
_JSON, _YAML = "application/json", ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_EXAMPLE: dict[str, Any] = {
    "schema": 1,
    "name": "餐饮门店",
    "version": "1.1.0",
    "codes": [
        {"id": "food", "name": "菜品", "definition": "端上桌的东西怎么样"},
        {
            "id": "taste",
            "name": "口味",
            "parent": "food",
            "definition": "好不好吃、咸淡合不合适",
            "examples": {"positive": ["汤头鲜得掉眉毛"], "negative": ["菜咸得发苦"]},
            "keywords": ["口味", "味道"],
        },
    ],
}
_IN_YAML = """\
schema: 1
name: 餐饮门店
version: "1.1.0"
codes:
  - {id: food, name: 菜品, definition: 端上桌的东西怎么样}
  - {id: taste, name: 口味, parent: food, definition: 好不好吃、咸淡合不合适, keywords: [口味, 味道]}
"""
_FRAME = {"type": "object", "description": "a codeframe in the shape of its file"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": _FRAME, "example": _EXAMPLE},
            _YAML[0]: {"schema": _FRAME, "example": _IN_YAML},
        },
    }
}


class Named(BaseModel):
    """Which frame it is."""

    name: str
    version: str
    digest: str
    codes: int


class Broken(BaseModel):
    """The first thing that no frame may have. ``line`` counts from 1 in YAML; JSON has no lines here."""

    message: str
    line: int | None
    key: str | None
    hint: str


class Changes(BaseModel):
    """From the served frame to this one, by code id."""

    added: list[str]
    removed: list[str]
    renamed: dict[str, list[str]] = Field(description="the old name and the new one")
    moved: dict[str, list[str | None]] = Field(description="the old parent and the new one; null for none")
    changed: dict[str, list[str]] = Field(description="which fields of a code differ")
    synonyms: list[str] = Field(description="synonyms that rules use and that came, went or have other terms")


class Checked(BaseModel):
    """What a reader of both frames has to know. Of a frame that is not ``fit`` only ``error`` is known."""

    fit: bool
    served: Named
    error: Broken | None = None
    frame: Named | None = None
    same: bool = Field(default=False, description="whether its content is that of the served frame")
    warnings: list[str] = Field(default=[], description="what is allowed but probably not meant")
    changes: Changes | None = None
    by_words_alone: list[str] = Field(
        default=[], description="codes that the served model never learnt: keywords and rules find them"
    )
    never_found: list[str] = Field(
        default=[], description="codes that the served model never learnt, without keywords and rules"
    )


@router.post("/codeframe/check", response_model=Checked, openapi_extra=_BODY)
async def check(request: Request) -> Checked:
    """Check a codeframe, given in JSON or YAML, and compare it with the one that is served. Nothing is changed."""
    house = running(request)
    house.enter(request)
    try:
        yaml = _is_yaml(request)
        body = await read_body(request, house.settings)
        return await asyncio.to_thread(_checked, body, house.live, yaml=yaml)
    finally:
        house.leave()


def _is_yaml(request: Request) -> bool:
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind != _JSON and kind not in _YAML:
        hint = "send content-type: application/json or application/yaml"
        raise WrongKindError("a codeframe comes as JSON or YAML", param="content-type", hint=hint)
    check_plain(request, rest.replace(" ", "").replace('"', "").lower())
    return kind in _YAML


def _checked(body: bytes, live: Live, *, yaml: bool) -> Checked:
    """Off the event loop: a large frame takes a while."""
    given = _text(body) if yaml else _mapping(body)
    served = _named(live.frame)
    try:
        frame = Codeframe.from_text(given, path=_FILE) if isinstance(given, str) else Codeframe.from_dict(given)
    except CodeframeError as error:
        if isinstance(given, str):
            located(given, _FILE)  # what is no YAML, or holds no mapping, is a bad request and no bad frame
        broken = Broken(message=error.message, line=error.line, key=error.key, hint=error.hint)
        return Checked(fit=False, error=broken, served=served)
    learnt = set(live.bundle.classifier.codes)
    strange = [code for code in frame.taggable if code.id not in learnt]
    return Checked(
        fit=True,
        frame=_named(frame),
        served=served,
        same=frame.digest == live.frame.digest,
        warnings=list(frame.warnings()),
        changes=Changes(**_lists(asdict(live.frame.diff(frame)))),
        by_words_alone=[code.id for code in strange if code.keywords or code.rules],
        never_found=[code.id for code in strange if not (code.keywords or code.rules)],
    )


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedError(f"the body is not UTF-8 at byte {error.start}", param="body") from None


def _mapping(body: bytes) -> dict[str, Any]:
    content = parse(body)
    if not isinstance(content, dict):
        raise InvalidError("the body must be a JSON object", param="body", hint="send the codeframe itself")
    return content


def _named(frame: Codeframe) -> Named:
    return Named(name=frame.name, version=frame.version, digest=frame.digest, codes=len(frame))


def _lists(fields: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, which is what JSON has."""
    return {
        name: {key: list(one) for key, one in value.items()} if isinstance(value, dict) else list(value)
        for name, value in fields.items()
    }
