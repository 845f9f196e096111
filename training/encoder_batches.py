"""Labelled texts in batches of like length, as the encoder is fitted to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vocnlp.records import POLARITIES
from vocnlp.windows import MARK, NOTHING, WORD

from .reading import Example


@dataclass(frozen=True)
class Batch:
    """Windows of some texts. ids, kind: (n, t); owner: (n,) the text of each window."""

    examples: Sequence[Example]
    ids: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]

    def believed(self) -> npt.NDArray[np.float32] | None:
        """(texts, c, 3) how likely each polarity of a judged code is; None where every label is believed."""
        if all(one.believed is None for one in self.examples):
            return None
        plain = np.eye(len(POLARITIES), dtype=np.float32)
        said = [plain[np.maximum(one.polarity, 0)] if one.believed is None else one.believed for one in self.examples]
        return np.stack(said)


def batch_of(examples: Sequence[Example]) -> Batch:
    """The windows of these texts side by side, filled up to a multiple of eight tokens."""
    windows = [window for one in examples for window in one.windows]
    width = -(-max(len(window.ids) for window in windows) // 8) * 8
    ids = np.zeros((len(windows), width), np.int64)
    kind = np.full(ids.shape, NOTHING, np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        kind[row, : len(window.ids)] = np.where(window.clause >= 0, WORD, MARK)
    owner = np.repeat(np.arange(len(examples)), [len(one.windows) for one in examples])
    return Batch(examples, ids, kind, owner)


def length(one: Example) -> int:
    """Tokens of its longest window."""
    return max(len(window.ids) for window in one.windows)


def batches(examples: Sequence[Example], size: int, chance: np.random.Generator) -> Iterator[list[Example]]:
    """Every text about as often as it weighs, in batches of like length of at most ``size`` tokens."""
    times = np.array([one.weight for one in examples])
    times = np.floor(times + chance.random(len(times))).astype(int)
    order = chance.permutation(np.repeat(np.arange(len(examples)), times))
    pool = 50 * max(1, size // 32)
    for at in range(0, len(order), pool):
        block = sorted((examples[k] for k in order[at : at + pool]), key=length)
        cuts: list[list[Example]] = [[]]
        room = 0
        for one in block:
            room += len(one.windows)
            if cuts[-1] and room * length(one) > size:
                cuts.append([])
                room = len(one.windows)
            cuts[-1].append(one)
        for k in chance.permutation(len(cuts)):
            yield cuts[k]
