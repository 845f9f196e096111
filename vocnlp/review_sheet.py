"""Rows to review as a workbook with drop-down lists, in Chinese; and the workbook read back with what coders answered.

The sheet 评审 is the coders'; 码表 explains the codes. Two hidden sheets hold the lists behind the drop-downs (Excel takes
at most 255 characters of a list in a cell's rule) and what the rows need to be known again by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .codeframe import Codeframe
from .errors import InputError
from .records import MIXED, NEGATIVE, NEUTRAL, POSITIVE
from .review import LABEL, NEW, RANDOM, RARE, UNCERTAIN
from .review_rows import (
    CHANGED,
    CONFIRMED,
    SKIPPED,
    Answer,
    Answers,
    Mark,
    Origin,
    Problem,
    ReviewError,
    ReviewRow,
    Sample,
    answered,
    code_of,
    display_names,
)
from .sheets import Sheet, Workbook
from .tables import open_table

SHEET_ROWS, SHEET_CODES, SHEET_LISTS, SHEET_KEPT = "评审", "码表", "_lists", "_rows"
ID, TEXT, WHY, MOOD, DO, BY, NOTE = "编号", "评论", "推荐理由", "整体情感", "处理", "评审人", "备注"
POLARITY = {POSITIVE: "正面", NEUTRAL: "中性", NEGATIVE: "负面"}
MARKED = {**POLARITY, MIXED: "褒贬不一"}  # of a tag; the whole has one of the three
ACTION = {CONFIRMED: "确认", CHANGED: "修改", SKIPPED: "跳过"}
REASON = {
    UNCERTAIN: "模型没有把握", RARE: "可能是少见的码", NEW: "可能是码框之外的新话题",
    LABEL: "原标注可能有误", RANDOM: "随机抽查",
}  # fmt: skip
LEAST_SLOTS, SPARE_SLOTS = 4, 2
_KEPT_COLUMNS = ("id", "text", "origin")
_SLOT = re.compile("(?:标签|极性|证据)([1-9][0-9]{0,3})")
_MOST_SLOTS = 5_000  # a sheet of Excel has 16,384 columns


def write_sheet(sample: Sample, path: Path) -> None:
    """Write the workbook, whole or not at all. OutputError where it cannot be written."""
    slots = slots_of(sample.rows)
    names = display_names(sample.frame)
    fresh = path.with_name(f".{path.name}.part")
    try:
        with Workbook(fresh) as book:
            _write_rows(book, sample, names, slots)
            _write_codes(book, sample.frame, names)
            lists = book.sheet(SHEET_LISTS, ["标签", "极性", "处理"])
            lists.hide()
            lists.write_rows(_columns(list(names.values()), list(MARKED.values()), list(ACTION.values())))
            kept = book.sheet(SHEET_KEPT, _KEPT_COLUMNS)
            kept.hide()
            head = {"frame": sample.frame.digest, "bundle": sample.bundle, "sample": sample.digest, "slots": slots}
            kept.write(["", json.dumps(head, ensure_ascii=False), ""])
            kept.write_rows(
                [row.id, row.text, json.dumps(row.origin.to_dict(), ensure_ascii=False)] for row in sample.rows
            )
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def slots_of(rows: Iterable[ReviewRow]) -> int:
    """How many tags the coders' sheet has room for in each row: what the fullest one needs, and some to spare."""
    return max([LEAST_SLOTS, *(len(row.origin.suggested) + SPARE_SLOTS for row in rows)])


def header(slots: int) -> list[str]:
    """The columns of the coders' sheet."""
    parts = [name for number in range(1, slots + 1) for name in (f"标签{number}", f"极性{number}", f"证据{number}")]
    return [ID, TEXT, WHY, MOOD, *parts, DO, BY, NOTE]


def _write_rows(book: Workbook, sample: Sample, names: Mapping[str, str], slots: int) -> None:
    columns = header(slots)
    widths = {TEXT: 60.0, WHY: 24.0, MOOD: 10.0, DO: 9.0, BY: 12.0, NOTE: 24.0}
    for name in columns:
        widths |= {name: 18.0} if name.startswith("标签") else {name: 20.0} if name.startswith("证据") else {}
    sheet = book.sheet(SHEET_ROWS, columns, widths=widths)
    sheet.wrap(columns.index(TEXT))
    for row in sample.rows:
        sheet.write(_cells(row, names, slots))
    _offer(sheet, columns, len(names))


def _cells(row: ReviewRow, names: Mapping[str, str], slots: int) -> list[object]:
    why = REASON[row.origin.reason]
    about = "、".join(names[code] for code in row.codes if code in names)
    cells: list[object] = [row.id, row.text, f"{why}：{about}" if about else why]
    cells.append(POLARITY.get(row.origin.sentiment or ""))
    for mark in (*row.origin.suggested, *[None] * slots)[:slots]:
        if mark is None:
            cells += [None, None, None]
        else:
            quote = None if mark.start is None else row.text[mark.start : mark.end]
            cells += [names.get(mark.code, mark.code), MARKED.get(mark.polarity or ""), quote]
    return [*cells, None, None, None]


def _offer(sheet: Sheet, columns: list[str], codes: int) -> None:
    ranges = {"标签": f"$A$2:$A${codes + 1}", "极性": "$B$2:$B$5", "处理": "$C$2:$C$4", MOOD: "$B$2:$B$4"}
    for at, name in enumerate(columns):
        if values := ranges.get(name) or ranges.get(name[:2]):
            sheet.offer(at, f"=_lists!{values}")


def _write_codes(book: Workbook, frame: Codeframe, names: Mapping[str, str]) -> None:
    columns = ["标签", "所属", "定义", "包括", "不包括"]
    sheet = book.sheet(
        SHEET_CODES, columns, widths={"标签": 22.0, "所属": 22.0, "定义": 60.0, "包括": 30.0, "不包括": 30.0}
    )
    sheet.wrap(2)
    for code, name in names.items():
        one = frame[code]
        above = " > ".join(part.name for part in frame.path(code)[:-1])
        sheet.write([name, above, one.definition, "、".join(one.includes), "、".join(one.excludes)])


def _columns(*lists: list[str]) -> Iterator[list[str | None]]:
    for at in range(max(map(len, lists))):
        yield [values[at] if at < len(values) else None for values in lists]


def is_review_sheet(path: Path) -> bool:
    """Whether a file is a workbook that ``write_sheet`` made, possibly saved again by a spreadsheet."""
    return path.suffix.lower() in (".xlsx", ".xlsm") and {SHEET_ROWS, SHEET_KEPT} <= set(open_table(path).sheets)


def read_sheet(path: Path, frame: Codeframe, *, by: str = "", at: datetime | None = None) -> Answers:
    """What coders answered in a workbook; rows whose 处理 is empty are open.

    ``by`` is the coder of rows without a 评审人; ``at`` when they were answered, by default when the file was saved.
    InputError for a workbook of another kind or codeframe, and where a column that holds answers is gone: its answers
    would be taken for none. ReviewError lists every cell that cannot be used, by its row as Excel counts.
    """
    kept = _kept(path, frame)
    moment = (at or datetime.fromtimestamp(path.stat().st_mtime, UTC)).astimezone(UTC).isoformat(timespec="seconds")
    source = open_table(path, sheet=SHEET_ROWS)
    names = source.schema.names
    if missing := [name for name in header(kept.slots) if name not in (*names, WHY)]:
        more = f", and with it {'、'.join(missing[1:])}" if missing[1:] else ""
        hint = "review the workbook as it was written, with all of its columns"
        raise InputError(f"a column is gone{more}", path=path, column=missing[0], hint=hint)
    slots = sorted({int(found[1]) for name in names if (found := _SLOT.fullmatch(name))})  # a coder may have added some
    reading = _Reading(frame, kept.rows, slots, by, moment)
    number = getattr(source, "header_row", 1)
    for batch in source.batches():
        for cells in batch.to_pylist():
            number += 1
            reading.add(number, {name: "" if cell is None else str(cell) for name, cell in cells.items()})
    if reading.problems:
        raise ReviewError(path, reading.problems)
    return Answers(tuple(reading.answers), reading.open, tuple(reading.remarks))


@dataclass(frozen=True)
class _Kept:
    """What was given out: the rows by id, and for how many tags each had room."""

    rows: Mapping[str, ReviewRow]
    slots: int


def _kept(path: Path, frame: Codeframe) -> _Kept:
    """What was given out, from the hidden sheet."""
    hint = "import the workbook that `vocnlp review sample` wrote"
    if not is_review_sheet(path):
        raise InputError("is no workbook for review, or its hidden sheets are gone", path=path, hint=hint)
    rows = [row for batch in open_table(path, sheet=SHEET_KEPT).batches() for row in batch.to_pylist()]
    try:
        head = json.loads(rows[0]["text"])
        made = {}
        for row in rows[1:]:
            origin = Origin.from_dict(json.loads(row["origin"]))
            made[str(row["id"])] = ReviewRow(str(row["id"]), str(row["text"]), origin)
        digest = str(head["frame"])
        slots = int(head.get("slots", slots_of(made.values())))  # older workbooks do not say
        if not 0 < slots <= _MOST_SLOTS:
            raise ValueError(f"{slots} slots")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"its hidden sheet was edited: {error!r}", path=path, hint=hint) from error
    check_frame(path, frame, digest)
    return _Kept(made, slots)


def check_frame(path: Path, frame: Codeframe, digest: str) -> None:
    """InputError where rows were given out for another codeframe than the one to import with."""
    if digest != frame.digest:
        told = f"was made for another codeframe than {frame.name} {frame.version} (digest {digest[:16]})"
        raise InputError(told, path=path, hint="give that codeframe with --codeframe, or its bundle with --bundle")


class _Reading:
    """Turns rows of cells into answers, and collects what is wrong with them."""

    def __init__(self, frame: Codeframe, kept: Mapping[str, ReviewRow], slots: Sequence[int], by: str, at: str) -> None:
        self._frame, self._kept, self._slots, self._by, self._at = frame, kept, slots, by, at
        self.answers: list[Answer] = []
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.open = 0

    def add(self, number: int, cells: Mapping[str, str]) -> None:
        if not any(cells.values()):
            return
        word = cells[DO].strip()
        if not word:
            self.open += 1
            return
        found = len(self.problems)
        action = next((action for action, shown in ACTION.items() if shown == word), None)
        given = self._kept.get(cells[ID])
        who = cells[BY].strip() or self._by
        if action is None:
            self._wrong(number, DO, word, f"is none of {'、'.join(ACTION.values())}")
        if given is None:
            self._wrong(number, ID, cells[ID], "was not given out for review")
        elif cells[TEXT] != given.text:
            self._wrong(number, TEXT, cells[TEXT], "the comment was changed")
        if not who:
            self._wrong(number, BY, "", "nobody says who answered")
        mood = self._polarity(number, MOOD, cells.get(MOOD, ""))
        marks = self._marks(number, cells)
        if len(self.problems) == found and given is not None and action is not None:
            self._answer(given, marks, mood, action=action, who=who, note=cells.get(NOTE, "").strip())

    def _answer(
        self, given: ReviewRow, marks: tuple[Mark, ...], mood: str | None, *, action: str, who: str, note: str
    ) -> None:
        same = set(marks) == set(given.origin.suggested) and mood == given.origin.sentiment
        if action == CONFIRMED and not same:
            self.remarks.append(f"{given.id}: confirmed, but its cells were changed; taken as changed")
            action = CHANGED
        self.answers.append(answered(given, marks, mood, by=who, at=self._at, action=action, note=note))

    def _marks(self, number: int, cells: Mapping[str, str]) -> tuple[Mark, ...]:
        marks = []
        for slot in self._slots:
            name = f"标签{slot}"
            word, pole, quote = (cells.get(f"{part}{slot}", "") for part in ("标签", "极性", "证据"))
            if word.strip():
                code = code_of(word, self._frame)
                if code is None:
                    self._wrong(number, name, word, "the codeframe has no such code")
                else:
                    polarity = self._polarity(number, f"极性{slot}", pole, MARKED)
                    marks.append(self._placed(number, slot, Mark(code, polarity), cells))
            elif pole.strip() or quote.strip():
                self._wrong(number, name, "", "a polarity or an evidence without a code")
        return tuple(dict.fromkeys(marks))

    def _placed(self, number: int, slot: int, mark: Mark, cells: Mapping[str, str]) -> Mark:
        """The mark with the offsets of its evidence: those it was given out with, else where the words first stand."""
        quote, text = cells.get(f"证据{slot}", ""), cells[TEXT]
        given = self._kept.get(cells[ID])
        for one in given.origin.suggested if given else ():
            if one.code == mark.code and one.start is not None and text[one.start : one.end] == quote:
                return Mark(mark.code, mark.polarity, one.start, one.end)
        if not quote.strip():
            return mark
        if (start := text.find(quote)) < 0 and (start := text.find(quote := quote.strip())) < 0:
            self._wrong(number, f"证据{slot}", quote, "these words do not stand in the comment")
            return mark
        return Mark(mark.code, mark.polarity, start, start + len(quote))

    def _polarity(self, number: int, column: str, word: str, known: Mapping[str, str] = POLARITY) -> str | None:
        word = word.strip()
        if not word:
            return None
        for polarity, shown in known.items():
            if word in (polarity, shown):
                return polarity
        self._wrong(number, column, word, f"is none of {'、'.join(known.values())}")
        return None

    def _wrong(self, number: int, column: str, value: str, problem: str) -> None:
        self.problems.append(Problem(number, column, value, problem))


__all__ = ["check_frame", "header", "is_review_sheet", "read_sheet", "write_sheet"]
