"""The language of rules: what an expression means as a tree, and what is refused with its place."""

from __future__ import annotations

import pytest

from vocnlp.errors import CodeframeError
from vocnlp.rule_syntax import parse
from vocnlp.rule_tree import Absent, Both, Either, Expression, Near, Regex, Terms, Whole, anchors

SYNONYMS = {"前台": ("前台小妹", "接待員"), "Wifi": ("WiFi", "无线网")}


def words(*said: str) -> Terms:
    return Terms(said)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("房卡", words("房卡")),
        ("“Face  ID”", words("face  id")),
        ("「房卡」", words("房卡")),
        ("ＡＰＰ", words("app")),
        ("房間 or 房间", words("房间")),
        ("a or b and c", Either((words("a"), Both((words("b"), words("c")))))),
        ("(a or b) and c", Both((words("a", "b"), words("c")))),
        ("a AND Not b", Both((words("a"), Absent(words("b"))))),
        ("a 且 非 b", Both((words("a"), Absent(words("b"))))),
        ("（a 或 b）且 c", Both((words("a", "b"), words("c")))),
        ("c and not a near/2 b", Both((words("c"), Absent(Near(words("a"), words("b"), 2))))),
        ("a near/0 b NEAR/3 c", Near(Near(words("a"), words("b"), 0), words("c"), 3)),
        ("a near/4 (b or c near/1 d)", Near(words("a"), Either((words("b"), Near(words("c"), words("d"), 1))), 4)),
        ("@前台 near/5 慢", Near(words("前台小妹", "接待员"), words("慢"), 5)),
        ("@Wifi or 断网", words("wifi", "无线网", "断网")),
        (
            "affirmed(脏 or 乱) or negated (干净)",
            Either((Terms(("脏", "乱"), "affirmed"), Terms(("干净",), "negated"))),
        ),
        ("affirmed", words("affirmed")),
        ('"and" or "near/3"', words("and", "near/3")),
        ("w/o and http:x", Both((words("w/o"), words("http:x")))),
        ('whole: "还行吧！"', Whole("还行吧")),
        (r"re:/房[间間]\/\d+/", Regex(r"(?i)房[间间]\/\d+")),
        ("a\n  and b", Both((words("a"), words("b")))),
    ],
)
def test_an_expression_is_read_as(text: str, tree: Expression) -> None:
    assert parse(text, synonyms=SYNONYMS, allow_regex=True) == tree


ITEM = 'expected a term, a "phrase", @synonym, whole:"…", affirmed(…), negated(…) or (, found '


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a b", "character 3: expected and, or, near/N or the end, found 'b'"),
        ("a and", f"character 6: {ITEM}the end"),
        ("a and or b", f"character 7: {ITEM}'or'"),
        ("", f"character 1: {ITEM}the end"),
        ("()", f"character 2: {ITEM}')'"),
        ("not not a", f"character 5: {ITEM}'not'"),
        ("a)", "character 2: expected and, or, near/N or the end, found ')'"),
        ("(a", "character 3: expected and, or, near/N or ), found the end"),
        ('a or "b', "character 6: a quotation mark without its partner: '\"b'"),
        ("a and @ b", "character 7: @ without a name: '@ b'"),
        ("a and @前臺", "character 7: @前臺 is not among the frame's synonyms"),
        ("a near b", "character 3: expected near/N with a number, as near/6, found 'near'"),
        ("a near/6b c", "character 3: expected near/N with a number, as near/6, found 'near/6b'"),
        ("a near/51 b", "character 3: near/51: at most near/50"),
        ("a near/6 not b", f"character 10: {ITEM}'not'"),
        ("(a and b) near/6 c", "character 1: near/N stands between terms, and brackets of terms joined by or"),
        ("a near/6 re:/b/", "character 10: near/N stands between terms, and brackets of terms joined by or"),
        ("affirmed(a near/2 b)", "character 1: affirmed(…) takes terms and @synonyms joined by or"),
        ("negated(affirmed(a))", "character 1: negated(…) takes terms and @synonyms joined by or"),
        ('a and ""', "character 7: the term '' holds nothing to look for"),
        ("a and 脏，乱", "character 7: the term '脏，乱' holds a place where comments are cut into clauses, so it is never found"),
        ("whole:好", "character 1: expected whole:\"…\", found 'whole:好'"),
        ('whole:"！"', "character 1: whole: of no words is no comment"),
        ("re:好", "character 1: expected re:/…/, found 're:好'"),
        ('a and "房卡 失灵"', "character 7: the term '房卡 失灵' holds a place where comments are cut into clauses, so it is never found"),
        ("a or re:/(?=a)b/", "character 6: regular expression: invalid perl operator: (?="),
        (r"re:/(a)\1/", r"character 1: regular expression: invalid escape sequence: \1"),
        ("re:/(/", "character 1: regular expression: missing ): ("),
        ("re:/a*/", "character 1: a regular expression that matches the empty text holds for every comment"),
        ("re:/慢😡/", "character 1: a picture in the pattern '慢😡' is never found: comments are read with emoji as words"),
        (f"re:/{'a' * 201}/", "character 1: a regular expression of 201 characters; at most 200"),
        ("not a", "would hold without any of its terms being found, so for nearly every comment"),
        ("a or not b", "would hold without any of its terms being found, so for nearly every comment"),
        ("a " * 1001, "has 2,002 characters, more than 2,000"),
        ("(" * 31 + "a" + ")" * 31, "character 31: more than 30 brackets inside each other"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(CodeframeError) as caught:
        parse(text, synonyms=SYNONYMS, allow_regex=True)
    assert caught.value.message == says


def test_regular_expressions_are_off_unless_the_frame_says_so() -> None:
    with pytest.raises(CodeframeError, match="switched off") as caught:
        parse("re:/房间/")
    assert caught.value.hint == "write allow_regex: true at the top of the frame, or use terms"


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("a", {"a"}),
        ("a or b near/3 c", {"a", "b"}),
        ("(a or b) and c and not d", {"c"}),
        ("(a or b) near/3 (c or d or e)", {"a", "b"}),
        ('whole:"a" or negated(b)', {Whole("a"), "b"}),
    ],
)
def test_of_the_anchors_one_is_found_wherever_the_expression_holds(text: str, needed: set[object]) -> None:
    assert anchors(parse(text)) == needed
