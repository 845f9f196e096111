"""POST /jobs and what follows: a file is uploaded, scored in the background, looked at, downloaded, removed.

A job belongs to the key that made it: other keys do not see it, except those of the role admin.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from vocnlp.errors import OutputError

from .doors import needs, running
from .edge import visit_of
from .errors import ConflictError, NotReadyError, UnknownError
from .job_files import DONE, ROLES, Job, State, clean_name, ending_of, now
from .job_running import Jobs
from .keys import ADMIN, SCORE
from .scoring import NOES
from .uploading import read_upload, save

router = APIRouter(dependencies=[Depends(needs(SCORE))], tags=["jobs"])
_FILE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
}
_FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}}
_CHUNK = 1 << 18


def _noes(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: NOES[status] for status in (401, 403, 404, 429, *statuses)}


class AskJob(BaseModel):
    """The query of ``POST /jobs``: which columns are meant, where the first rows do not tell, and what comes out."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, description="column with the comments")
    score: str | None = Field(None, description="column with the 0-10 answer")
    stage: str | None = Field(None, description="column with the touchpoint or stage")
    channel: str | None = None
    segment: str | None = None
    customer: str | None = None
    at: str | None = Field(None, description="column with the time")
    id: str | None = Field(None, description="column with the row's id")
    sheet: str | None = Field(None, description="sheet of a workbook; default: the first with rows")
    journey: str | None = Field(None, description="which journey of the codeframe; default: general")
    out: Literal["xlsx", "csv", "tsv", "jsonl", "parquet"] | None = Field(None, description="default: as the upload")


class JobOut(BaseModel):
    """A job and how far it is. ``of`` is null while the rows are not counted; ``error`` says why it failed."""

    id: str
    name: str
    bytes: int
    created: str
    state: Literal["queued", "running", "done", "failed"]
    rows: int
    of: int | None
    seconds: float
    model: str
    ended: str
    error: str | None


class JobsOut(BaseModel):
    """The jobs of the key that asks, the newest first."""

    object: Literal["list"] = "list"
    data: list[JobOut]


class Removed(BaseModel):
    """A job that is no more, and how far it was."""

    id: str
    state: Literal["cancelled", "removed"]


def _out(job: Job, state: State) -> JobOut:
    told = {name: getattr(state, name) for name in ("state", "rows", "of", "seconds", "model", "ended", "error")}
    return JobOut(id=job.id, name=job.name, bytes=job.bytes, created=job.created, **told)


def _jobs(request: Request) -> Jobs:
    jobs: Jobs | None = request.app.state.jobs
    if jobs is None:
        raise UnknownError("no jobs are done here", hint="set up a folder for them: VOCNLP_JOBS=FOLDER")
    return jobs


def _mine(request: Request, number: str) -> tuple[Jobs, Job]:
    """The job of this id; UnknownError where there is none, and where it is somebody else's."""
    jobs, key = _jobs(request), visit_of(request).key
    job = jobs.shelf.job(number)
    if job is None or (job.key != key.id and not key.may(ADMIN)):
        raise UnknownError("no such job", param="number", hint="GET /jobs lists them")
    return jobs, job


@router.post(
    "/jobs", status_code=202, response_model=JobOut, openapi_extra=_FORM, responses=_noes(400, 408, 413, 415, 422, 503)
)
async def make(request: Request, ask: Annotated[AskJob, Query()]) -> JobOut:
    """Upload a table of comments: xlsx, csv, tsv, jsonl or parquet, told by its name or else by its first bytes."""
    house, jobs = running(request), _jobs(request)
    if house.closing:
        raise NotReadyError("the service goes down")
    journeys = [journey.id for journey in house.live.frame.journeys]
    if ask.journey is not None and ask.journey not in journeys:
        raise UnknownError("the codeframe has no such journey", param="journey", hint="GET /codeframe lists them")
    with jobs.room():
        job = await _received(request, jobs, ask)
    jobs.add(job)
    visit_of(request).act = f"job {job.id}"
    return _out(job, State())


async def _received(request: Request, jobs: Jobs, ask: AskJob) -> Job:
    """The upload in its folder, noted as a job."""
    house = running(request)
    file = await read_upload(request, house.settings, closing=lambda: house.closing)
    try:
        name = clean_name(file.filename or "")
        ending = ending_of(name, await file.read(512))
        number = jobs.shelf.begin()
        try:
            path = jobs.shelf.of(number) / f"input{ending}"
            size = await save(file, path)
            job = Job(
                id=number, name=name, ending=ending, key=visit_of(request).key.id, created=now(), bytes=size,
                out=f".{ask.out}" if ask.out else _OUT.get(ending, ending),
                columns={role: given for role in ROLES if (given := getattr(ask, role)) is not None},
                sheet=ask.sheet, journey=ask.journey or "general",
            )  # fmt: skip
            await asyncio.to_thread(jobs.shelf.add, job)
        except OSError as error:
            raise OutputError(f"cannot be kept: {error.strerror}", path=name, hint="is the disk full?") from error
        except BaseException:
            shutil.rmtree(jobs.shelf.of(number), ignore_errors=True)
            raise
    finally:
        await file.close()
    return job


_OUT = {".txt": ".csv", ".ndjson": ".jsonl"}


@router.get("/jobs", response_model=JobsOut, responses=_noes())
async def listed(request: Request) -> JobsOut:
    """The jobs of this key; of all keys for the role admin."""
    jobs, key = _jobs(request), visit_of(request).key

    def read() -> list[JobOut]:
        mine = [job for job in jobs.shelf.jobs() if job.key == key.id or key.may(ADMIN)]
        return [_out(job, jobs.shelf.state(job.id)) for job in reversed(mine)]

    return JobsOut(data=await asyncio.to_thread(read))


@router.get("/jobs/{number}", response_model=JobOut, responses=_noes())
async def one(request: Request, number: str) -> JobOut:
    """How far a job is."""
    jobs, job = _mine(request, number)
    return _out(job, jobs.shelf.state(number))


@router.get(
    "/jobs/{number}/result",
    response_class=StreamingResponse,
    responses={**_noes(409), 200: {"content": {"application/octet-stream": {}}}},
)
async def result(request: Request, number: str) -> StreamingResponse:
    """The tagged file of a job that is done; 409 before."""
    jobs, job = _mine(request, number)
    path = jobs.shelf.result(job)
    if jobs.shelf.state(number).state != DONE or not path.is_file():
        raise ConflictError("the job is not done", param="number", hint="GET /jobs/{id} says how far it is")
    visit_of(request).act = f"download {number}"
    name = f"{Path(job.name).stem}.tagged{job.out}"
    headers = {
        "content-disposition": f"attachment; filename=\"{_plain(name, number)}\"; filename*=UTF-8''{_escaped(name)}",
        "content-length": str(path.stat().st_size),
    }
    return StreamingResponse(_chunks(path), headers=headers, media_type="application/octet-stream")


def _plain(name: str, number: str) -> str:
    """A name for callers that do not read RFC 8187, as curl does not: of a Chinese one hardly anything would be left."""
    if name.isascii():
        return name.replace("%", "_")
    return f"job-{number[:8]}.tagged{Path(name).suffix}"


def _escaped(name: str) -> str:
    """As RFC 8187 writes a name in a header."""
    return "".join(chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "-._") else f"%{byte:02X}"
                   for byte in name.encode())  # fmt: skip


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


@router.delete("/jobs/{number}", response_model=Removed, responses=_noes())
async def remove(request: Request, number: str) -> Removed:
    """Stop a job, and remove its upload and its result."""
    jobs, job = _mine(request, number)
    was = jobs.shelf.state(number)
    jobs.remove(job.id)
    visit_of(request).act = f"remove {number}"
    return Removed(id=job.id, state="removed" if was.ended else "cancelled")
