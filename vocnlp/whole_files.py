"""A text file that is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from .errors import OutputError


def write_whole(path: Path, text: str, *, replace: bool = True) -> None:
    """Write beside the target, then rename. OutputError where it cannot be written, or is there already and stays."""
    if path.exists() and not replace:
        raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path, hint="does the folder exist?") from error
    finally:
        partial.unlink(missing_ok=True)
