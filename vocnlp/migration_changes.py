"""The changes a codeframe can go through, one at a time: what each does to the frame, and what it asks of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .codeframe import Code, Codeframe
from .errors import CodeframeError

RENAME, MOVE, ADD, MERGE, SPLIT, RETIRE = "rename", "move", "add", "merge", "split", "retire"
KINDS = (RENAME, MOVE, ADD, MERGE, SPLIT, RETIRE)
_UNITED = ("includes", "excludes", "positive", "negative", "keywords", "industries", "rules")


@dataclass(frozen=True)
class Change:
    """One step from a frame to the next.

    codes: the ids it is about; into: where they go (merge: one id, split: several)
    words: the new name, the new parent ("" for the top), or why a code is retired; code: the one that is added
    """

    kind: str
    codes: tuple[str, ...]
    into: tuple[str, ...] = ()
    words: str = ""
    code: Code | None = None

    def __str__(self) -> str:
        """The change on one line, as lists and histories show it."""
        told = {RENAME: f": name {self.words}", MOVE: f": parent {self.words or '-'}", RETIRE: f": {self.words}"}
        ends = f" -> {', '.join(self.into)}" if self.into else told.get(self.kind, "")
        return f"{self.kind} {', '.join(self.codes)}{ends}"

    def to_dict(self) -> dict[str, Any]:
        """The change in the shape of its file."""
        if self.kind == ADD and self.code is not None:
            fields = self.code.to_dict()
            empty = not any(fields["examples"].values()) if "examples" in fields else False
            return {ADD: {name: value for name, value in fields.items() if name != "examples" or not empty}}
        if self.kind == MERGE:
            return {MERGE: {"codes": list(self.codes), "into": self.into[0]}}
        if self.kind == SPLIT:
            return {SPLIT: {"code": self.codes[0], "into": list(self.into)}}
        key = {RENAME: "name", MOVE: "parent", RETIRE: "reason"}[self.kind]
        return {self.kind: {"code": self.codes[0], key: self.words}}


def changed(frame: Codeframe, change: Change) -> Codeframe:
    """The frame after one change, its version as it was; CodeframeError where the frame does not allow it."""
    for code in (*(() if change.kind == ADD else change.codes), *change.into):
        if code not in frame:
            hint = "vocnlp codeframe show lists the codes; one that is new is added first"
            raise CodeframeError(f"the frame has no code {code!r} at this point", hint=hint)
    return _STEPS[change.kind](frame, change)


def keeps(frame: Codeframe, change: Change) -> bool:
    """Whether a code that is split stays: as one of its own parts, or as the heading above them."""
    (code,) = change.codes
    return code in change.into or any(code in _above(frame, part) for part in change.into)


def _rename(frame: Codeframe, change: Change) -> Codeframe:
    return _with(frame, replace(frame[change.codes[0]], name=change.words))


def _move(frame: Codeframe, change: Change) -> Codeframe:
    (code,) = change.codes
    if change.words:
        if change.words not in frame:
            raise CodeframeError(f"the frame has no code {change.words!r} to stand under", hint="add it first")
        if code in {one.id for one in frame.path(change.words)}:
            raise CodeframeError(f"{change.words!r} stands under {code!r}, or is it", hint="move that one away first")
    return _with(frame, replace(frame[code], parent=change.words or None))


def _add(frame: Codeframe, change: Change) -> Codeframe:
    code = change.code
    if code is None:
        raise ValueError("an addition needs the code")
    if code.id in frame:
        raise CodeframeError(f"the frame has a code {code.id!r} already", hint="choose another id")
    if code.parent is not None and code.parent not in frame:
        raise CodeframeError(f"the frame has no code {code.parent!r} to stand under", hint="add it first")
    family = [at for at, one in enumerate(frame.codes) if code.parent in {up.id for up in frame.path(one.id)}]
    at = family[-1] + 1 if family else len(frame.codes)
    return replace(frame, codes=(*frame.codes[:at], code, *frame.codes[at:]))


def _merge(frame: Codeframe, change: Change) -> Codeframe:
    """Lists are united, the own ones first; name, definition, stage and owner stay those of the code that remains."""
    (into,) = change.into
    gone = [code for code in change.codes if code != into]
    if not gone:
        raise CodeframeError("nothing is merged", hint="name at least one code besides the one that remains")
    if above := [code for code in gone if code in _above(frame, into)]:
        raise CodeframeError(f"{into!r} stands under {above[0]!r}", hint="move it away first")
    kept = frame[into]
    lists: dict[str, Any] = {name: tuple(dict.fromkeys(getattr(kept, name))) for name in _UNITED}
    for code in gone:
        lists = {name: tuple(dict.fromkeys((*own, *getattr(frame[code], name)))) for name, own in lists.items()}
    united = replace(kept, **lists)
    moved = (replace(one, parent=into) if one.parent in gone else one for one in frame.codes if one.id not in gone)
    return replace(frame, codes=tuple(united if one.id == into else one for one in moved))


def _split(frame: Codeframe, change: Change) -> Codeframe:
    if len(set(change.into)) < 2:
        raise CodeframeError("a code is split into two or more", hint="to give it another id, add and merge")
    return frame if keeps(frame, change) else _without(frame, change.codes[0])


def _retire(frame: Codeframe, change: Change) -> Codeframe:
    return _without(frame, change.codes[0])


def _without(frame: Codeframe, code: str) -> Codeframe:
    if below := [one.id for one in frame.children(code)]:
        told = f"{code!r} has codes under it: {', '.join(below)}"
        raise CodeframeError(told, hint="move or retire them first")
    return replace(frame, codes=tuple(one for one in frame.codes if one.id != code))


def _with(frame: Codeframe, code: Code) -> Codeframe:
    return replace(frame, codes=tuple(code if one.id == code.id else one for one in frame.codes))


def _above(frame: Codeframe, code: str) -> list[str]:
    return [one.id for one in frame.path(code)[:-1]]


_STEPS: Mapping[str, Callable[[Codeframe, Change], Codeframe]] = {
    RENAME: _rename, MOVE: _move, ADD: _add, MERGE: _merge, SPLIT: _split, RETIRE: _retire,
}  # fmt: skip

__all__ = ["ADD", "KINDS", "MERGE", "MOVE", "RENAME", "RETIRE", "SPLIT", "Change", "changed", "keeps"]
