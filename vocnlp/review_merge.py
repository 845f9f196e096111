"""Answers put together: a labelled jsonl of all of them that says who and when, and of it the labels that coders agree on.

A line is a labelled row as training reads it, with ``reviewed`` (by, at, action, note) and ``origin`` beside. A coder has
one answer a comment, the latest; two coders have two lines.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .codeframe import Codeframe
from .errors import InputError
from .jsonlines import dump_json
from .review_rows import ACTIONS, SKIPPED, Answer, Mark, Origin
from .unfinished import writing

_HINT = "give the file that `vocnlp review import` writes"


@dataclass(frozen=True)
class Merged:
    """What came of putting new answers to old ones; ``repeated`` are earlier answers of a coder, given up for a later."""

    answers: tuple[Answer, ...]
    added: int
    replaced: int
    unchanged: int
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adjudicated:
    """One answer a comment, and the ids of comments on which coders disagree without a majority."""

    settled: tuple[Answer, ...]
    disputed: tuple[str, ...]


def merge(old: Sequence[Answer], new: Sequence[Answer], *, path: Path | str = "answers") -> Merged:
    """New answers beside old ones, in order of first appearance. Merging the same answers again changes nothing.

    Of one coder the later answer to a comment counts, by its moment, or its place where the moments are equal.
    InputError where a comment has another text than before: it is another comment under the same id.
    """
    kept = {answer.key: answer for answer in old}
    texts = {answer.id: answer.text for answer in old}
    fresh: dict[tuple[str, str], Answer] = {}
    repeated = []
    for answer in new:
        if texts.setdefault(answer.id, answer.text) != answer.text:
            hint = "ids have to be unique over all exports that are reviewed into one file"
            raise InputError("has another text than the reviewed comment of this id", path=path, column="id",
                             value=answer.id, hint=hint)  # fmt: skip
        if answer.key in fresh:
            repeated.append(f"{answer.id} ({answer.by})")
        if answer.key not in fresh or answer.at >= fresh[answer.key].at:
            fresh[answer.key] = answer
    added = replaced = unchanged = 0
    for key, answer in fresh.items():
        if key not in kept:
            added += 1
        elif kept[key].says() == answer.says() or answer.at < kept[key].at:
            unchanged += 1
            continue
        else:
            replaced += 1
        kept[key] = answer
    return Merged(tuple(kept.values()), added, replaced, unchanged, tuple(repeated))


def adjudicate(answers: Sequence[Answer], *, adjudicator: str = "") -> Adjudicated:
    """The label of every comment: what its only coder said, what more than half of its coders say, or the adjudicator.

    A code is given where more than half of the coders give it, with the polarity that more than half of those give.
    Exactly half, or no such polarity, is a dispute, and so is a sentiment without a majority where somebody judged it. Skips do not vote.
    """
    by_id: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.action != SKIPPED:
            by_id[answer.id].append(answer)
    settled, disputed = [], []
    for number, said in by_id.items():
        verdict = next((answer for answer in said if adjudicator and answer.by == adjudicator), None)
        verdict = verdict or _majority(said)
        if verdict is None:
            disputed.append(number)
        else:
            settled.append(verdict)
    return Adjudicated(tuple(settled), tuple(disputed))


def _majority(said: Sequence[Answer]) -> Answer | None:
    if len(said) == 1:
        return said[0]
    marks = []
    votes = Counter(code for answer in said for code in {mark.code for mark in answer.tags})
    for code, count in votes.items():
        if 2 * count == len(said):
            return None
        if 2 * count > len(said):
            mark = _agreed(code, said, count)
            if mark is None:
                return None
            marks.append(mark)
    moods = Counter(answer.sentiment for answer in said)
    mood, most = moods.most_common(1)[0]
    if 2 * most <= len(said):
        return None
    last = max(said, key=lambda answer: answer.at)
    by = "+".join(sorted(answer.by for answer in said))
    return Answer(last.id, last.text, tuple(marks), mood, by, last.at, last.action, last.note, last.origin)


def _agreed(code: str, said: Sequence[Answer], coders: int) -> Mark | None:
    """The first mark of the polarity that more than half of the coders who give the code give; None if there is none."""
    poles = Counter(pole for answer in said for pole in {m.polarity for m in answer.tags if m.code == code})
    pole, most = poles.most_common(1)[0]
    if 2 * most <= coders:
        return None
    return next(m for answer in said for m in answer.tags if m.code == code and m.polarity == pole)


def read_answers(path: Path) -> list[Answer]:
    """The answers of a file that ``write_answers`` made; an empty list where there is no file.

    InputError names the line that is none.
    """
    if not path.exists():
        return []
    answers = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            answers.append(_answer(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"is no reviewed row: {error!r}", path=path, row=number, hint=_HINT) from error
    return answers


def _answer(row: Mapping[str, Any]) -> Answer:
    reviewed = row["reviewed"]
    if reviewed["action"] not in ACTIONS:
        raise ValueError(f"{reviewed['action']!r} is no action")
    tags = tuple(Mark.from_dict(tag) for tag in row["tags"])
    origin = Origin.from_dict(row["origin"]) if row.get("origin") else None
    words = (str(reviewed[name]) for name in ("by", "at", "action"))
    by, at, action = words
    note = str(reviewed.get("note", ""))
    return Answer(str(row["id"]), str(row["text"]), tags, row.get("sentiment"), by, at, action, note, origin)


def to_row(answer: Answer, frame: Codeframe) -> dict[str, Any]:
    """The answer as a labelled row.

    A row without any tag says with ``annotated`` which codes were looked for: otherwise a sentiment alone would tell
    training nothing of codes.
    """
    row: dict[str, Any] = {"id": answer.id, "text": answer.text, "tags": [mark.to_dict() for mark in answer.tags]}
    if not answer.tags and answer.action != SKIPPED:
        row["annotated"] = [code.id for code in frame.taggable]
    if answer.sentiment is not None:
        row["sentiment"] = answer.sentiment
    row["reviewed"] = {"by": answer.by, "at": answer.at, "action": answer.action}
    if answer.note:
        row["reviewed"]["note"] = answer.note
    if answer.origin is not None:
        row["origin"] = answer.origin.to_dict()
    return row


def write_answers(path: Path, answers: Iterable[Answer], frame: Codeframe) -> None:
    """Write labelled rows as jsonl, whole or not at all. OutputError where it cannot be written."""
    fresh = path.with_name(f".{path.name}.part")
    with writing(path):
        try:
            with fresh.open("w", encoding="utf-8", newline="\n") as file:
                for answer in answers:
                    file.write(dump_json(to_row(answer, frame)) + "\n")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
