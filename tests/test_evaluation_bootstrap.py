"""Resampling over texts, percentile intervals, and the exact test for paired answers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp

from vocnlp.training import bootstrap
from vocnlp.training.bootstrap import interval, resampled, swap_chance
from vocnlp.training.tally import Answer, Count, tally


def test_totals_are_those_of_texts_drawn_with_replacement() -> None:
    cells = np.array([[1, 0], [0, 2], [3, 0], [0, 0]], float)
    totals = resampled(sp.csr_matrix(cells), samples=500, seed=3)
    drawn = np.random.default_rng(3).integers(4, size=(500, 4))
    assert totals.tolist() == cells[drawn].sum(axis=1).tolist()


def test_the_size_of_a_portion_does_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = sp.csr_matrix(np.random.default_rng(1).integers(0, 2, (50, 6)).astype(float))
    at_once = resampled(cells, samples=40)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 150)
    assert resampled(cells, samples=40).tolist() == at_once.tolist()


def test_nothing_to_draw_from_gives_zeros() -> None:
    assert resampled(sp.csr_matrix((0, 3)), samples=2).tolist() == [[0.0] * 3] * 2
    assert resampled(sp.csr_matrix((5, 0)), samples=2).shape == (2, 0)


def test_an_interval_of_a_share_is_that_of_the_binomial() -> None:
    """300 of 400: the standard error of the share is sqrt(0.75 * 0.25 / 400) = 0.0217."""
    right = np.arange(400) < 300
    totals = resampled(sp.csr_matrix(np.stack([right, ~right], 1).astype(float)), samples=4000, seed=1)
    found = interval(totals[:, 0] / totals.sum(axis=1))
    assert found == pytest.approx((0.75 - 1.96 * 0.02165, 0.75 + 1.96 * 0.02165), abs=0.004)


def test_draws_without_a_case_are_left_out() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5])) == (0.5, 0.5)
    assert interval(np.array([np.nan, np.nan])) is None


def by_hand(old: tuple[int, int], new: tuple[int, int], both: tuple[int, int], support: int) -> float:
    """The test by swapping the answers of every text that changed, one by one."""

    def f1(right: int, wrong: int) -> float:
        return 2 * (both[0] + right) / (both[0] + right + both[1] + wrong + support)

    texts = [(1, 0)] * old[0] + [(0, 1)] * old[1] + [(1, 0)] * new[0] + [(0, 1)] * new[1]
    seen = abs(f1(*new) - f1(*old))
    hits = 0
    for sides in product((0, 1), repeat=len(texts)):
        sums = [[sum(t[k] for t, s in zip(texts, sides, strict=True) if s == side) for k in (0, 1)] for side in (0, 1)]
        hits += abs(f1(*sums[1]) - f1(*sums[0])) >= seen - 1e-12
    return hits / 2 ** len(texts)


@pytest.mark.parametrize(
    ("old", "new", "both", "support"),
    [
        ((0, 0), (4, 0), (6, 1), 12),
        ((1, 2), (5, 0), (3, 1), 10),
        ((0, 4), (0, 1), (9, 0), 10),
        ((2, 1), (2, 1), (5, 5), 20),
        ((3, 0), (0, 3), (0, 0), 10),
    ],
)
def test_the_exact_test_is_that_of_all_swaps(
    old: tuple[int, int], new: tuple[int, int], both: tuple[int, int], support: int
) -> None:
    assert swap_chance(old, new, both, support) == pytest.approx(by_hand(old, new, both, support))


def test_the_exact_test_at_its_ends() -> None:
    assert swap_chance((0, 0), (0, 0), (5, 0), 9) == 1.0
    assert swap_chance((0, 3), (0, 0), (0, 0), 0) == 1.0
    assert swap_chance((0, 0), (6, 0), (0, 0), 6) == pytest.approx(2 / 2**6)
    assert swap_chance((0, 0), (401, 0), (0, 0), 401) == pytest.approx(1e-18)  # what is not added up is allowed for
    assert 0.0 < swap_chance((2000, 300), (2300, 200), (9000, 10), 12000) < 1e-5


def test_a_tally_counts_what_its_answers_say() -> None:
    answers = [Answer(frozenset("ab"), frozenset("bc")), None, Answer(frozenset("b"), frozenset("b"))]
    found = tally(answers)
    assert found.counts() == {"a": Count(0, 0, 1), "b": Count(2, 0, 0), "c": Count(0, 1, 0)}
    wider = found.widened(["0", "b", "z"])
    assert wider.keys == ("0", "a", "b", "c", "z")
    assert wider.counts() == {**found.counts(), "0": Count(), "z": Count()}
    assert tally([None]).widened(["x"]).counts() == {"x": Count()}
