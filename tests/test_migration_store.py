"""A store is carried to a new frame: resumable, safe beside other writers, its past as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from migrating import AFTER, BEFORE, codes, said, shop_migration, shop_rows
from tagged_shop import row, tag, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.journey import figures
from vocnlp.migration import Migration, migration
from vocnlp.migration_changes import Change
from vocnlp.migration_review import OpenRow, open_rows
from vocnlp.review_rows import Mark
from vocnlp.store import Store
from vocnlp.store_migrate import Migrated, migrate
from vocnlp.store_rescore import Rescored, rescore
from vocnlp.tagger import Tagger

CARRIED = {
    "c0": [("look", "negative", "掉色")],
    "c1": [("look", "positive", "好看"), ("look", "negative", "有点呛")],
    "c2": [("logistics", "negative", "等到月底")],
    "c3": [("price", "positive", "便宜")],
    "c4": [("courier", "positive", "送上楼了"), ("logistics", "positive", "当天到")],
    "c5": [],
    "c6": [("delay", "negative", "晚了两天")],
    "c7": [("speed", "negative", "别的码框")],
}


@pytest.fixture
def found(tmp_path: Path) -> Migration:
    return shop_migration(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "feedback", create=True)
    store.put(shop_rows())
    return store


def kept(store: Store, **version: Any) -> dict[str, Any]:
    table = store.read(**version).to_table().sort_by("id")
    return dict(zip(table["id"].to_pylist(), codes(table), strict=True))


def test_rows_are_carried_once_and_earlier_versions_show_the_old_tags(store: Store, found: Migration) -> None:
    before, version = store.read().to_table().sort_by("id"), store.info().version
    assert migrate(store, found) == Migrated(rows=8, before=1, now=6, changed=0, others=1, opened=2)
    assert kept(store) == CARRIED
    assert store.info().codeframes == {AFTER: 5, f"{AFTER}+open": 2, "other@1": 1}
    after = store.read().to_table().sort_by("id")
    rest = ["voc_tags", "voc_codeframe"]
    assert after.drop_columns(rest) == before.drop_columns(rest)
    assert [(change.what, change.rows) for change in store.history(1)] == [("migrate", 6)]
    assert store.read(version=version).to_table().sort_by("id") == before
    assert migrate(store, found) == Migrated(rows=8, before=7, now=0, changed=0, others=1, opened=2)
    assert store.info().version == version + 1


def test_rows_of_split_codes_are_listed(store: Store, found: Migration) -> None:
    migrate(store, found)
    parts = ("delay", "tracking")
    assert sorted(open_rows(store, found), key=lambda row: row.id) == [
        OpenRow("c2", "等到月底", parts, (), "negative", "demo 1"),
        OpenRow("c4", "送上楼了，当天到", parts, (Mark("courier", "positive", 0, 4),), "positive", "demo 1"),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_run_that_was_killed_is_completed_by_the_next(store: Store, found: Migration, tmp_path: Path) -> None:
    script = Path(__file__).with_name("migration_process.py")
    words = [sys.executable, str(script), store.url, str(tmp_path / "changes.yaml"), "4"]
    assert subprocess.run(words, check=False).returncode == -9
    assert store.info().rows == 8
    assert store.info().codeframes[BEFORE] == 3
    assert migrate(store, found) == Migrated(rows=8, before=4, now=3, changed=0, others=1, opened=2)
    assert kept(store) == CARRIED


def test_what_others_write_meanwhile_is_kept(store: Store, found: Migration) -> None:
    other = Store.open(store.url)
    retagged = said(0, tag("quality", "negative", 0, "掉色"), text="掉色，一股胶味")

    def meanwhile(done: int, _: int) -> None:
        if done == 1:  # the rows are chosen, and not read yet; one comes again, the same text with other tags
            other.put(tagged([retagged, said(9, tag("smell", "negative", 0, "呛人"))]))

    assert migrate(store, found, report=meanwhile) == Migrated(8, before=1, now=5, changed=1, others=1, opened=2)
    assert kept(store)["c0"] == [("quality", "negative", "掉色")]
    assert kept(store)["c9"] == [("smell", "negative", "呛人")]
    assert migrate(store, found) == Migrated(rows=9, before=6, now=2, changed=0, others=1, opened=2)
    assert kept(store)["c9"] == [("look", "negative", "呛人")]


def test_rows_of_both_frames_are_one_series(store: Store, found: Migration) -> None:
    migrate(store, found)
    seen = figures(store.read(), found.new)
    told = {code.code: (code.mentions, code.positive, code.negative) for code in seen.codes if code.known}
    assert {code: counts for code, counts in told.items() if counts[0]} == {
        "product": (2, 1, 2),
        "look": (2, 1, 2),
        "logistics": (3, 1, 2),
        "delay": (1, 0, 1),
        "money": (1, 1, 0),
        "price": (1, 1, 0),
        "service": (1, 1, 0),
        "courier": (1, 1, 0),
    }


def test_scoring_anew_with_the_same_bundle_reads_the_open_rows_alone(
    tmp_path: Path, tagger: Tagger, tiny_frame: Codeframe
) -> None:
    store = Store.open(tmp_path / "corner", create=True)
    store.put(tagged([row(n, text=text) for n, text in enumerate(["味道很好", "店员态度热情", "等位太久"])]))
    rescore(store, tagger, workers=1)
    parts = [Change("rename", ("taste",), words="滋味"), Change("split", ("attitude",), ("attitude", "waiting"))]
    found = migration(tiny_frame, parts)
    done = migrate(store, found)
    assert (done.rows, done.now, done.opened) == (3, 3, 1)
    assert rescore(store, Tagger(tagger.bundle, found.new), workers=1) == Rescored(rows=3, before=2, now=1, changed=0)
    assert store.info().codeframes == {found.after: 3}
