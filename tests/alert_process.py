"""A process of its own that decides over one comment file and delivers; run by tests that kill it, or start two."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
from tagged_shop import FRAME

from vocnlp.alert_outbox import Outbox
from vocnlp.alert_reading import read_rules
from vocnlp.alert_run import note
from vocnlp.alerts import decide
from vocnlp.webhooks import deliver, targets


def main() -> None:
    mode, folder, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    rules = read_rules(folder / "rules.yaml", FRAME)
    decided = decide(pq.read_table(folder / "rows.parquet"), rules, FRAME, now=datetime.now(UTC))
    (folder / f"ready-{mode}").touch()
    while mode.startswith("run") and not (folder / "gate").exists():
        time.sleep(0.005)
    with Outbox.open(folder / "a.sqlite") as outbox:
        note(decided, rules, outbox, now=datetime.now(UTC))
        if mode == "record":
            (folder / "recorded").touch()
            time.sleep(3600)
        deliver(outbox, targets(rules, {"CRM_URL": url}), rules.delivery, patience=60)


if __name__ == "__main__":
    main()
