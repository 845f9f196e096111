"""A process of its own that changes a registry; run by tests that kill it at every step, or start two.

``step`` forks a child for every step: the child dies, by SIGKILL, at its n-th touch of a file of the registry. So the
libraries are loaded once, and what is killed is a real process between two real system calls.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vocnlp.errors import RegistryError
from vocnlp.registry import CHALLENGER, CHAMPION, Registry

_TOUCHES = ("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.truncate", "os.chmod", "shutil.rmtree")


def die_at(step: int, folder: Path) -> None:
    """The process kills itself before its ``step``-th touch of a file below ``folder``, counted from 0."""
    seen = -1

    def touch() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _TOUCHES and isinstance(args[0], str | os.PathLike) and str(args[0]).startswith(str(folder)):
            touch()

    flush = os.fsync

    def fsync(handle: int) -> None:
        touch()
        flush(handle)

    os.fsync = fsync  # the one touch that Python does not report
    sys.addaudithook(hook)


def change(what: str, folder: Path, argument: str) -> None:
    registry = Registry.open(folder)
    if what == "add":
        registry.add(argument, who="test", alias=CHALLENGER)
    elif what == "promote":
        registry.promote(argument, who="test", over=registry.state().label(CHAMPION))
    else:
        registry.rollback(who="test")


def at_every_step(prepared: Path, work: Path, begin: Callable[[Path], None]) -> int:
    """Runs ``begin`` on a copy of ``prepared`` for every step, until it lives to its end; the number of kills."""
    for step in range(10_000):
        folder = work / f"{step:03d}"
        shutil.copytree(prepared, folder)
        if (child := os.fork()) == 0:
            die_at(step, folder)
            begin(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return step
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise AssertionError("it never came to an end")


def main() -> None:
    mode, what, folder, argument = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    if mode == "step":
        kills = at_every_step(folder, Path(sys.argv[5]), lambda copy: change(what, copy, argument))
        print(json.dumps(kills))
        return
    over = Registry.open(folder).state().label(CHAMPION)
    (folder.parent / f"ready-{mode}").touch()
    while not (folder.parent / "gate").exists():
        time.sleep(0.002)
    try:
        Registry.open(folder).promote(argument, who=mode, over=over)
        print("promoted")
    except RegistryError as error:
        print(error.message.partition(": ")[2])


if __name__ == "__main__":
    main()
