"""What a work folder was begun with: numbers made for one plan are of no use to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.whole_files import write_whole


def check_begun(path: Path, told: Mapping[str, Any]) -> None:
    """InputError where ``path`` tells of other settings than these; a folder of before there were such files tells nothing.

    told: values that JSON gives back as they are, by name
    """
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    if other := sorted(name for name in {*before, *told} if before.get(name) != told.get(name)):
        value = f"{before.get(other[0])}, now {told.get(other[0])}"
        hint = f"give another folder with --work, or the {other[0]} that it was begun with"
        raise InputError("was begun with another setting", path=path.parent, column=other[0], value=value, hint=hint)


def note_begun(path: Path, told: Mapping[str, Any]) -> None:
    """Keep the settings that ``check_begun`` compares."""
    write_whole(path, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
