"""The stages of a pretraining, each with its result in the work folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import save_file
from tokenizers import Tokenizer

import vocnlp.frames
from vocnlp.codeframe import Codeframe
from vocnlp.encoder import VOCABULARY
from vocnlp.errors import InputError
from vocnlp.training.own_recipe import digest_of_start
from vocnlp.training.starts import PRETRAINING
from vocnlp.whole_files import whole

from .begun import check_begun, note_begun
from .corpus import Document, key, labelled_rows, moods, unlabelled
from .loop import HEADS, Training, table_of
from .plan import Plan
from .skipgram import word_vectors
from .tokens import Tokens, tokenise
from .vocabulary import build_tokenizer, count_words

_FRAME = Path(vocnlp.frames.__file__).parent / "voc-zh-general.yaml"
BEGUN = "begun.json"
_MAY_CHANGE = ("tokens", "rate")
PROBE = "products_nlpcc14_train"
_SPECIAL = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
_EVERY = 4  # one document in so many counts words: enough for a vocabulary


def run(
    plan: Plan, root: Path, work: Path, *, start: Path | None = None, device: str | None, console: Console
) -> dict[str, Any]:
    """All stages; returns what came out: tokens read, losses, the probe, the folder of the encoder.

    start: an encoder's folder, or a bundle's, to go on from with its own tokenizer
    """
    work.mkdir(parents=True, exist_ok=True)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    prepare(plan, root, work, console, start=start)
    corpus, probe = Tokens.load(work / "corpus"), Tokens.load(work / "probe")
    training = Training(plan, corpus, probe, work, start=start, device=device)
    last = None
    columns = (
        TextColumn("{task.description}"),
        *Progress.get_default_columns()[1:3],
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("pretraining", total=plan.tokens, completed=training.position.tokens)
        for last in training.steps():
            told = f"words {last.words:.2f} stars {last.stars:.2f} mood {last.mood:.2f} probe {last.probe or 0:.3f}"
            bar.update(task, completed=min(last.done, plan.tokens), description=told)
    folder = work / "encoder"
    write_encoder(training, folder)
    return {**training.spent, "encoder": str(folder)}


def prepare(plan: Plan, root: Path, work: Path, console: Console, *, start: Path | None = None) -> None:
    """Tokenizer, numbered corpus, probe and word vectors; what stands in the work folder is not made again.

    InputError where that was made for another plan or another start. A longer training, and one at another rate, go on.
    """
    told = {**plan.plain(), "init": None if start is None else digest_of_start(str(start))}
    told = {name: value for name, value in told.items() if name not in _MAY_CHANGE}
    check_begun(work / BEGUN, told)
    if (work / "vectors.npy").is_file():
        return
    # Before the corpus is read, which takes minutes: a folder that is no encoder is found at once.
    given = None if start is None else (_tokenizer_of(start), table_of(start))
    train, dev = labelled_rows(Codeframe.load(_FRAME), root)
    held_out = frozenset(key(row.text) for row in dev)

    def corpus() -> Iterator[Document]:
        return unlabelled(root, held_out, plan.shares, traditional=plan.traditional, seed=plan.seed)

    console.print("cutting and normalising the corpus, counting words")
    documents: list[Document] = list(corpus())
    labelled = list(moods(train))
    if given is None:
        tokenizer = build_tokenizer(count_words(one.clauses for one in _some(documents, _EVERY)), plan.vocabulary)
    else:
        tokenizer = given[0]
    note_begun(work / BEGUN, told)
    tokenizer.save(str(work / "tokenizer.json"))
    console.print(f"numbering {len(documents):,} documents with {tokenizer.get_vocab_size():,} tokens")
    numbered = tokenise([*documents, *labelled * plan.mood_repeats], tokenizer, plan.window)
    numbered.save(work / "corpus")
    probe = [row for row in dev if row.source == PROBE]
    tokenise(moods(probe), tokenizer, plan.window).save(work / "probe")
    size = tokenizer.get_vocab_size()
    (work / "vocabulary.json").write_text(json.dumps({"size": size, "tokens": int(numbered.start[-1])}))
    console.print(f"{numbered.start[-1]:,} tokens; word vectors")
    if given is None:
        table = word_vectors(numbered, size, plan.width, most=plan.skipgram_tokens, seed=plan.seed)
    else:
        table = given[1]
    with whole(work / "vectors.npy") as partial, partial.open("wb") as file:  # it says that all the others are there
        np.save(file, table)


def _tokenizer_of(folder: Path) -> Tokenizer:
    path = folder / VOCABULARY
    if not path.is_file():
        raise InputError(f"holds no {VOCABULARY}", path=folder, hint="give an encoder's folder, or a bundle's")
    return Tokenizer.from_file(str(path))


def _some(documents: Iterable[Document], every: int) -> Iterator[Document]:
    return (one for number, one in enumerate(documents) if number % every == 0)


def write_encoder(training: Training, folder: Path) -> None:
    """The encoder as ``AutoModel.from_pretrained`` reads it, in half precision, with its tokenizer and its heads."""
    folder.mkdir(parents=True, exist_ok=True)
    network = training.network
    network.encoder.half().save_pretrained(folder)  # type: ignore[no-untyped-call]
    network.encoder.float()  # type: ignore[no-untyped-call]
    write_tokenizer(training.work / VOCABULARY, folder, training.plan.window)
    (folder / PRETRAINING).write_text(json.dumps(training.spent, indent=1) + "\n", encoding="utf-8")
    heads = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("encoder.")}
    save_file({name: tensor.half().cpu().contiguous().clone() for name, tensor in heads.items()}, folder / HEADS)


def write_tokenizer(vocabulary: Path, folder: Path, window: int) -> None:
    """The tokenizer of ``vocabulary`` (a tokenizer.json) as ``AutoTokenizer.from_pretrained`` reads it."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer.from_file(str(vocabulary))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, model_max_length=window, **_SPECIAL
    ).save_pretrained(folder)  # fmt: skip
