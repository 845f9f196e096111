"""Words of labelled files, judged: which mean a polarity or a sentiment, and which nothing that is known here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.records import MIXED, NEGATIVE, NEUTRAL, POLARITIES, POSITIVE

from .label_marks import Line, Mark, Said, shown, word_of

POLARITY_WORDS = {
    **{polarity: polarity for polarity in (*POLARITIES, MIXED)},
    **dict.fromkeys(("neg", "负面", "负向", "消极", "差评", "-1", "不满意"), NEGATIVE),
    **dict.fromkeys(("neu", "中性", "中立", "0", "一般"), NEUTRAL),
    **dict.fromkeys(("pos", "正面", "正向", "积极", "好评", "1", "满意"), POSITIVE),
    **dict.fromkeys(("混合", "褒贬不一"), MIXED),
}
_POLARITY, _SENTIMENT, _LABEL = "not a polarity", "not a sentiment", "neither a sentiment nor a code"
_USE = "use positive, neutral, negative, mixed, or 正面, 中性, 负面"
_HINTS = {
    _POLARITY: _USE,
    _SENTIMENT: f"{_USE}; a column or key that holds something else needs another name",
    _LABEL: "a label is a word: a sentiment, or the code of a comment that has just one",
}


@dataclass(frozen=True, slots=True)
class Whole:
    """What was said of a whole text: a sentiment, ``MIXED`` among them, and the code of an exclusive frame."""

    sentiment: str | None = None
    code: str | None = None


def sentiment_of(value: Any) -> str | None:
    """The sentiment that a cell means, ``MIXED`` among them; None for an empty cell and for other words."""
    return POLARITY_WORDS.get(word_of(value))


class Words:
    """The words of a file, judged; all that mean nothing are told at once by ``refuse``.

    absent, present: what a cell says, beside polarities, where a code is not in a text, and where it is; empty for all
    files but wide tables
    """

    def __init__(self, path: Path, absent: frozenset[str], present: frozenset[str]) -> None:
        self._path, self._absent, self._present = path, absent, present
        self._bad: dict[str, list[tuple[int, str, str]]] = {}

    def there(self, mark: Mark) -> bool:
        """Whether the cell of a code says that the text speaks of it."""
        return word_of(mark.polarity) not in self._absent

    def polarity(self, mark: Mark) -> str | None:
        """The polarity of a code that is there; None where it was not judged."""
        word = word_of(mark.polarity)
        if not word or word in self._present:
            return None
        if (polarity := POLARITY_WORDS.get(word)) is None:
            self._bad.setdefault(_POLARITY, []).append((mark.row, mark.column, shown(mark.polarity).strip()))
        return polarity

    def whole(self, line: Line) -> Whole:
        """What the file says of a whole text. InputError where it has two sentiments."""
        code, judged = None, None
        for one in line.said:
            if sentiment_of(one.value) is not None:
                judged = judged or one
                self._agree(judged, one)
            elif not one.free:
                self._bad.setdefault(_SENTIMENT, []).append((one.row, one.column, shown(one.value)))
            elif isinstance(one.value, bool) or not isinstance(one.value, str | int | float):
                self._bad.setdefault(_LABEL, []).append((one.row, one.column, shown(one.value)))
            else:
                code = shown(one.value).strip()
        return Whole(None if judged is None else sentiment_of(judged.value), code)

    def _agree(self, first: Said, other: Said) -> None:
        if sentiment_of(first.value) != sentiment_of(other.value):
            told = f"a comment has one sentiment, and {shown(first.value)!r} stands in row {first.row}"
            told += f", column {first.column!r}" if first.column != other.column else ""
            value, hint = shown(other.value), "decide which is right"
            raise InputError(told, path=self._path, row=other.row, column=other.column, value=value, hint=hint)

    def refuse(self) -> None:
        """InputError for the first word that means nothing, with the rows of its like."""
        for kind, ((row, column, word), *others) in self._bad.items():
            more = "; ".join(f"row {at} {value[:20]!r}" for at, _, value in others[:5])
            told = f"{kind}; {len(others):,} more: {more}" if others else kind
            hint = _HINTS[kind]
            if kind == _POLARITY and self._absent:
                hint += "; is the column no code? take it out"
            raise InputError(told, path=self._path, row=row, column=column, value=word, hint=hint)
