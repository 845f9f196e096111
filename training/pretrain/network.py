"""The encoder and what it learns from: hidden words, stars, moods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by
from transformers import BertConfig, BertModel

from vocnlp.training.encoder_net import mean_of, mood_loss

from .plan import Plan
from .tokens import MASK, SPECIAL


@dataclass(frozen=True)
class Losses:
    """Mean losses of one batch: of hidden words, of stars, of moods; and the sum that is learnt from."""

    words: Tensor
    stars: Tensor
    mood: Tensor
    total: Tensor


@dataclass(frozen=True)
class Candidates:
    """The words among which hidden ones are guessed. ids: (k,) ascending; chance: (k,) log of how likely each was to
    be among them; targets: (hidden,) place of each hidden word in ``ids``."""

    ids: npt.NDArray[np.int64]
    chance: npt.NDArray[np.float32]
    targets: npt.NDArray[np.int64]


def candidates(
    hidden: npt.NDArray[np.int64], frequency: npt.NDArray[np.float64], count: int, chance: np.random.Generator
) -> Candidates:
    """The hidden words of a batch and about ``count`` others, drawn evenly (0: all). frequency: (vocabulary,), sums to 1.

    A softmax over the whole vocabulary takes two fifths of a step. Over candidates, with the log of the chance that each
    is among them taken off its score, its sum is right on average (sampled softmax, Jean et al. 2015).
    """
    share = min(1.0, count / len(frequency)) if count else 1.0
    there = chance.random(len(frequency)) < share
    there[hidden] = True
    ids = np.flatnonzero(there)
    among = 1 - (1 - share) * (1 - frequency[ids]) ** len(hidden)
    return Candidates(ids, np.log(np.maximum(among, 1e-9)).astype(np.float32), np.searchsorted(ids, hidden))


class Network(nn.Module):
    """A BERT encoder (Devlin et al. 2019) with three small heads."""

    def __init__(self, plan: Plan, size: int) -> None:
        super().__init__()
        self.encoder = BertModel(
            BertConfig(
                vocab_size=size,
                hidden_size=plan.width,
                num_hidden_layers=plan.layers,
                num_attention_heads=plan.heads,
                intermediate_size=4 * plan.width,
                max_position_embeddings=plan.window,
                type_vocab_size=1,
                hidden_dropout_prob=plan.dropout,
                attention_probs_dropout_prob=0.0,
                # On processors the plain attention is faster than the fused one, whose backward pass takes longer
                # than all other products together at these lengths.
                attn_implementation="sdpa" if torch.cuda.is_available() else "eager",  # type: ignore[call-arg]
            ),
            add_pooling_layer=False,
        )
        self.transform = nn.Sequential(nn.Linear(plan.width, plan.width), nn.GELU(), nn.LayerNorm(plan.width))
        self.word_bias = nn.Parameter(torch.zeros(size))
        self.pooled = nn.Sequential(nn.Linear(plan.width, plan.width), nn.Tanh())
        self.stars = nn.Linear(plan.width, 5)
        self.mood = nn.Linear(plan.width, 2)  # neutral or not; positive or negative

    @property
    def table(self) -> Tensor:
        weight: Tensor = self.encoder.embeddings.word_embeddings.weight
        return weight

    def read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(n, t) ids -> hidden states (n, t, width) and their pooled mean (n, width)."""
        there = ids != 0
        hidden: Tensor = self.encoder(input_ids=ids, attention_mask=there.long()).last_hidden_state
        share = there.to(hidden.dtype).unsqueeze(-1)
        mean = (hidden * share).sum(1) / share.sum(1)
        return hidden, self.pooled(mean)

    def losses(
        self, seen: Tensor, hidden_at: Tensor, among: Candidates, labels: dict[str, Tensor], plan: Plan
    ) -> Losses:
        """seen: (n, t) ids with words hidden; hidden_at: flat places of the hidden words; among: what they can be."""
        states, pooled = self.read(seen)
        chosen = self.transform(states.reshape(-1, states.shape[-1])[hidden_at])
        ids, targets = (torch.from_numpy(array).to(seen.device) for array in (among.ids, among.targets))
        bias = self.word_bias[ids] - torch.from_numpy(among.chance).to(seen.device)
        words = F.cross_entropy(F.linear(chosen, self.table[ids]).float() + bias, targets)
        stars = mean_of(F.cross_entropy(self.stars(pooled).float(), labels["stars"], reduction="none", ignore_index=-1),
                      labels["stars"] >= 0)  # fmt: skip
        mood = mood_loss(self.mood(pooled).float(), labels["mood"], labels["two_class"])
        return Losses(words, stars, mood, words + plan.stars_weight * stars + plan.mood_weight * mood)


def hide(
    ids: npt.NDArray[np.int64], plan: Plan, size: int, chance: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """``(seen, places)``: words hidden in short spans; of the hidden 80 % are [MASK], 10 % another word, 10 % as they are."""
    begin = chance.random(ids.shape) < plan.masked * (1 - plan.spans)
    more = chance.random(ids.shape) < plan.spans
    after = np.zeros_like(begin)
    after[:, 1:] = begin[:, :-1] & more[:, 1:]
    chosen = (begin | after) & (ids >= SPECIAL)
    if not chosen.any():
        chosen[0, np.argmax(ids[0] >= SPECIAL)] = True
    kind = chance.random(ids.shape)
    seen = np.where(chosen & (kind < 0.8), MASK, ids)
    seen = np.where(chosen & (kind >= 0.9), chance.integers(SPECIAL, size, ids.shape), seen)
    return seen, np.flatnonzero(chosen)
