"""Compaction, and erasure: after it, no byte of the folder holds the customer's words."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tagged_shop import row, tag, tagged

from vocnlp.errors import StoreError
from vocnlp.store import Compacted, Store
from vocnlp.store_upkeep import BEYOND

WORDS = "楼道灯坏了半年"
WHO = "lin-8839"
HER_IDS = ("hers-20", "hers-21")  # letters no hexadecimal number has: files are named by random ones


def filled(url: Path) -> Store:
    """Nine customers and the one who will ask to be forgotten; her comment came twice, the second replaced the first."""
    store = Store.open(url, create=True)
    said = [tag("support", "negative", 0, WORDS)]
    hers = {"customer": WHO, "channel": "业主群"}
    first, second = HER_IDS
    for n in range(9):
        store.put(tagged([row(n, text=f"电梯第{n}次停运", customer=f"k{n}", channel="业主群")]))
    store.put(
        tagged([row(id=first, text=WORDS, voc_tags=said, **hers), row(id=second, text="来了两次人都没修", **hers)])
    )
    store.put(
        tagged(
            [row(id=first, text=WORDS + "，今天修好了", voc_tags=said, **hers), row(1, text="电梯又停", customer="k1")]
        )
    )
    return store


def bytes_with(url: Path, *words: str) -> list[str]:
    """Files of the store that hold a word, in their bytes or in their unpacked cells, statistics and log lines."""
    found = []
    for path in sorted(one for one in url.rglob("*") if one.is_file()):
        held = path.read_bytes()
        if path.suffix == ".parquet":
            opened = pq.ParquetFile(path)
            held += repr((opened.read().to_pylist(), opened.metadata.to_dict())).encode()
        if any(word.encode() in held for word in words):
            found.append(path.name)
    return found


def ids(store: Store, **how: int) -> list[str]:
    return sorted(store.read(["id"], **how).to_table()["id"].to_pylist())


def test_compaction_makes_one_file_and_keeps_earlier_versions(tmp_path: Path) -> None:
    store = filled(tmp_path / "feedback")
    before = store.read().to_table().sort_by("id")
    files = store.info().files
    done = store.compact()
    assert done == Compacted(files, 1, 0, store.info().version)
    assert store.read().to_table().sort_by("id").equals(before)
    assert ids(store, version=1) == ["c0"]
    assert "compact" in [one.what for one in store.history()]
    assert store.put(tagged([row(1, text="再停"), row(50)])).replaced == 1


def test_compaction_without_keeping_removes_what_is_old_and_says_so_when_asked_for_it(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    store = filled(url)
    there = len(list(url.glob("*.parquet")))
    done = store.compact(keep=timedelta(0))
    assert (done.after, done.removed, len(list(url.glob("*.parquet")))) == (1, there, 1)
    with pytest.raises(StoreError, match="version 3 can no longer be read: 3 of its files were removed"):
        store.read(version=3)
    assert len(ids(store)) == 11


def test_a_file_that_a_killed_writer_left_goes_when_it_is_old_enough(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    store = filled(url)
    old, young = url / "part-00000-old.parquet", url / "part-00000-young.parquet"
    for path in (old, young):
        pq.write_table(pa.table({"text": [WORDS]}), path)
    os.utime(old, (0, 0))
    assert store.compact().removed == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_forgetting_leaves_no_word_in_the_folder(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    store = filled(url)
    store.compact()
    pq.write_table(pa.table({"text": [WORDS]}), url / "part-00000-of-a-killed-writer.parquet")
    assert len(bytes_with(url, WORDS, WHO, "来了两次人")) >= 3
    done = store.forget(WHO)
    assert (done.rows, done.beyond) == (2, BEYOND)
    assert bytes_with(url, WORDS, WHO, "来了两次人", *HER_IDS) == []
    assert ids(store) == [f"c{n}" for n in range(9)]
    assert len(list(url.glob("*.parquet"))) == store.info().files
    with pytest.raises(StoreError, match="can no longer be read"):
        store.read(version=11)
    assert bytes_with(url, "电梯又停") != []  # the search does find what is there


def test_forgetting_goes_through_with_what_a_killed_call_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = tmp_path / "feedback"
    store = filled(url)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("vocnlp.store_upkeep._sweep", _stopped)
        store.forget(WHO)
    assert bytes_with(url, WHO) != []
    again = Store.open(url).forget(f" {WHO} ")
    assert (again.rows, again.removed >= 2, bytes_with(url, WORDS, WHO)) == (0, True, [])


def _stopped(*_: object, **__: object) -> int:
    raise KeyboardInterrupt


def test_forgetting_somebody_unknown_erases_no_row(tmp_path: Path) -> None:
    store = filled(tmp_path / "feedback")
    assert store.forget("nobody' OR '1'='1").rows == 0
    assert len(ids(store)) == 11
    with pytest.raises(StoreError, match="no customer was named"):
        store.forget("  ")


def test_another_writer_goes_on_after_erasure(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    store = filled(url)
    other = Store.open(url)
    other.put(tagged([row(30)]))
    store.forget(WHO)
    assert other.put(tagged([row(30, text="后来写的"), row(31)])).replaced == 1
    assert ids(other) == sorted([*(f"c{n}" for n in range(9)), "c30", "c31"])
