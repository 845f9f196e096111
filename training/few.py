"""New codes from few reviewed comments, on top of a bundle whose own codes stay as they are, to the last bit.

Fine-tuning on a handful of comments forgets more than it learns (FewCLUE: Xu et al. 2021). Here the encoder stands still:
a logistic regression on what it gives for a text (its vector, the log odds of the codes it knows, the words) corrects
what the code's definition says. Confidence and thresholds come from fits that have not seen the comment (cross-validation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit

from vocnlp.bundle import Bundle
from vocnlp.classifiers import Floats
from vocnlp.codeframe import Codeframe
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError
from vocnlp.features import hash_clauses
from vocnlp.fewshot import Extended
from vocnlp.fewshot_definitions import THRESHOLD
from vocnlp.fewshot_heads import GRAMS, Heads, Seen, words_of
from vocnlp.linear import Vocabulary
from vocnlp.pooled import Pooled
from vocnlp.readings import lines_of

from .calibration import Calibration, calibrate
from .few_polarity import fit_polarity
from .labelled import Labelled, part_of

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
LEAST = 2  # comments with a code, and without it, below which nothing is learnt of it
_FOLDS = 5
# Of vector and log odds, and of the words. The mean over views was right more often than the view that cross-validation
# chose: a few hundred comments cannot tell which is best.
_SCALES = ((0.4, 2.0), (1.0, 1.0), (1.0, 4.0), (0.4, 8.0))
_MOST_AXES = 500  # of the kernel, most spread first: more take time and say nothing
_PENALTY, _BIAS_PENALTY, _TRUST_PENALTY = 0.2, 1.0, 1.0
_MOST_WORDS = 50_000
_EVEN = 20  # comments that a threshold of one half is worth


@dataclass(frozen=True)
class _Truth:
    """there, known: (n, c) which codes the texts have, and which were looked for; weight: (n,)."""

    there: Mask
    known: Mask
    weight: Numbers

    def part(self, kept: Mask) -> _Truth:
        return _Truth(self.there[kept], self.known[kept], self.weight[kept])


@dataclass(frozen=True)
class Few:
    """A classifier with the new codes, the threshold of each code, and how many comments taught each new one."""

    classifier: Extended
    thresholds: dict[str, float]
    taught: dict[str, int]


def train_few(
    rows: Sequence[Labelled],
    frame: Codeframe,
    base: Bundle,
    *,
    progress: Callable[[str, float], None] = lambda what, share: None,
) -> Few:
    """The base with the codes of the frame that it lacks, as far as the rows teach them; the others by definition alone.

    rows: with codes as ids of the frame. Rows say nothing of codes that were not looked for in them. A base that was
    itself taught so is taught anew from what it was made of. InputError if the base gives no embeddings, or knows all
    codes of the frame, or the rows teach no new one, or lack what the base once learnt from.
    """
    rows, base, cold, truth, enough = _begun(rows, frame, base)
    progress("reading the comments", 0.1)
    learnt = frozenset(code for code, taught in zip(cold.new, enough, strict=True) if taught)
    untaught = replace(cold, learnt=learnt)
    texts = [lines_of(row.text) for row in rows]
    seen = untaught.seen(texts, *untaught.base.score_and_embed(texts))
    folds = np.array([part_of(row.text, _FOLDS) for row in rows])
    kernel, whole = _Kernel.of(seen), seen.whole.astype(np.float64)
    views, said = [], np.zeros(whole.shape)
    for number, scales in enumerate(_SCALES):
        progress("weighing words against meanings", 0.2 + 0.7 * number / len(_SCALES))
        coordinates = kernel.coordinates(scales)
        said += _crossed(coordinates, whole, truth, folds) / len(_SCALES)
        views.append(_heads(kernel, scales, coordinates, _fit(coordinates, whole, truth)))
    found = calibrate(said, truth.there, truth.known, truth.weight)
    heads = _mean(views, found, enough)
    lean, polarity = fit_polarity(rows, untaught, seen, heads.evidence(seen))
    heads = replace(heads, polarity=polarity.astype(np.float32), lean=lean)
    thresholds = {code: base.thresholds.get(code, 0.5) for code in cold.kept}
    taught = {code: int(truth.there[:, place].sum()) for place, code in enumerate(cold.new) if enough[place]}
    chosen = dict(zip(cold.new, _thresholds(found, truth), strict=True))
    thresholds |= {code: chosen[code] if code in taught else THRESHOLD for code in cold.new}
    return Few(replace(untaught, heads=heads), thresholds, taught)


def check_few(rows: Sequence[Labelled], frame: Codeframe, base: Bundle) -> None:
    """InputError where ``train_few`` would refuse; nothing is learnt."""
    _begun(rows, frame, base)


def _begun(
    rows: Sequence[Labelled], frame: Codeframe, base: Bundle
) -> tuple[list[Labelled], Bundle, Extended, _Truth, Mask]:
    """The rows that say something, the base as it was before few comments taught it, and with the codes that it lacks."""
    filled = [row for row in rows if row.text.strip()]
    if isinstance(base.classifier, Extended):
        base = _before(base, base.classifier, frame, filled)
    cold = _cold(base, frame)
    return filled, base, cold, *_truth(filled, cold.new)


def _before(taught: Bundle, known: Extended, frame: Codeframe, rows: Sequence[Labelled]) -> Bundle:
    """What a bundle was before few comments taught it. InputError where a code would be forgotten with them."""
    carrying = Counter(code for row in rows for code in {tag.code for tag in row.tags})
    if lost := sorted(code for code in known.learnt if code in frame and carrying[code] < LEAST):
        hint = "give all reviewed comments, the earlier ones too; a code that is no longer wanted leaves the codeframe"
        raise InputError(
            f"{taught.label} learnt codes from comments that are not among these", value=", ".join(lost), hint=hint
        )
    return replace(taught, classifier=known.base)


def _cold(base: Bundle, frame: Codeframe) -> Extended:
    if not isinstance(base.classifier, Encoder | Pooled) or not base.classifier.embeds:
        hint = "give --init a bundle with an encoder of today, such as the shipped one"
        raise InputError(f"{base.label} gives no embeddings, which learning from few comments needs", hint=hint)
    cold = base.for_frame(frame).classifier
    if not isinstance(cold, Extended):
        hint = "to teach it anew, train without --few"
        raise InputError(f"{base.label} knows all codes of the codeframe {frame.name}", hint=hint)
    return cold


def _truth(rows: Sequence[Labelled], codes: Sequence[str]) -> tuple[_Truth, Mask]:
    """The labels, and (c,) which codes they teach; those they do not teach count as not looked for."""
    if not rows:
        raise InputError("no comment to learn from", hint="give reviewed comments with --data")
    there = np.array([[any(tag.code == code for tag in row.tags) for code in codes] for row in rows], bool)
    known = there | np.array([[row.looked_for(code) for code in codes] for row in rows], bool)
    enough = (there.sum(0) >= LEAST) & ((known & ~there).sum(0) >= LEAST)
    if not enough.any():
        raise InputError(
            "the rows teach no code that the bundle lacks",
            hint=f"a new code needs {LEAST} comments with it and {LEAST} without; without any, tag with --codeframe alone",
        )
    return _Truth(there, known & enough, np.array([row.weight for row in rows])), enough


@dataclass(frozen=True)
class _Kernel:
    """What n training texts are to each other: products of their dense features and of their words.

    With fewer texts than features it is the cheaper way to the same ridge-penalised fit (Hastie & Tibshirani 2004).
    """

    seen: Seen
    vocabulary: Vocabulary
    dense: Numbers
    words: sp.csr_matrix
    products: tuple[Numbers, Numbers]

    @classmethod
    def of(cls, seen: Seen) -> _Kernel:
        vocabulary = _vocabulary(seen)
        dense = np.hstack([seen.texts, seen.odds]).astype(np.float64)
        words = words_of(seen.lines, seen.start, vocabulary).astype(np.float64)
        return cls(seen, vocabulary, dense, words, (dense @ dense.T, np.asarray((words @ words.T).todense())))

    def coordinates(self, scales: tuple[float, float]) -> Numbers:
        """(n, r): texts whose products are those of the scaled features."""
        whole = scales[0] ** 2 * self.products[0] + scales[1] ** 2 * self.products[1]
        values, axes = np.linalg.eigh(whole)
        kept = np.flatnonzero(values > 1e-9 * max(float(values.max()), 1e-12))[-_MOST_AXES:]
        answer: Numbers = axes[:, kept] * np.sqrt(values[kept])
        return answer


@dataclass(frozen=True)
class _Fitted:
    """weights: (r, c) on the coordinates of texts; bias: (c,); trust: how much the definitions' verdict counts."""

    weights: Numbers
    bias: Numbers
    trust: float

    def logits(self, coordinates: Numbers, whole: Numbers) -> Numbers:
        answer: Numbers = self.trust * whole + coordinates @ self.weights + self.bias
        return answer


def _fit(coordinates: Numbers, whole: Numbers, truth: _Truth) -> _Fitted:
    """Logistic regressions of all codes at once, by L-BFGS; they share the trust in the definitions."""
    width, codes = coordinates.shape[1], truth.there.shape[1]
    sign, count = np.where(truth.there, 1.0, -1.0), truth.known * truth.weight[:, None]

    def loss(value: Numbers) -> tuple[float, Numbers]:
        weights, bias, trust = value[: width * codes].reshape(width, codes), value[width * codes : -1], value[-1]
        margin = sign * (trust * whole + coordinates @ weights + bias)
        pull = -sign * count * expit(-margin)
        gradient = np.concatenate([
            (coordinates.T @ pull + _PENALTY * weights).ravel(), pull.sum(0) + _BIAS_PENALTY * bias,
            [float((pull * whole).sum()) + _TRUST_PENALTY * (trust - 1)],
        ])  # fmt: skip
        cost = _PENALTY * (weights**2).sum() + _BIAS_PENALTY * (bias @ bias) + _TRUST_PENALTY * (trust - 1) ** 2
        return float((count * np.logaddexp(0, -margin)).sum() + cost / 2), gradient

    first = np.append(np.zeros((width + 1) * codes), 1.0)
    bounds = [(None, None)] * (len(first) - 1) + [(0.0, 3.0)]
    found: Any = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60})
    return _Fitted(found.x[: width * codes].reshape(width, codes), found.x[width * codes : -1], float(found.x[-1]))


def _vocabulary(seen: Seen) -> Vocabulary:
    """The n-grams and words of these texts, each with its inverse document frequency."""
    row, value = hash_clauses(seen.lines, GRAMS)
    owner = np.repeat(np.arange(len(seen.start)), np.diff(np.append(seen.start, len(seen.lines))))
    pairs = np.unique(np.stack([owner[row], value.astype(np.int64)], 1), axis=0)
    hashes, texts = np.unique(pairs[:, 1], return_counts=True)
    if len(hashes) > _MOST_WORDS:
        kept = np.sort(np.argsort(-texts, kind="stable")[:_MOST_WORDS])
        hashes, texts = hashes[kept], texts[kept]
    idf = np.log((1 + len(seen.start)) / (1 + texts)) + 1
    return Vocabulary(hashes.astype(np.uint32), idf.astype(np.float32), GRAMS)


def _crossed(coordinates: Numbers, whole: Numbers, truth: _Truth, folds: npt.NDArray[np.int64]) -> Numbers:
    """(n, c) log odds of each text from a fit that has not seen its labels."""
    said = whole.copy()
    for fold in range(_FOLDS):
        apart = folds == fold
        if apart.any() and not apart.all():
            fitted = _fit(coordinates[~apart], whole[~apart], truth.part(~apart))
            said[apart] = fitted.logits(coordinates[apart], whole[apart])
    return said


def _thresholds(found: Calibration, truth: _Truth) -> list[float]:
    """Those of best F1, drawn to one half with the weight of twenty comments.

    Comments chosen for review hold rare codes more often than comments do, and few comments say little.
    """
    counts = (truth.there & truth.known).sum(0)
    return [float(c * one + _EVEN * 0.5) / float(c + _EVEN) for c, one in zip(counts, found.thresholds, strict=True)]


def _heads(kernel: _Kernel, scales: tuple[float, float], coordinates: Numbers, fitted: _Fitted) -> Heads:
    """The fit as weights of features."""
    # coordinates = features @ directions, so the weights of features are directions @ weights
    across = coordinates @ (fitted.weights / np.maximum((coordinates**2).sum(0), 1e-12)[:, None])
    dense, words = scales[0] ** 2 * (kernel.dense.T @ across), scales[1] ** 2 * (kernel.words.T @ across)
    codes = len(fitted.bias)
    return Heads(
        vocabulary=kernel.vocabulary,
        dense=_single(dense),
        words=_single(words),
        bias=_single(fitted.bias),
        trust=np.full(codes, fitted.trust, np.float32),
        polarity=np.zeros((codes, 3), np.float32),
    )


def _mean(views: Sequence[Heads], found: Calibration, enough: Mask) -> Heads:
    """The mean of several fits, calibrated. A code that nothing was learnt of keeps what its definition says."""
    slope = found.slope * enough

    def mean(name: str) -> Numbers:
        values: Numbers = np.mean([getattr(one, name) for one in views], 0) * slope
        return values

    return Heads(
        vocabulary=views[0].vocabulary,
        dense=_single(mean("dense")),
        words=_single(mean("words")),
        bias=_single(mean("bias") + found.shift * enough),
        trust=_single(np.where(enough, mean("trust"), 1)),
        polarity=views[0].polarity,
    )


def _single(values: Numbers) -> Floats:
    return values.astype(np.float32)
