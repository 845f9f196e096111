"""All figures of the report over many tagged rows: seconds and peak memory, in a process of its own.

``python -m benchmarks.report --rows 1000000``: rows in memory. ``--store FOLDER``: rows in a store on the disk, written before by
another process with the store's own calls; single aggregate queries too, each as a call of the service makes it: the store
opened or brought up to date, its columns read and folded, one figure asked.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vocnlp import scores
from vocnlp.codeframe import Codeframe
from vocnlp.counts import folded
from vocnlp.folding import COLUMNS
from vocnlp.journey_map import journey_map
from vocnlp.records import TAGGED

_CODES = tuple(f"code-{at:02d}" for at in range(20))
_WORDS = "，其余的都还可以，希望下次能改进一点"


def measure(rows: int) -> dict[str, Any]:
    """Both, each in a process of its own, so that the one's memory is not the other's."""
    results = {}
    for name, work in (("in memory", measure_memory), ("in a store", measure_store)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            results[name] = pool.submit(work, rows).result()
    return results


def measure_memory(rows: int) -> dict[str, Any]:
    """The analyses, then the whole report with its tables, of a made table of so many rows."""
    from vocnlp.report import write_report
    from vocnlp.report_analysis import analyse

    table, frame = made(rows), Codeframe.from_labels(_CODES)
    held = _peak()
    begun, used = time.perf_counter(), time.process_time()
    analyse(table, frame)
    figures, cpu = time.perf_counter() - begun, time.process_time() - used
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        write_report(page, table, frame, title="report", tables=Path(folder) / "report.xlsx")
        whole, size = time.perf_counter() - begun, page.stat().st_size
    return {
        "rows": rows,
        "table_megabytes": round(table.nbytes / 1e6),
        "figures_seconds": round(figures, 1),
        "figures_processor_seconds": round(cpu, 1),
        "report_seconds": round(whole, 1),
        "page_megabytes": round(size / 1e6, 2),
        "megabytes_before": held,
        "peak_megabytes": _peak(),
    }


def measure_store(rows: int, folder: Path | None = None) -> dict[str, Any]:
    """The same over a store, which is read from the disk (and from what the system keeps of it in memory)."""
    with tempfile.TemporaryDirectory() as made_here:
        url = folder or Path(made_here) / "store"
        written: dict[str, Any] = {}
        if not url.exists():
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                written = pool.submit(_written, url, rows).result()
        return {**written, **_read(url, Path(made_here))}


def _read(url: Path, folder: Path) -> dict[str, Any]:
    from vocnlp.report import write_report
    from vocnlp.report_analysis import analyse
    from vocnlp.store import Store

    frame, page, tables = Codeframe.from_labels(_CODES), folder / "report.html", folder / "report.xlsx"
    store, held = Store.open(url), _peak()
    asked = {name: _times(partial(_asked, store, frame, ask)) for name, ask in _QUERIES.items()}
    peak_asked = _peak()
    figures, figures_processor = _times(lambda: analyse(store.read(), frame))
    peak_figures = _peak()
    report, _ = _times(lambda: write_report(page, store.read(), frame, title="report", tables=tables))
    return {
        "rows": store.read().count_rows(),
        "query_seconds": {name: seconds for name, (seconds, _) in asked.items()},
        "query_processor_seconds": {name: processor for name, (_, processor) in asked.items()},
        "figures_seconds": figures,
        "figures_processor_seconds": figures_processor,
        "report_seconds": report,
        "megabytes_before": held,
        "peak_megabytes_of_queries": peak_asked,
        "peak_megabytes_of_figures": peak_figures,
        "peak_megabytes": _peak(),
    }


def _written(url: Path, rows: int) -> dict[str, Any]:
    """Put made rows into a new store, in commits of the store's own size."""
    from vocnlp.store import COMMIT_ROWS, Store

    store, table = Store.open(url, create=True), made(rows)
    seconds, processor = _times(lambda: store.put(table))
    info = store.info()
    return {
        "commit_rows": COMMIT_ROWS,
        "put_seconds": seconds,
        "put_processor_seconds": processor,
        "store_files": info.files,
        "store_megabytes": round(info.bytes / 1e6),
    }


#: What ``GET /nps`` and ``GET /journey`` ask, and what people ask of a store in a notebook.
_QUERIES: dict[str, Callable[[Any], object]] = {
    "nps": scores.nps,
    "nps by channel": lambda rows: scores.nps(rows, ["channel"]),
    "nps by month": lambda rows: scores.nps(rows, ["month"]),
    "nps by stage": lambda rows: scores.nps(rows, ["stage"]),
    "nps by code": lambda rows: scores.nps(rows, ["code"]),
    "net sentiment by segment": lambda rows: scores.net(rows, ["segment"]),
    "journey map": journey_map,
}


def _asked(store: Any, frame: Codeframe, ask: Callable[[Any], object]) -> None:
    wordless = [*COLUMNS, "customer"]
    with folded(store.read(wordless), frame) as rows:
        ask(rows)


def _times(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of all cores together: on a machine that does other work the second one is the steadier."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return round(time.perf_counter() - begun, 2), round(time.process_time() - used, 2)


def made(rows: int, seed: int = 1) -> pa.Table:
    """Made-up tagged rows: a year, 20 codes, up to three a comment, four channels, three segments, a quarter as many
    customers as rows; scores follow what is said. The same on every run."""
    dice = np.random.default_rng(seed)
    ends = np.concatenate([[0], np.cumsum(dice.integers(0, 4, rows))]).astype(np.int32)
    tags, which, bad = _tags(dice, int(ends[-1]))
    totals = np.concatenate([[0], np.cumsum(np.where(bad, -1, 1))])
    net = totals[ends[1:]] - totals[ends[:-1]]
    lead = pa.array([f"{code} 那件事" for code in _CODES]).take(
        pa.array(np.append(which, 0)[np.minimum(ends[:-1], len(which))])
    )
    numbers = pa.array(np.arange(rows)).cast(pa.string())
    score = np.clip(np.round(7 + 1.5 * net + dice.normal(0, 1.5, rows)), 0, 10).astype(np.float32)
    moments = np.datetime64("2025-01-01", "us") + dice.integers(0, 365 * 86_400, rows) * np.timedelta64(1_000_000, "us")
    columns = {
        "id": numbers,
        "text": pc.binary_join_element_wise(lead, numbers, _WORDS, ""),
        "score": pa.array(score, mask=dice.random(rows) < 0.2),
        "stage": _drawn(dice, rows, ["种草", "下单", "物流", "使用", "售后", None]),
        "channel": _drawn(dice, rows, ["网店", "门店", "电话", "小程序"]),
        "segment": _drawn(dice, rows, ["新客", "老客", "会员"]),
        "customer": pa.array(dice.integers(0, max(1, rows // 4), rows)).cast(pa.string()),
        "at": pa.array(moments),
        "voc_sentiment": pa.array(["negative", "neutral", "positive"]).take(pa.array(np.sign(net) + 1)),
        "voc_confidence": pa.array(np.full(rows, 0.9, np.float32)),
        "voc_tags": pa.ListArray.from_arrays(pa.array(ends), tags, type=TAGGED.field("voc_tags").type),
        "voc_bundle": _drawn(dice, rows, ["demo 1"]),
        "voc_codeframe": _drawn(dice, rows, ["flat 1"]),
    }
    return pa.table(
        [columns.get(name, pa.nulls(rows, TAGGED.field(name).type)) for name in TAGGED.names], schema=TAGGED
    )


def _tags(dice: np.random.Generator, count: int) -> tuple[pa.StructArray, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    which, bad = dice.integers(0, len(_CODES), count), dice.random(count) < 0.5
    code = pa.array(_CODES).take(pa.array(which))
    fields = [
        code,
        pa.array(["positive", "negative"]).take(pa.array(bad.astype(np.int64))),
        pa.array(np.full(count, 0.9, np.float32)),
        pa.array(np.zeros(count, np.int32)),
        pa.array(np.full(count, 7, np.int32)),
        pa.array(["model"]).take(pa.array(np.zeros(count, np.int64))),
        code,
    ]
    return pa.StructArray.from_arrays(fields, fields=list(TAGGED.field("voc_tags").type.value_type)), which, bad


def _drawn(dice: np.random.Generator, rows: int, words: list[str | None]) -> pa.Array:
    return pa.array(words).take(pa.array(dice.integers(0, len(words), rows)))


def _peak() -> int:
    """The most memory this process ever held, in MB (Linux counts in KiB)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="over a store in this folder, written first if there is none")
    asked = parser.parse_args()
    found = measure_store(asked.rows, asked.store) if asked.store else measure_memory(asked.rows)
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
