"""A watch goes on through failures that pass, tells each once, and then looks at what it could not look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from alert_rules_file import alert, write_rules
from command_line import CommandLine, Ended, command_line
from receiver import receiving
from tagged_shop import row, tagged

from vocnlp import cli_alerts
from vocnlp.alert_outbox import Outbox
from vocnlp.errors import InputError, OutputError

__all__ = ["command_line"]

BUNDLE = Path(__file__).parents[1] / "models" / "voc-zh-linear"
HOOK = {"id": "crm", "form": "json", "url_env": "CRM_URL", "allow": ["127.0.0.0/8"]}
RULE = {"id": "r", "kind": "comment", "when": {"detractor": True}, "dedupe_hours": 0}


class Clock:
    """Time that passes by sleeping; after ``looks`` of them somebody interrupts. ``between`` hears each."""

    def __init__(self, looks: int, between: Callable[[int], object] = lambda _: None) -> None:
        self.now, self.slept, self.looks, self.between = 0.0, 0, looks, between

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self.now, self.slept = self.now + seconds, self.slept + 1
        self.between(self.slept)
        if self.slept == self.looks:
            raise KeyboardInterrupt


@pytest.fixture
def watch(vocnlp: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], Ended]:
    write_rules(tmp_path, RULE, webhooks=[HOOK])
    pq.write_table(tagged([row(1, score=1, text="退货被拒")]), tmp_path / "rows.parquet")
    data = ("--rules", tmp_path / "rules.yaml", "--data", tmp_path / "rows.parquet", "--bundle", BUNDLE)

    def run(clock: Clock) -> Ended:
        monkeypatch.setattr(cli_alerts, "time", clock)
        return vocnlp("alerts", "run", *data, "--state", tmp_path / "a.sqlite", "--watch", "5", "--json")

    return run


def failing(times: int, error: Exception, then: Callable[..., object]) -> tuple[list[float], Callable[..., object]]:
    """A function that fails so many times, and when it was called."""
    called: list[float] = []

    def call(*given: object) -> object:
        called.append(0.0)
        if len(called) <= times:
            raise error
        return then(*given)

    return called, call


def test_comments_that_a_failure_hid_are_looked_at_though_the_data_do_not_change(
    watch: Callable[[Clock], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = InputError("is cut off", path="rows.parquet")
    called, decide = failing(3, broken, cli_alerts._decide)
    monkeypatch.setattr(cli_alerts, "_decide", decide)
    with receiving() as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        ended = watch(Clock(20))
    assert (ended.code, len(receiver.got)) == (130, 1)
    assert ended.err.count("rows.parquet: is cut off") == 1
    (told,) = map(json.loads, ended.out.splitlines())
    assert (told["new"], told["sent"], len(called)) == (1, 1, 4)


def test_the_waits_after_failures_grow_to_a_minute(
    watch: Callable[[Clock], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", "http://127.0.0.1:9/")
    clock, asked = Clock(50), []

    def decide(*_: object) -> object:
        asked.append(clock.now)
        raise InputError("is cut off", path="rows.parquet")

    monkeypatch.setattr(cli_alerts, "_decide", decide)
    watch(clock)
    assert asked == [0, 10, 30, 70, 130, 190]


def test_a_sending_that_fails_does_not_end_the_watch(
    watch: Callable[[Clock], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OutputError("cannot be written: No space left on device", path="a.dead.jsonl")
    _, send = failing(3, full, cli_alerts._send)
    monkeypatch.setattr(cli_alerts, "_send", send)
    with receiving() as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        ended = watch(Clock(6))
    assert (ended.code, len(receiver.got)) == (130, 1)
    assert ended.err.count("No space left on device") == 1
    first, second = map(json.loads, ended.out.splitlines())
    assert (first["new"], "sent" in first, "new" in second, second["sent"]) == (1, False, False, 1)


def test_a_webhook_that_the_rules_lost_is_named_once(
    watch: Callable[[Clock], Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox.open(tmp_path / "a.sqlite") as outbox:
        outbox.record([(alert("0a"), ["old"])], now=0.0)
    with receiving() as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        ended = watch(Clock(4))
    told = "deliveries wait for webhooks that the rules do not name: old (1); next step: put them back into the rules"
    assert " ".join(ended.err.split()).count(told) == 1
