"""How far coders agree with each other and with the model, per code: Cohen's kappa and Krippendorff's alpha.

Cohen 1960, "A coefficient of agreement for nominal scales"; Krippendorff 2011, "Computing Krippendorff's
Alpha-Reliability". What is judged is whether a code is in a comment; a comment that only one coder saw counts for nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .review_rows import SKIPPED, Answer

MODEL = "model"
FEW = 30  # comments below which a coefficient is a guess
FEW_GIVEN = 5  # times a code has to be given for its coefficient to mean something


@dataclass(frozen=True)
class Pair:
    """Two who judged the same comments, ``n`` of them. ``given``: comments to which either gave the code.

    kappa is None where it is not defined: nobody gave the code, or both gave it always.
    """

    first: str
    second: str
    code: str
    n: int
    given: int
    agreed: float
    kappa: float | None

    @property
    def few(self) -> bool:
        return self.n < FEW or self.given < FEW_GIVEN


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha over all coders, of a code ("" : all codes at once) in ``n`` comments of two coders or more."""

    code: str
    n: int
    given: int
    alpha: float | None

    @property
    def few(self) -> bool:
        return self.n < FEW or self.given < FEW_GIVEN


@dataclass(frozen=True)
class Agreement:
    """Agreement among coders, of each with the model, and what there is too little of."""

    coders: tuple[str, ...]
    alphas: tuple[Alpha, ...]
    pairs: tuple[Pair, ...]
    with_model: tuple[Pair, ...]
    polarity: float | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        pairs = [{**vars(pair), "few": pair.few} for pair in self.pairs]
        model = [{**vars(pair), "few": pair.few} for pair in self.with_model]
        alphas = [{**vars(alpha), "few": alpha.few} for alpha in self.alphas]
        head = {"coders": list(self.coders), "alpha": alphas, "polarity_alpha": self.polarity}
        return {**head, "pairs": pairs, "with_model": model, "warnings": list(self.warnings)}


def cohen(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Cohen's kappa of two coders over the same units; None where both always give one and the same value.

    ValueError if the lengths differ or there is no unit.
    """
    if len(first) != len(second) or not first:
        raise ValueError("both coders judge the same units, at least one")
    n = len(first)
    ours, theirs = Counter(first), Counter(second)
    by_chance = sum(ours[value] * theirs[value] for value in ours) / n**2
    if by_chance == 1:
        return None
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    return (agreed - by_chance) / (1 - by_chance)


def krippendorff(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Alpha for nominal values; each unit holds the values given to it, missing ones left out. None where it is not defined.

    By the coincidence matrix: every ordered pair of values within a unit of m values counts 1 / (m - 1).
    """
    same, total = 0.0, 0.0
    margin: Counter[Hashable] = Counter()
    for values in units:
        m = len(values)
        if m < 2:
            continue
        counts = Counter(values)
        total += m
        margin.update(counts)
        same += sum(count * (count - 1) for count in counts.values()) / (m - 1)
    expected = sum(count * (count - 1) for count in margin.values())
    if total < 2 or expected == total * (total - 1):
        return None
    return 1 - (total - same) * (total - 1) / (total * (total - 1) - expected)


def agreement(answers: Sequence[Answer], codes: Sequence[str]) -> Agreement:
    """Agreement on each of ``codes``; skipped comments are missing."""
    said = [answer for answer in answers if answer.action != SKIPPED]
    by_coder: dict[str, dict[str, Answer]] = defaultdict(dict)
    for answer in said:
        by_coder[answer.by][answer.id] = answer
    coders = tuple(sorted(by_coder))
    pairs = [
        pair
        for one, other in combinations(coders, 2)
        for pair in _pairs(one, other, by_coder[one], by_coder[other], codes)
    ]
    alphas = [_alpha(said, code) for code in codes]
    whole = _alpha(said, "", codes)
    with_model = [pair for coder in coders for pair in _beside_model(coder, by_coder[coder], codes)]
    told = tuple(_warnings(coders, whole, [a for a in alphas if a.given]))
    return Agreement(coders, (whole, *alphas), tuple(pairs), tuple(with_model), _polarity(said), told)


def _given(answer: Answer) -> set[str]:
    return {mark.code for mark in answer.tags}


def _pairs(
    one: str, other: str, first: Mapping[str, Answer], second: Mapping[str, Answer], codes: Sequence[str]
) -> list[Pair]:
    both = [number for number in first if number in second]
    ours, theirs = [_given(first[number]) for number in both], [_given(second[number]) for number in both]
    return [_pair(one, other, code, ours=ours, theirs=theirs) for code in codes] if both else []


def _beside_model(coder: str, said: Mapping[str, Answer], codes: Sequence[str]) -> list[Pair]:
    judged = [answer for answer in said.values() if answer.origin is not None]
    ours = [_given(answer) for answer in judged]
    theirs = [{mark.code for mark in answer.origin.suggested} for answer in judged if answer.origin is not None]
    return [_pair(coder, MODEL, code, ours=ours, theirs=theirs) for code in codes] if judged else []


def _pair(one: str, other: str, code: str, *, ours: Sequence[set[str]], theirs: Sequence[set[str]]) -> Pair:
    first, second = [code in given for given in ours], [code in given for given in theirs]
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / len(first)
    given = sum(a or b for a, b in zip(first, second, strict=True))
    return Pair(one, other, code, len(first), given, agreed, cohen(first, second))


def _alpha(said: Sequence[Answer], code: str, codes: Sequence[str] = ()) -> Alpha:
    units: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for answer in said:
        given = _given(answer)
        for each in codes or (code,):
            units[answer.id, each].append(each in given)
    shared = {unit: values for unit, values in units.items() if len(values) > 1}
    n = len({number for number, _ in shared})
    return Alpha(code, n, sum(any(values) for values in shared.values()), krippendorff(shared.values()))


def _polarity(said: Sequence[Answer]) -> float | None:
    """Alpha of the polarity of codes that several coders found in one comment; both of two is a value of its own."""
    units: dict[tuple[str, str], list[frozenset[str]]] = defaultdict(list)
    for answer in said:
        poles: dict[str, set[str]] = defaultdict(set)
        for mark in answer.tags:
            if mark.polarity is not None:
                poles[mark.code].add(mark.polarity)
        for code, given in poles.items():
            units[answer.id, code].append(frozenset(given))
    return krippendorff(units.values())


def _warnings(coders: Sequence[str], whole: Alpha, alphas: Sequence[Alpha]) -> Iterable[str]:
    if len(coders) < 2:
        yield "only one coder: agreement between coders needs the same comments reviewed by a second person"
    elif not whole.n:
        yield "no comment was reviewed by two coders"
    elif whole.n < FEW:
        yield f"only {whole.n} comments were reviewed by two coders; below {FEW} a coefficient is a guess"
    if rare := [alpha.code for alpha in alphas if alpha.given < FEW_GIVEN]:
        yield f"given fewer than {FEW_GIVEN} times, so not to be trusted: {', '.join(rare)}"
    if weak := [alpha.code for alpha in alphas if not alpha.few and alpha.alpha is not None and alpha.alpha < 0.667]:
        yield f"alpha below 0.667, so no conclusions should rest on these codes (Krippendorff 2004): {', '.join(weak)}"
