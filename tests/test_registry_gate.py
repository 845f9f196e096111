"""The gate objects to a bundle that is worse beyond the interval, fails a critical code, or reads too slowly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from vocnlp.registry_gate import Objection, gate, kept


@dataclass(frozen=True)
class Measured:
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    support: int = 400
    verdict: str = "same"


@dataclass(frozen=True)
class Compared:
    figures: Mapping[str, Measured] = field(default_factory=lambda: {"codes.micro_f1": BETTER})
    per_code: Mapping[str, Measured] = field(default_factory=dict)
    only_old: tuple[str, ...] = ()
    comments_per_second: tuple[float, float] = (1000.0, 990.0)


BETTER = Measured(0.7, 0.75, 0.02, 0.08)
UNSURE = Measured(0.75, 0.73, -0.06, 0.02)
WORSE = Measured(0.75, 0.65, -0.14, -0.06, verdict="worse")
FEW = Measured(0.5, 0.25, -1.0, 0.5, support=4, verdict="few")
NONE = frozenset[str]()


def test_better_and_unsure_figures_pass() -> None:
    assert gate(Compared({"codes.micro_f1": BETTER, "sentiment.accuracy": UNSURE}), critical=NONE, slowest=0.5) == ()


def test_a_figure_whose_whole_interval_is_below_zero_objects() -> None:
    found = gate(Compared({"codes.micro_f1": WORSE, "pairs.micro_f1": UNSURE}), critical=NONE, slowest=0.5)
    told = "codes.micro_f1: worse, 0.750 -> 0.650, difference -0.140 to -0.060 (95 %), 400 cases"
    assert found == (Objection("worse", "codes.micro_f1", told),)


def test_data_that_give_no_figure_let_nothing_pass() -> None:
    assert [one.kind for one in gate(Compared({}), critical=NONE, slowest=0.5)] == ["unmeasured"]


CODES = {"delivery": WORSE, "price": UNSURE, "refund": FEW, "taste": Measured(0.5, None, None, None, 40),
         "queue": Measured(0.5, 0.4, float("nan"), float("nan"))}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("delivery", "critical", "delivery: critical, and worse, 0.750 -> 0.650, difference -0.140 to -0.060 (95 %), 400 cases"),
        ("refund", "few", "refund: critical, and 4 cases are too few to say"),
        ("parking", "few", "parking: critical, and 0 cases are too few to say"),
        ("taste", "few", "taste: critical, and 40 cases are too few to say"),
        ("queue", "few", "queue: critical, and 400 cases are too few to say"),
        ("waiting", "lost", "waiting: critical, and the new bundle does not have it"),
    ],
)  # fmt: skip
def test_only_a_critical_code_objects(code: str, kind: str, told: str) -> None:
    compared = Compared(per_code=CODES, only_old=("waiting",))
    assert gate(compared, critical=NONE, slowest=0.5) == ()
    assert gate(compared, critical=frozenset({code, "price"}), slowest=0.5) == (Objection(kind, code, told),)


@pytest.mark.parametrize(("speeds", "slowest", "passes"), [
    ((1000.0, 500.0), 0.5, True), ((1000.0, 499.0), 0.5, False), ((1000.0, 1.0), 0.0, True), ((0.0, 0.0), 0.5, True),
])  # fmt: skip
def test_a_model_that_reads_too_slowly_objects(speeds: tuple[float, float], slowest: float, passes: bool) -> None:
    found = gate(Compared(comments_per_second=speeds), critical=NONE, slowest=slowest)
    assert [one.kind for one in found] == ([] if passes else ["slower"])


def test_the_history_keeps_what_the_decision_was_made_on() -> None:
    compared = Compared(per_code=CODES, only_old=("waiting",))
    found = gate(compared, critical=frozenset({"refund"}), slowest=0.5)
    assert kept(compared, found) == {
        "figures": {"codes.micro_f1": {"old": 0.7, "new": 0.75, "low": 0.02, "high": 0.08, "support": 400}},
        "per_code": {
            "delivery": {"old": 0.75, "new": 0.65, "low": -0.14, "high": -0.06, "support": 400, "verdict": "worse"},
            "refund": {"old": 0.5, "new": 0.25, "low": -1.0, "high": 0.5, "support": 4, "verdict": "few"},
        },
        "lost": ["waiting"],
        "comments_per_second": [1000.0, 990.0],
        "objections": [
            {"kind": "few", "subject": "refund", "told": "refund: critical, and 4 cases are too few to say"}
        ],
    }
