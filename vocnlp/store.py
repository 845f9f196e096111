"""Tagged feedback in a Delta Lake table: a folder or an object store, written by any number of processes at once.

A row is known by its id. A row that comes again, from whichever process, replaces the one that is there: the later
commit wins, and no reader of the table, Spark and Polars included, ever sees two. Every commit is a version that can
be read again until its files are removed::

    store = Store.open("feedback", create=True)
    store.put(tag_all(batches, tagger, text="text"))
    figures(store.read(), tagger.codeframe)

Writing looks first whether an id of the batch may be there already. If none is, the rows are appended; otherwise they
are merged, which rewrites the files that hold them. Both are compare-and-swap (see ``store_delta``), so nobody can slip
in between the look and the commit.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds

from .errors import InputError, StoreError
from .records import TAGGED
from .store_delta import (
    address,
    bring_up,
    commit,
    create_table,
    files_as,
    how,
    is_there,
    keeps_verbatim,
    library,
    merging,
    open_table,
)
from .store_failures import explained
from .store_known import Known, hashes
from .store_rows import STORED, pieces, stored
from .store_scan import Scan
from .store_upkeep import (
    KEEP,
    Change,
    Compacted,
    Forgotten,
    Info,
    changes,
    compacted,
    forgotten,
    info_of,
    missing_files,
)

if TYPE_CHECKING:
    from deltalake import DeltaTable

COMMIT_ROWS = 65_536  # at most so many rows in a commit: they are held in memory
PATIENCE = 120.0  # seconds of losing against other writers

Rows: TypeAlias = pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Put:
    """What a delivery did: ``rows`` given; ``replaced`` were there already; ``repeated`` came again in the same commit."""

    rows: int
    added: int
    replaced: int
    repeated: int
    version: int


class Store:
    """A store that is open. One may be shared by threads; processes open their own."""

    def __init__(self, url: str, table: DeltaTable, options: Mapping[str, str]) -> None:
        self.url, self.options = url, dict(options)
        self.verbatim = keeps_verbatim(table)
        self._table = table
        self._known = Known()
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls,
        url: Path | str,
        *,
        create: bool = False,
        verbatim: bool | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Store:
        """The store at a folder or an ``s3://``, ``gs://``, ``az://`` address; ``options`` are deltalake's storage options.

        ``create`` makes one where there is none. Texts are stored masked; a store created with ``verbatim`` holds them
        as they came. StoreError where there is no store, where it is damaged or of another version, and where
        ``verbatim`` is not what the store was created with. MissingExtraError without the package deltalake.
        """
        place, chosen = address(url), dict(options or {})
        if not create or is_there(place, chosen):
            table = open_table(place, chosen)
        else:
            table = create_table(place, chosen, verbatim=bool(verbatim))
        if verbatim is not None and verbatim != keeps_verbatim(table):
            holds = "texts as they came" if keeps_verbatim(table) else "masked texts"
            raise StoreError(f"was created to hold {holds}", path=place, hint="use another store for the other kind")
        return cls(place, table, chosen)

    def put(self, rows: Rows, *, delivery: str = "", report: Callable[[int], None] = lambda _: None) -> Put:
        """Write tagged rows; when it returns they are on the disk. Rows are committed ``COMMIT_ROWS`` at a time.

        A row whose id is there is replaced. A row without an id gets one of its content (``store_rows.made_id``);
        ``delivery`` sets apart two exports whose anonymous rows look alike. ``report`` hears the rows done. After a
        kill, putting all rows again is right. InputError when the rows are not tagged ones.
        """
        nameless: Counter[str] = Counter()
        given = kept = replaced = 0
        for piece in pieces(rows, size=COMMIT_ROWS):
            now = datetime.now(UTC)
            fresh = stored(piece, written=now, verbatim=self.verbatim, nameless=nameless, delivery=delivery)
            if fresh.num_rows:
                replaced += self._upsert(fresh)
            given, kept = given + piece.num_rows, kept + fresh.num_rows
            report(given)
        return Put(given, kept - replaced, replaced, given - kept, self._table.version())

    def _upsert(self, rows: pa.Table) -> int:
        keys = hashes(rows["id"])

        def attempt(table: DeltaTable) -> int:
            self._known.catch_up(table)
            said = how("put", rows=rows.num_rows)
            if not self._known.may_hold(keys):
                library().write_deltalake(
                    table, rows, mode="append", commit_properties=said, writer_properties=files_as()
                )
                return 0
            merge = table.merge(rows, "t.id = s.id", **merging(said))
            done = merge.when_matched_update_all().when_not_matched_insert_all().execute()
            return int(done["num_target_rows_updated"])

        with self._lock:
            bring_up(self._table, self.url, patience=PATIENCE)
            replaced = commit(self._table, self.url, attempt, patience=PATIENCE)
            self._known.add(keys, self._table)
        return replaced

    def read(
        self, columns: Sequence[str] | None = None, *, version: int | None = None, at: datetime | None = None
    ) -> ds.Dataset:
        """The rows as a dataset in the schema ``records.TAGGED``, or some of its columns (``voc_written`` is one more).

        Nothing is loaded before it is asked for, so a store may be larger than the memory. ``version`` or ``at`` (with
        a time zone) read it as it was. StoreError for a version that never was, or whose files were removed; and from the
        dataset for a data file that is missing or damaged.
        """
        names = TAGGED.names if columns is None else list(columns)
        for name in names:
            if name not in STORED.names:
                raise InputError(
                    "the store has no such column", column=name, hint=f"columns: {', '.join(STORED.names)}"
                )
        if at is not None and at.tzinfo is None:
            raise ValueError("at needs a time zone")
        schema = pa.schema([STORED.field(name) for name in names])
        with self._lock, explained(self.url):
            table = self._fresh() if version is None and at is None else self._as_it_was(version, at)
            return Scan(table.to_pyarrow_dataset(schema=schema), self.url, self.options)

    def info(self) -> Info:
        """How large the store is, and which models and codeframes its rows come from."""
        with self._lock, explained(self.url):
            return info_of(self._fresh(), self.url, rows=self.read(["voc_bundle", "voc_codeframe"]))

    def history(self, limit: int | None = None) -> tuple[Change, ...]:
        """What was done to the store, newest first."""
        with self._lock, explained(self.url):
            return changes(self._fresh(), limit)

    def compact(self, *, keep: timedelta = KEEP) -> Compacted:
        """Few large files instead of many small ones; files that no version of the last ``keep`` needs are removed.

        Versions older than that cannot be read any more; more than 30 days are not kept.
        """
        with self._lock:
            return compacted(self._table, self.url, self.options, keep=keep, patience=PATIENCE)

    def forget(self, customer: str) -> Forgotten:
        """Erase all rows of a customer, now and in every earlier version; it says what it cannot reach.

        All files that the newest version does not need are removed, so earlier versions cannot be read any more. A
        call that was killed is made good by calling again, whether or not the rows are still there.
        """
        if not customer.strip():
            raise StoreError("no customer was named", path=self.url, hint="name the customer as in the export")
        with self._lock:
            return forgotten(self._table, self.url, self.options, customer=customer, patience=PATIENCE)

    def replace_tags(self, rows: pa.Table, *, what: str = "rescore", seen: str = "") -> int:
        """New tags for rows that still have the text they were made for; how many there were. Nothing is added.

        ``rows`` has ``id``, ``text`` as stored, and the columns of ``records.VERDICT``. A row that was erased or came
        again with another text meanwhile stays as it is; so does one written after the time in the column ``seen``, where
        the new tags were made of the old ones. ``what`` is what the history calls it.
        """
        now = pa.array([datetime.now(UTC)] * rows.num_rows, STORED.field("voc_written").type)
        source = rows.append_column(STORED.field("voc_written"), now)
        updates = {name: f"s.{name}" for name in source.schema.names if name not in ("id", "text", seen)}
        same = "(t.text IS NOT DISTINCT FROM s.text)" + (f" AND (t.voc_written = s.{seen})" if seen else "")

        def attempt(table: DeltaTable) -> int:
            said = how(what, rows=rows.num_rows)
            merge = table.merge(source, "t.id = s.id", **merging(said))
            done = merge.when_matched_update(updates, predicate=same).execute()
            return int(done["num_target_rows_updated"])

        with self._lock:
            return commit(self._table, self.url, attempt, patience=PATIENCE)

    def _fresh(self) -> DeltaTable:
        self._table.update_incremental()
        return self._table

    def _as_it_was(self, version: int | None, at: datetime | None) -> DeltaTable:
        newest = self._fresh().version()
        if version is not None and not 0 <= version <= newest:
            raise StoreError(f"there is no version {version}", path=self.url, hint=f"versions: 0 to {newest}")
        table = open_table(self.url, self.options, version=version)
        if version is None and at is not None:
            born = changes(table, None)[-1].at
            if at < born:
                raise StoreError(
                    f"did not exist at {at.isoformat()}", path=self.url, hint=f"created {born.isoformat()}"
                )
            table.load_as_version(at)
        if gone := missing_files(table, self._table, self.options):
            told = f"version {table.version()} can no longer be read: {gone} of its files were removed"
            raise StoreError(told, path=self.url, hint="compact and forget remove old versions; read the newest one")
        return table


__all__ = ["COMMIT_ROWS", "Change", "Compacted", "Forgotten", "Info", "Put", "Store"]
