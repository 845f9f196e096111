"""Rules and synonyms in a codeframe's file: read, refused with their line, compared, and warned about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cafe_frame import GOOD, load

from vocnlp.codeframe import Code, Codeframe, CodeframeDiff, Rule
from vocnlp.errors import CodeframeError

RULED = (
    GOOD.replace("exclusive: false\n", "exclusive: false\nallow_regex: true\nsynonyms:\n  杯: [杯子, 杯盖]\n")
    + """\
    rules:
      - when: '@杯 near/5 (漏 or 裂)'
      - {when: 're:/烫(手|嘴)/', effect: decide, polarity: negative, scope: comment, name: 烫}
      - when: 外带
        effect: veto
"""
)
RULES = (
    Rule("@杯 near/5 (漏 or 裂)"),
    Rule("re:/烫(手|嘴)/", effect="decide", polarity="negative", scope="comment", name="烫"),
    Rule("外带", effect="veto"),
)


def test_rules_and_synonyms_are_read_and_given_back(tmp_path: Path) -> None:
    frame = load(tmp_path, RULED)
    assert frame["queueing"].rules == RULES
    assert (frame["flavour"].rules, frame.synonyms, frame.allow_regex) == ((), {"杯": ("杯子", "杯盖")}, True)
    assert frame.to_dict()["codes"][2]["rules"] == [
        {"when": "@杯 near/5 (漏 or 裂)"},
        {"when": "re:/烫(手|嘴)/", "effect": "decide", "polarity": "negative", "scope": "comment", "name": "烫"},
        {"when": "外带", "effect": "veto"},
    ]
    assert Codeframe.from_dict(frame.to_dict()) == frame


def test_a_frame_without_rules_has_the_digest_it_had(tmp_path: Path) -> None:
    frame = load(tmp_path, GOOD)
    assert {"rules", "synonyms", "allow_regex"} & {*frame.to_dict(), *frame.to_dict()["codes"][1]} == set()
    assert frame.digest == "b54cf009ea76abf7243f96228abedf292fe80395622ab2b089738c50381b6c7d"
    spelt_out = load(tmp_path, RULED.replace("effect: veto", "effect: veto\n        scope: clause"))
    assert spelt_out.digest == load(tmp_path, RULED).digest != frame.digest


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("when: 外带", "when: 外带 or", 39, "when", 'character 6: expected a term, a "phrase", @synonym, whole:"…", affirmed(…), negated(…) or (, found the end'),
        ("@杯 near", "@碗 near", 37, "when", "character 1: @碗 is not among the frame's synonyms"),
        ("allow_regex: true\n", "", 37, "when", "character 1: regular expressions are switched off in this frame"),
        ("allow_regex: true", "allow_regex: 1", 6, "allow_regex", "must be true or false"),
        ("when: 外带", "when: not 外带", 39, "when", "would hold without any of its terms being found, so for nearly every comment"),
        ("when: 外带", "wenn: 外带", 39, "wenn", "unknown key"),
        ("when: 外带", "name: 外带", 39, "when", "missing"),
        ("effect: veto", "effect: remove", 40, "effect", "'remove' is none of add, veto, decide"),
        ("effect: veto", "scope: text", 40, "scope", "'text' is none of clause, comment"),
        ("effect: veto", "polarity: mixed", 40, "polarity", "'mixed' is none of negative, neutral, positive"),
        ("polarity: negative", "effect: veto", 38, "effect", "the key stands twice"),
        ("effect: decide, polarity", "effect: veto, polarity", 38, "polarity", "a veto gives no tag, so it has no polarity"),
        ("杯: [杯子, 杯盖]", "杯: []", 8, "杯", "has no terms"),
        ("杯: [杯子, 杯盖]", "杯: 杯子", 8, "杯", "must be a list of texts"),
        ("杯: [杯子, 杯盖]", "'杯 子': [杯子]", 8, "杯 子", "a synonym's name holds no blanks, brackets, quotation marks or @"),
        ("杯: [杯子, 杯盖]", "杯: ['杯子，盖']", 8, "杯", "the term '杯子，盖' holds a place where comments are cut into clauses, so it is never found"),
        ("synonyms:\n  杯: [杯子, 杯盖]", "synonyms: 杯", 7, "synonyms", "expected a mapping of keys to values"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, key: str, says: str
) -> None:
    with pytest.raises(CodeframeError) as caught:
        load(tmp_path, RULED.replace(old, new))
    told = caught.value
    assert (told.line, told.key) == (line, key)
    assert str(told) == f"{tmp_path / 'frame.yaml'}, line {line}, key {key!r}: {says}"


def test_the_difference_names_changed_rules_and_synonyms(tmp_path: Path) -> None:
    old = load(tmp_path, RULED)
    new = load(tmp_path, RULED.replace("when: 外带", "when: 外带 or 打包").replace("杯盖]", "杯盖, 杯托]"))
    assert old.diff(new) == CodeframeDiff((), (), {}, {}, {"queueing": ("rules",)}, synonyms=("杯",))
    assert bool(old.diff(replace(old, synonyms={}))) is True


def warned(*rules: Rule, exclusive: bool = False, keywords: tuple[str, ...] = ()) -> list[str]:
    code = Code("c", "码", "一个码", rules=rules, keywords=keywords)
    frame = Codeframe("f", "1", (code,), exclusive=exclusive, synonyms={"杯": ("杯子", "杯盖")})
    return [one for one in frame.warnings() if one != "synonyms: no rule uses @杯"]


SHADOW = "c: rule 2 holds only where rule 1 does, which has the same effect"


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("漏", "漏"),
        ("漏 or 裂", "裂"),
        ("漏", "漏水"),
        ("@杯", "杯盖"),
        ("漏", "漏 and 杯"),
        ("漏 and 杯", "漏 and 杯 and 烫"),
        ("漏 near/6 杯", "杯 near/3 漏"),
        ("漏", "杯 near/3 漏"),
        ("漏", "affirmed(漏)"),
        ("漏 and not (烫 and 嘴)", "漏 and not 烫"),
        ("漏 or 裂 and 杯", "漏 or 裂 and 杯盖 and 杯"),
    ],
)
def test_a_rule_in_the_shadow_of_another_is_named(wide: str, narrow: str) -> None:
    assert warned(Rule(wide), Rule(narrow)) == [SHADOW]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("漏", "裂"),
        ("漏水", "漏"),
        ("app", "happy"),
        ("affirmed(漏)", "漏"),
        ("漏 near/3 杯", "杯 near/6 漏"),
        ("漏 near/3 杯", "漏水 near/3 杯"),
        ("漏 and not 烫", "漏 and 杯"),
        ('whole:"漏"', "漏"),
    ],
)
def test_rules_that_hold_in_their_own_places_are_not(one: str, two: str) -> None:
    found = warned(Rule(one), Rule(two))
    assert SHADOW not in found


def test_rules_without_effect_are_named() -> None:
    add, veto, decide = Rule("漏"), Rule("漏 or 裂", effect="veto"), Rule("烫", effect="decide")
    assert warned(add, veto) == ["c: rule 1 adds only where rule 2 vetoes, so it adds nothing"]
    assert warned(decide, veto, keywords=("杯",)) == [
        "c: its keywords are never used, because a rule decides",
        "c: rule 2 (veto) has no effect, because another rule decides",
    ]
    assert warned(add, exclusive=True) == [
        "c: in an exclusive frame, rules that add speak only where the model is silent; decide speaks first"
    ]
    assert warned(Rule("打12345")) == [
        "c: rule 1 holds a number of more than three digits, of which only three are read"
    ]
    assert warned(Rule("漏", scope="comment"), Rule("漏")) == [SHADOW]
    assert warned(Rule("漏 and not 裂", scope="comment"), Rule("漏 and not 裂")) == []


def test_rules_of_a_code_that_no_comment_carries_are_named(tmp_path: Path) -> None:
    text = RULED.replace("    definition: 喝的东西", "    definition: 喝的东西\n    rules: [{when: 茶}]").replace(
        "@杯 near", "杯 near"
    )
    assert load(tmp_path, text).warnings() == (
        "synonyms: no rule uses @杯",
        "drinks: its rules are never used, because no comment carries this code itself",
        "queueing: rule 1 (add) has no effect, because another rule decides",
        "queueing: rule 3 (veto) has no effect, because another rule decides",
    )


def test_the_example_of_the_document_is_read_without_a_warning(tmp_path: Path) -> None:
    document = (Path(__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    example = document.partition("```yaml\n")[2].partition("```")[0]
    frame = load(tmp_path, example)
    assert frame.warnings() == ()
    assert [len(code.rules) for code in frame.codes] == [1, 2]
    broken = example.replace("慢 or 拖) and", "慢 or 拖 and")
    with pytest.raises(CodeframeError) as caught:
        load(tmp_path, broken, "parcel.yaml")
    assert f"error: {str(caught.value).removeprefix(f'{tmp_path}/')}\n" in document
