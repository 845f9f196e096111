"""Have the comments moved away from what the model was made for? Two profiles compared, and the codes to review.

Every question has a test and a least effect: on many comments anything is significant, and little of it matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import asin, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from .codeframe import Codeframe
from .drift_profile import Profile
from .drift_words import Vocabulary, apart, more_frequent
from .errors import InputError
from .figures import SMALL
from .records import POLARITIES
from .significance import adjusted, rate_ratio

ALPHA = 0.05
LEAST_H = 0.1  # Cohen's h: 10 % against 13.2 %, 1 % against 2.2 %; Cohen 1988 calls 0.2 small
LEAST_PSI = 0.1  # below it a population counts as stable (Siddiqi 2006, Credit Risk Scorecards)
LEAST_WORD = 5  # comments of the period that hold a word
_FEW_TAGS = 30  # tags of a code on either side, below which its confidence is not compared


@dataclass(frozen=True, slots=True)
class Share:
    """A share before and after. ``p``: see ``significance.Ratio``, corrected for the number of codes; ``h``: Cohen's."""

    before: int
    before_rows: int
    after: int
    after_rows: int
    p: float | None
    h: float
    moved: bool

    @property
    def shares(self) -> tuple[float, float]:
        return self.before / max(1, self.before_rows), self.after / max(1, self.after_rows)


@dataclass(frozen=True, slots=True)
class Spread:
    """Two distributions: ``distance`` and ``p`` of Kolmogorov and Smirnov, ``psi`` the population stability index.

    From bins; so p errs to the large side. ``before`` and ``after`` are the means.
    """

    before: float
    after: float
    distance: float
    p: float
    psi: float
    moved: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A code that a person should look at; ``reasons`` in Chinese, the largest effect in ``effect``."""

    code: str
    name: str
    reasons: tuple[str, ...]
    effect: float


@dataclass(frozen=True)
class Drift:
    """What moved from ``reference`` to ``current``; ``warnings`` say what weakens the comparison, in Chinese."""

    reference: Profile
    current: Profile
    codes: Mapping[str, Share]
    pains: Mapping[str, Share]
    sure: Mapping[str, Spread]
    sentiment: Mapping[str, Share]
    untagged: Share
    noise: Share
    confidence: Spread | None
    length: Spread
    vocabulary: Vocabulary
    review: tuple[Review, ...]
    warnings: tuple[str, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """The questions that are answered with yes."""
        whole = {"untagged": self.untagged, "noise": self.noise, "confidence": self.confidence, "length": self.length}
        found = [name for name, one in whole.items() if one is not None and one.moved]
        found += ["sentiment"] if any(one.moved for one in self.sentiment.values()) else []
        found += ["codes"] if self.review else []
        return (*found, *(["vocabulary"] if self.vocabulary.words else []))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the words of the profiles."""
        whole = {key: value for key, value in asdict(self).items() if key not in ("reference", "current")}
        for name in ("reference", "current"):
            one: Profile = getattr(self, name)
            kept = ("source", "rows", "noise", "untagged", "bundles", "codeframes")
            whole[name] = {key: getattr(one, key) for key in kept}
        return {"moved": list(self.moved), **whole}


def drift(reference: Profile, current: Profile, frame: Codeframe, *, alpha: float = ALPHA, method: str = "bh") -> Drift:
    """Compare two profiles. ``frame`` gives the codes their names; ``method`` corrects for their number: bh or holm.

    InputError where a side has fewer than 30 comments that were read, where a side was tagged with several codeframes, or
    the two with different ones.
    """
    warnings = _comparable(reference, current)
    rows = reference.read, current.read
    names = sorted(reference.codes.keys() | current.codes.keys())
    codes = _shares(names, reference.codes, current.codes, rows, alpha, method)
    pains = _shares(names, reference.pains, current.pains, rows, alpha, method)
    sure = _sure(reference.sure, current.sure, alpha, method)
    vocabulary = Vocabulary(
        *apart(reference.words, current.words),
        more_frequent(reference.words, current.words, current.lone, rows=rows, alpha=alpha, least=LEAST_WORD),
    )
    confidence = None
    if sum(reference.confidence) and sum(current.confidence):
        confidence = spread(reference.confidence, current.confidence, width=1 / len(current.confidence), alpha=alpha)
    return Drift(
        reference=reference,
        current=current,
        codes=codes,
        pains=pains,
        sure=sure,
        sentiment=_shares(POLARITIES, reference.sentiment, current.sentiment, rows, alpha, method),
        untagged=_one(reference.untagged, current.untagged, rows, alpha),
        noise=_one(reference.noise, current.noise, (reference.rows, current.rows), alpha),
        confidence=confidence,
        length=spread(reference.length, current.length, width=1.0, alpha=alpha),
        vocabulary=vocabulary,
        review=_review(codes, pains, sure, frame),
        warnings=warnings,
    )


def spread(
    before: Sequence[int], after: Sequence[int], *, width: float, alpha: float, p: float | None = None
) -> Spread:
    """Two histograms over the same bins, ``width`` wide from 0 on. ``p``, where given, is the corrected one."""
    one, other = (np.array(bins, np.float64) for bins in (before, after))
    n, m = one.sum(), other.sum()
    distance = float(np.max(np.abs(one.cumsum() / n - other.cumsum() / m)))
    chance = float(stats.kstwo.sf(distance, max(1, round(n * m / (n + m))))) if p is None else p
    index = psi(one, other)
    middles = (np.arange(len(one)) + 0.5) * width
    means = float(one @ middles / n), float(other @ middles / m)
    return Spread(*means, distance, chance, index, moved=chance < alpha and index >= LEAST_PSI)


def psi(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> float:
    """Population stability index over some ten classes of equal weight before; half a comment is added to each."""
    edges = np.searchsorted(before.cumsum(), before.sum() * np.arange(1, 10) / 10)
    place = np.searchsorted(np.unique(edges), np.arange(len(before)), side="left")
    one, other = (np.bincount(place, bins) + 0.5 for bins in (before, after))
    shares = one / one.sum(), other / other.sum()
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def _comparable(reference: Profile, current: Profile) -> tuple[str, ...]:
    for one in (reference, current):
        if one.read < SMALL:
            told = f"{one.read} comments that say something are too few to compare; at least {SMALL} are needed"
            raise InputError(told, path=one.source, hint="take a longer period or a larger file")
        if len(names := {label.partition("@")[0] for label in one.codeframes}) > 1:
            told = f"its comments were tagged with several codeframes: {', '.join(sorted(names))}"
            raise InputError(told, path=one.source, hint=_RETAG)
    frames = [max(one.codeframes, key=lambda label: one.codeframes[label]) for one in (reference, current)]
    if frames[0].partition("@")[0] != frames[1].partition("@")[0]:
        told = (
            f"was tagged with codeframe {frames[0]}, {current.source} with {frames[1]}: their codes cannot be compared"
        )
        raise InputError(told, path=reference.source, hint=_RETAG)
    warnings: list[str] = []
    if set(reference.codeframes) != set(current.codeframes):
        warnings.append(
            f"码框版本不同({'、'.join(reference.codeframes)} → {'、'.join(current.codeframes)})，新增或撤销的编码也会显示为变化"
        )
    if set(reference.bundles) != set(current.bundles):
        warnings.append(
            f"两边由不同的模型标注({'、'.join(reference.bundles)} → {'、'.join(current.bundles)})，变化可能来自模型本身"
        )
    return tuple(warnings)


_RETAG = "tag both with one bundle: --retag, or vocnlp store rescore"


def _one(before: int, after: int, rows: tuple[int, int], alpha: float) -> Share:
    return _share(before, after, rows, rate_ratio(before, rows[0], after=after, after_base=rows[1]).p, alpha)


def _share(before: int, after: int, rows: tuple[int, int], p: float | None, alpha: float) -> Share:
    h = 2 * asin(sqrt(after / max(1, rows[1]))) - 2 * asin(sqrt(before / max(1, rows[0])))
    return Share(before, rows[0], after, rows[1], p, h, moved=p is not None and p < alpha and abs(h) >= LEAST_H)


def _shares(
    names: Sequence[str],
    before: Mapping[str, int],
    after: Mapping[str, int],
    rows: tuple[int, int],
    alpha: float,
    method: str,
) -> dict[str, Share]:
    pairs = [(before.get(name, 0), after.get(name, 0)) for name in names]
    ps = adjusted([rate_ratio(a, rows[0], after=b, after_base=rows[1]).p for a, b in pairs], method)
    return {name: _share(a, b, rows, p, alpha) for name, (a, b), p in zip(names, pairs, ps, strict=True)}


def _sure(
    before: Mapping[str, Sequence[int]], after: Mapping[str, Sequence[int]], alpha: float, method: str
) -> dict[str, Spread]:
    names = [code for code in sorted(before) if min(sum(before[code]), sum(after.get(code, ()))) >= _FEW_TAGS]
    found = {code: spread(before[code], after[code], width=1 / len(after[code]), alpha=alpha) for code in names}
    ps = adjusted([one.p for one in found.values()], method)
    return {
        code: spread(before[code], after[code], width=1 / len(after[code]), alpha=alpha, p=p)
        for code, p in zip(names, ps, strict=True)
    }


def _review(
    codes: Mapping[str, Share], pains: Mapping[str, Share], sure: Mapping[str, Spread], frame: Codeframe
) -> tuple[Review, ...]:
    found = []
    for code in codes:
        told = list(_reasons(codes[code], pains[code], sure.get(code)))
        if told:
            name = frame[code].name if code in frame else code
            found.append(Review(code, name, tuple(reason for reason, _ in told), max(effect for _, effect in told)))
    return tuple(sorted(found, key=lambda one: (-one.effect, one.code)))


def _reasons(share: Share, pain: Share, sure: Spread | None) -> Iterator[tuple[str, float]]:
    """Why to review a code, each with a size that lets codes be sorted."""
    if share.moved:
        what = (
            "首次出现"
            if not share.before
            else "不再出现"
            if not share.after
            else "占比上升"
            if share.h > 0
            else "占比下降"
        )
        yield f"{what}：{_turn(share)}", abs(share.h)
    if pain.moved:
        yield f"负面占比{'上升' if pain.h > 0 else '下降'}：{_turn(pain)}", abs(pain.h)
    if sure is not None and sure.moved:
        word = "下降" if sure.after < sure.before else "上升"
        yield f"模型把握{word}：平均置信度 {sure.before:.2f} → {sure.after:.2f}(PSI {sure.psi:.2f})", log(1 + sure.psi)


def _turn(share: Share) -> str:
    before, after = share.shares
    return f"{before:.1%} → {after:.1%}({share.before} 条 → {share.after} 条)"
