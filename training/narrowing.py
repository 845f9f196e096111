"""Fewer neurons in the feed-forward layers of a tagger that is fitted already: half of the time that a graph takes is theirs.

Neurons go one by one, always the one that is missed least, and the weights of those that stay take over what they can
of it (the Optimal Brain Surgeon, Hassibi & Stork 1993, layer by layer and neuron by neuron as in ZipLM, Kurtic et al.
2023). What is left then reads texts until its states and its answers are those of the whole tagger; no label is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vocnlp.errors import InputError
from vocnlp.windows import NOTHING

from .encoder_batches import Batch, batch_of, batches
from .encoder_fit import EncoderFit, Progress, merged
from .encoder_net import Read, TaggerNet, chances, taught_losses
from .reading import Example
from .recipe import EncoderRecipe
from .steps import half_precision

_SEEN = 250_000  # tokens on which it is measured which neurons are missed
_LEAST = 1e-4  # of the mean power of a neuron, added to all: moments of few tokens cannot be inverted
# Weights of the last states, of what the heads make of each token of them, and of what they make of a text, where other
# states have 1: after a cut these pull about as hard.
_LAST, _HEADS, _ANSWERS = 4.0, 0.5, 2.0


def narrow(
    network: TaggerNet,
    examples: Sequence[Example],
    recipe: EncoderRecipe,
    *,
    exclusive: bool = False,
    work: Path | None = None,
    progress: Progress = lambda what, share: None,
) -> TaggerNet:
    """A tagger with ``recipe.inner`` neurons a feed-forward layer that says nearly what ``network``, with more, says.

    It goes on from the last checkpoint in ``work``.
    """
    layers: list[Any] = list(network.encoder.encoder.layer)  # type: ignore[arg-type, union-attr]
    progress("measuring neurons", 0.0)
    moments = _moments(network, layers, examples, recipe)
    kept = [_kept(layer.output.dense.weight, recipe.inner, one) for layer, one in zip(layers, moments, strict=True)]
    less = _with(network, recipe.inner, kept)
    way = replace(
        recipe,
        epochs=recipe.inner_epochs,
        rate=recipe.inner_rate,
        heads_rate=recipe.inner_rate,
        decay=1 - recipe.warm,
        adversarial=0.0,
    )
    _Regain(less, network, way, exclusive=exclusive, work=work).run(examples, progress=progress)
    less.requires_grad_(True)
    return less


def too_many(network: TaggerNet, inner: int) -> int:
    """Neurons of a feed-forward layer where there are more than ``inner``, else 0; 0 also if ``inner`` is 0, which sets no
    bound. InputError for an encoder that is no BERT."""
    if not inner:
        return 0
    config = network.encoder.config
    if config.model_type != "bert":
        told = f"the feed-forward layers of a {config.model_type} cannot be narrowed"
        raise InputError(told, column="encoder.inner", hint="leave it out of the recipe, or start from a BERT")
    if inner < 0:
        raise InputError("a layer has at least one neuron", column="encoder.inner", value=str(inner))
    return int(config.intermediate_size) if inner < config.intermediate_size else 0


@torch.no_grad()
def _moments(
    network: TaggerNet, layers: Sequence[Any], examples: Sequence[Example], recipe: EncoderRecipe
) -> list[Tensor]:
    """(d, d) a layer: the mean product of every two neurons' answers, over the tokens of some batches."""
    size = int(network.encoder.config.intermediate_size)
    moments = [torch.zeros(size, size, dtype=torch.float64) for _ in layers]
    answers: dict[int, Tensor] = {}
    hooks = [
        layer.output.dense.register_forward_pre_hook(lambda _, given, place=place: answers.__setitem__(place, given[0]))
        for place, layer in enumerate(layers)
    ]
    network.eval()
    tokens = 0
    for chosen in batches(examples, recipe.batch, np.random.default_rng(recipe.seed)):
        batch = batch_of(chosen)
        there = torch.from_numpy(batch.kind) != NOTHING
        network.states(torch.from_numpy(batch.ids), torch.from_numpy(batch.kind))
        for place, moment in enumerate(moments):
            some = answers[place][there].double()
            moment.addmm_(some.T, some)
        tokens += int(there.sum())
        if tokens >= _SEEN:
            break
    for hook in hooks:
        hook.remove()
    return [moment / max(tokens, 1) for moment in moments]


def _kept(weight: Tensor, inner: int, moment: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the neurons that stay, and the weights (out, inner) of what is made of them.

    weight: (out, d); moment: (d, d). The error of leaving out neuron q is |w_q|^2 / inverse_qq; the others' weights
    then change by -w_q inverse_q / inverse_qq.
    """
    size = len(moment)
    inverse = torch.linalg.inv(moment + _LEAST * moment.diag().mean() * torch.eye(size, dtype=moment.dtype))
    left = weight.detach().double().clone()
    stays = torch.ones(size, dtype=torch.bool)
    for _ in range(size - inner):
        missed = left.square().sum(0) / inverse.diag()
        q = int(missed.masked_fill(~stays, torch.inf).argmin())
        left -= torch.outer(left[:, q], inverse[q] / inverse[q, q])
        inverse -= torch.outer(inverse[:, q], inverse[q]) / inverse[q, q]
        inverse[q, q] = 1.0  # it is out; no division by what is left of it
        stays[q] = False
    return stays.nonzero().flatten(), left[:, stays].to(weight.dtype)


def _with(network: TaggerNet, inner: int, kept: Sequence[tuple[Tensor, Tensor]]) -> TaggerNet:
    less = deepcopy(network)
    less.encoder.config.intermediate_size = inner
    with torch.no_grad():
        for layer, (places, weight) in zip(less.encoder.encoder.layer, kept, strict=True):  # type: ignore[union-attr, arg-type]
            into, out = layer.intermediate.dense, layer.output.dense
            layer.intermediate.dense = nn.Linear(into.in_features, inner)
            layer.intermediate.dense.weight.copy_(into.weight[places])
            layer.intermediate.dense.bias.copy_(into.bias[places])
            layer.output.dense = nn.Linear(inner, out.out_features)
            layer.output.dense.weight.copy_(weight)
            layer.output.dense.bias.copy_(out.bias)
    return less


class _Regain(EncoderFit):
    """Fits the states after every layer, and the answers, to those of the whole tagger. Words stay."""

    def __init__(
        self, less: TaggerNet, whole: TaggerNet, recipe: EncoderRecipe, *, exclusive: bool, work: Path | None
    ) -> None:
        less.encoder.embeddings.requires_grad_(False)
        super().__init__(less, recipe, exclusive=exclusive, work=work)
        self.whole = whole.eval()

    def losses(self, batch: Batch, step: int) -> dict[str, tuple[float, Tensor]]:
        ids, kind = torch.from_numpy(batch.ids), torch.from_numpy(batch.kind)
        there = kind != NOTHING
        self.network.eval()  # no dropout: the whole tagger has none here
        with half_precision(self.device):
            with torch.no_grad():
                wanted, said = read_states(self.whole, ids, kind)
            given, own = read_states(self.network, ids, kind)
        apart = [
            error_share(one[there].float(), other[there].float()) for one, other in zip(given, wanted, strict=True)
        ]
        seen = (given[-1] - wanted[-1])[there].float() @ self.whole.heads.weight.detach().T
        (logits, _, mood), (told, _, leaning) = merged(batch, own), merged(batch, said)
        answers = chances(told, leaning, exclusive=self.exclusive)
        mention, polarity, felt = taught_losses(logits, mood, *answers, exclusive=self.exclusive)
        return {
            "states": (1.0, torch.stack(apart[:-1]).sum() if len(apart) > 1 else apart[-1] * 0),
            "last": (_LAST, apart[-1]),
            "heads": (_HEADS, seen.square().mean()),
            "mention": (_ANSWERS * self.recipe.mention_weight, mention),
            "polarity": (_ANSWERS * self.recipe.polarity_weight, polarity),
            "mood": (_ANSWERS * self.recipe.mood_weight, felt),
        }


def read_states(network: TaggerNet, ids: Tensor, kind: Tensor) -> tuple[Sequence[Tensor], Read]:
    """(n, t, d) states after every layer, and what the heads make of the last."""
    every = network.encoder(input_ids=ids, attention_mask=(kind != NOTHING).long(), output_hidden_states=True)
    states = every.hidden_states[1:]
    return states, network.read(states[-1], network.felt(states[-1], kind), kind)


def error_share(given: Tensor, wanted: Tensor) -> Tensor:
    """The mean square of the error as a share of that of what is wanted."""
    return (given - wanted).square().mean() / wanted.square().mean()
