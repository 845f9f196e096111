"""Word vectors moved against what is being learnt: a fit that must hold there leans less on single words learnt by heart.

The loss is taken twice: where the vectors are, and where it grows fastest from there (Goodfellow, Shlens & Szegedy 2015; for
texts Miyato, Dai & Goodfellow 2017). Vectors of words are moved here, not of places in a text: a word moves one way in all
texts of a batch, as another word in its place would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def moved(words: nn.Parameter, length: float) -> Iterator[None]:
    """Within, the vectors (v, d) of all words stand further along the gradient they have now, after bit for bit where they stood.

    length: of the whole step, in mean lengths of a vector: encoders differ in their size. Where the gradient is 0 nothing moves.
    """
    gradient = words.grad
    if gradient is None or not (steep := float(gradient.norm())):
        yield
        return
    before = words.detach().clone()
    with torch.no_grad():
        words.add_(gradient, alpha=length * float(words.norm(dim=1).mean()) / steep)
    try:
        yield
    finally:
        with torch.no_grad():
            words.copy_(before)
