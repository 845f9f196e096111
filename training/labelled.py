"""Labelled comments: read from jsonl, xlsx or csv (long or wide), checked, and split so that twins never cross."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from vocnlp.codeframe import Codeframe
from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.records import MIXED, NEUTRAL, POLARITIES
from vocnlp.tables import open_table
from vocnlp.text import normalise, normalise_all

from .label_advice import advice
from .label_files import read_label_file
from .label_marks import Line
from .label_words import POLARITY_WORDS, Words

_APART = 12  # of an encoder's training rows one part in this many calibrates and sets thresholds


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
    path: str = field(default="", compare=False, repr=False)  # of that file, for messages

    @property
    def coded(self) -> bool:
        """Whether anybody looked for codes in this text: of one that has a sentiment alone nobody did."""
        return bool(self.tags) or self.annotated is not None or self.sentiment is None

    def looked_for(self, code: str) -> bool:
        """Whether this code was looked for in this text, so that it is absent where it is not among the tags."""
        return self.coded and (self.annotated is None or code in self.annotated)

    def is_of(self, sets: Iterable[str]) -> bool:
        """Whether it is of one of these sets, given by name or pattern."""
        return any(fnmatchcase(self.source, one) for one in sets)

    @property
    def held_out(self) -> bool:
        """Whether training must not see it: part 0 of its set, the same rows for everybody, always."""
        return self.dev_parts > 0 and part_of(self.text, self.dev_parts) == 0


def read_labelled(path: Path | str, *frames: Codeframe) -> list[Labelled]:
    """Rows of a labelled file; InputError names file, row and value of what cannot be understood.

    jsonl: ``{"id", "text", "tags": [{"code", "polarity", "start", "end"}], "sentiment", "label", "annotated"}``; a label
    is a sentiment, or else the code of an exclusive frame. Offsets count characters of the text as it stands.
    xlsx/csv long: columns text, code[, polarity, id, start, end, sentiment]: one row a tag; a cell of a sheet that is
    merged over rows counts in each. xlsx/csv wide: a text column, optional id, sentiment and label, and one column a code
    with the polarity in its cells, or with 1 and 0. A sentiment that is mixed is not judged: it is neither learnt nor
    measured. Rows are counted as the file shows them: lines of a jsonl, rows of a sheet with its header as one.
    frames: those whose codes the file may name; a wide table's column of such a name is a code, 渠道 and 时间 among them
    """
    return list(read_file(path, *frames).rows)


@dataclass(frozen=True)
class Read:
    """The rows of a labelled file, and the columns of a wide one that hold no polarities and so were left out.

    ticked: 1 and 0 were read as there and not there; column: whose cells name codes, None where columns are codes
    """

    rows: tuple[Labelled, ...]
    left: tuple[str, ...] = ()
    ticked: bool = False
    column: str | None = None


def read_file(path: Path | str, *frames: Codeframe) -> Read:
    """As ``read_labelled``; names of codes of the frames are code columns of a wide table whatever their cells hold."""
    path = Path(path)
    known = (word for frame in frames for code in frame.codes for word in (code.id, code.name))
    found = read_label_file(path, POLARITY_WORDS, known)
    words = Words(path, found.absent, found.present)
    rows = [_labelled(line, words) for line in found.lines]
    words.refuse()
    if not rows:
        raise InputError(
            "holds no labelled row", path=path, hint="each line needs a text and tags, a label or a sentiment"
        )
    if not any(row.tags or row.sentiment for row in rows):
        hint = 'expected fields: "tags", "label" or "sentiment" (jsonl), or columns code/polarity or one column a code'
        raise InputError("no row carries a label", path=path, hint=hint)
    two_class = not any(row.sentiment == NEUTRAL for row in rows)
    source, name = path.stem, str(path)
    kept = (replace(row, two_class=two_class and row.sentiment is not None, source=source, path=name) for row in rows)
    return Read(tuple(kept), found.left, found.ticked, found.column)


def _labelled(line: Line, words: Words) -> Labelled:
    tags = [GoldTag(mark.code, words.polarity(mark), mark.start, mark.end) for mark in line.marks if words.there(mark)]
    whole = words.whole(line)
    if whole.code is not None and whole.code not in {tag.code for tag in tags}:
        tags.append(GoldTag(whole.code, None))
    # A code that is tagged was looked for, whether or not the list says so.
    annotated = None if line.annotated is None else frozenset(line.annotated).union(tag.code for tag in tags)
    if whole.sentiment == MIXED and not tags and annotated is None:
        annotated = frozenset()  # as in any row of a sentiment alone, nobody looked for codes
    sentiment = whole.sentiment if whole.sentiment in POLARITIES else None
    return Labelled(line.id, line.text, tuple(tags), sentiment, annotated, row=line.row)


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

    InputError names the line that is not UTF-8 or has no tab, and the last one of a file that cannot be read further.
    """
    for number, raw in enumerate(_unpacked(path), 1):
        try:
            head, tab, text = raw.decode("utf-8").rstrip("\r\n").partition("\t")
        except UnicodeDecodeError as error:
            hint = "save the corpus as UTF-8, or take the line out"
            raise InputError(f"is not UTF-8: {error.reason}", path=path, row=number, hint=hint) from error
        if not tab:
            raise InputError("a line without a tab", path=path, row=number, hint="stars<TAB>text or source<TAB>text")
        yield (int(head) if head in ("1", "2", "3", "4", "5") else 0), text


def _unpacked(path: Path) -> Iterator[bytes]:
    """The lines of an xz file; InputError with the last that could be read where it is cut off, or no xz file."""
    last = 0
    try:
        with lzma.open(path, "rb") as file:
            for raw in file:
                last += 1
                yield raw
    except (EOFError, lzma.LZMAError) as error:
        told = f"{error}; lines up to this one could be read" if last else str(error)
        raise InputError(f"is no whole xz file: {told}", path=path, row=last or None, hint="copy it again") from error
    except OSError as error:
        hint = "check the spelling, the folder and its rights"
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=hint) from error


def labels_of(row: Labelled) -> list[str]:
    """The codes that a row names, each once: its tags, then those that were looked for."""
    return list(dict.fromkeys([*(tag.code for tag in row.tags), *(row.annotated or ())]))


def _all_labels(rows: Sequence[Labelled]) -> set[str]:
    """``labels_of`` all rows; many share what was looked for, so each such set is gone through once."""
    looked = {row.annotated for row in rows if row.annotated}
    return {tag.code for row in rows for tag in row.tags}.union(*looked)


def frame_of(rows: Sequence[Labelled]) -> Codeframe:
    """A flat frame of the codes named; exclusive if every row carries exactly one distinct code, of at least two."""
    codes = _all_labels(rows)
    exclusive = len(codes) > 1 and all(len({tag.code for tag in row.tags}) == 1 for row in rows)
    return Codeframe.from_labels(codes, exclusive=exclusive)


def unknown_codes(rows: Sequence[Labelled], frame: Codeframe) -> dict[str, list[int]]:
    """The labels that are no code of the frame, neither id nor name, and the rows that name each, in order."""
    unknown: dict[str, list[int]] = {}
    if foreign := {label for label in _all_labels(rows) if frame.resolve(label) is None}:
        for row in rows:
            for label in foreign.intersection(labels_of(row)):
                unknown.setdefault(label, []).append(row.row)
    return unknown


def in_frame(rows: Sequence[Labelled], frame: Codeframe, *, path: Path | str = "data") -> list[Labelled]:
    """The rows with codes, tagged or looked for, as ids of the frame; InputError lists codes that it does not have."""
    if unknown := unknown_codes(rows, frame):
        label, places = sorted(unknown.items())[0]
        hint = advice(label, frame, otherwise="add it to the codeframe, or take its tags out of the data")
        others = [repr(other) for other in sorted(unknown)[1:6]]
        also = f", nor {len(unknown) - 1} more ({', '.join(others)})" if others else ""
        told = f"the codeframe {frame.name} has no such code{also}"
        column = "code" if any(tag.code == label for row in rows for tag in row.tags) else "annotated"
        raise InputError(told, path=path, row=places[0] or None, column=column, value=label, hint=hint)
    ids = {label: code.id for label in _all_labels(rows) if (code := frame.resolve(label)) is not None}

    def one(row: Labelled) -> Labelled:
        annotated = None if row.annotated is None else frozenset(ids[label] for label in row.annotated)
        return replace(row, tags=tuple(replace(tag, code=ids[tag.code]) for tag in row.tags), annotated=annotated)

    return [one(row) for row in rows]


def part_of(text: str, parts: int = 10) -> int:
    """The part (0 .. parts-1) of a text, by a hash of its normalised form, so that near twins share a part.

    Texts of marks alone, of which that leaves nothing, go by the text itself: they would all share one part.
    """
    return _part(plain_of(text) or text.strip(), parts)


def parts_of(texts: Sequence[str], parts: int = 10) -> list[int]:
    """``[part_of(text, parts) for text in texts]``, several times as fast for many."""
    return [_part(plain or text.strip(), parts) for plain, text in zip(plain_all(texts), texts, strict=True)]


def _part(plain: str, parts: int) -> int:
    return int(hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) % parts


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
    """Text -> ``plain_of(text)``, or the text itself, trimmed, where that leaves nothing; each text once."""
    texts = list({row.text: None for row in rows})
    return {text: plain or text.strip() for text, plain in zip(texts, plain_all(texts), strict=True)}


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


def kept_apart(row: Labelled) -> bool:
    """Whether a training row is kept out of an encoder's fit, to calibrate with and to choose thresholds."""
    return part_of(row.text, _APART) == 1
