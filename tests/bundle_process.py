"""A process of its own that replaces a bundle; run by tests that kill it at every step, or in the midst of a swap."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from registry_process import at_every_step

from vocnlp.bundle import Bundle

NAME, CARD = "店", "# 新的说明\n"


def replace(folder: Path) -> None:
    Bundle.load(folder / NAME).save(folder / NAME, card=CARD, force=True)


def stop_between(folder: Path, *, kill: bool) -> None:
    """The old bundle is away and the new one not yet there: be killed, or wait for the file "go"."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "os.rename" and Path(str(args[1])) == folder / NAME:
            if kill:
                os.kill(os.getpid(), signal.SIGKILL)
            (folder / "between").touch()
            while not (folder / "go").exists():
                time.sleep(0.002)

    sys.addaudithook(hook)


def main() -> None:
    mode, folder = sys.argv[1], Path(sys.argv[2])
    if mode == "step":
        print(json.dumps(at_every_step(folder, Path(sys.argv[3]), replace)))
        return
    stop_between(folder, kill=mode == "kill")
    replace(folder)


if __name__ == "__main__":
    main()
