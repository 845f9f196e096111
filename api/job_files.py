"""A job as a folder: what was asked, how far it is, the upload and the result. Nothing of it is kept in memory alone.

job.json     what was asked, written once: the name of the upload, who sent it, columns, the kind of the result
state.json   how far it is; only its worker writes it, or the server where no worker is at work
input.*      the upload; its name here is ours, whatever the caller called it
result.*     the tagged file, there only when it is whole
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocnlp.errors import OutputError
from vocnlp.filekinds import KINDS

QUEUED, AT_WORK, DONE, FAILED = "queued", "running", "done", "failed"
OPEN = (QUEUED, AT_WORK)
ROLES = ("text", "score", "stage", "channel", "segment", "customer", "at", "id")
ENDINGS = (".xlsx", ".csv", ".tsv", ".jsonl", ".parquet")
_ID = re.compile(r"[0-9a-f]{32}")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069\"\\/:*?<>|]")


@dataclass(frozen=True)
class Job:
    """What was asked. ``key`` is the id of the key that asked; ``columns`` maps roles to columns of the upload."""

    id: str
    name: str
    ending: str
    key: str
    created: str
    bytes: int
    out: str
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    journey: str = "general"


@dataclass(frozen=True)
class State:
    """How far a job is. ``of`` is None while nobody knows how many rows there are; ``error`` says why it failed."""

    state: str = QUEUED
    rows: int = 0
    of: int | None = None
    seconds: float = 0.0
    model: str = ""
    ended: str = ""
    error: str | None = None


def clean_name(given: str) -> str:
    """A file name that is shown and offered for saving, never opened: no folders, no control characters, not long."""
    last = re.split(r"[\\/]", given)[-1]
    name = _UNFIT.sub("_", last).strip(" .")[-100:]
    return name or "upload"


def ending_of(name: str, head: bytes) -> str:
    """The ending by which the upload is read: that of its name, or what its first bytes say where it has none we know."""
    if (said := Path(name).suffix.lower()) in KINDS:
        return said
    if head.startswith(b"PK\x03\x04"):
        return ".xlsx"
    if head.startswith(b"PAR1"):
        return ".parquet"
    return ".jsonl" if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else ".csv"


class Shelf:
    """The folder of all jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot be made: {error.strerror}", path=folder, hint="name another with jobs"
            ) from error

    def of(self, number: str) -> Path:
        return self.folder / number

    def input(self, job: Job) -> Path:
        return self.of(job.id) / f"input{job.ending}"

    def result(self, job: Job) -> Path:
        return self.of(job.id) / f"result{job.out}"

    def begin(self) -> str:
        """A new id, with its folder."""
        number = secrets.token_hex(16)
        self.of(number).mkdir(mode=0o700)
        return number

    def add(self, job: Job) -> None:
        """Last of all the files of an upload: without it a folder is no job."""
        self.put(job.id, State())
        write(self.of(job.id) / "job.json", asdict(job))

    def job(self, number: str) -> Job | None:
        """The job of this id; None for what is no id, and for a job that is gone."""
        content = _read(self.of(number) / "job.json") if _ID.fullmatch(number) else None
        return None if content is None else Job(**content)

    def state(self, number: str) -> State:
        content = _read(self.of(number) / "state.json")
        return State() if content is None else State(**content)

    def put(self, number: str, state: State) -> None:
        write(self.of(number) / "state.json", asdict(state))

    def jobs(self) -> list[Job]:
        """All jobs, the oldest first."""
        found = [self.job(path.name) for path in self.folder.iterdir() if path.is_dir()]
        return sorted((job for job in found if job is not None), key=lambda job: (job.created, job.id))

    def remove(self, number: str) -> None:
        """The upload, the result and all else: job.json first, so that a half removed job is none."""
        (self.of(number) / "job.json").unlink(missing_ok=True)
        shutil.rmtree(self.of(number), ignore_errors=True)

    def sweep(self, hours: float) -> list[str]:
        """Remove what ended so long ago, and uploads that broke off with an earlier server; the ids of the former."""
        gone = []
        for job in self.jobs():
            ended = self.state(job.id).ended
            if ended and (datetime.now(UTC) - datetime.fromisoformat(ended)).total_seconds() > hours * 3600:
                self.remove(job.id)
                gone.append(job.id)
        return gone

    def sweep_broken(self) -> None:
        """Folders without a job: uploads that a server before this one did not finish."""
        for path in self.folder.iterdir():
            if path.is_dir() and _ID.fullmatch(path.name) and not (path / "job.json").exists():
                shutil.rmtree(path, ignore_errors=True)


def ended(state: State, how: str, error: str | None = None) -> State:
    return replace(state, state=how, error=error, ended=now())


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all, and on the disk when it returns."""
    fresh = path.with_suffix(".part")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path.name, hint="is the disk full?") from error
