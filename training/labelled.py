"""Labelled comments: read from jsonl, xlsx or csv (long or wide), checked, and split so that twins never cross."""

from __future__ import annotations

import difflib
import hashlib
import lzma
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vocnlp.codeframe import Codeframe
from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.records import MIXED, NEGATIVE, NEUTRAL, POLARITIES, POSITIVE
from vocnlp.tables import open_table
from vocnlp.text import normalise, normalise_all

from .label_files import Line, Mark, read_label_file, shown

_POLARITY_WORDS = {
    **{polarity: polarity for polarity in (*POLARITIES, MIXED)},
    **dict.fromkeys(("neg", "负面", "负向", "消极", "差评", "-1", "不满意"), NEGATIVE),
    **dict.fromkeys(("neu", "中性", "中立", "0", "一般"), NEUTRAL),
    **dict.fromkeys(("pos", "正面", "正向", "积极", "好评", "1", "满意"), POSITIVE),
    **dict.fromkeys(("混合", "褒贬不一"), MIXED),
}
_POLARITY_HINT = "use positive, neutral, negative, mixed, or 正面, 中性, 负面"


@dataclass(frozen=True, slots=True)
class GoldTag:
    """A code somebody marked in a text; polarity None where it was not judged, offsets None where not marked."""

    code: str
    polarity: str | None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled comment.

    ``annotated`` holds the codes a coder looked for in this text (None: every code of the frame): a code that is
    annotated and not among ``tags`` is absent; one that is not annotated is unknown, and nothing is learnt from it.
    ``two_class`` marks a sentiment that was judged without the choice of neutral.
    """

    id: str
    text: str
    tags: tuple[GoldTag, ...] = ()
    sentiment: str | None = None
    annotated: frozenset[str] | None = None
    two_class: bool = False
    source: str = ""
    weight: float = 1.0
    dev_parts: int = 10  # one part in this many of its set is held out for measuring; 0: none
    row: int = field(default=0, compare=False)  # of its file, as the file shows it

    @property
    def held_out(self) -> bool:
        """Whether training must not see it: part 0 of its set, the same rows for everybody, always."""
        return self.dev_parts > 0 and part_of(self.text, self.dev_parts) == 0


def read_labelled(path: Path | str) -> list[Labelled]:
    """Rows of a labelled file; InputError names file, row and value of what cannot be understood.

    jsonl: ``{"id", "text", "tags": [{"code", "polarity", "start", "end"}], "sentiment" | "label"}``.
    xlsx/csv long: columns text, code[, polarity, id, start, end, sentiment]: one row a tag.
    xlsx/csv wide: a text column, optional id and sentiment, and one column a code with the polarity in its cells, or
    with 1 and 0. Rows are counted as the file shows them: lines of a jsonl, rows of a sheet with its header as one.
    """
    return list(read_file(path).rows)


@dataclass(frozen=True)
class Read:
    """The rows of a labelled file, and the columns of a wide one that hold no polarity and so were left out."""

    rows: tuple[Labelled, ...]
    left: tuple[str, ...] = ()


def read_file(path: Path | str, frame: Codeframe | None = None) -> Read:
    """As ``read_labelled``; names of codes of the frame are code columns of a wide table whatever their cells hold."""
    path = Path(path)
    known = () if frame is None else (word for code in frame.codes for word in (code.id, code.name))
    found = read_label_file(path, _POLARITY_WORDS, known)
    words = _Words(path, found.absent, found.present)
    rows = [words.labelled(line) for line in found.lines]
    words.refuse()
    if not rows:
        raise InputError(
            "holds no labelled row", path=path, hint="each line needs a text and tags, a label or a sentiment"
        )
    if not any(row.tags or row.sentiment for row in rows):
        hint = 'expected fields: "tags", "label" or "sentiment" (jsonl), or columns code/polarity or one column a code'
        raise InputError("no row carries a label", path=path, hint=hint)
    two_class = not any(row.sentiment == NEUTRAL for row in rows)
    source = path.stem
    return Read(
        tuple(replace(row, two_class=two_class and row.sentiment is not None, source=source) for row in rows),
        found.left,
    )


class _Words:
    """The words of a file, judged; all that are no polarity are told at once."""

    def __init__(self, path: Path, absent: frozenset[str], present: frozenset[str]) -> None:
        self._path, self._absent, self._present = path, absent, present
        self._bad: list[tuple[int, str, str]] = []

    def labelled(self, line: Line) -> Labelled:
        tags = tuple(tag for mark in line.marks if (tag := self._tag(mark)) is not None)
        annotated = None if line.annotated is None else frozenset(line.annotated)
        return _with_label(Labelled(line.id, line.text, tags, annotated=annotated, row=line.row), line.label)

    def _tag(self, mark: Mark) -> GoldTag | None:
        word = shown(mark.polarity).strip()
        if word.lower() in self._absent:
            return None
        there = not word or word.lower() in self._present
        polarity = None if there else _POLARITY_WORDS.get(word.lower())
        if polarity is None and not there:
            self._bad.append((mark.row, mark.column, word))
        return GoldTag(mark.code, polarity, mark.start, mark.end)

    def refuse(self) -> None:
        """InputError for the first cell that holds no polarity, with the rows of the others."""
        if not self._bad:
            return
        (row, column, word), *others = self._bad
        more = "; ".join(f"row {at} {value[:20]!r}" for at, _, value in others[:5])
        told = f"not a polarity; {len(others):,} more: {more}" if others else "not a polarity"
        raise InputError(told, path=self._path, row=row, column=column, value=word, hint=_POLARITY_HINT)


def read_texts(path: Path | str) -> list[str]:
    """The comments of any table; InputError as in ``tables`` and ``columns``."""
    source = open_table(path)
    batches = list(source.batches())
    if not batches:
        raise InputError("holds no row", path=path)
    text = choose_columns(source.schema, batches[0]).text
    return [str(cell) for batch in batches for cell in batch.column(text).to_pylist() if cell is not None]


def starred_lines(path: Path) -> Iterator[tuple[int, str]]:
    """``(stars, text)`` of every line ``stars<TAB>text`` of an xz file; a source name in place of the stars counts as 0.

    InputError names the line that is not UTF-8 or has no tab.
    """
    with lzma.open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                head, tab, text = raw.decode("utf-8").rstrip("\r\n").partition("\t")
            except UnicodeDecodeError as error:
                hint = "save the corpus as UTF-8, or take the line out"
                raise InputError(f"is not UTF-8: {error.reason}", path=path, row=number, hint=hint) from error
            if not tab:
                raise InputError(
                    "a line without a tab", path=path, row=number, hint="stars<TAB>text or source<TAB>text"
                )
            yield (int(head) if head in ("1", "2", "3", "4", "5") else 0), text


def polarity_of(value: Any, path: Path, number: int) -> str | None:
    """The polarity a cell means, None for an empty one; InputError for a word that is none."""
    if value is None or not str(value).strip():
        return None
    word = str(value).strip().lower()
    if word not in _POLARITY_WORDS:
        raise InputError(
            "not a polarity", path=path, row=number, column="polarity", value=str(value), hint=_POLARITY_HINT
        )
    return _POLARITY_WORDS[word]


def _with_label(row: Labelled, label: Any) -> Labelled:
    """A label is a sentiment if it is one of the three words, otherwise a code of an exclusive frame."""
    if not isinstance(label, str) or not label.strip():
        return row
    sentiment = _POLARITY_WORDS.get(label.strip().lower())
    if sentiment in POLARITIES:
        return replace(row, sentiment=sentiment)
    return row if row.tags else replace(row, tags=(GoldTag(label.strip(), None),))


def frame_of(rows: Sequence[Labelled]) -> Codeframe:
    """A flat frame of the codes found; exclusive if every row carries exactly one distinct code, of at least two."""
    per_row = [{tag.code for tag in row.tags} for row in rows]
    codes = set().union(*per_row)
    exclusive = len(codes) > 1 and all(len(found) == 1 for found in per_row)
    return Codeframe.from_labels(codes, exclusive=exclusive)


def unknown_codes(rows: Iterable[Labelled], frame: Codeframe) -> dict[str, list[int]]:
    """The labels that are no code of the frame, neither id nor name, and the rows of each, in order."""
    unknown: dict[str, list[int]] = {}
    resolved: dict[str, bool] = {}
    for row in rows:
        for label in dict.fromkeys(tag.code for tag in row.tags):
            if label not in resolved:
                resolved[label] = frame.resolve(label) is not None
            if not resolved[label]:
                unknown.setdefault(label, []).append(row.row)
    return unknown


def meant(label: str, frame: Codeframe) -> str | None:
    """The id or name of the frame that a label may mean: the same but for case and width, or else the nearest."""
    words = {normalise(word).strip(): word for code in reversed(frame.codes) for word in (code.name, code.id)}
    plain = normalise(label).strip()
    if plain in words:
        return words[plain]
    near = difflib.get_close_matches(plain, words, n=1, cutoff=0.6)
    return words[near[0]] if near else None


def in_frame(rows: Sequence[Labelled], frame: Codeframe, *, path: Path | str = "data") -> list[Labelled]:
    """The rows with codes as ids of the frame; InputError lists codes that the frame does not have."""
    if unknown := unknown_codes(rows, frame):
        label, places = sorted(unknown.items())[0]
        near = meant(label, frame)
        hint = f"did you mean {near!r}?" if near else "add it to the codeframe, or train without --codeframe"
        others = [repr(other) for other in sorted(unknown)[1:6]]
        also = f", nor {len(unknown) - 1} more ({', '.join(others)})" if others else ""
        told = f"the codeframe {frame.name} has no such code{also}"
        raise InputError(told, path=path, row=places[0] or None, column="code", value=label, hint=hint)
    ids = {tag.code: "" for row in rows for tag in row.tags}
    ids = {label: code.id for label in ids if (code := frame.resolve(label)) is not None}
    return [replace(row, tags=tuple(replace(tag, code=ids[tag.code]) for tag in row.tags)) for row in rows]


def part_of(text: str, parts: int = 10) -> int:
    """The part (0 .. parts-1) of a text, by a hash of its normalised form, so that near twins share a part."""
    return _part(plain_of(text), parts)


def parts_of(texts: Sequence[str], parts: int = 10) -> list[int]:
    """``[part_of(text, parts) for text in texts]``, several times as fast for many."""
    return [_part(plain, parts) for plain in plain_all(texts)]


def _part(plain: str, parts: int) -> int:
    return int(hashlib.sha256(plain.encode()).hexdigest()[:8], 16) % parts


def plain_of(text: str) -> str:
    """A text without anything in which twins differ: normalised, letters and digits alone."""
    return "".join(filter(str.isalnum, normalise(text)))


def plain_all(texts: Sequence[str]) -> list[str]:
    """``[plain_of(text) for text in texts]``, in one pass over each few thousand."""
    plain: list[str] = []
    for at in range(0, len(texts), 4096):
        some = [text.replace("\n", " ") for text in texts[at : at + 4096]]
        plain += ["".join(filter(str.isalnum, text)) for text in normalise_all(some)]
    return plain


def plain_by_text(rows: Iterable[Labelled]) -> dict[str, str]:
    """Text -> ``plain_of(text)``, each text once."""
    texts = list({row.text: None for row in rows})
    return dict(zip(texts, plain_all(texts), strict=True))


def split(rows: Sequence[Labelled], plain: Mapping[str, str] | None = None) -> tuple[list[Labelled], list[Labelled]]:
    """(training, development): part 0 of a row's ``dev_parts`` is held out, the same rows for everybody, always.

    plain: what ``plain_by_text`` gives, where it is known already
    """
    plain = plain_by_text(rows) if plain is None else plain
    train: list[Labelled] = []
    dev: list[Labelled] = []
    for row in rows:
        held_out = row.dev_parts > 0 and _part(plain[row.text], row.dev_parts) == 0
        (dev if held_out else train).append(row)
    return train, dev
