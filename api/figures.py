"""GET /nps and GET /journey: the figures of the analysis layer over the stored rows, of all or of some of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_parts import fold
from vocnlp.figures import Nps
from vocnlp.records import TAGGED

from .doors import needs, running
from .errors import InvalidError, UnknownError
from .feedback import store_of
from .keys import READ
from .scoring import NOES

if TYPE_CHECKING:  # DuckDB and scipy are loaded by the first figure, not by the start
    from vocnlp.counts import Folded
    from vocnlp.journey_map import Spot
    from vocnlp.store import Store

_STATUSES = (401, 403, 404, 422, 429, 503)
router = APIRouter(dependencies=[Depends(needs(READ))], responses={s: NOES[s] for s in _STATUSES}, tags=["figures"])
T = TypeVar("T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written(value: object) -> object:
    """A day as it must be written; pydantic would also take seconds since 1970."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a day is written 2026-03-31")
    return value


Day = Annotated[date, BeforeValidator(_written), WithJsonSchema({"type": "string", "format": "date"})]
_WORDLESS = [name for name in TAGGED.names if name != "text"]


class AskFigures(BaseModel):
    """Which rows are meant: those under this key of the answers. ``from`` and ``to`` are days, both of them included;
    rows without a time are in neither."""

    model_config = ConfigDict(extra="forbid")

    stage: str | None = Field(
        None, description="rows of this stage, by id, name or synonym; one that names none has those of its codes"
    )
    channel: str | None = Field(None, description="blanks around it aside; (未填): rows without one")
    segment: str | None = Field(None, description="as channel")
    since: Day | None = Field(None, alias="from")
    until: Day | None = Field(None, alias="to")
    journey: str | None = Field(None, description="which journey of the codeframe; default: the first")


class AskNps(AskFigures):
    """And by what the NPS is divided."""

    by: Literal["channel", "segment", "stage", "code", "day", "week", "month", "quarter", "year"] | None = None


class NpsOut(BaseModel):
    """An NPS with its 95 % interval, in points; null without answers. ``odd`` scores are outside 0..10 and not counted."""

    key: str | None
    rows: int
    odd: int
    nps: float | None
    low: float | None
    high: float | None
    promoters: int
    passives: int
    detractors: int
    small: bool


class NpsAnswer(BaseModel):
    """The NPS of all rows that were meant, and of each group. By stage and code a row may be in several groups."""

    by: str | None
    total: NpsOut
    data: list[NpsOut]


class PainOut(BaseModel):
    """A code, and how many comments at the spot mean it negatively."""

    code: str
    name: str
    negative: int


class SpotOut(BaseModel):
    """One stage at one channel. ``net`` is net sentiment in points; ``few``: fewer than 30 comments."""

    stage: str
    channel: str
    rows: int
    positive: int
    neutral: int
    negative: int
    net: float | None
    few: bool
    nps: NpsOut
    pains: list[PainOut]


class JourneyAnswer(BaseModel):
    """The journey map. ``stages`` are in the order of the journey, those nobody spoke of too."""

    journey: str | None
    stages: dict[str, str]
    channels: list[str]
    spots: list[SpotOut]


@router.get("/nps", response_model=NpsAnswer)
async def nps_of(request: Request, ask: Annotated[AskNps, Query()]) -> NpsAnswer:
    """The NPS, whole or by a dimension."""
    from vocnlp.scores import nps

    def answer(rows: Folded) -> NpsAnswer:
        total = [_nps(None, one.rows, one.odd, one.value) for one in nps(rows)]
        groups = nps(rows, [ask.by]) if ask.by is not None else ()
        data = [_nps(one.keys[0], one.rows, one.odd, one.value) for one in groups]
        return NpsAnswer(by=ask.by, total=total[0] if total else _nps(None, 0, 0, Nps()), data=data)

    return await _asked(request, ask, answer)


@router.get("/journey", response_model=JourneyAnswer)
async def journey_of(request: Request, ask: Annotated[AskFigures, Query()]) -> JourneyAnswer:
    """Each stage by each channel: volume, sentiment, NPS, and what hurts there."""
    from vocnlp.journey_map import journey_map

    journey = _journey(running(request).live.frame, ask)

    def answer(rows: Folded) -> JourneyAnswer:
        found = journey_map(rows)
        spots = [_spot(spot) for spot in found.spots]
        return JourneyAnswer(journey=journey, stages=dict(found.stages), channels=list(found.touchpoints), spots=spots)

    return await _asked(request, ask, answer)


async def _asked(request: Request, ask: AskFigures, answer: Callable[[Folded], T]) -> T:
    """The answer to what is asked of the rows that are meant."""
    from vocnlp.counts import folded

    frame = running(request).live.frame
    journey = _journey(frame, ask) or "general"
    if ask.since is not None and ask.until is not None and ask.since > ask.until:
        raise InvalidError("from is a later day than to", param="from")

    def question(store: Store) -> T:
        rows: Any = store.read(_WORDLESS)
        chosen = _days(ask)
        with folded(rows if chosen is None else rows.filter(chosen), frame, journey) as counted:
            for name in ("stage", "channel", "segment"):
                if (given := getattr(ask, name)) is not None:
                    counted.keep(name, _stages(frame, ask, counted) if name == "stage" else [given.strip()])
            return answer(counted)

    return await store_of(request).ask(question)


def _journey(frame: Codeframe, ask: AskFigures) -> str | None:
    """The journey that is meant; UnknownError if the codeframe has none of this id."""
    known = [journey.id for journey in frame.journeys]
    if ask.journey is not None and ask.journey not in known:
        raise UnknownError("the codeframe has no such journey", param="journey", hint="GET /codeframe lists them")
    return ask.journey or (known[0] if known else None)


def _days(ask: AskFigures) -> pc.Expression | None:
    parts = []
    at = TAGGED.field("at").type
    if ask.since is not None:
        parts.append(pc.field("at") >= pa.scalar(ask.since, pa.date32()).cast(at))
    if ask.until is not None and ask.until < date.max:
        parts.append(pc.field("at") < pa.scalar(ask.until + timedelta(1), pa.date32()).cast(at))
    whole = None
    for part in parts:
        whole = part if whole is None else whole & part
    return whole


def _stages(frame: Codeframe, ask: AskFigures, rows: Folded) -> list[str]:
    """Under which of the stages that occur the one that is meant is counted; a word that no journey knows is its own."""
    given, known = str(ask.stage), [str(row[0]) for row in rows.answers(["stage"])]
    if given in known:
        return [given]
    own = _journey(frame, ask)
    # The journey that is counted by goes first.
    for journey in sorted(frame.journeys, key=lambda journey: journey.id != own):
        if ask.journey in (None, journey.id) and (stage := journey.stage_of(given)) is not None:
            return [stage.id] if journey.id == own else [key for key in known if journey.stage_of(key) == stage]
    return [key for key in known if fold(key) == fold(given)]


def _nps(key: str | None, rows: int, odd: int, value: Nps) -> NpsOut:
    names = ("nps", "low", "high", "promoters", "passives", "detractors", "small")
    return NpsOut(key=key, rows=rows, odd=odd, **{name: getattr(value, name) for name in names})


def _spot(spot: Spot) -> SpotOut:
    names = ("stage", "rows", "positive", "neutral", "negative", "net", "few")
    pains = [PainOut(code=pain.code, name=pain.name, negative=pain.negative) for pain in spot.pains]
    head: dict[str, Any] = {name: getattr(spot, name) for name in names}
    return SpotOut(**head, channel=spot.touchpoint, nps=_nps(None, spot.rows, 0, spot.nps), pains=pains)
