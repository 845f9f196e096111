"""Comments as hurried people type them: single characters replaced by others of the same sound.

Chinese is typed by sound, so most slips are a wrong character of the right syllable (Liu et al. 2011, "Visually and
phonologically similar characters in incorrect Chinese words", ACM TALIP 10(2)). An encoder that has met some of them
reads through them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vocnlp.errors import MissingExtraError
from vocnlp.text import simplify

from .labelled import Labelled

# A slip that makes or unmakes a negation would make the label wrong.
_HAN = re.compile("(?![不没无未非别])[\u4e00-\u9fff]")
_LEAST = 20  # times that a character stands in the texts before somebody is taken to type it by mistake
_EVERY = 12  # characters to one slip
_MOST = 3
# What many speakers do not tell apart, and input methods therefore take for the same.
_BLURRED = ((re.compile("^([zcs])h"), r"\1"), (re.compile("([aei])ng$"), r"\1n"), (re.compile("^l"), "n"))


@dataclass(frozen=True)
class Slips:
    """For every character those that are typed in its place, and how likely each is."""

    instead: dict[str, tuple[tuple[str, ...], tuple[float, ...]]]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Slips:
        """Slips among the characters of these texts: a common one is typed in the place of others more often.

        MissingExtraError without pypinyin.
        """
        try:
            from pypinyin import Style, lazy_pinyin
        except ImportError as error:
            raise MissingExtraError("pypinyin", extra="train") from error

        count = Counter(letter for text in texts for letter in _HAN.findall(simplify(text)))
        sounds: dict[str, list[str]] = defaultdict(list)
        for letter, times in count.items():
            if times >= _LEAST:
                sounds[_blurred(lazy_pinyin(letter, style=Style.NORMAL)[0])].append(letter)
        instead = {}
        for letters in sounds.values():
            for letter in letters:
                others = tuple(one for one in letters if one != letter)
                weights = np.sqrt([count[one] for one in others])
                if others:
                    instead[letter] = others, tuple(weights / weights.sum())
        return cls(instead)

    def in_text(self, text: str, chance: np.random.Generator) -> str:
        """The text with one to three characters replaced; of the same length, and the same where none has a like."""
        places = [at for at, letter in enumerate(text) if letter in self.instead]
        number = min(len(places), _MOST, 1 + chance.binomial(max(len(text) // _EVERY, 1), 0.5))
        letters = list(text)
        for at in chance.choice(places, number, replace=False) if places else ():
            others, weights = self.instead[letters[at]]
            letters[at] = others[chance.choice(len(others), p=weights)]
        return "".join(letters)


def misspelt(rows: Sequence[Labelled], share: float, seed: int) -> list[Labelled]:
    """A copy with slips of so large a share of the rows (0-1), drawn with the seed; labels and offsets hold for it."""
    if not share:
        return []
    chance = np.random.default_rng([seed, 1])
    slips = Slips.of(row.text for row in rows)
    chosen = [row for row in rows if chance.random() < share]
    copies = [replace(row, text=slips.in_text(row.text, chance)) for row in chosen]
    return [copy for copy, row in zip(copies, chosen, strict=True) if copy.text != row.text]


def _blurred(sound: str) -> str:
    for heard, plain in _BLURRED:
        sound = heard.sub(plain, sound)
    return sound
