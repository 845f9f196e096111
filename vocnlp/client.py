"""A client of the service, sync and async: long lists in parts, order kept, retries, errors in the server's words.

    with Client("http://127.0.0.1:8000", key="voc_...") as client:
        client.classify(["送餐慢，但味道不错"])["data"][0]["tags"]

Answers are the server's JSON as plain data. What must not be done twice (an upload, a swap) is sent again only where it
cannot have been done: after 429, 503 and a connection that never stood. Without ``with``, ``close`` ends the
connections. Needs the extra ``[client]``.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from .client_calls import (
    Call,
    How,
    Retry,
    Row,
    ServiceError,
    Steps,
    UnreachableError,
    address,
    as_json,
    classified,
    days,
    ended,
    fed,
    head,
    httpx,
    predicted,
    saved,
    writing,
)

__all__ = ["AsyncClient", "Client", "Retry", "ServiceError", "UnreachableError"]


class _Asking(ABC):
    """What can be asked of a service. ``Client`` gives these answers, ``AsyncClient`` awaitables of them.

    Every method raises ServiceError for a refusal, UnreachableError without an answer, and InputError for what is no
    list, no address, no key.
    """

    def __init__(self, url: str, *, key: str | None = None, retry: Retry | None = None, timeout: float = 60.0) -> None:
        self._settings: dict[str, Any] = {"base_url": address(url), "headers": head(key), "timeout": timeout}
        self._how = How(retry or Retry())
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Be ready to call."""

    @abstractmethod
    def _run(self, steps: Steps[Any]) -> Any:
        """Take the steps one after the other: make the calls, wait in the pauses."""

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        return self._run(as_json(Call(method, path, **more), self._how.retry))

    def classify(self, texts: Sequence[str], **options: Any) -> Any:
        """``POST /classify`` for any number of texts; options as there: ``under``, ``minimum_confidence``, ``mask``.

        ``models`` in the answer has more than one label when a bundle was swapped between two parts of a long list.
        """
        return self._run(classified(texts, options, self._how))

    def predict(self, texts: Sequence[str], *, labels: str = "codes") -> Any:
        """For each text its labels (``codes`` or ``sentiment``) with a score each, the surest first."""
        return self._run(predicted(texts, labels, self._how))

    def model(self) -> Any:
        """Which bundle answers, its figures, the limits of a call."""
        return self._ask("GET", "/model")

    def codeframe(self) -> Any:
        return self._ask("GET", "/codeframe")

    def codes(self, *, under: str | None = None, industry: str | None = None) -> Any:
        return self._ask("GET", "/codes", query={"under": under, "industry": industry})

    def feedback(self, rows: Sequence[Row]) -> Any:
        """Rows with ``text`` and what is known beside it; when this returns they are stored. Counts are of all parts.

        A row without an ``id`` gets one of its content, and the second of equal rows in the list another than the first.
        So a list that is sent again, whole or in other company, changes nothing: equal rows of two calls count once.
        """
        return self._run(fed(rows, self._how))

    def nps(self, *, by: str | None = None, **meant: Any) -> Any:
        """``meant``, here and in ``journey``: stage, channel, segment, journey, since and until (days)."""
        return self._ask("GET", "/nps", query={"by": by, **days(meant)})

    def journey(self, **meant: Any) -> Any:
        return self._ask("GET", "/journey", query=days(meant))

    def upload(self, file: Path | str, **options: Any) -> Any:
        """A new job that scores this file; options name columns (``text="评价"``), ``sheet``, ``journey``, ``out``."""
        return self._ask("POST", "/jobs", query=options, file=Path(file), again=False)

    def jobs(self) -> Any:
        return self._ask("GET", "/jobs")

    def job(self, number: str) -> Any:
        return self._ask("GET", f"/jobs/{number}")

    def wait(self, number: str) -> Any:
        """The job once it is done, failed or cancelled."""
        return self._run(ended(number, self._how))

    def download(self, number: str, out: Path | str) -> Any:
        """The path ``out``, where the result of a done job then stands, whole or not at all."""
        return self._run(saved(number, Path(out), self._how))

    def cancel(self, number: str) -> Any:
        """The job is stopped and all its files are removed."""
        return self._ask("DELETE", f"/jobs/{number}", again=False)

    def swap(self, bundle: str | None = None) -> Any:
        """Serve this bundle from now on; None reads the served one's folder again."""
        return self._ask("POST", "/admin/bundle", body={"path": bundle}, again=False)


class Client(_Asking):
    """The service at ``url``, asked with ``key`` where it wants one. One client may be shared by threads."""

    def _open(self) -> None:
        self._http = httpx.Client(**self._settings)

    def __enter__(self) -> Self:
        if self._http.is_closed:
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _run(self, steps: Steps[Any]) -> Any:
        outcome: Any = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, Call):
                    outcome = self._made(step)
                else:
                    time.sleep(step)
        except StopIteration as end:
            return end.value

    def _made(self, call: Call) -> httpx.Response | httpx.TransportError:
        try:  # around the stack: a file that breaks off must see the error, or it would take its name
            with ExitStack() as stack:
                answer = stack.enter_context(self._http.stream(**call.arguments(stack)))
                if call.out is None or not answer.is_success:
                    answer.read()
                else:
                    file = stack.enter_context(writing(call.out))
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
                return answer
        except httpx.TransportError as error:
            return error


class AsyncClient(_Asking):
    """``Client`` for asyncio: the same methods, awaited."""

    def _open(self) -> None:
        self._http = httpx.AsyncClient(**self._settings)

    async def __aenter__(self) -> Self:
        if self._http.is_closed:
            self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def _run(self, steps: Steps[Any]) -> Any:
        outcome: Any = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = await (self._made(step) if isinstance(step, Call) else asyncio.sleep(step))
        except StopIteration as end:
            return end.value

    async def _made(self, call: Call) -> httpx.Response | httpx.TransportError:
        try:
            with ExitStack() as stack:
                async with self._http.stream(**call.arguments(stack)) as answer:
                    if call.out is None or not answer.is_success:
                        await answer.aread()
                    else:
                        file = stack.enter_context(writing(call.out))
                        async for chunk in answer.aiter_bytes():
                            file.write(chunk)
                    return answer
        except httpx.TransportError as error:
            return error
