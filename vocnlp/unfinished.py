"""The folder of finished segments beside an output that is being made: what lets a killed run go on.

job.json              what the run is of: input, column, model; a run of anything else does not go on with it
segment-000000.arrow  a window of tagged rows; it has this name only once it is whole
lock                  held while a run is at work, so that two runs never fill the same folder
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from .errors import OutputError
from .locks import HELD, lock

_NAME_BYTES = 230  # file systems allow 255; the folder's name is longer than the output's
_RESUME, _AGAIN = "go on with --resume", "run the same command again"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Unfinished:
    """One run's folder, held by a lock until ``end`` or until the process is gone. ``rows`` counts what is in it."""

    def __init__(self, out: Path, folder: Path, lock: IO[str]) -> None:
        self.folder, self.rows = folder, 0
        self._out, self._lock = out, lock
        self.segments: list[Path] = []

    @classmethod
    def begin(cls, out: Path, identity: Mapping[str, Any], *, resume: bool, force: bool) -> Unfinished:
        """Start on ``out``, or go on where the run of the same ``identity`` stopped.

        OutputError if the folder cannot be made, if another run holds it, if a run was left there and neither
        ``resume`` nor ``force`` is given, and if the run to resume was of something else.
        """
        folder = _folder_of(out)
        with writing(out):
            folder.mkdir(exist_ok=True)
            lock = _locked(folder / "lock", out)
        work = cls(out, folder, lock)
        try:
            work._take_over(identity, resume=resume, force=force)
        except BaseException:
            if (folder / "job.json").exists():
                work.pause()
            else:
                work.end()
            raise
        return work

    def _take_over(self, identity: Mapping[str, Any], *, resume: bool, force: bool) -> None:
        job = self.folder / "job.json"
        if job.exists():  # without it a run died before its first row
            if resume and _read_job(job) == identity:
                self._find_segments()
                return
            if not force:
                raise self._refusal(resume)
        with writing(self._out):
            self._clear()
            fresh = job.with_suffix(".part")
            fresh.write_text(json.dumps(identity, ensure_ascii=False), encoding="utf-8")
            fresh.replace(job)

    def _refusal(self, resume: bool) -> OutputError:
        if resume:
            hint = "the input, the column or the model changed since; start over with --force"
            return OutputError("the unfinished run beside it is of another job", path=self._out, hint=hint)
        hint = "go on with --resume, or start over with --force"
        return OutputError("an unfinished run stands beside it", path=self._out, hint=hint)

    def _find_segments(self) -> None:
        """Take the leading whole segments; one that a failing disk spoilt is scored again, and all behind it."""
        self.segments, self.rows = [], 0
        for path in sorted(self.folder.glob("segment-*.arrow")):
            rows = _rows_of(path) if path == self._segment(len(self.segments)) else 0
            if not rows:
                break
            self.segments.append(path)
            self.rows += rows

    def _segment(self, number: int) -> Path:
        return self.folder / f"segment-{number:06d}.arrow"

    def keep(self, batch: pa.RecordBatch) -> None:
        """Put one tagged batch behind the others. OutputError if the disk does not take it."""
        final = self._segment(len(self.segments))
        part = final.with_suffix(".part")
        with writing(self._out):
            with pa.OSFile(str(part), "wb") as file:
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                with pa.ipc.new_stream(file, batch.schema, options=options) as stream:
                    stream.write_batch(batch)
            part.replace(final)
        self.segments.append(final)
        self.rows += batch.num_rows

    def pause(self) -> None:
        """Let go of the folder and leave it for a later run."""
        self._lock.close()

    def end(self) -> None:
        """Remove the folder. What cannot be removed stays: the output is already whole."""
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()


def check_output(out: Path, source: Path, *, resume: bool, force: bool) -> None:
    """OutputError if ``out`` is a folder or the input, or is there already and not to be replaced."""
    with writing(out):
        if out.is_dir():
            raise OutputError("is a folder", path=out, hint=f"name a file in it: {out / 'tagged.xlsx'}")
        if out.exists() and out.samefile(source):
            raise OutputError("is the input itself", path=out, hint="write to another file")
        if out.exists() and not force:
            again = "--resume --force" if resume else "--force"
            raise OutputError("already exists", path=out, hint=f"choose another name, or replace it with {again}")


def _folder_of(out: Path, ending: str = "work") -> Path:
    name = out.name
    if len(name.encode()) > _NAME_BYTES:
        name = hashlib.sha256(name.encode()).hexdigest()[:32]
    return out.with_name(f".{name}.vocnlp-{ending}")


def _read_job(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # cannot be told to be of this job, so it is not
        return None


def _rows_of(path: Path) -> int:
    """Rows of a whole segment; 0 where it is cut short or spoilt."""
    try:
        with pa.OSFile(str(path)) as file:
            return sum(batch.num_rows for batch in pa.ipc.open_stream(file))
    except (pa.ArrowException, OSError):
        return 0


def _locked(path: Path, out: Path) -> IO[str]:
    file = path.open("a", encoding="utf-8")
    try:
        lock(file)
    except OSError as error:
        if error.errno in HELD:
            file.close()
            hint = "wait until it is done, or choose another name"
            raise OutputError("another run is writing it at this moment", path=out, hint=hint) from error
        # A network drive without locks: better to score unguarded than not at all.
    return file


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """A folder beside ``out``, on its disk, for what is being made: it is renamed when whole, and the folder goes.

    OutputError that names ``out`` for whatever the operating system says of a file in the folder.
    """
    folder = _folder_of(out, "part")  # not that of a run which may still go on
    try:
        with writing(out, then=_AGAIN):
            folder.mkdir(exist_ok=True)
            yield folder
    except OutputError as error:
        if Path(error.path).parent != folder:
            raise
        cause = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else None
        cause = cause if isinstance(cause, OSError) else error.__cause__
        if isinstance(cause, OSError):
            raise explained(cause, out, then=_AGAIN) from error
        raise OutputError(error.message.removeprefix(f"{error.path}: "), path=out, hint=error.hint) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(out: Path, *, then: str = _RESUME) -> Iterator[None]:
    """Turn what the operating system says while ``out`` is being made into an OutputError that names ``out``.

    ``then``: what to do where the disk is full, once there is space.
    """
    try:
        yield
    except OSError as error:
        raise explained(error, out, then=then) from error


def explained(error: OSError, out: Path, *, then: str = _RESUME) -> OutputError:
    """The OutputError that says of ``out`` what the operating system said of one of its files."""
    # Arrow tells a full disk in words, and not always by the number.
    if error.errno in _FULL or "No space left" in str(error):
        return OutputError("the disk is full", path=out, hint=f"free some space, then {then}")
    if isinstance(error, FileNotFoundError):
        return OutputError("the folder does not exist", path=out, hint=f"create {out.parent}, or choose another folder")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        hint = "choose another folder, and close the file in other programs"
        return OutputError("no permission to write here", path=out, hint=hint)
    if error.errno == errno.ENAMETOOLONG:
        return OutputError("the name is too long", path=out, hint="choose a shorter name")
    where = f" ({error.filename})" if error.filename else ""
    return OutputError(f"cannot be written: {error.strerror or error}{where}", path=out, hint="choose another folder")
