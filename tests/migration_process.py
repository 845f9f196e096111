"""A process that migrates a store and is killed in the middle: ``python migration_process.py URL CHANGES ROWS``.

It commits a row at a time, and kills itself, as a power cut would, when ROWS rows are carried.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tagged_shop import FRAME

from vocnlp import store_migrate
from vocnlp.migration_reading import read_migration
from vocnlp.store import Store


def main(url: str, changes: str, rows: int) -> None:
    store_migrate._COMMIT_ROWS = 1

    def report(done: int, _: int) -> None:
        if done == rows:
            os.kill(os.getpid(), signal.SIGKILL)

    store_migrate.migrate(Store.open(url), read_migration(Path(changes), FRAME), report=report)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
