"""Run the suites: ``python -m benchmarks --data DIR [--only SUITE] [--rows N ...] [--sets NAME ...] [--bundle DIR]``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import (
    alerts,
    challenge,
    encoder,
    few_shot,
    noisy,
    page,
    picture,
    privacy,
    quality,
    report,
    review,
    rounding,
    serving,
    speed,
    store,
    topics,
)

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
SUITES = (
    "challenge",
    "encoder",
    "speed",
    "rounding",
    "shipped",
    "own_codes",
    "few_shot",
    "noisy",
    "privacy",
    "alerts",
    "store",
    "report",
    "review",
    "topics",
    "serving",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the labelled sets (see training/mapping.yaml)"
    )
    parser.add_argument("--only", choices=SUITES, help="run one suite; the results of the others stay")
    parser.add_argument("--rows", type=int, nargs="*", help="of the file runs, only those of so many rows")
    parser.add_argument(
        "--sets", nargs="*", help="own_codes: only these (car, laptop, ...); the results of the others stay"
    )
    parser.add_argument("--bundle", type=Path, help="another bundle than the shipped one")
    wanted = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    run: dict[str, Callable[[], Any]] = {
        "challenge": lambda: challenge.measure(wanted.bundle),
        "encoder": lambda: encoder.measure(wanted.data, wanted.bundle),
        "speed": lambda: speed.measure(wanted.data, wanted.bundle, wanted.rows),
        "rounding": lambda: rounding.measure(wanted.data, wanted.bundle),
        "shipped": lambda: quality.shipped(wanted.data, wanted.bundle),
        "privacy": privacy.measure,
        "alerts": lambda: alerts.measure(wanted.bundle),
        "store": store.measure,
        "report": lambda: report.measure(1_000_000),
        "review": lambda: review.measure(wanted.data),
        "topics": lambda: topics.measure(wanted.data, wanted.bundle),
        "serving": lambda: serving.measure(wanted.bundle),
        "own_codes": lambda: results.get("own_codes", {}) | quality.own_codes(wanted.data, wanted.bundle, wanted.sets),
        "few_shot": lambda: few_shot.measure(wanted.data, wanted.bundle),
        "noisy": lambda: noisy.measure(wanted.data, wanted.bundle),
    }
    for suite in [wanted.only] if wanted.only else SUITES:
        results[suite] = run[suite]()
        # At once: a suite takes minutes, and the next one may be stopped.
        RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page.write(HERE / "README.md", results)
    picture.draw(HERE.parent / "docs" / "quality_speed.png", results)


if __name__ == "__main__":
    main()
