"""A file that is there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError


def write_whole(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a text file. OutputError where it cannot be written, or is there already and stays."""
    if path.exists() and not replace:
        raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside the target to write to, renamed at the end of the block, gone where it fails. OutputError names the target."""
    partial = path.with_name(f".{path.name}.part")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path, hint="does the folder exist?") from error
    finally:
        partial.unlink(missing_ok=True)
