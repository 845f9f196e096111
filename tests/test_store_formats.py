"""A store that an earlier version made: it opens and reads as it is, and the first row that is written brings it up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tagged_shop import row, tag, tagged

from vocnlp.store import Store
from vocnlp.store_rows import STORED, stored

SINCE = ("csat", "ces")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of a store of format 1 with two rows: it has no columns for satisfaction and effort."""
    schema = pa.schema([field for field in STORED if field.name not in SINCE])
    rows = tagged([row(1, text="送货上门了", score=9.0), row(2, text="等了九天", voc_tags=[tag("speed", "negative")])])
    table = DeltaTable.create(
        tmp_path / "feedback", schema, configuration={"vocnlp.store": "1", "vocnlp.text": "masked"},
        raise_if_key_not_exists=False,
    )  # fmt: skip
    write_deltalake(table, stored(rows, written=datetime(2026, 1, 1, tzinfo=UTC)).select(schema.names), mode="append")
    return tmp_path / "feedback"


def answers(store: Store) -> dict[str, tuple[float | None, float | None, float | None]]:
    return {r["id"]: (r["score"], r["csat"], r["ces"]) for r in store.read().to_table().to_pylist()}


def test_reading_it_changes_nothing_and_finds_the_new_columns_empty(earlier: Path) -> None:
    store = Store.open(earlier)
    assert store.read().schema.names == STORED.names[:-1]
    assert answers(store) == {"c1": (9.0, None, None), "c2": (None, None, None)}
    assert store.info().rows == 2
    assert (DeltaTable(earlier).version(), DeltaTable(earlier).metadata().configuration["vocnlp.store"]) == (1, "1")


def test_the_first_row_brings_it_up_and_the_rows_that_are_there_stay(earlier: Path) -> None:
    store, other = Store.open(earlier), Store.open(earlier)
    store.put(tagged([row(3, text="退款很顺", csat=4.0, ces=6.0)]))
    other.put(tagged([row(2, text="等了九天", score=3.0, csat=2.0)]))
    assert answers(Store.open(earlier)) == {
        "c1": (9.0, None, None), "c2": (3.0, 2.0, None), "c3": (None, 4.0, 6.0),
    }  # fmt: skip
    assert DeltaTable(earlier).metadata().configuration["vocnlp.store"] == "2"
    assert [change.what for change in store.history()][:4] == ["put", "put", "bring up", "bring up"]


def test_it_can_be_read_as_it_was_before_and_compacted_and_erased_from_after(earlier: Path) -> None:
    store = Store.open(earlier)
    store.put(tagged([row(3, text="客服讲得明白", customer="K-7", csat=5.0)]))
    assert store.read(["id", "csat"], version=1).to_table().num_rows == 2
    store.compact()
    assert store.forget("K-7").rows == 1
    assert answers(store) == {"c1": (9.0, None, None), "c2": (None, None, None)}


def test_rows_are_read_tagged_anew_without_being_brought_up(earlier: Path) -> None:
    store = Store.open(earlier)
    rows = store.read(["id", "text", "voc_sentiment", "voc_tags"]).to_table()
    assert store.replace_tags(rows) == 2
    assert DeltaTable(earlier).metadata().configuration["vocnlp.store"] == "1"
