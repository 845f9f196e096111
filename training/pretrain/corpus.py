"""Unlabelled and weakly labelled feedback, as documents of normalised clauses.

A document is cut and normalised exactly as a comment is when it is tagged: what the encoder meets in training is what
it meets at work. Development texts of the labelled sets are left out, so that every later figure stays honest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import POLARITIES
from vocnlp.text import RULES, clauses, normalise, normalise_all, simplify
from vocnlp.training.labelled import Labelled, starred_lines
from vocnlp.training.mapping import read_all, read_mapping

NO_MOOD = -1
_BLOCK = 4000


@dataclass(frozen=True, slots=True)
class Document:
    """One text: its normalised clauses, its stars (1-5, 0 = none), its mood (index into POLARITIES, -1 = unknown).

    two_class: the mood was judged without the choice of neutral, so it says nothing about neutral
    """

    clauses: tuple[str, ...]
    stars: int = 0
    mood: int = NO_MOOD
    two_class: bool = False


def key(text: str) -> str:
    """What is the same in near twins: letters and digits of the normalised text."""
    return "".join(character for character in normalise(text) if character.isalnum())


def labelled_rows(frame: Codeframe, root: Path) -> tuple[list[Labelled], list[Labelled]]:
    """(training, development) rows of all mapped sets that carry a sentiment or a code."""
    train: list[Labelled] = []
    dev: list[Labelled] = []
    for row in read_all(read_mapping(frame), frame, root):
        (dev if row.held_out else train).append(row)
    return train, dev


def moods(rows: Iterable[Labelled]) -> Iterator[Document]:
    """Rows with a sentiment, as documents."""
    chosen = [row for row in rows if row.sentiment in POLARITIES]
    for row, cut in zip(chosen, _cut([row.text for row in chosen]), strict=True):
        yield Document(cut, 0, POLARITIES.index(str(row.sentiment)), row.two_class)


def unlabelled(
    root: Path,
    held_out: frozenset[str],
    shares: Mapping[int, float],
    *,
    traditional: float,
    seed: int,
    workers: int = 2,
) -> Iterator[Document]:
    """Documents of every ``*.tsv.xz`` below ``root/pretrain``, in file order.

    held_out: keys of texts that must not be seen; shares: stars -> share of the reviews read;
    traditional: share of Traditional reviews whose characters are not converted. InputError if there is no such file, or
    a line is not UTF-8 or has no tab.
    """
    files = sorted((root / "pretrain").glob("*.tsv.xz"))
    if not files:
        raise InputError("holds no *.tsv.xz", path=root / "pretrain", hint="name the folder above pretrain/")
    with ProcessPoolExecutor(workers) as pool:
        for path in files:
            chance = _chance(f"{seed} {path.name}")
            wanted = (line for line in starred_lines(path) if chance.random() < shares.get(line[0], 1.0))
            pending = []
            for number, block in enumerate(_blocks(wanted)):
                pending.append(pool.submit(_documents, block, held_out, traditional, f"{seed} {path.name} {number}"))
                if len(pending) > 2 * workers:
                    yield from pending.pop(0).result()
            for job in pending:
                yield from job.result()


def _blocks(wanted: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    while block := list(islice(wanted, _BLOCK)):
        yield block


def _chance(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(seed.encode()))


def _documents(block: list[tuple[int, str]], held_out: frozenset[str], traditional: float, seed: str) -> list[Document]:
    chance = _chance(seed)
    kept = [(stars, text) for stars, text in block if len(text.strip()) > 1 and key(text) not in held_out]
    as_it_is = [chance.random() < traditional for _ in kept]
    converted = iter(_cut([text for (_, text), raw in zip(kept, as_it_is, strict=True) if not raw]))
    untouched = iter(_cut([text for (_, text), raw in zip(kept, as_it_is, strict=True) if raw], convert=False))
    found = [next(untouched if raw else converted) for raw in as_it_is]
    return [Document(cut, stars) for (stars, _), cut in zip(kept, found, strict=True) if cut]


def _cut(texts: list[str], *, convert: bool = True) -> list[tuple[str, ...]]:
    spans = [clauses(text) for text in texts]
    raw = [text[a:b].replace("\n", " ") for text, cut in zip(texts, spans, strict=True) for a, b in cut]
    plain = iter(normalise_all(raw) if convert else [_unconverted(clause) for clause in raw])
    return [tuple(islice(plain, len(cut))) for cut in spans]


def _unconverted(text: str) -> str:
    for rule in RULES:
        text = text if rule is simplify else rule(text)
    return text
