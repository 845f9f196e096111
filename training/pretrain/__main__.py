"""Pretrain the encoder: count words, build the tokenizer, number the corpus, find word vectors, train, write it out.

Every stage leaves its result in the work folder and is skipped when it stands there, so a stopped run goes on where it
was; the training itself goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from .edge import explained
from .plan import SHIPPED, read_plan


def main() -> int:
    options = _options()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

    def job(console: Console) -> dict[str, Any]:
        plan = read_plan(options.recipe)
        if options.tokens:
            plan = replace(plan, tokens=options.tokens)
        from .stages import run  # torch takes a second: --help does not wait for it

        return run(plan, options.data_root, options.work, start=options.init, device=options.device, console=console)

    return explained(job)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vocnlp.training.pretrain", description=__doc__)
    parser.add_argument(
        "--data-root", type=Path, required=True, help="the folder with aspect/, sentiment/ and pretrain/"
    )
    parser.add_argument("--work", type=Path, required=True, help="where the stages and checkpoints are kept (2 GB)")
    parser.add_argument("--recipe", type=Path, default=SHIPPED, help="a TOML file of settings (the shipped encoder's)")
    parser.add_argument("--tokens", type=int, help="read so many tokens, instead of the recipe's number")
    parser.add_argument("--init", type=Path, help="go on from this encoder or bundle, with its tokenizer")
    parser.add_argument("--device", default=None, help="cpu or cuda (cuda where there is one)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
