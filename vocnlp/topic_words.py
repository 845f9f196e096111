"""Words of Chinese pieces for topics: jieba's, with the terms of the codeframe kept whole, and the words that name one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .codeframe import Codeframe
from .stopwords import STOP, tells
from .text import normalise

_LONGEST = 10  # characters of a phrase that names a topic
_LENGTHS = (1, 2, 3, 4)  # words of such a phrase
_SHARED = 20  # one line in so many, at least, holds a phrase that may name the topic


class Words:
    """Cuts normalised lines into words; the frame's names and keywords are words of the dictionary.

    jieba's dictionary and its model for unknown words, through rjieba, which gives the same words. Terms with blanks
    or of one character are no words.
    """

    def __init__(self, frame: Codeframe | None = None) -> None:
        import rjieba

        self._jieba: Any = rjieba.Jieba()
        for term in sorted(_terms(frame)) if frame else ():
            self._jieba.add_word(term, self._jieba.suggest_freq(term), "n")

    def cut(self, line: str) -> list[str]:
        """All words of a line, no blank ones (a blank one breaks the vectoriser of topics)."""
        return [word for word in map(str.strip, self._jieba.cut(line, True)) if word]

    def telling(self, line: str) -> list[str]:
        """The words that say something on their own (see ``stopwords``)."""
        return [word for word in self.cut(line) if tells(word)]


def _terms(frame: Codeframe) -> set[str]:
    given = (word for code in frame.codes for word in (code.name, *code.keywords))
    terms = {normalise(word.replace("\n", " ")) for word in given}
    return {term for term in terms if len(term) > 1 and term.isalnum()}


def name_of(lines: Sequence[Sequence[str]], terms: Sequence[str], everywhere: Counter[str]) -> str:
    """A readable name: the phrase that most of a topic's lines share and others lack; behind it the term it misses.

    lines: the words (all of them) of each line; terms: the words of the topic, weightiest first; everywhere: in how
    many of all lines a word occurs. A phrase begins and ends with a word that tells something.
    """
    if not lines or not terms:
        return "、".join(terms[:3])
    held = Counter(phrase for words in lines for phrase in {*_phrases(words)})
    least = max(2, len(lines) // _SHARED)
    held = Counter({phrase: count for phrase, count in held.items() if count >= least})
    rank = {term: 1 / (1 + place) for place, term in enumerate(terms[:10])}
    best = max(held, key=lambda phrase: (_worth(phrase, held[phrase], rank, everywhere), phrase), default=())
    name = _joined(best)
    missing = next((term for term in terms[:2] if term not in name), None)
    return f"{name}·{missing}" if name and missing else name or "、".join(terms[:3])


def _phrases(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for length in _LENGTHS:
        for at in range(len(words) - length + 1):
            phrase = tuple(words[at : at + length])
            if sum(map(len, phrase)) <= _LONGEST and _ends(phrase[0]) and _ends(phrase[-1]):
                yield phrase


def _ends(word: str) -> bool:
    return tells(word) or (len(word) > 1 and word not in STOP and word.isalpha())


def _worth(phrase: tuple[str, ...], count: int, rank: dict[str, float], everywhere: Counter[str]) -> float:
    """How much of the topic a phrase tells: its terms, by how many lines share it, and how rare its words are elsewhere."""
    told = sum(rank.get(word, 0.0) for word in phrase)
    rare = sum(1 / math.log(2 + everywhere[word]) for word in phrase) / len(phrase)
    return told * math.sqrt(count) * (1 + 0.25 * (len(phrase) - 1)) * rare


def _joined(phrase: tuple[str, ...]) -> str:
    """Chinese words touch each other, Latin ones do not."""
    name = ""
    for word in phrase:
        name += " " + word if name and name[-1].isascii() and word[0].isascii() else word
    return name
