"""Codes by group: residuals against statsmodels, exact tests where little is expected, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import Table
from statsmodels.stats.multitest import multipletests
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.counts import folded
from vocnlp.crosstabs import crosstab
from vocnlp.errors import CodeframeError

LATE, TORN = tag("speed", "negative"), tag("packaging", "negative")

#: Segment -> comments with the code speed, with packaging, with neither (all negative).
COUNTS = {"新客": (30, 8, 22), "老客": (10, 12, 58), "会员": (12, 10, 38)}


def shop(counts=COUNTS):
    rows = []
    for segment, (late, torn, none) in counts.items():
        for tags, times in (([LATE], late), ([TORN], torn), ([], none)):
            rows += [row(segment=segment, voc_tags=tags) for _ in range(times)]
    return tagged(rows)


def test_residuals_and_corrected_p_values_agree_with_statsmodels():
    with folded(shop(), FRAME) as rows:
        found = crosstab(rows, "segment")
    assert found.groups == {"老客": 80, "会员": 60, "新客": 60}
    expected = []
    for place in (0, 1):
        table = np.array([[COUNTS[g][place], sum(COUNTS[g]) - COUNTS[g][place]] for g in found.groups])
        expected += list(np.asarray(Table(table).standardized_resids)[:, 0])
    assert [cell.code for cell in found.cells] == ["speed"] * 3 + ["packaging"] * 3
    assert [cell.residual for cell in found.cells] == pytest.approx(expected)
    ps = 2 * stats.norm.sf(np.abs(expected))
    assert [cell.p for cell in found.cells] == pytest.approx(ps)
    assert [cell.adjusted for cell in found.cells] == pytest.approx(multipletests(ps, method="holm")[1])
    assert [(cell.code, cell.group) for cell in found.striking] == [("speed", "新客"), ("speed", "老客")]


def test_one_cell_by_hand():
    # 52 of 200 comments are late, 60 are of new customers: 15.6 expected, 30 seen; 14.4 over
    # sqrt(15.6 * (1 - 0.26) * (1 - 0.3)) = sqrt(8.0808) = 2.842675.
    with folded(shop(), FRAME) as rows:
        cell = next(c for c in crosstab(rows, "segment").cells if (c.code, c.group) == ("speed", "新客"))
    assert (cell.observed, cell.size, cell.expected, cell.share, cell.few) == (30, 60, pytest.approx(15.6), 0.5, False)
    assert cell.residual == pytest.approx(14.4 / 2.842675, rel=1e-6)


def test_benjamini_and_hochberg_on_request():
    with folded(shop(), FRAME) as rows:
        found = crosstab(rows, "segment", method="bh", codes=["packaging"])
    assert [c.adjusted for c in found.cells] == pytest.approx(
        multipletests([c.p for c in found.cells], method="fdr_bh")[1]
    )


def test_a_segment_of_one_row_is_marked_and_tested_exactly():
    with folded(shop({**COUNTS, "内部": (1, 0, 0)}), FRAME) as rows:
        found = crosstab(rows, "segment", codes=["speed"])
    alone = found.cells[-1]
    assert (alone.group, alone.size, alone.few, found.few_groups) == ("内部", 1, True, ("内部",))
    assert alone.p == pytest.approx(53 / 201)  # the one comment is one of the 53 late ones among 201


def test_one_group_alone_has_nothing_to_be_compared_with():
    with folded(shop({"新客": (5, 0, 40)}), FRAME) as rows:
        cell = crosstab(rows, "segment").cells[0]
    assert (cell.observed, cell.residual, cell.p, cell.adjusted, cell.stands_out()) == (5, None, None, None, False)


def test_a_code_in_every_comment_has_no_residual():
    with folded(shop({"新客": (40, 0, 0), "老客": (50, 0, 0)}), FRAME) as rows:
        assert [cell.residual for cell in crosstab(rows, "segment").cells] == [None, None]


def test_empty_cells_and_the_smallest_groups_are_left_out_and_counted():
    with folded(shop({**COUNTS, None: (3, 0, 4)}), FRAME) as rows:
        found = crosstab(rows, "segment", most=2)
    assert (found.groups, found.left_out) == ({"老客": 80, "会员": 60}, 67)


def test_by_stage_only_the_stages_that_rows_name_are_counted():
    # The tag's code belongs to 配送; a comment placed there by its own tag would prove that the tag is what it is.
    table = tagged([row(voc_tags=[LATE]), row(stage="物流", voc_tags=[LATE]), row(stage="下单"), row(stage="下单")])
    with folded(table, FRAME) as rows:
        found = crosstab(rows, "stage")
    assert (found.groups, found.left_out) == ({"order": 2, "deliver": 1}, 1)


def test_a_code_asked_for_stands_there_with_zeros_and_an_unknown_one_is_refused():
    with folded(shop(), FRAME) as rows:
        assert [cell.observed for cell in crosstab(rows, "segment", codes=["refund"]).cells] == [0, 0, 0]
        with pytest.raises(CodeframeError, match="refunds"):
            crosstab(rows, "segment", codes=["refunds"])


def test_a_table_without_comments_has_no_cells():
    with folded(tagged([]), FRAME) as rows:
        found = crosstab(rows, "segment")
    assert (found.groups, found.cells, found.left_out) == ({}, (), 0)
