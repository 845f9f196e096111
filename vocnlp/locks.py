"""A lock on an open file that other processes respect, and that the system takes back when its holder dies."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import OutputError

#: What the system says where another process holds the lock; anything else: a disk that knows no locks.
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[str]) -> None:
        """Take the lock without waiting. OSError, with a number of ``HELD`` where another has it."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock(file: IO[str]) -> None:
        """Take the lock without waiting. OSError, with a number of ``HELD`` where another has it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_PAUSE = 0.05


@contextmanager
def one_at_a_time(path: Path, *, patience: float = 120.0) -> Iterator[None]:
    """In the block nobody else who asks for it reads, changes and writes the file at ``path``.

    OutputError where another still does after ``patience`` seconds. OSError where no file can be made beside it.
    """
    beside, end = path.with_name(f".{path.name}.lock"), time.monotonic() + patience
    while (held := _held(beside)) is None:
        if time.monotonic() >= end:
            hint = "come again when it is done; nothing was changed"
            raise OutputError("another process is writing it at this moment", path=path, hint=hint)
        time.sleep(_PAUSE)
    with held:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows does not remove what is open
                beside.unlink()


def _held(beside: Path) -> IO[str] | None:
    """The file with its lock; None where another has it, or has just removed it."""
    file = beside.open("a", encoding="utf-8")
    try:
        lock(file)
        if os.fstat(file.fileno()).st_ino == beside.stat().st_ino:
            return file
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in HELD:
            return file  # a network drive without locks: better unguarded than not at all
    file.close()
    return None
