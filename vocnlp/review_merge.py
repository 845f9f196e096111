"""Answers put together: a labelled jsonl of all of them that says who and when, and of it the labels that coders agree on.

A line is a labelled row as training reads it, with ``reviewed`` (by, at, action, note) and ``origin`` beside. A coder has
one answer a comment, the latest; two coders have two lines.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .codeframe import Codeframe
from .errors import InputError, OutputError
from .jsonlines import dump_json
from .review_rows import ACTIONS, SKIPPED, Answer, Mark, Origin
from .unfinished import writing

_HINT = "give the file that `vocnlp review import` writes"
_ELSEWHERE = "choose another name for --gold"


@dataclass(frozen=True)
class Merged:
    """What came of putting new answers to old ones; ``repeated`` are earlier answers of a coder, given up for a later.

    older: other answers than the ones there, and not taken because they are of an earlier moment
    """

    answers: tuple[Answer, ...]
    added: int
    replaced: int
    unchanged: int
    repeated: tuple[str, ...] = ()
    older: tuple[str, ...] = ()


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
    repeated, older = [], []
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
        elif kept[key].says() == answer.says():
            unchanged += 1
            continue
        elif answer.at < kept[key].at:
            older.append(f"{answer.id} ({answer.by})")
            continue
        else:
            replaced += 1
        kept[key] = answer
    return Merged(tuple(kept.values()), added, replaced, unchanged, tuple(repeated), tuple(older))


def adjudicate(answers: Sequence[Answer], *, adjudicator: str = "") -> Adjudicated:
    """The label of every comment: what its only coder said, what more than half of its coders say, or the adjudicator.

    A code is given where more than half of the coders give it, with the polarity that more than half of those give.
    Exactly half, or no such polarity, is a dispute, and so is a sentiment without a majority where somebody judged it. Skips do not vote.
    InputError where the adjudicator is none of the coders: a name with a slip in it would settle nothing.
    """
    coders = sorted({answer.by for answer in answers})
    if adjudicator and coders and adjudicator not in coders:
        hint = f"name one of the coders: {', '.join(coders)}"
        raise InputError("no answer is by this adjudicator", value=adjudicator, hint=hint)
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

    InputError names the line that is none, or the file where it cannot be read.
    """
    if not path.exists():
        return []
    try:
        # Bytes end a line at a line feed only. Text may hold U+2028 or U+0085, and str.splitlines would cut there too.
        with path.open("rb") as lines:
            read = [_read_line(path, number, line.removeprefix(BOM_UTF8)) for number, line in enumerate(lines, 1)]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=_HINT) from error
    return [answer for answer in read if answer is not None]


def _read_line(path: Path, number: int, line: bytes) -> Answer | None:
    """None for a blank line."""
    if not line.strip():
        return None
    try:
        return _answer(json.loads(line.decode("utf-8")))
    except UnicodeDecodeError as error:
        hint = f"{_HINT}, in UTF-8 as it was written"
        raise InputError("this line is not UTF-8", path=path, row=number, hint=hint) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"is no reviewed row: {error!r}", path=path, row=number, hint=_HINT) from error


def _answer(row: Mapping[str, Any]) -> Answer:
    reviewed = row["reviewed"]
    if reviewed["action"] not in ACTIONS:
        raise ValueError(f"{reviewed['action']!r} is no action")
    tags = tuple(Mark.from_dict(tag) for tag in row["tags"])
    sentiment = row.get("sentiment")
    if reviewed["action"] == SKIPPED:
        tags, sentiment = (), None  # of older files, which kept the suggestion
    origin = Origin.from_dict(row["origin"]) if row.get("origin") else None
    words = (str(reviewed[name]) for name in ("by", "at", "action"))
    by, at, action = words
    note = str(reviewed.get("note", ""))
    return Answer(str(row["id"]), str(row["text"]), tags, sentiment, by, at, action, note, origin)


def read_labels(path: Path) -> list[Answer]:
    """The labels that stand where new ones are to be written; an empty list where there is no file.

    OutputError where something else stands there, as labels of a person's own: it would be lost.
    """
    try:
        return read_answers(path)
    except InputError as error:
        told = "holds something else than the labels that `vocnlp review import` writes, and would lose it"
        raise OutputError(told, path=path, hint=_ELSEWHERE) from error


def check_labels(path: Path, labels: Iterable[Answer], answers: Iterable[Answer]) -> None:
    """OutputError where the labels at ``path`` cannot be made anew from the answers.

    They can if they are one a comment, and the coders of each, joined by ``+`` where they are several, answered it.
    """
    coders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for answer in answers:
        coders[answer.id, answer.text].update(answer.by.split("+"))
    seen: set[str] = set()
    for label in labels:
        if label.id in seen or not set(label.by.split("+")) <= coders[label.id, label.text]:
            told = f"would lose the label of {label.id} by {label.by}, which these answers do not give again"
            raise OutputError(told, path=path, hint=_ELSEWHERE)
        seen.add(label.id)


def to_row(answer: Answer, frame: Codeframe) -> dict[str, Any]:
    """The answer as a labelled row.

    A row without any tag says with ``annotated`` which codes were looked for: otherwise a sentiment alone would tell
    training nothing of codes. Of a skipped row those are none.
    """
    row: dict[str, Any] = {"id": answer.id, "text": answer.text, "tags": [mark.to_dict() for mark in answer.tags]}
    if not answer.tags:
        row["annotated"] = [code.id for code in frame.taggable] if answer.action != SKIPPED else []
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
