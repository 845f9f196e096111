"""A customer is erased from the alerts: nothing of them is left in the outbox or the dead letters, nothing comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from alert_rules_file import alert, rules_of
from receiver import receiving
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.alert_erasure import BEYOND, Erased, forget
from vocnlp.alert_outbox import KNOWN, NEW, REPEAT, Outbox
from vocnlp.alert_rules import Delivery, Webhook
from vocnlp.alert_run import burial, note
from vocnlp.alerts import decide
from vocnlp.cases import cases, resolve, start
from vocnlp.errors import InputError
from vocnlp.webhooks import Target, deliver

ONCE = Delivery(timeout=20, attempts=1)
HERS, HIS = "插头冒了火星把桌布烫出洞", "拉链崩开划伤了手"


@pytest.fixture
def outbox(tmp_path):
    with Outbox.open(tmp_path / "a.sqlite") as opened:
        yield opened


@pytest.fixture
def letters(tmp_path):
    return tmp_path / "a.dead.jsonl"


def record(outbox: Outbox, *alerts) -> list[str]:
    return outbox.record([(one, ["crm"]) for one in alerts], now=0.0)


def test_alerts_cases_notes_deliveries_and_letters_of_a_customer_go_and_those_of_others_stay(outbox, letters):
    number, other = "a" * 20, "b" * 20
    record(outbox, alert(number, code="x", text=HERS, customer="K-7"), alert(other, code="y", text=HIS, customer="K-8"))
    start(outbox, number, now=1.0, note="给客户回了电话")
    resolve(outbox, other, now=2.0, note="换了新的")
    with receiving(lambda _: (500, b"", {})) as receiver:
        target = Target(Webhook("crm", "json", "URL", allow=("127.0.0.0/8",)), receiver.url)
        deliver(outbox, [target], Delivery(timeout=20, attempts=1, first_wait=0.01), patience=20, bury=burial(letters))
    assert len(letters.read_text(encoding="utf-8").splitlines()) == 2
    assert forget(outbox, " K-7 ", letters=letters) == Erased(1, 1, 0, 1, BEYOND)
    assert [one.alert.id for one in outbox.recorded()] == [other]
    assert [(case.alert, [step.note for step in case.steps]) for case in cases(outbox)] == [(other, ["", "换了新的"])]
    (left,) = [json.loads(line) for line in letters.read_text(encoding="utf-8").splitlines()]
    assert (left["alert"]["id"], left["alert"]["text"]) == (other, HIS)
    assert letters.stat().st_mode & 0o077 == 0
    held = outbox.path.read_bytes() + letters.read_bytes()
    for words in (HERS, "给客户回了电话", number):
        assert words.encode() not in held
    assert HIS.encode() in held
    assert forget(outbox, "K-7", letters=letters) == Erased(0, 0, 0, 0, BEYOND)


def test_data_that_still_hold_the_comment_do_not_bring_its_alert_back(outbox, letters):
    mine = alert("a" * 20, customer="K-7")
    assert record(outbox, mine) == [NEW]
    forget(outbox, "K-7", letters=letters)
    assert record(outbox, mine) == [KNOWN]
    assert outbox.recorded() == []


def test_what_was_counted_onto_an_erased_alert_is_found_anew(outbox, letters):
    hers, his = alert("a" * 20, customer="K-7"), alert("b" * 20, customer="K-8", text=HIS)
    assert record(outbox, hers, his) == [NEW, REPEAT]
    forget(outbox, "K-7", letters=letters)
    assert record(outbox, hers, his) == [KNOWN, NEW]


def test_the_words_of_the_customer_go_from_alerts_on_figures_and_the_others_stay_in_their_order(
    outbox, letters, tmp_path
):
    now = datetime(2025, 3, 10, 4, tzinfo=UTC)
    rows = [
        row(n, at=datetime(2025, 3, 10, 9) - timedelta(hours=n), customer=who, voc_tags=[tag("speed", "negative", 0, said)])
        for n, (who, said) in enumerate([("K-8", "等了九天才送到"), ("K-7", "催了四遍才发货"), ("", "三天没动静")])
    ]  # fmt: skip
    rule = {"id": "f", "kind": "threshold", "days": 7, "at_least": 1, "figure": "share", "code": "speed", "above": 0.5}
    decided = decide(tagged(rows), rules := rules_of(tmp_path, rule), FRAME, now=now)
    assert decided.alerts[0].quotes == ("等了九天才送到", "催了四遍才发货", "三天没动静")
    assert "K-7" not in json.dumps(decided.alerts[0].payload())
    note(decided, rules, outbox, now=now)
    letter = {"at": "2025-03-10", "webhook": "crm", "attempts": 1, "error": "", "alert": decided.alerts[0].payload()}
    letters.write_text(json.dumps(letter, ensure_ascii=False) + "\n" + '{"at": "2025', encoding="utf-8")
    assert forget(outbox, "K-7", letters=letters) == Erased(0, 0, 1, 1, BEYOND)
    assert outbox.recorded()[0].alert.quotes == ("等了九天才送到", "三天没动静")
    first, second = letters.read_text(encoding="utf-8").splitlines()
    assert (json.loads(first)["alert"]["quotes"], second) == (["等了九天才送到", "三天没动静"], '{"at": "2025')
    assert forget(outbox, "K-8", letters=letters) == Erased(0, 0, 1, 1, BEYOND)
    assert outbox.recorded()[0].alert.quotes == ("三天没动静",)
    assert "催了四遍".encode() not in outbox.path.read_bytes()


def test_a_letter_goes_whole_where_its_text_holds_a_line_separator(outbox, letters):
    record(outbox, alert("a" * 20, text="客服挂了电话\u2028再打就占线\x85气死", customer="K-7"))
    with receiving(lambda _: (500, b"", {})) as receiver:
        target = Target(Webhook("crm", "json", "URL", allow=("127.0.0.0/8",)), receiver.url)
        deliver(outbox, [target], ONCE, bury=burial(letters))
    assert "\u2028" in letters.read_text(encoding="utf-8")
    assert forget(outbox, "K-7", letters=letters).letters == 1
    assert letters.read_bytes() == b""


def test_a_letter_of_a_customer_who_was_erased_during_the_attempt_is_not_written(outbox, letters):
    record(outbox, alert("a" * 20, customer="K-7"))

    def answer(_: int):
        with Outbox.open(outbox.path) as other:
            forget(other, "K-7", letters=letters)
        return 500, b"", {}

    with receiving(answer) as receiver:
        target = Target(Webhook("crm", "json", "URL", allow=("127.0.0.0/8",)), receiver.url)
        deliver(outbox, [target], ONCE, bury=burial(letters))
    assert (outbox.recorded(), letters.exists()) == ([], False)


def test_an_outbox_of_before_opens_and_says_whose_quotes_it_cannot_tell(outbox, letters, tmp_path):
    record(outbox, alert("a" * 20, kind="spike", quotes=("等了九天才送到",), customer=""))
    outbox.connection.execute("drop table quoted")
    outbox.connection.execute("drop table erased")
    with Outbox.open(outbox.path) as again:
        told = forget(again, "K-7", letters=letters)
    assert told.beyond[-1].startswith("quotes in 1 alerts on figures that an earlier version recorded")


def test_a_customer_has_to_be_named(outbox, letters):
    with pytest.raises(InputError, match="no customer was named"):
        forget(outbox, "  ", letters=letters)
