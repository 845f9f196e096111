"""The rules of a service judge a row as its store holds it, so that who judges the store finds the same alerts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alert_rules_file import rules_of, write_rules
from tagged_shop import FRAME, row, tagged

from vocnlp.alert_outbox import Outbox
from vocnlp.alert_run import note
from vocnlp.alerts import decide
from vocnlp.store import Store

RULE = {"id": "r", "kind": "comment", "when": {"detractor": True}, "dedupe_hours": 0}


@pytest.mark.parametrize("verbatim", [False, True])
def test_one_comment_gives_one_alert_whatever_the_store_holds(tmp_path: Path, verbatim: bool) -> None:
    from vocnlp.api.stored import Stored

    url, state = tmp_path / "store", tmp_path / "a.sqlite"
    Store.open(url, create=True, verbatim=verbatim)
    given = tagged([row(id=None, text="退款没到账，打13912345678找我", score=1)])

    async def kept() -> int | None:
        house = Stored(str(url), rules=write_rules(tmp_path, RULE), state=state, frame=FRAME)
        try:
            return (await house.keep(given, FRAME)).alerts
        finally:
            await house.close()

    assert asyncio.run(kept()) == 1
    rules, now = rules_of(tmp_path, RULE), datetime.now(UTC)
    with Outbox.open(state) as outbox:
        noted = note(decide(Store.open(url).read(), rules, FRAME, now=now), rules, outbox, now=now)
        assert (noted.new, noted.known, len(outbox.recorded())) == ((), 1, 1)
