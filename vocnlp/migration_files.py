"""What a migration leaves beside the frame: its history, as YAML, so that the frame's own digest stays what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .codeframe import Codeframe
from .codeframe_reading import Located, read_located
from .errors import CodeframeError, OutputError
from .migration import Migration
from .whole_files import write_whole


def history_of(frame: Path) -> Path:
    """Where the history of a frame's file is kept: ``shop.yaml`` has ``shop.history.yaml`` beside it."""
    return frame.with_name(f"{frame.stem}.history.yaml")


def read_history(frame: Path) -> list[dict[str, Any]]:
    """What brought a frame to where it is, oldest first; nothing where it has no history. CodeframeError if it is damaged."""
    path = history_of(frame)
    if not path.exists():
        return []
    entries = []
    for item in read_located(path).items("history"):
        item.only("version", "from", "date", "digest", "changes")
        entries.append({**_plain(item), "version": item.text("version")})
    return entries


def write_history(source: Path, out: Path, migration: Migration, *, now: datetime | None = None) -> None:
    """The history of the frame at ``source``, and this migration, beside ``out``; written twice it stands there once.

    OutputError where it cannot be written.
    """
    entries = read_history(source)
    told = migration.to_dict()
    mine = [one for one in read_history(out) if one.get("digest") == migration.digest]
    day = (now or datetime.now(UTC)).date().isoformat()
    entry = {
        "version": migration.new.version, "from": told["from"], "date": mine[0]["date"] if mine else day,
        "digest": migration.digest, "changes": told["changes"],
    }  # fmt: skip
    kept = [one for one in entries if one.get("digest") != migration.digest]
    write_whole(history_of(out), yaml_of({"history": [*kept, entry]}))


def check_history(source: Path, out: Path, migration: Migration, *, force: bool) -> None:
    """What would only be found out half-way: CodeframeError where a history is damaged, OutputError where the one beside
    ``out`` tells of other migrations, which would be lost."""
    mine = {migration.digest, *(one.get("digest") for one in read_history(source))}
    others = [one for one in read_history(out) if one.get("digest") not in mine]
    if others and not force:
        told = f"holds the history of another frame, up to {others[-1]['version']}"
        raise OutputError(told, path=history_of(out), hint="choose another name, or replace it with --force")


def write_proposal(path: Path, old: Codeframe, version: str, changes: Iterable[Mapping[str, Any]]) -> None:
    """A migration's file with proposed changes, for a person to read. OutputError where it is there or cannot be written."""
    if path.exists():
        raise OutputError("already exists", path=path, hint="it may have been edited: choose another name")
    start = {"name": old.name, "version": old.version, "digest": old.digest[:16]}
    write_whole(path, yaml_of({"from": start, "to": {"version": version}, "changes": [dict(one) for one in changes]}))


def yaml_of(content: Mapping[str, Any]) -> str:
    import yaml  # 40 ms of start-up that only those who write a frame need

    return str(yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=120))


def settled(path: Path, frame: Codeframe, *, force: bool) -> bool:
    """Whether the frame stands at ``path`` already, as after a run that was stopped; OutputError where another thing does."""
    if path.suffix.lower() not in (".yaml", ".yml", ".json"):
        raise OutputError("a codeframe is a .yaml or .json file", path=path, hint=f"name it {path.name}.yaml")
    if not path.parent.is_dir():
        raise OutputError("the folder does not exist", path=path, hint=f"create {path.parent}")
    if not path.exists():
        return False
    try:
        there = Codeframe.load(path).digest == frame.digest
    except CodeframeError:
        there = False
    if not there and not force:
        raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    return there


def _plain(value: Any) -> Any:
    if isinstance(value, Located):
        return {key: _plain(each) for key, each in value.content.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


__all__ = ["check_history", "history_of", "read_history", "settled", "write_history", "write_proposal", "yaml_of"]
