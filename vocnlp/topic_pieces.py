"""What discovery looks at: the comments and clauses that the codeframe has no answer for, or those inside one code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .codeframe import Codeframe
from .errors import CodeframeError
from .folding import Rows
from .privacy import mask_all
from .text import clauses, normalise_all

COLUMNS = ("id", "text", "score", "stage", "at", "voc_sentiment", "voc_noise", "voc_tags")
WEAK = 0.5  # a tag less sure than this leaves its words open
_SHORT = 24  # characters; a comment up to this long is read whole
_LEAST = 3  # characters that a piece needs to say anything
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Piece:
    """A comment, or a clause of a long one: its words in the masked text, and as models read them (``line``)."""

    row: int
    start: int
    end: int
    line: str


@dataclass(frozen=True)
class Looked:
    """What was looked at in a tagged table.

    rows: the rows of the table that hold a piece, by ``Piece.row``, with text masked and the columns of ``COLUMNS``
    comments: rows that were read (no noise); pieces: those that the scope let through, in the order of the table
    """

    rows: Mapping[int, Mapping[str, Any]]
    pieces: tuple[Piece, ...]
    comments: int

    def words(self, piece: Piece) -> str:
        """The piece as it was written, personal data masked."""
        text: str = self.rows[piece.row]["text"]
        return text[piece.start : piece.end]


@dataclass(frozen=True)
class Scope:
    """Which pieces count. By default those that no tag with a confidence of ``weak`` or more speaks for, a tag of 其他
    counting as none; ``inside``: only those that a tag of this code, or of one below it, speaks for."""

    inside: str | None = None
    weak: float = WEAK
    everything: bool = False


def look(table: Rows, frame: Codeframe, scope: Scope | None = None) -> Looked:
    """The pieces of a tagged table. CodeframeError for an unknown ``inside``."""
    scope = scope or Scope()
    if scope.inside is not None and scope.inside not in frame:
        raise CodeframeError(
            f"codeframe {frame.name} has no code {scope.inside!r}", hint="vocnlp codeframe show lists the codes"
        )
    wanted = _below(frame, scope.inside) if scope.inside else leftover(frame)
    rows: dict[int, Mapping[str, Any]] = {}
    spans: list[tuple[int, int, int]] = []
    words: list[str] = []
    comments = 0
    for number, row in _rows(table):
        if row.get("voc_noise") or not (row.get("text") or "").strip():
            continue
        comments += 1
        open_here = [span for span in _cut(row["text"]) if _counts(span, row["voc_tags"] or (), scope, wanted)]
        if open_here:
            rows[number] = row
            spans += [(number, start, end) for start, end in open_here]
            words += [row["text"][start:end].replace("\n", " ") for start, end in open_here]
    lines = normalise_all(words)
    pieces = (Piece(*span, line.strip()) for span, line in zip(spans, lines, strict=True))
    return Looked(rows, tuple(piece for piece in pieces if len(piece.line) >= _LEAST), comments)


def _rows(table: Rows) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row with its number; texts are masked, which keeps all offsets."""
    names = [name for name in COLUMNS if name in table.schema.names]
    picked = table.select(names).to_batches(_BATCH) if isinstance(table, pa.Table) else table.to_batches(columns=names)
    number = 0
    for batch in picked:
        cells = batch.to_pylist()
        masked = mask_all([row["text"] or "" for row in cells])
        for row, text in zip(cells, masked, strict=True):
            yield number, {**row, "text": text}
            number += 1


def _cut(text: str) -> Sequence[tuple[int, int]]:
    """One piece for a short comment, else one a clause; a clause of a word or two goes to the one before it."""
    found = clauses(text)
    if not found:
        return ()
    if found[-1][1] - found[0][0] <= _SHORT:
        return ((found[0][0], found[-1][1]),)
    merged = [found[0]]
    for start, end in found[1:]:
        before = merged[-1]
        if end - start < _LEAST + 1 or before[1] - before[0] < _LEAST + 1:
            merged[-1] = (before[0], end)
        else:
            merged.append((start, end))
    return merged


def _counts(span: tuple[int, int], tags: Sequence[Mapping[str, Any]], scope: Scope, wanted: frozenset[str]) -> bool:
    """Whether the scope lets a piece through; ``wanted``: codes that count as ``inside``, or as no answer."""
    if scope.everything:
        return True
    meeting = [tag for tag in tags if tag["start"] < span[1] and span[0] < tag["end"]]
    if scope.inside is not None:
        return any(tag["code"] in wanted for tag in meeting)
    return all(tag["code"] in wanted or tag["confidence"] < scope.weak for tag in meeting)


def _below(frame: Codeframe, code: str) -> frozenset[str]:
    return frozenset(one.id for one in frame.codes if code in {up.id for up in frame.path(one.id)})


def leftover(frame: Codeframe) -> frozenset[str]:
    """Codes that stand for nothing in particular: 其他 and all below it."""
    roots = [code.id for code in frame.codes if code.id in ("other", "others") or code.name in ("其他", "其它")]
    return frozenset().union(*(_below(frame, root) for root in roots))
