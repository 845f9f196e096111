"""A folder of bundles with aliases: which one is champion, which is its challenger, and how that came about.

    registry = Registry.open("registry", create=True)
    label = registry.add("bundles/june", who="li", alias=CHALLENGER)
    registry.promote(label, who="li", over=registry.state().label(CHAMPION))

A change is one rename of ``aliases.json``, which carries its own line of history; the line is copied to
``history.jsonl`` after, or by the next change where a crash came between. So a crash leaves the old champion or the
new one, each with the history that belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from .bundle import MANIFEST, Bundle
from .errors import RegistryError, VocnlpError
from .registry_bundles import (
    GONE,
    OTHER,
    Kept,
    clear_incoming,
    folders_of,
    kept_at,
    label_of,
    missing,
    take_in,
    verified,
)
from .registry_folder import (
    ALIASES,
    BUNDLES,
    CHALLENGER,
    CHAMPION,
    HISTORY,
    LOCK,
    SETTINGS,
    Standing,
    State,
    check_alias,
    entry,
    is_label,
    is_registry,
    place,
    read_state,
)
from .registry_gate import Settings, read_settings
from .registry_writing import appended, lines, locked, replaced

PATIENCE = 20.0  # seconds to wait for another change; copying a large bundle takes a few


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle or alias looked at byte by byte; ``problem`` is "" where it is sound."""

    name: str
    problem: str = ""


class Registry:
    """A registry that is open. Nothing is held between calls; any number of processes may use one."""

    def __init__(self, folder: Path, *, patience: float = PATIENCE) -> None:
        self.folder, self.patience = folder, patience

    @classmethod
    def open(cls, folder: Path | str, *, create: bool = False, patience: float = PATIENCE) -> Registry:
        """The registry at ``folder``; RegistryError where there is none, unless ``create``, or it cannot be read.

        A folder that is a bundle is not made a registry: what lies in it would spoil it.
        """
        registry = cls(Path(folder), patience=patience)
        if create and not is_registry(registry.folder):
            registry._create()
        read_state(registry.folder)
        return registry

    def state(self) -> State:
        return read_state(self.folder)

    def settings(self) -> Settings:
        """What ``registry.toml`` says of the gate; RegistryError as in ``read_settings``."""
        return read_settings(self.folder / SETTINGS)

    def bundles(self) -> tuple[Kept, ...]:
        """All bundles, by name and then by time of arrival, then those that an alias means and that are not there.

        Weights are not read: see ``verify``. ``Kept.problem`` says what a look at the manifest finds wrong.
        """
        folders = sorted(folders_of(self.folder), key=lambda path: (path.parent.name, path.stat().st_mtime_ns))
        meant = dict.fromkeys(standing.label for standing in self.state().aliases.values())
        gone = [label for label in meant if label not in set(map(label_of, folders))]
        return (*map(kept_at, folders), *(missing(label, place(self.folder, label)) for label in gone))

    def label(self, word: str) -> str | None:
        """The label that a word means: an alias, a label, or ``name@version`` where only one bundle has it."""
        if alias := self.state().label(word):
            return alias
        labels = [label_of(path) for path in folders_of(self.folder)]
        meant = [label for label in labels if word in (label, label.rpartition("+")[0])]
        return meant[0] if len(meant) == 1 else None

    def path(self, label: str) -> Path:
        """The folder of a bundle; RegistryError where the registry has none of this label."""
        if not is_label(label) or not (path := place(self.folder, label)).is_dir():
            hint = f"vocnlp models list --registry {self.folder}"
            raise RegistryError(f"has no bundle {label}", path=self.folder, hint=hint)
        return path

    def history(self) -> tuple[dict[str, Any], ...]:
        """All changes, oldest first, the last one included even where a crash kept it out of the file."""
        told, last = self._written(), self.state().last
        return (*told, *([dict(last)] if last and (not told or told[-1]["id"] != last["id"]) else []))

    def _written(self) -> list[dict[str, Any]]:
        """The history as its file has it; RegistryError names a line that is no change."""
        try:
            return lines(self.folder / HISTORY, entry)
        except ValueError as error:
            hint = "mend the line, or take the file from a copy of the folder"
            raise RegistryError(f"cannot be read: {error}", path=self.folder / HISTORY, hint=hint) from error

    def add(self, bundle: Bundle | Path | str | None, *, who: str, alias: str | None = None, reason: str = "") -> str:
        """Copy a bundle in, verified before and after, and return its label; one that is there already stays.

        ``bundle`` None is the shipped one. ``alias`` may be given to it, but for champion see ``promote``.
        BundleError for a bundle that is not sound; RegistryError where a different one has the label, and as in ``ready``.
        """
        source = ready(bundle, self.folder, alias)
        with self._changing() as state:
            copied = take_in(self.folder, source)
            # A crash may have come between the copying and the line of history.
            new = copied or not any(row["what"] == "add" and row["to"] == source.label for row in self.history())
            given = state.label(alias) if alias else None
            if not new and (alias is None or given == source.label):
                return source.label
            aliases = {**state.aliases, **({alias: _standing(source)} if alias else {})}
            about = {"alias": alias, "from": given, "to": source.label, "reason": reason}
            self._commit(replace(state, aliases=aliases), "add" if new else "alias", who, about)
        return source.label

    def promote(
        self,
        label: str,
        *,
        who: str,
        over: str | None,
        reason: str = "",
        forced: bool = False,
        comparison: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a bundle champion in place of ``over``, the champion it was compared with (None: there was none).

        The bundle is read again, every byte. RegistryError when the champion is another than ``over`` by now, which
        would make the comparison void. What the gate says is the caller's affair; ``comparison`` is kept in the history.
        """
        with self._changing() as state:
            if state.label(CHAMPION) != over:
                told = f"the champion is {state.label(CHAMPION)} by now, not {over}; nothing was changed"
                raise RegistryError(told, path=self.folder, hint="compare again with the new champion")
            bundle = Bundle.load(self.path(label))
            before = (*state.before, *([over] if over else []))
            about = {"reason": reason, "forced": forced, "comparison": comparison}
            self._crown(replace(state, before=before), bundle, "promote", who, about)

    def rollback(self, *, who: str, to: str | None = None, reason: str = "") -> str:
        """Make the champion before this one champion again, or ``to``; returns its label.

        The bundle is read again, every byte: one that is spoilt is not gone back to. RegistryError where there is none.
        """
        with self._changing() as state:
            if to is None and not state.before:
                hint = "name one with --to LABEL"
                raise RegistryError("there was no champion before this one", path=self.folder, hint=hint)
            label = to or state.before[-1]
            if label == state.label(CHAMPION):
                raise RegistryError(f"{label} is the champion", path=self.folder, hint="name another with --to")
            bundle = Bundle.load(self.path(label))
            if label in state.before:  # as if what came after had never been
                before = state.before[: len(state.before) - 1 - state.before[::-1].index(label)]
            else:
                before = (*state.before, *(one.label for name, one in state.aliases.items() if name == CHAMPION))
            self._crown(replace(state, before=before), bundle, "rollback", who, {"reason": reason})
        return label

    def verify(self) -> tuple[Checked, ...]:
        """Reads every byte of every bundle, then says of each alias whether it means a sound one."""
        found: list[Checked] = []
        sound: dict[str, str] = {}
        for path in sorted(folders_of(self.folder)):
            label = label_of(path)
            try:
                bundle = verified(path, label)
                sound[label] = bundle.digest
                found.append(Checked(label))
            except VocnlpError as error:
                found.append(Checked(label, error.message))
        for alias, standing in self.state().aliases.items():
            name = f"{alias} = {standing.label}"
            known = sound.get(standing.label)
            same = known == standing.digest
            there = place(self.folder, standing.label).is_dir()
            problem = OTHER if known else "the bundle is not sound" if there else GONE
            found.append(Checked(name, "" if same else problem))
        return tuple(found)

    # --- changing -----------------------------------------------------------------------------------------------

    def _create(self) -> None:
        if (self.folder / MANIFEST).is_file():
            hint = "a registry has a folder of its own: name it with --registry FOLDER"
            raise RegistryError("is a bundle, so it cannot be a registry", path=self.folder, hint=hint)
        with _explained(self.folder):
            (self.folder / BUNDLES).mkdir(parents=True, exist_ok=True)
            with locked(self.folder / LOCK, folder=self.folder, patience=self.patience):
                if not is_registry(self.folder):
                    replaced(self.folder / ALIASES, State().to_bytes())

    @contextmanager
    def _changing(self) -> Iterator[State]:
        """The state, with the lock held; what a crashed change left undone is done before."""
        with _explained(self.folder), locked(self.folder / LOCK, folder=self.folder, patience=self.patience):
            clear_incoming(self.folder)
            if left := self.history()[len(self._written()) :]:
                appended(self.folder / HISTORY, left[0])
            yield self.state()

    def _commit(self, state: State, what: str, who: str, about: Mapping[str, Any]) -> None:
        entry = {"id": uuid4().hex, "at": _now(), "who": who, "what": what, **about}
        replaced(self.folder / ALIASES, replace(state, last=entry).to_bytes())
        appended(self.folder / HISTORY, entry)

    def _crown(self, state: State, bundle: Bundle, what: str, who: str, about: Mapping[str, Any]) -> None:
        aliases = {**state.aliases, CHAMPION: _standing(bundle)}
        if state.label(CHALLENGER) == bundle.label:
            del aliases[CHALLENGER]
        told = {"alias": CHAMPION, "from": state.label(CHAMPION), "to": bundle.label, **about}
        self._commit(replace(state, aliases=aliases), what, who, told)


def ready(bundle: Bundle | Path | str | None, folder: Path, alias: str | None = None) -> Bundle:
    """The bundle, loaded where it is not yet, that can be added to the registry at ``folder``, which need not be there.

    BundleError for one that is not sound; RegistryError for a name that it cannot be kept under, and for ``alias`` that
    is no plain word, or champion.
    """
    if alias == CHAMPION:
        raise RegistryError("a champion is promoted, not added", path=folder, hint="vocnlp models promote")
    if alias is not None:
        check_alias(alias, folder)
    source = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
    place(folder, source.label)
    return source


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"cannot be written: {error.strerror or error}; the champion is the one it was"
        raise RegistryError(told, path=error.filename or folder, hint="check free space and rights") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _standing(bundle: Bundle) -> Standing:
    return Standing(bundle.label, bundle.digest, _now())


__all__ = ["CHALLENGER", "CHAMPION", "Checked", "Kept", "Registry", "Settings", "ready"]
