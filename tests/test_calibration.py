"""Thresholds from few texts: right where the truth is known, and better than a search among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logit

from vocnlp.training.calibration import Calibration, calibrate, calibrate_few

OWN = np.array([1.5, 0.0, -1.0, -2.0])  # how much likelier a code is than its score tells
SLOPE, SHIFT = 1.5, -1.0


def drawn(texts: int, seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    chance = np.random.default_rng(seed)
    scores = chance.normal(-1, 2, (texts, len(OWN)))
    return scores, chance.random(scores.shape) < expit(SLOPE * scores + SHIFT + OWN)


def f1(found: Calibration, scores: npt.NDArray[np.float64], there: npt.NDArray[np.bool_]) -> float:
    said = expit(found.slope * scores + found.shift) >= np.array(found.thresholds)
    return float(2 * (said & there).sum() / (said.sum() + there.sum()))


def test_every_code_is_cut_at_half_the_f1_of_its_own_probability() -> None:
    scores, there = drawn(20_000, 1)
    everywhere = np.ones(scores.shape, bool)
    found = calibrate_few(scores, there, everywhere, np.ones(len(scores)))
    assert found.slope == pytest.approx(SLOPE, abs=0.05)
    own = expit(logit(np.array(found.thresholds)) - found.shift + SHIFT + OWN)  # the true chance at each threshold
    assert own == pytest.approx(np.full(4, f1(found, scores, there) / 2), abs=0.02)
    plain = calibrate(scores, there, everywhere, np.ones(len(scores)))
    assert f1(found, scores, there) == pytest.approx(f1(plain, scores, there), abs=0.005)


def test_few_texts_are_cut_better_than_by_a_search_among_them() -> None:
    fresh = drawn(20_000, 2)
    few, search = [], []
    for seed in range(20):
        scores, there = drawn(60, 100 + seed)
        given = scores, there, np.ones(scores.shape, bool), np.ones(len(scores))
        few.append(f1(calibrate_few(*given), *fresh))
        search.append(f1(calibrate(*given), *fresh))
    assert np.mean(few) > np.mean(search) + 0.02
    assert min(few) > min(search)


def test_a_code_that_nobody_looked_for_takes_the_threshold_of_all() -> None:
    scores, there = drawn(400, 3)
    known = np.ones(scores.shape, bool)
    known[:, 2] = False
    found = calibrate_few(scores, there, known, np.ones(len(scores)))
    without = calibrate_few(scores[:, [0, 1, 3]], there[:, [0, 1, 3]], known[:, [0, 1, 3]], np.ones(len(scores)))
    assert [found.thresholds[place] for place in (0, 1, 3)] == pytest.approx(without.thresholds, abs=1e-3)
    assert min(without.thresholds) < found.thresholds[2] < max(without.thresholds)


def test_a_weight_counts_as_so_many_texts() -> None:
    scores, there = drawn(300, 4)
    known = np.ones(scores.shape, bool)
    weight = np.where(np.arange(300) < 100, 3.0, 1.0)
    times = np.repeat(np.arange(300), weight.astype(int))
    one = calibrate_few(scores, there, known, weight)
    other = calibrate_few(scores[times], there[times], known[times], np.ones(len(times)))
    assert one.thresholds == pytest.approx(other.thresholds, abs=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_too_little_to_go_by_is_left_to_the_plain_way(turned: bool) -> None:
    scores, there = drawn(12, 5)
    there[:] = False
    there[0] = True
    if turned:  # scores that say the opposite of the truth
        scores, there = drawn(200, 6)
        scores = -scores
    given = scores, there, np.ones(scores.shape, bool), np.ones(len(scores))
    assert calibrate_few(*given) == calibrate(*given)
