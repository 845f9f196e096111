"""What two codeframes have in common, and labelled rows put into its words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import Prediction

from .label_advice import meant
from .labelled import Labelled


@dataclass(frozen=True)
class Shared:
    """The codes of both frames under the ids of the new one, and the rows with them alone."""

    codes: tuple[str, ...]
    rows: tuple[Labelled, ...]
    new_id: Mapping[str, str]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    def renamed(self, prediction: Prediction) -> Prediction:
        """An answer of the old frame's tagger: shared codes alone, under their new ids."""
        tags = [replace(tag, code=self.new_id[tag.code]) for tag in prediction.tags if tag.code in self.new_id]
        return self.kept(replace(prediction, tags=tuple(tags)))

    def kept(self, prediction: Prediction) -> Prediction:
        """An answer of the new frame's tagger, shared codes alone."""
        return replace(prediction, tags=tuple(tag for tag in prediction.tags if tag.code in self.codes))


def shared_codes(
    old: Codeframe, new: Codeframe, rows: Sequence[Labelled], codes: Collection[str] | None = None
) -> Shared:
    """Codes are the same by id, or by a name that each frame gives to one code; ``codes`` keeps some of them.

    A row keeps its shared codes, and what was looked for in it narrows to them. InputError where there is no row, a
    label that neither frame has, or neither a shared code nor a sentiment to compare by.
    """
    if not rows:
        raise InputError(
            "there is no labelled comment to compare on", hint="give --data with at least one labelled row"
        )
    new_id = _same(old, new)
    only_old = tuple(code.id for code in old.codes if code.id not in new_id)
    only_new = tuple(code.id for code in new.codes if code.id not in set(new_id.values()))
    ids = _meanings(rows, old, new, new_id)
    wanted = _wanted(codes, old, new, new_id)
    kept = tuple(code.id for code in new.codes if code.id in wanted)
    narrowed = tuple(_narrowed(row, ids, frozenset(kept)) for row in rows)
    if not kept and not any(row.sentiment for row in rows):
        hint = "compare bundles whose codeframes share codes, or give data with a sentiment"
        raise InputError(f"the codeframes {old.name} and {new.name} share no code", hint=hint)
    return Shared(kept, narrowed, new_id, only_old, only_new)


def _same(old: Codeframe, new: Codeframe) -> dict[str, str]:
    """Id of the old frame -> id of the new one, for the codes that both have."""
    found = {code.id: code.id for code in old.codes if code.id in new}
    for code in old.codes:
        other = new.resolve(code.name)
        if code.id not in found and other is not None and other.id not in old and old.resolve(code.name) == code:
            found[code.id] = other.id
    return found


def _meanings(
    rows: Sequence[Labelled], old: Codeframe, new: Codeframe, new_id: Mapping[str, str]
) -> dict[str, str | None]:
    """Label in the data -> new id of the shared code, None where only one frame has it."""
    labels = {tag.code for row in rows for tag in row.tags} | {c for row in rows for c in row.annotated or ()}
    tagged = {tag.code: row for row in reversed(rows) for tag in row.tags}
    found: dict[str, str | None] = {}
    for label in sorted(labels):
        here, there = new.resolve(label), old.resolve(label)
        if here is None and there is None and label in tagged:
            near = meant(label, new) or meant(label, old)
            hint = f"did you mean {near!r}?" if near else "add it to a codeframe, or take its tags out of the data"
            said = f"neither codeframe, {old.name} or {new.name}, has such a code"
            row = tagged[label]
            raise InputError(
                said, path=row.path or row.source, row=row.row or None, column="code", value=label, hint=hint
            )
        shared = here.id if here is not None and here.id in new_id.values() else None
        found[label] = shared or (new_id.get(there.id) if there is not None else None)
    return found


def _wanted(codes: Collection[str] | None, old: Codeframe, new: Codeframe, new_id: Mapping[str, str]) -> set[str]:
    if codes is None:
        return set(new_id.values())
    if not codes:
        raise InputError("names no code to compare", column="--codes", hint="give ids or names: --codes a,b")
    wanted = set()
    for label in codes:
        here, there = new.resolve(label), old.resolve(label)
        found = here.id if here is not None else new_id.get(there.id) if there is not None else None
        if found not in new_id.values():
            why = "neither codeframe has such a code" if here is None and there is None else "only one codeframe has it"
            raise InputError(
                f"cannot be compared: {why}", column="--codes", value=label, hint="see vocnlp codeframe show"
            )
        wanted.add(str(found))
    return wanted


def _narrowed(row: Labelled, ids: Mapping[str, str | None], kept: frozenset[str]) -> Labelled:
    tags = [(tag, ids[tag.code]) for tag in row.tags]
    looked: frozenset[str] | None = kept
    if row.annotated is not None:
        looked = frozenset(code for label in row.annotated if (code := ids[label]) is not None) & kept
    elif not row.coded:
        looked = None
    return replace(row, tags=tuple(replace(tag, code=code) for tag, code in tags if code in kept), annotated=looked)
