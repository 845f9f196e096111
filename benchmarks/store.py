"""The store under several writers: appends, rows that come again, reading, erasure; beside it plain parquet files.

Four processes put 100,000 rows in commits of 256. The peer writes the same rows in the same four processes as one parquet
file a commit, with no commit at all: no upsert, no version, nothing that keeps two writers of one id apart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from vocnlp.records import TAGGED
from vocnlp.store import Store

from .challenge import read_cases

ROWS, WRITERS, COMMIT = 100_000, 4, 256
_AGAIN = 20  # commits that bring rows again
_BORN = datetime(2025, 1, 1)


def rows(first: int, count: int, stream: str) -> pa.Table:
    """Tagged rows of 60 characters, each with two tags, 500 customers."""
    made = []
    for number in range(first, first + count):
        at = number * 17 % (len(stream) - 60)
        text = stream[at : at + 60]
        tags = [
            {"code": code, "polarity": "negative", "confidence": 0.8, "start": start, "end": start + 12}
            | {"source": "model", "quote": text[start : start + 12]}
            for code, start in (("product.quality", 0), ("service.attitude", 30))
        ]
        made.append(
            {"id": f"r{number}", "text": text, "score": float(number % 11), "customer": f"k{number % 500}"}
            | {"channel": "小程序", "at": _BORN + timedelta(minutes=number), "voc_sentiment": "negative"}
            | {"voc_confidence": 0.9, "voc_tags": tags, "voc_bundle": "b@1", "voc_codeframe": "f@1"}
        )
    return pa.Table.from_pylist([{name: one.get(name) for name in TAGGED.names} for one in made], TAGGED)


def measure(count: int = ROWS) -> dict[str, Any]:
    """Rows a second over all writers, seconds of the rest, and what is in the store afterwards."""
    stream = "，".join(case.text for case in read_cases())
    with tempfile.TemporaryDirectory() as folder:
        url, plain = Path(folder, "store"), Path(folder, "plain")
        plain.mkdir()
        Store.open(url, create=True)
        ours = _written(_put_all, url, count, stream)
        theirs = _written(_write_all, plain, count, stream)
        store = Store.open(url)
        ids = store.read(["id"]).to_table()["id"].to_pylist()
        again = rows(0, _AGAIN * COMMIT, stream).to_batches(max_chunksize=COMMIT)
        result: dict[str, Any] = {
            "rows": count,
            "writers": WRITERS,
            "commit_rows": COMMIT,
            "rows_per_second": round(ours),
            "parquet_rows_per_second": round(theirs),
            "to_parquet": round(ours / theirs, 2),
            "rows_in_store": len(ids),
            "different_ids": len(set(ids)),
            "files": store.info().files,
            "read_scattered_seconds": _timed(lambda: store.read().to_table()),
            "read_parquet_seconds": _timed(lambda: ds.dataset(plain).to_table()),
            "compact_seconds": _timed(store.compact),
            "read_compacted_seconds": _timed(lambda: store.read().to_table()),
            "upsert_commit_seconds": round(_timed(lambda: [store.put(one) for one in again]) / _AGAIN, 4),
        }
        result["forget_seconds"] = _timed(lambda: store.forget("k7"))
        result["rows_at_the_end"] = store.read().count_rows()
    return result


def _written(work: Callable[[Path, int, int, str], float], place: Path, count: int, stream: str) -> float:
    """Rows a second of all writers together, by the slowest one; making the rows does not count."""
    share = -(-count // WRITERS)
    starts = range(0, count, share)
    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        spans = [pool.submit(work, place, first, min(share, count - first), stream) for first in starts]
        slowest = max(span.result() for span in spans)
    return count / slowest


def _put_all(url: Path, first: int, count: int, stream: str) -> float:
    batches = rows(first, count, stream).to_batches(max_chunksize=COMMIT)
    begun = time.perf_counter()
    store = Store.open(url)
    for batch in batches:
        store.put(batch)
    return time.perf_counter() - begun


def _write_all(folder: Path, first: int, count: int, stream: str) -> float:
    batches = rows(first, count, stream).to_batches(max_chunksize=COMMIT)
    begun = time.perf_counter()
    for number, batch in enumerate(batches):
        pq.write_table(pa.Table.from_batches([batch]), folder / f"{first}-{number}.parquet")
    return time.perf_counter() - begun


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 3)
