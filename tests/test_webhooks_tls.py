"""Delivery over HTTPS: the address that was checked is the one that is called, and the name is the one that is proven."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from alert_rules_file import alert, rules_of
from receiver import Receiver, receiving

from vocnlp.alert_outbox import Outbox
from vocnlp.alert_rules import Delivery, Rules, Webhook
from vocnlp.errors import InputError
from vocnlp.webhooks import Delivered, Target, deliver, targets

NAME = "hooks.corner-shop.example"
ONCE = Delivery(timeout=20, attempts=1)
LOCAL = ("127.0.0.0/8",)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
    return str(tmp_path / "company.pem")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "a.sqlite") as opened:
        opened.record([(alert("a1"), ["crm"])], now=time.time())
        yield opened


def serving_as(authority: trustme.CA, name: str, asked: list[str | None]) -> ssl.SSLContext:
    """A server that proves to be ``name``, and notes which name a client asks for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    context.sni_callback = lambda _socket, wanted, _context: asked.append(wanted)
    return context


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """``NAME`` resolves to each of the addresses in turn; what was looked up."""
    looked: list[str] = []

    async def resolve(_: object, host: str, port: int, **__: object) -> list[tuple[object, ...]]:
        looked.append(host)
        at = min(len(looked), len(addresses)) - 1
        return [(2, 1, 6, "", (addresses[at] if host == NAME else host, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", resolve)
    return looked


def to(receiver: Receiver, ca: str | None, allow: tuple[str, ...] = LOCAL) -> Target:
    return Target(Webhook("crm", "json", "URL", allow=allow), f"https://{NAME}:{receiver.port}/hook", None, ca)


def test_the_checked_address_is_called_and_the_name_goes_into_handshake_and_head(outbox, authority, ca, monkeypatch):
    asked: list[str | None] = []
    looked = named(monkeypatch, "127.0.0.1", "10.9.8.7")  # the name changes its mind after the first look
    with receiving(tls=serving_as(authority, NAME, asked)) as receiver:
        assert deliver(outbox, [to(receiver, ca)], ONCE) == Delivered(sent=1)
        assert receiver.got[0].headers["host"] == f"{NAME}:{receiver.port}"
    assert (looked.count(NAME), asked) == (1, [NAME])


def test_a_server_that_proves_to_be_another_is_refused(outbox, authority, ca, monkeypatch):
    named(monkeypatch, "127.0.0.1")
    with receiving(tls=serving_as(authority, "other.example", [])) as receiver:
        (one,) = deliver(outbox, [to(receiver, ca)], ONCE).dead
    assert (one[2], receiver.got) == ("cannot be reached: ConnectError", [])


def test_a_server_that_only_proves_its_address_is_refused(outbox, authority, ca, monkeypatch):
    named(monkeypatch, "127.0.0.1")
    with receiving(tls=serving_as(authority, "127.0.0.1", [])) as receiver:
        (one,) = deliver(outbox, [to(receiver, ca)], ONCE).dead
    assert (one[2], receiver.got) == ("cannot be reached: ConnectError", [])


def test_a_certificate_that_no_public_authority_signed_is_taken_only_where_it_was_named(outbox, authority, monkeypatch):
    named(monkeypatch, "127.0.0.1")
    with receiving(tls=serving_as(authority, NAME, [])) as receiver:
        (one,) = deliver(outbox, [to(receiver, None)], ONCE).dead
    assert (one[2], receiver.got) == ("cannot be reached: ConnectError", [])


def test_a_name_with_a_private_address_is_refused_over_https_too(outbox, authority, ca, monkeypatch):
    named(monkeypatch, "127.0.0.1")
    asked: list[str | None] = []
    with receiving(tls=serving_as(authority, NAME, asked)) as receiver:
        (one,) = deliver(outbox, [to(receiver, ca, allow=("10.0.0.0/8",))], ONCE).dead
    assert one[2] == "its address is not of the open internet, and the rules do not allow its network"
    assert (asked, receiver.got) == ([], [])


def test_the_file_of_certificates_is_named_by_a_variable_and_looked_at_before_the_run(ca, tmp_path):
    hook = {"id": "crm", "form": "json", "url_env": "CRM_URL", "ca_env": "CRM_CA"}
    rule = {"id": "f", "kind": "threshold", "days": 7, "figure": "nps", "below": 0}
    rules: Rules = rules_of(tmp_path, rule, webhooks=[hook])
    (target,) = targets(rules, {"CRM_URL": "https://a.example", "CRM_CA": ca})
    assert (target.ca, isinstance(target.trusted(), ssl.SSLContext)) == (ca, True)
    (tmp_path / "none.pem").write_text("不是证书", encoding="utf-8")
    for path in ("none.pem", "nowhere.pem"):
        with pytest.raises(InputError, match="CRM_CA names no file of certificates"):
            targets(rules, {"CRM_URL": "https://a.example", "CRM_CA": str(tmp_path / path)})
