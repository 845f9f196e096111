"""Delivery to real servers on loopback: they accept, fail, hang, drip, redirect; and addresses that are refused."""

from __future__ import annotations

import ipaddress
import json
import logging
import time

import pytest
from alert_rules_file import alert
from receiver import OK, Receiver, hanging, receiving

from vocnlp.alert_outbox import Outbox, Sending
from vocnlp.alert_rules import Delivery, Rules, Webhook
from vocnlp.alert_run import burial
from vocnlp.errors import InputError
from vocnlp.webhooks import Delivered, Target, deliver, is_open, targets, wait_before

PATIENT = Delivery(timeout=20, attempts=3, first_wait=0.01, longest_wait=0.02)
ONCE = Delivery(timeout=20, attempts=1)
HASTY = Delivery(timeout=0.3, attempts=1, first_wait=0.01, longest_wait=0.02)
LOCAL = ("127.0.0.0/8",)


@pytest.fixture
def outbox(tmp_path):
    with Outbox.open(tmp_path / "a.sqlite") as opened:
        yield opened


def to(receiver: Receiver, form: str = "json", *, allow=LOCAL, name: str = "crm") -> Target:
    return Target(Webhook(name, form, "URL", allow=allow), receiver.url, "钥匙")


def record(outbox: Outbox, *numbers: str, hooks=("crm",)) -> None:
    outbox.record([(alert(number, code=number), hooks) for number in numbers], now=time.time())


def sending(outbox: Outbox) -> Sending:
    return outbox.recorded()[0].sendings[0]


@pytest.mark.parametrize("form", ["json", "wecom", "dingtalk", "feishu"])
def test_an_alert_arrives_once_in_its_form(outbox, form):
    record(outbox, "a1")
    with receiving() as receiver:
        assert deliver(outbox, [to(receiver, form)], PATIENT) == Delivered(sent=1)
        assert deliver(outbox, [to(receiver, form)], PATIENT) == Delivered()
    (got,) = receiver.got
    assert (got.headers["webhook-id"], got.headers["host"]) == ("a1", f"127.0.0.1:{receiver.port}")
    assert got.path.startswith("/hook?token=geheim" + ("&timestamp=" if form == "dingtalk" else ""))
    assert json.loads(got.body)
    assert sending(outbox) == Sending("crm", "sent", 1, "")


def test_a_failure_is_tried_again_with_the_same_id_until_it_is_taken(outbox):
    record(outbox, "a1")
    with receiving(lambda number: (500, b"", {}) if number < 3 else OK) as receiver:
        assert deliver(outbox, [to(receiver)], PATIENT, patience=60) == Delivered(sent=1, failed=2)
    assert receiver.ids == ["a1", "a1", "a1"]
    assert sending(outbox) == Sending("crm", "sent", 3, "")


def test_what_fails_for_good_is_a_dead_letter_in_outbox_and_file_and_comes_back_when_asked(outbox, tmp_path):
    record(outbox, "a1")
    grave = tmp_path / "dead.jsonl"
    with receiving(lambda number: (500, b"", {}) if number < 4 else OK) as receiver:
        done = deliver(outbox, [to(receiver)], PATIENT, patience=60, bury=burial(grave))
        assert (done.failed, [(one.id, hook, error) for one, hook, error in done.dead]) == (
            2,
            [("a1", "crm", "answered 500")],
        )
        (line,) = [json.loads(line) for line in grave.read_text(encoding="utf-8").splitlines()]
        told = {"webhook": "crm", "attempts": 3, "error": "answered 500", "alert": alert("a1", code="a1").payload()}
        assert {name: line[name] for name in told} == told
        assert sending(outbox) == Sending("crm", "dead", 3, "answered 500")
        assert outbox.retry(now=time.time()) == 1
        assert deliver(outbox, [to(receiver)], PATIENT) == Delivered(sent=1)
    assert "geheim" not in grave.read_text(encoding="utf-8")


@pytest.mark.parametrize("drip", [False, True])
def test_an_answer_that_does_not_come_in_time_has_failed(outbox, drip):
    record(outbox, "a1")
    with receiving(drip=drip) as receiver:
        if not drip:
            receiver.answer = lambda _: hanging(receiver)
        done = deliver(outbox, [to(receiver)], HASTY)
    assert [error for _, _, error in done.dead] == ["no answer within 0.3 s"]


def test_an_answer_after_the_timeout_means_the_same_alert_once_more_and_no_other(outbox):
    record(outbox, "a1")
    with receiving() as receiver:
        receiver.answer = lambda number: (receiver.stop.wait(0.9), OK)[1] if number == 1 else OK
        how = Delivery(timeout=0.4, attempts=5, first_wait=0.01, longest_wait=0.02)
        assert deliver(outbox, [to(receiver)], how, patience=20) == Delivered(sent=1, failed=1)
        assert deliver(outbox, [to(receiver)], how) == Delivered()
    assert receiver.ids == ["a1", "a1"]  # one idempotency key: the receiver can tell
    assert sending(outbox) == Sending("crm", "sent", 2, "")


def test_one_that_hangs_does_not_hold_up_another_and_gets_one_alert_only(outbox):
    record(outbox, "a1", "b1", hooks=("crm", "team"))
    how = Delivery(timeout=3, attempts=2, first_wait=3600, longest_wait=3600)
    with receiving() as slow, receiving() as quick:
        slow.answer = lambda _: hanging(slow)
        assert deliver(outbox, [to(slow), to(quick, name="team")], how) == Delivered(sent=2, failed=1)
        assert (slow.ids, quick.ids) == (["a1"], ["a1", "b1"])


def test_a_redirect_is_not_followed(outbox):
    record(outbox, "a1")
    with receiving() as inner, receiving() as outer:
        outer.answer = lambda _: (307, b"", {"location": inner.url})
        (one,) = deliver(outbox, [to(outer)], ONCE).dead
    assert (one[2], inner.got) == ("answered 307, a redirect, which is not followed", [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_private_address_is_refused_unless_its_network_is_allowed(outbox, host):
    record(outbox, "a1")
    with receiving() as receiver:
        hook = Target(Webhook("crm", "json", "URL", allow=("10.0.0.0/8",)), f"http://{host}:{receiver.port}/")
        (one,) = deliver(outbox, [hook], ONCE).dead
    assert one[2] == "its address is not of the open internet, and the rules do not allow its network"
    assert receiver.got == []


def test_plain_http_goes_to_no_open_address(outbox):
    record(outbox, "a1")
    hook = Target(Webhook("crm", "json", "URL", allow=LOCAL), "http://8.8.8.8/")
    (one,) = deliver(outbox, [hook], ONCE).dead
    assert one[2] == "plain http goes to allowed networks only: the address needs https"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False),
        ("fe80::1", False), ("fc00::1", False), ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False), ("::", False),
    ],
)  # fmt: skip
def test_open_addresses_are_told_from_others(address, expected):
    assert is_open(ipaddress.ip_address(address)) is expected


def test_nobody_listening_is_a_failure_that_shows_no_address(outbox):
    record(outbox, "a1")
    with receiving() as receiver:
        gone = to(receiver)
    (one,) = deliver(outbox, [gone], ONCE).dead
    assert one[2] == "cannot be reached: ConnectError"
    assert "geheim" not in repr(gone)


def test_addresses_reach_no_log(outbox, caplog):
    record(outbox, "a1")
    with caplog.at_level(logging.DEBUG), receiving() as receiver:
        deliver(outbox, [to(receiver)], PATIENT)
    assert "geheim" not in caplog.text


def test_waits_double_up_to_the_longest_and_chance_takes_at_most_half():
    how = Delivery(first_wait=2, longest_wait=30)
    assert [wait_before(attempt, how, dice=1.0) for attempt in (1, 2, 3, 4, 5, 99)] == [2, 4, 8, 16, 30, 30]
    assert wait_before(3, how, dice=0.0) == 4


def test_addresses_and_keys_come_from_the_environment_by_name():
    hook = Webhook("crm", "json", "CRM_URL", secret_env="CRM_KEY")
    rules = Rules("r", (), (hook,))
    assert targets(rules, {"CRM_URL": " https://a.example/x ", "CRM_KEY": "k"}) == (
        Target(hook, "https://a.example/x", "k"),
    )
    for environment, told in (
        ({"CRM_KEY": "geheim"}, "CRM_URL is not set"),
        ({"CRM_URL": "https://a.example", "CRM_KEY": ""}, "CRM_KEY is not set"),
        ({"CRM_URL": "ftp://geheim", "CRM_KEY": "k"}, "CRM_URL holds no web address"),
        ({"CRM_URL": "https://a.example", "CRM_KEY": "whsec_geheim!"}, "CRM_KEY holds no key"),
    ):
        with pytest.raises(InputError, match=told) as caught:
            targets(rules, environment)
        assert "geheim" not in f"{caught.value} {caught.value.hint}"
