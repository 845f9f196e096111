"""What a look over labelled data found, as values that can be printed, kept in a manifest, and refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.privacy import mask

from .labelled import Labelled
from .profile import Profile

LISTED, SHOWN = 5, 60  # rows and characters of an example
REFUSE, WARN, NOTE = "refuse", "warn", "note"


@dataclass(frozen=True)
class Finding:
    """One thing about the data. ``rows`` are the first few it concerns, as the file counts them; ``count`` is of all.

    ``file``: the one those rows stand in, where it is not the data to learn from.
    """

    severity: str
    kind: str
    message: str
    count: int = 0
    rows: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    hint: str = ""
    file: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the file by its name alone."""
        plain = asdict(self) | {"file": self.file and self.file.name}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items() if value}


def finding_of(
    severity: str, kind: str, message: str, rows: Iterable[Labelled], *, hint: str = "", file: Path | None = None
) -> Finding:
    """A finding of some rows, with the first few of them; file: as in ``Finding``."""
    rows = list(rows)
    some = rows[:LISTED]
    return Finding(
        severity,
        kind,
        message,
        len(rows),
        tuple(row.row for row in some if row.row),
        tuple(mask(row.text)[:SHOWN] for row in some if row.text.strip()),
        hint,
        file,
    )


@dataclass(frozen=True)
class Checked:
    """What was found in the data. ``rows``, ``dev_rows``: how many have a text; per_code: comments of each code."""

    rows: int
    dev_rows: int
    findings: tuple[Finding, ...]
    profile: Profile
    per_code: Mapping[str, int] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == REFUSE)

    def refuse(self, path: Path | str) -> None:
        """InputError of the first finding that nothing can be trained past; the others are counted in it.

        path: the data to learn from
        """
        if not self.refused:
            return
        first, *others = self.refused
        told = f"{first.message}; {len(others)} more reason(s) not to train" if others else first.message
        row = first.rows[0] if first.rows else None
        raise InputError(told, path=first.file or path, row=row, hint=first.hint)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a manifest."""
        return {
            "rows": self.rows,
            "dev_rows": self.dev_rows,
            "findings": [finding.to_dict() for finding in self.findings],
            "profile": self.profile.to_dict(),
            "per_code": dict(self.per_code),
        }
