"""A lock on an open file that other processes respect, and that the system takes back when its holder dies."""

from __future__ import annotations

import errno
import sys
from typing import IO

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
