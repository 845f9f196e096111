"""One job, in a process of its own: the batch scorer on the upload, with one core left to those who call meanwhile."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vocnlp.errors import InputError, VocnlpError
from vocnlp.processes import cores, settle_in
from vocnlp.tagger import Tagger

from .job_files import AT_WORK, DONE, FAILED, ROLES, Job, Shelf, State, ended
from .priorities import JOB

_TELL = 0.5  # seconds between two notes of how far it is
_OPTION = re.compile(rf"(?<![\w-])--({'|'.join((*ROLES, 'sheet', 'journey'))})\b")


@dataclass(frozen=True)
class Order:
    """What a worker needs to know. ``bundle`` None is the shipped one; ``rows`` is the most an upload may have."""

    folder: Path
    number: str
    bundle: Path | None
    codeframe: Path | None
    rows: int


def work(order: Order) -> None:
    """Do it and note how it ended. Nothing is raised and nothing printed: what is wrong may quote a comment."""
    settle_in()
    if hasattr(os, "nice"):
        os.nice(JOB)
    shelf = Shelf(order.folder)
    job = shelf.job(order.number)
    if job is None:  # removed before it began
        return
    progress = _Progress(shelf, job, order.rows)
    try:
        state = _scored(shelf, job, order, progress)
    except VocnlpError as error:
        told = f"{error}; {error.hint}" if error.hint else str(error)
        state = ended(progress.state, FAILED, _for_caller(told, shelf, job))
    except Exception as error:
        state = ended(progress.state, FAILED, f"something went wrong here ({type(error).__name__})")
    with suppress(VocnlpError):  # removed while it was at work
        shelf.put(job.id, state)


def _for_caller(told: str, shelf: Shelf, job: Job) -> str:
    """An error as who sent the file knows things: its name, not ours, and parameters of the query, not of a command."""
    told = told.replace(f"{shelf.of(job.id)}{os.sep}", "")  # our folders are nobody's business
    told = told.replace(shelf.input(job).name, job.name)
    return _OPTION.sub(r"?\1=", told)


class _Progress:
    """Notes how far the work is, now and then; InputError when there are more rows than allowed."""

    def __init__(self, shelf: Shelf, job: Job, most: int) -> None:
        self._shelf, self._job, self._most = shelf, job, most
        self._before = shelf.state(job.id).seconds  # of a run that was stopped
        self._begun = self._told = time.monotonic()
        self.state = State(AT_WORK, seconds=self._before)

    def begin(self, of: int | None, model: str) -> None:
        self.state = replace(self.state, of=of, model=model)
        self._check(of or 0)
        self._shelf.put(self._job.id, self.state)

    def note(self, rows: int, _: float) -> None:
        self._check(rows)
        now = time.monotonic()
        self.state = replace(self.state, rows=rows, seconds=round(self._before + now - self._begun, 3))
        if now - self._told >= _TELL:
            self._told = now
            self._shelf.put(self._job.id, self.state)

    def _check(self, rows: int) -> None:
        if rows > self._most:
            raise InputError(f"has more than {self._most:,} rows", hint="cut the file in parts, one job each")


def _scored(shelf: Shelf, job: Job, order: Order, progress: _Progress) -> State:
    from vocnlp.batch import Options, open_for_scoring, score_file  # here, because the server reads this module, too

    # Another bundle may have taken over since the job was stopped: then its rows are scored anew, all by one bundle.
    options = Options(job.columns, job.sheet, job.journey, max(1, cores() - 1), force=True, resume=True)
    source, columns = open_for_scoring(shelf.input(job), options)
    tagger = Tagger.load(order.bundle, codeframe=order.codeframe)
    progress.begin(source.rows, tagger.bundle.label)
    scored = score_file(source, columns, shelf.result(job), tagger, options=options, report=progress.note)
    progress.note(scored.rows, 1.0)
    return ended(replace(progress.state, of=scored.rows), DONE)
