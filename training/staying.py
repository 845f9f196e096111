"""New comments are learnt by their labels while a tagger goes on saying of all others what it said before.

Labels alone pull a fitted tagger away from what it knew, even where the old comments are read beside the new ones; its own
answers to them hold it (learning without forgetting: Li & Hoiem 2018, with old texts in place of none).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vocnlp.errors import InputError
from vocnlp.windows import NOTHING

from .encoder_batches import Batch, batch_of
from .encoder_fit import EncoderFit, merged
from .encoder_net import TaggerNet, chances, taught_losses
from .labelled import Labelled
from .narrowing import error_share, read_states
from .reading import Example
from .recipe import EncoderRecipe
from .steps import half_precision

_LAST = 0.5  # the weight of the last states, where the answers have those of the recipe


def settled(train: Sequence[Example], rows: Sequence[Labelled], recipe: EncoderRecipe) -> list[Example]:
    """The examples of these rows, those ``settled`` that are of no set in ``recipe.new``.

    InputError where nothing is new, or nothing is left to stay: the recipe then means something else than it says.
    """
    new = [row.is_of(recipe.new) for row in rows]
    if all(new) or not any(new):
        told = "names every set, so there is nothing that could stay" if any(new) else "names no set of this training"
        sets = sorted({row.source for row in rows})
        hint = f"name those that the start has not read; sets: {', '.join(sets[:8])}{', ...' if len(sets) > 8 else ''}"
        raise InputError(told, column="encoder.new", value=", ".join(recipe.new) or None, hint=hint)
    return [replace(one, settled=not fresh) for one, fresh in zip(train, new, strict=True)]


class Staying(EncoderFit):
    """Fits new examples to their labels, and those that are ``settled`` to what the network says at the start.

    ``recipe.stays`` is the weight of a settled example where a new one has 1. Words stay as they are.
    """

    def __init__(self, network: TaggerNet, recipe: EncoderRecipe, **more: Any) -> None:
        self.before = deepcopy(network).eval()  # now: a checkpoint holds later weights
        # Their gradient says where they are moved to; without moves nobody asks for it.
        network.encoder.embeddings.requires_grad_(recipe.adversarial > 0)
        super().__init__(network, recipe, **more)
        self.still = tuple(one for name, one in network.encoder.named_parameters() if name.startswith("embeddings."))

    def losses(self, batch: Batch, step: int) -> dict[str, tuple[float, Tensor]]:
        new = [one for one in batch.examples if not one.settled]
        old = [one for one in batch.examples if one.settled]
        every = len(batch.examples)
        found = super().losses(batch_of(new), step) if new else {}
        found = {name: (weight * len(new) / every, loss) for name, (weight, loss) in found.items()}
        for name, (weight, loss) in (self._stayed(batch_of(old)) if old else {}).items():
            found[f"{name} stays"] = (weight * self.recipe.stays * len(old) / every, loss)
        return found

    def _stayed(self, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        """How far states and answers are from those before."""
        ids, kind = torch.from_numpy(batch.ids), torch.from_numpy(batch.kind)
        there = kind != NOTHING
        with half_precision(self.device):
            with torch.no_grad():
                wanted, said = read_states(self.before, ids, kind)
            given, own = read_states(self.network, ids, kind)
        (logits, _, mood), (told, _, leaning) = merged(batch, own), merged(batch, said)
        answers = chances(told, leaning, exclusive=self.exclusive)
        mention, polarity, felt = taught_losses(logits, mood, *answers, exclusive=self.exclusive)
        return {
            "mention": (self.recipe.mention_weight, mention),
            "polarity": (self.recipe.polarity_weight, polarity),
            "mood": (self.recipe.mood_weight, felt),
            "states": (_LAST, error_share(given[-1][there].float(), wanted[-1][there].float())),
        }
