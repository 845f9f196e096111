"""The report over a store gives the figures of the table that was put into it."""

from __future__ import annotations

import pytest
from tagged_shop import FRAME, shop

from vocnlp.report import write_report
from vocnlp.report_analysis import analyse

pytest.importorskip("deltalake")
from vocnlp.store import Store


def test_a_store_is_read_like_a_table(tmp_path):
    Store.open(tmp_path / "store", create=True, verbatim=True).put(shop(200))
    rows = Store.open(tmp_path / "store").read()
    found, expected = analyse(rows, FRAME), analyse(shop(200), FRAME)
    assert found.figures == expected.figures
    assert (found.map, found.moves, found.crosstabs) == (expected.map, expected.moves, expected.crosstabs)
    write_report(tmp_path / "r.html", rows, FRAME, title="存储")
    assert (tmp_path / "r.html").stat().st_size > 1_000_000
