"""From one codeframe to the next: what becomes of each code, so that whatever carries codes can be carried over.

A code that is renamed or moved keeps its id, and nothing that carries it changes. Merged codes become one. Of a code
that is split nobody knows what a comment meant without reading it again: until then it counts for the nearest code
that stands above all parts (its *home*), so the figures of that one stay whole, and the rows are listed for a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .codeframe import Codeframe
from .codeframe_writing import next_version
from .errors import CodeframeError
from .migration_changes import ADD, MERGE, RETIRE, SPLIT, Change, changed
from .rule_checks import rule_warnings

OPEN = "+open"  # behind the codeframe of a row whose tags of a split code nobody has looked at again


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a code: it goes on as ``codes[0]``, is ``parted`` among several, or ends (no codes).

    ended: whether a part of it was retired, so that nobody knows of which comments the other parts are
    """

    codes: tuple[str, ...]
    parted: bool = False
    ended: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Migration:
    """The way from ``old`` to ``new``.

    fates: code id of the old frame -> what becomes of it
    touched: for each change, the ids of the old frame that it concerns
    """

    old: Codeframe
    new: Codeframe
    changes: tuple[Change, ...]
    fates: Mapping[str, Fate]
    touched: tuple[frozenset[str], ...]

    @property
    def before(self) -> str:
        """What rows of the old frame bear as ``voc_codeframe``."""
        return label_of(self.old)

    @property
    def after(self) -> str:
        return label_of(self.new)

    @cached_property
    def homes(self) -> dict[str, str]:
        """Split code -> the code it counts for until it is looked at again; itself where nothing stands above all parts."""
        return {code: self._home(code, fate.codes) for code, fate in self.fates.items() if fate.parted}

    def _home(self, code: str, parts: tuple[str, ...]) -> str:
        above = [[one.id for one in self.new.path(part)[:-1]] for part in parts]
        shared = [one for one in above[0] if all(one in other for other in above)]
        return shared[-1] if shared else code

    @cached_property
    def sources(self) -> dict[str, frozenset[str]]:
        """Code of the new frame -> the codes of the old one whose tags become, or may become, its own."""
        found: dict[str, set[str]] = {code.id: set() for code in self.new.codes}
        for code, fate in self.fates.items():
            for to in fate.codes:
                found[to].add(code)
        return {code: frozenset(whence) for code, whence in found.items()}

    @cached_property
    def becomes(self) -> dict[str, str | None]:
        """Code of the old frame whose tags change -> the code they get (a home for a split one), or None for none."""
        told = {code: self.homes.get(code, fate.codes[0] if fate.codes else None) for code, fate in self.fates.items()}
        return {code: to for code, to in told.items() if to != code or code in self.homes}

    @property
    def digest(self) -> str:
        """SHA-256 over where it starts, where it ends and every change."""
        content = json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The migration in the shape of its file."""
        start = {"name": self.old.name, "version": self.old.version, "digest": self.old.digest}
        changes = [change.to_dict() for change in self.changes]
        return {"from": start, "to": {"version": self.new.version}, "changes": changes}

    def notes(self) -> list[str]:
        """What a person has to look at, beside the rows of split codes."""
        lost = [code.id for code in self.old.taggable if (to := self.fates[code.id].codes) and not self._takes(to)]
        found = [f"{code}: comments carry it, but in the new frame it only stands above others" for code in lost]
        for change in self.changes:
            if change.kind == SPLIT:
                found += self._not_taken(change)
            elif change.kind == MERGE:
                found += self._rules_meet(change)
        return found

    def _takes(self, codes: tuple[str, ...]) -> bool:
        taggable = {code.id for code in self.new.taggable}
        return any(code in taggable for code in codes)

    def _not_taken(self, change: Change) -> list[str]:
        code = change.codes[0]
        if code not in self.old or code in self.new:
            return []
        parts = [self.new[part] for part in change.into if part in self.new]
        words = [w for w in self.old[code].keywords if not any(w in part.keywords for part in parts)]
        rules = [r.when for r in self.old[code].rules if not any(r in part.rules for part in parts)]
        found = [f"{code}: no part has its keywords {', '.join(words)}"] if words else []
        return found + [f"{code}: no part has its rule {when}" for when in rules]

    def _rules_meet(self, change: Change) -> list[str]:
        """Rules of several codes in one: one that decides silences the others, a veto reaches further than before."""
        into = change.into[0]
        if into not in self.new:
            return []
        own = [code for code in {*change.codes, into} if code in self.old and self.old[code].rules]
        if not own or (own == [into] and not self.new[into].keywords):
            return []
        taggable = frozenset(code.id for code in self.new.taggable)
        codes = (self.new[into],)
        warned = rule_warnings(codes, self.new.synonyms, taggable=taggable, exclusive=self.new.exclusive)
        said = [words for words in warned if words.startswith(f"{into}:")]
        if any(rule.effect == "veto" for rule in self.new[into].rules):
            said.append(f"{into}: its vetoes now hold for all that was merged into it")
        return said


def label_of(frame: Codeframe) -> str:
    """What rows tagged with a frame bear as ``voc_codeframe``."""
    return f"{frame.name}@{frame.version}"


def migration(old: Codeframe, changes: Iterable[Change], *, version: str = "") -> Migration:
    """Every change applied in its order; ``version`` of the new frame, by default the next one.

    CodeframeError where the frame, as the changes before left it, does not allow one, and where the version stays.
    """
    steps = tuple(changes)
    frame, fates = old, {code.id: Fate((code.id,)) for code in old.codes}
    touched = []
    for change in steps:
        after = changed(frame, change)
        about = {code for code, fate in fates.items() if change.kind != ADD and {*fate.codes} & {*change.codes}}
        fates = {code: _next(fate, change) if code in about else fate for code, fate in fates.items()}
        touched.append(frozenset(about))
        frame = after
    version = version or next_version(old.version)
    if version == old.version:
        raise CodeframeError(f"the new frame has the version {version!r} of the old one", hint="raise it")
    new = Codeframe.from_dict(replace(frame, version=version).to_dict(), path=old.name)
    return Migration(old, new, steps, fates, tuple(touched))


def onto(found: Migration, new: Codeframe) -> Migration:
    """The migration with a frame that a person has written in place of the one the changes make.

    CodeframeError where it is not the same codes, or bears the name or version of another frame.
    """
    if new.name != found.old.name or new.version == found.old.version:
        told = f"{label_of(new)} is no next version of {label_of(found.old)}"
        raise CodeframeError(told, hint="the same name and another version are needed")
    missing = [code.id for code in found.new.codes if code.id not in new]
    surplus = [code.id for code in new.codes if code.id not in found.new]
    for told, codes in (("lacks", missing), ("also has", surplus)):
        if codes:
            hint = "add the change that makes it so: add, merge, split or retire"
            raise CodeframeError(f"{label_of(new)} {told} {', '.join(codes)} after the changes", hint=hint)
    return replace(found, new=new)


def _next(fate: Fate, change: Change) -> Fate:
    if change.kind not in (MERGE, SPLIT, RETIRE):
        return fate
    codes: list[str] = []
    for code in fate.codes:
        codes += change.into if code in change.codes else (code,)  # a retired code goes into nothing
    parts, ended = tuple(dict.fromkeys(codes)), fate.ended or change.kind == RETIRE
    # Parts that were merged again are one code, which every comment of the split one means.
    return Fate(parts, bool(parts) and (fate.parted or change.kind == SPLIT) and (len(parts) > 1 or ended), ended)


__all__ = ["OPEN", "Fate", "Migration", "label_of", "migration", "onto"]
