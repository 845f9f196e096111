"""What a tagger says of labelled comments while it is being made, and how much of that is right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .batches import Setting, batches_of
from .learner import Learner, say, states_of
from .numbers import Comments


@torch.no_grad()
def answers(
    setting: Setting, learner: Learner, comments: Comments, size: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """``(logits (n, c, 4), mood (n, 2))`` of all comments, in order."""
    learner.eval()
    logits, mood = [], []
    for batch in batches_of(setting, comments, np.arange(len(comments)), size):
        states = states_of(learner, batch.packed, setting.plain)
        said = say(learner, states, batch.packed, batch.owner, batch.texts)
        logits.append(said.logits.float().cpu().numpy())
        mood.append(said.mood.float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(mood)


def figures(
    setting: Setting, learner: Learner, comments: Comments, sources: list[str], size: int
) -> dict[str, dict[str, float]]:
    """Of every set: accuracy of its sentiment, micro-F1 of codes and of pairs at even chances. A look, not a verdict."""
    logits, mood = answers(setting, learner, comments, size)
    truth, two_class = comments.mood.cpu().numpy(), comments.two_class.cpu().numpy()
    mention, polarity = comments.mention.cpu().numpy(), comments.polarity.cpu().numpy()
    felt = np.where(~two_class & (mood[:, 0] > 0), 1, np.where(mood[:, 1] > 0, 2, 0))
    said, of = logits[..., 0] > 0, logits[..., 1:].argmax(2)
    found = {}
    for number, name in enumerate(sources):
        rows = comments.source == number
        one: dict[str, float] = {"comments": int(rows.sum())}
        known = rows & (truth >= 0)
        if known.any():
            one["sentiment"] = round(float((felt[known] == truth[known]).mean()), 4)
        looked = rows[:, None] & (mention >= 0)
        there = looked & (mention == 1)
        if there.any():
            claimed = looked & said
            one["codes"] = _f1((claimed & there).sum(), claimed.sum(), there.sum())
            judged = there & (polarity >= 0)
            if judged.any():
                right = (claimed & judged & (of == polarity)).sum()
                one["pairs"] = _f1(right, (claimed & ~(there & ~judged)).sum(), judged.sum())
        found[name] = one
    return found


def _f1(right: int, claimed: int, there: int) -> float:
    return round(2 * float(right) / max(float(claimed + there), 1.0), 4)
