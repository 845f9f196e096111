"""Peak and end of each customer's journey, and how they go with the overall score."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from tagged_shop import FRAME, row, tagged

from vocnlp.counts import folded
from vocnlp.errors import InputError
from vocnlp.peak_end import Path, Relation, paths, peak_end

START = datetime(2025, 5, 1, 9)


def steps(customer, *moments):
    """Rows of one customer, a day apart: (sentiment, stage, score)."""
    return [
        row(customer=customer, at=START + timedelta(day), voc_sentiment=mood, stage=stage, score=score)
        for day, (mood, stage, score) in enumerate(moments)
    ]


def found_paths(rows, **options):
    with folded(tagged(rows), FRAME) as found:
        return tuple(paths(found, **options))


def test_the_path_of_a_customer_ends_before_the_last_score():
    rows = steps(
        "甲",
        ("positive", "下单", None),
        ("negative", "物流", 3),
        ("neutral", "使用", None),
        ("positive", "售后", 8),  # the overall score; this comment goes with it and is no moment
        ("negative", "售后", None),  # after it
    )
    assert found_paths(rows) == (Path("甲", 8.0, 3, 0.0, -1.0, 1.0, -1.0, "deliver", 0.0, "use"),)


def test_of_two_moments_equally_far_from_the_middle_the_worse_and_then_the_earlier_is_the_peak():
    rows = steps(
        "甲", ("positive", "了解", None), ("negative", "下单", None), ("negative", "使用", None), (None, None, 5)
    )
    assert [(path.peak, path.peak_stage) for path in found_paths(rows)] == [(-1.0, "order")]


def test_moments_can_be_scores_whose_middle_is_five():
    rows = steps("甲", (None, "下单", 7), (None, "物流", 1), (None, "使用", 6), (None, "售后", 4))
    assert found_paths(rows, value="score") == (
        Path("甲", 4.0, 3, pytest.approx(14 / 3), 1.0, 7.0, 1.0, "deliver", 6.0, "use"),
    )


def test_rows_of_one_instant_stand_in_the_order_of_the_table():
    rows = steps("甲", ("positive", "下单", None), ("negative", "物流", None), (None, None, 5))
    rows[1]["at"] = rows[0]["at"]
    assert found_paths(rows)[0].end == -1.0


def test_who_never_scored_or_said_nothing_before_has_no_path():
    rows = steps("甲", ("positive", None, None)) + steps("乙", ("positive", None, 9))
    rows += steps(" ", ("positive", None, None), ("positive", None, 9))
    rows += steps("丙", ("negative", None, None), ("negative", None, 11))  # a score off the scale is none
    assert found_paths(rows) == ()


@pytest.mark.parametrize("missing", ["customer", "at"])
def test_without_customers_or_times_it_is_refused(missing):
    rows = [{**step, missing: None} for step in steps("甲", ("positive", None, None), (None, None, 9))]
    with pytest.raises(InputError, match="column 'customer': no row names a customer and a time"):
        found_paths(rows)


def made(count=120, seed=6):
    """Paths whose overall score follows the end more than the peak."""
    dice = random.Random(seed)
    whole = []
    for number in range(count):
        moods = [dice.choice([-1.0, 0.0, 1.0]) for _ in range(4)]
        peak = -1.0 if -1.0 in moods else 1.0 if 1.0 in moods else 0.0
        overall = round(6 + 2 * moods[-1] + peak + dice.gauss(0, 1))
        mean = sum(moods) / 4
        whole.append(Path(f"{number}", overall, 4, mean, min(moods), max(moods), peak, "use", moods[-1], "after"))
    return whole


def test_relations_are_rank_correlations_with_the_interval_of_bonett_and_wright():
    whole = made()
    found = peak_end(whole)
    r = stats.spearmanr([path.end for path in whole], [path.overall for path in whole]).statistic
    margin = 1.959964 * math.sqrt((1 + r * r / 2) / 117)
    bounds = [math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin)]
    end = found.relations[1]
    assert (end.of, [end.correlation, end.low, end.high]) == ("end", pytest.approx([r, *bounds], abs=1e-6))
    assert [relation.of for relation in found.relations] == ["peak", "end", "peak-end", "mean", "worst"]


def test_peak_and_end_share_out_what_a_regression_on_both_explains():
    whole = made()
    found = peak_end(whole)
    both = np.array([[path.peak, path.end] for path in whole])
    overall = [path.overall for path in whole]
    assert found.r2 == pytest.approx(sm.OLS(overall, sm.add_constant(both)).fit().rsquared)
    alone = sm.OLS(overall, sm.add_constant(np.array([path.mean for path in whole]))).fit()
    assert found.mean_r2 == pytest.approx(alone.rsquared)
    assert sum(found.shares.values()) == pytest.approx(found.r2)
    assert found.shares["end"] > found.shares["peak"] > 0


def test_bad_peaks_and_ends_are_counted_by_stage():
    found = peak_end(made())
    assert found.low_peaks == {"use": sum(path.peak < 0 for path in made())}
    assert found.low_ends == {"after": sum(path.end < 0 for path in made())}


def test_customers_with_one_moment_are_counted_and_left_out():
    one = Path("甲", 8.0, 1, 1.0, 1.0, 1.0, 1.0, "use", 1.0, "use")
    found = peak_end([one, *made(5)])
    assert (found.customers, found.single, found.few) == (5, 1, True)


def test_nothing_is_claimed_of_nobody_or_of_scores_that_are_all_the_same():
    nobody = peak_end([])
    assert (nobody.customers, nobody.r2, nobody.mean_r2, nobody.shares, nobody.few) == (0, None, None, {}, True)
    assert nobody.relations[0] == Relation("peak", None, None, None)
    same = peak_end([Path("甲", 8.0, 2, 0.0, -1.0, 1.0, -1.0, "use", 1.0, "use")] * 40)
    assert (same.r2, same.relations[0].correlation) == (None, None)
