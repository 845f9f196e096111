"""The tagger model: one encoder; a head for the sentiment of the whole; for each code an attention over tokens.

A code attends to the tokens that speak of it (Bahdanau et al. 2015); what they say, weighted by that attention, decides
whether the code is mentioned and with which polarity. The attention is the evidence. Its scores are bounded, so a text
read in several windows gives sums that can be added: the result is that of one long window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by
from transformers import PreTrainedModel

from vocnlp.windows import NOTHING, WORD

OUTCOMES = 4  # mention, and the three polarities
_BOUND = 8.0  # of the attention scores: exp(-8) .. exp(8)


@dataclass(frozen=True)
class Read:
    """What one batch of windows says. n windows, t tokens, c codes.

    mood: (n, 2) logits, neutral or not and positive or negative
    attention: (n, t, c) unnormalised, above 0, and 0 where there is no word
    total: (n, c) its sum over tokens; weighted: (n, c, 4) sums of what the tokens say, weighted by it
    """

    mood: Tensor
    attention: Tensor
    total: Tensor
    weighted: Tensor


class TaggerNet(nn.Module):
    """An encoder of any Hugging Face architecture with the heads of the tagger."""

    def __init__(self, encoder: PreTrainedModel, codes: int) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder = encoder
        self.codes = codes
        self.drop = nn.Dropout(0.1)
        self.pooled = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.mood = nn.Linear(width, 2)
        self.heads = nn.Linear(width, (1 + OUTCOMES) * codes)  # attention scores, then what each token says
        with torch.no_grad():
            self.heads.bias[codes::OUTCOMES] = -2.0  # most codes are absent from most texts

    def leave_out(self, share: float) -> None:
        """Dropout in the layers of the encoder while it learns. One that brings its own keeps that: it was made with it."""
        layers = [module for module in self.encoder.modules() if isinstance(module, nn.Dropout)]
        if not any(layer.p for layer in layers):
            for layer in layers:
                layer.p = share

    def forward(self, ids: Tensor, kind: Tensor) -> Read:
        """ids: (n, t); kind: (n, t), NOTHING, MARK or WORD as in ``vocnlp.windows``."""
        return self.read(*self.states(ids, kind), kind)

    def read(self, hidden: Tensor, mood: Tensor, kind: Tensor) -> Read:
        """What the heads make of ``states``."""
        heads = self.heads(hidden).float()
        attention = attended(heads[..., : self.codes], kind == WORD)
        said = heads[..., self.codes :].unflatten(2, (self.codes, OUTCOMES))
        weighted = (attention.unsqueeze(-1) * said).sum(1)
        return Read(mood.float(), attention, attention.sum(1), weighted)

    def states(self, ids: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
        """``(last hidden states (n, t, d), mood (n, 2))``."""
        every = self.encoder(input_ids=ids, attention_mask=(kind != NOTHING).long())
        hidden = self.drop(every.last_hidden_state)
        return hidden, self.felt(hidden, kind)

    def felt(self, hidden: Tensor, kind: Tensor) -> Tensor:
        """(n, 2) mood, of last hidden states (n, t, d)."""
        share = (kind != NOTHING).to(hidden.dtype).unsqueeze(-1)
        return self.mood(self.pooled((hidden * share).sum(1) / share.sum(1)))  # type: ignore[no-any-return]


def attended(scores: Tensor, word: Tensor) -> Tensor:
    """(..., c) attention from scores of any size, unnormalised: exp(-8) to exp(8) on words, 0 elsewhere. word: (...)."""
    return torch.exp(_BOUND * torch.tanh(scores / _BOUND)) * word.unsqueeze(-1).float()


def outcomes(total: Tensor, weighted: Tensor) -> Tensor:
    """(n, c, 4) logits from the sums of all windows of a text."""
    return weighted / total.clamp(min=1e-6).unsqueeze(-1)


def code_losses(
    logits: Tensor,
    mention: Tensor,
    polarity: Tensor,
    *,
    exclusive: bool,
    robust: float = 0.0,
    believed: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """(mention, polarity) losses. logits: (n, c, 4); mention: 1, 0 or -1 unknown; polarity: 0-2 or -1 unknown.

    believed: (n, c, 3) how likely each polarity of a judged code is, where that is not 0 or 1 as its label says
    robust: q of the generalised cross entropy (1 - p^q) / q of exclusive codes (Zhang & Sabuncu 2018): a row whose label
    the network finds unlikely pulls the less, the larger q is; towards 0 it is the cross entropy.
    """
    known = mention >= 0
    if exclusive:
        told = (mention == 1).any(1)
        first = _surprise(logits[told, :, 0], mention[told].argmax(1), robust) if told.any() else logits.sum() * 0
    else:
        each = F.binary_cross_entropy_with_logits(logits[..., 0], (mention == 1).float(), reduction="none")
        first = (each * known).sum() / len(logits)
    judged = polarity >= 0
    wanted = polarity[judged].long() if believed is None else believed[judged]
    second = F.cross_entropy(logits[..., 1:][judged], wanted) if judged.any() else logits.sum() * 0
    return first, second


def _surprise(scores: Tensor, label: Tensor, robust: float) -> Tensor:
    if robust == 0:
        return F.cross_entropy(scores, label)
    chosen = F.log_softmax(scores, 1).gather(1, label[:, None].long())
    return ((1 - torch.exp(robust * chosen)) / robust).mean()


def chances(logits: Tensor, mood: Tensor, *, exclusive: bool) -> tuple[Tensor, Tensor, Tensor]:
    """What a network says as the probabilities that ``taught_losses`` takes: (n, c), (n, c, 3) and (n, 3)."""
    mention = logits[..., 0].softmax(1) if exclusive else logits[..., 0].sigmoid()
    neutral, positive = mood.sigmoid().unbind(1)
    moods = torch.stack([(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive], 1)
    return mention, logits[..., 1:].softmax(2), moods


def taught_losses(
    logits: Tensor, mood: Tensor, mention: Tensor, polarity: Tensor, moods: Tensor, *, exclusive: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """(mention, polarity, mood) losses against a teacher's probabilities (Hinton et al. 2015).

    logits: (n, c, 4); mood: (n, 2); mention: (n, c); polarity: (n, c, 3), which counts as far as the teacher sees the
    code; moods: (n, 3), negative, neutral, positive.
    """
    if exclusive:
        first = -(mention * F.log_softmax(logits[..., 0], 1)).sum(1).mean()
    else:
        first = F.binary_cross_entropy_with_logits(logits[..., 0], mention, reduction="none").sum(1).mean()
    apart = -(polarity * F.log_softmax(logits[..., 1:], 2)).sum(2)
    second = (apart * mention).sum() / mention.sum().clamp(min=1e-6)
    opinion = (1 - moods[:, 1]).clamp(min=1e-6)
    neutral = F.binary_cross_entropy_with_logits(mood[:, 0], moods[:, 1])
    leaning = F.binary_cross_entropy_with_logits(mood[:, 1], (moods[:, 2] / opinion).clamp(0, 1), reduction="none")
    return first, second, neutral + (leaning * opinion).sum() / opinion.sum()


def mood_loss(logits: Tensor, mood: Tensor, two_class: Tensor, leaning: Tensor | None = None) -> Tensor:
    """Of (n, 2) logits, neutral or not and positive or negative; a two-class label says nothing about neutral.

    leaning: (n,) how far each with an opinion is positive, where that is not 0 or 1 as its label says.
    """
    known, opinion = mood >= 0, (mood == 0) | (mood == 2)
    wanted = (mood == 2).float() if leaning is None else leaning
    neutral = F.binary_cross_entropy_with_logits(logits[:, 0], (mood == 1).float(), reduction="none")
    positive = F.binary_cross_entropy_with_logits(logits[:, 1], wanted, reduction="none")
    return mean_of(neutral, known & ~two_class) + mean_of(positive, opinion)


def mean_of(loss: Tensor, counted: Tensor) -> Tensor:
    """The mean of the losses that count; 0 where none does."""
    return (loss * counted).sum() / counted.sum().clamp(min=1)
