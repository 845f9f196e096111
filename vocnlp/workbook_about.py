"""The sheet that says how a workbook was made: its rows, and those of cells that could not be used. In Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .bundle import Bundle
from .codeframe import Codeframe
from .column_choice import (
    FORMULAS,
    FRACTIONS,
    LOW,
    NO_ANSWERS,
    NO_TIMES,
    OFF_SCALE,
    REPEATED,
    TIED,
    UNDIRECTED,
    UNORDERED,
    UP_TO_FIVE,
)  # fmt: skip
from .column_values import NOT_A_NUMBER, NOT_A_TIME, OUT_OF_RANGE, OUTSIDE_CES, OUTSIDE_CSAT
from .columns import Columns, RowProblem
from .delimited import DelimitedSource
from .figures import SMALL, Figures
from .sheets_reading import SheetSource
from .tables import Source

EXCEL_ROW = "Excel行号"
NOISE = {"empty": "空白", "punctuation": "仅标点", "no_opinion": "无意见", "mash": "乱码", "spam": "广告"}
_ROLES = {
    "text": "评论", "score": "推荐分", "stage": "触点/环节", "channel": "渠道", "segment": "客群",
    "customer": "客户", "at": "时间", "id": "编号", "csat": "满意度(CSAT)", "ces": "省力度(CES)",
}  # fmt: skip
_HOW = {"name": "按列名", "content": "按内容", "named": "由用户指定"}
_LEFT = {
    NO_ANSWERS: "未使用：“{}”多数不是0-10的数字",
    FORMULAS: "未使用：“{}”是从未计算过的公式，请用 Excel 打开并保存",
    FRACTIONS: "未使用：“{}”多数是0与1之间的小数（如百分比），不是0-10分的回答；如果是，请用 --score 指定",
    LOW: "“{}”从不超过5；若不是0-10分的回答，请用 --score 指定另一列",
    UP_TO_FIVE: "未使用：“{}”从不超过5，不是0-10分的回答",
    TIED: "未使用：“{}”都像是评分，请用 --{role} 指定",
    OFF_SCALE: "未使用：“{}”多数不在该题的量表之内（满意度1-5，省力度1-7）",
    UNDIRECTED: "未使用：“{}”没有说明分数越高是越省力还是越费力；若越高越省力，请用 --ces 指定",
    NO_TIMES: "未使用：“{}”多数不是日期或时间，如“{example}”；请写成 2026-03-01",
    UNORDERED: "未使用：“{}”中如“{example}”的日期看不出日、月哪个在前；请写成 2026-03-01",
    REPEATED: "未使用：“{}”中“{example}”不止一次，不能当编号；编号按行序",
}
_PROBLEM = {NOT_A_NUMBER: "不是数字", OUT_OF_RANGE: "不在0-10之间", NOT_A_TIME: "不是日期或时间"}
_PROBLEM |= {OUTSIDE_CSAT: "不在1-5之间", OUTSIDE_CES: "不在1-7之间"}

Row = tuple[str, object, str]


def about_rows(
    bundle: Bundle, frame: Codeframe, source: Source, *, columns: Columns, figures: Figures, journey: str
) -> list[Row]:
    """(项目, 内容, 备注): model, codeframe, parameters, columns, and how the figures are defined."""
    totals = figures.totals
    return [
        ("输入文件", source.path.name, f"工作表 {source.sheet}" if source.sheet else source.encoding or ""),
        *_rows_of_the_sheet(source),
        ("模型", bundle.label, f"摘要 {bundle.digest}"),
        ("码框", f"{frame.name} {frame.version}", f"摘要 {frame.digest}"),
        ("旅程", journey, ""),
        ("总行数", totals.rows, ""),
        ("有效评论", totals.comments, "不含噪声行"),
        *((f"噪声行：{NOISE.get(kind, kind)}", count, "已标记，不参与打标") for kind, count in totals.noise.items()),
        ("有标签的评论", totals.tagged, f"共 {totals.tags} 个标签"),
        *_columns(columns),
        ("口径：NPS", "推荐者(9-10)% − 贬损者(0-6)%", "95% 区间见“阶段NPS”；评分缺失的行不计入 NPS"),
        ("口径：对NPS的影响", "全体 NPS − 去掉这些评论后的 NPS", "负数表示拉低 NPS；误差为 95%"),
        ("口径：阶段", "优先用导出文件的触点；缺失时取标签的默认阶段", "一条评论可计入多个推断阶段"),
        ("口径：小样本", f"评分数少于 {SMALL} 的行标“样本少”", "只供参考"),
        ("口径：置信度", "编码与极性同时正确的概率估计", "关键词规则的置信度不超过 0.8"),
    ]


def _rows_of_the_sheet(source: Source) -> Iterator[Row]:
    """Where the rows of a table begin, and what stood above them."""
    if isinstance(source, SheetSource | DelimitedSource) and source.above:
        yield "表头上方", " / ".join(source.above), "视为标题，不计入数据"
    if isinstance(source, SheetSource):
        yield (
            "表头所在行",
            source.header_row,
            f"“{EXCEL_ROW}”和“Excel 第 N 行”指输入工作表中的行号；“行号”从表头下一行数起",
        )


def _columns(columns: Columns) -> Iterator[Row]:
    for role, shown in _ROLES.items():
        left = columns.left.get(role)
        names = "”“".join(left.names) if left else ""
        unused = _LEFT[left.why].format(names, role=role, example=left.example) if left else "未使用"
        column = columns.of(role)
        if column is not None:
            unused = f"{_HOW[columns.how[role]]}；{unused}" if left else _HOW[columns.how[role]]
        yield f"列：{shown}", column, unused


def told_columns(rows: Iterable[Mapping[str, object]]) -> dict[str, tuple[str | None, str]]:
    """Role -> its column, None where none was used, and why it was taken, as the rows of the sheet say."""
    roles = {f"列：{shown}": role for role, shown in _ROLES.items()}
    whys = {shown: how for how, shown in _HOW.items()}
    told: dict[str, tuple[str | None, str]] = {}
    for row in rows:
        if (role := roles.get(str(row.get("项目")))) is not None:
            column = row.get("内容")
            told[role] = (None if column is None else str(column), whys.get(str(row.get("备注")).split("；")[0], ""))
    return told


def problem_rows(
    counts: Mapping[tuple[str, str], int], problems: Sequence[RowProblem], *, header_row: int | None
) -> Iterator[Row]:
    """Cells that could not be used, counted by (column, problem) and listed.

    ``header_row``: the header's row as Excel counts, None where the rows come from no sheet.
    """
    yield "行错误", sum(counts.values()), "行已保留，单元格按空值处理"
    for (column, problem), count in counts.items():
        yield f"行错误合计：{column}", count, _PROBLEM.get(problem, problem)
    for each in problems:
        place = f"数据第 {each.row} 行" if header_row is None else f"Excel 第 {header_row + each.row} 行"
        yield place, f"{each.column} = {each.value}", _PROBLEM.get(each.problem, each.problem)
    missing = sum(counts.values()) - len(problems)
    if missing > 0:
        yield "其余行错误", missing, f"仅列出前 {len(problems)} 处"
