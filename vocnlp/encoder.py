"""The encoder classifier: a small BERT read by onnxruntime, one attention per code over the words of a text.

Clauses become tokens by a tokenizer in Rust, texts become windows of at most so many tokens, and windows of like length
are read together. What a window says are sums, so a text of several windows gives what one long window would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .classifiers import Floats, Scores, sigmoid, softmax
from .embedding import ClauseSums, word_weights
from .errors import BundleError
from .processes import cores, in_threads
from .windows import (
    MARK,
    WORD,
    Ints,
    Marks,
    Windows,
    batches,
    firsts,
    has_words,
    owners,
    read_windows,
    tokenizer_of,
    tokens_of,
    turns,
)

FORMAT = 1
GRAPH, VOCABULARY = "onnx/model_int8.onnx", "tokenizer.json"
_NEVER = np.float32(-30)
_OUTCOMES = 4  # mention, and the three polarities
_LEAST, _MOST = 3, 2048  # tokens of a window: one between its marks, and more than any encoder here reads
_UNUSED = 1024  # rows that a table of words may have beyond its tokenizer's: some are filled up to round numbers
_INPUTS, _OUTPUTS = ("ids", "kind"), ("mood", "total", "weighted", "best", "at")
_STATES = ("words", "states", "centre")  # what a graph may give besides; fetched only when asked for


@dataclass(frozen=True)
class Encoder:
    """A trained encoder with its heads, as onnxruntime reads it.

    graph: the bytes of an ONNX model: ids and kind (n, t) int64, kind as NOTHING, MARK, WORD -> mood (n, 2) logits; per code the
        attention's total (n, c), what the tokens say weighted by it (n, c, 4), its peak (n, c) and where that is (n, c);
        and perhaps the vectors that the tokens begin and end with (n, t, d) each, and the centre (d + d,) of all texts
    vocabulary: the bytes of tokenizer.json
    slope, shift: calibration of mention (Platt 1999), the same for all codes
    mood_slope: factors of the two logits of mood, found by temperature scaling (Guo et al. 2017)
    window: tokens read at once, at most; batch: tokens scored together; threads: batches scored at a time, 0: as many as there are cores
    """

    codes: tuple[str, ...]
    graph: bytes = field(repr=False)
    vocabulary: bytes = field(repr=False)
    exclusive: bool = False
    slope: float = 1.0
    shift: float = 0.0
    mood_slope: tuple[float, float] = (1.0, 1.0)
    window: int = 256
    marks: Marks = field(default_factory=Marks)
    batch: int = 1024
    threads: int = 0

    @property
    def chunk(self) -> int:
        """Texts sorted by length together: of so many, those of one batch are nearly of one length."""
        return 4096

    def on_threads(self, count: int) -> Encoder:
        """The same encoder, scoring so many batches at a time; what it has loaded is shared."""
        return self._loaded_with(threads=count)

    def in_batches(self, tokens: int) -> Encoder:
        """The same encoder, scoring about so many tokens together; what it has loaded is shared.

        Few texts of many lengths waste less on what fills small batches up. Sums of other lengths may round otherwise
        in the last bit, as they do beside other texts.
        """
        return self._loaded_with(batch=tokens)

    def _loaded_with(self, **changes: int) -> Encoder:
        other = replace(self, **changes)  # type: ignore[arg-type]
        for name in ("_session", "_tokenizer", "_weights", "_centre"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @property
    def embeds(self) -> bool:
        """Whether the graph gives the vectors of its tokens; those made before there were embeddings do not."""
        return any(one.name == _STATES[0] for one in self._session.get_outputs())

    def embed(self, texts: Sequence[Sequence[str]]) -> Floats:
        """(n, d) one vector a text, of length 1, or 0 for a text without a word; see ``embedding``.

        BundleError if the graph gives no vectors.
        """
        parts = [texts[at : at + self.chunk] for at in range(0, len(texts), self.chunk)]
        found = [self._sums(part).of_texts(owners(part), len(part)) for part in parts]
        return np.concatenate([np.zeros((0, len(self._centre)), np.float32), *map(self._unit, found)])

    def embed_clauses(self, texts: Sequence[Sequence[str]]) -> Floats:
        """(clauses, d) one vector a clause, those of all texts one behind the other, each read in its text."""
        parts = [texts[at : at + self.chunk] for at in range(0, len(texts), self.chunk)]
        found = [self._unit(self._sums(part)) for part in parts]
        return np.concatenate([np.zeros((0, len(self._centre)), np.float32), *found])

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        return self._score(texts, None)

    def score_and_embed(self, texts: Sequence[Sequence[str]]) -> tuple[Scores, Floats]:
        """What ``score`` and ``embed_clauses`` give, from one reading."""
        sums = ClauseSums.zero(sum(map(len, texts)), len(self._centre))
        scores = self._score(texts, sums)
        return scores, self._unit(sums)

    def _score(self, texts: Sequence[Sequence[str]], sums: ClauseSums | None) -> Scores:
        read = read_windows(texts, self._tokenizer, self.window, self.marks)
        first = firsts(texts)
        n, c = len(texts), len(self.codes)
        mood, weight = np.zeros((n, 2), np.float32), np.zeros((n, 1), np.float32)
        total, weighted = np.zeros((n, c), np.float32), np.zeros((n, c, _OUTCOMES), np.float32)
        best, clause = np.zeros((n, c), np.float32), np.zeros((n, c), np.int64)
        for rows, answer in self._answers(read, _OUTPUTS if sums is None else (*_OUTPUTS, *_STATES[:2])):
            owner, size = read.owner[rows], np.diff(read.start)[rows].astype(np.float32)[:, None]
            mean, whole, said, peak, at = answer[: len(_OUTPUTS)]
            if sums is not None:
                self._add(sums, read, rows, first, answer[len(_OUTPUTS) :])
            spoken = read.clause[read.start[rows][:, None] + at]
            for some in turns(owner):
                text = owner[some]
                mood[text] += mean[some] * size[some]
                weight[text] += size[some]
                total[text] += whole[some]
                weighted[text] += said[some]
                higher = peak[some] > best[text]
                best[text] = np.where(higher, peak[some], best[text])
                clause[text] = np.where(higher, spoken[some], clause[text])
        logits = (weighted / np.maximum(total, 1e-6)[:, :, None]).astype(np.float32)
        logits[~has_words(read, self.marks, n), :, 0] = _NEVER  # a text without a word mentions nothing
        return self._scores(logits, (mood / np.maximum(weight, 1)).astype(np.float32), clause)

    def _answers(self, read: Windows, names: Sequence[str]) -> Iterator[tuple[Ints, list[npt.NDArray[Any]]]]:
        """The windows of each batch, and what the graph gives for them."""
        jobs = list(batches(read, self.batch))
        if len(jobs) == 1:  # a single comment: starting threads would take longer than reading it
            yield jobs[0], self._run(read, jobs[0], names)
            return
        found = in_threads(lambda rows: self._run(read, rows, names), jobs, self.threads or cores())
        yield from zip(jobs, found, strict=True)

    def _sums(self, texts: Sequence[Sequence[str]]) -> ClauseSums:
        read = read_windows(texts, self._tokenizer, self.window, self.marks)
        sums, first = ClauseSums.zero(sum(map(len, texts)), len(self._centre)), firsts(texts)
        for rows, answer in self._answers(read, _STATES[:2]):
            self._add(sums, read, rows, first, answer)
        return sums

    def _add(
        self, sums: ClauseSums, read: Windows, rows: Ints, first: Ints, vectors: Sequence[npt.NDArray[Any]]
    ) -> None:
        """The words of a batch of windows to the clauses that they stand in; first: (texts,) the first clause of each."""
        there, flat = tokens_of(read, rows)
        owner = np.repeat(read.owner[rows], np.diff(read.start)[rows])
        word = (read.clause[flat] >= 0) & (read.ids[flat] != self.marks.stop)
        clause = first[owner] + read.clause[flat]
        if word.any():
            sums.add(clause[word], self._weights[read.ids[flat][word]], [one[there][word] for one in vectors])

    def _unit(self, sums: ClauseSums) -> Floats:
        width = [one.shape[2] for one in self._session.get_outputs() if one.name in _STATES[:2]]
        return sums.unit(self._centre, width)

    @cached_property
    def _weights(self) -> Floats:
        return word_weights(self.vocabulary)

    @cached_property
    def _centre(self) -> Floats:
        if not self.embeds:
            raise BundleError(
                "was made before encoders gave embeddings",
                path=GRAPH,
                hint="take the shipped bundle of today, or train again from it",
            )
        one = np.full((1, 1), self.marks.begin, np.int64)
        centre: Floats = self._session.run(_STATES[2:], dict(zip(_INPUTS, (one, one), strict=True)))[0]
        return centre

    def _scores(self, logits: Floats, mood: Floats, clause: Ints) -> Scores:
        sure = np.float32(self.slope) * logits[:, :, 0] + np.float32(self.shift)
        neutral, positive = sigmoid(mood * np.array(self.mood_slope, np.float32)).T
        return Scores(
            sentiment=np.stack([(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive], 1),
            mention=softmax(sure) if self.exclusive else sigmoid(sure),
            polarity=softmax(logits[:, :, 1:]),
            clause=clause,
        )

    def _run(self, read: Windows, rows: Ints, names: Sequence[str]) -> list[npt.NDArray[Any]]:
        there, flat = tokens_of(read, rows)
        ids, kind = np.zeros(there.shape, np.int64), np.zeros(there.shape, np.int64)
        ids[there] = read.ids[flat]
        kind[there] = np.where(read.clause[flat] >= 0, WORD, MARK)
        answer: list[npt.NDArray[Any]] = self._session.run(list(names), dict(zip(_INPUTS, (ids, kind), strict=True)))
        return answer

    @cached_property
    def _session(self) -> Any:
        """One thread a batch, several batches at a time: small products do not gain from being split."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The fused kernel of addition and normalisation takes longer than the two apart, several times over.
        return onnxruntime.InferenceSession(
            self.graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
        )

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self.vocabulary)

    def to_files(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Files and settings to write to a bundle."""
        marks = [self.marks.begin, self.marks.stop]
        settings = {"format": FORMAT, "window": self.window, "marks": marks, "exclusive": self.exclusive}
        scale = {"slope": self.slope, "shift": self.shift, "mood_slope": list(self.mood_slope)}
        return {GRAPH: self.graph, VOCABULARY: self.vocabulary}, {**settings, **scale}

    @classmethod
    def from_files(cls, codes: tuple[str, ...], files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Encoder:
        """The model that ``to_files`` gave. ValueError or KeyError if the parts do not fit together."""
        if settings["format"] != FORMAT:
            raise ValueError(f"an encoder of format {settings['format']}; this version reads {FORMAT}")
        neutral, positive = settings["mood_slope"]
        model = cls(
            codes, files[GRAPH], files[VOCABULARY], bool(settings["exclusive"]),
            float(settings["slope"]), float(settings["shift"]), (float(neutral), float(positive)),
            settings["window"], Marks(*settings["marks"]),
        )  # fmt: skip
        model._check()
        return model

    def _check(self) -> None:
        """ValueError if the settings mean nothing, or the graph is not of these codes and this vocabulary."""
        if not all(type(one) is int for one in (self.window, self.marks.begin, self.marks.stop)):
            raise ValueError("window and marks must be whole numbers")
        if not _LEAST <= self.window <= _MOST:
            raise ValueError(f"a window of {self.window} tokens; it must be {_LEAST} to {_MOST:,}")
        if not np.isfinite([self.slope, self.shift, *self.mood_slope]).all():
            raise ValueError("slope, shift and mood_slope must be finite numbers")
        if len(set(self.codes)) < len(self.codes):
            raise ValueError("two of its codes are the same")
        try:
            self._try(self._tokenizer.get_vocab_size())
        except ValueError:
            raise
        except Exception as error:  # both libraries raise errors of many kinds
            raise ValueError(f"the encoder cannot be read: {error}") from error

    def _try(self, vocabulary: int) -> None:
        outputs = {one.name: one.shape for one in self._session.get_outputs()}
        known = (_OUTPUTS, (*_OUTPUTS, *_STATES))
        if tuple(one.name for one in self._session.get_inputs()) != _INPUTS or tuple(outputs) not in known:
            raise ValueError("the graph is none of a tagger: its inputs or outputs have other names")
        if outputs["total"][1] != len(self.codes):
            raise ValueError(f"the graph has {outputs['total'][1]} codes, the manifest {len(self.codes)}")
        if not all(0 <= mark < vocabulary for mark in (self.marks.begin, self.marks.stop)):
            raise ValueError(f"marks {self.marks.begin} and {self.marks.stop}, and {vocabulary} words in {VOCABULARY}")
        if told := self._unread(vocabulary - 1, 1):
            raise ValueError(f"the encoder cannot be read: it knows fewer words than {VOCABULARY} has: {told}")
        if not self._unread(vocabulary - 1 + _UNUSED, 1):
            raise ValueError(f"the encoder knows far more words than the {vocabulary} of {VOCABULARY}")
        if told := self._unread(self.marks.begin, self.window):
            raise ValueError(f"the graph reads no window of {self.window} tokens: {told}")

    def _unread(self, word: int, length: int) -> str:
        """Why the graph cannot read one word so often; "" where it can."""
        import onnxruntime

        quiet = onnxruntime.RunOptions()
        quiet.log_severity_level = 4
        ids = np.full((1, length), word, np.int64)
        try:
            self._session.run(_OUTPUTS, dict(zip(_INPUTS, (ids, np.full_like(ids, WORD)), strict=True)), quiet)
        except Exception as error:  # the library raises nothing narrower
            return str(error)
        return ""
