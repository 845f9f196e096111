"""What a table file is: by its ending, checked against its first bytes; where they disagree, the next step is named."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

XLSX, CSV, JSONL, PARQUET = "xlsx", "csv", "jsonl", "parquet"
KINDS = {
    ".xlsx": XLSX,
    ".csv": CSV,
    ".tsv": CSV,
    ".txt": CSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".parquet": PARQUET,
}
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1"
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"SQLite format 3": "a SQLite database",
}
_WEB = (b"<html", b"<!doctype html", b"<table", b"<?xml")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def kind_by_name(path: Path) -> str:
    """``xlsx``, ``csv`` (.tsv, .txt too), ``jsonl`` (.ndjson too) or ``parquet``; InputError on any other ending."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"the ending {path.suffix or '(none)'!r} is not one of {', '.join(KINDS)}",
            path=path,
            hint="save the table as .xlsx or .csv",
        )
    return kind


def kind_of(path: Path) -> str:
    """The kind of an existing file, its first bytes agreeing with its ending.

    Raises InputError for a missing or empty file, a directory, a file that cannot be opened, an unknown ending, and
    for content that is not what the ending says.
    """
    if not path.exists():
        raise InputError("no such file", path=path, hint="check the spelling and the folder")
    if path.is_dir():
        raise InputError("this is a directory, not a table file", path=path, hint="name one file inside it")
    kind = kind_by_name(path)
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(f"cannot be opened: {error.strerror}", path=path, hint="check the permissions") from error
    if not head:
        raise InputError("the file is empty (0 bytes)", path=path, hint="export it again")
    _refuse_disguise(path, kind, head)
    return kind


def _refuse_disguise(path: Path, kind: str, head: bytes) -> None:
    if head.startswith(_OLE):
        raise _ole_refusal(path)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"this is {what}, not {kind}", path=path, hint="export the table as .xlsx or .csv")
    if head.startswith(_ZIP) and kind != XLSX:
        raise _mislabelled(path, "an xlsx workbook (or another zip file)", ".xlsx")
    if head.startswith(_PARQUET) and kind != PARQUET:
        raise _mislabelled(path, "a parquet file", ".parquet")
    if kind == XLSX and not head.startswith(_ZIP):
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB):
            raise InputError(
                "this is a web page or XML, not xlsx", path=path, hint="open it in Excel and save it as .xlsx"
            )
        if head.startswith(b"PK"):
            raise InputError("the zip container is empty or damaged", path=path, hint="export it again")
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            raise _mislabelled(path, "JSON text", ".jsonl")
        raise _mislabelled(path, "not a workbook but, it seems, text", ".csv")
    if kind == PARQUET and not head.startswith(_PARQUET):
        raise _mislabelled(path, "not parquet", "the ending of its true kind")


def _mislabelled(path: Path, what: str, ending: str) -> InputError:
    name = path.with_suffix(ending).name if ending.startswith(".") else ending
    return InputError(
        f"the content is {what}, though the name ends in {path.suffix}", path=path, hint=f"rename it to {name}"
    )


def _ole_refusal(path: Path) -> InputError:
    """Old .xls and encrypted .xlsx share one container; an encrypted package names itself in the directory."""
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            if _ENCRYPTED in tail + chunk:
                return InputError("the workbook is password-protected", path=path, hint="save it without a password")
            tail = chunk[-len(_ENCRYPTED) :]
    return InputError(
        "this is an old Excel file (.xls, 97-2003)", path=path, hint="open it in Excel and save it as .xlsx"
    )
