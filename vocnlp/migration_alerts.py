"""The rules of alerts carried over to the next codeframe: each goes on watching what it watched.

A rule names codes. One that was merged is watched under the code it became; of one that was split all parts are, or, where a
rule is of a single code, the code it counts for meanwhile. A rule whose codes are all retired would watch every comment
without them, or nothing, so it is left out and told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .alert_reading import read_rules, rules_of
from .codeframe_reading import Located
from .errors import InputError, OutputError
from .migration import Migration
from .migration_files import yaml_of
from .whole_files import write_whole


@dataclass(frozen=True)
class CarriedAlerts:
    """rules: in the new file; changed: of them, with other codes; left_out: rule id -> why it is not there."""

    rules: int
    changed: int
    left_out: Mapping[str, str]


def check_alerts(path: Path, out: Path, migration: Migration, *, force: bool) -> None:
    """What would only be found out half-way. InputError for rules of another frame, or none of which is left;
    OutputError where ``out`` cannot be written, or holds anything but these rules carried over."""
    if path.resolve() == out.resolve():
        raise OutputError("would replace the rules it is read from", path=out, hint="choose another name")
    if not out.parent.is_dir():
        raise OutputError("the folder does not exist", path=out, hint=f"create {out.parent}")
    read_rules(path, migration.old)
    content, _ = carried_alerts(_content(path), migration)
    if not content["rules"]:
        hint = "write rules for the new codes, or leave --alerts out"
        raise InputError("no rule watches a code that goes on", path=path, hint=hint)
    rules_of(Located.wrap(content, path), migration.new)
    if out.exists() and not force and out.read_text(encoding="utf-8", errors="replace") != _text(content, out):
        raise OutputError("already exists", path=out, hint="choose another name, or replace it with --force")


def carry_alerts(path: Path, out: Path, migration: Migration) -> CarriedAlerts:
    """Write the rules of ``path`` for the new frame to ``out``, whole or not at all, without comments."""
    content, told = carried_alerts(_content(path), migration)
    write_whole(out, _text(content, out))
    return told


def _text(content: Mapping[str, Any], out: Path) -> str:
    if out.suffix.lower() == ".json":
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return yaml_of(content)


def carried_alerts(content: Mapping[str, Any], migration: Migration) -> tuple[dict[str, Any], CarriedAlerts]:
    """The content of a file of rules, and what became of it."""
    rules, changed, left_out = [], 0, {}
    for rule in content["rules"]:
        fresh, lost = _carried(rule, migration)
        if fresh is None:
            left_out[str(rule["id"])] = lost
        else:
            rules.append(fresh)
            changed += fresh != rule
    return {**content, "rules": rules}, CarriedAlerts(len(rules), changed, left_out)


def _carried(rule: Mapping[str, Any], migration: Migration) -> tuple[dict[str, Any] | None, str]:
    """The rule in the new frame, or None and why there is none."""
    if rule["kind"] == "comment":
        when, lost = _with_codes(rule["when"], "codes", migration)
        return (None if when is None else {**rule, "when": when}), lost
    return _with_codes(rule, "code" if rule["kind"] == "threshold" else "codes", migration)


def _with_codes(named: Mapping[str, Any], key: str, migration: Migration) -> tuple[dict[str, Any] | None, str]:
    """``named`` with the codes under ``key`` in the new frame; one that names none stays as it is."""
    if not named.get(key):
        return dict(named), ""
    codes = [named[key]] if isinstance(named[key], str) else list(named[key])
    fresh: str | list[str]
    if key == "code":
        fresh = _single(codes[0], migration)
    else:
        fresh = list(dict.fromkeys(to for code in codes for to in migration.fates[code].codes))
    if fresh:
        return {**named, key: fresh}, ""
    parted = any(migration.fates[code].parted for code in codes)
    return None, f"{', '.join(codes)} {'has no code above all its parts' if parted else 'is retired'}"


def _single(code: str, migration: Migration) -> str:
    fate = migration.fates[code]
    to = migration.homes[code] if fate.parted else (fate.codes[0] if fate.codes else "")
    return to if to in migration.new else ""


def _content(path: Path) -> dict[str, Any]:
    import yaml  # 40 ms of start-up that only those who carry rules need

    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    return content


__all__ = ["CarriedAlerts", "carried_alerts", "carry_alerts", "check_alerts"]
