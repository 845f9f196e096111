"""From decisions to recorded alerts, and from dead deliveries to a file: what a run does between deciding and sending."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .alert_outbox import KNOWN, NEW, REPEAT, Claim, Outbox
from .alert_rules import Rules
from .alerts import Alert, Decided
from .errors import OutputError
from .store import Store
from .tagged_reading import STORE_LOG, address_of, is_store


@dataclass(frozen=True, slots=True)
class Noted:
    """What recording did. ``unrouted``: new alerts that no webhook takes; their cases are open all the same."""

    new: tuple[Alert, ...]
    known: int
    repeats: int
    unrouted: int


def note(decided: Decided, rules: Rules, outbox: Outbox, *, now: datetime) -> Noted:
    """Record what was decided, before anything of it is sent."""
    routed = [
        (alert, rules.webhooks_of(alert.rule, owner=alert.owner, severity=alert.severity)) for alert in decided.alerts
    ]
    outcomes = outbox.record(routed, now=now.timestamp(), zone=rules.zone.key)
    counts = Counter(outcomes)
    fresh = [pair for pair, outcome in zip(routed, outcomes, strict=True) if outcome == NEW]
    lost = sum(not hooks for _, hooks in fresh)
    return Noted(tuple(alert for alert, _ in fresh), counts[KNOWN], counts[REPEAT], lost)


def burial(path: Path) -> Callable[[Claim, str], None]:
    """A ``bury`` for ``webhooks.deliver``: one line of JSON a dead delivery, on the disk before it returns."""

    def bury(claim: Claim, error: str) -> None:
        told = {"webhook": claim.hook, "attempts": claim.attempt, "error": error, "alert": claim.alert.payload()}
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **told}, ensure_ascii=False)
        try:
            path.touch(mode=0o600)
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error_:
            told_ = f"cannot be written: {error_.strerror}"
            raise OutputError(told_, path=path, hint="check free space and rights; the alert stays due") from error_

    return bury


def grave_of(state: Path) -> Path:
    """The file of dead letters beside an outbox: alerts.sqlite -> alerts.dead.jsonl."""
    return state.with_suffix(".dead.jsonl")


def mark_of(path: Path) -> Any:
    """What differs once the data have changed: time and size of a file, the newest version of a store."""
    if (url := address_of(path)) is not None:
        return Store.open(url).history(1)[0].version
    try:
        if is_store(path):
            return max((each.name for each in (path / STORE_LOG).glob("*.json")), default="")
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
