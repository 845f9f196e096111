"""A small file of rules over ``tagged_shop``, and alerts made up for the tests of outbox, delivery and cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tagged_shop import FRAME

from vocnlp.alert_reading import read_rules
from vocnlp.alert_rules import Rules
from vocnlp.alert_words import Alert


def rules_of(folder: Path, *rules: dict[str, Any], **head: Any) -> Rules:
    return read_rules(write_rules(folder, *rules, **head), FRAME)


def write_rules(folder: Path, *rules: dict[str, Any], **head: Any) -> Path:
    path = folder / "rules.yaml"
    content = {
        "schema": 1,
        "name": "小店预警",
        **head,
        "rules": [{"title": "试验", "severity": "high", **r} for r in rules],
    }
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def alert(number: str = "a1", **fields: Any) -> Alert:
    given = {
        "rule": "safety",
        "kind": "comment",
        "severity": "high",
        "title": "【严重】试验",
        "text": "拉链崩开划伤了手",
    }
    return Alert(**{"id": number, **given, **fields})
