"""The linear classifier: n-grams and words, one weight a feature and outcome, pooled over clauses.

Every clause gets a score for every outcome. A text mentions a code if some clause does: the text's score is the
log-sum-exp of its clauses' scores, a smooth maximum. The softmax of the same scores is how much each clause counts
for the code's polarity, and its peak is the evidence. Sentiment is the mean over all clauses, scaled by the square
root of the number of features, so that long and short texts are judged alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from .classifiers import Floats, Scores, sigmoid
from .features import Grams, hash_clauses

if TYPE_CHECKING:  # a fifth of a second, which a service of another kind of model need not spend on its way to ready
    import scipy.sparse as sp

FORMAT = 1
WEIGHTS = "model.safetensors"
SCALE = np.float32(0.05)  # brings a clause of some twenty features to length one: the unit of the penalty in training
_SHIFT = 14
_DENSE = 40  # outputs that a feature weighs in on, from which its weights are kept as a whole row
_SENTIMENT = 2  # outputs: neutral or not; positive or negative


@dataclass(frozen=True)
class Vocabulary:
    """The features a model knows: their hashes in ascending order, and the weight (idf) of each."""

    hashes: npt.NDArray[np.uint32]
    idf: Floats
    grams: Grams

    @cached_property
    def _first(self) -> npt.NDArray[np.int32]:
        """For every value of the leading bits, the first hash that has them: leaves a few hashes to compare with."""
        edges = np.arange(1 << (32 - _SHIFT), dtype=np.uint64) << np.uint64(_SHIFT)
        return np.searchsorted(self.hashes, edges).astype(np.int32)

    def _find(self, values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The place of every value among the hashes, or -1."""
        found = np.full(len(values), -1, np.int64)
        left = np.arange(len(values))
        at = self._first[values >> np.uint32(_SHIFT)]
        while len(left):
            inside = np.flatnonzero(at < len(self.hashes))
            left, at = left[inside], at[inside]
            hashes, wanted = self.hashes[at], values[left]
            same = hashes == wanted
            found[left[same]] = at[same]
            on = np.flatnonzero(hashes < wanted)  # the hashes ascend: beyond a larger one there is nothing to find
            left, at = left[on], at[on] + 1
        return found

    def matrix(self, clauses: Sequence[str]) -> sp.csr_matrix:
        """(clauses, features) with the scaled idf where a clause holds a feature, however often."""
        import scipy.sparse as sp

        row, value = hash_clauses(clauses, self.grams)
        at = self._find(value)
        known = at >= 0
        width = max(1, len(self.hashes))
        cells = row[known] * width + at[known]
        cells.sort()  # np.unique would hash them first, which takes four times as long
        cells = cells[np.diff(cells, prepend=-1) > 0]
        places = (cells % width).astype(np.int32)
        ends = np.searchsorted(cells, np.arange(len(clauses) + 1) * width).astype(np.int32)
        return sp.csr_matrix((self.idf[places] * SCALE, places, ends), shape=(len(clauses), len(self.hashes)))


@dataclass(frozen=True)
class Linear:
    """A trained linear model. Outputs stand side by side in ``weights``: [sentiment,] mention, polarity.

    weights: (features, 2 + 4c) with sentiment, (features, 4c) without; the last 3c are polarity, three a code
    bias: one number an output
    lean: (c, 3, 2), how far each polarity of each code follows the two sentiment scores of the clauses it attends to;
        kept apart from the weights, which it would fill with a number for every feature. None without sentiment.
    slope, shift: calibration of mention (Platt 1999), the same for all codes
    """

    codes: tuple[str, ...]
    vocabulary: Vocabulary
    weights: sp.csr_matrix
    bias: Floats
    slope: float = 1.0
    shift: float = 0.0
    lean: Floats | None = None

    @property
    def chunk(self) -> int:
        """Texts scored together; keeps the arrays within the processor's cache."""
        return 512

    @property
    def threads(self) -> int:
        """It never uses more than one."""
        return 1

    def on_threads(self, count: int) -> Linear:
        """It never uses more than one."""
        del count
        return self

    @property
    def knows_sentiment(self) -> bool:
        return int(self.weights.shape[1]) == _SENTIMENT + 4 * len(self.codes)

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        if not len(sizes):
            return self._nothing()
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
        own = np.repeat(np.arange(len(texts)), sizes)
        features = self.vocabulary.matrix([clause for text in texts for clause in text])
        outputs = self._product(features)
        first, c = _SENTIMENT if self.knows_sentiment else 0, len(self.codes)
        sentiment = self._sentiment(features, outputs[:, :first], start) if first else None
        mention, share = pool(outputs[:, first : first + c], start, own)
        towards = outputs[:, first + c :].reshape(len(own), c, 3) * share[:, :, None]
        leaning: Floats = np.add.reduceat(towards, start) + self.bias[first + c :].reshape(c, 3)
        if self.lean is not None and first:
            moods = np.add.reduceat(share[:, :, None] * outputs[:, None, :first], start)
            for k in range(first):
                leaning += moods[:, :, k, None] * self.lean[None, :, :, k]
        polarity = sigmoid(leaning)
        peak = share == np.maximum.reduceat(share, start)[own]
        place = np.where(peak, (np.arange(len(own)) - start[own])[:, None], len(own))
        return Scores(
            sentiment=sentiment,
            mention=sigmoid(np.float32(self.slope) * (mention + self.bias[first : first + c]) + np.float32(self.shift)),
            polarity=polarity / np.maximum(polarity.sum(2, keepdims=True), np.float32(1e-9)),
            clause=np.minimum.reduceat(place, start),
        )

    @cached_property
    def _common(self) -> tuple[npt.NDArray[np.int32], Floats]:
        """The few features that weigh in on many outputs: (features,) place among them or -1, and their dense rows."""
        common = np.diff(self.weights.indptr) >= _DENSE
        place = np.where(common, np.cumsum(common) - 1, -1).astype(np.int32)
        return place, self.weights[common].toarray()

    def _product(self, features: sp.csr_matrix) -> Floats:
        """``features @ weights``, dense: adding whole rows of numbers is cheaper than adding single ones."""
        import scipy.sparse as sp

        place, dense = self._common
        at = place[features.indices]

        def part(chosen: npt.NDArray[np.bool_], columns: npt.NDArray[np.int32], width: int) -> sp.csr_matrix:
            ends = np.concatenate([[0], np.cumsum(chosen)])[features.indptr]
            return sp.csr_matrix((features.data[chosen], columns[chosen], ends), shape=(features.shape[0], width))

        outputs: Floats = part(at >= 0, at, len(dense)) @ dense
        outputs += (part(at < 0, features.indices, len(place)) @ self.weights).toarray()
        return outputs

    def _sentiment(self, features: sp.csr_matrix, outputs: Floats, start: npt.NDArray[np.int64]) -> Floats:
        total: Floats = np.add.reduceat(outputs, start)
        logit: Floats = total / text_length(features, start)[:, None] + self.bias[:_SENTIMENT]
        neutral, positive = sigmoid(logit).T
        return np.stack([(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive], 1)

    def _nothing(self) -> Scores:
        c = len(self.codes)
        empty = np.empty((0, c), np.float32)
        sentiment = np.empty((0, 3), np.float32) if self.knows_sentiment else None
        return Scores(sentiment, empty, np.empty((0, c, 3), np.float32), np.empty((0, c), np.int64))

    def to_tensors(self, least: int = 3) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Arrays and settings to write to a bundle: weights as int8, with one scale an output.

        Weights below ``least``/127 of the largest are left out, and features left without any weight with them.
        """
        import scipy.sparse as sp

        dense = self.weights.tocsc()
        peak = np.maximum(abs(dense).max(0).toarray().ravel(), 1e-12).astype(np.float32)
        whole = (self.weights @ sp.diags(127 / peak)).tocsr()
        whole.data = np.rint(whole.data)
        # Weights below 3/127 of the largest carry half the size and the time of the codes, and none of their accuracy;
        # sentiment, the sum of many small weights, keeps all.
        kept = np.where(np.arange(whole.shape[1]) < (_SENTIMENT if self.knows_sentiment else 0), 1, least)
        whole.data[np.abs(whole.data) < kept[whole.indices]] = 0
        whole.eliminate_zeros()
        whole.sort_indices()
        used = np.flatnonzero(np.diff(whole.indptr))
        whole = whole[used]
        tensors = {
            "vocabulary": self.vocabulary.hashes[used],
            "idf": self.vocabulary.idf[used].astype(np.float16),
            "count": np.diff(whole.indptr).astype(np.uint16),
            "output": whole.indices.astype(np.uint8 if whole.shape[1] <= 256 else np.uint16),
            "weight": whole.data.astype(np.int8),
            "scale": peak / np.float32(127),
            "bias": self.bias,
        }
        if self.lean is not None:
            tensors["lean"] = self.lean
        settings = {"format": FORMAT, "grams": asdict(self.vocabulary.grams), "slope": self.slope, "shift": self.shift}
        return tensors, settings

    def to_files(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Files and settings to write to a bundle."""
        tensors, settings = self.to_tensors()
        return {WEIGHTS: write_tensors({name: np.ascontiguousarray(one) for name, one in tensors.items()})}, settings

    @classmethod
    def from_files(cls, codes: tuple[str, ...], files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Linear:
        """The model that ``to_files`` gave. ValueError, KeyError or SafetensorError if the parts do not fit together."""
        return cls.from_tensors(codes, read_tensors(files[WEIGHTS]), settings)

    @classmethod
    def from_tensors(
        cls, codes: tuple[str, ...], tensors: Mapping[str, npt.NDArray[Any]], settings: Mapping[str, Any]
    ) -> Linear:
        """The model that ``to_tensors`` gave. ValueError or KeyError if the parts do not fit together."""
        if settings["format"] != FORMAT:
            raise ValueError(f"linear weights of format {settings['format']}; this version reads {FORMAT}")
        import scipy.sparse as sp

        count, output, bias, scale = (tensors[name] for name in ("count", "output", "bias", "scale"))
        width, rows = len(bias), len(tensors["vocabulary"])
        # Unsigned and flat, or an index could point outside the weights.
        flat = all(tensors[name].ndim == 1 for name in ("idf", "weight", "bias", "scale", "vocabulary"))
        if not flat or {count.dtype.kind, output.dtype.kind, tensors["vocabulary"].dtype.kind} != {"u"}:
            raise ValueError("the arrays of the linear model are not of the kinds they should be")
        ends = np.zeros(rows + 1, np.int64)
        np.cumsum(count, out=ends[1:])
        fits = len(count) == len(tensors["idf"]) == rows and ends[-1] == len(output) == len(tensors["weight"])
        fits = fits and len(scale) == width and bool(np.all(np.diff(tensors["vocabulary"].astype(np.int64)) > 0))
        if not fits or width - 4 * len(codes) not in (0, _SENTIMENT) or (len(output) and output.max() >= width):
            raise ValueError("the arrays of the linear model do not fit together")
        data = tensors["weight"].astype(np.float32) * scale[output]
        weights = sp.csr_matrix((data, output.astype(np.int32), ends), shape=(rows, width))
        lean = tensors.get("lean")
        if lean is not None and (lean.shape != (len(codes), 3, _SENTIMENT) or width == 4 * len(codes)):
            raise ValueError("the arrays of the linear model do not fit together")
        grams = Grams(**settings["grams"])
        vocabulary = Vocabulary(tensors["vocabulary"], tensors["idf"].astype(np.float32), grams)
        return cls(codes, vocabulary, weights, bias, settings["slope"], settings["shift"], lean)


def pool(scores: Floats, start: npt.NDArray[np.int64], own: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Log-sum-exp of clause scores over each text, and each clause's share (softmax) in it.

    scores: (clauses, c); start: first clause of each text; own: the text of each clause. Returns (texts, c), (clauses, c).
    """
    peak = np.maximum.reduceat(scores, start)
    weight: Floats = np.exp(scores - peak[own])
    total: Floats = np.add.reduceat(weight, start)
    pooled: Floats = peak + np.log(total)
    return pooled, weight / total[own]


def text_length(features: sp.csr_matrix, start: npt.NDArray[np.int64]) -> Floats:
    """(texts,) Euclidean length over the clauses of each text, 1 for a text without any known feature."""
    own = np.repeat(np.arange(len(start)), np.diff(features.indptr[np.append(start, features.shape[0])]))
    length = np.sqrt(np.bincount(own, features.data**2, len(start))).astype(np.float32)
    length[length == 0] = 1
    return length
