"""The rows of a store as a dataset: a data file that is missing or damaged is named, whoever reads, and however late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from .errors import StoreError
from .store_delta import names_of, open_table
from .store_failures import explained, spoilt_files


class Scan(ds.FileSystemDataset):  # type: ignore[misc]  # Arrow has no types
    """The dataset ``whole`` of the store at ``url``. What reading it raises is a StoreError."""

    def __init__(self, whole: ds.FileSystemDataset, url: str, options: Mapping[str, str]) -> None:
        super().__init__(list(whole.get_fragments()), whole.schema, whole.format, whole.filesystem)
        self._whole, self._url, self._options = whole, url, options

    def filter(self, expression: pc.Expression) -> Scan:
        """Arrow makes the narrower dataset without asking the constructor, and does not tell its files."""
        narrower: Scan = super().filter(expression)
        narrower._whole, narrower._url, narrower._options = self._whole, self._url, self._options
        return narrower

    def to_batches(self, *args: Any, **how: Any) -> Iterator[pa.RecordBatch]:
        with self._explained():
            yield from super().to_batches(*args, **how)

    def to_table(self, *args: Any, **how: Any) -> pa.Table:
        with self._explained():
            return super().to_table(*args, **how)

    def count_rows(self, *args: Any, **how: Any) -> int:
        with self._explained():
            return int(super().count_rows(*args, **how))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            with explained(self._url, self._spoilt):
                raise error from None

    def _spoilt(self) -> list[str]:
        """StoreError where the files went because the store went on: that is no damage."""
        names = spoilt_files(self._whole.get_fragments())
        needed = names_of(open_table(self._url, self._options))
        if names and needed.isdisjoint(names):
            told = "another process removed old files while they were read"
            raise StoreError(told, path=self._url, hint="run it again")
        return names


__all__ = ["Scan"]
