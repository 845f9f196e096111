"""What the client asks of a service, in steps: a call, or a pause before the next one. Who takes the steps, and waits, is
``client``'s business: so the sync and the async client share every rule about parts, retries and refusals.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from .client_rows import Row, named
from .errors import InputError, MissingExtraError, OutputError, VocnlpError
from .text import no_surrogates

try:
    import httpx
except ImportError:
    raise MissingExtraError("httpx", extra="client") from None

__all__ = [
    "Call", "How", "Retry", "Row", "ServiceError", "Steps", "UnreachableError",
    "address", "as_json", "asked", "classified", "days", "ended", "fed", "head", "httpx", "predicted", "saved", "writing",
]  # fmt: skip

Json = dict[str, Any]
T = TypeVar("T")
_ENDED = frozenset({"done", "failed", "cancelled"})
_LOOK = 0.5  # seconds between two looks at a job
_SHARE = 4  # a part takes a quarter of the queue at most: one that needs all of it would wait until nobody else asks
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_HINTS = {
    401: "give the client a living key: vocnlp keys make FILE --name NAME --role ROLE",
    403: "use a key of a higher role",
    429: "send less at once, or come again later",
    503: "come again when GET /health/ready answers 200",
}


class ServiceError(VocnlpError):
    """The service said no. ``type``, ``param`` and ``request_id`` are its words, ``status`` is the HTTP status."""

    def __init__(self, message: str, *, status: int, kind: str, param: str | None, request_id: str) -> None:
        super().__init__(f"{message} (request {request_id})", hint=_HINTS.get(status, ""))
        self.status, self.type, self.param, self.request_id = status, kind, param, request_id


class UnreachableError(VocnlpError):
    """No connection, no answer in time, or an answer that is none of the service's."""


@dataclass(frozen=True)
class Retry:
    """How often to try again, and how long apart. The pause doubles from ``first`` to ``longest`` and is cut by chance
    to between half and all of it, so that many clients do not come back together; a Retry-After is kept to."""

    times: int = 5
    first: float = 0.2
    longest: float = 8.0

    def pause(self, attempt: int, after: str | None = None) -> float | None:
        """Seconds until the next attempt after the failed ``attempt``, counted from 0; None when it was the last."""
        if attempt >= self.times:
            return None
        most = min(self.longest, self.first * 2**attempt)
        asked = float(after) if after is not None and after.isdecimal() else 0.0
        return max(asked, random.uniform(most / 2, most))  # noqa: S311 - spreads callers, keeps no secret


@dataclass(frozen=True)
class Call:
    """One request. ``again``: doing it twice does no more than doing it once. ``out``: where its answer is saved."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    out: Path | None = None
    again: bool = True

    def arguments(self, stack: ExitStack) -> dict[str, Any]:
        query = {name: value for name, value in self.query.items() if value is not None}
        told: dict[str, Any] = {"method": self.method, "url": self.path, "params": query, "json": self.body}
        if self.file is not None:  # opened anew for every attempt, so that a second one sends all of it
            try:
                told["files"] = {"file": (self.file.name, stack.enter_context(self.file.open("rb")))}
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}", path=self.file, hint="check the path") from error
        return told


@dataclass
class How:
    """Patience, and the server's limits once they were asked for."""

    retry: Retry
    limits: dict[str, float] | None = None


#: What is to be done, in steps: a call (it gets a response or the error of the connection) or a pause in seconds.
Steps = Generator[Call | float, Any, T]


def asked(call: Call, retry: Retry) -> Steps[httpx.Response]:
    attempt = 0
    while True:
        outcome: httpx.Response | httpx.TransportError = yield call
        if isinstance(outcome, httpx.Response):
            busy = outcome.status_code in (429, 503)
            pause = retry.pause(attempt, outcome.headers.get("retry-after")) if busy else None
        else:
            pause = retry.pause(attempt) if call.again or isinstance(outcome, _UNSENT) else None
        if pause is None:
            break
        yield pause
        attempt += 1
    if isinstance(outcome, httpx.TransportError):
        told = f"{call.method} {call.path}: no answer ({type(outcome).__name__})"
        raise UnreachableError(told, hint="check the address, and that vocnlp serve runs there") from outcome
    return _checked(outcome)


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer, or the server's refusal as an exception."""
    if answer.is_success:
        return answer
    try:
        told = answer.json()["error"]
        words = (str(told["message"]), str(told["type"]), told["param"], str(told["request_id"]))
    except (ValueError, LookupError, TypeError) as error:
        message = f"{answer.url.host} answered {answer.status_code} in words that are not the service's"
        raise UnreachableError(message, hint="check the address: is a proxy in between?") from error
    message, kind, param, request_id = words
    raise ServiceError(message, status=answer.status_code, kind=kind, param=param, request_id=request_id)


def as_json(call: Call, retry: Retry) -> Steps[Any]:
    answer = yield from asked(call, retry)
    try:
        return answer.json()
    except ValueError as error:
        raise UnreachableError(f"{call.path} did not answer in JSON", hint="check the address") from error


def _parts(texts: Sequence[str], limits: Mapping[str, float]) -> Iterator[tuple[int, int]]:
    """Where to cut, as the server's limits ask for it: texts in a call, bytes in a body, tokens in the queue."""
    most, room = int(limits["texts_per_call"]), int(limits["body_bytes"]) - 2048
    queue = limits.get("queue_tokens", math.inf) / _SHARE
    start = size = tokens = 0
    for place, text in enumerate(texts):
        own = len(json.dumps(text, ensure_ascii=False).encode()) + 8  # brackets and a comma
        read = 2 + len(text) * 17 // 25  # tokens, as the server estimates them
        if place > start and (place - start >= most or size + own > room or tokens + read > queue):
            yield start, place
            start, size, tokens = place, 0, 0
        size, tokens = size + own, tokens + read
    yield start, len(texts)


def _listed(given: Any, kind: type, what: str) -> list[Any]:
    """The items of a list; one text, or one row, is none: it would be taken letter by letter."""
    if isinstance(given, str | bytes | Mapping):
        raise InputError(f"{what} are given as a list, not as one {type(given).__name__}", hint="put it into brackets")
    items = list(given)
    for place, item in enumerate(items):
        if not isinstance(item, kind):
            raise InputError(f"{what}[{place}] is no {kind.__name__} but a {type(item).__name__}")
    return items


def _in_parts(
    path: str, name: str, items: Sequence[Any], texts: Sequence[str], more: Row, how: How
) -> Steps[list[Json]]:
    """One call for each part; all answers, in order. ``more`` is sent along with every part."""
    if how.limits is None:
        how.limits = (yield from as_json(Call("GET", "/model"), how.retry))["limits"]
    answers = []
    for start, end in _parts(texts, how.limits):
        call = Call("POST", path, body={name: list(items[start:end]), **more})
        answers.append((yield from as_json(call, how.retry)))
    return answers


def classified(texts: Sequence[str], options: Row, how: How) -> Steps[Json]:
    """The answers of all parts as one. ``models`` has more than one label when a bundle was swapped in between."""
    clean = [no_surrogates(text) for text in _listed(texts, str, "texts")]
    answers = yield from _in_parts("/classify", "input", clean, clean, options, how)
    data = [entry for answer in answers for entry in answer["data"]]
    usage = {name: sum(answer["usage"][name] for answer in answers) for name in answers[0]["usage"]}
    whole = {**answers[0], "data": [{**entry, "index": place} for place, entry in enumerate(data)], "usage": usage}
    return {**whole, "models": list(dict.fromkeys(answer["model"] for answer in answers))}


def predicted(texts: Sequence[str], labels: str, how: How) -> Steps[list[Any]]:
    clean = [no_surrogates(text) for text in _listed(texts, str, "texts")]
    answers = yield from _in_parts("/predict", "inputs", [[text] for text in clean], clean, {"labels": labels}, how)
    return [entry for answer in answers for entry in answer]


def fed(rows: Sequence[Row], how: How) -> Steps[Json]:
    """The counts of all parts added up."""
    clean = named(
        [
            {name: no_surrogates(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
            for row in _listed(rows, Mapping, "rows")
        ]
    )
    texts = [json.dumps(row, ensure_ascii=False) for row in clean]  # once more as a text, so never too short
    answers = yield from _in_parts("/feedback", "rows", clean, texts, {}, how)
    counts = [name for name in answers[0] if name not in ("version", "model")]
    told = {name: [answer[name] for answer in answers] for name in counts}
    return {**answers[-1], **{name: None if None in parts else sum(parts) for name, parts in told.items()}}


def ended(number: str, how: How) -> Steps[Json]:
    while True:
        job: Json = yield from as_json(Call("GET", f"/jobs/{number}"), how.retry)
        if job["state"] in _ENDED:
            return job
        yield _LOOK


def saved(number: str, out: Path, how: How) -> Steps[Path]:
    yield from asked(Call("GET", f"/jobs/{number}/result", out=out), how.retry)
    return out


@contextmanager
def writing(out: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is whole."""
    fresh = out.with_name(f".{out.name}.part")
    try:
        with fresh.open("wb") as file:
            yield file
        fresh.replace(out)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=out, hint="choose another folder") from error
    finally:
        fresh.unlink(missing_ok=True)


def address(url: str) -> str:
    """The address of a service; InputError where it is none."""
    try:
        read = httpx.URL(url)
        whole = read.scheme in ("http", "https") and bool(read.host)
    except (httpx.InvalidURL, TypeError):
        whole = False
    if not whole:
        raise InputError(f"no address of a service: {url!r}", hint="it begins with http:// or https://")
    return url


def head(key: str | None) -> dict[str, str]:
    """What is sent along with every call. The key is not shown: it may be a true one with a slip in it."""
    if not key:
        return {}
    if not re.fullmatch(r"[!-~]+", key.strip()):
        hint = "give it as vocnlp keys make printed it: voc_, letters and digits"
        raise InputError("the key holds a character that no key has", hint=hint)
    return {"authorization": f"Bearer {key.strip()}"}


def days(meant: Row) -> Json:
    """``from`` is no name that Python lets pass."""
    names = {"since": "from", "until": "to"}
    return {names.get(name, name): None if value is None else str(value) for name, value in meant.items()}
