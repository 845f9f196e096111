"""Tagged rows and rules in, alerts out: a pure function. What becomes of an alert is the outbox's business.

decided = decide(table, rules, frame, now=datetime.now(UTC))
for alert in decided.alerts: ...
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from .alert_comments import of_comments
from .alert_figures import Quiet, of_figures
from .alert_rules import Rules
from .alert_words import Alert
from .codeframe import Codeframe
from .errors import InputError
from .folding import Rows

__all__ = ["Alert", "Decided", "Quiet", "decide"]


@dataclass(frozen=True, slots=True)
class Decided:
    """All alerts, those of comments first, each id once; and the rules that had too little to be judged on."""

    alerts: tuple[Alert, ...]
    quiet: tuple[Quiet, ...]


def decide(
    rows: Rows | pa.RecordBatch, rules: Rules, frame: Codeframe, *, now: datetime, figures: bool = True
) -> Decided:
    """Every alert that the rules give for tagged rows (schema ``records.TAGGED``) at this time.

    ``now`` has a zone; the rules say by which clock the data's times are meant. Equal rows, rules and days give equal
    ids, whenever and wherever this is asked. ``figures`` False judges the comment rules alone: for rows as they arrive,
    which are no whole window. InputError where the rows were never tagged.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    for name in ("voc_tags", "voc_sentiment"):
        if name not in table.schema.names:
            raise InputError("the table has no such column", column=name, hint="score the comments first: vocnlp score")
    clock = now.astimezone(rules.zone).replace(tzinfo=None)
    alerts = {alert.id: alert for alert in of_comments(table, rules, frame, clock)}
    found, quiet = of_figures(table, rules, frame, clock) if figures else ([], [])
    return Decided((*alerts.values(), *found), tuple(quiet))
