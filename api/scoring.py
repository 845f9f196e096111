"""POST /classify in the shape of vLLM and SGLang, and POST /predict in that of text-embeddings-inference."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from vocnlp.privacy import mask_all

from .doors import needs, running
from .edge import visit_of
from .errors import STATUS, GoneError, HeadTooLargeError, InvalidError, TooLargeError
from .keys import SCORE
from .reading import read_json
from .settings import Settings
from .shapes import Answer, Ask, AskPredict, LabelOut, Problem, codes_of, json_bytes, labels_out, shaped, text_out

NOES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": kind}
    for error, (status, kind) in STATUS.items()
    if error not in (GoneError, HeadTooLargeError)  # nobody is there to read the one; the other is said before any path
}
_OURS = {status: no for status, no in NOES.items() if status not in (409, 424)}
router = APIRouter(dependencies=[Depends(needs(SCORE))], responses=_OURS, tags=["scoring"])


def takes(shape: type[BaseModel]) -> dict[str, Any]:
    """The body for the OpenAPI document: it is read by ``reading``, not by the framework."""
    schema = shape.model_json_schema()
    whole = _spelt_out(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def _spelt_out(schema: Any, parts: Mapping[str, Any]) -> Any:
    """A schema without references: those of pydantic lead to a place that the whole document has not."""
    if isinstance(schema, list):
        return [_spelt_out(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _spelt_out(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _spelt_out(one, parts) for name, one in schema.items()}


@router.post("/classify", response_model=Answer, openapi_extra=takes(Ask), operation_id="classify")
@router.post("/v1/classify", response_model=Answer, openapi_extra=takes(Ask), operation_id="classify_v1")
async def classify(request: Request) -> Response:
    """Sentiment, and codes with polarity and evidence, of each comment."""
    house = running(request)
    house.enter(request)
    try:
        ask = shaped(Ask, await read_json(request, house.settings))
        check_texts(ask.input, house.settings, param="input")
        live = house.live
        live.check_model(ask.model, param="model")
        paths = live.paths
        if ask.under is not None or ask.industry is not None:
            paths = {code.id: paths[code.id] for code in codes_of(live.frame, under=ask.under, industry=ask.industry)}
        texts = mask_all(ask.input) if ask.mask else ask.input
        predictions = await house.score(request, texts, live)
        data = [
            text_out(number, text, prediction, ask=ask, paths=paths)
            for number, (text, prediction) in enumerate(zip(texts, predictions, strict=True))
        ]
        return _answer(_envelope(request, data, model=predictions[0].bundle))
    finally:
        house.leave()


def _envelope(request: Request, data: Sequence[Mapping[str, Any]], *, model: str) -> dict[str, Any]:
    visit = visit_of(request)
    usage = {"prompt_tokens": visit.characters, "total_tokens": visit.characters, "completion_tokens": 0}
    head = {"id": f"classify-{visit.id}", "object": "list", "created": int(time.time()), "model": model}
    return {**head, "data": data, "usage": {**usage, "texts": visit.texts}}


@router.post(
    "/predict",
    response_model=list[LabelOut] | list[list[LabelOut]],
    openapi_extra=takes(AskPredict),
    operation_id="predict",
)
async def predict(request: Request) -> Response:
    """Labels with a score each: one list for a text, a list of lists for a batch."""
    house = running(request)
    house.enter(request)
    try:
        ask = shaped(AskPredict, await read_json(request, house.settings))
        texts, batch = _inputs(ask.inputs)
        check_texts(texts, house.settings, param="inputs")
        predictions = await house.score(request, texts, house.live)
        answers = [labels_out(prediction, ask.labels) for prediction in predictions]
        return _answer(answers if batch else answers[0])
    finally:
        house.leave()


def _inputs(inputs: str | list[str] | list[list[str]]) -> tuple[list[str], bool]:
    """``(texts, is it a batch)``. A flat list of two is a pair of sentences there, and has no answer here."""
    if isinstance(inputs, str):
        return [inputs], False
    texts = [text for one in inputs for text in ([one] if isinstance(one, str) else one)]
    if not inputs or any(len(one) != 1 for one in inputs if not isinstance(one, str)):
        raise InvalidError("one text each, not none and no pairs", param="inputs", hint='a batch is [["..."], ["..."]]')
    if isinstance(inputs[0], str) and len(inputs) > 1:
        raise InvalidError(
            "a flat list means a pair of sentences", param="inputs", hint='a batch is [["..."], ["..."]]'
        )
    return texts, not isinstance(inputs[0], str)


def check_texts(texts: Sequence[str], settings: Settings, *, param: str) -> None:
    if len(texts) > settings.texts_per_call:
        raise TooLargeError(
            f"at most {settings.texts_per_call:,} texts go into one call", param=param, hint="send parts"
        )
    for number, text in enumerate(texts):
        if len(text) > settings.text_characters:
            raise TooLargeError(
                f"at most {settings.text_characters:,} characters go into one text", param=f"{param}[{number}]"
            )


def _answer(content: Any) -> Response:
    return Response(json_bytes(content), media_type="application/json")
