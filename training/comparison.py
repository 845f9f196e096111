"""Two models on the same labelled comments: which is better, on which codes, and whose answers changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from vocnlp.records import Prediction
from vocnlp.significance import adjusted
from vocnlp.tagger import Tagger

from .bootstrap import SAMPLES, SEED, interval, resampled, swap_chance
from .changes import Changed, changed_texts
from .labelled import Labelled
from .shared_codes import Shared, shared_codes
from .tally import Floats, Sums, Tally, answers, judged_codes, judged_pairs, judged_sentiment, tally

__all__ = ["FEW", "Changed", "CodeDifference", "Comparison", "Difference", "compare"]

FEW = 10  # texts that carry a code, below which a verdict on it would be a guess
ALPHA = 0.05
_WARM = 16  # texts that are tagged before the clock runs
_IDLE, _BETTER = 4, 0.98  # rounds of measuring speed of which none was better, by so much, end it
_LONG_ENOUGH = 4.0  # seconds after which no more rounds begin

Verdict = Literal["better", "worse", "same", "few"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both models; ``low``..``high`` holds 95 % of new - old, ``support`` counts the labels behind it."""

    old: float
    new: float
    low: float
    high: float
    support: int


@dataclass(frozen=True, slots=True)
class CodeDifference:
    """F1 of one code with both models (None: nobody said it and it is not there), and what may be said of it.

    ``low``..``high`` holds 95 % of new - old by the paired bootstrap. ``p`` is that of the exact randomisation test,
    corrected for the number of codes by Holm 1979. ``verdict``: ``better`` or ``worse`` where p < 0.05, ``few`` below 10
    texts that carry the code (not tested, p None), else ``same``: a difference that chance explains as well.
    """

    code: str
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    support: int
    verdict: Verdict
    p: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found; ``figures`` holds only what the data can give. ``without_text``: rows that were left out."""

    old: str
    new: str
    rows: int
    figures: Mapping[str, Difference]
    per_code: Mapping[str, CodeDifference]
    changed: tuple[Changed, ...]
    comments_per_second: tuple[float, float]
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    unchanged: int = 0
    shared: int = 0
    samples: int = SAMPLES
    seed: int = SEED
    without_text: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``vocnlp compare --json`` prints them."""
        return asdict(self)


def compare(
    old: Tagger,
    new: Tagger,
    rows: Sequence[Labelled],
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
    codes: Collection[str] | None = None,
) -> Comparison:
    """Both taggers on the same rows; intervals by the paired bootstrap over texts (see ``bootstrap``).

    The codes of the rows are ids or names of either codeframe. Only codes that both frames have are compared (by id, or
    by a name that is unique in both); ``only_old`` and ``only_new`` list the others. ``codes`` narrows the comparison to
    some of them. Rows without a text are left out. InputError where there is no other row, a code that neither frame has,
    or nothing to compare by.
    """
    given, rows = len(rows), [row for row in rows if row.text.strip()]
    shared = shared_codes(old.codeframe, new.codeframe, rows, codes)
    texts = [row.text for row in rows]
    (first, second), speeds = _tagged(old, new, texts)
    answered = [shared.renamed(prediction) for prediction in first], [shared.kept(each) for each in second]
    sides = tuple(_Side.of(shared, predictions) for predictions in answered)
    changed = changed_texts(shared.rows, *answered, frozenset(shared.codes))
    figures, per_code = _differences(sides[0].beside(sides[1]), sides[1].beside(sides[0]), samples, seed)
    order = {code: number for number, code in enumerate(shared.codes)}
    return Comparison(
        old=old.bundle.label,
        new=new.bundle.label,
        rows=len(rows),
        figures=figures,
        per_code={each.code: each for each in sorted(per_code, key=lambda each: order[each.code])},
        changed=changed,
        comments_per_second=speeds,
        only_old=shared.only_old,
        only_new=shared.only_new,
        unchanged=len(rows) - len(changed),
        shared=len(shared.codes),
        samples=samples,
        seed=seed,
        without_text=given - len(rows),
    )


def _tagged(old: Tagger, new: Tagger, texts: Sequence[str]) -> tuple[list[list[Prediction]], tuple[float, float]]:
    """The predictions of both, and texts a second of processor time, which other work on the machine hardly changes;
    of a few texts the best of rounds in turns, until no round is better."""
    best = [float("inf")] * 2
    said: list[list[Prediction]] = [[], []]
    for tagger in (old, new):
        tagger.tag(texts[:_WARM])
    begun = time.perf_counter()
    idle = 0
    while idle < _IDLE and time.perf_counter() - begun < _LONG_ENOUGH:
        idle += 1
        for side, tagger in enumerate((old, new)):
            started = time.process_time()
            said[side] = list(tagger.tag(texts))
            seconds = time.process_time() - started
            if seconds < _BETTER * best[side]:
                idle = 0
            best[side] = min(best[side], seconds)
    first, second = (len(texts) / max(seconds, 1e-9) for seconds in best)
    return said, (first, second)


@dataclass(frozen=True)
class _Side:
    """The tallies of one model: sentiment, codes and pairs."""

    sentiment: Tally
    codes: Tally
    pairs: Tally

    @classmethod
    def of(cls, shared: Shared, predictions: Sequence[Prediction]) -> _Side:
        judges = (judged_sentiment, judged_codes, judged_pairs)
        return cls(*(tally(answers(judge, shared.rows, predictions, shared.codes)) for judge in judges))

    def beside(self, other: _Side) -> _Side:
        """The same with the other's keys too, so that columns stand for the same."""
        return _Side(
            *(
                mine.widened(theirs.keys)
                for mine, theirs in zip(
                    (self.sentiment, self.codes, self.pairs), (other.sentiment, other.codes, other.pairs), strict=True
                )
            )
        )

    @property
    def cells(self) -> sp.csr_matrix:
        return sp.csr_matrix(sp.hstack([self.sentiment.cells, self.codes.cells, self.pairs.cells]))

    def sums(self, totals: Floats) -> tuple[Sums, Sums, Sums]:
        """Totals of ``cells``, (..., columns), taken apart."""
        parts = self.sentiment, self.codes, self.pairs
        ends = np.cumsum([0, *(3 * len(part.keys) for part in parts)])
        mood, codes, pairs = (
            part.sums(totals[..., begin:end]) for part, (begin, end) in zip(parts, pairwise(ends.tolist()), strict=True)
        )
        return mood, codes, pairs


def _differences(old: _Side, new: _Side, samples: int, seed: int) -> tuple[dict[str, Difference], list[CodeDifference]]:
    width = old.cells.shape[1]
    both = sp.csr_matrix(sp.hstack([old.cells, new.cells]))
    whole = np.asarray(both.sum(axis=0), np.float64).ravel()
    drawn = resampled(both, samples=samples, seed=seed)
    seen = old.sums(whole[:width]), new.sums(whole[width:])
    again = old.sums(drawn[:, :width]), new.sums(drawn[:, width:])
    figures = {}
    for name, (part, figure) in _FIGURES.items():
        before, after = (figure(sums[part]) for sums in seen)
        support = int(seen[0][part].total.right + seen[0][part].total.missed)
        spread = interval(figure(again[1][part]) - figure(again[0][part]))
        if support and spread:
            figures[name] = Difference(float(before), float(after), *spread, support)
    return figures, _per_code(old.codes, new.codes, (seen[0][1], seen[1][1]), (again[0][1], again[1][1]))


_FIGURES: Mapping[str, tuple[int, Callable[[Sums], Floats]]] = {
    "sentiment.accuracy": (0, lambda sums: sums.total.recall),
    "sentiment.macro_f1": (0, lambda sums: sums.macro_f1),
    "codes.micro_f1": (1, lambda sums: sums.total.f1),
    "pairs.micro_f1": (2, lambda sums: sums.total.f1),
}


def _per_code(old: Tally, new: Tally, seen: tuple[Sums, Sums], again: tuple[Sums, Sums]) -> list[CodeDifference]:
    support = (seen[0].right + seen[0].missed).astype(int).tolist()
    before, after = (sums.f1.tolist() for sums in seen)
    spread = again[1].f1 - again[0].f1
    chances: list[float | None] = [None] * len(old.keys)
    alone = _alone(old, new)
    for place, (first, second, both) in enumerate(alone):
        if support[place] >= FEW:
            chances[place] = swap_chance(first, second, both, support[place])
    found = []
    for place, (code, p) in enumerate(zip(old.keys, adjusted(chances, "holm"), strict=True)):
        low, high = interval(spread[:, place]) or (None, None)
        verdict: Verdict = "few" if p is None else "same"
        if p is not None and p < ALPHA:
            verdict = "better" if after[place] > before[place] else "worse"
        found.append(
            CodeDifference(code, _known(before[place]), _known(after[place]), low, high, support[place], verdict, p)
        )
    return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


_Pair = tuple[int, int]


def _alone(old: Tally, new: Tally) -> list[tuple[_Pair, _Pair, _Pair]]:
    """Per code, (right, wrong) that the old model alone said, that the new alone said, and that both said."""
    counts = []
    for part in (0, 1):
        first, second = old.part(part), new.part(part)
        both = np.asarray(first.multiply(second).sum(axis=0)).ravel()
        sums = (np.asarray(each.sum(axis=0)).ravel() - both for each in (first, second))
        counts.append([each.astype(int).tolist() for each in (*sums, both)])
    right, wrong = counts
    return [
        ((right[0][at], wrong[0][at]), (right[1][at], wrong[1][at]), (right[2][at], wrong[2][at]))
        for at in range(len(old.keys))
    ]
