"""The importance-performance matrix: which quadrant, which line, and how sure."""

from __future__ import annotations

import pytest
from tagged_shop import FRAME, shop

from vocnlp.counts import folded
from vocnlp.drivers import drivers
from vocnlp.errors import InputError
from vocnlp.figures import CodeFigures, Impact, Nps
from vocnlp.journey import figures
from vocnlp.matrix import Matrix, Placed, Point, Quadrant, matrix, matrix_of

FOUR = (
    Point("speed", "配送时效", 9, 3),
    Point("quality", "做工质量", 8, 8),
    Point("look", "外观颜色", 2, 7),
    Point("ads", "宣传相符", 1, 2),
)


def test_each_point_falls_into_its_quadrant_by_the_means():
    found = matrix(FOUR)  # means: (9 + 8 + 2 + 1) / 4 = 5 and (3 + 8 + 7 + 2) / 4 = 5
    assert (found.importance_line, found.performance_line) == (5, 5)
    assert found.placed == (
        Placed(FOUR[0], Quadrant.IMPROVE, None),
        Placed(FOUR[1], Quadrant.KEEP, None),
        Placed(FOUR[2], Quadrant.EASE, None),
        Placed(FOUR[3], Quadrant.LATER, None),
    )
    assert found.within(Quadrant.KEEP) == (found.placed[1],)


def test_lines_can_be_medians_or_given():
    assert matrix(FOUR, lines="median").performance_line == 5  # between 3 and 7
    aimed = matrix(FOUR, lines=(8.5, 9))
    assert [placed.quadrant for placed in aimed.placed] == [Quadrant.IMPROVE, *[Quadrant.LATER] * 3]


def test_a_point_on_a_line_is_important_and_done_well():
    assert matrix([Point("only", "唯一", 3, 3)]).placed[0].quadrant == Quadrant.KEEP


def test_a_point_is_sure_where_neither_interval_reaches_over_a_line():
    near = Point("near", "近", 6, 3, (4, 8), (1, 4))
    clear = Point("clear", "远", 9, 1, (8, 10), (0, 2))
    found = matrix([near, clear], lines=(5, 5))
    assert [(placed.point.key, placed.sure) for placed in found.placed] == [("clear", True), ("near", False)]


def test_without_points_there_are_no_lines():
    assert matrix([], left_out=["ads"]) == Matrix(None, None, (), ("ads",))


def test_a_figure_that_is_not_a_number_is_refused():
    with pytest.raises(InputError, match="speed"):
        matrix([Point("speed", "配送时效", float("nan"), 3)])


def test_unknown_lines_are_refused():
    with pytest.raises(ValueError, match="'mode'"):
        matrix(FOUR, lines="mode")


def test_the_matrix_of_codes_takes_the_share_of_r_squared_and_the_net_sentiment():
    table = shop(600)
    codes = {code.code: code for code in figures(table, FRAME).codes}
    with folded(table, FRAME) as rows:
        driven = drivers(rows, resamples=50)
    found = matrix_of(driven, codes.values())
    assert len(found.placed) == len(driven.drivers) == 12
    for placed, driver in zip(found.placed, driven.drivers, strict=True):
        code = codes[driver.code]
        assert placed.point.importance == driver.share
        assert placed.point.performance == 100 * (code.positive - code.negative) / code.mentions
        low, high = placed.point.performance_interval
        assert low <= placed.point.performance <= high
    assert found.importance_line == pytest.approx(1 / 12)


def test_the_interval_of_the_net_sentiment_counts_nobody_twice():
    # 50 mentions, 40 of them positive and 30 negative: 20 at least are both, so at most 20 lean up and 10 down.
    rest = Impact(Nps(), Nps())
    code = CodeFigures("speed", "配送时效", None, 0, True, True, 50, 0.5, 40, 0, 30, rest, rest)
    leaning = Nps(20, 20, 10)
    table = shop(200)
    with folded(table, FRAME) as rows:
        driven = drivers(rows, codes=["speed"], resamples=20)
    point = matrix_of(driven, [code]).placed[0].point
    assert (point.performance, point.performance_interval) == (20.0, (leaning.low, leaning.high))
