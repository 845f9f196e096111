"""Features of clauses, against a slow implementation that looks at one clause at a time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import jieba
import numpy as np
import pytest
import rjieba
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocnlp.features import Grams, hash_clauses

SENTENCES = [
    "这家店的红烧肉炖得软烂入味", "快递小哥把包裹扔在雨里就走了", "屏幕刷新率高，打游戏一点不卡", "前台办理入住用了四十分钟",
    "信用卡年费说好免的又扣了", "洗发水用完头皮发痒", "座椅包裹性不错但腰托太硬", "小程序点单老是闪退", "wifi信号在3楼很弱",
    "iphone15的电池一天两充", "买了2件m码，都偏大", "赞赞赞", "不好吃", "不 好 吃", "什么都好，就是贵！！", "客服说7-15天到账",
    "味道ok，环境so so", "隔壁装修,吵得睡不着", "停车费10.5元/小时", "a", "了", "。", " ", "",
]  # fmt: skip

_MASK = 2**64 - 1
_BASE = 0x9E3779B97F4A7C15


def span_hash(span: str) -> int:
    return sum((ord(character) + 1) * pow(_BASE, i, 2**64) for i, character in enumerate(span)) & _MASK


def mix(value: int, kind: int) -> int:
    value = (value + kind * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value >> 32


def spans(clause: str, grams: Grams) -> list[tuple[str, int]]:
    """(text, kind) of every n-gram and word of one clause, as the documentation of the features has them."""
    framed = f"\n{clause}\n"
    found = []
    for n in range(1, grams.characters + 1):
        for i in range(len(framed) - n + 1):
            gram = framed[i : i + n]
            feeds = gram.count("\n")
            if feeds == 0 or (feeds == 1 and n > 1 and "\n" in (gram[0], gram[-1])):
                found.append((gram, n))
    if grams.words:
        found += [(word, 101) for word in jieba.lcut(clause, HMM=False)]
    return found


def slow(clause: str, grams: Grams) -> Counter[int]:
    hashes = Counter(mix(span_hash(text), kind) for text, kind in spans(clause, grams))
    if grams.words and grams.pairs:
        words = jieba.lcut(clause, HMM=False)
        for one, two in pairwise(words):
            hashes[mix((span_hash(one) * _BASE + span_hash(two)) & _MASK, 102)] += 1
    return hashes


def fast(clauses: list[str], grams: Grams) -> list[Counter[int]]:
    rows, hashes = hash_clauses(clauses, grams)
    assert (rows.dtype, hashes.dtype) == (np.int64, np.uint32)
    found: list[Counter[int]] = [Counter() for _ in clauses]
    for row, value in zip(rows.tolist(), hashes.tolist(), strict=True):
        found[row][value] += 1
    return found


@pytest.mark.parametrize(
    "grams", [Grams(), Grams(1, words=False), Grams(2, pairs=False), Grams(4), Grams(5, words=False)]
)
def test_features_are_those_of_the_slow_way(grams: Grams) -> None:
    assert fast(SENTENCES, grams) == [slow(sentence, grams) for sentence in SENTENCES]


def test_an_ngram_reaches_over_one_end_of_its_clause_but_not_over_both() -> None:
    assert [text for text, _ in spans("不好", Grams(3, words=False))] == [
        "不", "好", "\n不", "不好", "好\n", "\n不好", "不好\n"
    ]  # fmt: skip
    assert fast(["不"], Grams(3, words=False)) == [Counter(mix(span_hash(t), n) for t, n in (("不", 1), ("\n不", 2), ("不\n", 2)))]  # fmt: skip


def test_one_text_as_word_and_as_ngram_are_two_features() -> None:
    assert len(fast(["好"], Grams(1))[0]) == 2


def test_where_a_word_stands_twice_it_counts_twice() -> None:
    assert set(fast(["贵贵"], Grams(1, words=False))[0].values()) == {2}


@pytest.mark.parametrize("characters", [1, 3, 7])
def test_clauses_too_short_for_any_ngram_have_none(characters: int) -> None:
    assert fast([""], Grams(characters)) == [Counter()]
    assert fast(["", ""], Grams(characters)) == [Counter(), Counter()]
    assert fast([], Grams(characters)) == []


@pytest.mark.parametrize("sentence", [*SENTENCES, "".join(SENTENCES), "\n" + "\n".join(SENTENCES) + "\n"])
def test_rjieba_cuts_as_jieba_does(sentence: str) -> None:
    assert rjieba.cut(sentence, False) == jieba.lcut(sentence, HMM=False)


_PIECES = [
    "不",
    "好",
    "吃",
    "味道",
    "快递",
    "客服",
    "wifi",
    "15",
    " ",
    "，",
    "!",
    "\t",
    "𠮷",
    "—",
    "%",
    "a.b",
    "1.5",
    "\u0301",
]
clause = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=15),
    st.lists(st.sampled_from(_PIECES), max_size=8).map("".join),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(clause, min_size=1, max_size=6))
@example(["", "好", "", "好"])
@example(["不", "好吃"])
@example(["a", "b"])
@example(["1.", "5"])
@example(["!", "\t!"])
def test_a_clause_has_the_same_features_whatever_its_neighbours(clauses: list[str]) -> None:
    assert fast(clauses, Grams()) == [fast([each], Grams())[0] for each in clauses]


def test_the_place_in_a_large_batch_makes_no_difference() -> None:
    clauses = SENTENCES * 400
    found = fast(clauses, Grams())
    assert found == found[: len(SENTENCES)] * 400
