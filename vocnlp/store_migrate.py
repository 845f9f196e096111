"""The rows of a store carried from one codeframe to the next; goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .batch import WINDOW
from .migration import OPEN, Migration
from .migration_rows import carried
from .records import VERDICT
from .store import Store
from .store_rows import WRITTEN, pieces

_COMMIT_ROWS = 4 * WINDOW  # what a kill can cost, and how often a file of the store is rewritten
_COLUMNS = ("id", "text", *VERDICT.names, WRITTEN)
_SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Migrated:
    """Rows of the store; how many bore the new frame before, bear it now, or changed or went away meanwhile.

    others: rows of further codeframes, which stay as they are; opened: those that bear ``OPEN``, to be read again
    """

    rows: int
    before: int
    now: int
    changed: int
    others: int
    opened: int


def migrate(store: Store, migration: Migration, *, report: Callable[[int, int], None] = lambda *_: None) -> Migrated:
    """Carry every row that bears the old frame (see ``migration_rows.carried``); ``report`` hears rows done, of all.

    After a kill the same call does what is missing. A row that another process writes or tags meanwhile keeps what that
    one wrote; call again where the result says that some changed. Earlier versions of the store show the old tags. Rows
    left open do not bear the new frame's own label, so ``rescore`` with the bundle that read the others reads them alone.
    """
    snapshot = store.read(_COLUMNS)
    rows = snapshot.count_rows()
    label = pc.field("voc_codeframe")
    old = label.isin([migration.before, migration.before + OPEN])
    new = label.isin([migration.after, migration.after + OPEN])
    before, waiting = snapshot.count_rows(filter=new), snapshot.count_rows(filter=old)

    def batches() -> Iterator[pa.RecordBatch]:
        scan = {"batch_size": WINDOW, "batch_readahead": 1, "fragment_readahead": 1}
        for batch in snapshot.to_batches(columns=list(_COLUMNS), filter=old, **scan):
            if batch.num_rows:
                yield batch

    done = now = 0
    report(before, rows)
    for piece in pieces(batches(), size=_COMMIT_ROWS):
        fresh = carried(piece, migration).rename_columns([*_COLUMNS[:-1], _SEEN])
        now += store.replace_tags(fresh, what="migrate", seen=_SEEN)
        done += piece.num_rows
        report(before + done, rows)
    opened = store.read(["voc_codeframe"]).count_rows(filter=label == migration.after + OPEN)
    return Migrated(rows, before, now, done - now, rows - before - waiting, opened)


__all__ = ["Migrated", "migrate"]
