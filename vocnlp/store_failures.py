"""What goes wrong with a store, in plain words: what deltalake and Arrow raise becomes a StoreError with the next step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.dataset as ds

from .errors import StoreError, VocnlpError

HOW_TO_CREATE = "check the spelling, or create one: vocnlp store put FILE --store DIR"
_SHOWN = 3  # names of files in a message


@contextmanager
def explained(url: str, spoilt: Callable[[], Sequence[str]] = tuple) -> Iterator[None]:
    """What deltalake raises becomes a StoreError with the next step; a damaged log can even make it panic.

    ``spoilt`` names the data files that cannot be read: it is asked after a failure alone.
    """
    try:
        yield
    except VocnlpError:
        raise
    except Exception as error:
        raise _explanation(error, url, spoilt) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _explanation(error, url, spoilt) from error


def spoilt_files(fragments: Iterable[ds.Fragment]) -> list[str]:
    """Names of the data files that are missing, or cannot be read from the first row to the last."""
    found = []
    for part in fragments:
        try:
            for _ in part.to_batches(batch_readahead=1, fragment_readahead=1):
                pass
        except (pa.ArrowException, OSError):
            found.append(part.path.rpartition("/")[2])
    return sorted(found)


def spoilt_error(url: str, names: Sequence[str]) -> StoreError:
    """Names the data files that were found spoilt."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    told = f"a data file is damaged or missing: {', '.join(names[:_SHOWN])}{more}"
    return StoreError(told, path=url, hint="restore that file from a backup of the store")


#: What deltalake says, in small letters; what that means; what to do. Of the first kind, no file is to blame.
_ELSEWHERE = (
    (("unknown scheme",), "this kind of address is not known", "name a folder, or s3://..., gs://..., az://..."),
    (("no space left",), "cannot be written: the disk is full", "free some space and run it again"),
    (("permission denied", "read-only file"), "cannot be reached: permission denied", "check the rights"),
    (
        ("connect", "dns error", "timed out", "http error", "status: 40", "status: 50", "credential"),
        "cannot be reached",
        "check the address, the network and the storage options (keys, region, endpoint)",
    ),
)
_MEANINGS = (
    (("checkpoint", "_delta_log", "json", "commit file", "log segment", "eof", "parquet error", "utf-8", "panic"),
     "the log of the store is damaged", "restore the folder _delta_log from a backup; the data files are untouched"),
    (("not found", "no such file"), "files of the store are missing", "restore the folder from a backup"),
)  # fmt: skip
_COLOUR = re.compile(r"\x1b\[\d+m")
_TRACE = re.compile(r"\n\s*0: .*", re.DOTALL)


def _explanation(error: BaseException, url: str, spoilt: Callable[[], Sequence[str]]) -> StoreError:
    said = " ".join(_TRACE.sub("", _COLOUR.sub("", str(error))).split())
    signs = f"{said} {type(error).__name__}".lower()
    if type(error).__name__ == "TableNotFoundError" and "unknown scheme" not in signs:
        return StoreError("there is no store", path=url, hint=HOW_TO_CREATE)
    if told := _told(said, signs, url, _ELSEWHERE):
        return told
    if names := spoilt():
        return spoilt_error(url, names)
    hint = "is the folder a whole copy of it?"
    return _told(said, signs, url, _MEANINGS) or StoreError(
        f"the store cannot be used: {said[:200]}", path=url, hint=hint
    )


def _told(said: str, signs: str, url: str, meanings: Sequence[tuple[tuple[str, ...], str, str]]) -> StoreError | None:
    for known, meaning, hint in meanings:
        if any(sign in signs for sign in known):
            return StoreError(f"{meaning} ({said[:200]})", path=url, hint=hint)
    return None


__all__ = ["HOW_TO_CREATE", "explained", "spoilt_error", "spoilt_files"]
