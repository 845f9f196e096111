"""The zip file around an xlsx: measured before a parser sees it, and formulas that nobody calculated made texts."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from .errors import InputError

_CHUNK = 1 << 20
# The tag of a cell or row and its place. Text cannot hold a raw "<", so nothing a customer wrote can look like this.
_PLACE = re.compile(rb"""<(?:\w{1,9}:)?(?:c|row)\s[^<]*?\br\s*=\s*["']([A-Za-z]*)([0-9]+)["']""")
_HAS_FORMULA = re.compile(rb"<(?:\w{1,9}:)?f[\s>]")
_FORMULA = re.compile(
    rb"<(?P<ns>(?:\w{1,9}:)?)c(?P<about>\s[^<>]*)?>\s*<(?P=ns)f(?:\s[^<>]*)?>(?P<formula>[^<]+)</(?P=ns)f>\s*"
    rb"(?:<(?P=ns)v(?:\s[^<>]*)?(?:/>|>(?P<saved>[^<]*)</(?P=ns)v>)\s*)?</(?P=ns)c>"
)
_CELL_END = re.compile(rb"</(?:\w{1,9}:)?c>")
_KIND = re.compile(rb"""\s+t\s*=\s*["'](\w*)["']""")
_NO_SUCH_NAME = b"#NAME?"  # what Excel makes of =太差了: these words are no formula
_LONGEST_CELL = 4 << 20  # bytes; Excel's own bound is 32,767 characters
_BOMB = "this is not an ordinary workbook; copy the rows that matter into a new one, or save the sheet as .csv"


def measured(path: Path, unpacked_bytes: int, cells: int) -> frozenset[str]:
    """Unpack the container once, keeping nothing, and measure it: sizes in a zip directory are only claims.

    A stray cell in the far corner is refused too: the parser holds the whole rectangle, and one at XFD1048576 asks for
    512 GiB, which ends the process instead of raising. Returns the parts in which formulas stand. InputError for what
    is no workbook, is damaged, or unpacks to more than ``unpacked_bytes`` or ``cells``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if not any(name.startswith("xl/workbook") for name in names):
                raise InputError(
                    "this is a zip file, but no xlsx workbook is inside", path=path, hint="export it again"
                )
            if "xl/workbook.bin" in names:
                raise InputError(
                    "this is a binary workbook (.xlsb)", path=path, hint="open it in Excel and save it as .xlsx"
                )
            left, calculated = unpacked_bytes, set()
            for entry in entries:
                entry.file_size = left + 2 * _CHUNK  # read on to the data's true end, whatever the directory claims
                size, formulas = _measure(path, archive, entry, left, cells)
                calculated |= {entry.filename} if formulas else set()
                left -= size
                if left < 0:
                    raise InputError(
                        f"the workbook unpacks to more than {unpacked_bytes:,} bytes", path=path, hint=_BOMB
                    )
            return frozenset(calculated)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise InputError(f"the workbook is damaged: {error}", path=path, hint="export it again") from error


def _measure(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, cells: int) -> tuple[int, bool]:
    """The bytes of one part, and whether formulas stand in it."""
    size, tail, formulas = 0, b"", False
    rows, columns = 0, 0
    with archive.open(entry) as part:
        while size <= left and (chunk := part.read(_CHUNK)):
            size += len(chunk)
            seen = tail + chunk
            found = _PLACE.findall(seen)
            formulas = formulas or _HAS_FORMULA.search(seen) is not None
            tail = chunk[max(chunk.rfind(b"<"), 0) :]  # a tag may go on in the next chunk
            if not found:
                continue
            rows = max(rows, *(int(row) for _, row in found))
            columns = max(columns, *(_column(letters) for letters in {letters for letters, _ in found}))
            if rows * columns > cells:
                raise InputError(
                    f"a sheet reaches to row {rows:,}, column {columns:,}: more than {cells:,} cells",
                    path=path,
                    hint=_BOMB,
                )
    return size, formulas


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + (letter & 31)
    return number


def with_formulas_as_texts(path: Path, parts: frozenset[str]) -> BytesIO | None:
    """The workbook with the text of each formula that has no saved value in that value's place; None without any.

    A program that writes workbooks calculates nothing: of a comment that begins with "=" it makes such a formula, and a
    reader of values finds an empty cell. Excel saves #NAME? where the words are no formula, and their text is kept,
    too. ``parts`` are those that may hold formulas; a shared formula has its text in one cell only, and stays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unsaved = {name for name in sorted(parts) if _any_unsaved(archive, name)}
            if not unsaved:
                return None
            made = BytesIO()
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
                for entry in archive.infolist():
                    with archive.open(entry) as part, copy.open(entry.filename, "w", force_zip64=True) as target:
                        if entry.filename not in unsaved:
                            shutil.copyfileobj(part, target, _CHUNK)
                            continue
                        for piece in _pieces(part):
                            target.write(_FORMULA.sub(_as_text, piece))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise InputError(f"the workbook is damaged: {error}", path=path, hint="export it again") from error
    made.seek(0)
    return made


def _any_unsaved(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as part:
        return any(_is_unsaved(cell) for piece in _pieces(part) for cell in _FORMULA.finditer(piece))


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a sheet, cut behind cells."""
    rest = b""
    while chunk := part.read(_CHUNK):
        rest += chunk
        at = rest.rfind(b"</")
        while at >= 0 and not _CELL_END.match(rest, at):
            at = rest.rfind(b"</", 0, at)
        end = rest.find(b">", at) + 1 if at >= 0 else len(rest) if len(rest) > _LONGEST_CELL else 0
        yield rest[:end]
        rest = rest[end:]
    yield rest


def _is_unsaved(cell: re.Match[bytes]) -> bool:
    kind = _KIND.search(cell["about"] or b"")
    saved = (cell["saved"] or b"").strip()
    if kind is not None and kind[1] == b"str":  # a saved text, and "" is one
        return False
    return saved in (b"", _NO_SUCH_NAME)


def _as_text(cell: re.Match[bytes]) -> bytes:
    if not _is_unsaved(cell):
        return cell[0]
    ns, about = cell["ns"], _KIND.sub(b"", cell["about"] or b"")
    return b"".join((b"<", ns, b"c", about, b' t="str"><', ns, b"v>=", cell["formula"], b"</", ns, b"v></", ns, b"c>"))
