"""The folder of a registry: where its bundles lie, and which of them its aliases mean.

    aliases.json                          who is champion, who challenger, the champions before, the last change
    history.jsonl                         every change, one a line, never rewritten
    registry.toml                         settings of the gate; written by people, may be missing
    bundles/NAME/VERSION+DIGEST/          a bundle; it never changes once it has this name
    lock                                  held while something is changed

``aliases.json`` alone says what is so, and it is replaced in one step. Reading needs no lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import RegistryError

FORMAT = 1
ALIASES, HISTORY, SETTINGS, BUNDLES, LOCK = "aliases.json", "history.jsonl", "registry.toml", "bundles", "lock"
CHAMPION, CHALLENGER = "champion", "challenger"
_PART = re.compile(r"\w[\w.+-]*\Z")  # of a label: a name or a version that is one step of a path everywhere
_ALIAS = re.compile(r"\w[\w-]*\Z")  # no @ or #, so that it is never a label, nor a part of one
_ENTRY = {
    "id": str,
    "at": str,
    "who": str,
    "what": str,
    "alias": str | None,
    "from": str | None,
    "to": str,
    "reason": str,
}
_GET_BACK = f"take {ALIASES} from a copy of the folder; {HISTORY} says what it held"


@dataclass(frozen=True, slots=True)
class Standing:
    """What an alias means: the label of a bundle, its whole digest, and when it was given the alias (UTC, ISO 8601)."""

    label: str
    digest: str
    at: str


@dataclass(frozen=True)
class State:
    """What ``aliases.json`` holds. ``before``: the champions before this one, the last of them at the end."""

    aliases: Mapping[str, Standing] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    last: Mapping[str, Any] | None = None

    def label(self, alias: str) -> str | None:
        return self.aliases[alias].label if alias in self.aliases else None

    def to_bytes(self) -> bytes:
        content = {
            "format": FORMAT,
            "aliases": {name: asdict(standing) for name, standing in self.aliases.items()},
            "before": list(self.before),
            "last": self.last,
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def is_registry(folder: Path) -> bool:
    return (folder / ALIASES).is_file()


def read_state(folder: Path) -> State:
    """The state as the last change left it; RegistryError where there is no registry, or where it cannot be read."""
    try:
        content = json.loads((folder / ALIASES).read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            told = f"is of format {content['format']}; this version of vocnlp reads formats up to {FORMAT}"
            raise RegistryError(told, path=folder, hint="pip install --upgrade vocnlp")
        aliases = {str(name): _standing(standing) for name, standing in content["aliases"].items()}
        last = None if content["last"] is None else entry(content["last"])
        return State(aliases, _labels(content["before"]), last)
    except FileNotFoundError:
        hint = f"begin one with its first bundle: vocnlp models add BUNDLE --registry {folder}"
        raise RegistryError(f"is no registry: it has no {ALIASES}", path=folder, hint=hint) from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RegistryError(f"{ALIASES} cannot be read: {error}", path=folder, hint=_GET_BACK) from error


def entry(row: object) -> dict[str, Any]:
    """A change as the history tells it; ValueError for anything else."""
    if not isinstance(row, dict):
        raise ValueError("it is no change: not a JSON object")
    if wrong := [name for name, kind in _ENTRY.items() if not isinstance(row.get(name, 0), kind)]:
        raise ValueError(f"it is no change: {', '.join(wrong)} missing or of another kind")
    told = row.get("comparison") or {}
    if not isinstance(told, dict) or not all(isinstance(one["told"], str) for one in told.get("objections", ())):
        raise ValueError("it is no change: its comparison is none")
    return row


def _standing(content: Mapping[str, Any]) -> Standing:
    standing = Standing(**content)
    if not all(isinstance(word, str) for word in (standing.label, standing.digest, standing.at)):
        raise ValueError("an alias is label, digest and time, all text")
    if not _parts(standing.label):
        raise ValueError(f"{standing.label!r} is the label of no bundle")
    return standing


def _labels(content: object) -> tuple[str, ...]:
    if not isinstance(content, list):
        raise ValueError("before is no list of labels")
    return tuple(map(str, content))


def place(folder: Path, label: str) -> Path:
    """Where a bundle of this label lies, or would; RegistryError for a label that is no path on every system."""
    if not (parts := _parts(label)):
        hint = "name and version may hold letters, digits and . _ - and begin with a letter or digit"
        raise RegistryError(f"{label!r} cannot be kept under its name and version", path=folder, hint=hint)
    return folder.joinpath(BUNDLES, *parts)


def check_alias(alias: str, folder: Path) -> None:
    """RegistryError unless the alias is one word of letters of any script, digits, - and _."""
    if not _ALIAS.match(alias):
        hint = "an alias is one word of letters, digits, - and _, as challenger"
        raise RegistryError(f"{alias!r} is no alias", path=folder, hint=hint)


def is_label(word: str) -> bool:
    """Whether it could be the label of a bundle."""
    return bool(_parts(word))


def _parts(label: str) -> tuple[str, ...]:
    """Name and version, or nothing where they are no steps of a path."""
    name, _, version = label.rpartition("@")
    return (name, version) if _PART.match(name) and _PART.match(version) else ()


def resolve(path: Path) -> Path:
    """The bundle that a path means: a registry means its champion, ``REGISTRY#ALIAS`` or ``REGISTRY#LABEL`` that one.

    Any other path is returned as it is. RegistryError where the registry has no such bundle, or no champion yet.
    """
    word = CHAMPION
    if not path.exists() and "#" in path.name:
        name, _, asked = path.name.rpartition("#")
        if is_registry(path.with_name(name)):
            path, word = path.with_name(name), asked
    if not is_registry(path):
        return path
    state = read_state(path)
    label = state.label(word) or word
    if label == word and not ("@" in word and place(path, word).is_dir()):
        known = ", ".join(f"{name} ({standing.label})" for name, standing in state.aliases.items()) or "none yet"
        hint = f"aliases: {known}; vocnlp models list --registry {path}"
        raise RegistryError(f"has no {word}", path=path, hint=hint)
    return place(path, label)
