"""A request's body, taken with care: its kind first, then its size, then its time, then its JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from .errors import GoneError, MalformedError, TooLargeError, TooSlowError, WrongKindError
from .settings import Settings

_JSON = ("application/json", "text/json")


async def read_json(request: Request, settings: Settings) -> Any:
    """The body as plain data. A body that is too large is refused before it is read whole."""
    _check_kind(request)
    return parse(await read_body(request, settings))


async def read_body(request: Request, settings: Settings) -> bytes:
    """A body of any kind, within its size and time."""
    try:
        async with asyncio.timeout(settings.body_seconds):
            return await _read(request, settings.body_bytes)
    except TimeoutError:
        raise TooSlowError(f"the body did not arrive within {settings.body_seconds:g} s") from None
    except ClientDisconnect:
        raise GoneError("the caller hung up") from None


def _check_kind(request: Request) -> None:
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    kind, rest = kind.strip().lower(), rest.replace(" ", "").replace('"', "").lower()
    if kind not in _JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise WrongKindError("the body must be JSON", param="content-type", hint="send content-type: application/json")
    check_plain(request, rest)


def check_plain(request: Request, rest: str) -> None:
    """WrongKindError unless the body is uncompressed UTF-8. ``rest``: what the media type has behind its ``;``."""
    if rest and rest not in ("charset=utf-8", "charset=utf8"):
        raise WrongKindError("JSON must be UTF-8", param="content-type", hint="RFC 8259, section 8.1")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongKindError("compressed bodies are not taken", param="content-encoding", hint="send it as it is")


async def _read(request: Request, most: int) -> bytes:
    too_large = TooLargeError(f"a body may have at most {most:,} bytes", param="body", hint="send the texts in parts")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


def parse(body: bytes) -> Any:
    """Plain data; MalformedError for what is no JSON, says a name twice, or has numbers that JSON has not."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise MalformedError(f"the body is not UTF-8 at byte {error.start}", param="body") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error.msg} at character {error.pos}", param="body") from None
    except RecursionError:
        raise MalformedError("the body is nested too deeply", param="body") from None
    except ValueError:  # an integer of more digits than Python reads
        raise MalformedError("the body holds a number that is too long", param="body") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise MalformedError("a name stands twice in one object", param="body")
    return content


def _no_number(word: str) -> NoReturn:
    raise MalformedError(f"{word} is no number in JSON", param="body")
