"""Texts as an encoder reads them: token ids in windows of at most so many, and windows of like length together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

NOTHING, MARK, WORD = 0, 1, 2  # kinds of token: what fills a batch up, [CLS] and the like, a word of a clause
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """Token ids that stand before a window ([CLS]) and behind every clause ([SEP])."""

    begin: int = 2
    stop: int = 3


@dataclass(frozen=True)
class Windows:
    """Texts as the encoder reads them, all windows one behind the other.

    ids, clause: (tokens,), with the clause of its text that each token stands in, -1 for [CLS]
    start: (windows + 1,) first token of each window; owner: (windows,) the text it belongs to, ascending
    """

    ids: Ints
    clause: Ints
    start: Ints
    owner: Ints


def tokenizer_of(vocabulary: bytes) -> Any:
    """The ``tokenizers.Tokenizer`` of a tokenizer.json, giving each text its tokens and no others: no text is cut or filled up,
    whatever the file says. The library's own error, of no kind, for what is none."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(vocabulary)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cut_windows(lines: Sequence[Sequence[int]], window: int, marks: Marks) -> Iterator[tuple[list[int], list[int]]]:
    """``(ids, clause)`` of each window of one text, given the token ids of its clauses.

    At most ``window`` tokens each, cut between clauses; a clause longer than a window is cut inside, none is lost.
    """
    room = window - 2
    ids, place = [marks.begin], [-1]
    for number, line in enumerate(lines):
        for at in range(0, max(len(line), 1), room):
            part = line[at : at + room]
            if len(ids) + len(part) + 1 > window:
                yield ids, place
                ids, place = [marks.begin], [-1]
            ids += [*part, marks.stop]
            place += [number] * (len(part) + 1)
    yield ids, place


def read_windows(texts: Sequence[Sequence[str]], tokenizer: Any, window: int, marks: Marks) -> Windows:
    """The windows of texts given as normalised clauses; ``tokenizer`` is a ``tokenizers.Tokenizer``."""
    encoded = iter(tokenizer.encode_batch_fast([line for text in texts for line in text], add_special_tokens=False))
    ids: list[int] = []
    clause: list[int] = []
    start, owner = [0], []
    for number, text in enumerate(texts):
        for part, place in cut_windows([next(encoded).ids for _ in text], window, marks):
            ids += part
            clause += place
            start.append(len(ids))
            owner.append(number)
    return Windows(*(np.array(column, np.int64) for column in (ids, clause, start, owner)))


def batches(read: Windows, size: int) -> Iterator[Ints]:
    """Windows of like length, about ``size`` tokens with what fills them up."""
    length = np.diff(read.start)
    order = np.argsort(length, kind="stable")
    begin = 0
    while begin < len(order):
        # The longest stands last, so the first that is too many can be found from either end of the block.
        end = begin + max(1, size // int(length[order[begin]]))
        while end > begin + 1 and (min(end, len(order)) - begin) * int(length[order[min(end, len(order)) - 1]]) > size:
            end = begin + max(1, (end - begin) * 7 // 8)
        yield order[begin:end]
        begin = min(end, len(order))


def tokens_of(read: Windows, rows: Ints) -> tuple[npt.NDArray[np.bool_], Ints]:
    """Where a batch of these windows has tokens, (n, t), and which tokens of ``read`` those are, one window after another."""
    size = np.diff(read.start)[rows]
    place = np.arange(int(size.max()))
    there = place < size[:, None]
    return there, (read.start[rows][:, None] + place)[there]


def firsts(texts: Sequence[Sequence[str]]) -> Ints:
    """(texts,) how many clauses stand before those of each text."""
    return np.cumsum([0, *map(len, texts)], dtype=np.int64)[:-1]


def owners(texts: Sequence[Sequence[str]]) -> Ints:
    """(clauses,) the text of each clause."""
    return np.repeat(np.arange(len(texts)), [len(text) for text in texts])


def has_words(read: Windows, marks: Marks, texts: int) -> npt.NDArray[np.bool_]:
    """(texts,) whether a text has a token that is no mark."""
    words = (read.clause >= 0) & (read.ids != marks.stop)
    there: npt.NDArray[np.bool_] = np.bincount(np.repeat(read.owner, np.diff(read.start)), words, texts) > 0
    return there


def turns(owner: Ints) -> Iterator[Ints]:
    """Places of windows, in parts: each text has at most one window in a part, and its windows keep their order."""
    rest = np.arange(len(owner))
    while len(rest):
        _, first = np.unique(owner[rest], return_index=True)
        yield rest[first]
        rest = np.delete(rest, first)
