"""Whether an expression holds for a clause or a comment, given where its terms stand."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TypeAlias

from .rule_negation import REACH, is_negated
from .rule_tree import ANY, NEGATED, Absent, Both, Either, Expression, Near, Regex, Spans, Terms, Whole

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Scope:
    """The part of a text that a rule is held against.

    text: normalised clauses, joined by line feeds; all spans count its characters
    places: where each term of this part stands, in order; for a pattern, the clauses that match it
    whole: for the bare text of ``Whole``, the span of the whole comment
    """

    text: str
    places: Mapping[str | Regex, Sequence[Span]]
    whole: Mapping[str, Span]


def held(tree: Expression, scope: Scope) -> tuple[Span, ...] | None:
    """The places that make the expression hold, the first of each kind; None if it does not hold."""
    places: tuple[Span, ...] | None
    match tree:
        case Absent(part):
            places = () if held(part, scope) is None else None
        case Both(parts):
            places = ()
            for part in parts:
                if (more := held(part, scope)) is None:
                    return None
                places += more
        case Either(parts):
            places = next((one for part in parts if (one := held(part, scope)) is not None), None)
        case Near(left, right, within):
            places = next(_pairs(left, right, within, scope), None)
        case Terms():
            places = tuple(islice(_terms(tree, scope), 1)) or None
        case Whole(text):
            places = (scope.whole[text],) if text in scope.whole else None
        case Regex():
            places = tuple(scope.places.get(tree, ())[:1]) or None
    return places


def _places(tree: Spans, scope: Scope) -> Iterator[Span]:
    """Where a term, a near or an or of them stands, by start."""
    match tree:
        case Terms():
            return _terms(tree, scope)
        case Near(left, right, within):
            pairs = _pairs(left, right, within, scope)
            return iter(sorted({(min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs}))
    return merge(*(_places(part, scope) for part in _alternatives(tree)))


def _alternatives(tree: Either) -> Sequence[Spans]:
    return [part for part in tree.parts if isinstance(part, Terms | Near | Either)]


def _terms(tree: Terms, scope: Scope) -> Iterator[Span]:
    found = [scope.places[word] for word in tree.words if word in scope.places]
    spans = iter(found[0]) if len(found) == 1 else merge(*found)
    if tree.state == ANY:
        return spans
    wanted = tree.state == NEGATED
    return (span for span in spans if _negated(scope.text, span) == wanted)


def _negated(text: str, span: Span) -> bool:
    start, end = span
    begin = max(0, 2 * start - end - REACH)
    before, after = text[begin:start], text[end : end + REACH]
    clause = before[before.rfind("\n") + 1 :]  # a negation does not reach into the next clause
    return is_negated(clause + text[start:end] + after.partition("\n")[0], len(clause), len(clause) + end - start)


def _pairs(left: Spans, right: Spans, within: int, scope: Scope) -> Iterator[tuple[Span, Span]]:
    """Places of the two with at most ``within`` characters between them; a clause's end counts as one."""
    others = sorted(_places(right, scope))
    if not others:
        return
    by_end = sorted(others, key=lambda span: span[1])
    ends = [end for _, end in by_end]
    for span in _places(left, scope):
        start, end = span
        after = bisect_left(others, (end,))
        while after < len(others) and others[after][0] <= end + within:
            yield span, others[after]
            after += 1
        before = bisect_left(ends, start - within)
        while before < len(ends) and ends[before] <= start:
            yield span, by_end[before]
            before += 1
