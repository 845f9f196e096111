"""Where a comment is cut, in code points of the raw text."""

from __future__ import annotations

from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocnlp.text import clauses


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text)]


def test_offsets_count_code_points_of_the_raw_text() -> None:
    assert clauses("菜很香，𠮷祥物👍🏻也可爱！  ") == [(0, 3), (4, 12)]
    assert "菜很香，𠮷祥物👍🏻也可爱！  "[4:12] == "𠮷祥物👍🏻也可爱"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # sentence marks, wide and narrow
        ("汤很鲜。面有点坨！下次不点了？", ["汤很鲜", "面有点坨", "下次不点了"]),
        ("汤很鲜;面有点坨!下次不点了?", ["汤很鲜", "面有点坨", "下次不点了"]),
        ("太甜了……喝不完~~~浪费", ["太甜了", "喝不完", "浪费"]),
        ("太甜了～喝不完│扔了|可惜了", ["太甜了", "喝不完", "扔了", "可惜了"]),
        ("。。。太甜了。。。", ["太甜了"]),
        # pictures close the words before them; one in the place of a word does not
        ("汤真的鲜😋服务员爱理不理", ["汤真的鲜😋", "服务员爱理不理"]),
        ("今天很开心🎉🎉❤️停车难死了😤", ["今天很开心🎉🎉❤️", "停车难死了😤"]),
        ("我❤️这家店", ["我❤️这家店"]),
        # commas and points, but not those of numbers
        ("屏幕亮，声音大,就是费电", ["屏幕亮", "声音大", "就是费电"]),
        ("花了1,000块，只用了3.5天", ["花了1,000块", "只用了3.5天"]),
        ("花了1,299,000元,不值", ["花了1,299,000元", "不值"]),
        ("买了3，5天就坏", ["买了3", "5天就坏"]),
        ("升到v2.0.1以后很卡.退不回去", ["升到v2.0.1以后很卡", "退不回去"]),
        ("跑了50.", ["跑了50"]),
        (".很差.", ["很差"]),
        # not at the enumeration comma, nor at colons and quotes
        ("外观、内饰、音响都满意", ["外观、内饰、音响都满意"]),
        ("店员说：“没货”就走开了", ["店员说：“没货”就走开了"]),
        # blanks beside Chinese cut, blanks of a Latin phrase do not
        ("环境不错 价格实惠", ["环境不错", "价格实惠"]),
        ("环境不错\u3000\u3000价格实惠", ["环境不错", "价格实惠"]),
        ("连不上 Wi Fi 很烦", ["连不上", "Wi Fi", "很烦"]),
        ("very good service", ["very good service"]),
        ("nice   place 很干净", ["nice   place", "很干净"]),
        # line breaks of every kind
        ("第一晚吵\r\n第二晚静\r第三晚退房\n", ["第一晚吵", "第二晚静", "第三晚退房"]),
        ("隔音差\u2028床很软\x85窗有缝\x0b水不热", ["隔音差", "床很软", "窗有缝", "水不热"]),
        # a turn without a mark
        ("味道不错但是送得慢", ["味道不错", "但是送得慢"]),
        ("味道不错但送得慢", ["味道不错", "但送得慢"]),
        ("颜色好看不过尺码偏小", ["颜色好看", "不过尺码偏小"]),
        ("颜色好看不过关键是掉色", ["颜色好看", "不过关键是掉色"]),
        ("说好三天到然而一周没动静", ["说好三天到", "然而一周没动静"]),
        ("款式喜欢可惜没有我的码", ["款式喜欢", "可惜没有我的码"]),
        ("但是我不后悔", ["但是我不后悔"]),
        ("好吃，但是贵", ["好吃", "但是贵"]),
        # no turn: 不但 and its kin, 但凡, verbs with 不过, 可惜 as a judgement
        ("不但便宜而且耐用", ["不但便宜而且耐用"]),
        ("服务非但不好还甩脸", ["服务非但不好还甩脸"]),
        ("我但愿下次能准时", ["我但愿下次能准时"]),
        ("商家但凡上点心也不至于", ["商家但凡上点心也不至于"]),
        ("质量不过关", ["质量不过关"]),
        ("做工不过硬", ["做工不过硬"]),
        ("这款式永远不过时", ["这款式永远不过时"]),
        ("要价不过分", ["要价不过分"]),
        ("味道不过如此", ["味道不过如此"]),
        ("忙得顾不过来", ["忙得顾不过来"]),
        ("只不过贵了些", ["只不过贵了些"]),
        ("用来送礼再好不过", ["用来送礼再好不过"]),
        ("用来送礼再合适不过了", ["用来送礼再合适不过了"]),
        ("刚买就降价真可惜", ["刚买就降价真可惜"]),
        ("扔了怪可惜的", ["扔了怪可惜的"]),
        # Traditional
        ("服務很好但是價錢偏高", ["服務很好", "但是價錢偏高"]),
        ("味道正但係要等好耐", ["味道正", "但係要等好耐"]),
        ("包裝精美不過份量少", ["包裝精美", "不過份量少"]),
        ("品質不過關，退貨", ["品質不過關", "退貨"]),
        ("但願下次準時，但求平安", ["但願下次準時", "但求平安"]),
        # emoji are ink and no marks
        ("好吃👍，排队😡", ["好吃👍", "排队😡"]),
        ("❤️。👩‍👩‍👧", ["❤️", "👩‍👩‍👧"]),
        # addresses stay whole
        ("见https://shop.example/p?id=3;a=1~b，打不开", ["见https://shop.example/p?id=3;a=1~b", "打不开"]),
        ("WWW.example.com/a|b?c 挺好用", ["WWW.example.com/a|b?c", "挺好用"]),
        ("在https://a.example买的!很好", ["在https://a.example买的", "很好"]),
        # nothing to read
        ("", []),
        ("   \t\r\n", []),
        ("。！？…", []),
        ("\u200b\ufeff\x00", []),
        ("好\u200b。\u200b", ["好\u200b"]),
        # what is no character at all is still kept in its place
        ("\ud800坏了。\udfff", ["\ud800坏了", "\udfff"]),
    ],
)
def test_a_comment_is_cut_into(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


_PIECES = ["但是", "不过", "可惜", "，", "。", ",", ".", " ", "\u3000", "\r\n", "1,000", "3.5", "好", "https://a.b/c?d", "👍🏽", "\u200b", "\ud83d", "\x00", "a"]  # fmt: skip


def visible(character: str) -> bool:
    return not character.isspace() and category(character) != "Cc" and character not in "\u200b\u200d\u2060\ufe0f\ufeff"


any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
comments = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)


@settings(deadline=None, max_examples=300)
@given(st.one_of(any_text, comments))
def test_clauses_of_any_string_are_ordered_disjoint_inside_and_visible(text: str) -> None:
    last = 0
    for start, end in clauses(text):
        assert last <= start < end <= len(text)
        assert "\n" not in text[start:end]
        assert any(visible(character) for character in text[start:end])
        last = end


@settings(deadline=None)
@given(comments)
def test_every_letter_of_a_comment_stands_in_a_clause(text: str) -> None:
    assert "".join(cut(text)).count("好") == text.count("好")


@pytest.mark.parametrize("filling", [" ", "\t", "1", "a", "www.", "\u200b", "@"])
def test_a_megabyte_without_a_mark_is_one_clause(filling: str) -> None:
    text = "a" + filling * (1_000_000 // len(filling)) + "b"
    assert clauses(text) == [(0, len(text))]


@pytest.mark.parametrize("mark", ["，", "。", "\n", "~", "\r\n", ", "])
def test_a_megabyte_of_marks_parts_what_stands_around_it(mark: str) -> None:
    text = "贵" + mark * (1_000_000 // len(mark)) + "慢"
    assert clauses(text) == [(0, 1), (len(text) - 1, len(text))]
