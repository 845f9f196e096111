"""Does the jobs one after the other, each in a process of its own; goes on with those that an earlier server left."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import IO

from vocnlp.errors import InputError
from vocnlp.processes import interrupts_held

from .errors import BusyError
from .job_files import FAILED, OPEN, Job, Shelf, ended
from .job_work import Order, work
from .journal import say
from .running import Running

_LOOK = 0.1  # seconds between two looks at a worker
_UPLOADS = 4  # at once: each may take as much of the disk as an upload may have
_SWEEP = 600.0  # seconds between two looks for old jobs


class Jobs:
    """The jobs of one service. Opened and closed on its event loop; one server a folder, held by a lock."""

    def __init__(self, house: Running, shelf: Shelf) -> None:
        self.shelf = shelf
        self._house = house
        self._lock = _locked(shelf)
        self._waiting: deque[str] = deque()
        self._changed = asyncio.Event()
        self._process: SpawnProcess | None = None
        self._now: str | None = None
        self._coming = 0  # uploads that are under way
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        self.shelf.sweep_broken()
        self._waiting.extend(job.id for job in self.shelf.jobs() if self.shelf.state(job.id).state in OPEN)
        self._changed.set()
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._sweep())]

    async def close(self) -> None:
        """The worker is stopped where it is; what it has scored stays, and the next server goes on with it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stop()
        self._lock.close()

    @contextmanager
    def room(self) -> Iterator[None]:
        """A place for an upload while it comes; BusyError without."""
        if self._coming + len(self._waiting) + (self._now is not None) >= self._house.settings.jobs_waiting:
            raise BusyError("there are as many jobs as may wait", seconds=30)
        if self._coming >= _UPLOADS:
            raise BusyError("too many uploads at once", seconds=5)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def add(self, job: Job) -> None:
        """A job that is on the shelf waits for its turn."""
        self._waiting.append(job.id)
        self._changed.set()

    def remove(self, number: str) -> None:
        """Stopped if it is at work, and all its files removed."""
        with suppress(ValueError):
            self._waiting.remove(number)
        if number == self._now:
            self._stop()
        self.shelf.remove(number)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            self._now = self._waiting.popleft()
            try:
                await self._do(self._now)
            except Exception as error:
                say("job_fault", level=logging.ERROR, job=self._now, exception=type(error).__name__)
                self._close_book(self._now, f"something went wrong here ({type(error).__name__})")
            finally:
                self._now = None

    async def _do(self, number: str) -> None:
        settings, live = self._house.settings, self._house.live
        order = Order(self.shelf.folder, number, live.bundle.path, settings.codeframe, settings.upload_rows)
        self._process = get_context("spawn").Process(target=work, args=(order,), name=f"job {number}")
        with interrupts_held():
            self._process.start()
        while self._process.is_alive():
            await asyncio.sleep(_LOOK)
        code, self._process = self._process.exitcode, None
        if code:
            self._close_book(number, "its worker ended before the work was done; was memory short?")
        state = self.shelf.state(number)
        if self.shelf.job(number) is None:
            self.shelf.remove(number)  # what the worker wrote while it was being removed
        else:
            say("job", job=number, state=state.state, rows=state.rows, seconds=state.seconds, model=state.model)

    def _close_book(self, number: str, error: str) -> None:
        """For a worker that could not say itself how it ended."""
        if self.shelf.job(number) is not None and self.shelf.state(number).state in OPEN:
            self.shelf.put(number, ended(self.shelf.state(number), FAILED, error))

    def _stop(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()  # at any point: what it leaves behind is whole segments
            self._process.join()

    async def _sweep(self) -> None:
        while True:
            for number in await asyncio.to_thread(self.shelf.sweep, self._house.settings.jobs_hours):
                say("job_swept", job=number)
            await asyncio.sleep(_SWEEP)


def _locked(shelf: Shelf) -> IO[str]:
    file = (shelf.folder / "lock").open("a", encoding="utf-8")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows: there it is up to those who start two servers on one folder
        pass
    except OSError as error:
        file.close()
        hint = "give each server a folder of its own"
        raise InputError("another server does the jobs of this folder", path=shelf.folder, hint=hint) from error
    return file
