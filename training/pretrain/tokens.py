"""The corpus as numbers on disk, and batches of it: short texts with short ones, in an order fixed by the seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from vocnlp.windows import Marks, cut_windows

from .corpus import Document

MASK = 4
SPECIAL = 5  # the first id of a word
_ARRAYS = ("ids", "start", "stars", "mood", "two_class")


@dataclass(frozen=True)
class Tokens:
    """Documents laid end to end. Windows of a long document are documents of their own.

    ids: (tokens,) uint16; start: (documents + 1,) where each begins; stars, mood, two_class: (documents,) as in Document
    """

    ids: npt.NDArray[np.uint16]
    start: npt.NDArray[np.int64]
    stars: npt.NDArray[np.int8]
    mood: npt.NDArray[np.int8]
    two_class: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.stars)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.diff(self.start)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Tokens:
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS))


def tokenise(documents: Iterable[Document], tokenizer: Tokenizer, window: int) -> Tokens:
    """All documents as numbers: [CLS], then each clause with [SEP] after it, in windows of at most ``window`` tokens."""
    ids: list[npt.NDArray[np.uint16]] = []
    lengths: list[int] = []
    labels: list[tuple[int, int, bool]] = []
    queue = iter(documents)
    while block := list(islice(queue, 5000)):
        encoded = iter(tokenizer.encode_batch([c for one in block for c in one.clauses], add_special_tokens=False))
        for one in block:
            pieces = [next(encoded).ids for _ in one.clauses]
            for piece, _ in cut_windows(pieces, window, Marks()):
                ids.append(np.array(piece, np.uint16))
                lengths.append(len(piece))
                labels.append((one.stars, one.mood, one.two_class))
    start = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=start[1:])
    stars, mood, two_class = zip(*labels, strict=True)
    return Tokens(
        np.concatenate(ids), start, np.array(stars, np.int8), np.array(mood, np.int8), np.array(two_class, np.bool_)
    )


def batches(tokens: Tokens, size: int, *, seed: int, epoch: int) -> Iterator[npt.NDArray[np.int64]]:
    """The documents of every batch, each document once, texts of like length together, at most ``size`` tokens padded.

    The same order for the same seed and epoch.
    """
    chance = np.random.default_rng([seed, epoch])
    order = chance.permutation(len(tokens))
    lengths = tokens.lengths
    pool = 64 * max(1, size // 32)
    for at in range(0, len(order), pool):
        block = order[at : at + pool]
        block = block[np.argsort(lengths[block], kind="stable")]
        cuts: list[npt.NDArray[np.int64]] = []
        begin = 0
        while begin < len(block):
            end = begin + 1
            while end < len(block) and (end + 1 - begin) * int(lengths[block[end]]) <= size:
                end += 1
            cuts.append(block[begin:end])
            begin = end
        for k in chance.permutation(len(cuts)):
            yield cuts[k]


def padded(tokens: Tokens, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n, t) ids of these documents, filled up with 0 to a multiple of eight: fewer shapes to prepare for."""
    lengths = tokens.lengths[rows]
    ids = np.zeros((len(rows), -(-int(lengths.max()) // 8) * 8), np.int64)
    for k, row in enumerate(rows):
        ids[k, : lengths[k]] = tokens.ids[tokens.start[row] : tokens.start[row + 1]]
    return ids
