"""From the sets to numbers: the corpus as for pretraining, and the labelled comments of a recipe."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from tokenizers import Tokenizer

from vocnlp.training.encoder_train import kept_apart
from vocnlp.training.mapping import ENCODER
from vocnlp.training.preparing import prepare_sets
from vocnlp.training.pretrain.plan import read_plan
from vocnlp.training.pretrain.stages import prepare as prepare_corpus
from vocnlp.training.reading import examples
from vocnlp.windows import Marks

from .numbers import APART, DEV, LABELLED_SETS, TRAIN, save_labelled

NAMES = "names.json"


def prepare(root: Path, work: Path, recipe: Path, console: Console, *, start: Path | None, window: int) -> None:
    """Fill ``work``; what stands there is not made again. start: an encoder or a bundle whose tokenizer is kept."""
    prepare_corpus(read_plan(), root, work, console, start=start)
    if (work / NAMES).is_file():
        return
    console.print("reading the labelled sets")
    prepared = prepare_sets(recipe, root, start=None, kind=ENCODER)
    train = [row for row in prepared.train if row.text.strip()]
    dev = [row for row in prepared.dev if row.text.strip()]
    carrying = Counter(code for row in train for code in {tag.code for tag in row.tags})
    codes = [code.id for code in prepared.plan.frame.taggable if carrying[code.id] >= 2]
    rows = [*train, *dev]
    read = examples(rows, codes, Tokenizer.from_file(str(work / "tokenizer.json")), window, Marks())
    sources = sorted({row.source for row in rows})
    number = {name: k for k, name in enumerate(sources)}
    part = [APART if kept_apart(row) else TRAIN for row in train] + [DEV] * len(dev)
    save_labelled(work / LABELLED_SETS, read, part, [number[row.source] for row in rows])
    (work / NAMES).write_text(json.dumps({"codes": codes, "sources": sources}, indent=1), encoding="utf-8")
