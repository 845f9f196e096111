"""Rows in the FEEDBACK schema: texts, answers, times and labels out of whatever the export wrote."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from vocnlp.column_values import DAY_FIRST, MONTH_FIRST, parse_time
from vocnlp.columns import Columns, RowProblem, feedback
from vocnlp.jsonlines import JSON_TEXT
from vocnlp.records import FEEDBACK


def made(role: str, cells: pa.Array, first_row: int = 1) -> tuple[list[object], list[RowProblem]]:
    batch = pa.record_batch({"t": pa.array(["x"] * len(cells)), "列": cells})
    named: dict[str, Any] = {"text": "t"} | {role: "列"}
    columns = Columns(**named)
    rows, problems = feedback(batch, columns, first_row=first_row)
    assert rows.schema == FEEDBACK
    rows.validate(full=True)
    return rows.column(role).to_pylist(), problems


def test_a_row_of_every_role() -> None:
    batch = pa.record_batch(
        {
            "号": ["a", "b"],
            "评论": ["漏发配件", None],
            "分": [3, None],
            "环": [" 物流 ", ""],
            "渠": ["app", None],
            "群": ["新客", "老客"],
            "客": [1001, 1002],
            "时": ["2026-06-01", ""],
            "满": ["比较满意", "2分"],
            "省": [7, None],
        }
    )
    columns = Columns(
        text="评论", score="分", stage="环", channel="渠", segment="群", customer="客", at="时", id="号", csat="满", ces="省"
    )  # fmt: skip
    rows, problems = feedback(batch, columns, first_row=1)
    assert [list(row.values()) for row in rows.to_pylist()] == [
        ["a", "漏发配件", 3.0, "物流", "app", "新客", "1001", datetime(2026, 6, 1), 4.0, 7.0],
        ["b", "", None, None, None, "老客", "1002", None, 2.0, None],
    ]
    assert (rows.schema, problems) == (FEEDBACK, [])


def test_without_an_id_column_the_row_number_is_the_id() -> None:
    rows, _ = feedback(pa.record_batch({"t": ["甲", "乙"]}), Columns(text="t"), first_row=4097)
    assert rows.column("id").to_pylist() == ["4097", "4098"]


def test_an_empty_id_cell_gets_an_id_that_no_row_has() -> None:
    assert made("id", pa.array(["1", "", None, " 4"]), 1)[0] == ["1", "row-2", "row-3", "4"]


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (pa.array(["  前后不动 ", None, ""]), ["  前后不动 ", "", ""]),
        (pa.array([5, None]), ["5", ""]),
        (pa.array([5.0, 0.5]), ["5", "0.5"]),
        (pa.array(["甲", "乙", "甲"]).dictionary_encode(), ["甲", "乙", "甲"]),
        (pa.array(["大"], pa.large_string()), ["大"]),
        (pa.array([["一", "二"], None]), ['["一", "二"]', ""]),
    ],
)
def test_texts(cells: pa.Array, texts: list[str]) -> None:
    assert made("text", cells) == (texts, [])


def test_json_texts_lose_their_quotes() -> None:
    field = pa.field("t", pa.string(), metadata=JSON_TEXT)
    batch = pa.RecordBatch.from_arrays([pa.array(['"引\\"号"', "5", '{"a": "甲"}', None])], schema=pa.schema([field]))
    rows, _ = feedback(batch, Columns(text="t"), first_row=1)
    assert rows.column("text").to_pylist() == ['引"号', "5", '{"a": "甲"}', ""]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["9", "9分", "９", "9.0", " 9 分 ", "+9", "9(非常愿意)", "９分（很可能）"]),
        pa.array([9] * 8, pa.int8()),
        pa.array([9.0] * 8),
        pa.array([Decimal("9.0")] * 8),
        pa.array(["9"] * 8).dictionary_encode(),
    ],
)
def test_nine_is_nine_however_written(cells: pa.Array) -> None:
    assert made("score", cells) == ([9.0] * 8, [])


def test_bad_scores_become_null_and_are_reported_with_their_row() -> None:
    scores, problems = made("score", pa.array(["10", "11", "-1", "很好", "", None, "7/10", "0"]), 101)
    assert scores == [10.0, None, None, None, None, None, None, 0.0]
    assert problems == [
        RowProblem(102, "列", "11", "outside 0-10"),
        RowProblem(103, "列", "-1", "outside 0-10"),
        RowProblem(104, "列", "很好", "not a number"),
        RowProblem(107, "列", "7/10", "not a number"),
    ]


@pytest.mark.parametrize(
    ("role", "cells", "expected", "told"),
    [
        ("csat", ["非常满意", " 5 ", "一般", "很不满意"], [5.0, 5.0, 3.0, 1.0], []),
        ("csat", ["0", "6", "还行", ""], [None] * 4, [(1, "outside 1-5"), (2, "outside 1-5"), (3, "not a number")]),
        ("ces", ["7", "1", "8", "满意"], [7.0, 1.0, None, None], [(3, "outside 1-7"), (4, "not a number")]),
    ],
)
def test_satisfaction_and_effort_have_scales_of_their_own(role, cells, expected, told) -> None:
    batch = pa.record_batch({"评论": ["好"] * 4, "答": cells})
    rows, problems = feedback(batch, Columns(text="评论", **{role: "答"}), first_row=1)
    assert rows.column(role).to_pylist() == expected
    assert [(problem.row, problem.problem) for problem in problems] == told


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            5,
            [
                "非常满意",
                "非常滿意",
                "很满意",
                "5分（非常满意）",
                "５星",
                "5-非常滿意",
                "5：很满意",
                "1-非常满意",
                "5.0",
            ],
        ),
        (4, ["满意", "滿意", "比较满意", "比較滿意", "较满意", "較滿意", "基本满意", "4星", "4分（满意）", "2、满意"]),
        (3, ["一般", "普通", "中立", "3 颗星", "3. 一般", "3分(普通)"]),
        (2, ["不满意", "不滿意", "不太满意", "不太滿意", "比较不满意", "较不满意", "較不滿意", "2分", "2-不满意"]),
        (1, ["非常不满意", "非常不滿意", "很不满意", "1-非常不满意", "1（非常不滿意）", "1星级"]),
    ],
)
def test_words_and_stars_of_satisfaction_are_its_five_numbers(number: int, words: list[str]) -> None:
    assert made("csat", pa.array(words)) == ([float(number)] * len(words), [])


def test_what_only_begins_like_a_satisfaction_is_none() -> None:
    answers, problems = made("csat", pa.array(["5天到货", "满意吗", "4-5", "3/5", "6星"]))
    assert answers == [None] * 5
    assert [problem.problem for problem in problems] == ["not a number"] * 5


def test_the_answer_to_recommend_counts_no_stars() -> None:
    assert made("score", pa.array(["5星", "0-完全不可能", "10、一定会"])) == (
        [None, 0.0, 10.0],
        [RowProblem(1, "列", "5星", "not a number")],
    )


def test_numeric_scores_outside_the_scale() -> None:
    scores, problems = made("score", pa.array([10.0, 10.5, None, float("nan"), float("inf")]))
    assert scores == [10.0, None, None, None, None]
    assert [(problem.row, problem.value, problem.problem) for problem in problems] == [
        (2, "10.5", "outside 0-10"),
        (5, "inf", "outside 0-10"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", datetime(2026, 6, 1)),
        ("2026-6-1", datetime(2026, 6, 1)),
        ("2026/6/1 8:03", datetime(2026, 6, 1, 8, 3)),
        ("2026.06.01 08:03:04", datetime(2026, 6, 1, 8, 3, 4)),
        ("2026年6月1日", datetime(2026, 6, 1)),
        ("2026年6月1日 8时3分", datetime(2026, 6, 1, 8, 3)),
        ("2026年6月1日 星期一 下午3:05", datetime(2026, 6, 1, 15, 5)),
        ("2026/6/1 上午 12:10", datetime(2026, 6, 1, 0, 10)),
        ("2026/6/1 12:10 PM", datetime(2026, 6, 1, 12, 10)),
        ("２０２６－０６－０１", datetime(2026, 6, 1)),
        ("20260601", datetime(2026, 6, 1)),
        ("2026-06-01T08:03:04.5Z", datetime(2026, 6, 1, 8, 3, 4, 500_000)),
        ("2026-06-01T08:03:04+08:00", datetime(2026, 6, 1, 8, 3, 4)),
        ("2026-06-01 08:03:04.123456789 +0800", datetime(2026, 6, 1, 8, 3, 4, 123_456)),
        ("2026-02-30", None),
        ("2026-06-01 25:00", None),
        ("6/1/2026", None),
        ("20261301", None),
        ("昨天", None),
        ("46174", None),
    ],
)
def test_times_in_the_usual_notations(text: str, expected: datetime | None) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "cells",
    [pa.array([46023, 46023, 46080]), pa.array([46023.0, 46023.75, 46080]), pa.array(["46023", "46023.75", "46080"])],
)
def test_days_that_excel_counts_are_read_by_the_name_of_the_column(cells: pa.Array) -> None:
    batch = pa.record_batch({"t": ["x"] * 3, "日期": cells, "读数": cells})
    rows, problems = feedback(batch, Columns(text="t", at="日期"), first_row=1)
    assert [when.date() for when in rows.column("at").to_pylist()] == [date(2026, 1, 1)] * 2 + [date(2026, 2, 27)]
    assert rows.column("at").to_pylist()[1].hour == (0 if pa.types.is_integer(cells.type) else 18)
    assert problems == []
    _, problems = feedback(batch, Columns(text="t", at="读数"), first_row=1)
    assert [problem.problem for problem in problems] == ["not a date or time"] * 3
    named = Columns(text="t", at="读数", how={"at": "named"})
    assert feedback(batch, named, first_row=1)[0].column("at") == rows.column("at")


def test_dates_with_the_year_last_are_read_in_the_order_of_the_column() -> None:
    batch = pa.record_batch({"t": ["x"] * 3, "d": ["1/3/2026", "13/3/2026 下午3:05", "3/14/2026"]})
    rows, problems = feedback(batch, Columns(text="t", at="d", order=DAY_FIRST), first_row=1)
    assert rows.column("at").to_pylist() == [datetime(2026, 3, 1), datetime(2026, 3, 13, 15, 5), None]
    assert problems == [RowProblem(3, "d", "3/14/2026", "not a date or time")]
    rows, problems = feedback(batch, Columns(text="t", at="d", order=MONTH_FIRST), first_row=1)
    assert rows.column("at").to_pylist() == [datetime(2026, 1, 3), None, datetime(2026, 3, 14)]
    assert problems == [RowProblem(2, "d", "13/3/2026 下午3:05", "not a date or time")]


def test_bad_times_become_null_and_are_reported() -> None:
    times, problems = made("at", pa.array(["2026-06-01", "上周", "", None, "2026年6月2日", "上周"]), 11)
    assert times == [datetime(2026, 6, 1), None, None, None, datetime(2026, 6, 2), None]
    assert problems == [
        RowProblem(12, "列", "上周", "not a date or time"),
        RowProblem(16, "列", "上周", "not a date or time"),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([date(2026, 6, 1)]),
        pa.array([datetime(2026, 6, 1)], pa.timestamp("ns")),
        pa.array([datetime(2026, 5, 31, 16, tzinfo=UTC)], pa.timestamp("us", "Asia/Shanghai")),
        pa.array([20260601]),
        pa.array(["2026-06-01 00:00:00"]),
    ],
)
def test_times_by_type(cells: pa.Array) -> None:
    assert made("at", cells) == ([datetime(2026, 6, 1)], [])


def test_problems_come_in_the_order_of_the_rows() -> None:
    batch = pa.record_batch({"t": ["x", "y"], "s": ["差", "99"], "d": ["?", "!"]})
    _, problems = feedback(batch, Columns(text="t", score="s", at="d"), first_row=1)
    assert [(problem.row, problem.column) for problem in problems] == [(1, "s"), (1, "d"), (2, "s"), (2, "d")]


def test_an_empty_batch() -> None:
    rows, problems = feedback(pa.record_batch({"t": pa.array([], pa.string())}), Columns(text="t"), first_row=1)
    assert (rows.num_rows, rows.schema, problems) == (0, FEEDBACK, [])


def test_whole_floats_are_labels_without_a_point_or_an_exponent() -> None:
    numbers = [13800100020.0, 7.0, None, 2.5, -3.0, 2.0**53 + 2]
    said = ["13800100020", "7", "row-3", "2.5", "-3", "9.007199254740994e+15"]
    assert made("id", pa.array(numbers, pa.float64()))[0] == said
    assert made("customer", pa.array([16777216.0, 0.5], pa.float32()))[0] == ["16777216", "0.5"]
