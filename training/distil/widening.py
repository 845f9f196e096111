"""A wider and deeper tagger that begins by saying what a smaller one says, so that a teacher need not begin at nothing.

Width: every state stands ``m`` times, and what reads it is shared out among its copies unevenly, so that they part as soon as they
are trained (Net2Net, Chen et al. 2016; bert2BERT, Chen et al. 2022). Exact. Depth: a new layer behind each old one adds nothing yet,
and its norms give back what comes in, but for how far one token's spread differs from the usual one. Nearly exact.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .plan import Shape, unlike

_LAYER, _NORM = "encoder.encoder.layer.{}.", "LayerNorm."
_UNEVEN = 0.5  # copies of a state are read with shares of (1 +- this) / copies at most


def widened(tagger: Mapping[str, Tensor], small: Shape, large: Shape, seed: int) -> dict[str, Tensor]:
    """The weights of a ``TaggerNet`` of the shape ``large`` that says what ``tagger``, of the shape ``small``, says.

    ValueError for shapes of which that cannot be (``plan.unlike``).
    """
    if reason := unlike(small, large):
        raise ValueError(reason)
    chance = torch.Generator().manual_seed(seed)
    wide = _Wide(large.width // small.width, large.neurons, chance)
    found = {name: wide.of(name, tensor.float()) for name, tensor in tagger.items() if ".layer." not in name}
    each = large.layers // small.layers
    for old in range(small.layers):
        before = _LAYER.format(old)
        part = {name.removeprefix(before): tensor.float() for name, tensor in tagger.items() if name.startswith(before)}
        layer = wide.layer(part)
        for new in range(each):
            content = layer if new == 0 else _silent(layer)
            found |= {_LAYER.format(old * each + new) + name: tensor.clone() for name, tensor in content.items()}
    return found


class _Wide:
    """Tensors of a network whose states stand ``copies`` times each."""

    def __init__(self, copies: int, neurons: int, chance: torch.Generator) -> None:
        self.copies, self.neurons, self.chance = copies, neurons, chance

    def of(self, name: str, tensor: Tensor) -> Tensor:
        """A tensor outside the layers."""
        if "embeddings" in name:  # tables, and the norm of their sum
            return torch.cat([tensor] * self.copies, -1)
        if name.startswith("pooled"):
            return self.linear(tensor)
        return self.reads(tensor) if tensor.ndim > 1 else tensor  # the heads: as many as before

    def layer(self, part: Mapping[str, Tensor]) -> dict[str, Tensor]:
        old = part["intermediate.dense.weight"].shape[0]
        which = torch.arange(self.neurons) % old  # the old neuron of each
        found = {}
        for name, tensor in part.items():
            if name == "intermediate.dense.weight":
                found[name] = self.reads(tensor[which])
            elif name == "intermediate.dense.bias":
                found[name] = tensor[which]
            elif name == "output.dense.weight":
                share = self.uneven((len(tensor), self.neurons))
                whole = torch.zeros(len(tensor), old).index_add(1, which, share)
                found[name] = torch.cat([tensor[:, which] * share / whole[:, which]] * self.copies)
            else:
                found[name] = self.linear(tensor)
        return found

    def linear(self, tensor: Tensor) -> Tensor:
        """Of states to states: weights (out, in), or what stands beside them (out,)."""
        return torch.cat([self.reads(tensor) if tensor.ndim > 1 else tensor] * self.copies)

    def reads(self, weight: Tensor) -> Tensor:
        """(out, in) -> (out, copies * in): the copies of a state together count as it did."""
        share = self.uneven((self.copies, *weight.shape))
        return torch.cat(list(weight * share / share.sum(0)), 1)

    def uneven(self, shape: tuple[int, ...]) -> Tensor:
        return 1 + _UNEVEN * (2 * torch.rand(shape, generator=self.chance) - 1)


def _silent(layer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A layer that adds nothing to what the norm at the end of ``layer`` gave, until it is trained.

    That norm gave gain * z + offset, z of mean 0 and variance 1 over the neurons; the usual mean and spread of it are those
    of z that does not depend on the neuron. Norms of this gain and offset make of it nearly what it was.
    """
    gain, offset = layer["output." + _NORM + "weight"], layer["output." + _NORM + "bias"]
    spread = (gain.square().mean() + offset.var(correction=0)).sqrt()
    found = dict(layer)
    for part in ("attention.output.", "output."):
        for name in ("weight", "bias"):
            found[f"{part}dense.{name}"] = torch.zeros_like(layer[f"{part}dense.{name}"])
        found[part + _NORM + "weight"] = torch.full_like(gain, float(spread))
        found[part + _NORM + "bias"] = torch.full_like(offset, float(offset.mean()))
    return found
