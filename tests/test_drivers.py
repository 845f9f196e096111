"""Driver analysis: weights and slopes against regressions by statsmodels, intervals against theory, thin data marked."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import linalg
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.counts import folded
from vocnlp.drivers import Drivers, _covariances, drivers, relative_weights
from vocnlp.errors import CodeframeError


def comments(count=240, seed=3, codes=("speed", "courier", "price")):
    """(row, [mark per code], score): speed and courier mostly come together; price comes alone."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        late = dice.choice([-1, 0, 0, 1])
        rude = late if dice.random() < 0.7 else dice.choice([-1, 0, 1])
        dear = dice.choice([-1, 0, 0, 0, 1])
        marks = dict(zip(("speed", "courier", "price"), (late, rude, dear), strict=True))
        score = max(0, min(10, round(6 + 2 * late + 0.5 * rude + dear + dice.gauss(0, 1.2))))
        tags = [tag(code, "negative" if mark < 0 else "positive") for code, mark in marks.items() if mark]
        made.append((row(score=score, voc_tags=tags), [marks[code] for code in codes], score))
    return made


def folded_drivers(rows, **options) -> Drivers:
    with folded(tagged(rows), FRAME) as found:
        return drivers(found, **options)


def r_squared(marks, score, columns):
    return sm.OLS(score, sm.add_constant(marks[:, columns])).fit().rsquared if columns else 0.0


def shapley(marks, score):
    """LMG by its definition: what a code adds to R2, averaged over all orders of entering."""
    count = marks.shape[1]
    parts = np.zeros(count)
    for code in range(count):
        others = [other for other in range(count) if other != code]
        for size in range(count):
            weight = 1 / (count * len(list(combinations(others, size))))
            for before in combinations(others, size):
                gain = r_squared(marks, score, [*before, code]) - r_squared(marks, score, list(before))
                parts[code] += weight * gain
    return parts


def test_slopes_and_r_squared_are_those_of_least_squares():
    made = comments()
    marks, score = np.array([m for _, m, _ in made], float), np.array([s for *_, s in made], float)
    ols = sm.OLS(score, sm.add_constant(marks)).fit()
    found = folded_drivers([r for r, *_ in made], resamples=20)
    slopes = {driver.code: driver.slope for driver in found.drivers}
    assert [slopes[code] for code in ("speed", "courier", "price")] == pytest.approx(ols.params[1:])
    assert (found.answers, found.warning) == (240, None)
    assert (found.r2, found.r2_adjusted) == (pytest.approx(ols.rsquared), pytest.approx(ols.rsquared_adj))
    assert sum(driver.weight for driver in found.drivers) == pytest.approx(ols.rsquared)
    assert sum(driver.share for driver in found.drivers) == pytest.approx(1)


def test_for_two_codes_the_weights_are_those_of_shapley():
    made = comments(codes=("speed", "courier"))
    marks, score = np.array([m for _, m, _ in made], float), np.array([s for *_, s in made], float)
    found = folded_drivers([r for r, *_ in made], codes=["speed", "courier"], resamples=20)
    assert [driver.code for driver in found.drivers] == ["speed", "courier"]
    assert [driver.weight for driver in found.drivers] == pytest.approx(shapley(marks, score))


def test_for_three_codes_the_weights_lie_near_those_of_shapley():
    made = comments()
    marks, score = np.array([m for _, m, _ in made], float), np.array([s for *_, s in made], float)
    found = {driver.code: driver.weight for driver in folded_drivers([r for r, *_ in made], resamples=20).drivers}
    assert [found[code] for code in ("speed", "courier", "price")] == pytest.approx(shapley(marks, score), abs=0.01)


def test_relative_weights_go_by_the_nearest_uncorrelated_set():
    # The nearest orthonormal set is the unitary part of the polar decomposition, which scipy has on its own.
    dice = np.random.default_rng(5)
    columns = dice.normal(size=(300, 4)) @ dice.normal(size=(4, 4))
    score = columns @ [1.0, -0.5, 0.2, 0.0] + dice.normal(size=300)
    scaled = (columns - columns.mean(0)) / columns.std(0) / np.sqrt(300)
    goal = (score - score.mean()) / score.std() / np.sqrt(300)
    nearest, loads = linalg.polar(scaled)
    expected = loads**2 @ (nearest.T @ goal) ** 2
    assert relative_weights(scaled.T @ scaled, scaled.T @ goal) == pytest.approx(expected)


def test_uncorrelated_codes_weigh_their_squared_correlation():
    assert relative_weights(np.eye(3), np.array([0.5, -0.3, 0.0])) == pytest.approx([0.25, 0.09, 0.0])


def test_two_codes_that_always_come_together_share_alike():
    twins = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert relative_weights(twins, np.array([0.6, 0.6])) == pytest.approx([0.18, 0.18])


def test_the_interval_of_a_slope_is_that_of_theory_and_the_seed_fixes_it():
    made = comments(codes=("speed",))
    marks, score = np.array([m for _, m, _ in made], float), np.array([s for *_, s in made], float)
    robust = sm.OLS(score, sm.add_constant(marks)).fit(cov_type="HC0").conf_int()[1]
    rows = [r for r, *_ in made]
    found = folded_drivers(rows, codes=["speed"], resamples=2000, seed=1)
    driver = found.drivers[0]
    assert (driver.slope_low, driver.slope_high) == pytest.approx(tuple(robust), abs=0.03)
    assert (driver.share, driver.share_low, driver.share_high, driver.clear) == (1.0, 1.0, 1.0, True)
    assert folded_drivers(rows, resamples=50, seed=1) == folded_drivers(rows, resamples=50, seed=1)
    assert folded_drivers(rows, resamples=50, seed=1) != folded_drivers(rows, resamples=50, seed=2)


def test_with_one_pain_and_nps_as_the_target_the_slope_is_the_difference_of_two_nps():
    # 40 late: 30 detractors, 10 promoters, NPS -50. 60 others: 15 detractors, 45 promoters, NPS +50.
    late = [tag("speed", "negative")]
    rows = [row(score=0 if n < 30 else 10, voc_tags=late) for n in range(40)]
    rows += [row(score=0 if n < 15 else 10) for n in range(60)]
    driver = folded_drivers(rows, target="nps", side="negative", resamples=50).drivers[0]
    assert (driver.code, driver.carriers, driver.slope) == ("speed", 40, pytest.approx(-100))
    # Correlation of two binary columns: (30 * 45 - 10 * 15) / sqrt(40 * 60 * 45 * 55) = 1200 / 2437.2 = 0.49237.
    assert driver.weight == pytest.approx(0.49237**2, abs=1e-4)


def test_a_code_meant_both_ways_in_one_comment_counts_as_neither():
    both = [tag("speed", "negative"), tag("speed", "positive")]
    rows = [row(score=5, voc_tags=both) for _ in range(20)] + [
        row(score=n % 10, voc_tags=[tag("speed", "negative")]) for n in range(40)
    ]
    assert folded_drivers([*rows, row(score=9)], resamples=20).drivers[0].carriers == 40


def test_codes_with_few_carriers_are_left_out_by_name():
    made = [r for r, *_ in comments()] + [row(score=1, voc_tags=[tag("refund", "negative")]) for _ in range(9)]
    found = folded_drivers(made, resamples=20)
    assert (len(found.drivers), found.left_out) == (3, (("refund", 9),))
    narrow = folded_drivers(made, most=1, resamples=20)
    assert [driver.code for driver in narrow.drivers] == [max(found.drivers, key=lambda d: d.carriers).code]


def test_too_few_answers_are_marked():
    found = folded_drivers([r for r, *_ in comments(28)], least=1, resamples=20)
    assert (found.warning, found.few, len(found.drivers)) == ("few", True, 3)
    assert all(driver.few for driver in found.drivers)


LATE = [tag("speed", "negative")]


@pytest.mark.parametrize(
    ("rows", "warning"),
    [
        ([], "no answers"),
        ([row(voc_tags=LATE) for _ in range(40)], "no answers"),
        ([row(score=11, voc_tags=LATE) for _ in range(40)], "no answers"),
        ([row(score=3, voc_tags=LATE if n % 2 else []) for n in range(40)], "one score"),
        ([row(score=n % 10) for n in range(40)], "no codes"),
        ([row(score=n % 10, voc_tags=LATE) for n in range(40)], "no codes"),
        ([row(score=3, voc_tags=LATE), row(score=9)], "too few"),
    ],
)
def test_where_nothing_can_be_said_the_reason_is_given(rows, warning):
    found = folded_drivers(rows, least=1)
    assert (found.drivers, found.r2, found.r2_adjusted, found.warning) == ((), None, None, warning)


def test_rows_that_were_not_read_are_not_regressed():
    made = [r for r, *_ in comments()]
    noise = [row(score=0, voc_noise="empty", voc_sentiment=None) for _ in range(50)]
    assert folded_drivers([*made, *noise], resamples=20) == folded_drivers(made, resamples=20)


def test_an_unknown_code_or_target_is_refused():
    with pytest.raises(CodeframeError, match="'sped'"):
        folded_drivers([row()], codes=["sped"])
    with pytest.raises(ValueError, match="'csat'"):
        folded_drivers([row()], target="csat")


def test_covariances_of_resamples_are_those_of_the_rows_written_out():
    dice = np.random.default_rng(5)
    both = np.column_stack([dice.integers(-1, 2, (30, 3)).astype(float), dice.integers(0, 11, 30).astype(float)])
    times = dice.multinomial(400, np.full(30, 1 / 30), size=4)
    times[3] = np.where(both[:, 1] == both[0, 1], times[3] + 1, 0)  # a sample in which the second code does not vary
    found = _covariances(both - times.sum(0) @ both / times.sum(), times)
    for sample, often in zip(found, times, strict=True):
        assert sample == pytest.approx(np.cov(np.repeat(both, often, axis=0).T, bias=True), abs=1e-9)
    assert (found[3][1] == 0).all()
