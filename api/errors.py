"""Every way of saying no, in one shape; and the one table from an exception to a status.

``{"error": {"type", "message", "param", "request_id"}}``. A message may quote what the caller sent and goes to the
caller alone; logs get the type and the param.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException

from vocnlp.errors import (
    BundleError,
    CodeframeError,
    InputError,
    MissingExtraError,
    OutputError,
    StoreError,
    VocnlpError,
)
from vocnlp.text import no_surrogates


class RefusedError(VocnlpError):
    """A request that is answered with no. ``param`` names the part of it that is wrong."""

    def __init__(self, message: str, *, param: str | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.param = param


class MalformedError(RefusedError):
    """A body that is not JSON, or JSON that can mean two things."""


class NoKeyError(RefusedError):
    """A key is needed, and none that is known and alive was given."""


class NotAllowedError(RefusedError):
    """The key is good, but its role does not reach this far."""


class UnknownError(RefusedError):
    """A name that nothing here bears: a path, a model, a code, an industry."""


class ConflictError(RefusedError):
    """Not in this state of things: a swap is under way, a job is not done."""


class HeadTooLargeError(RefusedError):
    """A head of more bytes than are read before anybody is known."""


class UnfitError(RefusedError):
    """A bundle that may not take over."""


class TooSlowError(RefusedError):
    """The body did not arrive in time."""


class TooLargeError(RefusedError):
    """More than one request may carry."""


class WrongKindError(RefusedError):
    """A body of another media type, or a compressed one."""


class InvalidError(RefusedError):
    """JSON of another shape than this path takes."""


class BusyError(RefusedError):
    """No room now. ``seconds`` says when to come again."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message, hint=f"come again in {seconds} s")
        self.seconds = seconds


class NotReadyError(RefusedError):
    """The service warms up, or goes down."""


class LateError(RefusedError):
    """The answer would have come after its deadline."""


class GoneError(RefusedError):
    """The caller hung up; nobody reads the answer, but the log has it."""


#: The first entry that fits; what fits none is a fault of ours.
STATUS: Mapping[type[Exception], tuple[int, str]] = {
    MalformedError: (400, "malformed"),
    NoKeyError: (401, "no_key"),
    NotAllowedError: (403, "not_allowed"),
    UnknownError: (404, "not_found"),
    TooSlowError: (408, "too_slow"),
    ConflictError: (409, "conflict"),
    TooLargeError: (413, "too_large"),
    WrongKindError: (415, "wrong_media_type"),
    InvalidError: (422, "invalid"),
    CodeframeError: (422, "codeframe"),
    InputError: (422, "input"),
    UnfitError: (424, "unfit_bundle"),
    BusyError: (429, "busy"),
    HeadTooLargeError: (431, "head_too_large"),
    GoneError: (499, "caller_gone"),
    NotReadyError: (503, "not_ready"),
    BundleError: (503, "bundle"),
    MissingExtraError: (503, "missing_extra"),
    OutputError: (503, "output"),
    StoreError: (503, "store"),
    LateError: (504, "deadline"),
}
FAULT = (500, "fault")
_ANSWERS: dict[type[Exception], tuple[int, str]] = {}
_OF_STATUS = dict(STATUS.values()) | {404: "not_found", 405: "method_not_allowed"}


def status_of(error: Exception) -> tuple[int, str]:
    """``(status, type)`` of an exception."""
    if isinstance(error, HTTPException):  # raised by the router: no such path, no such method
        return error.status_code, _OF_STATUS.get(error.status_code, "refused")
    raised = type(error)
    if raised not in _ANSWERS:  # asked three times for each refusal, of which an overload has a thousand a second
        _ANSWERS[raised] = next((answer for kind, answer in STATUS.items() if issubclass(raised, kind)), FAULT)
    return _ANSWERS[raised]


def message_of(error: Exception) -> str:
    """What the caller is told. Of a fault nothing but that it is one: its own words may hold a comment or a path."""
    if isinstance(error, HTTPException):
        return str(error.detail)
    if status_of(error) == FAULT or not isinstance(error, VocnlpError):
        return "something went wrong here; the request_id finds it in the log"
    return f"{error.message}; {error.hint}" if error.hint else error.message


def placeless(told: str, *folders: Path) -> str:
    """A message without where on this machine something lies, which is nobody's business: names inside of it stay."""
    ways = {str(way) for one in folders for way in (one, one.resolve())} - {".", os.sep}
    for way in sorted(ways, key=len, reverse=True):
        told = told.replace(f"{way}{os.sep}", "")
    return told


def headers_of(error: Exception) -> dict[str, str]:
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    if isinstance(error, BusyError):
        return {"retry-after": str(error.seconds)}
    if isinstance(error, NotReadyError):
        return {"retry-after": "1"}
    if isinstance(error, NoKeyError):
        return {"www-authenticate": 'Bearer realm="vocnlp"'}
    return {"connection": "close"} if isinstance(error, TooSlowError) else {}


def body_of(error: Exception, request_id: str) -> bytes:
    """The one shape. Half a surrogate pair, quoted from a request, cannot be sent: a mark takes its place."""
    param = error.param if isinstance(error, RefusedError) else None
    kind = status_of(error)[1]
    content = {"type": kind, "message": message_of(error), "param": param, "request_id": request_id}
    return no_surrogates(json.dumps({"error": content}, ensure_ascii=False)).encode()
