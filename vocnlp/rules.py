"""Codes found by their keywords and rules: what a codeframe itself says about the words of a comment."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import Any, TypeAlias

from .codeframe import Code, Codeframe, Rule
from .codeframe_parts import COMMENT
from .errors import CodeframeError
from .rule_matching import Scope, Span, held
from .rule_syntax import bare, parse
from .rule_tree import Expression, Regex, Terms, Whole, anchors, leaves
from .text import normalise

Places: TypeAlias = dict[str | Regex, list[Span]]


class Keywords:
    """Finds the keywords of some codes in normalised clauses (Aho-Corasick, all keywords in one pass)."""

    def __init__(self, codes: Iterable[Code], *, terms: Iterable[str] = ()) -> None:
        """``terms`` are normalised phrases that are looked for in the same pass."""
        owners: dict[str, list[str]] = {}
        for code in codes:
            for keyword in code.keywords:
                owners.setdefault(normalise(keyword.replace("\n", " ")), []).append(code.id)
        owners.pop("", None)
        self._terms = frozenset(terms)
        for term in sorted(self._terms):
            owners.setdefault(term, [])
        self._words, self._codes = list(owners), list(owners.values())
        self._automaton: Any = None
        if owners:
            import ahocorasick_rs

            self._automaton = ahocorasick_rs.AhoCorasick(self._words)

    def find(self, clauses: Sequence[str]) -> list[tuple[int, str]]:
        """``(index of the clause, code id)``, each pair once, in the order of the text."""
        return self.search(clauses)[0]

    def search(self, clauses: Sequence[str]) -> tuple[list[tuple[int, str]], dict[int, Places]]:
        """As ``find``; and for each clause where terms stand, in characters of the clauses joined by line feeds."""
        if self._automaton is None or not clauses:
            return [], {}
        ends = list(accumulate(len(clause) + 1 for clause in clauses))
        found: dict[tuple[int, str], None] = {}
        places: dict[int, Places] = {}
        # Overlapping: 会员积分 must not hide the 积分 of another code.
        joined = "\n".join(clauses)
        for word, start, end in self._automaton.find_matches_as_indexes(joined, overlapping=True):
            if _cuts_a_word(joined, start, end):
                continue
            clause = bisect_right(ends, start)
            for code in self._codes[word]:
                found[clause, code] = None
            if self._terms and (term := self._words[word]) in self._terms:
                places.setdefault(clause, {}).setdefault(term, []).append((start, end))
        return list(found), places


@dataclass(frozen=True)
class Condition:
    """A rule of a code, read. ``number`` counts the code's rules from 1, ``order`` all rules of the frame from 0."""

    code: str
    number: int
    order: int
    rule: Rule
    tree: Expression

    @property
    def label(self) -> str:
        """How reports call it."""
        return self.rule.name or f"{self.code}#{self.number}"


@dataclass(frozen=True)
class Firing:
    """A rule that holds: in which text, from which clause to which (of the text, both included), by which words."""

    condition: Condition
    row: int
    first: int
    last: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What keywords and rules found in some texts.

    keywords: ``(index of the clause among all clauses, code id)``, as ``Keywords.find`` gives them
    firings: by text, then in the order of the frame, then of the clauses
    """

    keywords: Sequence[tuple[int, str]] = ()
    firings: Sequence[Firing] = ()


@dataclass(frozen=True)
class _Chunk:
    """Some texts as one. ``first[row]`` is the index of a text's first clause, ``starts`` where each clause begins.

    ``whole`` holds the bare texts of the comments that some ``whole:"…"`` asks for, by row.
    """

    text: str
    first: Sequence[int]
    starts: Sequence[int]
    places: Mapping[int, Places]
    whole: Mapping[int, str]

    def row(self, clause: int) -> int:
        return bisect_right(self.first, clause) - 1

    def scope(self, row: int, begin: int, end: int) -> Scope:
        """The clauses from ``begin`` to before ``end``, of one text."""
        places: Places = {}
        for clause in range(begin, end):
            for leaf, spans in self.places.get(clause, {}).items():
                places.setdefault(leaf, []).extend(spans)
        whole = {}
        if row in self.whole:
            whole[self.whole[row]] = (self.starts[self.first[row]], self.starts[self.first[row + 1]] - 1)
        return Scope(self.text, places, whole)


class Rulebook:
    """The keywords and rules of a frame, read once: all their terms are looked for in one pass."""

    def __init__(self, frame: Codeframe, *, keywords_of: Iterable[Code]) -> None:
        """CodeframeError names the code and rule that cannot be read."""
        self.conditions = tuple(_conditions(frame))
        found = [leaf for condition in self.conditions for leaf in leaves(condition.tree)]
        self._patterns = tuple(dict.fromkeys(leaf.pattern for leaf in found if isinstance(leaf, Regex)))
        self._wholes = frozenset(leaf.text for leaf in found if isinstance(leaf, Whole))
        terms = {word for leaf in found if isinstance(leaf, Terms) for word in leaf.words}
        self._keywords = Keywords(keywords_of, terms=terms)
        self._by_anchor: dict[str | Regex | Whole, list[Condition]] = {}
        for condition in self.conditions:
            for anchor in anchors(condition.tree) or ():
                self._by_anchor.setdefault(anchor, []).append(condition)

    def find(self, lines: Sequence[str], first: Sequence[int]) -> Found:
        """What holds in texts given as all their normalised clauses; text ``i`` has those ``[first[i]:first[i + 1]]``."""
        if not self.conditions:
            return Found(self._keywords.find(lines))
        keywords, places = self._keywords.search(lines)
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        for pattern in self._patterns:
            for clause in _matching(pattern, lines):
                span = (starts[clause], starts[clause] + len(lines[clause]))
                places.setdefault(clause, {})[Regex(pattern)] = [span]
        whole = {}
        if self._wholes:
            said = (bare("".join(lines[a:b])) for a, b in pairwise(first))
            whole = {row: text for row, text in enumerate(said) if text in self._wholes}
        return Found(keywords, self._fired(_Chunk("\n".join(lines), first, starts, places, whole)))

    def _fired(self, chunk: _Chunk) -> list[Firing]:
        fired = []
        for (row, begin, end), orders in groupby(sorted(self._candidates(chunk)), lambda one: one[:3]):
            scope = chunk.scope(row, begin, end)
            for *_, order in orders:
                if spans := held(self.conditions[order].tree, scope):
                    fired.append(_firing(self.conditions[order], row, spans, chunk))
        return sorted(fired, key=lambda one: (one.row, one.condition.order, one.first))

    def _candidates(self, chunk: _Chunk) -> set[tuple[int, int, int, int]]:
        """``(text, first clause, clause after the last, order of the rule)`` where one of the rule's anchors stands."""
        hits: list[tuple[int, str | Regex | Whole]] = [(at, leaf) for at, some in chunk.places.items() for leaf in some]
        hits += [(chunk.first[row], Whole(text)) for row, text in chunk.whole.items()]
        found = set()
        for clause, leaf in hits:
            for condition in self._by_anchor.get(leaf, ()):
                row = chunk.row(clause)
                wide = condition.rule.scope == COMMENT or isinstance(leaf, Whole)
                begin, end = (chunk.first[row], chunk.first[row + 1]) if wide else (clause, clause + 1)
                found.add((row, begin, end, condition.order))
        return found


def _conditions(frame: Codeframe) -> Iterator[Condition]:
    order = 0
    for code in frame.taggable:
        for number, rule in enumerate(code.rules, 1):
            try:
                tree = parse(rule.when, synonyms=frame.synonyms, allow_regex=frame.allow_regex)
            except CodeframeError as error:
                told = f"codeframe {frame.name}, code {code.id}, rule {number}: {error.message}"
                raise CodeframeError(told, hint=error.hint) from error
            yield Condition(code.id, number, order, rule, tree)
            order += 1


def _matching(pattern: str, lines: Sequence[str]) -> list[int]:
    """The clauses that a pattern matches, by RE2: in time proportional to their length whatever the pattern."""
    import pyarrow as pa
    import pyarrow.compute as pc

    matched = pc.match_substring_regex(pa.array(lines, pa.string()), pattern)
    indices: list[int] = pc.indices_nonzero(matched).to_pylist()
    return indices


def _firing(condition: Condition, row: int, spans: Sequence[Span], chunk: _Chunk) -> Firing:
    first = bisect_right(chunk.starts, min(start for start, _ in spans)) - 1
    last = bisect_right(chunk.starts, max(end for _, end in spans) - 1) - 1
    words = tuple(dict.fromkeys(chunk.text[start:end].replace("\n", "，") for start, end in spans))
    return Firing(condition, row, first - chunk.first[row], last - chunk.first[row], words)


def _cuts_a_word(text: str, start: int, end: int) -> bool:
    """Whether a match begins or ends inside a Latin word: app in happy."""
    return _LETTERS.match(text, max(0, start - 1), start + 1) is not None or (
        _LETTERS.match(text, end - 1, end + 1) is not None
    )


_LETTERS = re.compile("[a-z]{2}")
