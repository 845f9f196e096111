"""Which columns of a labelled table say what: by their names and, where every code has a column, by what their cells hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from vocnlp.column_names import EXACT, match_name
from vocnlp.tables import Source

from .label_marks import word_of

_CODE = ("code", "codes", "编码", "标签", "码", "代码", "编码名称", "码名", "标签名称", "tag", "label_code")
_POLARITY = ("polarity", "极性", "倾向", "情感极性", "情感倾向", "情感")
SENTIMENT = ("sentiment", "整体情感", "总体情感", "情感")
LABEL = "label"
ID = ("id", "编号", "序号", "评论编号", "答卷编号")
#: In a cell of a wide table, whatever else stands in the file.
ABSENT = frozenset(
    {"-2", "-", "/", "无", "否", "未提及", "未提到", "没有提到", "no", "none", "n", "false", "not mentioned"}
)
PRESENT = frozenset({"√", "✓", "✔", "是", "有", "x", "y", "yes", "true", "提及", "提到"})
NUMBERS = frozenset({"1", "0"})  # there and not there, unless something says that they are polarities
_NUMBERED = re.compile(r"(.*?)[\s_-]*(\d+)")  # 标签1, polarity_2
_NO_CODE = re.compile("是否.*|.*次数")
_FEW = 50  # distinct cells of a column that are looked at: one with more is no column of polarities


@dataclass(frozen=True, slots=True)
class TagColumns:
    """Where a long table has a tag: the columns of its code, polarity and offsets, None where there is none."""

    code: str
    polarity: str | None = None
    start: str | None = None
    end: str | None = None


def by_name(names: Iterable[str]) -> dict[str, str]:
    """Columns by their names as these are looked for: Simplified, in lower case."""
    return {word_of(name): name for name in names}


def named(columns: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first column of one of these names."""
    return next((columns[name] for name in names if name in columns), None)


def tag_columns(
    columns: Mapping[str, str], known: frozenset[str], judges: Callable[[str], bool]
) -> tuple[TagColumns, ...]:
    """The columns of a long table's tags: 标签 and 极性, and 标签1 and 极性1 and so on where a row holds several.

    known: names of codes, so that their columns are those of a wide table; judges: whether a column's cells are polarities
    """
    found = []
    code = named(columns, _CODE)
    if code is not None:
        found.append(TagColumns(code, named(columns, _POLARITY), columns.get("start"), columns.get("end")))
    codes, polarities = (_numbered(columns, names) for names in (_CODE, _POLARITY))
    for number, column in sorted(codes.items()):
        if column.strip() not in known and (code is not None or number in polarities or not judges(column)):
            found.append(TagColumns(column, polarities.get(number)))
    return tuple(found)


def sentiment_of_long(columns: Mapping[str, str]) -> str | None:
    """The column of the whole comment's sentiment beside columns of codes: there a label can be a sentiment alone."""
    polarity = named(columns, _POLARITY)
    return named(columns, [name for name in (*SENTIMENT, LABEL) if columns.get(name) != polarity])


def _numbered(columns: Mapping[str, str], names: Sequence[str]) -> dict[int, str]:
    cut = ((_NUMBERED.fullmatch(name), column) for name, column in columns.items())
    return {int(one[2]): column for one, column in cut if one is not None and one[1] in names and len(one[2]) < 4}


def code_columns(
    cells: Mapping[str, Counter[str]], polarities: Mapping[str, str], known: frozenset[str]
) -> tuple[str, ...]:
    """Those columns of a wide table that are codes: those of the frame's names, and those whose cells are words of labels."""
    words = frozenset(polarities) | ABSENT | PRESENT
    return tuple(
        name
        for name, found in cells.items()
        if name.strip() in known
        or (_tells(found, words) and match_name(name)[1] < EXACT and not _is_no_code(word_of(name)))
    )


def _is_no_code(name: str) -> bool:
    """Whether a column speaks of something else whatever it holds: 是否会员, 购买次数, 极性2."""
    stem = one[1] if (one := _NUMBERED.fullmatch(name)) else name
    return _NO_CODE.fullmatch(name) is not None or stem in _POLARITY


def _tells(found: Counter[str], words: frozenset[str]) -> bool:
    """Whether a few different cells are words of labels: half of them at least, or nine tenths of all that are filled.

    The second tells a column with many slips of the pen from one of remarks, where 无 may be the commonest.
    """
    if not found or len(found) > _FEW:
        return False
    said = [cell for cell in found if cell in words]
    judged = sum(found[cell] for cell in said if cell not in ABSENT)
    return 2 * len(said) >= len(found) or 10 * judged >= 9 * found.total()


def distinct(source: Source, names: Sequence[str]) -> dict[str, Counter[str]]:
    """How often each of up to some fifty different cells stands in each column, as words; a whole reading of the file."""
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    for batch in source.batches():
        for name, seen in found.items():
            if len(seen) <= _FEW:
                for one in pc.value_counts(batch.column(name)).slice(0, _FEW + 2).to_pylist():
                    seen[word_of(one["values"])] += one["counts"]
                del seen[""]
    return found
