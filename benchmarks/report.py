"""All figures of the report over many tagged rows: seconds and peak memory, in a process of its own.

``python -m benchmarks.report --rows 1000000``
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vocnlp.codeframe import Codeframe
from vocnlp.records import TAGGED

_CODES = tuple(f"code-{at:02d}" for at in range(20))
_WORDS = "，其余的都还可以，希望下次能改进一点"


def measure(rows: int) -> dict[str, Any]:
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
    print(json.dumps(measure(parser.parse_args().rows), indent=1))


if __name__ == "__main__":
    main()
