"""How an alert is written for its receiver, and signed: generic JSON, and the robots of 企业微信, 钉钉 and 飞书.

The forms are those of the vendors' manuals, known to their readers as 群机器人配置说明 (developer.work.weixin.qq.com),
自定义机器人接入 with 加签 (open.dingtalk.com) and 自定义机器人使用指南 with 签名校验 (open.feishu.cn); the generic one follows
Standard Webhooks 1.0 (standardwebhooks.com). Words of customers reach a robot as text: what its Markdown would read as
a link, a mention or bold becomes the full-width sign.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .alert_rules import DINGTALK, FEISHU, JSON, WECOM
from .alert_words import Alert, facts

_TEXT, _QUOTE, _VALUE = 400, 120, 60  # characters in a robot's message; 企业微信 takes 4096 bytes in all
_COLOURS = {"critical": ("warning", "red"), "high": ("warning", "orange"), "medium": ("comment", "yellow")}
_MARKUP = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "<>[]()*_`~#@|\\!&"} | {"\n": " ", "\r": " "})
_OWN = "whsec_"


@dataclass(frozen=True, slots=True)
class Message:
    """A POST, ready to go: ``params`` join those of the address. A 钉钉 signature stands there."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)


def message(form: str, alert: Alert, *, secret: str | None, at: datetime) -> Message:
    """The alert for one receiver, signed at this time where there is a key. ``webhook-id`` is the same at every attempt."""
    content, params = _FORMS[form](alert, secret, at)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    stamp = str(int(at.timestamp()))
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "vocnlp-alerts/1",
        "webhook-id": alert.id,
        "webhook-timestamp": stamp,
        "idempotency-key": alert.id,
    }
    if form == JSON and secret:
        headers["webhook-signature"] = signature(secret, alert.id, at=stamp, body=body)
    return Message(body, headers, params)


def signature(secret: str, number: str, *, at: str, body: bytes) -> str:
    """``v1,`` and the Base64 of HMAC-SHA256 over ``number.at.body``, as Standard Webhooks asks.

    ``at``: seconds since 1970. A key that begins with ``whsec_`` is Base64 behind it; any other is taken as UTF-8.
    """
    key = base64.b64decode(secret.removeprefix(_OWN), validate=True) if secret.startswith(_OWN) else secret.encode()
    return "v1," + _base64(hmac.digest(key, b".".join((number.encode(), at.encode(), body)), hashlib.sha256))


def dingtalk_sign(secret: str, *, at: str) -> str:
    """Base64 of HMAC-SHA256 with the key ``secret`` over ``at``, a line feed, and ``secret``; ``at``: milliseconds."""
    return _base64(hmac.digest(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256))


def feishu_sign(secret: str, *, at: str) -> str:
    """Base64 of HMAC-SHA256 over nothing, with the key ``at``, a line feed, and ``secret``; ``at``: seconds."""
    return _base64(hmac.digest(f"{at}\n{secret}".encode(), b"", hashlib.sha256))


def refusal(form: str, status: int, body: bytes) -> str:
    """Why an answer is no receipt, or "". The robots answer 200 to what they refuse, with a number in the body."""
    if not 200 <= status < 300:
        return f"answered {status}" + (", a redirect, which is not followed" if 300 <= status < 400 else "")
    if form == JSON:
        return ""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "answered without a receipt"
    names = ("code", "StatusCode") if form == FEISHU else ("errcode",)
    codes = [answer[name] for name in names if name in answer] if isinstance(answer, dict) else []
    if not codes:
        return "answered without a receipt"
    return "" if codes[0] == 0 else f"refused the message, error {str(codes[0])[:20]}"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


# --- the forms -------------------------------------------------------------------------------------------------------


def _json(alert: Alert, _: str | None, at: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": "alert.opened", "timestamp": stamp, "data": alert.payload()}, {}


def _wecom(alert: Alert, _: str | None, __: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    colour = _COLOURS.get(alert.severity, ("info", ""))[0]
    lines = [f'### <font color="{colour}">{plain(alert.title)}</font>', *_markdown(alert)]
    return {"msgtype": "markdown", "markdown": {"content": "\n".join(lines)}}, {}


def _dingtalk(alert: Alert, secret: str | None, at: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    stamp = str(int(at.timestamp() * 1000))
    params = {"timestamp": stamp, "sign": dingtalk_sign(secret, at=stamp)} if secret else {}
    lines = [f"### {plain(alert.title)}", *_markdown(alert)]
    markdown = {"title": plain(alert.title), "text": "\n\n".join(lines)}
    return {"msgtype": "markdown", "markdown": markdown}, params


def _feishu(alert: Alert, secret: str | None, at: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    def text(content: str) -> dict[str, str]:
        return {"tag": "plain_text", "content": content}

    stamp = str(int(at.timestamp()))
    signed = {"timestamp": stamp, "sign": feishu_sign(secret, at=stamp)} if secret else {}
    blocks: list[dict[str, Any]] = [
        {
            "tag": "div",
            "fields": [{"is_short": True, "text": text(f"{k}：{_cut(v, _VALUE)}")} for k, v in facts(alert)],
        },
        {"tag": "div", "text": text(_cut(alert.text, _TEXT))},
    ]
    if alert.quotes:
        quoted = text("依据：" + "；".join(f"“{_cut(quote, _QUOTE)}”" for quote in alert.quotes))
        blocks.append({"tag": "note", "elements": [quoted]})
    header = {"title": text(_cut(alert.title, _TEXT)), "template": _COLOURS.get(alert.severity, ("", "blue"))[1]}
    card = {"config": {"wide_screen_mode": True}, "header": header, "elements": blocks}
    return {**signed, "msg_type": "interactive", "card": card}, {}


_FORMS = {JSON: _json, WECOM: _wecom, DINGTALK: _dingtalk, FEISHU: _feishu}


def _markdown(alert: Alert) -> list[str]:
    told = [f"{label}：{plain(value, _VALUE)}" for label, value in facts(alert)]
    quotes = [f"依据：“{plain(quote, _QUOTE)}”" for quote in alert.quotes]
    return [f"> {plain(alert.text, _TEXT)}", *quotes, *told]


def plain(text: str, most: int = _TEXT) -> str:
    """Text that no Markdown reads as anything else, cut to so many characters."""
    return _cut(text, most).translate(_MARKUP)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
