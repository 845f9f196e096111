"""What is allowed in the rules of a frame but probably not meant: rules in each other's shadow, rules without effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .codeframe_parts import ADD, COMMENT, DECIDE, VETO, Code, Rule
from .errors import CodeframeError
from .rule_syntax import parse
from .rule_tree import ANY, Absent, Both, Either, Expression, Near, Terms

_SYNONYM = re.compile(r"@([^\s()（）@\"“”「」『』]+)")
_LONG_NUMBER = re.compile(r"\d{4}")


def rule_warnings(
    codes: Sequence[Code], synonyms: Mapping[str, tuple[str, ...]], *, taggable: frozenset[str], exclusive: bool
) -> Iterator[str]:
    """One sentence a finding, as ``Codeframe.warnings`` gives them."""
    named = {name for code in codes for rule in code.rules for name in _SYNONYM.findall(rule.when)}
    for name in synonyms:
        if name not in named:
            yield f"synonyms: no rule uses @{name}"
    for code in codes:
        if not code.rules:
            continue
        if code.id not in taggable:
            yield f"{code.id}: its rules are never used, because no comment carries this code itself"
        yield from _without_effect(code, exclusive=exclusive)
        yield from _shadows(code, synonyms)
        for number, rule in enumerate(code.rules, 1):
            if _LONG_NUMBER.search(rule.when):
                yield f"{code.id}: rule {number} holds a number of more than three digits, of which only three are read"


def _without_effect(code: Code, *, exclusive: bool) -> Iterator[str]:
    effects = [rule.effect for rule in code.rules]
    if DECIDE in effects:
        if code.keywords:
            yield f"{code.id}: its keywords are never used, because a rule decides"
        for number, effect in enumerate(effects, 1):
            if effect != DECIDE:
                yield f"{code.id}: rule {number} ({effect}) has no effect, because another rule decides"
    elif exclusive and ADD in effects:
        yield f"{code.id}: in an exclusive frame, rules that add speak only where the model is silent; decide speaks first"


def _shadows(code: Code, synonyms: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    rules = [(number, rule, _tree(rule, synonyms)) for number, rule in enumerate(code.rules, 1)]
    for number, rule, tree in rules:
        for other, larger, wide in rules:
            if tree is None or wide is None or number == other or not _within(rule, tree, larger, wide):
                continue
            if rule.effect == larger.effect:
                equal = _within(larger, wide, rule, tree)
                if not equal or number > other:
                    yield f"{code.id}: rule {number} holds only where rule {other} does, which has the same effect"
            elif (rule.effect, larger.effect) == (ADD, VETO):
                yield f"{code.id}: rule {number} adds only where rule {other} vetoes, so it adds nothing"


def _tree(rule: Rule, synonyms: Mapping[str, tuple[str, ...]]) -> Expression | None:
    try:
        return parse(rule.when, synonyms=synonyms, allow_regex=True)
    except CodeframeError:  # a frame made in code, unread: the tagger will refuse it
        return None


def _within(one: Rule, tree: Expression, two: Rule, wide: Expression) -> bool:
    """Whether the first rule surely holds only where the second does."""
    if one.scope != two.scope and (two.scope != COMMENT or _denies(wide)):
        return False
    return implies(tree, wide)


def _denies(tree: Expression) -> bool:
    match tree:
        case Absent():
            return True
        case Both(parts) | Either(parts):
            return any(_denies(part) for part in parts)
    return False


def implies(one: Expression, two: Expression) -> bool:
    """Whether ``two`` holds wherever ``one`` does, as far as their shapes show it; False where they do not."""
    if one == two:
        return True
    match one, two:
        case Either(parts), _:
            answer = all(implies(part, two) for part in parts)
        case _, Both(parts):
            answer = all(implies(one, part) for part in parts)
        case Terms(words), Terms(others, wanted):
            inside = wanted == ANY and all(any(_holds(word, other) for other in others) for word in words)
            answer = inside or _among(one, two)
        case Near(a, b, near), Near(c, d, far):
            answer = near <= far and ((_among(a, c) and _among(b, d)) or (_among(a, d) and _among(b, c)))
        case Absent(a), Absent(b):
            answer = implies(b, a)
        case _, Either(parts) if any(implies(one, part) for part in parts):
            answer = True
        case Both(parts), _:
            answer = any(implies(part, two) for part in parts)
        case Near(a, b), _:
            answer = implies(a, two) or implies(b, two)
        case _:
            answer = False
    return answer


def _among(one: Expression, two: Expression) -> bool:
    """Whether every place of the one is a place of the other."""
    if isinstance(one, Terms) and isinstance(two, Terms):
        return two.state in (ANY, one.state) and set(one.words) <= set(two.words)
    return one == two


def _holds(word: str, other: str) -> bool:
    """Whether a text that holds ``word`` holds ``other``: 很慢 holds 慢, but happy no app."""
    return word == other or (other in word and not re.search("[a-z]", other))
