"""Several processes write to one store: every row is there once, the same id too, and a killed writer harms nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from store_writer import rows
from tagged_shop import row, tagged

from vocnlp.errors import StoreError
from vocnlp.store import Store
from vocnlp.store_delta import create_table

WRITER = Path(__file__).with_name("store_writer.py")


def writer(url: Path, name: str, start: int, stop: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITER), str(url), name, *map(str, (start, stop, size))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def ids(store: Store) -> list[str]:
    return sorted(store.read(["id"]).to_table()["id"].to_pylist())


def test_four_processes_create_one_store_and_every_row_is_there_once(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    # a and a, b and b bring some of the same ids; all of them also find out at once that there is no store yet.
    spans = [("a", 0, 120), ("a", 60, 180), ("b", 0, 120), ("b", 60, 180)]
    running = [writer(url, name, start, stop, 20) for name, start, stop in spans]
    ended = [process.communicate() for process in running]
    assert [(process.returncode, err) for process, (_, err) in zip(running, ended, strict=True)] == [(0, "")] * 4
    store = Store.open(url)
    assert ids(store) == sorted(f"{name}-{n}" for name in "ab" for n in range(180))
    assert store.info().version >= 4 * 6  # one more where a commit was made whose answer was lost: it changed nothing


def test_a_store_that_another_made_and_wrote_to_since_one_looked_is_opened(tmp_path: Path) -> None:
    Store.open(tmp_path / "s", create=True).put(tagged([row(1)]))
    assert create_table(str(tmp_path / "s"), {}, verbatim=False).version() == 1


def test_a_writer_killed_in_the_middle_leaves_whole_commits(tmp_path: Path) -> None:
    url = tmp_path / "feedback"
    process = writer(url, "a", 0, 100_000, 50)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(3)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    store = Store.open(url)
    kept = len(ids(store))
    assert said == [50, 100, 150]
    assert (kept >= 150, kept % 50, kept < 100_000) == (True, 0, True)
    assert ids(store) == sorted(f"a-{n}" for n in range(kept))
    # What was cut off is delivered again; the dead process holds no turn.
    again = store.put(tagged(rows("a", 100, kept + 50)))
    assert (again.added, again.replaced, len(ids(store))) == (50, kept - 100, kept + 50)


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "feedback", create=True)
    threads = [threading.Thread(target=store.put, args=(tagged(rows(name, 0, 30)),)) for name in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(store) == sorted(f"{name}-{n}" for name in "ab" for n in range(30))


def test_a_commit_that_was_overtaken_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is a courtesy: without it, the other's rows come between the look and the commit, and none doubles."""
    monkeypatch.setattr("vocnlp.store_delta.local_folder", lambda _: None)
    ours, theirs = (Store.open(str(tmp_path / "feedback"), create=True) for _ in range(2))
    look = ours._known.may_hold
    between = iter([tagged([row(1, text="对方写的"), row(2)])])

    def looked(keys: object) -> bool:
        found = look(keys)
        for table in between:
            theirs.put(table)
        return found

    monkeypatch.setattr(ours._known, "may_hold", looked)
    put = ours.put(tagged([row(1, text="我方后写的"), row(3)]))
    assert (put.added, put.replaced, put.version) == (1, 1, 2)
    kept = {one["id"]: one["text"] for one in ours.read(["id", "text"]).to_table().to_pylist()}
    assert kept == {"c1": "我方后写的", "c2": None, "c3": None}


def test_a_writer_that_never_comes_first_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vocnlp.store_delta.local_folder", lambda _: None)
    monkeypatch.setattr("vocnlp.store.PATIENCE", 0.2)
    ours, theirs = (Store.open(str(tmp_path / "feedback"), create=True) for _ in range(2))
    monkeypatch.setattr(ours._known, "may_hold", lambda _: theirs.put(tagged([row(1)])).rows == 0)
    with pytest.raises(StoreError, match="other writers came first for 0 s") as told:
        ours.put(tagged([row(2)]))
    assert told.value.hint == "run it again; rows that were written are not written twice"
