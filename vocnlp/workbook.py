"""The analyst's workbook: tagged rows, one row a tag, code figures, NPS by stage, and how it was made. In Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .bundle import Bundle
from .codeframe import Codeframe
from .columns import Columns, RowProblem
from .errors import OutputError
from .figures import Figures, Group
from .folding import BLANK
from .records import NEGATIVE, NEUTRAL, POSITIVE
from .sheets import Sheet, Workbook
from .sheets_cells import way_back
from .sheets_reading import header_row_of
from .tables import Source
from .workbook_about import EXCEL_ROW, NOISE, about_rows, problem_rows

SHEET_ROWS, SHEET_TAGS, SHEET_ABOUT = "标注结果", "标签明细", "说明"
SENTIMENT = {POSITIVE: "正面", NEUTRAL: "中性", NEGATIVE: "负面"}
SOURCE = {"model": "模型", "rule": "关键词规则"}
_TAG_COLUMNS = ("情感", "情感置信度", "标签", "痛点标签", "标签极性", "证据", "编码", "噪声")
_WIDE = {"情感": 8, "情感置信度": 11, "标签": 34, "痛点标签": 28, "标签极性": 18, "证据": 44, "编码": 28, "噪声": 9}
_MOST_COLUMNS = 16_384  # of an Excel sheet; XlsxWriter drops what stands beyond without a word
_MARK = re.compile(r"（vocnlp(?: \d+)?）\Z")


def is_own(sheets: Sequence[str]) -> bool:
    """Whether these are the sheets of a workbook that ``vocnlp score`` made."""
    return {SHEET_ROWS, SHEET_TAGS} <= set(sheets)


def sheets_of(sheets: Sequence[str], name: str) -> list[str]:
    """The sheet of this name and those it goes on in, "name (2)" and so forth, where Excel's rows ran out."""
    found = [name]
    while (following := f"{name} ({len(found) + 1})") in sheets:
        found.append(following)
    return found


def tag_header(own: Sequence[str]) -> list[str]:
    """Names for the tag columns behind columns named ``own``: none twice, so that each can be found again."""
    taken, header = set(own), []
    for name in _TAG_COLUMNS:
        shown, again = name, 1
        while shown in taken:
            shown = f"{name}（vocnlp）" if again == 1 else f"{name}（vocnlp {again}）"
            again += 1
        header.append(shown)
    return header


def tag_columns(names: Sequence[str]) -> dict[str, str]:
    """Tag column -> the name it bears among a sheet's columns; the last of several is ours, the others were there."""
    bare = {_MARK.sub("", name): name for name in names}
    return {name: bare[name] for name in _TAG_COLUMNS if name in bare}


def tag_block(names: Sequence[str]) -> list[str]:
    """The tag columns as they were written, all side by side; [] where they were moved, renamed or are not ours."""
    bare, wide = [_MARK.sub("", name) for name in names], len(_TAG_COLUMNS)
    for start in range(len(names) - wide, -1, -1):
        if tuple(bare[start : start + wide]) == _TAG_COLUMNS:
            return list(names[start : start + wide])
    return []


class Book:
    """Fills the sheets in turn (each is streamed to disk), with the codes named as the codeframe names them."""

    def __init__(self, path: Path, frame: Codeframe) -> None:
        self._book, self._frame = Workbook(path), frame
        self._sheet: Sheet
        self._ways: dict[str, Callable[[str], Any]] = {}  # of columns whose texts were cells of other types
        self._header_row: int | None = None

    def __enter__(self) -> Book:
        self._book.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._book.__exit__(*error)

    @property
    def cut(self) -> int:
        """Texts that were longer than an Excel cell holds."""
        return self._book.cut

    @property
    def replaced(self) -> int:
        """Cells in which characters that no workbook can hold became U+FFFD."""
        return self._book.replaced

    def begin_rows(self, own: Sequence[pa.Field]) -> None:
        """The sheet of the rows; ``own`` are the input's columns."""
        self._ways = {field.name: way for field in own if (way := way_back(field)) is not None}
        header = tag_header([field.name for field in own])
        if len(own) + len(header) > _MOST_COLUMNS:
            told = f"{len(own) + len(header):,} columns, but a sheet of Excel has no more than {_MOST_COLUMNS:,}"
            raise OutputError(told, path=self._book.path, hint="write to .csv or .parquet")
        widths = {shown: _WIDE[name] for shown, name in zip(header, _TAG_COLUMNS, strict=True)}
        texts = {field.name: 40 for field in own if pa.types.is_string(field.type) and len(field.name) > 6}
        self._sheet = self._book.sheet(
            SHEET_ROWS, [*(field.name for field in own), *header], widths={**texts, **widths}
        )

    def add_rows(self, batch: pa.RecordBatch, own: Sequence[str]) -> None:
        """The rows of a batch: the columns ``own`` with the types that their cells had, and the tags."""
        cells = [self._cells(batch, name) for name in own]
        verdict = zip(
            *(batch.column(n).to_pylist() for n in ("voc_sentiment", "voc_confidence", "voc_tags", "voc_noise")),
            strict=True,
        )
        for number, (sentiment, confidence, tags, noise) in enumerate(verdict):
            names = [self._name(tag["code"]) for tag in tags]
            pains = [name for name, tag in zip(names, tags, strict=True) if tag["polarity"] == NEGATIVE]
            self._sheet.write(
                [
                    *(column[number] for column in cells),
                    SENTIMENT[sentiment] if noise is None else None,
                    round(confidence, 3) if noise is None else None,
                    "；".join(names) or None,
                    "；".join(dict.fromkeys(pains)) or None,
                    "；".join(SENTIMENT[tag["polarity"]] for tag in tags) or None,
                    "；".join(dict.fromkeys(tag["quote"] for tag in tags)) or None,
                    "|".join(tag["code"] for tag in tags) or None,
                    NOISE.get(noise, noise) if noise else None,
                ]
            )

    def _cells(self, batch: pa.RecordBatch, name: str) -> list[Any]:
        cells: list[Any] = batch.column(name).to_pylist()
        way = self._ways.get(name)
        return cells if way is None else [None if cell is None else way(cell) for cell in cells]

    def begin_tags(self, source: Source | None = None) -> None:
        """The sheet of the tags. 行号 counts data rows, by which the tags are read back; of the rows of a sheet
        ``source`` the last column has the row that Excel shows."""
        self._header_row = header_row_of(source)
        header = [
            "行号",
            "编号",
            "推荐分",
            "触点",
            "一级",
            "标签",
            "编码",
            "极性",
            "置信度",
            "证据",
            "来源",
            "责任部门",
            "评论",
        ]
        header += [] if self._header_row is None else [EXCEL_ROW]
        widths = {"标签": 18, "编码": 18, "证据": 44, "评论": 60, "责任部门": 16, "一级": 12, "触点": 12}
        self._sheet = self._book.sheet(SHEET_TAGS, header, widths=widths)

    def add_tags(self, batch: pa.RecordBatch, read: pa.RecordBatch, *, first_row: int) -> None:
        """One row a tag; ``read`` is the batch in the FEEDBACK schema, ``first_row`` the number of its first row."""
        columns = [read.column(name).to_pylist() for name in ("id", "score", "stage", "text")]
        rows = zip(batch.column("voc_tags").to_pylist(), *columns, strict=True)
        for number, (tags, identity, score, stage, text) in enumerate(rows, first_row):
            for tag in tags:
                known = tag["code"] in self._frame
                self._sheet.write(
                    [
                        number, identity, score, stage,
                        self._frame.path(tag["code"])[0].name if known else None,
                        self._name(tag["code"]), tag["code"], SENTIMENT[tag["polarity"]], round(tag["confidence"], 3),
                        tag["quote"], SOURCE[tag["source"]], self._frame[tag["code"]].owner if known else None, text,
                        *([] if self._header_row is None else [self._header_row + number]),
                    ]
                )  # fmt: skip

    def add_figures(self, figures: Figures) -> None:
        """The sheets of code figures and of NPS by stage, channel, segment and month."""
        header = [
            "层级", "标签", "编码", "上级", "提及数", "占比%", "正面", "中性", "负面", "净情感", "负面评论NPS",
            "痛点对NPS的影响", "影响误差±", "提及评论NPS", "全部提及对NPS的影响", "责任部门", "样本提示",
        ]  # fmt: skip
        self._sheet = self._book.sheet("码表统计", header, widths={"标签": 18, "编码": 18, "责任部门": 16})
        for code in figures.codes:
            frame = self._frame
            self._sheet.write(
                [
                    code.depth + 1, code.name, code.code, self._name(code.parent) if code.parent else None,
                    code.mentions, _percent(code.share), code.positive, code.neutral, code.negative, _one(code.net),
                    _one(code.pain.carrying.nps), _one(code.pain.points, 2), _one(code.pain.margin, 2),
                    _one(code.every.carrying.nps), _one(code.every.points, 2),
                    frame[code.code].owner if code.known else None, _small(code.pain.small),
                ]
            )  # fmt: skip
        header = ["维度", "分组", "记录数", "有效评论", "有效评分数", "推荐者", "被动者", "贬损者", "NPS", "95%下限", "95%上限",
                  "正面%", "中性%", "负面%", "由标签推断的行数", "样本提示"]  # fmt: skip
        self._sheet = self._book.sheet("阶段NPS", header, widths={"分组": 18, "维度": 10})
        self._sheet.write(_total_row(figures))
        for name, groups in (
            ("旅程阶段", figures.stages), ("渠道", figures.channels), ("客群", figures.segments), ("月份", figures.months),
        ):  # fmt: skip
            if [group.name for group in groups] != [BLANK]:  # the export has no such column
                for group in groups:
                    self._sheet.write(_group_row(name, group))

    def add_about(
        self, bundle: Bundle, source: Source, columns: Columns, figures: Figures, options: Mapping[str, Any]
    ) -> None:
        """How the file was made: model, codeframe, parameters, columns, and how the figures are defined."""
        self._sheet = self._book.sheet(
            SHEET_ABOUT, ["项目", "内容", "备注"], widths={"项目": 24, "内容": 60, "备注": 60}
        )
        self._header_row = header_row_of(source)
        self._sheet.write_rows(
            about_rows(bundle, self._frame, source, columns=columns, figures=figures, journey=options["journey"])
        )

    def add_problems(self, counts: Mapping[tuple[str, str], int], problems: Sequence[RowProblem]) -> None:
        """Below the rest of the same sheet: cells that could not be used, counted by (column, problem) and listed."""
        self._sheet.write_rows(problem_rows(counts, problems, header_row=self._header_row))

    def _name(self, code: str) -> str:
        return self._frame[code].name if code in self._frame else code


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _one(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def _small(small: bool) -> str | None:
    return "样本少" if small else None


def _total_row(figures: Figures) -> list[object]:
    totals, nps = figures.totals, figures.nps
    moods = (totals.positive, totals.neutral, totals.negative)
    return [
        "全部", "全部", totals.rows, totals.comments, nps.n, nps.promoters, nps.passives, nps.detractors, _one(nps.nps),
        _one(nps.low), _one(nps.high), *(_percent(totals.share(mood)) for mood in moods), None, _small(nps.small),
    ]  # fmt: skip


def _group_row(name: str, group: Group) -> list[object]:
    nps = group.nps
    moods = (group.positive, group.neutral, group.negative)
    return [
        name, group.name, group.rows, group.comments, nps.n, nps.promoters, nps.passives, nps.detractors, _one(nps.nps),
        _one(nps.low), _one(nps.high), *(_percent(group.share(mood)) for mood in moods),
        group.inferred or None, _small(nps.small),
    ]  # fmt: skip


__all__ = [
    "NOISE", "SENTIMENT", "SHEET_ABOUT", "SHEET_ROWS", "SHEET_TAGS", "SOURCE", "Book", "is_own", "sheets_of",
    "tag_block", "tag_columns", "tag_header",
]  # fmt: skip
