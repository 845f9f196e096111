"""Codes found by their keywords: what a codeframe can do for a code that no model has learnt yet."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from .codeframe import Code
from .text import normalise


class Keywords:
    """Finds the keywords of some codes in normalised clauses (Aho-Corasick, all keywords in one pass)."""

    def __init__(self, codes: Iterable[Code]) -> None:
        owners: dict[str, list[str]] = {}
        for code in codes:
            for keyword in code.keywords:
                owners.setdefault(normalise(keyword.replace("\n", " ")), []).append(code.id)
        owners.pop("", None)
        self._words, self._codes = list(owners), list(owners.values())
        self._automaton: Any = None
        if owners:
            import ahocorasick_rs

            self._automaton = ahocorasick_rs.AhoCorasick(self._words)

    def find(self, clauses: Sequence[str]) -> list[tuple[int, str]]:
        """``(index of the clause, code id)``, each pair once, in the order of the text."""
        if self._automaton is None or not clauses:
            return []
        ends = list(accumulate(len(clause) + 1 for clause in clauses))
        found: dict[tuple[int, str], None] = {}
        # Overlapping: 会员积分 must not hide the 积分 of another code.
        joined = "\n".join(clauses)
        for word, start, end in self._automaton.find_matches_as_indexes(joined, overlapping=True):
            if _cuts_a_word(joined, start, end):
                continue
            clause = bisect_right(ends, start)
            for code in self._codes[word]:
                found[clause, code] = None
        return list(found)


def _cuts_a_word(text: str, start: int, end: int) -> bool:
    """Whether a match begins or ends inside a Latin word: app in happy."""
    return _LETTERS.match(text, max(0, start - 1), start + 1) is not None or (
        _LETTERS.match(text, end - 1, end + 1) is not None
    )


_LETTERS = re.compile("[a-z]{2}")
