"""Rows to review as Label Studio tasks with pre-annotations, the labelling interface for a frame, and its export read back.

A region of the control ``label`` is a code with its words; a choice of ``polarity`` that bears the region's id is how it
is meant; ``mood`` is the sentiment of the whole, ``codes`` are codes without words, ``note`` is free text. The formats:
https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions (basic JSON, annotated tasks).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from .codeframe import Codeframe
from .errors import InputError
from .review_rows import (
    CHANGED,
    CONFIRMED,
    SKIPPED,
    Answer,
    Answers,
    Mark,
    Origin,
    Problem,
    ReviewError,
    ReviewRow,
    Sample,
    answered,
    code_of,
    display_names,
    standing,
)
from .review_sheet import MARKED, POLARITY, REASON, check_frame
from .unfinished import writing

LABEL, POLE, MOOD, CODES, NOTE, SHOWN = "label", "polarity", "mood", "codes", "note", "text"
_BACK = {shown: polarity for polarity, shown in MARKED.items()}
_COLOURS = ("#4E79A7", "#F28E2B", "#E15759", "#76B7B2", "#59A14F", "#EDC948", "#B07AA1", "#FF9DA7", "#9C755F")
_POLES, _MOODS = (
    "".join(f'\n      <Choice value="{shown}"/>' for shown in known.values()) for known in (MARKED, POLARITY)
)


def tasks(sample: Sample) -> list[dict[str, Any]]:
    """The tasks to import into a project whose interface is ``interface(frame)``."""
    names = display_names(sample.frame)
    return [_task(row, sample, names) for row in sample.rows]


def _task(row: ReviewRow, sample: Sample, names: Mapping[str, str]) -> dict[str, Any]:
    why = REASON[row.origin.reason]
    about = "、".join(names[code] for code in row.codes if code in names)
    kept = {"frame": sample.frame.digest, "origin": row.origin.to_dict()}
    return {
        "data": {"id": row.id, "text": row.text, "why": f"{why}：{about}" if about else why},
        "meta": {"vocnlp": kept},
        "predictions": [{"model_version": sample.bundle, "result": list(_results(row, names))}],
    }


def _results(row: ReviewRow, names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    loose = []
    for number, mark in enumerate(row.origin.suggested):
        name = names.get(mark.code)
        if name is None:
            continue
        if mark.start is None or mark.end is None:
            loose.append(name)
            continue
        span = {"start": mark.start, "end": mark.end, "text": row.text[mark.start : mark.end]}
        region = {"id": f"tag{number}", "to_name": SHOWN}
        yield {**region, "from_name": LABEL, "type": "labels", "value": {**span, "labels": [name]}}
        if mark.polarity in MARKED:
            value = {**span, "choices": [MARKED[mark.polarity]]}
            yield {**region, "from_name": POLE, "type": "choices", "value": value}
    whole = {"to_name": SHOWN, "type": "choices"}
    if loose:
        yield {**whole, "id": "loose", "from_name": CODES, "value": {"choices": loose}}
    if row.origin.sentiment in POLARITY:
        yield {**whole, "id": "whole", "from_name": MOOD, "value": {"choices": [POLARITY[row.origin.sentiment]]}}


def interface(frame: Codeframe) -> str:
    """The labelling configuration of a frame, to paste into the project's settings."""
    names = display_names(frame).values()
    colours = (_COLOURS[at % len(_COLOURS)] for at in range(len(names)))
    labels = "".join(
        f'\n      <Label value={quoteattr(name)} background="{colour}"/>'
        for name, colour in zip(names, colours, strict=True)
    )
    loose = "".join(f"\n      <Choice value={quoteattr(name)}/>" for name in names)
    return f"""<View>
  <Header value="$why" size="5"/>
  <Labels name="{LABEL}" toName="{SHOWN}">{labels}
  </Labels>
  <Text name="{SHOWN}" value="$text" granularity="symbol"/>
  <Choices name="{POLE}" toName="{SHOWN}" perRegion="true" choice="single-radio">{_POLES}
  </Choices>
  <Header value="整体情感" size="5"/>
  <Choices name="{MOOD}" toName="{SHOWN}" choice="single-radio" showInline="true">{_MOODS}
  </Choices>
  <Header value="说到但划不出原话的标签" size="5"/>
  <Choices name="{CODES}" toName="{SHOWN}" choice="multiple" showInline="true">{loose}
  </Choices>
  <TextArea name="{NOTE}" toName="{SHOWN}" placeholder="备注" maxSubmissions="1"/>
</View>
"""


def is_studio_export(path: Path) -> bool:
    """Whether a file is named like Label Studio's export."""
    return path.suffix.lower() == ".json"


def read_studio(path: Path, frame: Codeframe, *, by: str = "") -> Answers:
    """What coders annotated in an export of the kind JSON; tasks without an annotation are open.

    ``completed_by`` may be a number, a name or an object with an e-mail address; ``by`` stands in where it is missing. An
    annotation that was cancelled is a skip. InputError for another kind of file or codeframe; ReviewError lists what
    cannot be used, its rows being tasks.
    """
    reading = _Reading(path, frame, by)
    for number, task in enumerate(_read(path), 1):
        reading.add(number, task)
    if reading.problems:
        raise ReviewError(path, reading.problems)
    return Answers(tuple(reading.answers), reading.open, tuple(reading.remarks))


def _read(path: Path) -> list[Any]:
    hint = "export from Label Studio as JSON (not JSON-MIN, not CSV)"
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="check the spelling and the folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}", path=path, hint=hint) from error
    if not isinstance(content, list) or not all(isinstance(task, dict) and "data" in task for task in content):
        raise InputError("is no export of annotated tasks", path=path, hint=hint)
    return content


@dataclass
class _Regions:
    """The results of one annotation, put together by the ids of their regions."""

    codes: dict[str, list[str]] = field(default_factory=dict)
    spans: dict[str, tuple[int, int, str | None]] = field(default_factory=dict)
    poles: dict[str, str] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)
    mood: str = ""
    note: str = ""

    def add(self, result: Mapping[str, Any]) -> None:
        """KeyError, TypeError, ValueError or IndexError where a result is none of this interface."""
        name, value, region = result.get("from_name"), result.get("value", {}), str(result.get("id"))
        if name == LABEL:
            self.codes[region] = [str(label) for label in value["labels"]]
            words = value.get("text")
            self.spans[region] = int(value["start"]), int(value["end"]), None if words is None else str(words)
        elif name == POLE:
            self.poles[region] = "".join(map(str, value["choices"][:1]))  # what was chosen and given up is empty
        elif name == MOOD:
            self.mood = "".join(map(str, value["choices"][:1]))
        elif name == CODES:
            self.loose += [str(choice) for choice in value["choices"]]
        elif name == NOTE:
            self.note = "\n".join(map(str, value["text"] if isinstance(value["text"], list) else [value["text"]]))


class _Reading:
    """Turns tasks into answers, and collects what is wrong with them."""

    def __init__(self, path: Path, frame: Codeframe, by: str) -> None:
        self._path, self._frame, self._by = path, frame, by
        self.answers: list[Answer] = []
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.open = 0

    def add(self, number: int, task: Mapping[str, Any]) -> None:
        given = self._given(number, task)
        done = [one for one in task.get("annotations") or () if isinstance(one, dict)]
        self.open += not done
        for annotation in done if given is not None else ():
            self._annotation(number, given, annotation)  # type: ignore[arg-type]

    def _given(self, number: int, task: Mapping[str, Any]) -> ReviewRow | None:
        data = task["data"]
        try:
            kept = task["meta"]["vocnlp"]
            check_frame(self._path, self._frame, str(kept["frame"]))
            return ReviewRow(str(data["id"]), str(data["text"]), Origin.from_dict(kept["origin"]))
        except (KeyError, TypeError, ValueError):
            who = str(data.get("id", "")) if isinstance(data, Mapping) else ""
            self._wrong(number, "meta", who, "was not given out for review: its meta is gone")
            return None

    def _annotation(self, number: int, given: ReviewRow, annotation: Mapping[str, Any]) -> None:
        who = _who(annotation.get("completed_by")) or self._by
        name, at = _moment(annotation)
        found = len(self.problems)
        regions = _Regions()
        try:
            for result in annotation.get("result") or ():
                regions.add(result)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            told = "of this annotation a result is none of the interface that was written beside the tasks"
            self._wrong(number, "result", str(annotation.get("id")), told)
        if not who:
            self._wrong(number, "completed_by", "", "nobody says who answered")
        if at is None:
            self._wrong(number, name, str(annotation.get(name)), "is no moment, as 2026-05-01T10:00:00Z")
        marks = tuple(dict.fromkeys(self._marks(number, given, regions)))
        mood = self._pole(number, MOOD, regions.mood)
        if len(self.problems) > found or at is None:
            return
        same = set(marks) == set(given.origin.suggested) and mood == given.origin.sentiment
        action = SKIPPED if annotation.get("was_cancelled") else CONFIRMED if same else CHANGED
        note = regions.note.strip()
        self.answers.append(answered(given, marks, mood, by=who, at=at, action=action, note=note))

    def _marks(self, number: int, given: ReviewRow, regions: _Regions) -> Iterable[Mark]:
        for region, labels in regions.codes.items():
            start, end, words = regions.spans[region]
            if (place := standing(given.text, start, end, words)) is None:
                told = f"{start}-{end}" + (f" {words}" if words is not None else "")
                self._wrong(number, LABEL, told, "does not stand there in the comment")
            start, end = place or (start, end)
            for label in labels:
                if code := self._code(number, label):
                    yield Mark(code, self._pole(number, POLE, regions.poles.get(region, "")), start, end)
        for label in regions.loose:
            if code := self._code(number, label):  # asked for no polarity, so that of the suggestion stays
                loose = [one for one in given.origin.suggested if one.code == code and one.start is None]
                yield from loose or [Mark(code)]

    def _code(self, number: int, label: str) -> str | None:
        code = code_of(label, self._frame)
        if code is None:
            self._wrong(number, LABEL, label, "the codeframe has no such code")
        return code

    def _pole(self, number: int, column: str, word: str) -> str | None:
        known = POLARITY if column == MOOD else MARKED
        if word and _BACK.get(word) not in known:
            self._wrong(number, column, word, f"is none of {'、'.join(known.values())}")
        return _BACK.get(word)

    def _wrong(self, number: int, column: str, value: str, problem: str) -> None:
        self.problems.append(Problem(number, column, value, problem))


def _who(by: Any) -> str:
    """A name for ``completed_by``: the e-mail address or the id where it is an object."""
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("username") or by.get("id")
    return "" if by is None else str(by).strip()


def _moment(annotation: Mapping[str, Any]) -> tuple[str, str | None]:
    """The field that says when it was last changed, and that moment in UTC; None where it cannot be read."""
    name = "updated_at" if annotation.get("updated_at") else "created_at"
    try:
        moment = datetime.fromisoformat(str(annotation.get(name)))
    except ValueError:
        return name, None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return name, moment.astimezone(UTC).isoformat(timespec="seconds")


def write_studio(sample: Sample, path: Path) -> None:
    """Write the tasks at ``path`` and the interface beside it as .xml, each whole or not at all. OutputError if not."""
    parts = {
        path: json.dumps(tasks(sample), ensure_ascii=False, indent=1),
        path.with_suffix(".xml"): interface(sample.frame),
    }
    for target, content in parts.items():
        fresh = target.with_name(f".{target.name}.part")
        with writing(target):
            try:
                fresh.write_text(content, encoding="utf-8")
                fresh.replace(target)
            finally:
                fresh.unlink(missing_ok=True)
