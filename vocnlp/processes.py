"""Threads, and processes that score beside the first one: how many, how they begin and end. Such processes are deaf to
Ctrl-C, and gone when their parent is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many processors this process may use; a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int) -> Iterator[_Result]:
    """``work`` of every item, in order, of so many at a time. What is not begun when the caller stops is left undone."""
    if threads <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes in here. Ctrl-C reaches every process of a terminal, and only the first one is to answer it.

    A process inherits the blocked signal. In this process an interrupt waits until the end of the block: in the middle
    of a start it would leave a child without the words it is waiting for.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone hears signals, and may set them
        yield
        return
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    if sys.platform != "win32":
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if heard:
            signal.raise_signal(signal.SIGINT)


def give_memory_back() -> None:
    """What Arrow frees goes back to the system. Its own pools keep it: some 70 MB more after a few hundred thousand rows."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())


def settle_in() -> None:
    """Call this first in a process that was started to work for another."""
    give_memory_back()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for Windows, where a starting process cannot be spared it
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker holds both ends of its own queue, so it would wait for ever on a parent that was killed."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
