"""Grow a teacher, tune it on the labelled sets, pass on what it says to a small encoder, and write that one out.

Numbers are made first, on processors; the rest wants one CUDA GPU. Every part leaves its result in the work folder and
goes on from its last checkpoint. WORK/encoder is then what ``vocnlp train --encoder`` starts from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from vocnlp.training.pretrain.edge import explained

from .plan import SHIPPED, read_plan


def main() -> int:
    options = _options()

    def job(console: Console) -> dict[str, Any]:
        plan = read_plan(options.recipe)
        import torch  # takes a second: --help does not wait for it

        from .prepare import prepare
        from .stages import learn, write_encoder

        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        options.work.mkdir(parents=True, exist_ok=True)
        prepare(plan, options.data_root, options.work, options.sets, console, start=options.init)
        with console.status("") as status:
            spent = learn(
                plan, options.work, device=device, tell=lambda what, share: status.update(f"{share:.0%} {what}")
            )
        folder = options.work / "encoder"
        write_encoder(plan, options.work, folder)
        return {**spent["parts"], "encoder": str(folder)}

    code: int = explained(job)
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vocnlp.training.distil", description=__doc__)
    parser.add_argument(
        "--data-root", type=Path, required=True, help="the folder with aspect/, sentiment/ and pretrain/"
    )
    parser.add_argument("--work", type=Path, required=True, help="where numbers, parts and checkpoints are kept (3 GB)")
    parser.add_argument("--recipe", type=Path, default=SHIPPED, help="a TOML file of settings (the shipped encoder's)")
    parser.add_argument(
        "--sets", type=Path, default=SHIPPED.with_name("voc-zh-small.toml"), help="the recipe of the labelled sets"
    )
    parser.add_argument("--init", type=Path, help="keep its tokenizer; with goes_on the student begins as it")
    parser.add_argument("--device", default=None, help="cpu or cuda (cuda where there is one)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
