"""The tree of a rule's expression: what can stand in it, and what has to be found for it to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

ANY, AFFIRMED, NEGATED = "any", "affirmed", "negated"


@dataclass(frozen=True, slots=True)
class Terms:
    """Any of some phrases, normalised; ``state`` says whether a negation before it counts."""

    words: tuple[str, ...]
    state: str = ANY


@dataclass(frozen=True, slots=True)
class Near:
    """``left`` and ``right`` apart by at most ``within`` characters, in either order, not overlapping."""

    left: Spans
    right: Spans
    within: int


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole comment, without its marks and blanks, is ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """An RE2 pattern that a clause matches somewhere."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    part: Expression


Expression: TypeAlias = Terms | Near | Whole | Regex | Both | Either | Absent
Leaf: TypeAlias = str | Whole | Regex  # what is looked for: a term, a whole comment, a pattern
Spans: TypeAlias = Terms | Near | Either  # what has places in a text; an Either of such


def anchors(tree: Expression) -> frozenset[Leaf] | None:
    """Leaves of which at least one must be found for the tree to hold; None if it can hold with none of them."""
    match tree:
        case Absent():
            return None
        case Near(left, right):
            return _smaller(anchors(left), anchors(right))
        case Both(parts):
            found: frozenset[Leaf] | None = None
            for part in parts:
                found = _smaller(found, anchors(part))
            return found
        case Either(parts):
            sets = [anchors(part) for part in parts]
            known = [one for one in sets if one is not None]
            return frozenset().union(*known) if len(known) == len(sets) else None
        case Terms(words):
            return frozenset(words)
        case Whole() | Regex():
            return frozenset([tree])


def _smaller(one: frozenset[Leaf] | None, two: frozenset[Leaf] | None) -> frozenset[Leaf] | None:
    if one is None or two is None:
        return two if one is None else one
    return min(one, two, key=len)


def leaves(tree: Expression) -> list[Terms | Whole | Regex]:
    """Everything that is looked for, from left to right."""
    match tree:
        case Near(left, right):
            return [*leaves(left), *leaves(right)]
        case Both(parts) | Either(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Absent(part):
            return leaves(part)
    return [tree]
