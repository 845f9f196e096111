"""POST /admin/bundle and SIGHUP: another bundle takes over without a lost call, or the old one stays.

The new one is loaded beside the old, off the event loop. It has to answer its canaries there, and then one more
through the queue, as every text will be; only then it takes over, in one step. So there is nothing to roll back:
whatever goes wrong goes wrong before that step. Calls in the house are answered by the bundle they came in under.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from vocnlp.codeframe import Codeframe
from vocnlp.errors import VocnlpError
from vocnlp.records import Prediction
from vocnlp.tagger import Tagger

from .doors import needs, running
from .edge import visit_of
from .errors import ConflictError, NotReadyError, RefusedError, UnfitError, UnknownError, placeless
from .journal import AUDIT, LOG, say
from .keys import ADMIN
from .priorities import settle
from .reading import read_json
from .running import Live, Running, for_callers
from .scoring import NOES, takes
from .shapes import shaped

CANARIES = "canary.jsonl"  #: what a bundle may bring: lines of {"text": ..., "sentiment"?: ..., "codes"?: [...]}
_EXAMPLES = 200  # of the codeframe, where a bundle brings no canaries
router = APIRouter(dependencies=[Depends(needs(ADMIN))], tags=["admin"])
_NOES: dict[int | str, dict[str, Any]] = {
    status: NOES[status] for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 424, 429, 503, 504)
}


class AskBundle(BaseModel):
    """A request to ``/admin/bundle``."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"path": "voc-zh-small"}]})

    path: str | None = Field(None, description="a folder among the bundles; null reads the folder of the start again")


class Swapped(BaseModel):
    """What serves now, what served before, and how many canaries were asked."""

    model: str
    before: str
    canaries: int


@dataclass(frozen=True)
class Canary:
    """A text and what must be found in it: a sentiment, and codes, each ``code`` or ``code:polarity``."""

    text: str
    sentiment: str | None = None
    codes: tuple[str, ...] = ()

    def missing(self, found: Prediction) -> list[str]:
        told = {tag.code for tag in found.tags} | {f"{tag.code}:{tag.polarity}" for tag in found.tags}
        wrong = [self.sentiment] if self.sentiment not in (None, found.sentiment) else []
        return [*(one for one in wrong if one), *(code for code in self.codes if code not in told)]


@router.post("/admin/bundle", response_model=Swapped, responses=_NOES, openapi_extra=takes(AskBundle))
async def change(request: Request) -> Swapped:
    """Serve another bundle from now on. 424 says why it may not; then the old one goes on."""
    house = running(request)
    ask = shaped(AskBundle, await read_json(request, house.settings))
    return await swap(house, ask.path, who=visit_of(request).key.name, request_id=visit_of(request).id)


async def swap(house: Running, path: str | None, *, who: str, request_id: str = "-") -> Swapped:
    """One at a time: ConflictError while another is under way. UnfitError, and nothing changes, for a bad bundle."""
    if not house.ready:
        raise NotReadyError("the service warms up or goes down")
    if house.swapping.locked():
        raise ConflictError("another bundle is being taken over at this moment", hint="come again when it is done")
    before = house.live.bundle.label
    told: dict[str, Any] = {"request_id": request_id, "name": who, "before": before}
    async with house.swapping:
        try:
            live, canaries = await _proven(house, folder_of(house, path))
        except VocnlpError as error:
            kind = type(error).__name__
            for log in (AUDIT, LOG):
                say("bundle_refused", log=log, level=logging.WARNING, **told, failure=kind)
            raise
        house.take_over(live)
        settle()
    for log in (AUDIT, LOG):
        say("bundle", log=log, **told, model=live.bundle.label, digest=live.bundle.digest, canaries=canaries)
    return Swapped(model=live.bundle.label, before=before, canaries=canaries)


def folder_of(house: Running, path: str | None) -> Path:
    """The folder that is meant. It lies among the bundles (setting ``bundles``): a key is no pass to all of the disk."""
    if house.folder is None:
        raise UnknownError("the bundle of the start came from no folder", param="path", hint="start with --bundle")
    if path is None:
        return house.folder
    root = (house.settings.bundles or house.folder.parent).resolve()
    try:
        folder = (root / path).resolve()
        inside = folder.is_relative_to(root) and folder != root and folder.is_dir()
    except (OSError, ValueError):  # a NUL, or a name that no file system takes
        inside = False
    if not inside:
        raise UnknownError("no such folder among the bundles", param="path", hint="name a folder that lies in there")
    return folder


async def _proven(house: Running, folder: Path) -> tuple[Live, int]:
    frame = house.settings.codeframe
    try:
        live, canaries = await asyncio.to_thread(_loaded, folder, frame)
        await house.queue.score([canaries[0].text], seconds=house.settings.deadline_seconds, tag=live.tagger.tag)
    except RefusedError:  # unfit, or no room in the queue for the last canary
        raise
    except VocnlpError as error:
        told = placeless(error.message, folder.parent, *([] if frame is None else [frame.parent]))
        raise UnfitError(told, param="path", hint=error.hint) from error
    except Exception as error:  # a model that breaks over a text; its words may quote it
        raise UnfitError(f"it breaks over its canaries ({type(error).__name__})", param="path", hint=_ANEW) from error
    return live, len(canaries)


_ANEW = "train it again, or get it anew; the old bundle goes on"


def _loaded(folder: Path, codeframe: Path | None) -> tuple[Live, list[Canary]]:
    tagger = for_callers(Tagger.load(folder, codeframe=codeframe))
    canaries = _canaries(tagger.bundle.path or folder, tagger.codeframe)  # a registry's folder means its champion
    check(canaries, tagger.tag([canary.text for canary in canaries]), classes=tagger.bundle.classifier.codes)
    return Live(tagger), canaries


def check(canaries: Sequence[Canary], found: Sequence[Prediction], *, classes: Sequence[str]) -> None:
    """UnfitError where a canary is not answered as it must be. ``classes``: the codes that the model has learnt."""
    if len(found) != len(canaries) or not all(math.isfinite(x) for one in found for x in _numbers(one)):
        raise UnfitError("it gives no proper answers to its canaries", param="path", hint=_ANEW)
    if all(one.noise is not None for one in found):
        raise UnfitError("it calls all its canaries noise", param="path", hint=_ANEW)
    if classes and not any(one.tags for one in found):
        raise UnfitError("it finds no code in any of its canaries", param="path", hint=_ANEW)
    for number, (canary, one) in enumerate(zip(canaries, found, strict=True), 1):
        if missing := canary.missing(one):
            told = f"canary {number} of {CANARIES}: {', '.join(missing)} was not found"
            raise UnfitError(told, param="path", hint=_ANEW)


def _numbers(one: Prediction) -> list[float]:
    return [one.confidence, *one.probabilities, *(tag.confidence for tag in one.tags)]


def _canaries(folder: Path, frame: Codeframe) -> list[Canary]:
    """Those the bundle brings; else the examples of the codeframe, of which nothing is expected but an answer."""
    file = folder / CANARIES
    if not file.exists():
        texts = [text for code in frame.taggable for text in (*code.positive, *code.negative)]
        return [Canary(text) for text in texts[:_EXAMPLES] or _PLAIN]
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
        canaries = [Canary(str(row["text"]), row.get("sentiment"), tuple(row.get("codes", ()))) for row in rows]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UnfitError(f"its {CANARIES} cannot be read", param="path", hint=_ANEW) from None
    if not canaries:
        raise UnfitError(f"its {CANARIES} holds no canary", param="path", hint=_ANEW)
    return canaries


_PLAIN = ("味道很好，服务员也热情", "快递太慢，包装还压坏了", "价格一般，说不上贵")
