"""Weights kept beside those that are being fitted: their running average, and the best so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_BEST, _MEAN = "best.", "mean."


class Snapshots:
    """The average of a network's weights over its last steps (Polyak & Juditsky 1992), and a copy of the best ones.

    share: how much of the average stays at every step, 0 for no average; while few steps are gone, less stays
    """

    def __init__(self, network: nn.Module, share: float) -> None:
        self._network, self._share = network, share
        self._mean: dict[str, Tensor] = {}
        self._best: dict[str, Tensor] = {}

    @torch.no_grad()
    def step(self, number: int) -> None:
        """After step ``number`` (from 1) of the fit."""
        if not self._share:
            return
        if not self._mean:
            self._mean = _copy(self._network)
            return
        fresh = 1 - min(self._share, number / (number + 10))
        for name, tensor in self._network.state_dict().items():
            if tensor.is_floating_point():
                self._mean[name].lerp_(tensor, fresh)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the network has the averaged weights; after, its own again."""
        if not self._mean:
            yield
            return
        own = _copy(self._network)
        self._network.load_state_dict(self._mean)
        try:
            yield
        finally:
            self._network.load_state_dict(own)

    def take(self) -> None:
        """The weights that are now in the network are the best."""
        self._best = _copy(self._network)

    def settle(self) -> None:
        """Put the best weights into the network, if any were taken."""
        if self._best:
            self._network.load_state_dict(self._best)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, for a checkpoint."""
        best = {f"{_BEST}{name}": tensor for name, tensor in self._best.items()}
        return best | {f"{_MEAN}{name}": tensor for name, tensor in self._mean.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """What ``tensors`` gave, put back."""
        self._best = {name.removeprefix(_BEST): t for name, t in tensors.items() if name.startswith(_BEST)}
        self._mean = {name.removeprefix(_MEAN): t for name, t in tensors.items() if name.startswith(_MEAN)}


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
