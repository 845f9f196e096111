"""What is learnt from, as numbers on disk and on the device: texts without labels, and labelled comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vocnlp.training.pretrain.tokens import Tokens

Ints = npt.NDArray[np.int64]
LABELLED = (
    "ids", "start", "owner", "mood", "two_class", "mention", "polarity", "weight", "source", "part",
    "held_by", "held_code", "held_at",
)  # fmt: skip
TRAIN, APART, DEV = 0, 1, 2
LABELLED_SETS = "labelled"  # their folder in the work folder


@dataclass(frozen=True)
class Corpus:
    """Windows end to end on a device; ``length`` stays on the processor, where batches are planned.

    ids: (tokens,) int16; start: (n + 1,); stars, mood, two_class: (n,) as in ``pretrain.tokens.Tokens``
    """

    ids: Tensor
    start: Tensor
    stars: Tensor
    mood: Tensor
    two_class: Tensor
    length: Ints


@dataclass(frozen=True)
class Comments:
    """Labelled comments of one part on a device. n comments, w windows, c codes.

    ids: (tokens,); start: (w + 1,); first: (n + 1,) first window of each; mention, polarity: (n, c); mood, two_class: (n,)
    weight, source, tokens, windows: (n,) on the processor
    held_start: (n + 1,) where the evidence of each begins among held_code and held_at: (marks,) a code, and the place of
    a token of it among the tokens of its comment
    """

    ids: Tensor
    start: Tensor
    first: Ints
    mood: Tensor
    two_class: Tensor
    mention: Tensor
    polarity: Tensor
    weight: npt.NDArray[np.float64]
    source: npt.NDArray[np.int64]
    tokens: Ints
    held_start: Ints
    held_code: Ints
    held_at: Ints

    def __len__(self) -> int:
        return len(self.tokens)


def load_corpus(folder: Path, device: str) -> Corpus:
    """The unlabelled windows of the arrays that ``pretrain.tokens.Tokens.save`` wrote.

    Those with a mood stand behind them; here they come as ``Comments``, without the ones that are kept apart.
    """
    tokens = Tokens.load(folder)
    kept = np.asarray(tokens.mood) < 0
    length = tokens.lengths[kept]
    ids = np.asarray(tokens.ids)[np.repeat(kept, tokens.lengths)]
    return Corpus(
        torch.from_numpy(ids.astype(np.int16)).to(device),
        torch.from_numpy(np.concatenate([[0], np.cumsum(length)])).to(device),
        torch.from_numpy(tokens.stars[kept].astype(np.int64)).to(device),
        torch.from_numpy(tokens.mood[kept].astype(np.int64)).to(device),
        torch.from_numpy(tokens.two_class[kept]).to(device),
        length,
    )


def save_labelled(folder: Path, read: Sequence[Any], part: Sequence[int], source: Sequence[int]) -> None:
    """``read``: ``reading.Example`` of every comment; part: TRAIN, APART or DEV of each; source: number of its set."""
    folder.mkdir(parents=True, exist_ok=True)
    windows = [window for one in read for window in one.windows]
    start = np.zeros(len(windows) + 1, np.int64)
    np.cumsum([len(window.ids) for window in windows], out=start[1:])
    held = [(number, column, at) for number, one in enumerate(read) for column, at in _held(one)]
    by, code, at = np.array(held, np.int64).reshape(-1, 3).T
    columns = (
        np.concatenate([window.ids for window in windows]).astype(np.uint16),
        start,
        np.repeat(np.arange(len(read)), [len(one.windows) for one in read]),
        np.array([one.mood for one in read], np.int8),
        np.array([one.two_class for one in read], np.bool_),
        np.stack([one.mention for one in read]),
        np.stack([one.polarity for one in read]),
        np.array([one.weight for one in read], np.float64),
        np.array(source, np.int64),
        np.array(part, np.int8),
        by,
        code,
        at,
    )
    for name, column in zip(LABELLED, columns, strict=True):
        np.save(folder / f"{name}.npy", np.asarray(column), allow_pickle=False)


def _held(one: Any) -> Iterator[tuple[int, int]]:
    """``(code, place of a token)`` of every token in a clause that holds evidence."""
    if not one.evidence:
        return
    clause = np.concatenate([window.clause for window in one.windows])
    for column, clauses in one.evidence.items():
        for at in np.flatnonzero(np.isin(clause, clauses)):
            yield column, int(at)


def load_comments(folder: Path, part: int, device: str) -> Comments:
    """The comments of one part, of the arrays that ``save_labelled`` wrote."""
    held: dict[str, Any] = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in LABELLED}
    chosen = np.flatnonzero(held["part"] == part)
    again = np.full(len(held["part"]), -1, np.int64)
    again[chosen] = np.arange(len(chosen))
    windows = again[held["owner"]] >= 0
    length = np.diff(held["start"])
    ids = held["ids"][np.repeat(windows, length)]
    start = np.concatenate([[0], np.cumsum(length[windows])])
    owner = again[held["owner"]][windows]
    first = np.searchsorted(owner, np.arange(len(chosen) + 1))
    marks = again[held["held_by"]] >= 0 if len(held["held_by"]) else np.zeros(0, bool)
    return Comments(
        torch.from_numpy(ids.astype(np.int16)).to(device),
        torch.from_numpy(start).to(device),
        first,
        torch.from_numpy(held["mood"][chosen].astype(np.int64)).to(device),
        torch.from_numpy(held["two_class"][chosen]).to(device),
        torch.from_numpy(held["mention"][chosen]).to(device),
        torch.from_numpy(held["polarity"][chosen]).to(device),
        held["weight"][chosen],
        held["source"][chosen],
        np.diff(start[first]),
        np.searchsorted(again[held["held_by"]][marks], np.arange(len(chosen) + 1)),
        held["held_code"][marks],
        held["held_at"][marks],
    )


def cuts(length: Ints, size: int) -> Iterator[tuple[int, int, int]]:
    """``(begin, end, tokens)`` of as many as fit into ``size`` tokens, one run after the other; the last may be short."""
    ends = np.concatenate([[0], np.cumsum(length)])
    begin = 0
    while begin < len(length):
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + size, side="right")) - 1)
        yield begin, end, int(ends[end] - ends[begin])
        begin = end


def joined(corpus: Corpus, comments: Comments) -> Corpus:
    """The unlabelled windows, then those of labelled comments, as texts without codes."""
    device = corpus.ids.device
    owner = torch.from_numpy(np.repeat(np.arange(len(comments)), np.diff(comments.first))).to(device)
    return replace(
        corpus,
        ids=torch.cat([corpus.ids, comments.ids]),
        start=torch.cat([corpus.start, comments.start[1:] + len(corpus.ids)]),
        stars=torch.cat([corpus.stars, corpus.stars.new_zeros(len(owner))]),
        mood=torch.cat([corpus.mood, comments.mood[owner]]),
        two_class=torch.cat([corpus.two_class, comments.two_class[owner]]),
        length=np.concatenate([corpus.length, comments.start.diff().cpu().numpy()]),
    )
