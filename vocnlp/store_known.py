"""Which ids a store may hold, as eight bytes each: asked before every commit, kept up to date file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds

from .store_rows import STORED

if TYPE_CHECKING:
    from deltalake import DeltaTable

Keys: TypeAlias = npt.NDArray[np.int64]
_ID = pa.schema([STORED.field("id")])
_SPREAD = 1 << 18  # new keys wait in a set until there are so many, then they are sorted in


def hashes(ids: pa.ChunkedArray | pa.Array) -> Keys:
    """A number for each id. Two ids with one number cost a merge that was not needed, and nothing else."""
    return np.fromiter((hash(row_id) for row_id in ids.to_pylist()), np.int64, len(ids))


class Known:
    """The ids in the files seen so far. Ids of rows erased since may be among them; a missing one never is."""

    def __init__(self) -> None:
        self._files: frozenset[str] = frozenset()
        self._sorted: Keys = np.empty(0, np.int64)
        self._new: set[int] = set()

    def may_hold(self, keys: Keys) -> bool:
        """Whether any of the keys may be in the store."""
        if not self._new.isdisjoint(keys.tolist()):
            return True
        if not len(self._sorted):
            return False
        at = np.searchsorted(self._sorted, keys)
        return bool(np.any(self._sorted[np.minimum(at, len(self._sorted) - 1)] == keys))

    def catch_up(self, table: DeltaTable) -> None:
        """Read the ids of files that other writers added."""
        now = frozenset(table.file_uris())
        if now <= self._files:
            return
        whole: Any = table.to_pyarrow_dataset(schema=_ID)
        seen = {name.rpartition("/")[2] for name in self._files}
        fresh = [part for part in whole.get_fragments() if part.path.rpartition("/")[2] not in seen]
        rows = ds.FileSystemDataset(fresh, _ID, whole.format, whole.filesystem)
        for batch in rows.to_batches(batch_readahead=1, fragment_readahead=1):
            self._take(hashes(batch.column(0)))
        self._files = now

    def add(self, keys: Keys, table: DeltaTable) -> None:
        """The keys just committed, where nobody else committed since ``catch_up``: all new files hold known ids."""
        self._take(keys)
        self._files = frozenset(table.file_uris())

    def _take(self, keys: Keys) -> None:
        self._new.update(keys.tolist())
        if len(self._new) >= _SPREAD:
            fresh = np.fromiter(self._new, np.int64, len(self._new))
            self._sorted, self._new = np.union1d(self._sorted, fresh), set()


__all__ = ["Keys", "Known", "hashes"]
