"""The outbox: an id is recorded once, repeats are counted, a delivery belongs to one process, dead letters come back."""

from __future__ import annotations

import sqlite3

import pytest
from alert_rules_file import alert

from vocnlp.alert_outbox import KNOWN, NEW, REPEAT, Outbox, Sending
from vocnlp.cases import resolve
from vocnlp.errors import InputError, OutputError

HOUR = 3600.0


@pytest.fixture
def outbox(tmp_path):
    with Outbox.open(tmp_path / "a.sqlite") as opened:
        yield opened


def record(outbox: Outbox, *alerts, now: float = 0.0, hooks=("crm",)) -> list[str]:
    return outbox.record([(one, hooks) for one in alerts], now=now)


def test_an_id_is_recorded_once_whoever_records_it(outbox):
    assert record(outbox, alert("a1", dedupe_hours=0), alert("a1", dedupe_hours=0)) == [NEW, KNOWN]
    with Outbox.open(outbox.path) as other:
        assert record(other, alert("a1", dedupe_hours=0), now=99 * HOUR) == [KNOWN]
    assert [one.alert for one in outbox.recorded()] == [alert("a1", dedupe_hours=0)]


def test_a_repeat_within_the_window_is_counted_onto_the_open_alert(outbox):
    assert record(outbox, alert("a1"), alert("b1", code="speed"), alert("c1", stage="use")) == [NEW, NEW, NEW]
    assert record(outbox, alert("a2"), now=23 * HOUR) == [REPEAT]
    assert record(outbox, alert("a2"), now=23 * HOUR) == [KNOWN]
    assert record(outbox, alert("a3"), now=25 * HOUR) == [NEW]  # the window begins with the alert that was sent
    assert record(outbox, alert("a4"), now=26 * HOUR) == [REPEAT]
    assert {one.alert.id: one.repeats for one in outbox.recorded()} == {"a1": 1, "b1": 0, "c1": 0, "a3": 1}
    assert outbox.tally() == {"pending": 4}


def test_what_comes_up_again_after_its_case_was_resolved_is_new(outbox):
    record(outbox, alert("a1"))
    resolve(outbox, "a1", note="换货", now=HOUR)
    assert record(outbox, alert("a2"), now=2 * HOUR) == [NEW]


def test_all_is_recorded_or_nothing(outbox):
    with pytest.raises(ValueError, match="JSON compliant"):
        record(outbox, alert("a1"), alert("b1", code="x", score=float("nan")))
    assert outbox.recorded() == []


def test_a_delivery_is_leased_to_one_and_taken_over_when_the_lease_ends(outbox):
    record(outbox, alert("a1"))
    first = outbox.claim("crm", now=1, lease=10)
    assert outbox.claim("crm", now=2, lease=10) is None
    assert outbox.next_due("crm") == 11
    second = outbox.claim("crm", now=11, lease=10)
    assert (first.attempt, second.attempt, second.alert) == (1, 2, first.alert)
    outbox.dead(first, "too late", now=12)  # it lost its lease, and changes nothing
    assert outbox.recorded()[0].sendings == (Sending("crm", "pending", 2, ""),)
    outbox.sent(second, now=13)
    assert outbox.recorded()[0].sendings == (Sending("crm", "sent", 2, ""),)
    assert outbox.next_due("crm") is None


def test_a_troubled_receiver_is_left_alone_and_others_are_not(outbox):
    record(outbox, alert("a1"), alert("b1", code="speed"), hooks=("crm", "team"))
    outbox.failed(outbox.claim("crm", now=1, lease=10), "answered 503", again=50, hold=True)
    assert (outbox.next_due("crm"), outbox.next_due("team")) == (50, 0)
    outbox.failed(outbox.claim("team", now=1, lease=10), "answered 400", again=50, hold=False)
    assert outbox.claim("team", now=2, lease=10).alert.id == "b1"


def test_a_dead_letter_waits_again_when_asked_to(outbox):
    record(outbox, alert("a1"))
    outbox.dead(outbox.claim("crm", now=1, lease=10), "answered 500", now=2)
    assert (outbox.tally(), outbox.next_due("crm")) == ({"dead": 1}, None)
    assert outbox.retry(now=3, number="b1") == 0
    assert outbox.retry(now=3) == 1
    assert outbox.claim("crm", now=3, lease=10).attempt == 1


def test_what_waits_for_one_webhook_is_given_up_but_not_what_is_under_way(outbox):
    record(outbox, alert("a1"), alert("b1", code="speed"), hooks=("crm", "team"))
    under_way = outbox.claim("crm", now=1, lease=10)
    assert outbox.drop("crm", now=2) == 1
    assert (outbox.next_due("crm"), outbox.waiting()) == (11, {"crm": 1, "team": 2})
    outbox.sent(under_way, now=3)
    assert outbox.tally() == {"dead": 1, "pending": 2, "sent": 1}
    assert outbox.drop("crm", now=4) == 0


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(outbox):
    record(outbox, alert("ab12"), alert("ab34", code="x"))
    assert outbox.find("ab1").alert.id == "ab12"
    for prefix, told in (("ab", "2 alerts"), ("ff", "no alert"), ("*", "no alert"), ("", "no alert")):
        with pytest.raises(InputError, match=told):
            outbox.find(prefix)


def test_the_file_knows_no_customer_and_nobody_else_may_read_it(outbox):
    record(outbox, alert("a1", customer="张三-8812"))
    outbox.connection.execute("pragma wal_checkpoint(truncate)")
    assert "张三-8812".encode() not in outbox.path.read_bytes()
    assert outbox.path.stat().st_mode & 0o077 == 0


def test_files_that_are_no_outbox_are_refused(tmp_path):
    text = tmp_path / "t.sqlite"
    text.write_text("不是数据库" * 500, encoding="utf-8")
    other = tmp_path / "o.sqlite"
    sqlite3.connect(other).execute("create table t (a)")
    newer = tmp_path / "n.sqlite"
    with Outbox.open(newer) as made, made.writing() as connection:
        connection.execute("update meta set value = '2' where key = 'schema'")
    for path, told in (
        (text, "is no outbox"),
        (other, "is a database, but no outbox"),
        (newer, "is an outbox of schema 2"),
    ):
        with pytest.raises(InputError, match=told):
            Outbox.open(path)
    with pytest.raises(InputError, match="no such file"):
        Outbox.open(tmp_path / "none.sqlite", create=False)
    with pytest.raises(OutputError, match="the folder does not exist"):
        Outbox.open(tmp_path / "none" / "a.sqlite")
