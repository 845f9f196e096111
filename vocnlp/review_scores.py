"""What a model thinks of every code in a text, the doubtful included: ``Tagger`` gives only what passed its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .classifiers import LEAST, Floats, log_odds, sigmoid
from .privacy import mask_all
from .readings import read_all
from .rules import Keywords
from .tagger import Tagger
from .text import noise_kind

_BY_KEYWORD = np.float32(0.8)  # keywords alone were right in 80 to 94 of 100 cases


@dataclass(frozen=True)
class Leanings:
    """What a model thinks of n texts, for the c codes of a frame that a text may carry.

    mention: (n, c) probabilities; threshold: (c,) from which a code is given; known: (c,) whether the model learnt it,
    rather than a keyword speaking for it; polarity: (n, c, 3) given the mention; noise: (n,) nothing to read;
    length: (n,) characters
    """

    codes: tuple[str, ...]
    threshold: Floats
    known: npt.NDArray[np.bool_]
    mention: Floats
    polarity: Floats
    noise: npt.NDArray[np.bool_]
    length: npt.NDArray[np.int64]

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """(n, c): the codes that pass."""
        passed: npt.NDArray[np.bool_] = self.mention >= self.threshold
        return passed


def leanings(tagger: Tagger, texts: Sequence[str]) -> Leanings:
    """Scores of texts as the tagger's model sees them: masked, cut into clauses, normalised."""
    model, frame = tagger.bundle.classifier, tagger.codeframe
    codes = tuple(code.id for code in frame.taggable)
    place = {code: number for number, code in enumerate(model.codes)}
    learnt = [code for code in codes if code in place]
    at, source = [codes.index(code) for code in learnt], [place[code] for code in learnt]
    mention = np.zeros((len(texts), len(codes)), np.float32)
    polarity = np.full((len(texts), len(codes), 3), np.float32(1 / 3))
    words = Keywords([code for code in frame.taggable if code.id not in place])
    for low in range(0, len(texts), model.chunk):
        lines = clause_lines(texts[low : low + model.chunk])
        high = low + len(lines)
        if learnt:
            scores = model.score(lines)
            mention[low:high, at] = scores.mention[:, source]
            polarity[low:high, at] = scores.polarity[:, source]
        owner = [row for row, cut in enumerate(lines, low) for _ in cut]
        for line, code in words.find([line for cut in lines for line in cut]):
            mention[owner[line], codes.index(code)] = _BY_KEYWORD
    threshold = np.array([tagger.bundle.thresholds.get(code, 0.5) for code in codes], np.float32)
    noise = np.array([noise_kind(text) is not None for text in texts], bool)
    mention[noise] = 0
    length = np.array([len(text) for text in texts], np.int64)
    return Leanings(codes, threshold, np.isin(codes, learnt), mention, polarity, noise, length)


def clause_lines(texts: Sequence[str]) -> list[Sequence[str]]:
    """The normalised clauses of each text, personal data masked."""
    return [reading.lines for reading in read_all(mask_all(texts))]


def doubt(seen: Leanings) -> Floats:
    """(n, c) doubt about each mention, in bits: 1 half way between even odds and its threshold, 0 where nothing is to be read.

    Uncertainty sampling (Lewis & Gale 1994; Settles 2009, section 3.1), each code a problem of two classes: the binary
    entropy of the mention. Decisions fall at the threshold, but few labels do not tell well where it is: the threshold
    served one labelled set better and even odds another, half way was near the better one on both.
    """
    odds = log_odds(seen.mention) - np.float32(0.5) * log_odds(seen.threshold)
    chance = np.clip(sigmoid(odds), LEAST, 1 - LEAST)
    bits: Floats = -(chance * np.log2(chance) + (1 - chance) * np.log2(1 - chance))
    bits[seen.noise] = 0
    return bits
