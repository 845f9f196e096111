"""Negation before the words of a clause: Simplified, Traditional, Cantonese, doubled, and what only looks like it."""

from __future__ import annotations

import pytest

from vocnlp.rule_negation import is_negated
from vocnlp.text import normalise


@pytest.mark.parametrize(
    "text",
    ["不[慢]", "一点也不[慢]", "并不觉得[贵]", "没有[停车位]", "不是很[慢]", "没有特别[慢]", "没那么[贵]", "别太[慢]", "没人[退款]", "没能及时[退款]", "[退款]不了",
     "不能[退款]", "说不上多[新鲜]", "服务没有以前[好]", "谈不上[热情]", "无[停车位]", "从来没有这么[慢]", "唔[好食]", "冇[停車場]", "唔係好[慢]", "一点都唔[贵]",
     "沒有[漏水]", "沒[漏水]", "並不[貴]", "毫無[誠意]", "not [good] at all", "it is not so [good]", "the room isn't [clean]", "不贵不[贵]"],
)  # fmt: skip
def test_negated(text: str) -> None:
    assert stands_negated(text)


@pytest.mark.parametrize(
    "text",
    ["[慢]", "不是不[慢]", "不会不[慢]", "没有不[满意]", "并非没有[诚意]", "不得不[退款]", "不可能不[慢]",
     "不仅[慢]", "不过[慢]了点", "没想到这么[慢]", "没见过这么[慢]的", "特别[慢]", "个别[慢]", "别人都[退款]了", "別人[退款]快", "非常[慢]", "无线网[慢]", "不错的[态度]",
     "要不是太[慢]我会再来", "慢不[慢]", "好唔[好食]", "有没有[停车位]", "是不是太[慢]", "不退款还[慢]", "[退款]不了解流程", "knot [good]", "不断[催促]"],
)  # fmt: skip
def test_not_negated(text: str) -> None:
    assert not stands_negated(text)


def stands_negated(text: str) -> bool:
    """Of the words in square brackets."""
    before, rest = normalise(text).split("[")
    word, after = rest.split("]")
    return is_negated(before + word + after, len(before), len(before) + len(word))
