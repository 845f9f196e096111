"""Nothing is lost and nothing is sent twice: killed processes, and two runs at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from alert_rules_file import write_rules
from receiver import Receiver, hanging, receiving
from tagged_shop import row, tagged

from vocnlp.alert_outbox import Outbox

PATIENCE = 120.0  # seconds; a machine under load is slow
HOOK = {"id": "crm", "form": "json", "url_env": "CRM_URL", "allow": ["127.0.0.0/8"]}
RULE = {"id": "r", "kind": "comment", "when": {"detractor": True}, "dedupe_hours": 0}


def prepare(folder: Path, count: int) -> None:
    write_rules(folder, RULE, webhooks=[HOOK])
    pq.write_table(tagged([row(number, score=1, text="差") for number in range(count)]), folder / "rows.parquet")


def begin(mode: str, folder: Path, receiver: Receiver) -> subprocess.Popen[bytes]:
    program = [sys.executable, str(Path(__file__).with_name("alert_process.py")), mode, str(folder), receiver.url]
    return subprocess.Popen(program, env={**os.environ, "OMP_NUM_THREADS": "1"})


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL


def test_what_was_decided_before_a_kill_is_delivered_by_the_next_run(tmp_path):
    prepare(tmp_path, 3)
    with receiving() as receiver:
        first = begin("record", tmp_path, receiver)
        until((tmp_path / "recorded").exists)
        killed(first)
        assert receiver.got == []
        with Outbox.open(tmp_path / "a.sqlite") as outbox:
            assert outbox.tally() == {"pending": 3}
        (tmp_path / "gate").touch()
        assert begin("run", tmp_path, receiver).wait(PATIENCE) == 0
        with Outbox.open(tmp_path / "a.sqlite") as outbox:
            assert sorted(receiver.ids) == sorted(one.alert.id for one in outbox.recorded())
            assert outbox.tally() == {"sent": 3}


def test_what_was_being_sent_at_a_kill_is_due_again_when_its_lease_ends(tmp_path):
    prepare(tmp_path, 1)
    with receiving() as receiver:
        receiver.answer = lambda _: hanging(receiver)
        (tmp_path / "gate").touch()
        process = begin("run", tmp_path, receiver)
        until(lambda: receiver.got)
        killed(process)
        with Outbox.open(tmp_path / "a.sqlite") as outbox:
            assert outbox.claim("crm", now=time.time(), lease=1) is None
            again = outbox.claim("crm", now=time.time() + 3600, lease=1)
        assert (again.alert.id, again.attempt) == (receiver.ids[0], 2)


def test_two_runs_at_once_deliver_every_alert_once(tmp_path):
    prepare(tmp_path, 20)
    with receiving() as receiver:
        both = [begin(mode, tmp_path, receiver) for mode in ("run1", "run2")]
        until(lambda: all((tmp_path / f"ready-{mode}").exists() for mode in ("run1", "run2")))
        (tmp_path / "gate").touch()
        assert [process.wait(PATIENCE) for process in both] == [0, 0]
        assert (len(receiver.ids), len(set(receiver.ids))) == (20, 20)
        with Outbox.open(tmp_path / "a.sqlite") as outbox:
            assert outbox.tally() == {"sent": 20}
