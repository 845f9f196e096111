"""NPS, intervals and impact as values: arithmetic on counts, written out beside each check."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vocnlp.figures import Impact, Nps

NONE = Nps()


def test_nps_is_percent_promoters_minus_percent_detractors_with_the_adjusted_wald_interval():
    # 50 + 3/4 of 103 are 0.492718, 30 + 3/4 are 0.298544: difference 0.194175, variance 0.791262 - 0.037704 = 0.753558,
    # standard error sqrt(0.753558 / 103) = 0.0855343, times 1.959964 is 0.167644.
    nps = Nps(50, 20, 30)
    assert (nps.n, nps.nps, nps.small) == (100, 20.0, False)
    assert nps.low == pytest.approx(19.4175 - 16.7644, abs=0.001)
    assert nps.high == pytest.approx(19.4175 + 16.7644, abs=0.001)


def test_without_answers_nothing_is_known():
    assert (NONE.n, NONE.nps, NONE.low, NONE.high, NONE.small) == (0, None, None, None, True)


def test_one_answer_lies_inside_its_interval_and_the_interval_inside_the_scale():
    # 1.75/4 and 0.75/4: difference 0.25, variance 0.625 - 0.0625 = 0.5625, standard error 0.75/2, margin 0.734986.
    one = Nps(promoters=1)
    assert (one.nps, one.high) == (100.0, 100.0)
    assert one.low == pytest.approx(25 - 73.4986, abs=0.001)
    assert Nps(detractors=200).low == -100.0


def test_fewer_than_thirty_answers_are_marked_as_small():
    assert [Nps(n).small for n in (29, 30)] == [True, False]


def test_two_months_differ_only_beyond_the_margin_of_their_difference():
    # Standard errors near 8.55 each: the margin of the difference is about 1.96 * 12.1 = 23.7 points.
    assert not Nps(50, 20, 30).differs(Nps(60, 20, 20))
    assert Nps(50, 20, 30).differs(Nps(70, 20, 10))
    assert not Nps(50, 20, 30).differs(NONE)


def test_the_margin_of_an_impact_weighs_the_errors_of_both_sides_and_of_the_share():
    # 100 answers of 400, and 1.5 of the three invented ones: w = 101.5 / 403; NPS -20 with the code, +50 without.
    def error(p: int, n: int, d: int) -> float:
        a, b = (p + 0.75) / (n + 3), (d + 0.75) / (n + 3)
        return 100 * math.sqrt((a + b - (a - b) * (a - b)) / (n + 3))

    w = 101.5 / 403
    sides = w * w * (error(40, 100, 60) ** 2 + error(200, 300, 50) ** 2)
    expected = 1.959964 * math.sqrt(sides + 70 * 70 * w * (1 - w) / 403)
    assert Impact(Nps(40, 0, 60), Nps(200, 50, 50)).margin == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("answers", "share", "angry"), [(300, 0.1, 0.9), (1000, 0.05, 0.9), (1000, 0.3, 0.4), (5000, 0.02, 0.7)]
)
def test_the_margin_of_an_impact_covers_the_true_impact_in_95_of_100_samples(answers, share, angry):
    rest = (0.55, 0.3, 0.15)
    cells = [share * (0.9 - angry), share * 0.1, share * angry, *((1 - share) * one for one in rest)]
    true = 100 * share * ((0.9 - angry - angry) - (rest[0] - rest[2]))
    drawn = np.random.default_rng(7).multinomial(answers, cells, 3000).tolist()
    impacts = [Impact(Nps(*row[:3]), Nps(*row[3:])) for row in drawn]
    covered = sum(abs(one.points - true) <= one.margin for one in impacts if one.carrying.n)
    assert covered / len(impacts) == pytest.approx(0.95, abs=0.02)


def test_an_impact_without_answers_on_either_side_is_unknown():
    assert (Impact(NONE, Nps(3, 0, 1)).points, Impact(NONE, Nps(3, 0, 1)).margin) == (None, None)
    assert (Impact(Nps(3, 0, 1), NONE).points, Impact(NONE, NONE).points) == (None, None)
