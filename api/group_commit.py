"""Rows of several callers in one commit of the store: a commit takes as long for one row as for a thousand.

Whoever asks while a commit runs, or within a few milliseconds, shares the next one (group commit: DeWitt et al. 1984).
Each is answered when the rows are on the disk, and told what became of his own, as if the calls had come one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from vocnlp.errors import StoreError

if TYPE_CHECKING:
    from vocnlp.store import Put, Store

_GATHER = 0.003  # seconds in which those who come at the same time find each other
_ROWS = 20_000  # of a commit, all callers together: well below what the store itself would cut in two


@dataclass(eq=False)
class Delivery:
    """The tagged rows of one caller."""

    rows: pa.Table
    done: asyncio.Future[Put] = field(init=False)

    def __post_init__(self) -> None:
        self.done = asyncio.get_running_loop().create_future()


class Line:
    """Deliveries that wait for the next commit. Used on one event loop; ``writer`` has one thread."""

    def __init__(self, store: Store, writer: Executor) -> None:
        self._store, self._writer = store, writer
        self._waiting: deque[Delivery] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, rows: pa.Table) -> Put:
        """What became of these rows, when they are on the disk. Raises what ``Store.put`` does."""
        delivery = Delivery(rows)
        self._waiting.append(delivery)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await delivery.done

    async def close(self) -> None:
        """All that waits is written."""
        if self._task is not None:
            await self._task

    async def _write(self) -> None:
        await asyncio.sleep(_GATHER)
        while self._waiting:
            group = self._next()
            work = asyncio.get_running_loop().run_in_executor(
                self._writer, put_together, self._store, [one.rows for one in group]
            )
            for delivery, outcome in zip(group, await work, strict=True):
                if delivery.done.done():  # its caller was cancelled meanwhile
                    continue
                if isinstance(outcome, Exception):
                    delivery.done.set_exception(outcome)
                else:
                    delivery.done.set_result(outcome)

    def _next(self) -> list[Delivery]:
        group = [self._waiting.popleft()]
        rows = group[0].rows.num_rows
        while self._waiting and rows + self._waiting[0].rows.num_rows <= _ROWS:
            group.append(self._waiting.popleft())
            rows += group[-1].rows.num_rows
        return group


def put_together(store: Store, deliveries: Sequence[pa.Table]) -> list[Put | Exception]:
    """One commit for all, and for each what a commit of its own would have said, or its error.

    Rows that cannot be stored fail their own delivery; a store that cannot be written fails all of them.
    """
    from vocnlp.store_rows import stored

    outcomes: list[Put | Exception] = []
    fit: dict[int, pa.Table] = {}
    now = datetime.now(UTC)
    for number, rows in enumerate(deliveries):
        try:  # ids are given here: equal rows without one are the same row when two callers bring them
            fit[number] = stored(rows, written=now, verbatim=store.verbatim)
            outcomes.append(StoreError("was not written", path=store.url))
        except Exception as error:
            outcomes.append(error)
    try:
        puts = _put(store, list(fit.values()), [deliveries[number].num_rows for number in fit])
    except StoreError as error:
        puts = [error] * len(fit)
    except Exception as error:  # something in the rows of one of them, which the others need not pay for
        puts = [error] if len(fit) == 1 else [put_together(store, [deliveries[number]])[0] for number in fit]
    for number, put in zip(fit, puts, strict=True):
        outcomes[number] = put
    return outcomes


def _put(store: Store, tables: Sequence[pa.Table], given: Sequence[int]) -> list[Put | Exception]:
    from vocnlp.store import Put

    if not tables:
        return []
    whole = store.put(pa.concat_tables(tables))
    if len(tables) == 1:
        rows = tables[0].num_rows
        return [Put(given[0], rows - whole.replaced, whole.replaced, given[0] - rows, whole.version)]
    ids = [set(table["id"].to_pylist()) for table in tables]
    there = _there(store, whole, set[str]().union(*ids))
    puts: list[Put | Exception] = []
    for rows, own in zip(given, ids, strict=True):
        replaced = len(own & there)
        puts.append(Put(rows, len(own) - replaced, replaced, rows - len(own), whole.version))
        there |= own
    return puts


def _there(store: Store, put: Put, ids: set[str]) -> set[str]:
    """Which of the ids were in the store before this commit; it is read only where the sums do not say."""
    if put.replaced in (0, len(ids)):
        return set(ids) if put.replaced else set()
    before = store.read(["id"], version=put.version - 1)
    return set(before.to_table(filter=pc.field("id").isin(sorted(ids)))["id"].to_pylist())
