"""Who a row is from: kept without blanks at the edges, and found however an earlier version kept it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from command_line import CommandLine, command_line
from deltalake import write_deltalake
from tagged_shop import row, tagged

from vocnlp.errors import InputError
from vocnlp.store import Store
from vocnlp.store_rows import STORED, stored

__all__ = ["command_line"]

NOW = datetime(2026, 6, 30, tzinfo=UTC)
EDGES = ("K-3", "K-3\t", "\u3000K-3", " K-3 \r\n", "\x85K-3\xa0")


def customers(store: Store) -> list[str]:
    return sorted(store.read(["customer"]).to_table()["customer"].to_pylist())


def test_a_customer_is_kept_without_blanks_of_any_kind_at_the_edges() -> None:
    rows = tagged([row(n, text="门锁卡住", customer=who) for n, who in enumerate([*EDGES, "K 3", " \t", None])])
    assert stored(rows, written=NOW)["customer"].to_pylist() == ["K-3"] * 5 + ["K 3", None, None]


def test_an_id_is_made_of_the_customer_as_it_came_so_that_rows_of_before_are_known_again() -> None:
    rows = tagged([row(id=None, text="门锁卡住", customer=who) for who in ("K-3", "K-3\t")])
    assert stored(rows, written=NOW)["id"].to_pylist() == [
        "made-053efb7bd28c0cdb9a630b419939bd92",
        "made-ea5cd61aa52702615e0f0414312f0346",
    ]


@pytest.mark.parametrize("who", ["K\x003", "K\n3", "K\x9f3"])
def test_a_customer_with_a_control_character_is_refused(tmp_path: Path, who: str) -> None:
    store = Store.open(tmp_path / "s", create=True)
    with pytest.raises(InputError) as told:
        store.put(tagged([row(1, text="门锁卡住", customer=who)]))
    assert str(told.value) == f"column 'customer': holds a control character (value: {who!r})"
    assert store.info().rows == 0


def test_a_customer_is_forgotten_however_an_earlier_version_kept_the_edges(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s", create=True)
    rows = stored(tagged([row(n, text="门锁卡住", customer="x") for n in range(len(EDGES) + 1)]), written=NOW)
    kept = pa.array([*EDGES, "K-33"], pa.string())
    at = STORED.get_field_index("customer")
    write_deltalake(tmp_path / "s", rows.set_column(at, STORED.field("customer"), kept), mode="append")
    assert customers(store) == sorted([*EDGES, "K-33"])
    assert store.forget("K-3\u3000").rows == 5
    assert customers(store) == ["K-33"]


def test_it_is_said_when_no_row_names_the_customer(tmp_path: Path, vocnlp: CommandLine) -> None:
    Store.open(tmp_path / "s", create=True).put(tagged([row(1, text="门锁卡住", customer="K-3")]))
    words = ("store", "forget", "--store", tmp_path / "s", "--customer")
    told = vocnlp(*words, "K-4")
    assert (told.code, told.out.splitlines()[:2]) == (
        0,
        ["no row names the customer 'K-4'; is it written as in the export?", "0 rows erased, 0 old files removed"],
    )
    assert vocnlp(*words, "K-3").out.splitlines()[0] == "1 rows erased, 1 old files removed"
