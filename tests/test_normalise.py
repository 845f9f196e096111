"""Normalisation: every rule by its table, and all clauses in one call as if one by one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocnlp.emoji_words import EMOJI_WORDS, KAOMOJI_WORDS
from vocnlp.text import (
    RULES,
    emoji_to_words,
    kaomoji_to_words,
    lower,
    nfkc,
    no_invisibles,
    no_links,
    no_surrogates,
    normalise,
    normalise_all,
    short_runs,
    simplify,
)

TABLE = {
    no_surrogates: [("屏\ud800裂了", "屏\ufffd裂了"), ("\ud83d\ude00", "\ufffd\ufffd"), ("😀", "😀")],
    no_invisibles: [
        ("好\u200b吃\ufeff", "好吃"),
        ("\u202e贵\u202c", "贵"),
        ("a\x00b\x7fc\x9f", "abc"),
        ("慢\r\n\t差", "慢\n\t差"),
        ("❤\ufe0f", "❤"),
        ("软\u00ad件", "软件"),
    ],
    emoji_to_words: [
        ("包装👍", "包装赞"),
        ("客服😡😡", "客服生气生气"),
        ("🍉新鲜", "西瓜新鲜"),
        ("卫生间有🪳🪳", "卫生间有蟑螂蟑螂"),
        ("网速🐌", "网速蜗牛"),
        ("🔴肿", "红肿"),
        ("🫩", "有眼袋"),
        ("下次见👋🏽", "下次见再见"),
        ("👉🏻看这里", "看这里"),
        ("🔃多次", "多次"),  # its name, 顺时针垂直箭头, describes the drawing
        ("好评👍🏿", "好评赞"),
        ("一家👩‍👧都爱❤️", "一家女人女孩都爱喜欢\ufe0f"),
        ("什么意思⁉", "什么意思疑问"),
        ("🇨🇳国货", "国货"),
        ("无图", "无图"),
    ],
    kaomoji_to_words: [
        ("等了好久T_T", "等了好久难过"),
        ("(T_T)碎了", "难过碎了"),
        ("→_→真行", "无语真行"),
        ("终于到了(≧▽≦)", "终于到了开心"),
        ("-_-||", "无语"),
        ("-_-#", "生气"),
        ("STATION旁的TATA木门", "STATION旁的TATA木门"),
        ("TAT 坏了QAQ", "难过 坏了难过"),
        ("forza", "forza"),
        ("orz", "难过"),
    ],
    nfkc: [("ＡＢＣ１２３", "ABC123"), ("①级㎏", "1级kg"), ("好！", "好!"), ("ﾊﾞﾅﾅ", "バナナ")],
    simplify: [
        ("服務態度惡劣", "服务态度恶劣"),
        ("這個軟體很難用", "这个软体很难用"),
        ("头发和发货", "头发和发货"),
        ("頭髮剪壞了", "头发剪坏了"),
        ("乾淨", "干净"),
    ],
    lower: [("WiFi太慢", "wifi太慢"), ("iPhone15 PRO", "iphone15 pro")],
    no_links: [
        ("见https://a.example/x?y=1#z吧", "见网址吧"),
        ("WWW.shop.example很好", "网址很好"),
        ("写信到me.too+1@mail.example.cn没人回", "写信到邮箱没人回"),
        ("a@b", "a@b"),
        ("艾特@店长", "艾特@店长"),
    ],
    short_runs: [
        ("好好好好好", "好好好"),
        ("好好", "好好"),
        ("！！！！", "！！"),
        ("13800138000", "138"),
        ("2024年", "202年"),
        ("3.14159", "3.141"),
        ("hahahaha", "hahahaha"),
        ("a    b", "a   b"),
        ("____", "___"),
        ("贵\n\n\n\n\n差", "贵\n\n\n\n\n差"),
    ],
}


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [pytest.param(rule, *case, id=f"{rule.__name__}-{i}") for rule, cases in TABLE.items() for i, case in enumerate(cases)],
)  # fmt: skip
def test_a_rule_makes_of_a_text(rule: object, text: str, expected: str) -> None:
    assert callable(rule)
    assert rule(text) == expected


def test_every_rule_has_a_table() -> None:
    assert set(TABLE) == set(RULES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("這家店的服務真心好！！！！👍👍", "这家店的服务真心好!!赞赞"),
        ("ＷｉＦｉ  太慢了\u200b…………", "wifi  太慢了.."),
        ("→_→ 快遞員把箱子丟在門口", "无语 快递员把箱子丢在门口"),
        ("訂單１２３４５６７還沒到😭😭😭😭", "订单123还没到难过难过难过难过"),
        ("详情见 HTTPS://A.example/Q?x=1 ", "详情见 网址 "),
        ("\ud83d坏了", "\ufffd坏了"),
        ("\x00", ""),
        ("", ""),
    ],
)
def test_a_text_becomes(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("picture", sorted(EMOJI_WORDS))
def test_every_emoji_with_a_mood_becomes_its_word(picture: str) -> None:
    assert normalise(f"这次{picture}") == f"这次{EMOJI_WORDS[picture]}"


@pytest.mark.parametrize("face", sorted(KAOMOJI_WORDS))
def test_every_face_becomes_its_word(face: str) -> None:
    assert normalise(f"这次{face}") == f"这次{KAOMOJI_WORDS[face]}"


_SAMPLES = [
    "T_T", "→_→", "👩‍👧", "👍🏽", "❤️", "\u200d", "Σ", "ΑΣ", "İ", "ﬃ", "\u0301", "e", "\ud800", "\x00", "\r", "\x85",
    "\u2028", "www.a.b", "a@b.cn", "1234", "！", "。。", "發", "頭", "乾", "好", " ", "\u3000", "“", "ㄒ", "𠮷", "ﾞ", "ﾊ",
]  # fmt: skip
lines = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=(), exclude_characters="\n"), max_size=30),
    st.lists(st.sampled_from(_SAMPLES), max_size=12).map("".join),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(lines, max_size=8))
@example(["", "", ""])
@example(["ΑΣ", "Α"])
@example(["e", "\u0301"])
@example(["www.a", "b"])
def test_all_at_once_is_the_same_as_one_by_one(texts: list[str]) -> None:
    assert normalise_all(texts) == [normalise(text) for text in texts]


def test_a_line_feed_inside_a_text_shifts_no_other_text() -> None:
    assert normalise_all(["甲\n乙", "丙"]) == ["甲 乙", "丙"]


@pytest.mark.parametrize(
    "rule", [no_surrogates, no_invisibles, nfkc, simplify, short_runs], ids=lambda rule: rule.__name__
)
@settings(deadline=None)
@given(text=lines)
def test_a_second_time_changes_nothing(rule: object, text: str) -> None:
    assert callable(rule)
    once = rule(no_surrogates(text))
    assert rule(once) == once


@pytest.mark.parametrize("text", [case for cases in TABLE.values() for case, _ in cases])
def test_a_normalised_comment_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@settings(deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
def test_no_rule_adds_or_removes_a_line_feed(text: str) -> None:
    text = no_surrogates(text)
    for rule in RULES:
        assert rule(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("filling", ["ab", " ", "1", "啊", "@", "a@", "www.", "T_", "👍", "！"])
def test_a_megabyte_is_normalised(filling: str) -> None:
    text = filling * (1_000_000 // len(filling))
    expected = {"ab": text, " ": "   ", "1": "111", "啊": "啊啊啊", "@": "@@", "a@": text, "www.": "网址", "！": "!!"}
    expected |= {"T_": "难过_" * 250_000, "👍": "赞赞赞"}
    assert normalise(text) == expected[filling]
