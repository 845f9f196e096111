"""From the sets to numbers: the corpus as for pretraining, and the labelled comments of a recipe."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from safetensors.torch import save_file

from vocnlp.errors import InputError
from vocnlp.training.blending import blended
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import network_of
from vocnlp.training.labelled import kept_apart
from vocnlp.training.mapping import ENCODER
from vocnlp.training.misspelling import misspelt
from vocnlp.training.own_recipe import sha256
from vocnlp.training.preparing import prepare_sets
from vocnlp.training.pretrain.begun import check_begun, note_begun
from vocnlp.training.pretrain.plan import read_plan
from vocnlp.training.pretrain.stages import prepare as prepare_corpus
from vocnlp.training.reading import examples
from vocnlp.training.starts import known_codes, pretraining_of
from vocnlp.whole_files import write_whole
from vocnlp.windows import Marks, tokenizer_of

from .numbers import APART, DEV, LABELLED_SETS, TRAIN, save_labelled
from .plan import Plan

NAMES = "names.json"
BEGUN = "distil.json"
BEGIN = "begin.safetensors"  # the student's weights, where the plan goes on from some


def prepare(plan: Plan, root: Path, work: Path, recipe: Path, console: Console, *, start: Path | None) -> None:
    """Fill ``work``; what stands there is not made again. start: an encoder or a bundle whose tokenizer is kept.

    InputError for a plan that goes on from a tagger where none, or none of the student's shape, is given, and where the folder
    was begun with another plan, other sets or another start.
    """
    if (plan.goes_on or plan.teacher_goes_on) and start is None:
        raise InputError("the recipe goes on from a tagger", column="goes_on", hint="name its folder with --init")
    told = {**plan.begun(), "sets": sha256(recipe)}
    check_begun(work / BEGUN, told)
    prepare_corpus(read_plan(), root, work, console, start=start)
    if (work / NAMES).is_file():
        return
    console.print("reading the labelled sets")
    prepared = prepare_sets(recipe, root, start=None, kind=ENCODER)
    train = [row for row in prepared.train if row.text.strip()]
    learnt = [row for row in train if not kept_apart(row)]
    more = [*misspelt(learnt, plan.misspelt, plan.seed), *blended(learnt, plan.blended, plan.seed)]
    dev = [row for row in prepared.dev if row.text.strip()]
    carrying = Counter(code for row in train for code in {tag.code for tag in row.tags})
    codes = [code.id for code in prepared.plan.frame.taggable if carrying[code.id] >= 2]
    note_begun(work / BEGUN, told)
    if (plan.goes_on or plan.teacher_goes_on) and start is not None:
        save_begin(plan, start, codes, work)
    rows = [*train, *more, *dev]
    read = examples(rows, codes, tokenizer_of((work / "tokenizer.json").read_bytes()), plan.window, Marks())
    sources = sorted({row.source for row in rows})
    number = {name: k for k, name in enumerate(sources)}
    part = [APART if kept_apart(row) else TRAIN for row in train] + [TRAIN] * len(more) + [DEV] * len(dev)
    save_labelled(work / LABELLED_SETS, read, part, [number[row.source] for row in rows])
    write_whole(work / NAMES, json.dumps({"codes": codes, "sources": sources}, indent=1))


def save_begin(plan: Plan, start: Path, codes: list[str], work: Path) -> None:
    """The tagger that the student goes on from, with the heads of these codes, in half precision, and what it has cost."""
    tagger = network_of(load_source(str(start), codes=known_codes(str(start))), codes)
    config = tagger.encoder.config
    window, one = config.max_position_embeddings, plan.student
    shape = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size, window)
    if shape != (wanted := (one.layers, one.width, one.heads, one.neurons, plan.window)):
        told = f"layers, width, heads, neurons and window are {shape}, those of the student {wanted}"
        raise InputError(told, path=start, hint="give a tagger of the student's shape, or leave goes_on out")
    tensors = {name: tensor.half().contiguous() for name, tensor in tagger.state_dict().items()}
    save_file(tensors, work / BEGIN, metadata={"spent": json.dumps(pretraining_of(start).get("pretraining", {}))})
