"""A data file of a store that is missing or damaged: it is named, whatever is done with the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from alert_rules_file import write_rules
from command_line import CommandLine, command_line
from tagged_shop import row, tag, tagged

from vocnlp.errors import StoreError
from vocnlp.store import Store

__all__ = ["command_line"]


@pytest.fixture
def url(tmp_path: Path) -> Path:
    """The folder of a store of three files."""
    store = Store.open(tmp_path / "feedback", create=True)
    for n in range(3):
        said = [tag("support", "negative", 0, "客服不回")]
        store.put(tagged([row(n, text="客服不回", score=1, customer=f"k{n}", voc_tags=said)]))
    return tmp_path / "feedback"


def gone(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def overwritten(path: Path) -> None:
    held = path.read_bytes()
    path.write_bytes(held[:10] + b"\xff" * 390 + held[400:])


HARMS = (gone, empty, cut, overwritten)
USES: dict[str, Callable[[Path], object]] = {
    "table": lambda url: Store.open(url).read().to_table(),
    "batches": lambda url: list(Store.open(url).read().to_batches()),
    "compact": lambda url: Store.open(url).compact(),
    "forget": lambda url: Store.open(url).forget("k1"),
    "put": lambda url: Store.open(url).put(tagged([row(1, text="客服回了")])),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("use", USES)
def test_a_damaged_or_missing_file_is_named(url: Path, harm: Callable[[Path], None], use: str) -> None:
    spoilt = sorted(url.glob("*.parquet"))[1]
    harm(spoilt)
    with pytest.raises(StoreError) as told:
        USES[use](url)
    assert told.value.message == f"{url}: a data file is damaged or missing: {spoilt.name}"
    assert told.value.hint == "restore that file from a backup of the store"


def test_many_spoilt_files_are_counted(url: Path) -> None:
    store = Store.open(url)
    store.put(tagged([row(9, text="客服不回")]))
    names = sorted(path.name for path in url.glob("*.parquet"))
    for name in names:
        (url / name).unlink()
    with pytest.raises(StoreError) as told:
        store.read().to_table()
    assert told.value.message == f"{url}: a data file is damaged or missing: {', '.join(names[:3])} and 1 more"


def test_a_file_that_another_process_removed_meanwhile_is_no_damage(url: Path) -> None:
    rows = Store.open(url).read()
    Store.open(url).forget("k1")
    with pytest.raises(StoreError) as told:
        rows.to_table()
    assert told.value.message == f"{url}: another process removed old files while they were read"
    assert told.value.hint == "run it again"


def test_the_commands_say_which_file_and_what_to_do(url: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    rules = write_rules(url.parent, {"id": "r", "kind": "comment", "when": {"detractor": True}})
    gone(spoilt := sorted(url.glob("*.parquet"))[1])
    state, out = url.parent / "a.sqlite", url.parent / "r.html"
    for words in (
        ("store", "rescore", "--store", url),
        ("report", url, "-o", out),
        ("alerts", "run", "--rules", rules, "--data", url, "--state", state),
    ):
        ended = vocnlp(*words, "--bundle", tiny_bundle)
        assert (ended.code, ended.out) == (2, ""), words
        assert f"a data file is damaged or missing: {spoilt.name}" in ended.err.replace("\n", " "), words
        assert "next step: restore that file from a backup of the store" in ended.err.replace("\n", " "), words


def test_tags_that_only_a_figure_reads_are_named_too(url: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    path = sorted(url.glob("*.parquet"))[1]
    group, held = pq.ParquetFile(path).metadata.row_group(0), bytearray(path.read_bytes())
    for column in map(group.column, range(group.num_columns)):
        if column.path_in_schema.startswith("voc_tags"):
            at = column.dictionary_page_offset or column.data_page_offset
            held[at : at + 20] = b"\xff" * 20
    path.write_bytes(held)
    ended = vocnlp("report", url, "-o", url.parent / "r.html", "--bundle", tiny_bundle)
    assert ended.code == 2
    assert f"a data file is damaged or missing: {path.name}" in ended.err.replace("\n", " ")
