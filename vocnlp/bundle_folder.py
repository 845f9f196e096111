"""A folder that is replaced as a whole: written beside, then swapped; what a killed process leaves is put back.

    .NAME-XXXXXXXX.vocnlp-save/   beside the folder NAME, while it is written
      lock                        held by the process that writes: where nobody holds it, that process is dead
      new/                        the folder that is to come, until it is in its place
      old/                        the one that stood there, until it is removed

Two processes at once each have a folder of their own; the later swap stays.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .locks import HELD, lock

_NEW, _OLD, _LOCK, _ENDING = "new", "old", "lock", ".vocnlp-save"
_LONGEST = 200  # bytes of a name; file systems allow 255, and the folder beside has a longer one
_PATIENCE, _PAUSE = 5.0, 0.02  # seconds that a reader waits for a folder that is between old and new


def real_path(path: Path) -> Path:
    """The absolute path behind every link and dot, whether it exists or not: what is renamed must not be a link to it."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # no name of a file: the system says so where it is used
        return path


def write_folder(target: Path, contents: Mapping[str, bytes], check: Callable[[Path], object]) -> None:
    """Make ``target`` a folder of these files (names by one level of folders at most), in place of any that is there.

    ``check`` is given the written folder before it takes its place, and raises where it must not. ``target`` is a
    ``real_path``. A process killed at any moment leaves the old folder or the new one: see ``put_back``. OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in _works(target):
        _take_over(left, target)
    with _working(target) as work:
        fresh = work / _NEW
        fresh.mkdir()
        fresh.chmod(0o755)
        for name, content in contents.items():
            (fresh / name).parent.mkdir(exist_ok=True)
            (fresh / name).write_bytes(content)
        check(fresh)
        with suppress(FileNotFoundError):
            target.rename(work / _OLD)
        fresh.rename(target)


def put_back(path: Path) -> None:
    """Where a killed ``write_folder`` left no folder at ``path``, the old one comes back; waits for one that is alive."""
    target, end = real_path(path), time.monotonic() + _PATIENCE
    while not target.exists() and (works := _works(target)) and time.monotonic() < end:
        for work in works:
            with suppress(OSError):  # a folder that may not be written to: there is no bundle then
                _take_over(work, target)
        time.sleep(0 if target.exists() else _PAUSE)


def _works(target: Path) -> list[Path]:
    """The folders in which ``target`` is being written, or was when a process died."""
    begin = _begin(target)
    found = target.parent.glob(f"{glob.escape(begin)}*{_ENDING}")
    return [path for path in found if "-" not in path.name.removeprefix(begin).removesuffix(_ENDING)]


def _begin(target: Path) -> str:
    name = target.name
    if len(name.encode(errors="surrogatepass")) > _LONGEST:
        name = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
    return f".{name}-"


@contextmanager
def _working(target: Path) -> Iterator[Path]:
    work, held = _begun(target)
    with held:
        try:
            yield work
        finally:
            _settle(work, target)
    shutil.rmtree(work, ignore_errors=True)


def _begun(target: Path) -> tuple[Path, IO[str]]:
    """A folder to work in, and its lock; tried again where another process took a folder without a lock for a dead one."""
    while True:
        work = Path(tempfile.mkdtemp(prefix=_begin(target), suffix=_ENDING, dir=target.parent))
        with suppress(FileNotFoundError):
            held = (work / _LOCK).open("x", encoding="utf-8")
            if _locked(held) and (work / _LOCK).exists():
                return work, held
            held.close()


def _take_over(work: Path, target: Path) -> None:
    """Settle what a dead process left; nothing where it is alive, or where it cannot be told. OSError."""
    try:
        held = (work / _LOCK).open("r+", encoding="utf-8")
    except FileNotFoundError:
        with suppress(OSError):
            work.rmdir()  # killed before its lock was there; one that is alive makes another
        return
    except OSError:
        return  # of another user
    with held:
        if not _locked(held, unknown=False) or not (work / _LOCK).exists():
            return
        _settle(work, target)
    shutil.rmtree(work, ignore_errors=True)


def _locked(file: IO[str], *, unknown: bool = True) -> bool:
    """Whether the lock was taken; ``unknown`` on a disk that knows no locks."""
    try:
        lock(file)
    except OSError as error:
        return unknown and error.errno not in HELD
    return True


def _settle(work: Path, target: Path) -> None:
    """The old folder back where there is none, and the rest away; where it cannot go back, it stays. OSError."""
    if (work / _OLD).exists() and not target.exists():
        (work / _OLD).rename(target)
    for name in (_NEW, _OLD):
        shutil.rmtree(work / name, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)  # where an open file cannot be removed, once more when it is closed


__all__ = ["put_back", "real_path", "write_folder"]
