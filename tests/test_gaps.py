"""The satisfaction gap method on a worked example, and ratings that are missing or impossible."""

from __future__ import annotations

import pytest

from vocnlp.errors import InputError
from vocnlp.gaps import Attribute, attributes_of, gaps, most_disappointing

SHOP = (
    Attribute("便利性", experience=5, expectation=7, importance=9, ideal=10),
    Attribute("产品", experience=6, expectation=7),
    Attribute("价格", experience=7, expectation=7),
    Attribute("品牌形象", experience=7, expectation=7),
    Attribute("服务", experience=6),
    Attribute("关系", experience=4),
)


def test_the_worked_example():
    assert [(g.attribute.name, g.satisfaction, g.weighted, g.gap) for g in gaps(SHOP)] == [
        ("便利性", -2, -18, -5),
        ("产品", -1, None, None),
        ("价格", 0, None, None),
        ("品牌形象", 0, None, None),
        ("服务", None, None, None),
        ("关系", None, None, None),
    ]


def test_the_most_disappointing_come_first_and_the_unasked_last():
    order = [gap.attribute.name for gap in most_disappointing(gaps(SHOP))]
    assert order == ["便利性", "产品", "价格", "品牌形象", "服务", "关系"]


def test_an_ideal_without_an_expectation_still_has_its_gap():
    only = gaps([Attribute("门店", experience=4, importance=8, ideal=9)])[0]
    assert (only.satisfaction, only.weighted, only.gap) == (None, None, -5)


def test_rows_of_a_table_become_attributes_and_empty_cells_stay_empty():
    rows = [
        {"name": " 便利性 ", "experience": "5", "expectation": 7, "importance": 9.0, "ideal": 10},
        {"name": "服务", "experience": 6, "expectation": "", "importance": None, "ideal": float("nan")},
    ]
    assert attributes_of(rows) == (SHOP[0], SHOP[4])


def test_a_rating_of_eleven_is_named_with_its_row():
    with pytest.raises(InputError) as caught:
        gaps([SHOP[0], Attribute("服务", experience=11)])
    assert str(caught.value) == "row 2, column 'experience': outside 0-10 (value: '11')"


@pytest.mark.parametrize(
    ("row", "column"), [({"name": "服务", "experience": "很好"}, "experience"), ({"name": "服务", "体验": 5}, "体验")]
)
def test_a_cell_that_is_no_rating_is_named(row, column):
    with pytest.raises(InputError) as caught:
        attributes_of([row])
    assert (caught.value.row, caught.value.column) == (1, column)


@pytest.mark.parametrize("names", [["服务", "服务"], ["", "服务"]])
def test_attributes_need_names_of_their_own(names):
    with pytest.raises(InputError, match="a name of its own"):
        gaps([Attribute(name) for name in names])


def test_not_a_number_is_not_on_the_scale():
    with pytest.raises(InputError, match="nan"):
        gaps([Attribute("服务", experience=float("nan"))])
