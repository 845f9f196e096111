"""The shapes that go over the wire, and how a prediction is poured into them.

Requests are checked by these models. Answers are built as plain data, which is faster; their models describe them in
the OpenAPI document, and a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from vocnlp.codeframe import Code, Codeframe
from vocnlp.records import POLARITIES, Prediction
from vocnlp.records import Tag as Found
from vocnlp.text import no_surrogates

from .errors import InvalidError, UnknownError

# What vLLM and SGLang clients may send along; it changes nothing here.
_IDLE = frozenset({"user", "rid", "request_id", "priority", "truncate_prompt_tokens", "add_special_tokens"})
_LIST = {"type": "array", "items": {"type": "string"}, "minItems": 1}
Texts = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, _LIST]}),
]
_ONE: dict[str, Any] = {**_LIST, "maxItems": 1}
_INPUTS = {"anyOf": [{"type": "string"}, _ONE, {"type": "array", "items": _ONE, "minItems": 1}]}
_EXAMPLE: JsonDict = {"input": ["送餐慢得离谱，但味道不错", "客服也耐心"], "minimum_confidence": 0.5}
_EXAMPLES: JsonDict = {"examples": [{"inputs": "送餐慢得离谱"}]}


class Ask(BaseModel):
    """A request to ``/classify``; a word that it does not know is refused, so that no misspelt option is lost."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_EXAMPLE]})

    input: Texts = Field(description="one comment or several")
    model: str | None = Field(None, description="name, name@version or full label of the served bundle")
    under: str | None = Field(None, description="only codes of this branch of the codeframe, by code id")
    industry: str | None = Field(None, description="only codes of this industry, and those of all industries")
    minimum_confidence: float = Field(0.0, ge=0, le=1, description="leave out tags below this")
    mask: bool = Field(
        False, description="cover personal data, length kept, in the answer too; the model never sees it"
    )
    evidence: bool = Field(True, description="say where in the text each tag stands, and quote it")

    @model_validator(mode="before")
    @classmethod
    def _without_idle(cls, value: Any) -> Any:
        return {name: one for name, one in value.items() if name not in _IDLE} if isinstance(value, dict) else value


class AskPredict(BaseModel):
    """A request to ``/predict``, as text-embeddings-inference has it."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_EXAMPLES)

    inputs: Annotated[str | list[str] | list[list[str]], WithJsonSchema(_INPUTS)] = Field(
        description="a text, or a batch [[text], [text], ...]"
    )
    labels: Literal["codes", "sentiment"] = Field("codes", description="which labels to give")
    raw_scores: Literal[False] = Field(False, description="scores are calibrated probabilities; there are no raw ones")
    truncate: bool = Field(False, description="nothing is ever truncated")
    truncation_direction: str = "right"
    prompt_name: None = None


class AskCodes(BaseModel):
    """The query of ``/codes``."""

    model_config = ConfigDict(extra="forbid")

    under: str | None = Field(None, description="only this code and those below it")
    industry: str | None = Field(None, description="only codes of this industry, and those of all industries")


class TagOut(BaseModel):
    """One code found. ``text[start:end]`` is the quote; offsets count code points."""

    code: str
    name: str
    path: list[str] = Field(description="names from the root of the codeframe down to the code")
    polarity: Literal["negative", "neutral", "positive"]
    confidence: float
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    source: Literal["model", "rule"]


class TextOut(BaseModel):
    """What one text says. ``probs`` are those of negative, neutral, positive.

    Where none were measured (noise, or a bundle that never learnt sentiment) all of it stands on the label.
    """

    index: int
    label: Literal["negative", "neutral", "positive"]
    probs: list[float]
    num_classes: int
    sentiment: Literal["negative", "neutral", "positive"] = Field(description="the same as label")
    tags: list[TagOut]
    noise: str | None = Field(None, description="why the text was not read; absent when it was")


class Usage(BaseModel):
    """The unit is the character (code point), under the names that clients of vLLM look for."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: int = 0
    texts: int


class Answer(BaseModel):
    """The answer of ``/classify``."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[TextOut]
    usage: Usage


class LabelOut(BaseModel):
    """One label of ``/predict``: ``code:polarity``, or a sentiment."""

    score: float
    label: str


class ErrorOut(BaseModel):
    """What is wrong, once in words for people and once in a word for programs."""

    type: str
    message: str
    param: str | None
    request_id: str


class Problem(BaseModel):
    """The one shape of every refusal."""

    error: ErrorOut


Shape = TypeVar("Shape", bound=BaseModel)


def shaped(shape: type[Shape], content: Any) -> Shape:
    """The request as its model; InvalidError names the first thing that is wrong."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from None


def invalid(errors: Sequence[Any]) -> InvalidError:
    """What pydantic found, as a refusal: the first thing that is wrong."""
    first = errors[0]
    return InvalidError(_WORDS.get(first["type"], first["msg"]), param=_place(first["loc"]))


def _place(where: Sequence[str | int]) -> str | None:
    """``("input", 3)`` as ``input[3]``; of the kinds a union could have been, the word of pydantic is left out."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where if part not in _KINDS]
    return "".join(parts).removeprefix(".")[:80] or None


_WORDS = {  # where the words of pydantic speak of Python
    "model_type": "the body must be a JSON object",
    "list_type": "must be a text or a list of texts",
    "string_type": "must be a text",
    "too_short": "must hold at least one text",
    "extra_forbidden": "no such option",
    "missing": "is missing",
}
_KINDS = frozenset({"query", "str", "list[str]", "list[list[str]]"})


def codes_of(frame: Codeframe, *, under: str | None, industry: str | None) -> tuple[Code, ...]:
    """The codes of a branch and an industry. UnknownError if the frame has no such code or names no such industry."""
    if under is not None and under not in frame:
        raise UnknownError("no such code in the codeframe", param="under", hint="GET /codes lists them")
    if industry is not None and all(industry not in code.industries for code in frame.codes):
        raise UnknownError("no code is of this industry", param="industry", hint="GET /codes lists them")
    return tuple(
        code
        for code in frame.codes
        if (under is None or under in {above.id for above in frame.path(code.id)})
        and (industry is None or not code.industries or industry in code.industries)
    )


def text_out(number: int, text: str, prediction: Prediction, *, ask: Ask, paths: Mapping[str, list[str]]) -> Any:
    """One entry of ``data``: see ``TextOut``. ``paths`` are the codes to tell, with their names from the root."""
    tags = [
        _tag_out(text, tag, paths[tag.code], evidence=ask.evidence)
        for tag in prediction.tags
        if tag.code in paths and tag.confidence >= ask.minimum_confidence
    ]
    label = prediction.sentiment
    probs = [round(chance, 6) for _, chance in chances(prediction)]
    head = {"index": number, "label": label, "probs": probs, "num_classes": len(probs), "sentiment": label}
    return {**head, "tags": tags, **({"noise": prediction.noise} if prediction.noise else {})}


def chances(prediction: Prediction) -> list[tuple[str, float]]:
    """Sentiments with their probabilities; all on the label where none were measured."""
    measured = prediction.probabilities or [float(name == prediction.sentiment) for name in POLARITIES]
    return list(zip(POLARITIES, measured, strict=True))


def labels_out(prediction: Prediction, labels: str) -> list[dict[str, Any]]:
    """What ``/predict`` says of one text, the surest first. Codes have a score each; nothing makes them sum to one."""
    codes = [(f"{tag.code}:{tag.polarity}", tag.confidence) for tag in prediction.tags]
    pairs = codes if labels == "codes" else chances(prediction)
    return [{"score": round(score, 6), "label": label} for label, score in sorted(pairs, key=lambda p: (-p[1], p[0]))]


def _tag_out(text: str, tag: Found, path: list[str], *, evidence: bool) -> dict[str, Any]:
    head = {"code": tag.code, "name": path[-1], "path": path, "polarity": tag.polarity}
    place = {"start": tag.start, "end": tag.end, "quote": text[tag.start : tag.end]} if evidence else {}
    return {**head, "confidence": round(tag.confidence, 6), **place, "source": tag.source}


def json_bytes(content: Any) -> bytes:
    """UTF-8. A quote may hold half of a surrogate pair (an emoji cut in two): U+FFFD takes its place, one for one."""
    words = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    try:
        return words.encode()
    except UnicodeEncodeError:
        return no_surrogates(words).encode()
