"""Rate ratios and corrected p-values, against statsmodels, R's documentation and hand calculation."""

from __future__ import annotations

import math

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.rates import test_poisson_2indep as compare_rates

from vocnlp.significance import Ratio, adjusted, rate_ratio


def test_two_equal_shares_have_a_ratio_of_one():
    same = rate_ratio(50, 1000, after=25, after_base=500)
    assert (same.value, same.p, same.exact, same.few) == (1.0, pytest.approx(1.0), False, False)


def test_many_mentions_give_the_log_interval_worked_out_by_hand():
    # (40/1000) / (80/1000) = 0.5; error of the log: sqrt(1/40 - 1/1000 + 1/80 - 1/1000) = sqrt(0.0355) = 0.188414;
    # log 0.5 = -0.693147, +-1.959964 * 0.188414 = 0.369285: exp(-1.062432) = 0.345614, exp(-0.323862) = 0.723350.
    found = rate_ratio(80, 1000, after=40, after_base=1000)
    assert (found.value, found.exact) == (0.5, False)
    assert (found.low, found.high) == (pytest.approx(0.345614, abs=1e-5), pytest.approx(0.723350, abs=1e-5))
    assert found.p == pytest.approx(2 * stats.norm.sf(0.693147 / 0.188414), rel=1e-4)


def test_few_mentions_give_the_exact_interval():
    # 2 of 400 after 9 of 300: given 11, the later ones are binomial with chance 400/700.
    found = rate_ratio(9, 300, after=2, after_base=400)
    chance = 4 / 7
    tail = sum(math.comb(11, k) * chance**k * (1 - chance) ** (11 - k) for k in range(3))
    assert (found.value, found.exact) == (pytest.approx((2 / 400) / (9 / 300)), True)
    assert found.p == pytest.approx(2 * tail)
    # The bounds of Clopper and Pearson are quantiles of beta(2, 10) and beta(3, 9); share / (1 - share) * 300 / 400.
    low, high = stats.beta.ppf(0.025, 2, 10), stats.beta.ppf(0.975, 3, 9)
    assert found.low == pytest.approx(low / (1 - low) * 0.75)
    assert found.high == pytest.approx(high / (1 - high) * 0.75)
    assert found.high < 1 and found.p < 0.05


def test_the_exact_test_agrees_with_statsmodels_where_the_exposures_are_equal():
    # With equal exposures the binomial is symmetric, and doubling the smaller tail is what statsmodels does.
    theirs = compare_rates(3, 200, 12, 200, method="exact-cond")
    assert rate_ratio(12, 200, after=3, after_base=200).p == pytest.approx(theirs.pvalue)


def test_nothing_before_has_a_lower_bound_and_no_ratio():
    found = rate_ratio(0, 500, after=6, after_base=500)
    # All six after the date: p = 2 * 0.5^6; the lowest share that allows it at 2.5 % is 0.025^(1/6) = 0.540742.
    assert (found.value, found.high, found.p) == (None, None, pytest.approx(2 / 64))
    assert found.low == pytest.approx(0.540742 / (1 - 0.540742), abs=1e-5)


def test_nothing_after_has_a_ratio_of_zero_and_an_upper_bound():
    found = rate_ratio(6, 500, after=0, after_base=500)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx((1 - 0.540742) / 0.540742, abs=1e-5)


@pytest.mark.parametrize("counts", [(0, 500, 0, 400), (3, 500, 0, 0), (0, 0, 3, 500)])
def test_without_mentions_or_without_comments_nothing_is_claimed(counts):
    before, before_base, after, after_base = counts
    found = rate_ratio(before, before_base, after=after, after_base=after_base)
    assert found == Ratio(before, before_base, after, after_base, None, None, None, None, True)
    assert found.few


def test_every_comment_on_both_sides_is_no_change():
    assert rate_ratio(40, 40, after=50, after_base=50).p == 1.0


def test_more_mentions_than_comments_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        rate_ratio(5, 4, after=1, after_base=4)


@pytest.mark.parametrize(("method", "theirs"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_corrections_agree_with_statsmodels_and_skip_what_was_not_tested(method, theirs):
    ps = [0.04, 0.001, 0.03, 0.9, 0.012]
    expected = multipletests(ps, method=theirs)[1]
    found = adjusted([0.04, None, 0.001, 0.03, 0.9, None, 0.012], method)
    assert [found[1], found[5]] == [None, None]
    assert [p for p in found if p is not None] == pytest.approx(expected)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.04 times 3, 2, 1: 0.03, 0.04, 0.04.
    assert adjusted([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert adjusted([]) == []


def test_an_unknown_correction_is_refused():
    with pytest.raises(ValueError, match="'none'"):
        adjusted([0.1], "none")
