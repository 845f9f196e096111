"""Fits the linear classifier of ``vocnlp.linear`` (extra ``train``: scikit-learn and SciPy).

A code's mention is learnt from whole-text labels through the pooling over clauses (multiple-instance learning with a
smooth maximum: Ray & Craven 2005), so the model finds by itself which clause speaks of the code. Polarity is learnt
on the clauses the code attends to. Thresholds and calibration come from a part of the data held out of a first fit, of
few data from every part in turn; the last fit sees everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError, MissingExtraError
from vocnlp.features import Grams
from vocnlp.linear import Linear, Vocabulary, pool, text_length
from vocnlp.records import NEGATIVE, NEUTRAL, POLARITIES, POSITIVE

from .calibration import calibrate, calibrate_few
from .labelled import Labelled, parts_of
from .linear_features import Texts, featurise
from .logistic import logistic

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[str, float], None]  # what is being done, and the share of the whole that is done


@dataclass(frozen=True)
class LinearRecipe:
    """How to fit. ``penalty`` is the L2 weight of mention, the strengths are scikit-learn's C of the other heads."""

    grams: Grams = field(default_factory=Grams)
    least_texts: int = 2  # a feature of fewer texts is left out
    most_features: int = 200_000  # the most frequent are kept
    penalty: float = 0.2
    strength: float = 16.0
    sentiment_strength: float = 2.0
    rounds: int = 40  # of L-BFGS, at most
    least_weight: int = 3  # in 127ths of the largest of an output; smaller ones are left out of a bundle
    held_out: int = 5  # one part in this many sets calibration and thresholds; 0: that is found elsewhere
    crossed: int = 1_000  # of at most so many texts every part does, each apart from a fit of its own
    threads: int = 2


@dataclass(frozen=True)
class Fitted:
    """A model and the threshold of each of its codes."""

    model: Linear
    thresholds: dict[str, float]


def fit_linear(
    rows: Sequence[Labelled], frame: Codeframe, recipe: LinearRecipe, *, progress: Progress = lambda what, share: None
) -> Fitted:
    """A linear model of every code of the frame that the rows can teach, and of sentiment if they can teach it.

    InputError if they teach nothing. MissingExtraError without scikit-learn.
    """
    _need_sklearn()
    rows, codes = taught(rows, frame)
    progress("reading features", 0.0)
    vocabulary, data = featurise(rows, recipe.grams, least_texts=recipe.least_texts, most_features=recipe.most_features)
    if not len(vocabulary.hashes):
        raise InputError(
            "no word and no two characters stand in so many of the comments",
            column="linear.least_texts", value=str(recipe.least_texts), hint=f"lower it: there are {len(rows)} comments",
        )  # fmt: skip
    thresholds, slope, shift = dict.fromkeys(codes, 0.5), 1.0, 0.0
    if codes and recipe.held_out > 0:
        said = _of_others(data, codes, vocabulary, recipe, lambda what, share: progress(what, 0.05 + 0.45 * share))
        if said is not None:
            found = (calibrate_few if len(rows) <= recipe.crossed else calibrate)(*said)
            slope, shift, thresholds = found.slope, found.shift, dict(zip(codes, found.thresholds, strict=True))
    model = _fit(data, codes, vocabulary, recipe, lambda what, share: progress(what, 0.5 + 0.5 * share))
    return Fitted(replace(model, slope=slope, shift=shift), thresholds)


def taught(rows: Sequence[Labelled], frame: Codeframe) -> tuple[list[Labelled], list[str]]:
    """The rows with a text, and the codes that they can teach a linear model. InputError where they teach it nothing."""
    rows = [row for row in rows if row.text.strip()]
    codes = [code.id for code in frame.taggable if _teaches(rows, code.id)]
    if not codes and not {NEGATIVE, POSITIVE} <= {row.sentiment for row in rows}:
        raise InputError(
            "nothing can be learnt from these rows",
            hint="a code needs two comments with it and one without; sentiment needs positive and negative ones",
        )
    return rows, codes


def _need_sklearn() -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingExtraError("scikit-learn", extra="train") from None


def _teaches(rows: Sequence[Labelled], code: str) -> bool:
    there = sum(any(tag.code == code for tag in row.tags) for row in rows)
    return there >= 2 and sum(row.looked_for(code) for row in rows) > there


@dataclass(frozen=True)
class _Head:
    """What is learnt for one code: mention (features + 1), polarity (3, features + 1), and its lean (3, 2)."""

    mention: Floats
    polarity: Floats
    lean: Floats


def _fit(data: Texts, codes: Sequence[str], vocabulary: Vocabulary, recipe: LinearRecipe, progress: Progress) -> Linear:
    sentiment = _fit_sentiment(data, recipe)
    done = 0

    def one(code: str) -> _Head:
        nonlocal done
        annotated = np.fromiter((row.looked_for(code) for row in data.rows), bool, len(data.rows))
        head = _fit_code(data.take(annotated), code, recipe, sentiment)
        done += 1
        progress(f"learning {code}", done / len(codes))
        return head

    _ = data.across  # made here once: threads that find it missing would make one each
    with ThreadPoolExecutor(recipe.threads) as threads:
        heads = list(threads.map(one, codes))
    columns = list(sentiment) if sentiment is not None else []
    columns += [head.mention for head in heads]
    columns += [column for head in heads for column in head.polarity]
    table = np.stack(columns, 1)
    weights = sp.csr_matrix(table[:-1].astype(np.float32))
    lean = np.stack([head.lean for head in heads]).astype(np.float32) if sentiment is not None and heads else None
    return Linear(tuple(codes), vocabulary, weights, table[-1].astype(np.float32), lean=lean)


def _fit_sentiment(data: Texts, recipe: LinearRecipe) -> Floats | None:
    """(2, features + 1): the logits "neutral or not" and "positive, not negative", bias last; None if not taught.

    Sets judged in two classes teach the second alone, and the first only that reviews hold opinions: together they
    weigh at most twice as much there as the sets that know neutral, so that neutral is not voted out of existence.
    """
    word = np.array([row.sentiment or "" for row in data.rows])
    if not (np.any(word == NEGATIVE) and np.any(word == POSITIVE)):
        return None
    texts = sp.diags(1 / text_length(data.features, data.start).astype(np.float64)) @ data.pooled(
        np.ones(data.features.shape[0])
    )
    weight = np.array([row.weight for row in data.rows])
    polar = (word == NEGATIVE) | (word == POSITIVE)
    towards = logistic(texts[polar], word[polar] == POSITIVE, recipe.sentiment_strength, weight[polar])
    neutral = np.zeros_like(towards)
    neutral[-1] = -20.0  # never, where nobody could say neutral
    if np.any(word == NEUTRAL):
        judged, two_class = word != "", np.array([row.two_class for row in data.rows])
        three = float(weight[judged & ~two_class].sum())
        two = max(1.0, float(weight[judged & two_class].sum()))
        weight = np.where(two_class, weight * min(1.0, 2 * three / two), weight)
        neutral = logistic(texts[judged], word[judged] == NEUTRAL, recipe.sentiment_strength, weight[judged])
    return np.stack([neutral, towards])


def _fit_code(data: Texts, code: str, recipe: LinearRecipe, sentiment: Floats | None) -> _Head:
    outcome = np.array([_outcome(row, code) for row in data.rows])
    there = np.array([any(tag.code == code for tag in row.tags) for row in data.rows])
    mention = _fit_mention(data, there, recipe)
    _, share = pool((data.features @ mention[:-1])[:, None], data.start, data.own)
    texts = data.pooled(share.ravel().astype(np.float64))
    judged = outcome != ""
    if judged.sum() < 8:
        return _Head(mention, *_borrowed(sentiment, len(mention)))
    texts, said = texts[judged], outcome[judged]
    weight = np.array([row.weight for row in data.rows])[judged]
    if sentiment is not None:
        # What the sentiment of the clauses says is a feature beside the words: a code with twenty judged comments leans
        # on it, one with thousands learns how its own polarity differs.
        texts = sp.hstack([texts, sp.csr_matrix(texts @ sentiment[:, :-1].T)], format="csr")
    fitted = np.stack([logistic(texts, said == word, recipe.strength, weight) for word in POLARITIES])
    if sentiment is None:
        return _Head(mention, fitted, np.zeros((3, 2)))
    return _Head(mention, np.hstack([fitted[:, :-3], fitted[:, -1:]]), fitted[:, -3:-1])


def _outcome(row: Labelled, code: str) -> str:
    """The one polarity of a code in a text, "" where it was not judged, or judged both ways."""
    words = {tag.polarity for tag in row.tags if tag.code == code}
    word = words.pop() if len(words) == 1 else None
    return word if word in POLARITIES else ""


def _borrowed(sentiment: Floats | None, size: int) -> tuple[Floats, Floats]:
    """Polarity of a code that no set judges: what the clauses' sentiment says; neutral where that is unknown."""
    polarity, lean = np.zeros((3, size)), np.zeros((3, 2))
    if sentiment is None:
        polarity[1, -1] = 1.0
        return polarity, lean
    neutral, positive = sentiment[:, -1]
    polarity[:, -1] = -positive, neutral, positive
    lean[:] = (0, -1), (1, 0), (0, 1)
    return polarity, lean


def _fit_mention(data: Texts, there: Mask, recipe: LinearRecipe) -> Floats:
    """Weights and bias of mention, by L-BFGS from zero: the pooled loss is not convex, but zero is no bad place."""
    loss = _mention_loss(data, there, recipe.penalty)
    first = np.zeros(data.features.shape[1] + 1)
    result: Any = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": recipe.rounds})
    return np.asarray(result.x)


def _mention_loss(data: Texts, there: Mask, penalty: float) -> Callable[[Floats], tuple[float, Floats]]:
    """Logistic loss of the pooled clause scores plus ``penalty``/2 times the squared weights, with its gradient."""
    features, across, start, own = data.features, data.across, data.start, data.own
    sign = np.where(there, 1.0, -1.0)
    weight = np.array([row.weight for row in data.rows])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = (features @ weights[:-1])[:, None]
        text, share = pool(scores, start, own)
        margin = sign * (text.ravel() + weights[-1])
        pull = -sign * weight * expit(-margin)
        gradient = np.append(across @ (share.ravel() * pull[own]) + penalty * weights[:-1], pull.sum())
        return float(weight @ np.logaddexp(0, -margin) + penalty / 2 * (weights[:-1] @ weights[:-1])), gradient

    return loss


def _of_others(
    data: Texts, codes: Sequence[str], vocabulary: Vocabulary, recipe: LinearRecipe, progress: Progress
) -> tuple[Floats, Mask, Mask, Floats] | None:
    """``(scores, there, known, weight)`` of texts held out, by fits that have not seen them: of one part, or of few texts
    of all, part by part. scores, there, known: (texts, codes). None where no part can be left out."""
    parts = np.array(parts_of([row.text for row in data.rows], recipe.held_out))
    turns = range(recipe.held_out) if len(data.rows) <= recipe.crossed else (1,)
    apart = [parts == turn for turn in turns if (parts == turn).any() and not (parts == turn).all()]
    some = []
    for turn, held in enumerate(apart):

        def told(what: str, share: float, turn: int = turn) -> None:
            progress(what, (turn + share) / len(apart))

        some.append(_said(_fit(data.take(~held), codes, vocabulary, recipe, told), data.take(held)))
    if not some:
        return None
    joined: tuple[Any, ...] = tuple(np.concatenate(one) for one in zip(*some, strict=True))
    return joined


def _said(model: Linear, data: Texts) -> tuple[Floats, Mask, Mask, Floats]:
    """``(scores, there, known, weight)`` of some texts."""
    first = 2 if model.knows_sentiment else 0
    heads = slice(first, first + len(model.codes))
    scores, _ = pool((data.features @ model.weights[:, heads]).toarray(), data.start, data.own)
    there = np.array([[any(tag.code == code for tag in row.tags) for code in model.codes] for row in data.rows])
    known = np.array([[row.looked_for(code) for code in model.codes] for row in data.rows])
    weight = np.array([row.weight for row in data.rows])
    return (scores + model.bias[heads]).astype(np.float64), there, known, weight
