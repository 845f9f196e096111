"""A file of alert rules, read from YAML and checked against the codeframe before anything is decided.

An unknown code, stage, field or owner is an InputError that names the file, the line, the rule and the value: a rule
that is misspelt would otherwise be silent for ever.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .alert_rules import (
    COMMENTS,
    COUNT,
    FIGURES,
    FORMS,
    NPS,
    SEVERITIES,
    SHARE,
    TIME,
    WORD_LISTS,
    CommentRule,
    Delivery,
    Rule,
    Rules,
    SpikeRule,
    ThresholdRule,
    Webhook,
    When,
    WordList,
)
from .alert_values import days, each_of, number, one_of, told, unknown
from .codeframe import Codeframe
from .codeframe_reading import Located, read_located
from .errors import InputError
from .records import NEGATIVE, POLARITIES, POSITIVE

_SCHEMA = 1
_SIDES = (NEGATIVE, POSITIVE, "mention")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HEAD = ("id", "kind", "title", "severity", "owner", "send_to", "dedupe_hours")
_DETRACTOR = 6.0


def read_rules(path: Path | str, frame: Codeframe) -> Rules:
    """The rules of a YAML or JSON file, checked against ``frame``."""
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", path=path, hint="examples/alerts.yaml is a set of rules to begin with")
    with told(None, "rules"):
        root = read_located(path)
    return rules_of(root, frame)


def rules_of(root: Located, frame: Codeframe) -> Rules:
    """As ``read_rules``, of what a file holds or will hold."""
    with told(root, "rules"):
        return _rules(root, frame)


def _rules(root: Located, frame: Codeframe) -> Rules:
    root.only(
        "schema", "name", "timezone", "journey", "owner", "dedupe_hours", "fresh_days", "delivery", "webhooks", "rules"
    )
    if root.value("schema", default=None) != _SCHEMA:
        raise root.error("schema", f"must be {_SCHEMA}", hint=f"write schema: {_SCHEMA}; this version reads no other")
    journey = root.text("journey", default="general")
    if frame.journeys and journey not in [one.id for one in frame.journeys]:
        raise unknown(root, "journey", journey, known=[one.id for one in frame.journeys])
    hooks = tuple(_of(_webhook, item, "webhook") for item in root.distinct("webhooks"))
    read = _Reading(frame, journey, root, tuple(hook.id for hook in hooks))
    rules = tuple(_of(read.rule, item, "rule") for item in root.distinct("rules"))
    if not rules:
        raise root.error("rules", "there is not one", hint="examples/alerts.yaml is a set of rules to begin with")
    owner = root.text("owner", default="")
    _check_owners(root, hooks, [owner, *(rule.owner for rule in rules), *(code.owner for code in frame.codes)])
    zone = _zone(root)
    with told(root.child("delivery"), "delivery"):
        delivery = _delivery(root.child("delivery"))
    return Rules(root.text("name"), rules, hooks, delivery, journey, zone, owner)


def _of(read: Any, item: Located, what: str) -> Any:
    with told(item, f"{what} {item.content.get('id')!r}"):
        return read(item)


def _zone(root: Located) -> ZoneInfo:
    name = root.text("timezone", default="Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise root.error("timezone", "no such time zone", hint="write it as Asia/Shanghai") from None


def _webhook(item: Located) -> Webhook:
    item.only("id", "form", "url_env", "secret_env", "owners", "severity", "allow", "ca_env")
    for key in ("url_env", "secret_env", "ca_env"):
        if not _ENV.match(item.text(key, default="" if key == "url_env" else "none")):
            hint = "the address or key itself does not belong in this file: name the environment variable that holds it"
            raise item.error(key, "must be the name of an environment variable", hint=hint)
    allow = item.texts("allow")
    for network in allow:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise item.error("allow", f"{network!r} is no network", hint="write it as 10.0.0.0/8") from None
    return Webhook(
        id=item.text("id"),
        form=one_of(item, "form", FORMS),
        url_env=item.text("url_env"),
        secret_env=item.text("secret_env", default="") or None,
        owners=frozenset(item.texts("owners")),
        severity=one_of(item, "severity", SEVERITIES, default=SEVERITIES[0]),
        allow=allow,
        ca_env=item.text("ca_env", default="") or None,
    )


def _delivery(item: Located) -> Delivery:
    named: dict[str, Any] = {field.name: field.default for field in fields(Delivery)}
    item.only(*named)
    seconds = {
        name: number(item, name, default=named[name], low=0.01, high=86_400) for name in named if name != "attempts"
    }
    return Delivery(attempts=int(number(item, "attempts", default=8, low=1, high=50, whole=True)), **seconds)


def _check_owners(root: Located, hooks: Iterable[Webhook], known: Iterable[str]) -> None:
    for item, hook in zip(root.items("webhooks"), hooks, strict=True):
        with told(item, f"webhook {hook.id!r}"):
            for owner in sorted(hook.owners - set(known)):
                raise unknown(item, "owners", owner, known=sorted(filter(None, set(known))))


class _Reading:
    """What a rule is checked against: the codeframe, the journey, the file's defaults and the webhooks."""

    def __init__(self, frame: Codeframe, journey: str, root: Located, hooks: tuple[str, ...]) -> None:
        self.frame, self.hooks = frame, hooks
        self.journey = frame.journey(journey) if frame.journeys else None
        self.dedupe = number(root, "dedupe_hours", default=24.0, low=0, high=8760)
        self.fresh = days(root, "fresh_days")

    def rule(self, item: Located) -> Rule:
        kind = one_of(item, "kind", ("comment", "threshold", "spike"))
        severity = one_of(item, "severity", SEVERITIES)
        send_to = item.texts("send_to")
        for hook in send_to:
            if hook not in self.hooks:
                raise unknown(item, "send_to", hook, known=self.hooks)
        head: dict[str, Any] = {
            "id": item.text("id"),
            "title": item.text("title"),
            "severity": severity,
            "owner": item.text("owner", default=""),
            "send_to": send_to,
            "dedupe_hours": number(item, "dedupe_hours", default=self.dedupe, low=0, high=8760),
        }
        if kind == "comment":
            return self._comment(item, head)
        return self._threshold(item, head) if kind == "threshold" else self._spike(item, head)

    def _comment(self, item: Located, head: dict[str, Any]) -> CommentRule:
        item.only(*_HEAD, "when", "fresh_days")
        fresh = days(item, "fresh_days") or self.fresh
        when = item.child("when")
        with told(when, f"rule {head['id']!r}"):
            return CommentRule(when=self._when(when), fresh_days=fresh, **head)

    def _when(self, item: Located) -> When:
        item.only(
            "codes", "polarities", "confidence", "score_at_most", "detractor", "words", "word_list", "except",
            "sentiments", "stages", "channels", "segments",
        )  # fmt: skip
        if not item.content:
            raise item.error("when", "asks nothing", hint="an alert for every comment helps nobody: name a condition")
        return When(
            codes=frozenset(below for code in self._codes(item, "codes") for below in self._below(code)),
            polarities=frozenset(each_of(item, "polarities", POLARITIES)) or frozenset({NEGATIVE}),
            confidence=number(item, "confidence", default=0.0, low=0, high=1),
            score_at_most=_score(item),
            words=_word_list(item),
            sentiments=frozenset(each_of(item, "sentiments", POLARITIES)),
            stages=frozenset(self._stage(item, "stages", word) for word in item.texts("stages")),
            channels=frozenset(item.texts("channels")),
            segments=frozenset(item.texts("segments")),
        )

    def _threshold(self, item: Located, head: dict[str, Any]) -> ThresholdRule:
        item.only(
            *_HEAD, "figure", "days", "at_least", "code", "side", "below", "above", "stage", "channels", "segments"
        )
        figure = one_of(item, "figure", FIGURES)
        code = item.text("code", default="") or None
        if (code is None and figure in (SHARE, COUNT)) or (code and figure == NPS):
            raise item.error("code", f"{figure} {'takes no code' if code else 'needs a code'}")
        span = {"share": (0.0, 1.0), "count": (0.0, 1e9)}.get(figure, (-100.0, 100.0))
        limits: dict[str, Any] = {
            key: number(item, key, low=span[0], high=span[1]) for key in ("below", "above") if key in item.content
        }
        if len(limits) != 1:
            raise item.error("below", "one of below and above is needed, and not both")
        stage = item.text("stage", default="")
        return ThresholdRule(
            **head,
            **limits,
            figure=figure,
            days=days(item, "days", needed=True) or 0,
            at_least=int(number(item, "at_least", default=1 if figure == COUNT else 30, low=1, high=1e9, whole=True)),
            code=self._codes(item, "code")[0] if code else None,
            side=one_of(item, "side", _SIDES, default=NEGATIVE),
            stage=self._stage(item, "stage", stage) if stage else None,
            channels=frozenset(item.texts("channels")),
            segments=frozenset(item.texts("segments")),
        )

    def _spike(self, item: Located, head: dict[str, Any]) -> SpikeRule:
        item.only(
            *_HEAD, "codes", "side", "every", "past_days", "at_least", "against", "alpha", "times", "channels", "segments"
        )  # fmt: skip
        every = one_of(item, "every", ("day", "week"))
        return SpikeRule(
            **head,
            days=7 if every == "week" else 1,
            past_days=days(item, "past_days") or 28,
            at_least=int(number(item, "at_least", default=5, low=1, high=1e9, whole=True)),
            codes=self._codes(item, "codes"),
            side=one_of(item, "side", _SIDES, default=NEGATIVE),
            against=one_of(item, "against", (COMMENTS, TIME), default=COMMENTS),
            alpha=number(item, "alpha", default=0.001, low=1e-12, high=0.2),
            times=number(item, "times", default=1.5, low=1, high=1000),
            channels=frozenset(item.texts("channels")),
            segments=frozenset(item.texts("segments")),
        )

    def _codes(self, item: Located, key: str) -> tuple[str, ...]:
        named = (item.text(key),) if isinstance(item.content.get(key), str) else item.texts(key)
        for code in named:
            if code not in self.frame:
                raise unknown(item, key, code, known=[one.id for one in self.frame.codes], what="code")
        return named

    def _below(self, code: str) -> Iterator[str]:
        yield code
        for child in self.frame.children(code):
            yield from self._below(child.id)

    def _stage(self, item: Located, key: str, word: str) -> str:
        if self.journey is None:
            return word
        if (stage := self.journey.stage_of(word)) is None:
            raise unknown(item, key, word, known=[one.id for one in self.journey.stages], what="stage")
        return stage.id


def _score(item: Located) -> float | None:
    detractor = item.value("detractor", default=None)
    if detractor is not None:
        if detractor is not True or "score_at_most" in item.content:
            raise item.error("detractor", "can only be true, and stands for score_at_most: 6", hint="leave one away")
        return _DETRACTOR
    return number(item, "score_at_most", low=0, high=10) if "score_at_most" in item.content else None


def _word_list(item: Located) -> WordList | None:
    name = item.text("word_list", default="")
    if name and name not in WORD_LISTS:
        raise unknown(item, "word_list", name, known=list(WORD_LISTS))
    given = WORD_LISTS.get(name, WordList(()))
    words = (*given.words, *item.texts("words"))
    return WordList(words, (*given.excepting, *item.texts("except"))) if words else None
