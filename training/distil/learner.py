"""The network of teacher and student: the tagger as it is served, and the heads that only training needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by
from transformers import BertConfig, BertModel

from vocnlp.training.encoder_net import (
    OUTCOMES,
    TaggerNet,
    attended,
    chances,
    mean_of,
    mood_loss,
    outcomes,
    taught_losses,
)
from vocnlp.training.pretrain.tokens import MASK, SPECIAL

from .packed import BEGIN, PAD, Kernels, Pack, read
from .plan import Shape


class Learner(nn.Module):
    """A tagger with heads for hidden words and stars, and for a student one that looks like the teacher's states."""

    def __init__(self, shape: Shape, vocabulary: int, codes: int, window: int, *, like: int = 0) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.neurons,
            max_position_embeddings=window,
            type_vocab_size=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.tagger = TaggerNet(BertModel(config, add_pooling_layer=False), codes)
        self.transform = nn.Sequential(nn.Linear(shape.width, shape.width), nn.GELU(), nn.LayerNorm(shape.width))
        self.word_bias = nn.Parameter(torch.zeros(vocabulary))
        self.stars = nn.Linear(shape.width, 5)
        self.lift = nn.Linear(shape.width, like) if like else None

    @property
    def table(self) -> Tensor:
        weight: Tensor = self.tagger.encoder.embeddings.word_embeddings.weight
        return weight

    def guess(self, states: Tensor, places: Tensor, truth: Tensor, kernels: Kernels) -> Tensor:
        """The loss of the hidden words."""
        with torch.autocast(states.device.type, torch.bfloat16, enabled=kernels.kind == torch.bfloat16):
            shown = self.transform(states[places]).to(kernels.kind)
        return kernels.guess(shown, self.table, self.word_bias, truth)

    def mean(self, states: Tensor, packed: Pack) -> Tensor:
        """(windows, width) what the mood and the stars are read from."""
        size = packed.bounds.diff()
        sums = torch.zeros(len(size), states.shape[1], device=states.device)
        sums = sums.index_add(0, packed.window, states.float())[: packed.count]
        shown: Tensor = self.tagger.pooled(sums / size[: packed.count, None])
        return shown


@dataclass(frozen=True)
class Said:
    """As ``encoder_net.Read``, of whole texts. n texts, c codes: mood (n, 2), logits (n, c, 4), total (n, c);
    attention: (b, c)"""

    mood: Tensor
    logits: Tensor
    total: Tensor
    attention: Tensor


def say(learner: Learner, states: Tensor, packed: Pack, owner: Tensor, texts: int) -> Said:
    """What the tagger says. owner: (windows,) the text of each window."""
    tagger = learner.tagger
    size = packed.bounds.diff()[: packed.count].float()
    share = size / torch.zeros(texts, device=size.device).index_add(0, owner, size)[owner]
    felt = tagger.mood(learner.mean(states, packed)) * share[:, None]
    mood = torch.zeros(texts, 2, device=size.device).index_add(0, owner, felt)
    weight, bias = tagger.heads.weight.to(states.dtype), tagger.heads.bias.to(states.dtype)
    heads = F.linear(states, weight, bias).float()
    scores, told = heads[:, : tagger.codes], heads[:, tagger.codes :]
    word = (packed.ids != PAD) & (packed.ids != BEGIN)
    attention = attended(scores, word)
    fillers = torch.full((len(packed.bounds) - 1 - packed.count,), texts, device=owner.device, dtype=owner.dtype)
    text = torch.cat([owner, fillers])[packed.window]
    total = torch.zeros(texts + 1, tagger.codes, device=size.device).index_add(0, text, attention)[:texts]
    each = (attention[:, :, None] * told.view(-1, tagger.codes, OUTCOMES)).flatten(1)
    weighted = torch.zeros(texts + 1, each.shape[1], device=size.device).index_add(0, text, each)[:texts]
    return Said(mood, outcomes(total, weighted.view(texts, tagger.codes, OUTCOMES)), total, attention)


def hide(packed: Pack, share: float, vocabulary: int, chance: torch.Generator) -> tuple[Pack, Tensor, Tensor]:
    """``(seen, places, truth)``: of the hidden words 80 % are [MASK], 10 % another word, 10 % as they are (BERT)."""
    size, device = len(packed.ids), packed.ids.device
    scores = torch.rand(size, device=device, generator=chance).masked_fill(packed.ids < SPECIAL, -1.0)
    places = scores.topk(int(share * size)).indices
    truth = packed.ids[places]
    kind = torch.rand(len(places), device=device, generator=chance)
    other = torch.randint(SPECIAL, vocabulary, (len(places),), device=device, generator=chance)
    shown = torch.where(kind < 0.8, torch.where(truth < SPECIAL, truth, MASK), torch.where(kind < 0.9, other, truth))
    ids = packed.ids.clone()
    ids[places] = shown
    return replace(packed, ids=ids), places, truth


def starred_losses(learner: Learner, states: Tensor, packed: Pack, labels: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """(stars, mood) losses of windows whose text says how satisfied its writer was."""
    shown = learner.mean(states, packed)
    stars, told = learner.stars(shown), labels["stars"] - 1
    first = mean_of(F.cross_entropy(stars, told, reduction="none", ignore_index=-1), told >= 0)
    return first, mood_loss(learner.tagger.mood(shown), labels["mood"], labels["two_class"])


def taught_loss(said: Said, teacher: Said, weights: tuple[float, float, float]) -> Tensor:
    """Of saying what the teacher says; weights: of mention, polarity and mood."""
    wanted = chances(teacher.logits, teacher.mood, exclusive=False)
    parts = taught_losses(said.logits, said.mood, *wanted, exclusive=False)
    return sum((weight * part for weight, part in zip(weights, parts, strict=True)), said.mood.sum() * 0)


def states_loss(learner: Learner, states: Tensor, teacher: Tensor, packed: Pack) -> Tensor:
    """How far the student's states, seen through ``lift``, are from the teacher's (TinyBERT, Jiao et al. 2020)."""
    assert learner.lift is not None
    lifted = F.linear(states, learner.lift.weight.to(states.dtype), learner.lift.bias.to(states.dtype))
    there = (packed.ids != PAD).float()
    return ((lifted.float() - teacher.float()).square().mean(1) * there).sum() / there.sum()


def states_of(learner: Learner, packed: Pack, kernels: Kernels) -> Tensor:
    return read(learner.tagger.encoder, packed, kernels)
