"""How many labels `vocnlp review sample` needs to teach as much as random sampling does, simulated on labelled sets.

A coder who always gives the set's label stands in for people. Both begin with the same 100 comments drawn by chance and
get 100 more a round; after each the linear model is trained anew on all labels so far and measured on a tenth held out,
each time another one: a single tenth of a small set is too little to tell. The choice sees texts, the labels given so far
and that model's scores, as a user's would; never a label that was not asked for. ``python -m benchmarks.review --data DIR --seeds 3``
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.review import RANDOM, SHARES, UNCERTAIN, Plan, Pool, by_chance, choose
from vocnlp.review_sample import set_apart, tenth_of
from vocnlp.review_scores import leanings
from vocnlp.review_vectors import Vectors, gram_vectors
from vocnlp.tagger import Tagger
from vocnlp.training.evaluation import evaluate
from vocnlp.training.labelled import Labelled, frame_of, read_labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear

#: How doubt is counted was chosen on the first two. The others have some 70 codes and mostly rows without any: a thousand
#: labels teach so little there that curves jump, and tell nothing for or against a choice.
SETS = {
    "car, 10 codes": "aspect/car_bdci2018.jsonl",
    "make-up, 13 codes": "aspect/makeup_zhijiang2019.jsonl",
    "phones": "aspect/phones_semeval2016.jsonl",
    "cameras": "aspect/camera_semeval2016.jsonl",
}
STEP, MOST = 100, 1000
SEEDS = 10
_TENTHS = 10
#: As it is by default, and with all of the budget for teaching, none for measuring.
PLANS = {"default": SHARES, "uncertain alone": {UNCERTAIN: 1.0}}
Curve = list[float]


@dataclass(frozen=True)
class _Set:
    """A labelled set: what can be asked for, and what is measured on. tenths: of ``train``, none is 0."""

    frame: Codeframe
    train: Sequence[Labelled]
    dev: Sequence[Labelled]
    vectors: Vectors
    tenths: npt.NDArray[np.int64]


def measure(data: Path, seeds: int = SEEDS) -> dict[str, Any]:
    """Per set: the curves of both, and the labels that the choice needs for the F1 of 1,000 random ones."""
    return {name: compared(data / file, seeds) for name, file in SETS.items()}


def compared(file: Path, seeds: int) -> dict[str, Any]:
    """The figures of one set."""
    rows = read_labelled(file)
    frame = frame_of(rows)
    tenths = np.array([tenth_of(row.text) for row in rows], np.int64)
    begun = time.perf_counter()
    ways: dict[str, Callable[..., list[int]]] = {"random": _by_chance} | {name: _By(one) for name, one in PLANS.items()}
    curves: dict[str, list[Curve]] = {name: [] for name in ways}
    for seed in range(seeds):
        one = _held_out(rows, frame, (tenths - seed) % _TENTHS)
        for name, more in ways.items():
            curves[name].append(_curve(one, seed, more))
    random = np.array(curves["random"])
    goal = float(random.mean(0)[-1])
    found: dict[str, Any] = {"comments": len(rows), "f1_of_1000_random": round(goal, 4)}
    found["random"] = [round(float(value), 4) for value in random.mean(0)]
    for name in PLANS:
        review = np.array(curves[name])
        found[name] = {
            "labels_needed": _reached(review.mean(0), goal),
            "by_seed": [_reached(curve, float(own[-1])) for curve, own in zip(review, random, strict=True)],
            "f1": [round(float(value), 4) for value in review.mean(0)],
        }
    return {**found, "seeds": seeds, "seconds": round(time.perf_counter() - begun)}


def _held_out(rows: Sequence[Labelled], frame: Codeframe, tenths: npt.NDArray[np.int64]) -> _Set:
    """A set with its tenth 0 held out."""
    train = [row for row, tenth in zip(rows, tenths, strict=True) if tenth]
    dev = [row for row, tenth in zip(rows, tenths, strict=True) if not tenth]
    return _Set(frame, train, dev, gram_vectors([row.text for row in train]), tenths[tenths > 0])


def _reached(curve: npt.NDArray[np.float64], goal: float) -> int | None:
    """The labels at which a curve first reaches the goal, on a straight line between rounds; None where it does not."""
    for at, value in enumerate(curve):
        if value >= goal:
            before = curve[at - 1] if at else goal
            part = (goal - before) / (value - before) if value > before else 0.0
            return round(STEP * (at + part)) if at else STEP
    return None


def _curve(one: _Set, seed: int, more: Callable[..., list[int]]) -> Curve:
    """Micro-F1 on the held-out part after each round."""
    dice = np.random.default_rng(seed)
    have = [int(row) for row in dice.permutation(len(one.train))[:STEP]]
    curve: Curve = []
    while True:
        tagger = _trained([one.train[row] for row in have], one.frame)
        curve.append(float(evaluate(tagger, one.dev)["codes"]["micro_f1"]))
        if len(have) >= MOST:
            return curve
        rest = np.setdiff1d(np.arange(len(one.train)), have)
        have += [int(rest[row]) for row in more(one, tagger, have, rest, dice)]


def _trained(rows: Sequence[Labelled], frame: Codeframe) -> Tagger:
    fitted = fit_linear(rows, frame, LinearRecipe(threads=1))
    return Tagger(Bundle("round", "1", frame, fitted.model, fitted.thresholds))


def _by_chance(one: _Set, tagger: Tagger, have: list[int], rest: Any, dice: np.random.Generator) -> list[int]:
    return [int(row) for row in dice.choice(len(rest), STEP, replace=False)]


@dataclass(frozen=True)
class _By:
    """More rows as ``vocnlp review sample`` chooses them."""

    shares: Mapping[str, float]

    def __call__(self, one: _Set, tagger: Tagger, have: list[int], rest: Any, dice: np.random.Generator) -> list[int]:
        counts = Counter(code for row in have for code in {tag.code for tag in one.train[row].tags})
        seen = leanings(tagger, [one.train[row].text for row in rest])
        pool = Pool(seen, one.vectors[rest], counts, one.vectors[have])
        plan = Plan(STEP, self.shares, int(dice.integers(1 << 30)))
        apart = set_apart(one.tenths[rest], by_chance(plan, len(rest))) if self.shares.get(RANDOM) else None
        return [chosen.row for chosen in choose(pool, plan, apart=apart)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--set", choices=SETS, action="append", help="only this set; may be given twice")
    wanted = parser.parse_args()
    for name in wanted.set or SETS:
        print(json.dumps({name: compared(wanted.data / SETS[name], wanted.seeds)}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
