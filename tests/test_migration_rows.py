"""Rows tagged with the old frame become rows of the new one, so that figures over both are one series."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from migrating import AFTER, BEFORE, codes, shop_migration, shop_rows
from tagged_shop import FRAME, shop

from vocnlp.journey import figures
from vocnlp.migration_rows import carried

CARRIED = [
    [("look", "negative", "掉色")],
    [("look", "positive", "好看"), ("look", "negative", "有点呛")],
    [("logistics", "negative", "等到月底")],
    [("price", "positive", "便宜")],
    [("courier", "positive", "送上楼了"), ("logistics", "positive", "当天到")],
    [],
    [("delay", "negative", "晚了两天")],
    [("speed", "negative", "别的码框")],
]
LABELS = [AFTER, AFTER, f"{AFTER}+open", AFTER, f"{AFTER}+open", AFTER, AFTER, "other@1"]


def test_tags_are_carried_and_nothing_else_is_changed(tmp_path: Path) -> None:
    rows, found = shop_rows(), shop_migration(tmp_path)
    new = carried(rows, found)
    assert codes(new) == CARRIED
    assert new["voc_codeframe"].to_pylist() == LABELS
    assert new.schema == rows.schema
    rest = ["voc_tags", "voc_codeframe"]
    assert new.drop_columns(rest) == rows.drop_columns(rest)
    assert carried(new, found) == new


def test_rows_in_pieces_and_none_at_all(tmp_path: Path) -> None:
    rows, found = shop_rows(), shop_migration(tmp_path)
    pieces = pa.concat_tables([rows.slice(at, 1) for at in range(rows.num_rows)])
    assert codes(carried(pieces, found)) == CARRIED
    assert carried(rows.slice(0, 0), found).num_rows == 0


def test_the_figures_of_both_periods_are_one_series(tmp_path: Path) -> None:
    found = shop_migration(tmp_path)
    rows = shop(300)
    rows = rows.set_column(
        rows.schema.get_field_index("voc_codeframe"), rows.schema.field("voc_codeframe"), pa.array([BEFORE] * 300)
    )
    before = {code.code: code for code in figures(rows, FRAME).codes}
    after = {code.code: code for code in figures(carried(rows, found), found.new).codes}
    same = ["quality", "size", "packaging", "price", "promotion", "support", "refund", "courier", "product"]
    assert {code: after[code].mentions for code in same} == {code: before[code].mentions for code in same}
    tags = [{tag["code"] for tag in row} for row in rows["voc_tags"].to_pylist()]
    assert after["look"].mentions == sum(bool({"look", "smell"} & row) for row in tags)
    # couriers moved away from logistics; what was said of speed still counts there
    assert after["logistics"].mentions == sum(bool({"speed", "packaging"} & row) for row in tags)
    assert after["service"].mentions == sum(bool({"support", "refund", "courier"} & row) for row in tags)
    assert figures(carried(rows, found), found.new).nps == figures(rows, FRAME).nps
