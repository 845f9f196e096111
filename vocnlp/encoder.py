"""The encoder classifier: a small BERT read by onnxruntime, one attention per code over the words of a text.

Clauses become tokens by a tokenizer in Rust, texts become windows of at most so many tokens, and windows of like length
are read together. What a window says are sums, so a text of several windows gives what one long window would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .classifiers import Floats, Scores, sigmoid, softmax
from .processes import cores

FORMAT = 1
GRAPH, VOCABULARY = "onnx/model_int8.onnx", "tokenizer.json"
NOTHING, MARK, WORD = 0, 1, 2  # kinds of token: what fills a batch up, [CLS] and the like, a word of a clause
_NEVER = np.float32(-30)
_OUTCOMES = 4  # mention, and the three polarities
_INPUTS, _OUTPUTS = ("ids", "kind"), ("mood", "total", "weighted", "best", "at")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """Token ids that stand before a window ([CLS]) and behind every clause ([SEP])."""

    begin: int = 2
    stop: int = 3


@dataclass(frozen=True)
class Windows:
    """Texts as the encoder reads them, all windows one behind the other.

    ids, clause: (tokens,), with the clause of its text that each token stands in, -1 for [CLS]
    start: (windows + 1,) first token of each window; owner: (windows,) the text it belongs to, ascending
    """

    ids: Ints
    clause: Ints
    start: Ints
    owner: Ints


def cut_windows(lines: Sequence[Sequence[int]], window: int, marks: Marks) -> Iterator[tuple[list[int], list[int]]]:
    """``(ids, clause)`` of each window of one text, given the token ids of its clauses.

    At most ``window`` tokens each, cut between clauses; a clause longer than a window is cut inside, none is lost.
    """
    room = window - 2
    ids, place = [marks.begin], [-1]
    for number, line in enumerate(lines):
        for at in range(0, max(len(line), 1), room):
            part = line[at : at + room]
            if len(ids) + len(part) + 1 > window:
                yield ids, place
                ids, place = [marks.begin], [-1]
            ids += [*part, marks.stop]
            place += [number] * (len(part) + 1)
    yield ids, place


def read_windows(texts: Sequence[Sequence[str]], tokenizer: Any, window: int, marks: Marks) -> Windows:
    """The windows of texts given as normalised clauses; ``tokenizer`` is a ``tokenizers.Tokenizer``."""
    encoded = iter(tokenizer.encode_batch_fast([line for text in texts for line in text], add_special_tokens=False))
    ids: list[int] = []
    clause: list[int] = []
    start, owner = [0], []
    for number, text in enumerate(texts):
        for part, place in cut_windows([next(encoded).ids for _ in text], window, marks):
            ids += part
            clause += place
            start.append(len(ids))
            owner.append(number)
    return Windows(*(np.array(column, np.int64) for column in (ids, clause, start, owner)))


@dataclass(frozen=True)
class Encoder:
    """A trained encoder with its heads, as onnxruntime reads it.

    graph: the bytes of an ONNX model: ids and kind (n, t) int64, kind as NOTHING, MARK, WORD -> mood (n, 2) logits; per code the
        attention's total (n, c), what the tokens say weighted by it (n, c, 4), its peak (n, c) and where that is (n, c)
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
    marks: Marks = Marks()
    batch: int = 1024
    threads: int = 0

    @property
    def chunk(self) -> int:
        """Texts sorted by length together: of so many, those of one batch are nearly of one length."""
        return 4096

    def on_threads(self, count: int) -> Encoder:
        """The same encoder, scoring so many batches at a time; what it has loaded is shared."""
        other = replace(self, threads=count)
        for name in ("_session", "_tokenizer"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        read = read_windows(texts, self._tokenizer, self.window, self.marks)
        n, c = len(texts), len(self.codes)
        mood, weight = np.zeros((n, 2), np.float32), np.zeros((n, 1), np.float32)
        total, weighted = np.zeros((n, c), np.float32), np.zeros((n, c, _OUTCOMES), np.float32)
        best, clause = np.zeros((n, c), np.float32), np.zeros((n, c), np.int64)
        for rows, answer in self._answers(read):
            owner, size = read.owner[rows], np.diff(read.start)[rows].astype(np.float32)[:, None]
            mean, whole, said, peak, at = answer
            # Windows of one text may stand in one batch, so sums are added one by one.
            np.add.at(mood, owner, mean * size)
            np.add.at(weight, owner, size)
            np.add.at(total, owner, whole)
            np.add.at(weighted, owner, said)
            spoken = read.clause[read.start[rows][:, None] + at]
            for k, text in enumerate(owner):
                higher = peak[k] > best[text]
                best[text][higher], clause[text][higher] = peak[k][higher], spoken[k][higher]
        logits = (weighted / np.maximum(total, 1e-6)[:, :, None]).astype(np.float32)
        logits[~self._has_words(read, n), :, 0] = _NEVER  # a text without a word mentions nothing
        return self._scores(logits, (mood / np.maximum(weight, 1)).astype(np.float32), clause)

    def _answers(self, read: Windows) -> Iterator[tuple[Ints, list[npt.NDArray[Any]]]]:
        """The windows of each batch, and what the graph gives for them."""
        jobs = list(self._batches(read))
        if len(jobs) == 1:  # a single comment: starting threads would take longer than reading it
            yield jobs[0], self._run(read, jobs[0])
            return
        with ThreadPoolExecutor(self.threads or cores()) as pool:
            yield from zip(jobs, pool.map(lambda rows: self._run(read, rows), jobs), strict=True)

    def _has_words(self, read: Windows, texts: int) -> npt.NDArray[np.bool_]:
        words = (read.clause >= 0) & (read.ids != self.marks.stop)
        there: npt.NDArray[np.bool_] = np.bincount(np.repeat(read.owner, np.diff(read.start)), words, texts) > 0
        return there

    def _scores(self, logits: Floats, mood: Floats, clause: Ints) -> Scores:
        sure = np.float32(self.slope) * logits[:, :, 0] + np.float32(self.shift)
        neutral, positive = sigmoid(mood * np.array(self.mood_slope, np.float32)).T
        return Scores(
            sentiment=np.stack([(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive], 1),
            mention=softmax(sure) if self.exclusive else sigmoid(sure),
            polarity=softmax(logits[:, :, 1:]),
            clause=clause,
        )

    def _batches(self, read: Windows) -> Iterator[Ints]:
        """Windows of like length, about ``batch`` tokens with what fills them up."""
        size = np.diff(read.start)
        order = np.argsort(size, kind="stable")
        begin = 0
        while begin < len(order):
            # The longest stands last, so the first that is too many can be found from either end of the block.
            end = begin + max(1, self.batch // int(size[order[begin]]))
            while (
                end > begin + 1
                and (min(end, len(order)) - begin) * int(size[order[min(end, len(order)) - 1]]) > self.batch
            ):
                end = begin + max(1, (end - begin) * 7 // 8)
            yield order[begin:end]
            begin = min(end, len(order))

    def _run(self, read: Windows, rows: Ints) -> list[npt.NDArray[Any]]:
        size = np.diff(read.start)[rows]
        ids = np.zeros((len(rows), int(size.max())), np.int64)
        there = np.arange(ids.shape[1]) < size[:, None]
        flat = (read.start[rows][:, None] + np.arange(ids.shape[1]))[there]
        ids[there] = read.ids[flat]
        kind = np.zeros(ids.shape, np.int64)
        kind[there] = np.where(read.clause[flat] >= 0, WORD, MARK)
        answer: list[npt.NDArray[Any]] = self._session.run(_OUTPUTS, dict(zip(_INPUTS, (ids, kind), strict=True)))
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
        from tokenizers import Tokenizer

        return Tokenizer.from_buffer(self.vocabulary)

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
            int(settings["window"]), Marks(*settings["marks"]),
        )  # fmt: skip
        model._check()
        return model

    def _check(self) -> None:
        """ValueError if the graph is not of these codes and this vocabulary. Both libraries raise errors of many kinds."""
        try:
            self._try(self._tokenizer.get_vocab_size())
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"the encoder cannot be read: {error}") from error

    def _try(self, vocabulary: int) -> None:
        outputs = {one.name: one.shape for one in self._session.get_outputs()}
        if tuple(one.name for one in self._session.get_inputs()) != _INPUTS or tuple(outputs) != _OUTPUTS:
            raise ValueError("the graph is none of a tagger: its inputs or outputs have other names")
        if outputs["total"][1] != len(self.codes):
            raise ValueError(f"the graph has {outputs['total'][1]} codes, the manifest {len(self.codes)}")
        last = np.full((1, 1), vocabulary - 1, np.int64)
        self._session.run(_OUTPUTS, dict(zip(_INPUTS, (last, np.full_like(last, WORD)), strict=True)))
