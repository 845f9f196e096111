"""A codeframe written to a file that people go on editing: YAML in the order of the frame, or JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .codeframe import Codeframe
from .errors import OutputError
from .whole_files import write_whole

_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)\Z")


def write_frame(frame: Codeframe, path: Path, *, force: bool = False) -> None:
    """Write whole or not at all; read back it is the same frame. OutputError where the file is there or cannot be written."""
    if path.suffix.lower() not in (".yaml", ".yml", ".json"):
        raise OutputError("a codeframe is a .yaml or .json file", path=path, hint=f"name it {path.name}.yaml")
    if path.exists() and not force:
        raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    content = frame.to_dict()
    if path.suffix.lower() == ".json":
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
    write_whole(path, text)


def next_version(version: str) -> str:
    """The version after a change that adds codes: 1.2.3 gives 1.3.0; what is no such number gets +1 behind it."""
    found = _NUMBERS.match(version)
    if found is None:
        head, plus, count = version.rpartition("+")
        return f"{head}+{int(count) + 1}" if plus and count.isdigit() else f"{version}+1"
    return f"{found[1]}.{int(found[2]) + 1}.0"
