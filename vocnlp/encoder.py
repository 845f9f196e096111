"""The encoder classifier: a small BERT read by onnxruntime, one attention per code over the words of a text.

Clauses become tokens by a tokenizer in Rust, texts become windows of at most so many tokens, and windows of like length
are read together. What a window says are sums, so a text of several windows gives what one long window would give.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .classifiers import Floats, Scores
from .errors import MissingExtraError

FORMAT = 1
GRAPH, VOCABULARY = "onnx/model_int8.onnx", "tokenizer.json"
BEGIN, BREAK = 2, 3  # [CLS] before a window, [SEP] behind every clause
_NEVER = np.float32(-30)
_OUTCOMES = 4  # mention, and the three polarities
_INPUTS, _OUTPUTS = ("ids", "word"), ("mood", "total", "weighted", "best", "at")
Ints = npt.NDArray[np.int64]


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


def cut_windows(lines: Sequence[Sequence[int]], window: int) -> Iterator[tuple[list[int], list[int]]]:
    """``(ids, clause)`` of each window of one text, given the token ids of its clauses.

    At most ``window`` tokens each, cut between clauses; a clause longer than a window is cut inside, none is lost.
    """
    room = window - 2
    ids, place = [BEGIN], [-1]
    for number, line in enumerate(lines):
        for at in range(0, max(len(line), 1), room):
            part = line[at : at + room]
            if len(ids) + len(part) + 1 > window:
                yield ids, place
                ids, place = [BEGIN], [-1]
            ids += [*part, BREAK]
            place += [number] * (len(part) + 1)
    yield ids, place


def read_windows(texts: Sequence[Sequence[str]], tokenizer: Any, window: int) -> Windows:
    """The windows of texts given as normalised clauses; ``tokenizer`` is a ``tokenizers.Tokenizer``."""
    encoded = iter(tokenizer.encode_batch_fast([line for text in texts for line in text], add_special_tokens=False))
    ids: list[int] = []
    clause: list[int] = []
    start, owner = [0], []
    for number, text in enumerate(texts):
        for part, place in cut_windows([next(encoded).ids for _ in text], window):
            ids += part
            clause += place
            start.append(len(ids))
            owner.append(number)
    return Windows(*(np.array(column, np.int64) for column in (ids, clause, start, owner)))


@dataclass(frozen=True)
class Encoder:
    """A trained encoder with its heads, as onnxruntime reads it.

    graph: the bytes of an ONNX model: ids (n, t) int64 and word (n, t) bool -> mood (n, 2) logits; per code the
        attention's total (n, c), what the tokens say weighted by it (n, c, 4), its peak (n, c) and where that is (n, c)
    vocabulary: the bytes of tokenizer.json
    slope, shift: calibration of mention (Platt 1999), the same for all codes
    window: tokens read at once, at most; batch: tokens scored together; threads: batches scored at a time
    """

    codes: tuple[str, ...]
    graph: bytes = field(repr=False)
    vocabulary: bytes = field(repr=False)
    exclusive: bool = False
    slope: float = 1.0
    shift: float = 0.0
    window: int = 256
    batch: int = 4096
    threads: int = 0

    chunk = 4096  # texts sorted by length together; a class attribute, not a field

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        """See ``classifiers.Classifier.score``."""
        read = read_windows(texts, self._tokenizer, self.window)
        n, c = len(texts), len(self.codes)
        mood, weight = np.zeros((n, 2), np.float32), np.zeros((n, 1), np.float32)
        total, weighted = np.zeros((n, c), np.float32), np.zeros((n, c, _OUTCOMES), np.float32)
        best, clause = np.zeros((n, c), np.float32), np.zeros((n, c), np.int64)
        jobs = list(self._batches(read))
        with ThreadPoolExecutor(self._threads) as pool:
            for rows, answer in zip(jobs, pool.map(lambda rows: self._run(read, rows), jobs), strict=True):
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
        logits[total == 0, 0] = _NEVER  # a text without a word mentions nothing
        return self._scores(logits, (mood / np.maximum(weight, 1)).astype(np.float32), clause)

    def _scores(self, logits: Floats, mood: Floats, clause: Ints) -> Scores:
        sure = np.float32(self.slope) * logits[:, :, 0] + np.float32(self.shift)
        neutral, positive = _sigmoid(mood).T
        return Scores(
            sentiment=np.stack([(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive], 1),
            mention=_softmax(sure) if self.exclusive else _sigmoid(sure),
            polarity=_softmax(logits[:, :, 1:]),
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
        word = np.zeros(ids.shape, np.bool_)
        word[there] = read.clause[flat] >= 0
        answer: list[npt.NDArray[Any]] = self._session.run(_OUTPUTS, dict(zip(_INPUTS, (ids, word), strict=True)))
        return answer

    @property
    def _threads(self) -> int:
        return self.threads or (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )

    @cached_property
    def _session(self) -> Any:
        """One thread a batch, several batches at a time: small products do not gain from being split."""
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError("onnxruntime", extra="onnx") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_buffer(self.vocabulary)

    def to_files(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Files and settings to write to a bundle."""
        settings = {"format": FORMAT, "window": self.window, "exclusive": self.exclusive}
        return {GRAPH: self.graph, VOCABULARY: self.vocabulary}, {**settings, "slope": self.slope, "shift": self.shift}

    @classmethod
    def from_files(cls, codes: tuple[str, ...], files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Encoder:
        """The model that ``to_files`` gave. ValueError or KeyError if the parts do not fit together."""
        if settings["format"] != FORMAT:
            raise ValueError(f"an encoder of format {settings['format']}; this version reads {FORMAT}")
        model = cls(
            codes, files[GRAPH], files[VOCABULARY], bool(settings["exclusive"]),
            float(settings["slope"]), float(settings["shift"]), int(settings["window"]),
        )  # fmt: skip
        model._check()
        return model

    def _check(self) -> None:
        """ValueError if the graph is not of these codes and this vocabulary."""
        outputs = {one.name: one.shape for one in self._session.get_outputs()}
        if tuple(one.name for one in self._session.get_inputs()) != _INPUTS or tuple(outputs) != _OUTPUTS:
            raise ValueError("the graph is none of a tagger: its inputs or outputs have other names")
        if outputs["total"][1] != len(self.codes):
            raise ValueError(f"the graph has {outputs['total'][1]} codes, the manifest {len(self.codes)}")


def _sigmoid(value: Floats) -> Floats:
    half = np.float32(0.5)
    answer: Floats = half * (np.tanh(half * value) + np.float32(1))
    return answer


def _softmax(value: Floats) -> Floats:
    peak = np.exp(value - value.max(-1, keepdims=True))
    answer: Floats = peak / peak.sum(-1, keepdims=True)
    return answer
