"""The store behind the service, on a thread of its own; and the rules that look at every row that comes in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from vocnlp.codeframe import Codeframe
from vocnlp.errors import StoreError, VocnlpError

from .errors import BusyError, placeless
from .group_commit import Line
from .journal import say

if TYPE_CHECKING:  # a service without a store does not wait for what only a store needs
    from vocnlp.store import Put, Store

T = TypeVar("T")
_WAITING = 64  # of each kind of work
_FULL = "the store has more to do than may wait"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of rows: as the store says it, and how many new alerts they gave; None when the rules failed."""

    put: Put
    alerts: int | None


class Stored:
    """One store. Writing and reading wait in a line each: a figure does not hold up a row, and rows no other caller."""

    def __init__(self, url: str, *, rules: Path | None, state: Path, frame: Codeframe) -> None:
        from vocnlp.alert_reading import read_rules
        from vocnlp.store import Store

        self._store = Store.open(url, create=True)
        self._rules, self._state = rules, state
        if rules is not None:
            read_rules(rules, frame)  # what is wrong with them is told at the start, not by the first comment
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = ThreadPoolExecutor(1, "store-reader")
        self._waiting = {self._writer: 0, self._reader: 0}
        self._line = Line(self._store, self._writer)

    async def keep(self, rows: pa.Table, frame: Codeframe) -> Kept:
        """Rows on the disk when it returns, and their alerts recorded; what sends them is ``vocnlp alerts run``.

        Those who come together share a commit; see ``group_commit``.
        """
        if len(self._line) >= _WAITING:
            raise BusyError(_FULL, seconds=2)
        with _unplaced():
            put = await self._line.put(rows)
        if (rules := self._rules) is None:
            return Kept(put, 0)
        return Kept(put, await self._on(self._writer, lambda: self._alerted(rules, rows, frame)))

    async def ask(self, question: Callable[[Store], T]) -> T:
        """An answer made of the store's rows."""
        with _unplaced():
            return await self._on(self._reader, lambda: question(self._store))

    async def close(self) -> None:
        """What has begun is done."""
        await self._line.close()
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._reader.shutdown, cancel_futures=True)

    async def _on(self, line: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if line is self._reader and self._waiting[line] >= _WAITING:  # rows that are written were let in before
            raise BusyError(_FULL, seconds=2)
        self._waiting[line] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(line, work)
        finally:
            self._waiting[line] -= 1

    def _alerted(self, file: Path, rows: pa.Table, frame: Codeframe) -> int | None:
        """Rules of single comments alone: a window of time is judged by who looks at the whole store.

        The rows are judged as the store holds them, ids and all, so that who judges them again there gets the same
        alerts and records none twice. Rows are never lost to a rule: where rules fail, that later look makes it good.
        """
        from vocnlp.alert_outbox import Outbox
        from vocnlp.alert_reading import read_rules
        from vocnlp.alert_run import note
        from vocnlp.alerts import decide
        from vocnlp.store_rows import stored

        now = datetime.now(UTC)
        try:
            rules = read_rules(file, frame)
            held = stored(rows, written=now, verbatim=self._store.verbatim)
            decided = decide(held, rules, frame, now=now, figures=False)
            with Outbox.open(self._state) as outbox:
                return len(note(decided, rules, outbox, now=now).new)
        except VocnlpError as error:
            say("alerts_failed", level=logging.ERROR, failure=type(error).__name__)
            return None


@contextmanager
def _unplaced() -> Iterator[None]:
    """A StoreError for callers: without the address of the store, which is nobody's business outside."""
    try:
        yield
    except StoreError as error:
        url = str(error.path)
        told = error.message.removeprefix(f"{url}: ")
        if "://" not in url:
            told = placeless(told, Path(url))
        raise StoreError(told.replace(url, "the store"), path="the store", hint=error.hint) from error
