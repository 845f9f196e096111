"""Exceptions named for the broken fact, each carrying its data.

The library raises them; only the command line and the HTTP service turn them into words on a screen or a
status code. ``str(error)`` is one sentence that names the place (file, row, column, key) and the value;
``error.hint`` is the next step a person can take.
"""

from __future__ import annotations

from pathlib import Path


class VocnlpError(Exception):
    """Base of every error that vocnlp raises on purpose.

    ``hint`` is the next step in plain words, or "" where there is none to give.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(VocnlpError):
    """A file that cannot be used as it is: missing, unreadable, mislabelled, ragged, too large.

    ``row`` counts as the file shows it where it can be opened beside the message: rows of a sheet, lines of a jsonl; of a
    delimited file it counts data rows from 1, for a quoted cell may take several lines.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        hint: str = "",
    ) -> None:
        where = [str(path)] if path is not None else []
        if row is not None:
            where.append(f"row {row}")
        if column is not None:
            where.append(f"column {column!r}")
        prefix = ", ".join(where)
        shown = f" (value: {value[:80]!r})" if value is not None else ""
        super().__init__(f"{prefix}: {message}{shown}" if prefix else f"{message}{shown}", hint=hint)
        self.path, self.row, self.column, self.value = path, row, column, value


class OutputError(VocnlpError):
    """The result cannot be written: the path exists, is not writable, or the disk is full."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


class CodeframeError(VocnlpError):
    """A codeframe that breaks its own rules; names the file, the line and the key."""

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str = "",
    ) -> None:
        where = [str(path)] if path is not None else []
        if line is not None:
            where.append(f"line {line}")
        if key is not None:
            where.append(f"key {key!r}")
        super().__init__(": ".join(filter(None, [", ".join(where), message])), hint=hint)
        self.path, self.line, self.key = path, line, key


class BundleError(VocnlpError):
    """A model folder that is incomplete, altered, or of a format this version does not read."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


class StoreError(VocnlpError):
    """A store that cannot be used: not there, no store, of another version, damaged, unreachable, or too busy."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


class RegistryError(VocnlpError):
    """A registry that cannot be used or changed as asked: not there, damaged, held by another, or of other bundles."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


class MissingExtraError(VocnlpError):
    """A part that was not installed; the hint is the exact pip line that installs it."""

    def __init__(self, module: str, *, extra: str) -> None:
        super().__init__(
            f"this needs the package {module!r}, which is not installed", hint=f'pip install "vocnlp[{extra}]"'
        )
        self.module, self.extra = module, extra
