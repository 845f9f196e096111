"""How alerts are written and signed for each receiver; every signature is worked out again with the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from alert_rules_file import alert

from vocnlp.alert_rules import FORMS
from vocnlp.webhook_forms import message, refusal, signature

AT = datetime(2025, 3, 1, 4, 0, 0, 250_000, tzinfo=UTC)
SECONDS, MILLISECONDS = "1740801600", "1740801600250"
EVIL = '[点我](http://evil.example) <@all> **大字** <at user_id="all"></at> \n# 标题 `x`'


def mac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_json_is_signed_as_in_standard_webhooks():
    one = alert("a1b2", quotes=("划伤了手",), score=2.0)
    told = message("json", one, secret="whsec_" + base64.b64encode(b"key of 24 bytes or more!").decode(), at=AT)
    assert json.loads(told.body) == {
        "type": "alert.opened",
        "timestamp": "2025-03-01T04:00:00.250Z",
        "data": {**one.payload(), "quotes": ["划伤了手"]},
    }
    assert dict(told.headers) == {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "vocnlp-alerts/1",
        "webhook-id": "a1b2",
        "webhook-timestamp": SECONDS,
        "idempotency-key": "a1b2",
        "webhook-signature": "v1," + mac(b"key of 24 bytes or more!", f"a1b2.{SECONDS}.".encode() + told.body),
    }


def test_a_plain_key_is_its_bytes_and_without_a_key_nothing_is_signed():
    assert signature("钥匙", "a", at="1", body=b"{}") == "v1," + mac("钥匙".encode(), b"a.1.{}")
    assert "webhook-signature" not in message("json", alert(), secret=None, at=AT).headers


def test_the_published_example_of_standard_webhooks_comes_out():
    key, number, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    assert (
        signature(key, number, at=at, body=b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_wecom_gets_markdown():
    told = message("wecom", alert(quotes=("划伤了手",), owner="品质部", score=2.0), secret=None, at=AT)
    assert (told.params, json.loads(told.body)["msgtype"]) == ({}, "markdown")
    assert json.loads(told.body)["markdown"]["content"].split("\n") == [
        '### <font color="warning">【严重】试验</font>',
        "> 拉链崩开划伤了手",
        "依据：“划伤了手”",
        "级别：严重",
        "负责部门：品质部",
        "评分：2",
        "预警编号：a1",
    ]


def test_dingtalk_is_signed_in_the_address():
    told = message("dingtalk", alert(), secret="SEC一二三", at=AT)
    sign = mac("SEC一二三".encode(), f"{MILLISECONDS}\nSEC一二三".encode())
    assert told.params == {"timestamp": MILLISECONDS, "sign": sign}
    assert json.loads(told.body) == {
        "msgtype": "markdown",
        "markdown": {
            "title": "【严重】试验",
            "text": "### 【严重】试验\n\n> 拉链崩开划伤了手\n\n级别：严重\n\n预警编号：a1",
        },
    }


def test_feishu_is_signed_in_the_body_and_gets_a_card_of_plain_text():
    body = json.loads(message("feishu", alert(), secret="钥匙", at=AT).body)
    assert (body["timestamp"], body["sign"]) == (SECONDS, mac(f"{SECONDS}\n钥匙".encode(), b""))
    assert body["msg_type"] == "interactive"
    assert body["card"]["header"] == {"title": {"tag": "plain_text", "content": "【严重】试验"}, "template": "orange"}
    assert body["card"]["elements"][1] == {"tag": "div", "text": {"tag": "plain_text", "content": "拉链崩开划伤了手"}}
    assert "sign" not in json.loads(message("feishu", alert(), secret=None, at=AT).body)


def test_words_of_a_customer_stay_text_in_every_robot():
    one = alert(text=EVIL, title=EVIL, channel=EVIL, quotes=(EVIL,))
    for form in ("wecom", "dingtalk"):
        content = (
            message(form, one, secret=None, at=AT)
            .body.decode()
            .replace("<font", "")
            .replace("</font>", "")
            .replace('warning\\">', "")
        )
        for sign in ("](", "<@", "**", "<at", "`"):
            assert sign not in content
    assert '"tag":"lark_md"' not in message("feishu", one, secret=None, at=AT).body.decode()


def test_the_longest_alert_fits_into_what_a_robot_takes():
    one = alert(text="长" * 9000, title="长" * 900, quotes=("长" * 900,) * 3, channel="长" * 900, segment="长" * 900)
    content = json.loads(message("wecom", one, secret=None, at=AT).body)["markdown"]["content"]
    assert len(content.encode()) <= 4096
    for form in FORMS[2:]:
        assert len(message(form, one, secret=None, at=AT).body) < 20_000


@pytest.mark.parametrize(
    ("form", "status", "body", "told"),
    [
        ("json", 204, b"", ""),
        ("json", 200, b"anything", ""),
        ("json", 500, b"", "answered 500"),
        ("json", 302, b"", "answered 302, a redirect, which is not followed"),
        ("wecom", 200, b'{"errcode":0,"errmsg":"ok"}', ""),
        ("wecom", 200, b'{"errcode":45009}', "refused the message, error 45009"),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"sign not match"}', "refused the message, error 310000"),
        ("feishu", 200, b'{"code":0,"msg":"success"}', ""),
        ("feishu", 200, b'{"StatusCode":0}', ""),
        ("feishu", 200, b'{"code":19021}', "refused the message, error 19021"),
        ("feishu", 200, b"<html>", "answered without a receipt"),
        ("dingtalk", 200, b"[]", "answered without a receipt"),
    ],
)
def test_only_a_receipt_is_a_receipt(form, status, body, told):
    assert refusal(form, status, body) == told
