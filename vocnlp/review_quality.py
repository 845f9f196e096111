"""How good the model is on all comments, estimated from the reviewed ones: F1 weighted by what each row stands for.

Rows picked on purpose are harder than most and stand for nothing but themselves; rows drawn by chance stand for all (see
``review``). Summing each row's counts times the inverse of its inclusion probability gives unbiased totals (Horvitz &
Thompson 1952); F1 is a ratio of such totals. Where not every drawn row was answered, the answered ones stand for the
others of their sample, as if chance had left them out. Several samples of one export stand for it together, each of them
being drawn from a part that nothing was picked from on purpose. Intervals: bootstrap percentiles (Efron 1979), drawing anew
within each sample, without a correction for finite populations, so rather too wide than too narrow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .records import POLARITIES
from .review_rows import SKIPPED, Answer, Mark

Numbers = npt.NDArray[np.float64]
FEW_DRAWN = 50  # rows drawn by chance below which the estimate is a guess
FEW_CASES = 10  # reviewed rows with a code, by coder or model, below which its F1 is not told
_RESAMPLES = 1000
_RIGHT, _WRONG, _MISSED = range(3)


@dataclass(frozen=True)
class Estimate:
    """An F1 over all comments with its 95 % interval; ``cases``: rows drawn by chance in which coder or model gave the code.

    f1, low and high are None where there are too few cases to tell.
    """

    f1: float | None
    low: float | None
    high: float | None
    precision: float | None
    recall: float | None
    cases: int


@dataclass(frozen=True)
class Quality:
    """Quality of a model as reviewed: micro-F1 of codes and of (code, polarity) pairs, F1 per code, weighted by frequency.

    comments: how many the estimate is about; reviewed: rows answered, ``drawn`` of them by chance: it rests on these
    disputed: comments left out because nobody settled what their coders disagree on; ``disputed_drawn`` of them by chance
    weighted: mean F1 of the codes, each weighted by how many comments have it, as reviewed
    """

    bundle: str
    comments: int
    reviewed: int
    drawn: int
    codes: Estimate
    pairs: Estimate
    weighted: Estimate
    per_code: dict[str, Estimate]
    disputed: int = 0
    disputed_drawn: int = 0
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = ("bundle", "comments", "reviewed", "drawn", "disputed", "disputed_drawn")
        plain = {name: getattr(self, name) for name in names}
        parts = {name: vars(getattr(self, name)) for name in ("codes", "pairs", "weighted")}
        per_code = {code: vars(one) for code, one in self.per_code.items()}
        return {**plain, **parts, "per_code": per_code, "warnings": list(self.warnings)}


def of_bundle(answers: Sequence[Answer], bundle: str) -> list[Answer]:
    """The answers to rows for which this bundle made the suggestions.

    InputError where there is none, with the bundles that there are in its hint.
    """
    found = [answer for answer in answers if answer.origin is not None and answer.origin.bundle == bundle]
    if not found:
        there = sorted({answer.origin.bundle for answer in answers if answer.origin is not None} - {""})
        hint = f"choose one of these with --of: {', '.join(there)}" if there else "leave --of out"
        raise InputError("no row was reviewed for this bundle", value=bundle, hint=hint)
    return found


def quality(
    answers: Sequence[Answer], codes: Sequence[str], *, seed: int = 0, disputed: Sequence[Answer] = ()
) -> Quality:
    """The estimate from one answer a comment (see ``review_merge.adjudicate``), for the bundle that made the suggestions.

    ``disputed``: the answers to comments that were not settled. They are only counted: what coders disagree on is hard
    for the model, too, so the estimate is too good without these comments, and the warnings say so.

    InputError where no answered row was drawn by chance, and where answers are of several bundles.
    """
    said = [answer for answer in answers if answer.action != SKIPPED and answer.origin is not None]
    rows = [answer for answer in said if answer.origin is not None and answer.origin.by_chance]
    bundles = sorted({answer.origin.bundle for answer in rows if answer.origin is not None})
    lost = {answer.id: answer.origin is not None and answer.origin.by_chance for answer in disputed}
    if not bundles and any(lost.values()):
        told = f"all {sum(lost.values())} reviewed rows that were drawn by chance are disputed"
        raise InputError(told, hint="settle them with --adjudicator NAME, or by a third coder")
    if not bundles:
        hint = "review the rows with the reason 随机抽查, or sample again with --shares random=0.5,uncertain=0.5"
        raise InputError("no reviewed row was drawn by chance, so none stands for the others", hint=hint)
    if len(bundles) > 1:
        told = f"rows reviewed for several bundles: {', '.join(bundles)}"
        raise InputError(told, hint="choose one with --of, as it is written here")
    samples, comments = _samples(rows)
    by_code = _counts(rows, codes, lambda mark: (mark.code, ""))
    by_pair = _counts(rows, codes, lambda mark: (mark.code, mark.polarity if mark.polarity in POLARITIES else None))
    draws = list(_draws(samples, comments, np.random.default_rng(seed)))
    per_code = {code: _estimate(by_code[:, at : at + 1], draws, _micro) for at, code in enumerate(codes)}
    return Quality(
        bundles[0], sum(comments), len(said), len(rows),
        codes=_estimate(by_code, draws, _micro),
        pairs=_estimate(by_pair, draws, _micro),
        weighted=_estimate(by_code, draws, _by_frequency),
        per_code={code: one for code, one in per_code.items() if one.cases},
        disputed=len(lost),
        disputed_drawn=sum(lost.values()),
        warnings=(*_disputed(len(lost), sum(lost.values())), *_warnings(len(rows), per_code)),
    )  # fmt: skip


def _samples(rows: Sequence[Answer]) -> tuple[list[npt.NDArray[np.int64]], list[int]]:
    """The rows drawn from each export, and how many comments it holds, those that were known among them."""
    members: dict[str, list[int]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for at, answer in enumerate(rows):
        if answer.origin is not None:
            pool = answer.origin.pool or answer.origin.sample
            members[pool].append(at)
            size[pool] = max(size[pool], answer.origin.comments + answer.origin.known)
    return [np.array(inside) for inside in members.values()], [size[pool] for pool in members]


def _counts(
    rows: Sequence[Answer], codes: Sequence[str], key: Callable[[Mark], tuple[str, str | None]]
) -> npt.NDArray[np.float64]:
    """(rows, codes, 3): right, wrong and missed tags of the model. A polarity that nobody judged counts for nothing."""
    place = {code: at for at, code in enumerate(codes)}
    found = np.zeros((len(rows), len(codes), 3))
    for row, answer in enumerate(rows):
        true = {key(mark) for mark in answer.tags if mark.code in place}
        said = {key(mark) for mark in answer.origin.suggested if mark.code in place} if answer.origin else set()
        unjudged = {code for code, pole in true if pole is None}
        for each in true | said:
            if each[0] in unjudged:
                continue
            kind = _RIGHT if each in true and each in said else _MISSED if each in true else _WRONG
            found[row, place[each[0]], kind] += 1
    return found


def _draws(
    samples: Sequence[npt.NDArray[np.int64]], comments: Sequence[int], dice: np.random.Generator
) -> Iterable[Numbers]:
    """(rows,) weights: what each stands for; then as they would be had chance drawn other rows."""
    weight = np.zeros(sum(map(len, samples)))
    for inside, size in zip(samples, comments, strict=True):
        weight[inside] = size / len(inside)
    yield weight
    for _ in range(_RESAMPLES):
        times = np.zeros(len(weight))
        for inside in samples:
            times[inside] = np.bincount(dice.integers(0, len(inside), len(inside)), minlength=len(inside))
        yield weight * times


def _estimate(counts: Numbers, draws: Sequence[Numbers], figure: Callable[[Numbers], float | None]) -> Estimate:
    cases = int((counts.sum((1, 2)) > 0).sum())
    totals = np.tensordot(draws[0], counts, 1)
    if cases < FEW_CASES:
        return Estimate(None, None, None, None, None, cases)
    values = [value for weight in draws[1:] if (value := figure(np.tensordot(weight, counts, 1))) is not None]
    point = figure(totals)
    bounds = np.percentile(values, (2.5, 97.5)).tolist() if values else [point, point]
    right, wrong, missed = (float(count) for count in totals.sum(0))
    precision = right / (right + wrong) if right + wrong else None
    recall = right / (right + missed) if right + missed else None
    return Estimate(point, bounds[0], bounds[1], precision, recall, cases)


def _micro(totals: Numbers) -> float | None:
    """F1 over all codes; totals: (codes, 3)."""
    right, wrong, missed = totals.sum(0)
    cases = 2 * right + wrong + missed
    return float(2 * right / cases) if cases else None


def _by_frequency(totals: Numbers) -> float | None:
    """Mean F1 of the codes, weighted by how often they are there."""
    right, wrong, missed = totals.T
    there = right + missed
    if not there.sum():
        return None
    f1 = 2 * right / np.maximum(2 * right + wrong + missed, 1e-12)
    return float(f1 @ there / there.sum())


def _disputed(comments: int, drawn: int) -> Iterable[str]:
    if comments:
        told = "comment is" if comments == 1 else "comments are"
        yield (
            f"{comments} {told} disputed and left out, {drawn} of them drawn by chance: the figures look better than they "
            "are; settle them with --adjudicator NAME"
        )


def _warnings(drawn: int, per_code: dict[str, Estimate]) -> Iterable[str]:
    if drawn < FEW_DRAWN:
        yield f"only {drawn} rows were drawn by chance; below {FEW_DRAWN} the estimate is a guess"
    if few := [code for code, one in per_code.items() if 0 < one.cases < FEW_CASES]:
        yield f"in fewer than {FEW_CASES} rows drawn by chance, so not told: {', '.join(few)}"
