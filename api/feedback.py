"""POST /feedback: comments with who said them, read, stored and looked at by the rules before the answer goes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from vocnlp.records import FEEDBACK, TAGGED, Prediction
from vocnlp.text import no_surrogates

from .doors import needs, running
from .edge import visit_of
from .errors import UnknownError
from .keys import SCORE
from .reading import read_json
from .running import Live
from .scoring import NOES, check_texts, takes
from .shapes import shaped
from .stored import Stored

_STATUSES = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504)
router = APIRouter(dependencies=[Depends(needs(SCORE))], responses={s: NOES[s] for s in _STATUSES}, tags=["feedback"])
Word = Annotated[str, Field(max_length=200)]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _moment(said: str) -> str:
    """A time as ISO 8601 writes it; ValueError for what is none."""
    try:
        datetime.fromisoformat(said)
    except ValueError:
        raise ValueError("must be a time such as 2026-06-30T18:00:00+08:00") from None
    return said


def _typed(said: str) -> str:
    """A customer as somebody could type one who asks to be forgotten; the store keeps no other."""
    if _CONTROL.search(said):
        raise ValueError("must have no control characters")
    return said


Customer = Annotated[Word, AfterValidator(_typed), Field(json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"})]


class Row(BaseModel):
    """One comment. ``id`` known again replaces the row that is there; without one it is made of the content."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    id: Word | None = None
    score: float | None = Field(None, ge=0, le=10, description="the answer to the NPS question")
    stage: Word | None = None
    channel: Word | None = None
    segment: Word | None = None
    customer: Customer | None = None
    csat: float | None = Field(None, ge=1, le=5, description="satisfaction")
    ces: float | None = Field(None, ge=1, le=7, description="how easy it was made; high is easy")
    at: Annotated[str, AfterValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})] | None = (
        Field(
            None,
            description="when it was said, by the clock of its own zone; a day or a time without a zone is taken, too",
        )
    )


class AskFeedback(BaseModel):
    """A request to ``/feedback``."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"rows": [{"id": "w-1", "text": "送餐慢，但味道不错", "score": 6, "channel": "小程序"}]}]
        },
    )

    rows: list[Row] = Field(min_length=1)


class Kept(BaseModel):
    """What was stored: new rows, rows that replaced one of the same id, rows that came twice in this call; new alerts."""

    rows: int
    added: int
    replaced: int
    repeated: int
    alerts: int | None = Field(description="new ones; null when the rules failed, the rows being stored all the same")
    version: int
    model: str


def store_of(request: Request) -> Stored:
    """The store, or UnknownError where the service has none."""
    stored: Stored | None = request.app.state.stored
    if stored is None:
        raise UnknownError("no feedback is stored here", hint="set up a store: VOCNLP_STORE=FOLDER")
    return stored


@router.post("/feedback", response_model=Kept, openapi_extra=takes(AskFeedback))
async def feedback(request: Request) -> Kept:
    """Read, masked and stored; when the answer comes, the rows are on the disk."""
    house, stored = running(request), store_of(request)
    house.enter(request)
    try:
        ask = shaped(AskFeedback, await read_json(request, house.settings))
        texts = [no_surrogates(row.text) for row in ask.rows]
        check_texts(texts, house.settings, param="rows")
        live = house.live
        predictions = await house.score(request, texts, live)
        kept = await stored.keep(tagged(ask.rows, texts, predictions, live), live.frame)
        put = kept.put
        visit_of(request).act = "feedback"
        return Kept(
            rows=put.rows, added=put.added, replaced=put.replaced, repeated=put.repeated, alerts=kept.alerts,
            version=put.version, model=live.bundle.label,
        )  # fmt: skip
    finally:
        house.leave()


def tagged(rows: Sequence[Row], texts: Sequence[str], predictions: Sequence[Prediction], live: Live) -> pa.Table:
    """Rows in the schema ``records.TAGGED``. A time is the clock of its own zone, as in all figures."""
    from vocnlp.batch import verdicts  # loads DuckDB, which only those need who store

    answers = ("score", "csat", "ces")
    words = [name for name in FEEDBACK.names if name not in ("text", "at", *answers)]
    columns: dict[str, Any] = {name: [_word(getattr(row, name)) for row in rows] for name in words}
    columns |= {name: [getattr(row, name) for row in rows] for name in answers}
    columns["text"] = texts
    columns["at"] = [row.at and datetime.fromisoformat(row.at).replace(tzinfo=None) for row in rows]
    own = [pa.array(columns[field.name], field.type) for field in FEEDBACK]
    told = verdicts(texts, predictions, f"{live.frame.name}@{live.frame.version}")
    return pa.Table.from_arrays([*own, *told.columns], schema=TAGGED)


def _word(given: str | None) -> str | None:
    return None if given is None else no_surrogates(given)
