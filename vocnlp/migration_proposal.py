"""Changes proposed from two frames: what can be read off is sure; merges and splits are guessed from shared words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .codeframe import Code, Codeframe
from .migration_changes import ADD, MERGE, MOVE, RENAME, RETIRE, SPLIT, Change
from .migration_reading import GUESS

_MOST = 0.5  # of a code's words: what has to turn up elsewhere for a guess
_ALONE = 0.8  # of those that turned up: what one code has to have for a merge


def proposed(old: Codeframe, new: Codeframe) -> list[dict[str, Any]]:
    """The changes from ``old`` to ``new``, each in the shape of a migration's file, in an order that can be applied.

    A code that is gone is taken for merged where at least half of its keywords, examples and listed uses turned up in
    one code that did not have them before, for split where they turned up in several; such a change has the key
    ``guess`` with what speaks for it, and the file is not taken before a person has deleted the key. Else it is retired.
    """
    diff = old.diff(new)
    found = [Change(ADD, (code,), code=new[code]).to_dict() for code in sorted(diff.added, key=_depth(new))]
    above = sorted(diff.moved.items(), key=lambda one: _depth(new)(one[0]))
    found += [Change(MOVE, (code,), words=to or "").to_dict() for code, (_, to) in above]
    found += [Change(RENAME, (code,), words=name).to_dict() for code, (_, name) in diff.renamed.items()]
    return found + list(_ended(old, new, sorted(diff.removed, key=_depth(old), reverse=True)))


def _ended(old: Codeframe, new: Codeframe, removed: list[str]) -> Iterator[dict[str, Any]]:
    """What became of the codes that are gone; those below others first."""
    for gone in removed:
        takers = _takers(old, new, gone)
        if not takers:
            yield Change(RETIRE, (gone,), words="not in the new frame").to_dict()
            continue
        whole = len(_words(old[gone]))
        told = ", ".join(f"{code} has {words} of its {whole} words" for code, words in takers.items())
        into = tuple(takers)
        change = Change(MERGE if len(into) == 1 else SPLIT, (gone,), into)
        yield {**change.to_dict(), GUESS: told}


def _takers(old: Codeframe, new: Codeframe, gone: str) -> dict[str, int]:
    """Codes of the new frame that gained words of the one that is gone, the most first; none if they are too few."""
    words = _words(old[gone])
    gained = {
        code.id: len(words & (_words(code) - (_words(old[code.id]) if code.id in old else set()))) for code in new.codes
    }
    takers = dict(sorted(((code, n) for code, n in gained.items() if n), key=lambda one: -one[1]))
    found = sum(takers.values())
    if found < _MOST * len(words):
        return {}
    first = next(iter(takers))
    return {first: takers[first]} if takers[first] >= _ALONE * found else takers


def _words(code: Code) -> set[str]:
    return {code.name, *code.keywords, *code.positive, *code.negative, *code.includes}


def _depth(frame: Codeframe) -> Any:
    return lambda code: len(frame.path(code))


__all__ = ["proposed"]
