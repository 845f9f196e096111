"""Run the suites: ``python -m benchmarks --data DIR [--only quality|speed|challenge] [--rows N ...] [--bundle DIR]``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from . import challenge, page, quality, speed

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the labelled sets (see training/mapping.yaml)"
    )
    parser.add_argument(
        "--only", choices=("quality", "speed", "challenge"), help="run one suite; the other's results stay"
    )
    parser.add_argument("--rows", type=int, nargs="*", help="of the file runs, only those of so many rows")
    parser.add_argument("--bundle", type=Path, help="another bundle than the shipped one")
    wanted = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if wanted.only in (None, "speed"):
        results["speed"] = speed.measure(wanted.data, wanted.bundle, wanted.rows)
    if wanted.only in (None, "challenge"):
        results["challenge"] = challenge.measure(wanted.bundle)
    if wanted.only in (None, "quality"):
        results["own_codes"] = quality.own_codes(wanted.data)
        results["shipped"] = quality.shipped(wanted.data, wanted.bundle)
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page.write(HERE / "README.md", results)


if __name__ == "__main__":
    main()
