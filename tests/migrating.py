"""A small shop whose codeframe changes, for the tests of migrations: one change of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.migration import Migration
from vocnlp.migration_reading import read_migration

CHANGES = """\
from: {name: shop-test, version: "0.3.0"}
to: {version: "0.4.0"}
changes:
  - rename: {code: price, name: 贵不贵}
  - move: {code: courier, parent: service}
  - add:
      id: delay
      name: 送得慢
      parent: logistics
      definition: 比说好的晚
  - add: {id: tracking, name: 物流信息, parent: logistics, definition: 查不查得到}
  - merge: {codes: [look, smell], into: look}
  - split: {code: speed, into: [delay, tracking]}
  - retire: {code: ads, reason: 不再投广告}
"""
BEFORE, AFTER = "shop-test@0.3.0", "shop-test@0.4.0"


def shop_migration(folder: Path, changes: str = CHANGES) -> Migration:
    path = folder / "changes.yaml"
    path.write_text(changes, encoding="utf-8")
    return read_migration(path, FRAME)


def said(number: int, *tags: dict[str, Any], **cells: Any) -> dict[str, Any]:
    mood = tags[0]["polarity"] if tags else "neutral"
    text = "，".join(one["quote"] for one in tags) or "没什么好说"
    usual = {"text": text, "score": float(number), "voc_sentiment": mood, "voc_codeframe": BEFORE}
    return row(number, **{**usual, "voc_tags": list(tags), **cells})


def shop_rows() -> pa.Table:
    """Six rows of the old frame, one of the new, one of another."""
    return tagged(
        [
            said(0, tag("look", "negative", 0, "掉色"), tag("smell", "negative", 3, "一股胶味")),
            said(1, tag("look", "positive", 0, "好看"), tag("smell", "negative", 3, "有点呛")),
            said(2, tag("speed", "negative", 0, "等到月底")),
            said(3, tag("ads", "negative", 0, "跟说的不同"), tag("price", "positive", 6, "便宜")),
            said(4, tag("courier", "positive", 0, "送上楼了"), tag("speed", "positive", 5, "当天到")),
            said(5),
            said(6, tag("delay", "negative", 0, "晚了两天"), voc_codeframe=AFTER),
            said(7, tag("speed", "negative", 0, "别的码框"), voc_codeframe="other@1"),
        ]
    )


def codes(table: pa.Table) -> list[list[tuple[str, str, str]]]:
    """Code, polarity and quote of each row's tags."""
    return [[(one["code"], one["polarity"], one["quote"]) for one in tags] for tags in table["voc_tags"].to_pylist()]
