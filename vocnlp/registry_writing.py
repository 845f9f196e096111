"""Writes that survive a crash: a file is replaced in one step, a line is appended whole, a lock lets one in at a time."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import RegistryError
from .locks import HELD, lock

_PAUSE = 0.05


def flushed(path: Path) -> None:
    """What was written to a file, or renamed within a folder, is on the disk when this returns."""
    if path.is_dir() and sys.platform == "win32":
        return  # there is no handle of a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replaced(path: Path, content: bytes) -> None:
    """Write beside and rename: a crash leaves the old file or the new one."""
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_bytes(content)
    flushed(fresh)
    os.replace(fresh, path)  # noqa: PTH105 - the one call that replaces in one step on every system
    flushed(path.parent)


def appended(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line of JSON; half a line that a crash left at the end is taken off before."""
    with path.open("a+b") as file:
        file.seek(0)
        there = file.read()
        file.truncate(there.rfind(b"\n") + 1)
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def lines(path: Path, of: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """The whole lines of a file of JSON lines, none where there is no file; half a last line is not read.

    ``of`` makes a row of what a line holds. ValueError names the line that is no JSON or that ``of`` refuses.
    """
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            found.append(of(json.loads(line)))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from error
    return found


@contextmanager
def locked(path: Path, *, folder: Path, patience: float) -> Iterator[None]:
    """Hold the lock at ``path`` in the block; RegistryError when another holds it for longer than ``patience`` seconds.

    A process that dies lets go of it.
    """
    with path.open("a", encoding="utf-8") as file:
        _take(file, folder, time.monotonic() + patience)
        yield


def _take(file: IO[str], folder: Path, end: float) -> None:
    while True:
        try:
            lock(file)
            return
        except OSError as error:
            if error.errno not in HELD:
                hint = "keep the registry on a disk that knows locks: without one, a change could be lost"
                raise RegistryError(f"cannot be locked: {error.strerror}", path=folder, hint=hint) from error
            if time.monotonic() >= end:
                told = "another process is changing the registry at this moment; nothing was changed"
                raise RegistryError(told, path=folder, hint="come again when it is done") from error
        time.sleep(_PAUSE)
