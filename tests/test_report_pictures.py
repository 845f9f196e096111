"""The pictures as files: one for each that has data, with Chinese that shows, and a clear word where no font has it."""

from __future__ import annotations

import itertools
import math
import struct
import sys
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tagged_shop import FRAME, shop, tagged

from vocnlp.errors import MissingExtraError, OutputError
from vocnlp.gaps import Attribute
from vocnlp.report import write_report
from vocnlp.report_drawing import answered, columns, fitted, grid
from vocnlp.report_pictures import _font, pictures_in, write_pictures
from vocnlp.report_pictures_places import label_sides, matrix

pytest.importorskip("matplotlib")


def size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_pictures_of_an_earlier_report_go_and_other_files_stay(tmp_path):
    for name in ("预测.png", "词云-正面.png", "店面.png", "说明.txt"):
        (tmp_path / name).write_bytes(b"x")
    write_report(tmp_path / "r.html", shop(5), FRAME, title="图", pictures=tmp_path)
    assert all(size(path)[0] > 0 for path in pictures_in(tmp_path))
    assert {"店面.png", "说明.txt"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "预测.png").exists()


def test_every_picture_with_data_is_written_and_no_character_is_an_empty_box(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # matplotlib warns of a glyph that the font lacks
        rows = [{**cells, "customer": f"u{at % 60}"} for at, cells in enumerate(shop(400).to_pylist())]
        ratings = [Attribute("价格", 5, 7, 9, 10), Attribute("便利性", 6, 7), Attribute("服务", 8, 7, 5, 9)]
        write_report(
            tmp_path / "r.html", tagged(rows), FRAME, title="图", since=date(2025, 6, 1), ratings=ratings,
            pictures=tmp_path / "图",
        )  # fmt: skip
    assert sorted(path.stem for path in (tmp_path / "图").iterdir()) == sorted(
        [
            *(
                "痛点榜",
                "驱动因素",
                "四象限",
                "各环节",
                "旅程热力图",
                "旅程地图",
                "渠道",
                "客群",
                "交叉表-渠道",
                "交叉表-客群",
            ),
            *(
                "按月",
                "情感构成",
                "走势",
                "环节走势",
                "预测",
                "措施前后",
                "峰终",
                "满意度差距",
                "词云-负面",
                "词云-正面",
            ),
        ]
    )
    assert {size(path)[0] for path in (tmp_path / "图").iterdir()} == {1440}


def test_a_table_without_comments_has_no_pictures(tmp_path):
    write_report(tmp_path / "r.html", tagged([]), FRAME, title="图", pictures=tmp_path / "图")
    assert list((tmp_path / "图").iterdir()) == []


def test_without_a_font_that_has_chinese_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("vocnlp.report_pictures.FONTS", ("没有这种字体",))
    with pytest.raises(OutputError, match="no font with Chinese") as caught:
        write_pictures(tmp_path, {})
    assert "fonts-noto-cjk" in caught.value.hint


def test_without_matplotlib_the_pip_line_is_given(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError) as caught:
        write_pictures(tmp_path, {})
    assert caught.value.hint == 'pip install "vocnlp[pictures]"'


def test_a_name_is_cut_to_its_room_and_letters_are_narrower():
    assert [fitted("华东旗舰体验店", room) for room in (7, 6, 2)] == ["华东旗舰体验店", "华东旗舰体…", "华…"]
    assert fitted("App Store", 6) == "App Store"


def test_an_nps_stands_on_scores_and_a_share_on_comments():
    group = {"n": 1204, "comments": 1310}
    assert answered({"scored": True}, group) == "1,204 条评分"
    assert answered({"scored": False}, group) == "1,310 条"


def drawn(draw: Callable[[Any], None], names: Callable[[Any], Any]) -> list[Any]:
    """Where the names stand, in pixels, in a picture with the font and the layout of the others."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"font.family": [_font()], "axes.unicode_minus": False, "font.size": 10}):
        figure = Figure(figsize=(9, 5), layout="constrained", dpi=160)
        axes = figure.subplots()
        draw(axes)
        figure.canvas.draw()
        return [label.get_window_extent() for label in names(axes)]


@pytest.mark.parametrize("count", [2, 5, 6, 7, 12])
@pytest.mark.parametrize("top", [True, False])
def test_names_of_columns_stand_clear_of_each_other_however_many_and_long(count, top):
    told = [f"华东大区第{place}家旗舰体验中心店" for place in range(count)]

    def draw(axes: Any) -> None:
        if top:
            grid(axes, told, ["物流配送"], "交叉表")
        else:
            columns(axes, told, ["1,234 条评分"] * count)
            axes.set_xlim(-0.6, count - 0.4)

    found = drawn(draw, lambda axes: axes.get_xticklabels())
    if count <= 6:
        assert [pair for pair in itertools.pairwise(found) if pair[0].x1 > pair[1].x0] == []
    else:  # slanted by 35 degrees: the lines of one name and the next are this far from each other
        apart = (found[1].x0 - found[0].x0) * math.sin(math.radians(35))
        assert apart > (1 if top else 2) * 10 * 160 / 72
    assert (min(box.x0 for box in found) >= 0, max(box.x1 for box in found) <= 9 * 160) == (True, True)


def test_a_name_in_the_matrix_stands_beside_its_point_where_nothing_else_is():
    points = [(100.0, 100.0, 60.0), (120.0, 108.0, 60.0), (395.0, 50.0, 60.0)]
    assert label_sides(points, 400, 200) == ["bottom", "top", "left"]
    assert label_sides([(100.0, 100.0, 60.0)], 400, 200, taken=[(60, 100, 140, 130)]) == ["bottom"]


def test_no_two_names_of_the_matrix_overlap():
    names = ["价格水平", "退换货与退款", "质量", "优惠活动", "物流配送", "包装", "会员积分", "支付"]
    places = [(-30, 8.5), (-38, 8.1), (-22, 6.3), (-33, 5.3), (-12, 4.2), (-14, 3.1), (-47, 3.0), (-49, 3.4)]
    payload = {
        "codes": [{"id": name, "name": name} for name in names],
        "matrix": {
            "points": [
                {"id": name, "x": x, "y": y / 100, "few": False, "sure": True, "quadrant": "later"}
                for name, (x, y) in zip(names, places, strict=True)
            ],
            "up": -19.0,
            "across": 0.066,
        },
    }
    found = drawn(lambda axes: matrix(axes, payload), lambda axes: axes.texts)
    assert len(found) == len(names) + 4  # the quadrants have names, too
    assert [(one, other) for one, other in itertools.combinations(found, 2) if one.overlaps(other)] == []
