"""Cases: from open to resolved, who and when, and how the customer scored afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from alert_rules_file import alert
from tagged_shop import row, tagged

from vocnlp.alert_outbox import Outbox
from vocnlp.cases import ScoreAfter, Step, assign, cases, resolve, scores_after, start
from vocnlp.errors import InputError

ZONE = ZoneInfo("Asia/Shanghai")
OPENED = datetime(2025, 3, 1, 1, tzinfo=UTC).timestamp()  # nine in the morning in Shanghai


@pytest.fixture
def outbox(tmp_path):
    with Outbox.open(tmp_path / "a.sqlite") as opened:
        opened.record([(alert("a1", customer="u1", owner="品质部"), ())], now=OPENED)
        yield opened


def test_a_case_goes_from_open_to_resolved_and_keeps_its_times(outbox):
    assert (cases(outbox)[0].state, cases(outbox)[0].owner) == ("open", "品质部")
    assert assign(outbox, "a1", to="小李", now=OPENED + 60, by="班长").time_to_respond is None
    assert start(outbox, "a1", now=OPENED + 600, by="小李").state == "in_progress"
    assert assign(outbox, "a1", to="小王", now=OPENED + 700, by="班长").state == "in_progress"
    done = resolve(outbox, "a1", note="已换货并致歉", now=OPENED + 7200, by="小王")
    assert (done.state, done.assignee, done.time_to_respond, done.time_to_resolve) == ("resolved", "小王", 600, 7200)
    assert done.steps == (
        Step(OPENED, "open", "", ""),
        Step(OPENED + 60, "assigned", "班长", "→ 小李"),
        Step(OPENED + 600, "in_progress", "小李", ""),
        Step(OPENED + 700, "in_progress", "班长", "→ 小王"),
        Step(OPENED + 7200, "resolved", "小王", "已换货并致歉"),
    )


def test_what_is_resolved_at_once_was_responded_to_then(outbox):
    done = resolve(outbox, "a1", note="误报", now=OPENED + 30)
    assert (done.time_to_respond, done.time_to_resolve) == (30, 30)


def test_a_resolved_case_stays_so_and_a_note_and_a_name_are_needed(outbox):
    with pytest.raises(InputError, match="with a note"):
        resolve(outbox, "a1", note=" ", now=OPENED)
    with pytest.raises(InputError, match="to somebody"):
        assign(outbox, "a1", to="", now=OPENED)
    resolve(outbox, "a1", note="已处理", now=OPENED + 1)
    for move in (lambda: start(outbox, "a1", now=OPENED + 2), lambda: assign(outbox, "a1", to="小李", now=OPENED + 2)):
        with pytest.raises(InputError, match="the case is resolved"):
            move()
    with pytest.raises(InputError, match="no case"):
        start(outbox, "zz", now=OPENED)


def test_the_score_after_is_the_customers_first_answer_after_the_resolution(outbox):
    resolve(outbox, "a1", note="已退款", now=OPENED + 3600)  # ten o'clock by the data's clock
    ten = datetime(2025, 3, 1, 10)
    rows = [
        row(1, customer="u1", score=2, at=ten - timedelta(minutes=1)),
        row(2, customer="u1", score=10, at=ten + timedelta(days=9)),
        row(3, customer=" u1 ", score=8, at=ten + timedelta(minutes=1)),
        row(4, customer="u1", score=11, at=ten + timedelta(seconds=1)),
        row(5, customer="u1", score=None, at=ten + timedelta(seconds=1)),
        row(6, customer="u2", score=1, at=ten + timedelta(seconds=1)),
        row(7, customer="u1", score=0),
    ]
    found = scores_after(outbox, cases(outbox), tagged(rows), zone=ZONE)
    assert found == {"a1": ScoreAfter(8.0, ten + timedelta(minutes=1))}
    assert scores_after(outbox, cases(outbox), tagged(rows[:1]), zone=ZONE) == {}


def test_an_open_case_has_no_score_after(outbox):
    rows = [row(1, customer="u1", score=9, at=datetime(2030, 1, 1))]
    assert scores_after(outbox, cases(outbox), tagged(rows), zone=ZONE) == {}
