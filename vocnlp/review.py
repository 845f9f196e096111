"""Which rows are worth a person's time: uncertain, of rare codes, on new ground, likely mislabelled, and some at random.

Rows picked on purpose teach, rows drawn by chance measure. What is drawn is a simple random sample of everything, each
row standing for ``Chosen.weight`` comments. A part of all comments can be set apart for it by a hash: training measures on
texts of that part, and should not see a sample that is harder than life.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .classifiers import Floats
from .errors import InputError
from .review_scores import Leanings, doubt
from .review_vectors import Vectors, nearest, spread, unlearnt

UNCERTAIN, RARE, NEW, LABEL, RANDOM = "uncertain", "rare", "new", "label", "random"
REASONS = (LABEL, UNCERTAIN, RARE, NEW, RANDOM)
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ENOUGH = 30  # labelled comments of a code from which it is not called rare
_GLANCE = 20  # characters that a row costs beside its own: doubt is wanted by the time that a person needs to settle it
_PULL = {UNCERTAIN: 0.5, RARE: 0.5, NEW: 1.0, LABEL: 0.0}
#: The part of the budget of each reason; what one cannot use goes to the next.
SHARES: Mapping[str, float] = {LABEL: 0.0, UNCERTAIN: 0.7, RARE: 0.05, NEW: 0.05, RANDOM: 0.2}
#: The same for rows that carry labels.
CHECKING: Mapping[str, float] = {LABEL: 0.6, UNCERTAIN: 0.2, RARE: 0.0, NEW: 0.0, RANDOM: 0.2}


@dataclass(frozen=True)
class Plan:
    """How many rows to choose, how many for each reason, and the seed of what is drawn by chance."""

    budget: int
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    seed: int = 0


@dataclass(frozen=True)
class Pool:
    """What can be chosen from: n distinct texts.

    leanings: what the model thinks of each; vectors: (n, d), for likeness
    labelled: code -> comments already labelled; known: vectors of what was labelled, None where nothing was
    fresh: (n,) how new the ground is that a row stands on, 0 to 1; None: told from the vectors
    wrong: (n, c) how likely each label, given or withheld, is an error; None where rows carry none
    """

    leanings: Leanings
    vectors: Vectors
    labelled: Mapping[str, int] = field(default_factory=dict)
    known: Vectors | None = None
    fresh: Numbers | None = None
    wrong: Numbers | None = None

    def __len__(self) -> int:
        return len(self.leanings.mention)


@dataclass(frozen=True)
class Chosen:
    """A row of the pool, why it was chosen, and the codes that were the reason.

    weight: how many comments it stands for, one over its inclusion probability; 0 where it was picked on purpose
    """

    row: int
    reason: str
    codes: tuple[str, ...] = ()
    weight: float = 0.0


def choose(pool: Pool, plan: Plan, *, beyond: int = 0, apart: Mask | None = None) -> list[Chosen]:
    """At most ``plan.budget`` rows, no two of them near twins unless chance drew them, those drawn by chance last.

    ``beyond`` more distinct texts, numbered on from the pool's, were not scored: chance alone can draw them. ``apart``
    says of every text whether it is of a part, itself made by chance, that nothing is picked from on purpose and all
    that is drawn comes from. The same pool, plan and seed give the same rows. InputError for a budget below one or
    shares that sum to nothing.
    """
    _check(plan)
    texts = len(pool) + beyond
    size = min(plan.budget, texts)
    random = by_chance(plan, texts)
    if apart is None:
        drawn = _slice(np.ones(texts, bool), random, plan.seed)
        picked = _on_purpose(pool, plan, size - len(drawn), barred=[one.row for one in drawn if one.row < len(pool)])
    else:
        random = min(random, int(apart.sum()))
        picked = _on_purpose(pool, plan, size - random, barred=np.flatnonzero(apart[: len(pool)]).tolist())
        drawn = _slice(apart, size - len(picked) if random else 0, plan.seed)
    return picked + drawn


def by_chance(plan: Plan, texts: int) -> int:
    """How many of so many texts a plan leaves to chance."""
    return round(min(plan.budget, texts) * plan.shares.get(RANDOM, 0.0) / sum(plan.shares.values()))


def _on_purpose(pool: Pool, plan: Plan, size: int, *, barred: Sequence[int]) -> list[Chosen]:
    """At most ``size`` rows by their reasons, in the order of REASONS; what one cannot use goes to the next."""
    scores = signals(pool)
    for score in scores.values():
        score[barred] = -np.inf
    useful = [reason for reason in REASONS if reason in scores and plan.shares.get(reason, 0) > 0]
    total = sum(plan.shares[reason] for reason in useful)
    quotas = [round(size * plan.shares[reason] / total) for reason in useful]
    taken: dict[int, str] = {}
    left = size
    for reason, quota in [*zip(useful, quotas, strict=True), *((reason, size) for reason in useful)]:
        left -= _take(pool, scores[reason], min(quota, left), reason=reason, taken=taken)
    return [Chosen(row, reason, _codes(pool, row, reason)) for row, reason in taken.items()]


def signals(pool: Pool) -> dict[str, Numbers]:
    """(n,) how much each row is wanted for each reason; -inf where it is not."""
    seen = pool.leanings
    near = doubt(seen).astype(np.float64).sum(1) * unlearnt(pool.vectors, pool.known)
    nothing = ~seen.given.any(1) & ~seen.noise
    found = {
        UNCERTAIN: _wanted(near / (seen.length + _GLANCE), ~seen.noise),
        RARE: _rare(pool),
        NEW: _wanted(novelty(pool.vectors, pool.known) if pool.fresh is None else pool.fresh, nothing),
    }
    if pool.wrong is not None:
        worst = pool.wrong.max(1, initial=0.0)
        found[LABEL] = _wanted(worst, worst > 0)
    return found


def _check(plan: Plan) -> None:
    if plan.budget < 1:
        raise InputError("the budget is the number of rows to review", value=str(plan.budget), hint="give 1 or more")
    if unknown := set(plan.shares) - set(REASONS):
        raise InputError("is no reason", value=min(unknown), hint=f"reasons: {', '.join(REASONS)}")
    if min(plan.shares.values(), default=0) < 0 or not 0 < sum(plan.shares.values()) <= 1 + 1e-9:
        told = ", ".join(f"{reason}={share}" for reason, share in plan.shares.items())
        raise InputError("shares of the budget are between 0 and 1, and together at most 1", value=told)


def _wanted(score: Numbers, allowed: npt.NDArray[np.bool_]) -> Numbers:
    """Scores on a scale of 0 to 1, so that likeness weighs alike for every reason; -inf where not allowed."""
    if not allowed.any():
        return np.full(len(score), -np.inf)
    peak = float(score[allowed].max())
    return np.where(allowed, score / peak if peak > 0 else score, -np.inf)


def _rare(pool: Pool) -> Numbers:
    """Comments of rare codes that a row is expected to add: a code counts more the fewer labels it has, and the rarer it is."""
    seen = pool.leanings
    have = np.array([pool.labelled.get(code, 0) for code in seen.codes], np.float64)
    likely = np.where(seen.mention >= seen.threshold / 4, seen.mention, 0).astype(np.float64)
    gain = likely @ (np.maximum(1 - have / _ENOUGH, 0) / (1 + likely.sum(0)))
    return _wanted(gain, (gain > 0) & ~seen.noise)


def novelty(vectors: Vectors, known: Vectors | None) -> Numbers:
    """(n,) how unlike a row is to all that was labelled, and yet like others of the pool: a topic, not an oddity."""
    close = np.zeros(vectors.shape[0]) if known is None else nearest(vectors, known).astype(np.float64)
    centre = np.asarray(vectors.mean(0), np.float32).reshape(1, -1)
    common = np.asarray(vectors @ centre.T).ravel().astype(np.float64)
    fresh: Numbers = (1 - np.maximum(close, 0)) * np.maximum(common, 0)
    return fresh


def _take(pool: Pool, score: Numbers, count: int, *, reason: str, taken: dict[int, str]) -> int:
    """Put at most ``count`` more rows into ``taken``; says how many there were."""
    if count <= 0:
        return 0
    open_ = score.copy()
    open_[list(taken)] = -np.inf
    rows = spread(open_, pool.vectors, count, taken=taken, pull=_PULL[reason])
    taken.update(dict.fromkeys(rows, reason))
    return len(rows)


def _slice(drawable: Mask, count: int, seed: int) -> list[Chosen]:
    """A simple random sample: of all texts, or of a part that chance made, which comes to the same."""
    rows = np.flatnonzero(drawable)
    count = min(count, len(rows))
    if not count:
        return []
    drawn = np.random.default_rng(seed).choice(rows, count, replace=False)
    return [Chosen(int(row), RANDOM, weight=len(drawable) / count) for row in np.sort(drawn)]


def _codes(pool: Pool, row: int, reason: str) -> tuple[str, ...]:
    """The codes, at most three, that a reason is about in this row."""
    seen = pool.leanings
    if reason == UNCERTAIN:
        weight: Floats = doubt(seen)[row]
    elif reason == LABEL and pool.wrong is not None:
        weight = pool.wrong[row].astype(np.float32)
    elif reason == RARE:
        have = np.array([pool.labelled.get(code, 0) for code in seen.codes])
        there = (have < _ENOUGH) & (seen.mention[row] >= seen.threshold / 4)
        weight = np.where(there, seen.mention[row] / (1 + seen.mention.sum(0)), 0)
    else:
        return ()
    best = [at for at in np.argsort(-weight, kind="stable")[:3] if weight[at] > 0.2 * weight.max() > 0]
    return tuple(seen.codes[at] for at in best)
