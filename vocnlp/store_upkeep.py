"""The upkeep of a store: what is in it, what was done to it, large files instead of small ones, and erasure.

Delta Lake keeps old files so that old versions can be read. Erasing therefore takes two steps: a commit without the rows,
then the removal of every file that the newest version does not need. Those are the files that earlier commits replaced,
and files that no commit ever named, left behind by killed writers and lost races. A file of the second kind may belong
to a writer that is about to commit. So erasure commits once more before it removes them: a commit that was made from an
earlier version does not count, and its writer writes anew. Other programs that write to the table must rest meanwhile.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pa_fs

from .store_delta import commit, files_as, files_of, how, keeps_verbatim, merging, names_of, turn
from .store_failures import explained
from .store_rows import STORED

if TYPE_CHECKING:
    from deltalake import DeltaTable

KEEP = timedelta(days=7)
LONGEST = timedelta(days=30)  # the log goes back no further, and what it has forgotten cannot be kept
_SWEPT = "vocnlp.swept"
_FILE_BYTES = 32 << 20  # some 150,000 comments: what replacing one row rewrites
_MANY_FILES = 50

#: What erasure does not reach, in words for the person who asked for it.
BEYOND = (
    "alerts and their cases: vocnlp alerts forget --customer",
    "copies made outside the store: reports, exports, backups, snapshots and versioned buckets",
    "comments of other customers that speak of this one",
    "numbers of rows and times of writing in the log; it holds no text, no id and no customer",
)
_BEYOND_REMOTE = "files that another process was writing at this moment: run it again when they are done"


@dataclass(frozen=True, slots=True)
class Info:
    """A store at a glance. ``bytes`` are those of the newest version; ``bundles`` and ``codeframes`` count rows."""

    url: str
    version: int
    rows: int
    files: int
    bytes: int
    verbatim: bool
    bundles: Mapping[str, int]
    codeframes: Mapping[str, int]

    @property
    def scattered(self) -> bool:
        """Whether there are so many small files that ``compact`` pays."""
        return self.files >= _MANY_FILES and self.bytes < self.files * _FILE_BYTES // 4


@dataclass(frozen=True, slots=True)
class Change:
    """One version: when it was made and what made it (``put``, ``rescore``, ``forget``, ``compact``, or Delta's own name)."""

    version: int
    at: datetime
    what: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Compacted:
    """Files of the newest version before and after, and old files removed from the disk."""

    before: int
    after: int
    removed: int
    version: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Rows erased from the newest version, files removed from the disk, and in words what erasure does not reach."""

    rows: int
    removed: int
    version: int
    beyond: tuple[str, ...]


def info_of(table: DeltaTable, url: str, *, rows: ds.Dataset) -> Info:
    """What ``rows``, the dataset of ``voc_bundle`` and ``voc_codeframe``, and the log say."""
    counts: dict[str, Counter[str]] = {"voc_bundle": Counter(), "voc_codeframe": Counter()}
    for batch in rows.to_batches():
        for name, counter in counts.items():
            for pair in batch.column(name).value_counts().to_pylist():
                counter[pair["values"] or ""] += pair["counts"]
    sizes = pa.table(table.get_add_actions())["size_bytes"].to_pylist()
    return Info(
        url=url,
        version=table.version(),
        rows=sum(counts["voc_bundle"].values()),
        files=len(sizes),
        bytes=sum(sizes),
        verbatim=keeps_verbatim(table),
        bundles=dict(counts["voc_bundle"].most_common()),
        codeframes=dict(counts["voc_codeframe"].most_common()),
    )


def changes(table: DeltaTable, limit: int | None) -> tuple[Change, ...]:
    """The log, newest first."""
    return tuple(
        Change(
            version=int(entry["version"]),
            at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
            what=entry.get("vocnlp") or entry["operation"].lower(),
            rows=int(entry["rows"]) if "rows" in entry else None,
        )
        for entry in table.history(limit)
    )


def compacted(
    table: DeltaTable, url: str, options: Mapping[str, str], *, keep: timedelta, patience: float
) -> Compacted:
    """See ``Store.compact``."""

    def attempt(table: DeltaTable) -> int:
        before = len(table.file_uris())
        table.optimize.compact(
            target_size=_FILE_BYTES,
            max_concurrent_tasks=1,
            writer_properties=files_as(),
            commit_properties=how("compact"),
        )
        return before

    before = commit(table, url, attempt, patience=patience)
    removed = _sweep(table, url, options, keep=min(keep, LONGEST), patience=patience)
    with explained(url), turn(url):
        table.update_incremental()
        table.create_checkpoint()
        table.cleanup_metadata()
    return Compacted(before, len(table.file_uris()), removed, table.version())


def forgotten(table: DeltaTable, url: str, options: Mapping[str, str], *, customer: str, patience: float) -> Forgotten:
    """See ``Store.forget``."""

    # The condition of a DELETE is written into the log word for word, and so would the customer be; the words of a
    # merge stay in the rows that it was given.
    def attempt(table: DeltaTable) -> int:
        wanted = pa.table({"customer": pa.array(_spellings(table, customer.strip()), pa.string())})
        if not wanted.num_rows:
            return 0
        merge = table.merge(wanted, "t.customer = s.customer", **merging(how("forget")))
        return int(merge.when_matched_delete().execute()["num_target_rows_deleted"])

    rows = commit(table, url, attempt, patience=patience)
    removed = _sweep(table, url, options, keep=timedelta(0), patience=patience)
    remote = (_BEYOND_REMOTE,) if "://" in url else ()
    return Forgotten(rows, removed, table.version(), (*BEYOND, *remote))


def _spellings(table: DeltaTable, customer: str) -> list[str]:
    """The customer as the rows have it. Stores of before kept blanks at its edges, of which SQL's trim knows one kind."""
    rows = table.to_pyarrow_dataset(schema=pa.schema([STORED.field("customer")]))
    found: set[str] = set()
    for batch in rows.to_batches(batch_readahead=1, fragment_readahead=1):
        found.update(who for who in batch.column(0).unique().to_pylist() if who and who.strip() == customer)
    return sorted(found)


def missing_files(table: DeltaTable, newest: DeltaTable, options: Mapping[str, str]) -> int:
    """How many files of an old version are not there any more."""
    old = sorted(names_of(table) - names_of(newest))
    found = files_of(table, options).get_file_info(old) if old else []
    return sum(one.type == pa_fs.FileType.NotFound for one in found)


def _sweep(table: DeltaTable, url: str, options: Mapping[str, str], *, keep: timedelta, patience: float) -> int:
    """Remove the files that no version of the last ``keep`` needs; how many there were."""
    files = files_of(table, options)
    with explained(url):
        before = _listed(files)
    if not keep:
        commit(table, url, _fence, patience=patience)
    with explained(url), turn(url):
        table.update_incremental()
        hours = math.ceil(keep / timedelta(hours=1))
        table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
        table.update_incremental()
        # By the clock of the disk that holds the files, whatever the clock of this machine says.
        newest = files.get_file_info([f"_delta_log/{table.version():020d}.json"])[0].mtime_ns
        limit = newest - int(keep.total_seconds() * 1e9)
        for path in _never_named(table):
            if path in before and (not keep or before[path] < limit):
                files.delete_file(path)
        table.update_incremental()
        return len(before.keys() - _listed(files).keys())


def _fence(table: DeltaTable) -> None:
    """A commit that changes no row: whatever was being written before it has to be written again."""
    table.alter.set_table_properties(
        {_SWEPT: datetime.now(UTC).isoformat()}, raise_if_not_exists=False, commit_properties=how("sweep")
    )


def _listed(files: pa_fs.FileSystem) -> dict[str, int]:
    """The data files on the disk, and when each was written."""
    found = files.get_file_info(pa_fs.FileSelector("", recursive=False))
    return {one.path: one.mtime_ns for one in found if one.path.endswith(".parquet")}


def _never_named(table: DeltaTable) -> set[str]:
    """Files that neither the newest version nor any before it has in its log."""
    unneeded = table.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False, full=True)
    replaced = table.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)
    return set(unneeded) - set(replaced)


__all__ = [
    "BEYOND",
    "KEEP",
    "Change",
    "Compacted",
    "Forgotten",
    "Info",
    "changes",
    "compacted",
    "forgotten",
    "info_of",
    "missing_files",
]
