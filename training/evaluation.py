"""Measures a bundle on labelled comments: sentiment, codes, (code, polarity) pairs, evidence, calibration, speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import POLARITIES, Prediction
from vocnlp.tagger import Tagger, Watch

from .bootstrap import SAMPLES, SEED, interval, resampled
from .labelled import Labelled, in_frame, read_labelled
from .mistakes import confusions, worst
from .reliability import Mentions, reliabilities, sentiment_ece
from .tally import (
    Count,
    Floats,
    Sums,
    Tally,
    answers,
    judged_codes,
    judged_pairs,
    judged_sentiment,
    met_evidence,
    tally,
    total,
)

__all__ = ["Count", "Progress", "evaluate", "examine", "rows_for"]

Progress = Callable[[str, float], None]  # what is being done, and the share of the whole that is done
_RATIOS = ("precision", "recall", "f1")


def evaluate(tagger: Tagger, rows: Sequence[Labelled]) -> dict[str, Any]:
    """The headline figures, quickly; a figure that the data cannot give is None.

    Only codes that were looked for in a row count there. Micro figures count over all codes; macro figures are the
    mean over the codes (pairs) that occur in the data. Rows without a text are left out. Where a set's coders could not say neutral, the choice is
    made between the two outcomes they had.
    """
    rows = _filled(rows)
    begun = time.perf_counter()
    predictions = tagger.tag([row.text for row in rows])
    seconds = time.perf_counter() - begun
    return _Measured.of(tagger, rows, predictions).figures(len(rows) / seconds if seconds else None)


def examine(
    tagger: Tagger,
    rows: Sequence[Labelled],
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
    errors: int = 20,
    progress: Progress = lambda what, share: None,
) -> dict[str, Any]:
    """All that ``vocnlp evaluate`` says: ``evaluate``'s figures, how sure they are, and where the model errs.

    Added are ``interval`` beside the figures of sentiment, codes, pairs, evidence and of every code (95 %, percentile
    bootstrap over texts; ``samples`` 0: none); ``polarity`` within every code and ``per_polarity`` over all;
    ``calibration.mentions``, ``.tags`` and ``.sentiment``; ``confusion`` between codes; ``errors``, the ``errors`` worst
    of each kind with masked texts; ``without_text``, the rows that have none and are left out.
    """
    given, rows = len(rows), _filled(rows)
    mentions = Mentions(tagger.codes)
    distinct = len({row.text for row in rows})
    begun = time.perf_counter()
    predictions = tagger.tag([row.text for row in rows], watch=_told(mentions.hear, distinct, progress))
    seconds = time.perf_counter() - begun
    progress("counting", 0.9)
    measured = _Measured.of(tagger, rows, predictions)
    figures = measured.figures(len(rows) / seconds if seconds else None)
    measured.add_polarities(figures)
    if samples and rows:
        measured.add_intervals(figures, samples, seed)
    figures["calibration"].update(reliabilities(rows, predictions, mentions, frozenset(measured.known)))
    figures["confusion"] = confusions(answers(judged_codes, rows, predictions, measured.known))
    figures["errors"] = worst(rows, predictions, mentions, known=measured.known, limit=errors)
    sources = dict.fromkeys(row.source for row in rows)
    return {
        "bundle": tagger.bundle.label,
        "codeframe": {"name": tagger.codeframe.name, "version": tagger.codeframe.version},
        "without_text": given - len(rows),
        "data": {name: sum(row.source == name for row in rows) for name in sources},
        "bootstrap": {"samples": samples, "seed": seed},
        **figures,
    }


def rows_for(tagger: Tagger, data: Sequence[Path]) -> list[Labelled]:
    """The rows of labelled files, codes matched by id or name; InputError for codes that the tagger's frame has not, and
    where no row has a text."""
    found: list[Labelled] = []
    for path in data:
        rows = read_labelled(path, tagger.codeframe)
        labels = sorted({tag.code for row in rows for tag in row.tags})
        unknown = [label for label in labels if tagger.codeframe.resolve(label) is None]
        if len(unknown) > 1 and len(unknown) == len(labels):
            frame, bundle = tagger.codeframe.name, tagger.bundle.label
            said = f"none of its {len(labels)} codes is in the codeframe {frame} of {bundle}: {', '.join(unknown[:5])}"
            hint = "measure a bundle that was trained for these codes: --bundle DIR"
            raise InputError(said, path=path, column="code", hint=hint)
        found += in_frame(rows, tagger.codeframe, path=path)
    if not _filled(found):
        raise InputError("no labelled row has a text", path=data[0] if data else None, hint="is this the right column?")
    return found


def _filled(rows: Sequence[Labelled]) -> list[Labelled]:
    """The rows that have a text: of the others nothing can be said, and so nothing measured."""
    return [row for row in rows if row.text.strip()]


def _told(watch: Watch, texts: int, progress: Progress) -> Watch:
    """``watch``, which also says how far the tagging is."""
    done = 0

    def watching(some: Sequence[str], scores: Any) -> None:
        nonlocal done
        watch(some, scores)
        done += len(some)
        progress("tagging", 0.9 * min(1.0, done / texts))

    return watching


@dataclass(frozen=True)
class _Measured:
    """The answers of one tagger to the rows, tallied."""

    frame: Codeframe
    rows: Sequence[Labelled]
    predictions: Sequence[Prediction]
    known: set[str]
    sentiment: Tally
    codes: Tally
    pairs: Tally

    @classmethod
    def of(cls, tagger: Tagger, rows: Sequence[Labelled], predictions: Sequence[Prediction]) -> _Measured:
        known = {code.id for code in tagger.codeframe.codes}
        tallies = (tally(answers(judge, rows, predictions, known)) for judge in _JUDGES)
        return cls(tagger.codeframe, rows, predictions, known, *tallies)

    def figures(self, speed: float | None) -> dict[str, Any]:
        codes, pairs = self.codes.counts(), self.pairs.counts()
        return {
            "rows": len(self.rows),
            "sentiment": _sentiment(self.rows, self.predictions, self.sentiment.counts()),
            "codes": _summary(codes),
            "pairs": _summary(pairs),
            "evidence": self._evidence(),
            "calibration": {"sentiment_ece": sentiment_ece(self.rows, self.predictions)},
            "per_code": {
                code: {**codes[code].to_dict(), "pairs_f1": total(v for k, v in pairs.items() if k[0] == code).f1}
                for code in _in_order(codes, self.frame)
            },
            "comments_per_second": speed,
        }

    def add_polarities(self, figures: dict[str, Any]) -> None:
        pairs = self.pairs.counts()
        for code, one in figures["per_code"].items():
            one["polarity"] = {each: pairs.get((code, each), Count()).to_dict() for each in POLARITIES}
        figures["per_polarity"] = {
            each: total(count for pair, count in pairs.items() if pair[1] == each).to_dict() for each in POLARITIES
        }

    def _evidence(self) -> dict[str, Any]:
        """Of the tags whose code is right and whose place was marked, the share whose span meets a marked one."""
        met, marked = (int(each) for each in self._met.sum(axis=0))
        return {"overlap": met / marked if marked else None, "support": marked}

    @property
    def _met(self) -> Floats:
        """(texts, 2): tags with evidence that meets a marked span, and tags with a marked span."""
        pairs = [met_evidence(*each) for each in zip(self.rows, self.predictions, strict=True)]
        return np.array(pairs, np.float64).reshape(-1, 2)

    def add_intervals(self, figures: dict[str, Any], samples: int, seed: int) -> None:
        """One set of draws for all figures."""
        cells = [self.sentiment.cells, self.codes.cells, self.pairs.cells, sp.csr_matrix(self._met)]
        ends = np.cumsum([0, *(each.shape[1] for each in cells)])
        drawn = resampled(sp.csr_matrix(sp.hstack(cells)), samples=samples, seed=seed)
        parts = [drawn[:, begin:end] for begin, end in pairwise(ends.tolist())]
        mood, codes, pairs = (t.sums(p) for t, p in zip((self.sentiment, self.codes, self.pairs), parts, strict=False))
        figures["sentiment"]["interval"] = _intervals({"accuracy": mood.total.recall, "macro_f1": mood.macro_f1})
        figures["codes"]["interval"] = _headline(codes)
        figures["pairs"]["interval"] = _headline(pairs)
        with np.errstate(invalid="ignore"):
            figures["evidence"]["interval"] = _intervals({"overlap": parts[3][:, 0] / parts[3][:, 1]})
        at = {key: [number] for tallied in (self.codes, self.pairs) for number, key in enumerate(tallied.keys)}
        for code, one in figures["per_code"].items():
            one["interval"] = _ratios(codes.of(at[code]).total)
            for polarity, pair in one["polarity"].items():
                pair["interval"] = _ratios(pairs.of(at.get((code, polarity), [])).total)
        for polarity, one in figures["per_polarity"].items():
            places = [number for number, pair in enumerate(self.pairs.keys) if pair[1] == polarity]
            one["interval"] = _ratios(pairs.of(places).total)


_JUDGES = (judged_sentiment, judged_codes, judged_pairs)


def _intervals(drawn: Mapping[str, Floats]) -> dict[str, tuple[float, float] | None]:
    return {name: interval(values) for name, values in drawn.items()}


def _ratios(sums: Sums) -> dict[str, tuple[float, float] | None]:
    return _intervals({name: getattr(sums, name) for name in _RATIOS})


def _headline(sums: Sums) -> dict[str, tuple[float, float] | None]:
    whole = sums.total
    drawn = {"micro_f1": whole.f1, "macro_f1": sums.macro_f1, "precision": whole.precision, "recall": whole.recall}
    return _intervals(drawn)


def _in_order(codes: Mapping[str, Count], frame: Codeframe) -> list[str]:
    place = {code.id: number for number, code in enumerate(frame.codes)}
    return sorted(codes, key=lambda code: place.get(code, len(place)))


def _summary(counts: Mapping[Any, Count]) -> dict[str, Any]:
    whole = total(counts)
    occurring = [count.f1 or 0.0 for count in counts.values() if count.support]
    return {
        "micro_f1": whole.f1,
        "macro_f1": sum(occurring) / len(occurring) if occurring else None,
        "precision": whole.precision,
        "recall": whole.recall,
        "support": whole.support,
    }


def _sentiment(
    rows: Sequence[Labelled], predictions: Sequence[Prediction], counts: Mapping[str, Count]
) -> dict[str, Any]:
    judged = [(row, prediction) for row, prediction in zip(rows, predictions, strict=True) if row.sentiment]
    if not judged:
        return {"accuracy": None, "macro_f1": None, "support": 0}
    occurring = {word: count for word, count in counts.items() if count.support}
    return {
        "accuracy": total(counts).right / len(judged),
        "macro_f1": sum(count.f1 or 0.0 for count in occurring.values()) / len(occurring),
        "support": len(judged),
        "three_way_accuracy": sum(row.sentiment == prediction.sentiment for row, prediction in judged) / len(judged),
        "per_class": {word: count.to_dict() for word, count in sorted(occurring.items())},
    }
