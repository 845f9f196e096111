"""Batches of windows end to end, in an order fixed by the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .numbers import Comments, Corpus, Ints, cuts
from .packed import Kernels, Pack, pack


@dataclass(frozen=True)
class Batch:
    """Windows of a step. texts: how many comments they belong to; owner: (windows,) the comment of each; chosen: numbers
    of the comments or windows; marks: (3, k) comment in the batch, code and token of the evidence"""

    packed: Pack
    owner: Tensor
    texts: int
    chosen: Tensor
    marks: Tensor | None = None


class Setting:
    """What all parts share: device, windows to read, kernels for steps that keep their shape and for those that do not."""

    def __init__(self, device: str, window: int, vocabulary: int, seed: int, plain: Kernels, fixed: Kernels) -> None:
        self.device, self.window, self.vocabulary, self.seed = device, window, vocabulary, seed
        self.plain, self.fixed = plain, fixed

    def seed_of(self, step: int) -> int:
        """The same after a resume."""
        return self.seed * 1_000_003 + step


def corpus_batches(setting: Setting, corpus: Corpus, times: Ints, size: int, epoch: int) -> Iterator[Batch]:
    """All windows of a corpus, each as often as ``times`` says, in an order of the seed and the epoch; full steps only."""
    order = np.random.default_rng([setting.seed, epoch]).permutation(np.repeat(np.arange(len(times)), times))
    length = corpus.length[order]
    there = torch.from_numpy(order).to(setting.device)
    for begin, end, used in cuts(length, size):
        if end < len(order) or begin == 0:
            chosen = there[begin:end]
            packed = pack(corpus.ids, corpus.start, chosen, used, size, setting.window)
            yield Batch(packed, torch.arange(end - begin, device=setting.device), end - begin, chosen)


def comment_batches(setting: Setting, comments: Comments, size: int, epoch: int, salt: int) -> Iterator[Batch]:
    """Every comment about as often as it weighs."""
    chance = np.random.default_rng([setting.seed, epoch, salt])
    times = np.floor(comments.weight + chance.random(len(comments))).astype(np.int64)
    order = chance.permutation(np.repeat(np.arange(len(comments)), times))
    yield from batches_of(setting, comments, order, size)


def batches_of(setting: Setting, comments: Comments, order: Ints, size: int) -> Iterator[Batch]:
    """These comments, whole, in this order; a comment longer than ``size`` makes a step of its own."""
    for begin, end, used in cuts(comments.tokens[order], size):
        chosen = order[begin:end]
        windows, owner = _ranges(comments.first, chosen)
        packed = pack(comments.ids, comments.start, _to(setting, windows), used, max(size, used), setting.window)
        at, whose = _ranges(comments.held_start, chosen)
        offset = np.concatenate([[0], np.cumsum(comments.tokens[chosen])])
        marks = np.stack([whose, comments.held_code[at], offset[whose] + comments.held_at[at]])
        yield Batch(packed, _to(setting, owner), len(chosen), _to(setting, chosen), _to(setting, marks))


def _ranges(first: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """All of ``first[k]`` to ``first[k + 1]`` for the chosen k, and which of the chosen each belongs to."""
    count = first[chosen + 1] - first[chosen]
    owner = np.repeat(np.arange(len(chosen)), count)
    return first[chosen][owner] + np.arange(len(owner)) - (np.cumsum(count) - count)[owner], owner


def _to(setting: Setting, array: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(setting.device)
