"""Which column is which: by name, by content, or named; and what is refused."""

from typing import Any

import pyarrow as pa
import pytest

from vocnlp.column_choice import (
    BY_NAME,
    FORMULAS,
    FRACTIONS,
    LOW,
    NO_ANSWERS,
    NO_TIMES,
    REPEATED,
    TIED,
    UNORDERED,
    UP_TO_FIVE,
    Left,
)
from vocnlp.column_header import data_in_header
from vocnlp.column_names import CONTAINS, EXACT, QUESTION, match_name
from vocnlp.column_values import DAY_FIRST, MONTH_FIRST
from vocnlp.columns import Columns, choose_columns
from vocnlp.errors import InputError
from vocnlp.jsonlines import JSON_TEXT

COMMENTS = [
    "办卡流程讲得很清楚",
    "退款拖了半个月才到账",
    "屏幕有坏点，换货倒是爽快",
    "充电口松动了",
    "导购一直跟着很不自在",
]
NUMBERS = ["9", "2", "8", "0", "10"]


def chosen(named: Any = None, **columns: Any) -> Columns:
    batch = pa.record_batch(columns)
    return choose_columns(batch.schema, batch, named=named)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("评论", ("text", EXACT)),
        ("評論內容", ("text", EXACT)),
        ("意见 / 建议", ("text", EXACT)),
        ("Comment", ("text", EXACT)),
        ("commentText", ("text", EXACT)),
        ("顾客留言", ("text", CONTAINS)),
        ("您给出该评分的主要原因是什么？", ("text", CONTAINS)),
        ("评分原因", ("text", EXACT)),
        ("Q5. 还有什么想说的？", ("text", QUESTION)),
        ("NPS 评分", ("score", EXACT)),
        ("ＮＰＳ", ("score", EXACT)),
        ("推薦意願", ("score", EXACT)),
        ("您有多大可能向朋友推荐我们？", ("score", CONTAINS)),
        ("用户评分", ("score", CONTAINS)),
        ("touch-point", ("stage", EXACT)),
        ("觸點", ("stage", EXACT)),
        ("触点名称", ("stage", CONTAINS)),
        ("评论来源", ("channel", CONTAINS)),
        ("会员等级", ("segment", EXACT)),
        ("用户ID", ("customer", EXACT)),
        ("user_id", ("customer", EXACT)),
        ("提交时间", ("at", EXACT)),
        ("评论更新时间", ("at", CONTAINS)),
        ("createdAt", ("at", EXACT)),
        ("答卷编号", ("id", EXACT)),
        ("总体满意度", ("csat", EXACT)),
        ("CSAT", ("csat", EXACT)),
        ("您对本次服务的满意度(1-5分)", ("csat", CONTAINS)),
        ("满意度说明", (None, 0)),
        ("不满意的原因", ("text", CONTAINS)),
        ("CES", ("ces", EXACT)),
        ("客户费力度（CES）", ("ces", CONTAINS)),
        ("办理省力度", ("ces", CONTAINS)),
        ("updated by", (None, 0)),
        ("评论人", (None, 0)),
        ("原因分类", (None, 0)),
        ("评论数", (None, 0)),
        ("是否推荐", (None, 0)),
        ("门店", (None, 0)),
    ],
)
def test_a_header_speaks_of_a_role(name: str, expected: tuple[str | None, int]) -> None:
    assert match_name(name) == expected


def test_a_whole_export_is_recognised_by_name() -> None:
    columns = chosen(
        答卷编号=["1", "2", "3", "4", "5"],
        提交时间=["2026/6/1 8:03"] * 5,
        客户编号=["C1", "C1", "C2", "C3", "C4"],
        会员等级=["金卡"] * 5,
        触点=["售后"] * 5,
        来源渠道=["小程序"] * 5,
        推荐意愿=NUMBERS,
        主要原因=COMMENTS,
    )
    assert columns == Columns(
        text="主要原因",
        score="推荐意愿",
        stage="触点",
        channel="来源渠道",
        segment="会员等级",
        customer="客户编号",
        at="提交时间",
        id="答卷编号",
        how=dict.fromkeys(["text", "score", "stage", "channel", "segment", "customer", "at", "id"], "name"),
    )


def test_two_equal_candidates_are_refused() -> None:
    with pytest.raises(InputError, match="two candidates for the text: 评论, 反馈") as caught:
        chosen(评论=COMMENTS, 反馈=COMMENTS)
    assert caught.value.hint == "name one with --text"


@pytest.mark.parametrize(
    "other", [[""] * 5, [None] * 5, ["1", "2", "3", "4", "5"], ["好评", "差评", "好评", "好评", "差评"]]
)
def test_a_candidate_without_text_in_the_sample_loses(other: list[object]) -> None:
    assert chosen(评价=pa.array(other, pa.string()), 反馈=COMMENTS).text == "反馈"


def test_an_exact_name_beats_one_that_contains() -> None:
    columns = chosen(**{"您还有什么建议？": COMMENTS, "评论": COMMENTS})
    assert (columns.text, columns.how) == ("评论", {"text": "name"})


def test_a_closed_question_loses_to_the_open_one() -> None:
    columns = chosen(**{"您的性别？": ["男", "女", "男", "女", "男"], "哪里还可以做得更好呢？": COMMENTS})
    assert columns.text == "哪里还可以做得更好呢？"


def test_text_by_content_where_no_name_fits() -> None:
    links = [f"https://example.com/order/{n}/photo" for n in range(5)]
    columns = chosen(Q1=["线上", "门店", "线上", "线上", "门店"], Q2=COMMENTS, Q3=links, Q4=["非常满意的回答"] * 5)
    assert (columns.text, columns.how["text"]) == ("Q2", "content")


def test_text_by_content_even_where_the_name_hints_at_something_else() -> None:
    assert chosen(客户说=COMMENTS, 客户编号=["1", "2", "3", "4", "5"]).text == "客户说"


def test_a_comment_column_that_starts_empty_is_still_found_by_its_name() -> None:
    columns = chosen(编号=["1", "2"], 评论=["", ""])
    assert (columns.text, columns.id) == ("评论", "编号")


def test_header_only_is_decided_by_name() -> None:
    empty = pa.array([], pa.string())
    assert chosen(评论=empty, 提交时间=empty, nps=empty, 编号=empty) == Columns(
        text="评论", score="nps", at="提交时间", id="编号", how=dict.fromkeys(["text", "score", "at", "id"], "name")
    )


def test_no_comments_anywhere_lists_the_columns() -> None:
    with pytest.raises(InputError, match="no column holds comments") as caught:
        chosen(编号=["1", "2"], 金额=[1.5, 2.5])
    assert caught.value.hint == "name one with --text; columns: 编号, 金额"


def test_named_columns_are_taken_as_they_are() -> None:
    columns = chosen({"text": "评论", "score": "星级"}, 评论=COMMENTS, 反馈=COMMENTS, 星级=[1, 2, 3, 4, 5])
    assert (columns.text, columns.score, columns.how) == ("评论", "星级", {"text": "named", "score": "named"})


def test_named_column_is_found_despite_case_and_spaces() -> None:
    assert chosen({"text": "user comment"}, **{" User_Comment": COMMENTS}).text == " User_Comment"


def test_named_column_that_does_not_exist_gets_the_closest_name() -> None:
    with pytest.raises(InputError, match="'评论内客': no such column for text") as caught:
        chosen({"text": "评论内客"}, 编号=NUMBERS, 评论内容=COMMENTS)
    assert caught.value.hint == "did you mean '评论内容'? columns: 编号, 评论内容"


def test_unknown_role_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="'date' is not one of id, text"):
        chosen({"date": "x"}, 评论=COMMENTS)


@pytest.mark.parametrize(
    ("name", "values", "taken", "why"),
    [
        ("NPS", NUMBERS, True, None),
        ("评分", ["9分", "１０", "7.0", "", "0"], True, None),
        ("评分", [95, 80, 77, 60, 100], False, NO_ANSWERS),
        ("评分", ["很好", "好", "差", "好", "好"], False, NO_ANSWERS),
        ("星级", [5, 4, 5, 1, 2], False, None),
        ("星级评分", [5, 4, 5, 1, 2], False, None),
        ("stars_rating", [5, 4, 5, 1, 2], False, None),
        ("满意度评分", [5, 4, 5, 1, 2], False, None),
    ],
)
def test_a_score_must_look_like_an_nps_answer(name: str, values: list[object], taken: bool, why: str | None) -> None:
    columns = chosen(**{"评论": COMMENTS, name: values})
    assert (columns.score, columns.how.get("score")) == (name if taken else None, BY_NAME if taken else None)
    assert columns.left == ({"score": Left(why, (name,))} if why else {})


def test_a_rating_that_never_exceeds_five_is_no_nps_answer() -> None:
    stars = [1, 2, 3, 4, 5] * 4
    assert chosen(评论=COMMENTS * 4, 评分=stars).left == {"score": Left(UP_TO_FIVE, ("评分",))}
    assert chosen(评论=COMMENTS * 4, NPS=stars).score == "NPS"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["推荐者", "贬损者", "推荐者", "推荐者", ""], NO_ANSWERS),
        (["=B2*10", "=B3*10", "=B4*10", "=B5*10", ""], FORMULAS),
        ([0.9, 0.8, 1.0, 0.25, 0.6], FRACTIONS),
    ],
)
def test_a_column_that_names_the_nps_and_cannot_be_used_is_said_beside_the_one_that_is_taken(values, why) -> None:
    columns = chosen(评论=COMMENTS, 推荐分=values, 评分=NUMBERS)
    assert (columns.score, columns.left) == ("评分", {"score": Left(why, ("推荐分",))})
    assert chosen({"score": "推荐分"}, 评论=COMMENTS, 推荐分=values, 评分=NUMBERS).score == "推荐分"


def test_an_nps_answer_that_never_exceeds_five_is_taken_with_a_doubt() -> None:
    columns = chosen(评论=COMMENTS * 4, 推荐分=[1, 2, 3, 4, 5] * 4)
    assert (columns.score, columns.left) == ("推荐分", {"score": Left(LOW, ("推荐分",))})


def test_the_nps_question_beats_other_scores() -> None:
    question = "您向朋友推荐我们的可能性有多大？"
    columns = chosen(**{"评论": COMMENTS, "评分": NUMBERS, question: NUMBERS})
    assert columns.score == question


def test_marks_for_single_aspects_are_left_and_said() -> None:
    columns = chosen(评论=COMMENTS, 口味评分=NUMBERS, 环境评分=NUMBERS)
    assert columns.score is None
    assert columns.left == {"score": Left(TIED, ("口味评分", "环境评分"))}


def test_satisfaction_and_effort_are_taken_beside_the_nps_answer() -> None:
    columns = chosen(评论=COMMENTS, NPS=NUMBERS, 总体满意度=["5", "4", "满意", "1", ""], CES=[7, 6, 5, 4, 3])
    assert (columns.score, columns.csat, columns.ces, columns.left) == ("NPS", "总体满意度", "CES", {})


def test_a_satisfaction_on_a_scale_of_ten_is_left_and_said() -> None:
    columns = chosen(评论=COMMENTS, 满意度=[10, 9, 8, 7, 3])
    assert (columns.csat, columns.score, columns.left) == (None, None, {"csat": Left("off scale", ("满意度",))})


def test_the_satisfaction_with_the_whole_beats_that_with_a_part_and_two_parts_are_left() -> None:
    answers = [5, 4, 3, 2, 1]
    assert chosen(评论=COMMENTS, 物流满意度=answers, 满意度=answers).csat == "满意度"
    left = chosen(评论=COMMENTS, 物流满意度=answers, 客服满意度=answers).left
    assert left == {"csat": Left("tied", ("物流满意度", "客服满意度"))}


def test_effort_without_a_direction_is_left_unless_it_is_named() -> None:
    columns = chosen(评论=COMMENTS, 费力度=[1, 2, 3, 4, 5])
    assert (columns.ces, columns.left) == (None, {"ces": Left("undirected", ("费力度",))})
    assert chosen({"ces": "费力度"}, 评论=COMMENTS, 费力度=[1, 2, 3, 4, 5]).ces == "费力度"


def test_an_effort_score_is_no_nps_answer() -> None:
    columns = chosen(**{"comment": COMMENTS, "Customer Effort Score": [7, 6, 5, 4, 7]})
    assert (columns.score, columns.ces) == (None, "Customer Effort Score")


def test_two_equal_scores_are_refused() -> None:
    with pytest.raises(InputError, match="two candidates for the score: NPS, 推荐度") as caught:
        chosen(评论=COMMENTS, NPS=NUMBERS, 推荐度=NUMBERS)
    assert caught.value.hint == "name one with --score"


def test_times_and_ids_must_be_such_and_else_are_left_and_said() -> None:
    columns = chosen(评论=COMMENTS, 等待时间=["35", "20", "5", "", "60"], 商品编号=["A", "A", "B", "B", "A"])
    assert (columns.at, columns.id) == (None, None)
    assert columns.left == {"at": Left(NO_TIMES, ("等待时间",), "35"), "id": Left(REPEATED, ("商品编号",), "A")}


def test_a_wait_of_many_milliseconds_is_no_date() -> None:
    columns = chosen(评论=COMMENTS, 响应时间=[35000, 42000, 31000, 50000, 38000])
    assert (columns.at, columns.left) == (None, {"at": Left(NO_TIMES, ("响应时间",), "35000")})


@pytest.mark.parametrize("cells", [[46023, 46024, None, 46025, 46030], ["46023", "46024.5", "", "46025", "46030"]])
def test_the_days_that_excel_counts_are_dates_in_a_column_that_is_named_so(cells: list[object]) -> None:
    assert chosen(评论=COMMENTS, 回访日期=cells).at == "回访日期"


@pytest.mark.parametrize(
    ("cells", "at", "order"),
    [
        (["1/3/2026", "13/3/2026", "2/3/2026 8:30", "", "28-3-2026"], "日期", DAY_FIRST),
        (["1/3/2026", "3/13/2026", "3/2/2026", "", "03.28.2026"], "日期", MONTH_FIRST),
        (["2026-03-01", "2026-03-02", "2026/3/3", "", "2026-03-04"], "日期", ""),
        (["1/3/2026", "2/3/2026", "3/3/2026", "", "4/3/2026"], None, ""),
        (["1/3/2026", "13/3/2026", "3/14/2026", "", "4/3/2026"], None, ""),
    ],
)
def test_dates_with_the_year_last_are_read_where_only_one_order_fits(
    cells: list[str], at: str | None, order: str
) -> None:
    columns = chosen(评论=COMMENTS, 日期=cells)
    assert (columns.at, columns.order) == (at, order)
    assert columns.left == ({} if at else {"at": Left(UNORDERED, ("日期",), "1/3/2026")})


def test_a_column_that_can_be_read_needs_no_word_on_one_that_cannot() -> None:
    columns = chosen(评论=COMMENTS, 等待时间=["35"] * 5, 提交时间=["2026-03-01"] * 5, 门店编号=["A"] * 5, 编号=NUMBERS)
    assert (columns.at, columns.id, columns.left) == ("提交时间", "编号", {})


@pytest.mark.parametrize("name", ["推荐程度", "推薦程度", "推荐评价", "推薦評價"])
def test_more_names_of_the_answer_to_recommend(name: str) -> None:
    assert match_name(name) == ("score", EXACT)
    assert chosen(**{"评论": COMMENTS, name: NUMBERS}).score == name


@pytest.mark.parametrize("name", ["满意度评价", "滿意度評價"])
def test_more_names_of_satisfaction(name: str) -> None:
    words = ["非常满意", "满意", "一般", "不满意", "非常不满意"]
    assert chosen(**{"评论": COMMENTS, name: words}).csat == name


def test_a_column_named_for_answers_that_holds_the_only_comments_is_the_text() -> None:
    columns = chosen(编号=NUMBERS, 满意度评价=COMMENTS)
    assert (columns.text, columns.how["text"], columns.csat) == ("满意度评价", "content", None)


@pytest.mark.parametrize(
    ("names", "cell"),
    [
        (["1", "味道不错，就是等太久", "9"], "1"),
        (["城东店", "2026/3/1 8:03", "味道不错"], "2026/3/1 8:03"),
        (["城东店", "味道不错，就是等太久"], "味道不错，就是等太久"),
        (["城东店", "客服态度特别好！"], "客服态度特别好！"),
        (["9", "9 (2)", "排队的时间实在是长得让人发火"], "9"),
        (["评论", "2026"], None),
        (["Q1", "Q2", "您对我们有什么建议，请写下来"], None),
        (["门店", "片区", "顾客怎么讲"], None),
        (["用户留言", "5"], None),
    ],
)
def test_a_header_that_is_a_row_of_data_is_known_by_a_cell(names: list[str], cell: str | None) -> None:
    assert data_in_header(names) == cell


def test_columns_of_an_earlier_run_are_not_input() -> None:
    assert chosen(Q1=COMMENTS, voc_sentiment=["完全负面的一条"] * 5, voc_comment=COMMENTS).text == "Q1"


def test_json_texts_are_read_as_the_strings_they_hold() -> None:
    texts = pa.array([f'"{text}"' for text in COMMENTS])
    batch = pa.RecordBatch.from_arrays(
        [texts], schema=pa.schema([pa.field("comment", pa.string(), metadata=JSON_TEXT)])
    )
    assert choose_columns(batch.schema, batch).text == "comment"
