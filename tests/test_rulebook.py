"""Rules held against texts: terms, near, negation, whole comments, patterns, clauses and comments."""

from __future__ import annotations

import pytest

from vocnlp.codeframe import Code, Codeframe, Rule
from vocnlp.errors import CodeframeError
from vocnlp.rules import Found, Rulebook
from vocnlp.text import clauses, normalise

SYNONYMS = {"员工": ("店员", "服务生", "收银員")}


def book(*rules: Rule, keywords: tuple[str, ...] = ()) -> Rulebook:
    code = Code("c", "码", "一个码", rules=rules, keywords=keywords)
    frame = Codeframe("f", "1", (code,), synonyms=SYNONYMS, allow_regex=True)
    return Rulebook(frame, keywords_of=frame.taggable)


def find(rulebook: Rulebook, *texts: str) -> Found:
    lines, first = [], [0]
    for text in texts:
        lines += [normalise(text[a:b]) for a, b in clauses(text)]
        first.append(len(lines))
    return rulebook.find(lines, first)


def held(when: str, *texts: str, scope: str = "clause") -> list[tuple[int, int, int, tuple[str, ...]]]:
    """(text, first clause, last clause, words) of every firing."""
    found = find(book(Rule(when, scope=scope)), *texts)
    return [(one.row, one.first, one.last, one.words) for one in found.firings]


@pytest.mark.parametrize(
    ("when", "text", "expected"),
    [
        ("空调", "空調不制冷，好热，空调还吵", [(0, 0, ("空调",)), (2, 2, ("空调",))]),
        ("app", "happy hour便宜，APP卡", [(1, 1, ("app",))]),
        ("@员工 and 笑", "收銀員一直笑，店员不理人", [(0, 0, ("收银员", "笑"))]),
        ("店员 and not 笑", "店员笑脸相迎，另一位店员板着脸", [(1, 1, ("店员",))]),
        ("隔音 or 吵", "吵得睡不着，隔音差", [(0, 0, ("吵",)), (1, 1, ("隔音",))]),
        # near counts the characters between, in either order, within the clause
        ("门 near/2 响", "门一关就响", []),
        ("门 near/3 响", "门一关就响", [(0, 0, ("门", "响"))]),
        ("响 near/3 门", "门一关就响", [(0, 0, ("响", "门"))]),
        ("门 near/9 响", "门坏了，到处响", []),
        ("门锁 near/3 锁坏", "门锁坏", []),  # not of one and the same character
        ("门 near/0 锁", "锁门", [(0, 0, ("门", "锁"))]),
        ("(门 near/2 关) near/2 响", "门难关又响", [(0, 0, ("门难关", "响"))]),
        ("affirmed(便宜) near/4 affirmed(好)", "便宜但不算好", []),
        ("affirmed(干净)", "不干净，厕所倒是干净", [(1, 1, ("干净",))]),
        ("negated(干净)", "不干净，厕所倒是干净", [(0, 0, ("干净",))]),
        ("affirmed(干净)", "不干净的地方擦干净了", [(0, 0, ("干净",))]),
        ("negated(好吃 or 新鲜)", "唔係好新鮮", [(0, 0, ("新鲜",))]),
        ("not 慢 and 上菜", "上菜快，上菜慢", [(0, 0, ("上菜",))]),
        (r"re:/第\d次/", "第3次来了，第三次来", [(0, 0, ("第3次来了",))]),
        ("re:/USB.?口/ and 坏", "usb口坏了", [(0, 0, ("usb口坏了", "坏"))]),
        ('whole:"马马虎虎"', "马马虎虎！！", [(0, 0, ("马马虎虎",))]),
        ('whole:"马马，虎虎"', "马马，虎虎。", [(0, 1, ("马马，虎虎",))]),
        ('whole:"马马虎虎"', "马马虎虎吧", []),
    ],
)
def test_a_rule_holds_in_a_clause(when: str, text: str, expected: list[tuple[int, int, tuple[str, ...]]]) -> None:
    assert held(when, text) == [(0, *one) for one in expected]


@pytest.mark.parametrize(
    ("when", "text", "expected"),
    [
        ("退款 and 慢", "退款，太慢", [(0, 1, ("退款", "慢"))]),
        ("退款 near/3 慢", "退款，太慢", [(0, 1, ("退款", "慢"))]),  # the end of a clause counts as one character
        ("退款 near/1 慢", "退款，太慢", []),
        ("退款 and not 到账", "退款慢，到账了", []),
        ("慢 and 冷", "菜冷，环境好，上得慢", [(0, 2, ("慢", "冷"))]),
        ("affirmed(退款)", "没有，退款了", [(1, 1, ("退款",))]),  # no negation reaches into the next clause
    ],
)
def test_a_rule_holds_in_a_comment(when: str, text: str, expected: list[tuple[int, int, tuple[str, ...]]]) -> None:
    assert held(when, text, scope="comment") == [(0, *one) for one in expected]


def test_texts_are_held_apart() -> None:
    assert held("退款 and 慢", "退款", "慢", "慢，退款", scope="comment") == [(2, 0, 1, ("退款", "慢"))]
    assert held('whole:"好"', "好", "好，好", "好。") == [(0, 0, 0, ("好",)), (2, 0, 0, ("好",))]


def test_keywords_and_rules_are_found_side_by_side() -> None:
    found = find(
        book(Rule("排队 and 久"), Rule("排队", name="队"), keywords=("排队", "叫号")), "排队不久，叫号快", "叫号"
    )
    assert found.keywords == [(0, "c"), (1, "c"), (2, "c")]
    assert [(one.row, one.condition.label, one.words) for one in found.firings] == [
        (0, "c#1", ("排队", "久")),
        (0, "队", ("排队",)),
    ]


def test_nothing_to_read_nothing_found() -> None:
    assert find(book(Rule("a"))) == Found([], [])
    assert find(book(Rule("a")), "", "b") == Found([], [])


def test_a_rule_that_cannot_be_read_names_its_code() -> None:
    with pytest.raises(CodeframeError) as caught:
        book(Rule("a"), Rule("a and"))
    assert caught.value.message.startswith("codeframe f, code c, rule 2: character 6: expected a term")


def test_a_huge_comment_does_not_take_long_by_its_shape() -> None:
    text = "不快不慢" * 4_000 + "，慢" * 4_000
    near = "(快 or 慢) near/50 (不 or 烫) near/50 冷"
    rules = (Rule(near), Rule("affirmed(快)"), Rule("慢 and not 快", scope="comment"), Rule("re:/(慢|慢不)+快/"))
    found = find(book(*rules), text)
    assert [(one.condition.number, one.first) for one in found.firings] == [(4, 0)]
