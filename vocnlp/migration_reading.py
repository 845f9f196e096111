"""A migration's file: YAML with where it starts, where it ends, and its changes, each checked against the frame."""

from __future__ import annotations

from pathlib import Path

from .codeframe import Codeframe
from .codeframe_parts import RuleTerms, fits_as_id, read_code
from .codeframe_reading import Located, read_located
from .errors import CodeframeError
from .migration import Migration, label_of, migration
from .migration_changes import ADD, KINDS, MERGE, MOVE, RENAME, SPLIT, Change, changed

GUESS = "guess"


def read_migration(path: Path, old: Codeframe) -> Migration:
    """The migration that a file describes, from ``old``.

    CodeframeError names file and line of what is no change, what the frame does not allow where it stands, and of a
    guess that nobody confirmed; and says so where the file is for another frame.
    """
    root = read_located(path)
    root.only("from", "to", "changes")
    _check_start(root, old)
    to = root.child("to")
    to.only("version")
    items = root.items("changes")
    if not items:
        raise root.error("changes", "there are none", hint="list at least one")
    frame, changes = old, []
    for item in items:
        change = _change(item, frame)
        frame = _located(item, frame, change)
        changes.append(change)
    try:
        return migration(old, changes, version=to.text("version", default=""))
    except CodeframeError as error:
        raise to.error("version", error.message, hint=error.hint) from None


def _check_start(root: Located, old: Codeframe) -> None:
    start = root.child("from")
    start.only("name", "version", "digest")
    for key, have in (("name", old.name), ("version", old.version)):
        if (want := start.text(key, default=have)) != have:
            told = f"the migration starts from {want!r}; the frame given is {label_of(old)}"
            raise start.error(key, told, hint="give the frame it was written for")
    digest = start.text("digest", default="")
    if not old.digest.startswith(digest):
        told = f"the frame has been changed since: its digest is {old.digest[:16]}, not {digest[:16]}"
        raise start.error("digest", told, hint="look at it again, then write the new digest")


def _change(item: Located, frame: Codeframe) -> Change:
    item.only(*KINDS, GUESS)
    if GUESS in item.content:
        hint = "read it; delete the key 'guess' if it is right, the whole change if it is not"
        raise item.error(GUESS, f"nobody has confirmed this guess: {item.text(GUESS)}", hint=hint)
    if len(item.content) != 1:
        raise item.error(None, "is not one change", hint=f"each item of the list has one of: {', '.join(KINDS)}")
    (kind,) = item.content
    told = item.child(kind)
    if kind == ADD:
        code_id = told.text("id")
        if not fits_as_id(code_id):
            raise told.error("id", f"{code_id!r} holds '|' or a control character")
        stages = {journey.id: {stage.id for stage in journey.stages} for journey in frame.journeys}
        return Change(ADD, (code_id,), code=read_code(told, stages, RuleTerms(frame.synonyms, frame.allow_regex)))
    if kind == MERGE:
        told.only("codes", "into")
        return Change(MERGE, told.texts("codes"), (told.text("into"),))
    if kind == SPLIT:
        told.only("code", "into")
        return Change(SPLIT, (told.text("code"),), told.texts("into"))
    key = {RENAME: "name", MOVE: "parent"}.get(kind, "reason")
    told.only("code", key)
    told.value(key)  # may be empty for a move to the top, but not forgotten
    words = told.text(key, default="") if kind == MOVE else told.text(key)
    return Change(kind, (told.text("code"),), words=words)


def _located(item: Located, frame: Codeframe, change: Change) -> Codeframe:
    try:
        return changed(frame, change)
    except CodeframeError as error:
        raise item.error(change.kind, error.message, hint=error.hint) from None


__all__ = ["GUESS", "read_migration"]
