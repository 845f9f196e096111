"""All rows of a store tagged anew by another model or codeframe; goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .batch import WINDOW, tag_all
from .records import VERDICT
from .store import Store
from .store_rows import pieces
from .tagger import Tagger

_COMMIT_ROWS = 4 * WINDOW  # what a kill can cost, and how often a file of the store is rewritten
_NEEDED = ("id", "text", *VERDICT.names)


@dataclass(frozen=True, slots=True)
class Rescored:
    """Rows of the store, how many carried the new tags before, got them now, or changed or went away meanwhile."""

    rows: int
    before: int
    now: int
    changed: int


def rescore(
    store: Store, tagger: Tagger, *, workers: int | None = None, report: Callable[[int, int], None] = lambda *_: None
) -> Rescored:
    """Tag every row that does not carry the label of this bundle and codeframe yet; ``report`` hears rows done, of all.

    After a kill the same call does what is missing. Rows that others write meanwhile keep what they write; call again
    where the result says that some changed. The stored text is read, which is masked unless the store is verbatim.
    """
    frame = tagger.codeframe
    labels = (tagger.bundle.label, f"{frame.name}@{frame.version}")
    snapshot = store.read(["id", "text", "voc_bundle", "voc_codeframe"])
    rows = snapshot.count_rows()
    bundle, codeframe = pc.field("voc_bundle"), pc.field("voc_codeframe")
    old = bundle.is_null() | (bundle != labels[0]) | codeframe.is_null() | (codeframe != labels[1])
    before = rows - snapshot.count_rows(filter=old)

    def waiting() -> Iterator[pa.RecordBatch]:
        scan = {"batch_size": WINDOW, "batch_readahead": 1, "fragment_readahead": 1}
        for batch in snapshot.to_batches(columns=["id", "text"], filter=old, **scan):
            if batch.num_rows:
                yield batch

    done = now = 0
    report(before, rows)
    tagged = (batch.select(list(_NEEDED)) for batch in tag_all(waiting(), tagger, text="text", workers=workers))
    for piece in pieces(tagged, size=_COMMIT_ROWS):
        now += store.replace_tags(piece)
        done += piece.num_rows
        report(before + done, rows)
    return Rescored(rows, before, now, done - now)


__all__ = ["Rescored", "rescore"]
