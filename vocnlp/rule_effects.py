"""What rules that hold do to the tags of a comment: decide before veto before add, and all of them before the model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple, TypeAlias

from .codeframe_parts import ADD, CLAUSE, DECIDE, VETO
from .rules import Condition, Firing, Found

#: (row, code) -> the clauses, within the text, where the code is vetoed; None for the whole text.
Vetoes: TypeAlias = Mapping[tuple[int, str], frozenset[int] | None]


class Given(NamedTuple):
    """A tag that a rule or keyword gives: the text, its clauses (both included), and the rule; None for a keyword."""

    row: int
    code: str
    first: int
    last: int
    condition: Condition | None = None

    @property
    def decided(self) -> bool:
        return self.condition is not None and self.condition.rule.effect == DECIDE


def vetoes(firings: Sequence[Firing], decided: Set[str]) -> Vetoes:
    """Where the model, keywords and adding rules may not give a code; those that a rule decides know no veto."""
    found: dict[tuple[int, str], frozenset[int] | None] = {}
    for firing in firings:
        rule, key = firing.condition.rule, (firing.row, firing.condition.code)
        if rule.effect != VETO or firing.condition.code in decided:
            continue
        before = found.get(key, frozenset())
        if rule.scope != CLAUSE or before is None:
            found[key] = None
        else:
            found[key] = before | frozenset(range(firing.first, firing.last + 1))
    return found


def vetoed(where: Vetoes, row: int, code: str, first: int, last: int) -> bool:
    """Whether a tag of these clauses (both included) is vetoed."""
    if (row, code) not in where:
        return False
    clauses = where[row, code]
    return clauses is None or any(clause in clauses for clause in range(first, last + 1))


def given(found: Found, first: Sequence[int], where: Vetoes, decided: Set[str]) -> Iterator[Given]:
    """What rules and keywords give, the stronger before the weaker: decide, add, keywords. ``first`` as in Rulebook."""
    for effect in (DECIDE, ADD):
        for firing in found.firings:
            code, span = firing.condition.code, (firing.first, firing.last)
            if firing.condition.rule.effect == effect and (
                effect == DECIDE or not (code in decided or vetoed(where, firing.row, code, *span))
            ):
                yield Given(firing.row, code, *span, firing.condition)
    for clause, code in found.keywords:
        row = bisect_right(first, clause) - 1
        at = clause - first[row]
        if not (code in decided or (where and vetoed(where, row, code, at, at))):
            yield Given(row, code, at, at)
