"""Delivery of alerts by webhook: signed, at least once, retried with growing waits, to addresses that are allowed.

What is refused: redirects, addresses that are not of the open internet (loopback, private, link-local and the like)
unless the rules allow their network, and plain http to any but those. A name is resolved once for every attempt, all its
addresses are checked, and the connection goes to the one that was checked: a name that changes its mind between look
and call (DNS rebinding) gains nothing. No proxy and nothing else of the environment is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .alert_outbox import Claim, Outbox
from .alert_rules import Delivery, Rules, Webhook
from .alert_words import Alert
from .errors import InputError, MissingExtraError
from .webhook_forms import Message, message, refusal

if TYPE_CHECKING:
    import httpx

_ANSWER = 64 * 1024  # bytes of an answer that are read; a receipt is short
_BUSY = (408, 425, 429)  # of 4xx these speak of the receiver's state, the others of the message
_LEASE = 15.0  # seconds beyond the timeout until another process takes a delivery over
_LOOK = 0.5  # seconds after which a waiting delivery is looked at again: another process may have sent it
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook with its address and key, which were read from the environment and are never printed. ``ca`` is the file
    of certificates that the server has to show one of; None: those of the public authorities."""

    webhook: Webhook
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    ca: str | None = None

    def trusted(self) -> ssl.SSLContext | bool:
        """Which certificates are taken. OSError where the file is none."""
        return True if self.ca is None else ssl.create_default_context(cafile=self.ca)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. ``error`` is "" for a receipt, and never holds the address; ``troubled``: the receiver
    could not be reached or is in trouble itself, so that another message would fare no better."""

    error: str
    troubled: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """Attempts of one call of ``deliver``, by what came of them."""

    sent: int = 0
    failed: int = 0
    dead: tuple[tuple[Alert, str, str], ...] = ()


def targets(rules: Rules, environment: Mapping[str, str]) -> tuple[Target, ...]:
    """The webhooks of the rules with what the environment holds for them; InputError names a variable that is not set."""
    found = []
    for hook in rules.webhooks:
        for name in filter(None, (hook.url_env, hook.secret_env, hook.ca_env)):
            if not environment.get(name, "").strip():
                told = f"webhook {hook.id!r}: the environment variable {name} is not set"
                raise InputError(told, hint=f"export {name}=... before the run, or take the webhook out of the rules")
        secret = environment[hook.secret_env].strip() if hook.secret_env else None
        ca = environment[hook.ca_env].strip() if hook.ca_env else None
        target = Target(hook, environment[hook.url_env].strip(), secret, ca)
        _check(target)
        found.append(target)
    return tuple(found)


def _check(target: Target) -> None:
    """What would fail at every attempt: no address of a server, or a key that is no key. Shows neither."""
    httpx, hook = _httpx(), target.webhook
    try:
        url = httpx.URL(target.url)
        message(hook.form, Alert("0", "", "", "low", "", ""), secret=target.secret, at=datetime.now(UTC))
    except httpx.InvalidURL:
        raise InputError(f"webhook {hook.id!r}: {hook.url_env} holds no address") from None
    except ValueError:
        hint = "behind whsec_ a key is Base64; the sender and the receiver need the same one"
        raise InputError(f"webhook {hook.id!r}: {hook.secret_env} holds no key", hint=hint) from None
    try:
        target.trusted()
    except OSError:
        told = f"webhook {hook.id!r}: {hook.ca_env} names no file of certificates"
        raise InputError(told, path=target.ca, hint="it holds certificates in the form PEM") from None
    if url.scheme not in ("http", "https") or not url.host:
        hint = "an address begins with https://"
        raise InputError(f"webhook {hook.id!r}: {hook.url_env} holds no web address", hint=hint)


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise MissingExtraError("httpx", extra="alerts") from None
    return httpx


def wait_before(attempt: int, how: Delivery, *, dice: float) -> float:
    """Seconds before the attempt after this one: doubled each time, and between half and all of it by ``dice`` in 0..1.

    Without chance in it, all that failed together would come back together.
    """
    longest = min(how.longest_wait, how.first_wait * 2.0 ** min(attempt - 1, 60))
    return longest * (0.5 + 0.5 * dice)


# --- one attempt -----------------------------------------------------------------------------------------------------


async def send(client: httpx.AsyncClient, target: Target, alert: Alert, *, timeout: float, at: datetime) -> Outcome:
    """One attempt, which ends within ``timeout`` seconds however slowly the receiver speaks."""
    import httpx

    told = message(target.webhook.form, alert, secret=target.secret, at=at)
    try:
        async with asyncio.timeout(timeout):
            requests = await _requests(client, target, told)
            if isinstance(requests, Outcome):
                return requests
            status, body = await _asked(client, requests)
    except TimeoutError:
        return Outcome(f"no answer within {timeout:g} s", troubled=True)
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Outcome(f"cannot be reached: {type(error).__name__}", troubled=True)
    refused = refusal(target.webhook.form, status, body)
    return Outcome(refused, troubled=bool(refused) and (status >= 500 or status in _BUSY))


async def _requests(client: httpx.AsyncClient, target: Target, told: Message) -> list[httpx.Request] | Outcome:
    """The POST to each address that was looked up and checked; the name stays in Host and in the TLS handshake."""
    import httpx

    url = httpx.URL(target.url).copy_merge_params(told.params)
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    if any(not is_open(address) and not _allowed(address, target.webhook) for address in addresses):
        return Outcome("its address is not of the open internet, and the rules do not allow its network")
    if url.scheme == "http" and any(is_open(address) for address in addresses):
        return Outcome("plain http goes to allowed networks only: the address needs https")
    headers = {**told.headers, "host": url.netloc.decode("ascii")}
    extensions = {"sni_hostname": url.host} if url.scheme == "https" else {}
    return [
        client.build_request(
            "POST", url.copy_with(host=str(address)), content=told.body, headers=headers, extensions=extensions
        )
        for address in dict.fromkeys(addresses)
    ]


async def _asked(client: httpx.AsyncClient, requests: Sequence[httpx.Request]) -> tuple[int, bytes]:
    """Status and beginning of the answer of the first address that takes a connection."""
    import httpx

    for left, request in zip(range(len(requests) - 1, -1, -1), requests, strict=True):
        try:
            answer = await client.send(request, stream=True)
        except httpx.ConnectError:
            if not left:
                raise
            continue
        try:
            return answer.status_code, await _begun(answer)
        finally:
            await answer.aclose()
    raise httpx.ConnectError("no address")


async def _begun(answer: httpx.Response) -> bytes:
    """The beginning of an answer."""
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _ANSWER:
            break
    return body[:_ANSWER]


def is_open(address: Address) -> bool:
    """Whether an address is one of the open internet; one that carries an IPv4 address inside is judged by that one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_open(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _allowed(address: Address, hook: Webhook) -> bool:
    return any(address in ipaddress.ip_network(network) for network in hook.allow)


# --- all that is due -------------------------------------------------------------------------------------------------


def deliver(
    outbox: Outbox,
    to: Sequence[Target],
    how: Delivery,
    *,
    patience: float = 0.0,
    bury: Callable[[Claim, str], None] | None = None,
) -> Delivered:
    """Send what is due, and for ``patience`` seconds also what falls due meanwhile; each receiver at its own pace.

    ``bury`` gets each delivery that was tried for the last time, before the outbox calls it dead: a crash in between
    writes it down twice, but never not at all.
    """
    _httpx()
    with _hushed():
        return asyncio.run(_all(outbox, to, how, time.time() + patience, bury))


@contextmanager
def _hushed() -> Iterator[None]:
    """httpx logs every address at INFO, and the address of a robot is its key."""
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


async def _all(
    outbox: Outbox, to: Sequence[Target], how: Delivery, until: float, bury: Callable[[Claim, str], None] | None
) -> Delivered:
    each = await asyncio.gather(*(_to_one(outbox, target, how, until, bury) for target in to))
    dead = tuple(one for found in each for one in found.dead)
    return Delivered(sum(found.sent for found in each), sum(found.failed for found in each), dead)


async def _to_one(
    outbox: Outbox, target: Target, how: Delivery, until: float, bury: Callable[[Claim, str], None] | None
) -> Delivered:
    import httpx

    sent = failed = 0
    dead: list[tuple[Alert, str, str]] = []
    hook = target.webhook.id
    if outbox.next_due(hook) is None:  # a client reads certificates, which takes longer than to find nothing to do
        return Delivered()
    # A client a webhook: a connection to one name's address must not serve another name at the same address.
    how_to_call: dict[str, Any] = {"trust_env": False, "follow_redirects": False, "verify": target.trusted()}
    async with httpx.AsyncClient(timeout=how.timeout, **how_to_call) as client:
        while True:
            claim = outbox.claim(hook, now=time.time(), lease=how.timeout + _LEASE)
            if claim is None:
                due = outbox.next_due(hook)
                if due is None or max(due, time.time()) > until:
                    return Delivered(sent, failed, tuple(dead))
                await asyncio.sleep(min(_LOOK, max(0.01, due - time.time())))
                continue
            outcome = await send(client, target, claim.alert, timeout=how.timeout, at=datetime.now(UTC))
            if not outcome.error:
                outbox.sent(claim, now=time.time())
                sent += 1
            elif claim.attempt >= how.attempts:
                with outbox.writing():  # who erases a customer's letters meanwhile waits, and then finds this one
                    if bury is not None and outbox.holds(claim):
                        bury(claim, outcome.error)
                outbox.dead(claim, outcome.error, now=time.time())
                dead.append((claim.alert, hook, outcome.error))
            else:
                wait = wait_before(claim.attempt, how, dice=random.SystemRandom().random())
                outbox.failed(claim, outcome.error, again=time.time() + wait, hold=outcome.troubled)
                failed += 1
