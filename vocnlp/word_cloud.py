"""Where the words of a cloud stand: the commonest largest and nearest the middle, none over another, none cut off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = 3.0  # points between words
_LINE = 1.18  # height of a line of text, in sizes
_NARROW = 0.62  # width of a letter or digit beside that of a Chinese character


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its middle and its size, all in points; ``value``: how often it was said."""

    name: str
    value: int
    x: float
    y: float
    size: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, low, right, high."""
        wide, high = width(self.name) * self.size / 2, _LINE * self.size / 2
        return self.x - wide, self.y - high, self.x + wide, self.y + high


def width(name: str) -> float:
    """Of a word, in sizes: a Chinese character is as wide as it is high."""
    return sum(_NARROW if ord(char) < 0x2000 else 1.0 for char in name)


def placed(
    words: Sequence[tuple[str, int]], wide: float, high: float, *, smallest: float = 9.0, largest: float = 40.0
) -> tuple[Word, ...]:
    """The words inside ``wide`` x ``high`` points, in the order given, commonest first; the same on every call.

    Each goes to the first free place on a spiral from the middle outwards (Wordle: Viegas, Wattenberg and Feinberg 2009);
    a word with no place at its size is made smaller, and left out where even the smallest finds none.
    """
    most = max((value for _, value in words), default=0)
    found: list[Word] = []
    for name, value in words:
        size = smallest + (largest - smallest) * value / most
        size = min(size, wide / max(width(name), 1.0))
        while size >= smallest:
            spot = next((w for w in _spots(name, value, size, (wide, high)) if _free(w, found)), None)
            if spot is not None:
                found.append(spot)
                break
            size *= 0.8
    return tuple(found)


def _spots(name: str, value: int, size: float, room: tuple[float, float]) -> Iterator[Word]:
    """Places on an elliptic spiral as wide and as high as the room, those that stick out of it left out."""
    wide, high = room
    steps = 900
    for step in range(steps):
        reach, turn = math.sqrt(step / steps), 2.4 * step  # the golden angle, near enough: no two directions alike
        word = Word(name, value, wide / 2 * (1 + reach * math.cos(turn)), high / 2 * (1 + reach * math.sin(turn)), size)
        left, low, right, top = word.box
        if left >= 0 and low >= 0 and right <= wide and top <= high:
            yield word


def _free(word: Word, others: Sequence[Word]) -> bool:
    left, low, right, high = word.box
    for other in others:
        a, b, c, d = other.box
        if left < c + _GAP and a < right + _GAP and low < d + _GAP and b < high + _GAP:
            return False
    return True


__all__ = ["Word", "placed", "width"]
