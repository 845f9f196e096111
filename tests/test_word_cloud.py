"""Where words stand in a cloud: inside, apart, the commonest largest and in the middle, the same on every call."""

from __future__ import annotations

from itertools import combinations

from vocnlp.word_cloud import placed, width

WORDS = [
    (name, 60 - at)
    for at, name in enumerate(
        ["太慢", "退款", "客服", "拉链", "包装", "味道", "wifi", "价格", "门口", "气泡膜", "直播间", "优惠券"]
    )
]


def test_words_stand_inside_and_apart():
    found = placed(WORDS, 400, 200)
    assert [word.name for word in found] == [name for name, _ in WORDS]
    for word in found:
        left, low, right, high = word.box
        assert (left >= 0, low >= 0, right <= 400, high <= 200) == (True, True, True, True)
    for one, other in combinations(found, 2):
        (a, b, c, d), (e, f, g, h) = one.box, other.box
        assert c <= e or g <= a or d <= f or h <= b


def test_the_commonest_is_the_largest_and_in_the_middle():
    first, *rest = placed([("太慢", 40), ("退款", 10), ("客服", 1)], 600, 300)
    assert (first.size, first.x, first.y) == (40.0, 300.0, 150.0)
    assert [round(word.size, 2) for word in rest] == [16.75, 9.78]


def test_a_word_without_room_is_made_smaller_and_left_out_only_at_the_smallest():
    assert [word.name for word in placed([("很长很长的一个词", 5)], 100, 30)] == ["很长很长的一个词"]
    assert placed([("太慢", 5)], 10, 5) == ()
    assert placed([], 400, 200) == ()


def test_letters_are_narrower_than_characters():
    assert (width("太慢"), width("ab")) == (2.0, 1.24)


def test_the_same_words_stand_in_the_same_places():
    assert placed(WORDS, 400, 200) == placed(WORDS, 400, 200)
