"""The report over a store gives the figures of the table that was put into it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tagged_shop import FRAME, row, shop, tagged

from vocnlp.report import write_report
from vocnlp.report_analysis import analyse

pytest.importorskip("deltalake")
from vocnlp.alert_run import mark_of
from vocnlp.store import Store
from vocnlp.tagged_reading import address_of, read_rows


def test_a_store_is_read_like_a_table(tmp_path):
    Store.open(tmp_path / "store", create=True, verbatim=True).put(shop(200))
    rows = Store.open(tmp_path / "store").read()
    found, expected = analyse(rows, FRAME), analyse(shop(200), FRAME)
    assert found.figures == expected.figures
    assert (found.map, found.moves, found.crosstabs) == (expected.map, expected.moves, expected.crosstabs)
    write_report(tmp_path / "r.html", rows, FRAME, title="存储")
    assert (tmp_path / "r.html").stat().st_size > 1_000_000


def test_a_store_is_named_by_its_folder_or_its_address(tmp_path):
    store = Store.open(tmp_path / "feedback", create=True)
    store.put(tagged([row(1, text="送货上门了")]))
    given = Path(f"file://{tmp_path}/feedback")
    assert address_of(given) == f"file://{tmp_path}/feedback"
    assert address_of(Path("s3://voc-prod/feedback")) == "s3://voc-prod/feedback"
    assert [address_of(Path(name)) for name in ("rows.csv", "C:/rows.csv", "/tmp/rows.csv", "a:b.csv")] == [None] * 4
    for path in (given, tmp_path / "feedback"):
        rows, says = read_rows(path, None)
        assert (rows.count_rows(), says) == (1, {"数据": "feedback（存储）"})
        before = mark_of(path)
        store.put(tagged([row(1, text="送货上门了")]))
        assert mark_of(path) != before
