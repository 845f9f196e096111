"""Which encoding a text file is in: decided by its bytes alone, and checked over the whole file before a row is read.

Order of decision: byte order mark; the NUL pattern of UTF-16; strict UTF-8 over the whole file; then GB18030 (the
superset of GBK and GB2312) against Big5 (with the Windows and the Hong Kong extensions).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .column_names import EXACT, match_name
from .errors import InputError

_CHUNK = 1 << 20
_SAMPLE = 1 << 18
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_RESAVE = "open the file in its own program and save it as UTF-8 (in Excel: 'CSV UTF-8')"
# Where each standard keeps its common characters (GB2312 level 1: rows B0-D7; Big5 level 1: A440-C67E). Text read in
# the right encoding falls almost wholly inside; read in the other one about half falls outside. No word list needed.
_GB_COMMON = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")
_BIG5_COMMON = re.compile(rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]")
_GB_PAIR = re.compile(rb"[\x81-\xfe][\x30-\x39][\x81-\xfe][\x30-\x39]|[\x81-\xfe][\x40-\xfe]")
_BIG5_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\xa1-\xfe]")
_GB_MARKS = (b"\xa3\xac", b"\xa1\xa3", b"\xa3\xa1")  # ，。！
_BIG5_MARKS = (b"\xa1\x41", b"\xa1\x43", b"\xa1\x49")


def detect_encoding(path: Path, *, longest_line: int) -> str:
    """Name the Python codec that decodes every byte of the file: ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``,
    ``utf-16-be``, ``gb18030``, ``cp950`` or ``big5hkscs``.

    Memory is bounded by ``longest_line`` bytes, beyond which a line is refused. Raises InputError naming line and byte
    offset where no encoding fits.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return _require(file, path, name, longest_line)
        fault = _first_fault(file, path, "utf-8", longest_line)
        wide = _utf16_without_mark(head, path.stat().st_size, valid_utf8=fault is None)
        if fault is None:
            return "utf-8" if wide is None else _require(file, path, wide, longest_line)
        sample = _sample_near(file, fault)
        if wide is None and _is_damaged_utf8(sample):
            raise _undecodable(file, path, "utf-8", fault)
        for name, fit in _chinese_candidates(sample, re.split(rb"[\r\n]", head, maxsplit=1)[0]):
            # A NUL inside a cell can look like UTF-16; characters that fit this well are no accident.
            if (wide is None or fit > 0.5) and _first_fault(file, path, name, longest_line) is None:
                return name
        if wide is not None:
            return _require(file, path, wide, longest_line)
        raise _undecodable(file, path, "utf-8", fault)


def _require(file: BinaryIO, path: Path, name: str, longest_line: int) -> str:
    fault = _first_fault(file, path, name, longest_line)
    if fault is not None:
        raise _undecodable(file, path, name, fault)
    return name


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _first_fault(file: BinaryIO, path: Path, name: str, longest_line: int) -> int | None:
    """Byte offset of the first byte that the codec refuses, None where it takes the whole file."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    offset = run = 0
    for chunk in _chunks(file):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return offset - pending + error.start
        offset += len(chunk)
        newline = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        run = run + len(chunk) if newline < 0 else len(chunk) - newline - 1
        if run > longest_line:
            raise InputError(
                f"a line longer than {longest_line:,} bytes", path=path, hint="is this really a table of text?"
            )
    pending = len(decoder.getstate()[0])
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return offset - pending
    return None


def _utf16_without_mark(head: bytes, size: int, *, valid_utf8: bool) -> str | None:
    """UTF-16 shows in the ASCII it holds: line ends and commas come as pairs with a NUL, always on the same side."""
    if size % 2 or b"\0" not in head:
        return None
    body = head[: len(head) // 2 * 2]
    low, high = body[0::2], body[1::2]
    little = sum(high[i] == 0 for i in range(len(high)) if low[i] in b"\n\r,\t")
    big = sum(low[i] == 0 for i in range(len(low)) if high[i] in b"\n\r,\t")
    if max(little, big) < 1 + 5 * min(little, big):
        return None
    name, zeros = ("utf-16-le", high) if little > big else ("utf-16-be", low)
    # A line end in the upper half of a pair would be an Indic letter: this is another encoding with a NUL in a cell.
    if b"\n" in zeros or b"\r" in zeros:
        return None
    # A UTF-8 file may hold a NUL inside a cell; UTF-16 that is also valid UTF-8 is pure ASCII, so every pair has one.
    if valid_utf8 and zeros.count(0) < len(zeros):
        return None
    try:
        body.decode(name, "strict")
    except UnicodeDecodeError as error:
        return name if error.start >= len(body) - 2 else None
    return name


def _sample_near(file: BinaryIO, fault: int) -> bytes:
    """Up to 256 KiB from the start of a line at or before the fault: far down a file the head may be plain ASCII."""
    if fault < _SAMPLE // 2:
        file.seek(0)
        return file.read(_SAMPLE)
    file.seek(fault - 4096)
    sample = file.read(_SAMPLE)
    return sample[sample.find(b"\n", 0, 4096) + 1 :]


def _is_damaged_utf8(sample: bytes) -> bool:
    """True where UTF-8 reads the sample but for a few bytes; text of another encoding breaks at nearly every letter."""
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = sum(char > "\x7f" for char in text) - broken
    return sound >= 3 and sound >= 5 * broken


def _chinese_candidates(sample: bytes, header: bytes) -> list[tuple[str, float]]:
    """GB18030 and Big5 with how well the sample's characters fit (0 to 1, and 1 more where the header names a column
    that exports have), best first; GB18030 first on a tie."""
    gb = _fit(sample, _GB_PAIR, _GB_COMMON, _GB_MARKS)
    big5 = _fit(sample, _BIG5_PAIR, _BIG5_COMMON, _BIG5_MARKS)
    fits = [("gb18030", gb), ("cp950", big5), ("big5hkscs", big5)]
    named = [(name, fit + _names_a_column(header, name)) for name, fit in fits]
    return sorted(named, key=lambda candidate: -candidate[1])


def _names_a_column(header: bytes, name: str) -> bool:
    """Whether a cell of the first line, read in this encoding, is a well-known column name."""
    cells = re.split(r"[,;|\t\"]", header.decode(name, "replace"))
    return any(match_name(cell)[1] == EXACT for cell in cells if not cell.isascii())


def _fit(sample: bytes, pair: re.Pattern[bytes], common: re.Pattern[bytes], marks: tuple[bytes, ...]) -> float:
    """Share of the double-byte characters that are common hanzi or everyday punctuation of this encoding, 0 to 1."""
    pairs = pair.findall(sample)
    if not pairs:
        return 0.0
    return sum(item in marks or common.fullmatch(item) is not None for item in pairs) / len(pairs)


def _undecodable(file: BinaryIO, path: Path, name: str, fault: int) -> InputError:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(name)("replace")
    left, line = fault, 1
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        left -= len(chunk)
        text = decoder.decode(chunk)
        line += text.count("\n") or text.count("\r")
    file.seek(fault)
    shown = file.read(4).hex(" ").upper()
    return InputError(
        f"line {line}, byte offset {fault}: the bytes {shown} are not valid {name.upper()}",
        path=path,
        row=line,
        hint=_RESAVE,
    )
