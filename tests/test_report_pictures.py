"""The pictures as files: one for each that has data, with Chinese that shows, and a clear word where no font has it."""

from __future__ import annotations

import struct
import sys
import warnings
from datetime import date
from pathlib import Path

import pytest
from tagged_shop import FRAME, shop, tagged

from vocnlp.errors import MissingExtraError, OutputError
from vocnlp.gaps import Attribute
from vocnlp.report import write_report
from vocnlp.report_pictures import write_pictures

pytest.importorskip("matplotlib")


def size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


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
