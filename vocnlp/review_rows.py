"""What passes through the review loop: rows to be looked at, and what a coder answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .codeframe import Codeframe
from .errors import InputError
from .privacy import mask
from .records import MIXED, POLARITIES, Prediction
from .review import RANDOM

CONFIRMED, CHANGED, SKIPPED = "confirmed", "changed", "skipped"
ACTIONS = (CONFIRMED, CHANGED, SKIPPED)
_MOST = 32_000  # characters an Excel cell is sure to hold
_BREAKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Mark:
    """A code in a text; polarity None where nobody judged it, offsets None where the words were not marked."""

    code: str
    polarity: str | None = None
    start: int | None = None
    end: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a labelled file."""
        span = {} if self.start is None else {"start": self.start, "end": self.end}
        return {"code": self.code, "polarity": self.polarity, **span}

    @classmethod
    def from_dict(cls, one: Mapping[str, Any]) -> Mark:
        """The mark that ``to_dict`` gave; KeyError, TypeError or ValueError for anything else."""
        start, end = one.get("start"), one.get("end")
        if one.get("polarity") not in (*POLARITIES, MIXED, None):
            raise ValueError(f"{one['polarity']!r} is no polarity")
        spans = (int(start), int(end)) if start is not None and end is not None else (None, None)
        return cls(str(one["code"]), one.get("polarity"), *spans)


@dataclass(frozen=True, slots=True)
class Origin:
    """How a row came to be reviewed: what is needed to count it rightly later.

    sample: the digest of the sample it was in; reason: why it was chosen, ``review.RANDOM`` or on purpose
    weight: distinct comments it stands for, one over its inclusion probability; 0 where it was picked on purpose
    comments: distinct comments that the sample was chosen from; known: of the same export, those that were labelled before
    pool: the digest of the export, the same for all samples of it
    suggested, sentiment: what the model said
    """

    sample: str
    reason: str
    weight: float
    comments: int
    bundle: str
    codeframe: str
    suggested: tuple[Mark, ...] = ()
    sentiment: str | None = None
    known: int = 0
    pool: str = ""

    @property
    def by_chance(self) -> bool:
        return self.reason == RANDOM

    def to_dict(self) -> dict[str, Any]:
        plain = {
            "sample": self.sample, "reason": self.reason, "weight": self.weight, "comments": self.comments,
            "known": self.known, "pool": self.pool, "bundle": self.bundle, "codeframe": self.codeframe,
        }  # fmt: skip
        return {**plain, "suggested": [mark.to_dict() for mark in self.suggested], "sentiment": self.sentiment}

    @classmethod
    def from_dict(cls, one: Mapping[str, Any]) -> Origin:
        """What ``to_dict`` gave; KeyError, TypeError or ValueError for anything else."""
        words = (str(one[name]) for name in ("sample", "reason"))
        sample, reason = words
        bundle, codeframe = (str(one[name]) for name in ("bundle", "codeframe"))
        suggested = tuple(Mark.from_dict(mark) for mark in one["suggested"])
        weight, comments = float(one["weight"]), int(one["comments"])
        pool = int(one.get("known", 0)), str(one.get("pool", ""))  # which older files do not say
        return cls(sample, reason, weight, comments, bundle, codeframe, suggested, one.get("sentiment"), *pool)


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One comment for the coders: masked, with what the model suggests. ``codes`` are those that the reason is about."""

    id: str
    text: str
    origin: Origin
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """The rows of one call of ``review sample``, for one codeframe; ``digest`` names it."""

    rows: tuple[ReviewRow, ...]
    frame: Codeframe
    bundle: str
    digest: str = ""

    @property
    def by_id(self) -> dict[str, ReviewRow]:
        return {row.id: row for row in self.rows}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one coder said of one comment. ``at`` is ISO 8601 in UTC."""

    id: str
    text: str
    tags: tuple[Mark, ...]
    sentiment: str | None
    by: str
    at: str
    action: str
    note: str = ""
    origin: Origin | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.id, self.by

    def says(self) -> tuple[Any, ...]:
        """What is compared to tell whether an answer is a new one: all but when it was given."""
        return self.text, self.tags, self.sentiment, self.action, self.note


def answered(
    given: ReviewRow, tags: tuple[Mark, ...], sentiment: str | None, *, by: str, at: str, action: str, note: str = ""
) -> Answer:
    """The answer to a row that was given out. A skip says nothing of it, whatever suggestion was left standing."""
    if action == SKIPPED:
        tags, sentiment = (), None
    return Answer(given.id, given.text, tags, sentiment, by, at, action, note, given.origin)


@dataclass(frozen=True)
class Problem:
    """A cell or field that cannot be used. ``row`` is that of the sheet as Excel counts, or the number of the task."""

    row: int
    column: str
    value: str
    problem: str


class ReviewError(InputError):
    """A reviewed file with answers that cannot be used; ``problems`` lists them all, and nothing was taken over."""

    def __init__(self, path: Any, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f"; {len(problems) - 1} more like it" if len(problems) > 1 else ""
        super().__init__(
            f"{first.problem}{more}", path=path, row=first.row, column=first.column, value=first.value,
            hint="mend the cells in the file and import it again; nothing was taken over",
        )  # fmt: skip
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Answers:
    """What a file held: answers, how many rows nobody answered, and what a person should know."""

    answers: tuple[Answer, ...]
    open: int = 0
    remarks: tuple[str, ...] = field(default=())


def standing(text: str, start: int, end: int, words: str | None) -> tuple[int, int] | None:
    """Where the words of a region stand in characters; None where they do not stand in the text.

    A browser counts a picture outside the basic plane, as an emoji, twice; so offsets behind one may be too large.
    """
    if not 0 <= start < end:
        return None
    if words is None:
        return (start, end) if end <= len(text) else None
    units = text.encode("utf-16-le", "surrogatepass")
    counted = tuple(len(units[: 2 * at].decode("utf-16-le", "ignore")) for at in (start, end))
    for a, b in ((start, end), counted):
        if _BREAKS.sub(" ", text[a:b]) == _BREAKS.sub(" ", words):
            return a, b
    at = text.find(words) if words and text.count(words) == 1 else -1
    return (at, at + len(words)) if at >= 0 else None


def shown(text: str) -> str:
    """A comment as coders see it: masked; what a cell cannot hold replaced, character for character, so offsets stay."""
    return "".join(_cell(char) for char in mask(text))[:_MOST]


def _cell(char: str) -> str:
    if char == "\r":
        return " "  # a workbook gives it back as a line feed, and every offset behind would be off by one
    unfit = (char < " " and char not in "\t\n") or "\ud800" <= char <= "\udfff" or char in "\ufffe\uffff"
    return "\ufffd" if unfit else char


def marks_of(prediction: Prediction) -> tuple[Mark, ...]:
    """The tags of a prediction as a coder would make them."""
    return tuple(Mark(tag.code, tag.polarity, tag.start, tag.end) for tag in prediction.tags)


def named(sample: Sample) -> Sample:
    """The sample with its digest: SHA-256 over rows, texts and frame, the first 16 digits."""
    whole = hashlib.sha256(sample.frame.digest.encode())
    for row in sample.rows:
        whole.update(f"\0{row.id}\0{row.text}\0{row.origin.reason}".encode(errors="replace"))
    digest = whole.hexdigest()[:16]
    rows = tuple(replace(row, origin=replace(row.origin, sample=digest)) for row in sample.rows)
    return replace(sample, rows=rows, digest=digest)


def display_names(frame: Codeframe) -> dict[str, str]:
    """Code id -> what coders see, no two alike: the name, the path where a name is borne twice, the id as a last resort."""
    ids = [code.id for code in frame.taggable]
    names = {code: frame[code].name for code in ids}
    paths = {code: " > ".join(part.name for part in frame.path(code)) for code in ids}
    given: dict[str, str] = {}
    for code in ids:
        alike = [other for other in ids if names[other] == names[code]]
        same_path = [other for other in ids if paths[other] == paths[code]]
        given[code] = names[code] if len(alike) == 1 else paths[code] if len(same_path) == 1 else code
    return given


def code_of(word: str, frame: Codeframe) -> str | None:
    """The code that a coder's word means: what was shown, its id, a unique name, or a path; None if none."""
    back = {name: code for code, name in display_names(frame).items()}
    word = word.strip()
    if word in back:
        return back[word]
    found = frame.resolve(word) or frame.resolve(word.rpartition(" > ")[2])
    return found.id if found is not None and found in frame.taggable else None
