"""Cells as values: texts, NPS answers and times out of whatever the export wrote. Vectorised over Arrow arrays."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .jsonlines import dump_json, is_json_text
from .text import simplify

NOT_A_NUMBER, OUT_OF_RANGE, NOT_A_TIME = "not a number", "outside 0-10", "not a date or time"
OUTSIDE_CSAT, OUTSIDE_CES = "outside 1-5", "outside 1-7"
#: The scale of each kind of answer, and what a cell beside it is told.
SCALES = {"score": (0, 10, OUT_OF_RANGE), "csat": (1, 5, OUTSIDE_CSAT), "ces": (1, 7, OUTSIDE_CES)}
#: The five answers of a satisfaction question where the export has words for numbers, in Simplified characters.
_SATISFIED = {
    word: number
    for number, words in {
        "5": "非常满意 很满意 十分满意",
        "4": "满意 比较满意 较满意 基本满意",
        "3": "一般 普通 中立",
        "2": "不满意 不太满意 比较不满意 较不满意",
        "1": "非常不满意 很不满意 十分不满意",
    }.items()
    for word in words.split()
}
# "9", "9.0", "9分", "10(非常可能)", "1-非常不满意": after NFKC, which makes full-width digits and brackets plain.
_SCORE = r"\A([+-]?[0-9]+(?:\.[0-9]*)?)\s*分?\s*(?:\([^0-9]*\)|[-–—:、.]\s*[^0-9\s][^0-9]*)?\z"
# The same in a satisfaction question, which counts stars as well: "4星", "5分(非常满意)", "2、不太满意".
_MARKED = re.compile(r"([1-5])(?:\.0*)?\s*(?:分|星级?|颗星)?\s*(?:\(([^0-9]*)\)|[-–—:、.]\s*([^0-9\s][^0-9]*))?")
_TIME = re.compile(
    r"(?P<y>\d{4})(?:(?P<sep>[-/.年])\s*(?P<m>\d{1,2})[-/.月]\s*(?P<d>\d{1,2})日?|(?P<m2>\d{2})(?P<d2>\d{2}))"
    r"(?:[T\s,]*(?:星期.|周.|週.)?\s*(?P<half>上午|下午|早上|晚上|中午|凌晨|[AaPp][Mm])?\s*"
    r"(?P<H>\d{1,2})[:时時点點](?P<M>\d{1,2})(?:[:分](?P<S>\d{1,2})(?:[.,](?P<f>\d{1,9}))?)?[分秒]?"
    r"\s*(?P<half2>[AaPp][Mm])?\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
DAY_FIRST, MONTH_FIRST = "day first", "month first"
_YEAR_LAST = re.compile(r"\A(?P<one>\d{1,2})(?P<sep>[-/.])(?P<two>\d{1,2})(?P=sep)(?P<y>\d{4})(?!\d)")
_SERIAL = re.compile(r"\d{5}(?:\.\d*)?", re.ASCII)
_FIRST_SERIAL, _LAST_SERIAL, _DAY_ZERO = 30_000, 60_001, datetime(1899, 12, 30)


def as_texts(column: pa.Array, field: pa.Field) -> pa.Array:
    """Any column as strings, null where it is null. JSON texts that are strings come without their quotes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if is_json_text(field):
        values = [None if text is None else json.loads(text) for text in column.to_pylist()]
        return pa.array([_text_of(value) for value in values], pa.string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([_text_of(value) for value in column.to_pylist()], pa.string())
    return _floats_as_texts(column) if pa.types.is_floating(kind) else pc.cast(column, pa.string())


def _floats_as_texts(column: pa.Array) -> pa.Array:
    """A whole number without a point or an exponent, as far as a float is exact: an id that was once empty is a float."""
    numbers = pc.cast(column, pa.float64())
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), float(1 << 53)))
    whole = pc.fill_null(whole, False)
    digits = pc.cast(pc.cast(pc.if_else(whole, numbers, pa.scalar(None, pa.float64())), pa.int64()), pa.string())
    return pc.if_else(whole, digits, pc.cast(column, pa.string()))


def _text_of(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dump_json(value)


def as_labels(column: pa.Array, field: pa.Field) -> pa.Array:
    """Strings for grouping: trimmed, null where nothing is left."""
    texts = pc.utf8_trim_whitespace(as_texts(column, field))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def as_scores(column: pa.Array, field: pa.Field) -> tuple[pa.Array, pa.Array]:
    """(float32 answers 0-10, what is wrong with each cell or null). An empty cell is null and no problem."""
    return as_answers(column, field, kind_of="score")


def as_answers(column: pa.Array, field: pa.Field, *, kind_of: str) -> tuple[pa.Array, pa.Array]:
    """``as_scores`` on one of ``SCALES``; satisfaction may be in words or stars, 非常满意 to 非常不满意."""
    low, high, outside = SCALES[kind_of]
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(column, pa.float64(), safe=False)
        given = pc.and_(numbers.is_valid(), pc.invert(pc.fill_null(pc.is_nan(numbers), False)))
        numbers = pc.if_else(given, numbers, pa.scalar(None, pa.float64()))
    else:
        texts = pc.utf8_trim_whitespace(pc.utf8_normalize(as_texts(column, field), "NFKC"))
        texts = _numbered(texts) if kind_of == "csat" else texts
        given = pc.fill_null(pc.not_equal(texts, ""), False)
        fits = pc.fill_null(pc.match_substring_regex(texts, _SCORE), False)
        digits = pc.replace_substring_regex(texts, _SCORE, r"\1")
        numbers = pc.cast(pc.if_else(fits, pc.ascii_ltrim(digits, "+"), pa.scalar(None, pa.string())), pa.float64())
    inside = pc.and_(pc.greater_equal(numbers, float(low)), pc.less_equal(numbers, float(high)))
    inside = pc.fill_null(inside, False)
    problem = pc.if_else(numbers.is_valid(), pa.scalar(outside), pa.scalar(NOT_A_NUMBER))
    nothing = pa.scalar(None, pa.string())
    problems = pc.if_else(pc.and_(given, pc.invert(inside)), problem, nothing)
    return pc.cast(pc.if_else(inside, numbers, pa.scalar(None, pa.float64())), pa.float32()), problems


def _numbered(texts: pa.Array) -> pa.Array:
    """Words of satisfaction as their numbers, those beside a number too; other texts stay."""
    coded = texts.dictionary_encode()
    numbers = [None if text is None else _satisfaction(text) for text in coded.dictionary.to_pylist()]
    return pc.take(pa.array(numbers, pa.string()), coded.indices)


def _satisfaction(text: str) -> str:
    """The number of one answer. Where a scale counts from the best (1-非常满意), the words are what was meant."""
    marked = _MARKED.fullmatch(text)
    said = (marked[2] or marked[3] or "") if marked else text
    meant = _SATISFIED.get(simplify(said).strip()) if said else None
    if marked is None:
        return text if meant is None else meant
    turned = meant is not None and (int(meant) - 3) * (int(marked[1]) - 3) < 0
    return meant if turned and meant is not None else marked[1]


def as_times(column: pa.Array, field: pa.Field, *, order: str = "", serial: bool = False) -> tuple[pa.Array, pa.Array]:
    """(timestamp[us] as the local clock was written, zones dropped; what is wrong with each cell or null).

    ``order`` tells how dates with the year last are read, DAY_FIRST or MONTH_FIRST; ``serial``: that numbers are the days
    which Excel counts, 46023 is 1 January 2026.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(column) if kind.tz else column
        return pc.cast(local, pa.timestamp("us"), safe=False), pa.nulls(len(column), pa.string())
    if pa.types.is_date(kind):
        return pc.cast(column, pa.timestamp("us"), safe=False), pa.nulls(len(column), pa.string())
    texts = as_labels(column, field)
    try:  # the common notation, all cells at once
        return pc.cast(texts, pa.timestamp("us")), pa.nulls(len(column), pa.string())
    except pa.ArrowInvalid:
        pass  # another notation, or a bad cell: one by one, each distinct text once
    distinct = texts.dictionary_encode()
    read = [
        (_serial_day(text) if serial else None) or parse_time(text, order) for text in distinct.dictionary.to_pylist()
    ]
    times = pc.take(pa.array(read, pa.timestamp("us")), distinct.indices)
    wrong = pc.and_(texts.is_valid(), times.is_null())
    return times, pc.if_else(wrong, pa.scalar(NOT_A_TIME), pa.scalar(None, pa.string()))


def day_order(column: pa.Array, field: pa.Field) -> str:
    """How the dates of a column that have the year last are read: the one order that fits all of them, "" without one."""
    if pa.types.is_temporal(column.type):
        return ""
    found = [
        match for text in pc.unique(as_labels(column, field)).drop_null().to_pylist() if (match := _year_last(text))
    ]
    day_first = any(int(match["one"]) > 12 for match in found)
    month_first = any(int(match["two"]) > 12 for match in found)
    return "" if day_first == month_first else DAY_FIRST if day_first else MONTH_FIRST


def is_year_last(text: str) -> bool:
    """Whether a cell begins like 1/3/2026."""
    return _year_last(text) is not None


def _year_last(text: str) -> re.Match[str] | None:
    return _YEAR_LAST.match(unicodedata.normalize("NFKC", text).strip())


def _serial_day(text: str) -> datetime | None:
    """The day, and the hour behind the point, that Excel counts with a number; None for what lies before 1982 or after 2064."""
    if _SERIAL.fullmatch(text) is None or not _FIRST_SERIAL <= float(text) < _LAST_SERIAL:
        return None
    return _DAY_ZERO + timedelta(seconds=round(float(text) * 86_400))


def parse_time(text: str, order: str = "") -> datetime | None:
    """``2026-06-01``, ``2026/6/1 8:03``, ``2026年6月1日 下午3:05``, ``20260601``, ISO 8601; else None.

    The year comes first, unless ``order`` is DAY_FIRST or MONTH_FIRST: 6/1/2026 is two different days in two countries,
    so it is not guessed at.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if order:
        text = _YEAR_LAST.sub(r"\g<y>/\g<two>/\g<one>" if order == DAY_FIRST else r"\g<y>/\g<one>/\g<two>", text)
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    hour = int(part["H"] or 0)
    half = (part["half"] or part["half2"] or "").lower()
    if half in ("下午", "晚上", "pm", "中午") and 1 <= hour < 12 and not (half == "中午" and hour == 11):
        hour += 12
    elif half in ("上午", "凌晨", "早上", "am") and hour == 12:
        hour = 0
    try:
        day = datetime(int(part["y"]), int(part["m"] or part["m2"]), int(part["d"] or part["d2"]), hour)
        return day.replace(
            minute=int(part["M"] or 0),
            second=int(part["S"] or 0),
            microsecond=int((part["f"] or "0").ljust(6, "0")[:6]),
        )
    except ValueError:
        return None
