"""A file in a form, taken with care: its kind first, then its size while it comes, then its time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from .errors import (
    GoneError,
    InvalidError,
    MalformedError,
    NotReadyError,
    TooLargeError,
    TooSlowError,
    WrongKindError,
)
from .settings import Settings

_LOOK = 0.2  # seconds between two looks whether the service goes down
_FORM = 64 * 1024  # what a form may add to its file: boundaries and headers


async def read_upload(request: Request, settings: Settings, *, closing: Callable[[], bool]) -> UploadFile:
    """The one file of the form, in its field ``file``. To be closed by who asked for it.

    NotReadyError as soon as the service is ``closing``: an upload may take longer than it has left.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        hint = "send the file as a form: curl -F file=@comments.xlsx"
        raise WrongKindError("an upload is multipart/form-data", param="content-type", hint=hint)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongKindError("compressed bodies are not taken", param="content-encoding", hint="send it as it is")
    body = _bounded(request, settings.upload_bytes)
    parser = MultiPartParser(request.headers, body, max_files=1, max_fields=0)
    try:
        async with asyncio.timeout(settings.upload_seconds):
            form = await _unless(closing, parser.parse())
    except MultiPartException as error:
        raise MalformedError(f"the form cannot be read: {error.message}", param="body") from None
    except TimeoutError:
        raise TooSlowError(f"the upload did not arrive within {settings.upload_seconds:g} s") from None
    except ClientDisconnect:
        raise GoneError("the caller hung up") from None
    file = form.get("file")
    if not isinstance(file, UploadFile):
        await form.close()
        raise InvalidError("the form has no file of this name", param="file", hint="curl -F file=@comments.xlsx")
    return file


async def _unless(closing: Callable[[], bool], parsing: Coroutine[Any, Any, FormData]) -> FormData:
    task = asyncio.ensure_future(parsing)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
            if closing():
                raise NotReadyError("the service goes down")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})  # it closes what it has begun


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    too_large = TooLargeError(f"an upload may have at most {most:,} bytes", param="file", hint="cut the file in parts")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most + _FORM:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most + _FORM:
            raise too_large
        yield chunk


async def save(file: UploadFile, path: Path) -> int:
    """Copy an upload to its place; how many bytes it has."""

    def copy() -> int:
        file.file.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, 1 << 20)
            return target.tell()

    return await asyncio.to_thread(copy)
