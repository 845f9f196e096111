"""The small file of ratings: read as it stands, the worked example comes out, empty cells stay empty."""

from __future__ import annotations

import pytest
from tagged_shop import FRAME, shop

from vocnlp.errors import InputError
from vocnlp.report_analysis import analyse
from vocnlp.report_gaps import read_gaps
from vocnlp.report_sections import sections

EXAMPLE = """维度,体验,期望,重要性,理想
便利性,5,7,9,10
产品,6,7,,
价格,7,7,,
品牌形象,7,7,,
服务,6,,,
关系,4,,,
"""


def test_the_worked_example_comes_out(tmp_path):
    (tmp_path / "gaps.csv").write_text(EXAMPLE, "utf-8")
    found = sections(analyse(shop(40), FRAME, ratings=read_gaps(tmp_path / "gaps.csv")))["gaps"]
    assert {gap["name"]: (gap["satisfaction"], gap["weighted"], gap["gap"]) for gap in found} == {
        "便利性": (-2, -18, -5),
        "产品": (-1, None, None),
        "价格": (0, None, None),
        "品牌形象": (0, None, None),
        "服务": (None, None, None),
        "关系": (None, None, None),
    }
    assert [gap["name"] for gap in found][:2] == ["便利性", "产品"]
    assert {gap["name"]: gap["id"] for gap in found if gap["id"]} == {
        "产品": "product",
        "价格": "money",
        "服务": "service",
    }


def test_english_columns_in_any_order(tmp_path):
    (tmp_path / "g.csv").write_text("Ideal,dimension,experience\n9,速度,4\n", "utf-8")
    (only,) = read_gaps(tmp_path / "g.csv")
    assert (only.name, only.experience, only.expectation, only.importance, only.ideal) == ("速度", 4.0, None, None, 9.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("维度,得分\n速度,3\n", "column '得分': is no column of a satisfaction gap"),
        ("维度,体验,experience\n速度,3,4\n", "one of two alike"),
        ("体验,期望\n3,4\n", "the column with the dimensions is missing"),
        ("维度,体验\n速度,很好\n", "row 1, column 'experience': not a number"),
        ("维度,体验\n速度,11\n", "row 1, column 'experience': outside 0-10"),
        ("维度,体验\n速度,3\n速度,4\n", "an attribute needs a name of its own"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "g.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        read_gaps(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
