"""Finds how far an encoder and n-grams are trusted beside each other, from texts that neither has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from vocnlp.classifiers import Floats, Scores, log_odds
from vocnlp.encoder import Encoder
from vocnlp.linear import Linear
from vocnlp.pooled import Pooled, Weights, mood_odds
from vocnlp.readings import lines_of
from vocnlp.records import NEUTRAL, POLARITIES, POSITIVE
from vocnlp.windows import tokenizer_of

from .calibration import calibrate
from .labelled import Labelled
from .reading import Example, examples

Numbers = npt.NDArray[np.float64]
_BELIEVED = (0.6, 0.5)  # of encoder and n-grams, before anything was seen: two that err apart are surer together
_STRENGTH = 4.0  # of that belief: one over its variance, so half a unit either way is likely
_STEEPEST = 3.0
_WIDEST = 2.0  # standard deviations; the rarest and the most frequent codes are weighed no further apart


@dataclass(frozen=True)
class _Seen:
    """What both said of texts apart, and what is true of them."""

    first: Scores
    second: Scores
    mention: npt.NDArray[np.int8]  # (n, c): 1, 0, or -1 not looked for
    polarity: npt.NDArray[np.int8]
    mood: npt.NDArray[np.int64]
    two_class: npt.NDArray[np.bool_]
    weight: Numbers


def pool(
    encoder: Encoder,
    ngrams: Linear,
    train: Sequence[Labelled],
    apart: Sequence[Labelled],
    *,
    unweighed: Sequence[str] = (),
) -> tuple[Pooled, dict[str, float]]:
    """Both as one classifier with the threshold of each code.

    train: what both have learnt from, which says how often each code was there; apart: what neither has seen
    unweighed: sets, by name or pattern, that do not count on positive or negative (see ``EncoderRecipe``)
    """
    codes = encoder.codes
    even = Weights(
        np.repeat(np.array(_BELIEVED, np.float32)[:, None], 2, 1),
        np.array(_BELIEVED, np.float32),
        np.repeat(np.array(_BELIEVED, np.float32)[:, None], len(codes), 1),
        np.zeros(len(codes), np.float32),
    )
    draft = Pooled(encoder, ngrams, even)
    if not apart:
        return draft, dict.fromkeys(codes, 0.5)
    first, second = draft.both([lines_of(row.text) for row in apart])
    read = examples(apart, codes, tokenizer_of(encoder.vocabulary), encoder.window, encoder.marks)
    seen = _seen(first, second, read)
    counted = [not row.is_of(unweighed) for row in apart]
    mood, polarity = _mood(seen, np.array(counted)), _polarity(seen)
    if encoder.exclusive:
        mention, shift, thresholds = _exclusive(seen), np.zeros(len(codes)), (0.5,) * len(codes)
    else:
        frequency = Counter(code for row in train for code in {tag.code for tag in row.tags})
        mention, shift, thresholds = _mention(seen, np.array([frequency[code] for code in codes], np.float64))
    weights = Weights(*(np.asarray(one, np.float32) for one in (mood, polarity, mention, shift)))
    return Pooled(encoder, ngrams, weights), dict(zip(codes, thresholds, strict=True))


def _seen(first: Scores, second: Scores, read: Sequence[Example]) -> _Seen:
    return _Seen(
        first,
        second,
        np.stack([one.mention for one in read]),
        np.stack([one.polarity for one in read]),
        np.array([one.mood for one in read], np.int64),
        np.array([one.two_class for one in read], bool),
        np.array([one.weight for one in read]),
    )


def _mention(seen: _Seen, frequency: Numbers) -> tuple[Numbers, Numbers, tuple[float, ...]]:
    """(2, c) weights, (c,) shifts and thresholds. A code often seen trusts its n-grams more than one seen rarely."""
    known = seen.mention >= 0
    there = seen.mention == 1
    common = np.log1p(frequency)
    common = np.clip((common - common.mean()) / max(float(common.std()), 1e-6), -_WIDEST, _WIDEST)
    odds = np.stack([log_odds(seen.first.mention), log_odds(seen.second.mention)], 2).astype(np.float64)
    parts = [odds, odds * common[None, :, None], np.ones((*odds.shape[:2], 1))]
    features = np.concatenate(parts, 2)[known]
    weight = np.broadcast_to(seen.weight[:, None], known.shape)[known]
    found = _logistic(features, there[known], weight, (*_BELIEVED, 0, 0, 0), free=3)
    mention = np.maximum(found[:2, None] + found[2:4, None] * common, 0)
    pooled = mention[0] * odds[:, :, 0] + mention[1] * odds[:, :, 1]
    final = calibrate(pooled, there, known, seen.weight)
    return mention * final.slope, np.full(len(frequency), final.shift), final.thresholds


def _exclusive(seen: _Seen) -> Numbers:
    """(2, c) weights where one code is chosen: those at which the right code is likeliest."""
    told = (seen.mention == 1).any(1)
    odds = np.log(np.maximum(seen.first.mention, 1e-6)), log_odds(seen.second.mention)
    found = _softmax([one[told] for one in odds], (seen.mention[told] == 1).argmax(1), seen.weight[told])
    return np.repeat(found[:, None], seen.mention.shape[1], 1)


def _polarity(seen: _Seen) -> Numbers:
    judged = seen.polarity >= 0
    logs = [np.log(np.maximum(one.polarity[judged], 1e-6)) for one in (seen.first, seen.second)]
    weight = np.broadcast_to(seen.weight[:, None], judged.shape)[judged]
    return _softmax(logs, seen.polarity[judged].astype(np.int64), weight)


def _mood(seen: _Seen, counted: npt.NDArray[np.bool_]) -> Numbers:
    """(2, 2); as in training, two-class texts say nothing about neutral, neutral ones nothing about positive.

    counted: those that say how far each is trusted on positive or negative; on neutral all do
    """
    if seen.first.sentiment is None or seen.second.sentiment is None:
        return np.repeat(np.array(_BELIEVED)[:, None], 2, 1)
    pairs = zip(mood_odds(seen.first.sentiment), mood_odds(seen.second.sentiment), strict=True)
    three = (seen.mood >= 0) & ~seen.two_class
    polar = (seen.mood >= 0) & (seen.mood != POLARITIES.index(NEUTRAL)) & counted
    judged = ((three, POLARITIES.index(NEUTRAL)), (polar, POLARITIES.index(POSITIVE)))
    columns = [
        _logistic(np.stack(pair, 1)[rows].astype(np.float64), (seen.mood == word)[rows], seen.weight[rows], _BELIEVED)
        for pair, (rows, word) in zip(pairs, judged, strict=True)
    ]
    return np.stack(columns, 1)


def _logistic(
    features: Numbers, truth: npt.NDArray[np.bool_], weight: Numbers, believed: Sequence[float], *, free: int = 0
) -> Numbers:
    """Weights of a logistic regression, drawn towards what was believed; all but the last ``free`` are not negative."""
    sign = np.where(truth, 1.0, -1.0)
    start = np.array(believed, np.float64)

    def loss(value: Numbers) -> tuple[float, Numbers]:
        margin = sign * (features @ value)
        off = value - start
        gradient = features.T @ (-sign * weight * expit(-margin)) + _STRENGTH * off
        return float(weight @ np.logaddexp(0, -margin) + _STRENGTH / 2 * (off @ off)), gradient

    bounds = [(0.0, _STEEPEST)] * (len(start) - free) + [(-_STEEPEST, _STEEPEST)] * free
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _softmax(scores: Sequence[Floats], truth: npt.NDArray[np.int64], weight: Numbers) -> Numbers:
    """(2,) factors of the scores, (n, k) each, at which a softmax over their sum is likeliest."""
    start, rows = np.array(_BELIEVED), np.arange(len(truth))

    def surprise(value: Numbers) -> float:
        logs = log_softmax(value[0] * scores[0] + value[1] * scores[1], axis=1)
        off = value - start
        return float(-weight @ logs[rows, truth] + _STRENGTH / 2 * (off @ off))

    return np.asarray(minimize(surprise, start, method="L-BFGS-B", bounds=[(0.0, _STEEPEST)] * 2).x)
