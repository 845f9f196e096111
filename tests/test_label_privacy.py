"""A telephone number in the name of a segment, a channel or a stage reaches no store, no report and no alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import openpyxl
import pyarrow as pa
import pytest
from alert_rules_file import rules_of
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.alerts import decide
from vocnlp.counts import folded
from vocnlp.privacy import mask_label
from vocnlp.report import write_report
from vocnlp.scores import nps
from vocnlp.store import Store

PHONE, OTHER = "13812345678", "13987654321"
NOW = datetime(2025, 3, 10, 4, tzinfo=UTC)


@pytest.fixture
def table():
    """Two customers whose numbers stand where the segment, the channel and the stage should."""
    late = [tag("speed", "negative", 0, "等了九天才送到")]
    rows = [
        row(n, text="等了九天才送到", score=float(n % 5), segment=f"老客{phone}", channel=f"电话{phone}", stage=f"回访{phone}",
            at=datetime(2025, 3, 9, 8), voc_sentiment="negative", voc_tags=late)
        for n, phone in enumerate([PHONE, OTHER] * 20)
    ]  # fmt: skip
    return tagged(rows)


@pytest.mark.parametrize(
    ("label", "covered"),
    [
        (f"老客{PHONE}", "老客电**********"),
        ("人民路88号店", "人民路88号店"),  # a shop is called so
        ("VIP3", "VIP3"),
        ("35-44岁", "35-44岁"),
        ("2025年新客", "2025年新客"),
        ("li.ming@corner-shop.cn", "**.****@******-****.**"),
        ("", ""),
    ],
)
def test_numbers_of_persons_go_and_names_of_shops_stay(label, covered):
    assert (mask_label(label), mask_label(covered)) == (covered, covered)
    assert len(covered) == len(label)


def test_the_store_keeps_them_covered_unless_it_is_verbatim(table, tmp_path):
    Store.open(tmp_path / "s", create=True).put(table)
    kept = Store.open(tmp_path / "s").read(["segment", "channel", "stage"]).to_table().to_pylist()
    assert {tuple(one.values()) for one in kept} == {("老客电**********", "电话电**********", "回访电**********")}
    Store.open(tmp_path / "v", create=True, verbatim=True).put(table)
    assert PHONE in json.dumps(Store.open(tmp_path / "v").read(["segment"]).to_table().to_pylist(), ensure_ascii=False)


def test_a_row_without_an_id_is_known_again_although_its_labels_are_covered(table, tmp_path):
    nameless = table.set_column(0, "id", pa.nulls(40, pa.string()))
    store = Store.open(tmp_path / "s", create=True)
    assert (store.put(nameless).added, store.put(nameless).replaced) == (40, 40)


def test_figures_group_by_the_covered_names(table):
    with folded(table, FRAME) as rows:
        found = {by: [(one.keys, one.rows) for one in nps(rows, [by])] for by in ("segment", "channel", "stage")}
    assert found == {
        "segment": [(("老客电**********",), 40)],
        "channel": [(("电话电**********",), 40)],
        "stage": [(("回访电**********",), 40)],
    }


def test_page_and_workbook_of_the_report_hold_no_number(table, tmp_path):
    write_report(tmp_path / "r.html", table, FRAME, title="客", tables=tmp_path / "r.xlsx")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (PHONE in page, OTHER in page, "老客电**********" in page) == (False, False, True)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cells = "".join(str(cell.value) for sheet in book for line in sheet.iter_rows() for cell in line)
    assert (PHONE in cells, "电话电**********" in cells) == (False, True)


def test_alerts_hold_no_number(table, tmp_path):
    rules = rules_of(tmp_path, {"id": "late", "kind": "comment", "when": {"codes": ["speed"], "detractor": True}})
    alerts = decide(table, rules, FRAME, now=NOW).alerts
    told = json.dumps([alert.payload() for alert in alerts], ensure_ascii=False)
    assert (len(alerts), PHONE in told, OTHER in told, "老客电**********" in told) == (40, False, False, True)
