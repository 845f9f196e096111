"""The sentences of the report: what is said, and what is not said when the figures are thin."""

from __future__ import annotations

from datetime import datetime

import pytest
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.findings import Finding, findings, percent, signed
from vocnlp.journey import figures

LATE, KIND = [tag("speed", "negative")], [tag("support", "positive")]
MARCH, APRIL = datetime(2025, 3, 9), datetime(2025, 4, 9)


def said(rows):
    return findings(figures(tagged(rows), FRAME))


@pytest.mark.parametrize(
    ("value", "text"), [(3.24, "+3.2"), (-3.26, "−3.3"), (0.0, "0.0"), (-0.04, "0.0"), (None, "—"), (-100, "−100.0")]
)
def test_points_always_carry_their_sign(value, text):
    assert signed(value) == text


def test_a_share_is_a_percentage_and_a_missing_one_a_dash():
    assert (percent(0.125), percent(0.0), percent(None)) == ("12.5%", "0.0%", "—")


def test_the_dearest_pain_the_worst_stage_and_the_last_month_are_told_with_their_numbers():
    # 40 late at 配送, all 0; 60 with a kind word at 售后, all 10: NPS +20, without the late ones +100.
    rows = [row(score=0, stage="物流", at=APRIL, voc_sentiment="negative", voc_tags=LATE) for _ in range(40)]
    rows += [row(score=10, stage="售后", at=MARCH, voc_sentiment="positive", voc_tags=KIND) for _ in range(60)]
    rows += [row(voc_noise="empty", voc_sentiment=None) for _ in range(5)]
    assert said(rows) == (
        Finding(
            "总体",
            "共 105 条记录，其中 100 条有可读的评论（5 条无有效内容），100 条带评分。"
            "NPS 为 +20.0（95% 区间 +0.6 至 +38.2）：推荐者 60.0%，贬损者 40.0%。",
        ),
        Finding(
            "最伤 NPS 的痛点",
            "「配送时效」有 40 条负面评论（占 40.0%），这些客户的 NPS 是 −100.0；不计这些评论，总体 NPS 会是 +100.0，"
            "即它影响 −80.0 点。最集中在「配送」环节（40 条）。",
            code="speed",
        ),
        Finding(
            "最弱的环节",
            "「配送」的 NPS 最低：−100.0（40 条评分），比总体低 120.0 点。"
            "这里提得最多的问题是「配送时效」，占该环节评论的 100.0%。",
            stage="deliver",
        ),
        Finding("最近变化", "2025-04 的 NPS 为 −100.0，比 2025-03 降 200.0 点，超出抽样误差。"),
        Finding("最受认可", "「客服响应」有 60 条正面评论，净情感 +100.0。"),
    )


def test_what_is_praised_and_blamed_alike_is_not_called_liked():
    torn, whole = [tag("packaging", "negative")], [tag("packaging", "positive")]
    rows = [row(voc_tags=whole) for _ in range(5)] + [row(voc_tags=torn) for _ in range(3)]
    assert "最受认可" not in [finding.head for finding in said(rows)]
    assert said([*rows, row(voc_tags=KIND)])[-1].text == "「客服响应」有 1 条正面评论，净情感 +100.0。"


def test_without_scores_pains_stand_by_their_number_and_no_impact_is_claimed():
    rows = [row(stage="物流", voc_sentiment="negative", voc_tags=LATE) for _ in range(3)] + [row() for _ in range(7)]
    whole, pain, *others = said(rows)
    assert whole.text == "共 10 条记录，其中 10 条有可读的评论。数据里没有可用的评分，NPS 及其影响无法计算。"
    assert pain.text == "负面评论最多的是「配送时效」：3 条，占评论的 30.0%。最集中在「配送」环节（3 条）。"
    assert [finding.head for finding in others] == ["未覆盖"]


def test_a_handful_of_scores_is_called_a_handful():
    rows = [row(score=1, at=MARCH, voc_tags=LATE), row(score=9, at=APRIL, voc_tags=KIND)]
    whole, pain, month, _ = said(rows)
    assert whole.text.endswith("评分不足 30 条，只能看方向，不宜下结论。")
    assert "带评分的不足 30 条或并未拉低 NPS，故不谈影响。" in pain.text
    assert month.text == "2025-03 与 2025-04 中有一个月评分不足 30 条，不作比较。"


def test_an_impact_within_the_margin_is_called_that():
    # 30 late, 16 of them detractors (NPS −6.7), beside 1000 answers split evenly: 3 % of −6.7 is −0.2, the margin 1.0.
    rows = [row(score=0 if n < 16 else 9, voc_tags=LATE) for n in range(30)]
    rows += [row(score=0 if n < 500 else 9) for n in range(1000)]
    pain = said(rows)[1]
    assert "即它影响 −0.2 点。这一影响没有超出抽样误差。" in pain.text


def test_nothing_is_said_of_an_empty_table():
    assert said([]) == (Finding("总体", "表中没有评论。"),)


def test_noise_alone_says_only_how_much():
    assert said([row(voc_noise="empty", voc_sentiment=None)]) == (
        Finding(
            "总体", "共 1 条记录，其中 0 条有可读的评论（1 条无有效内容）。数据里没有可用的评分，NPS 及其影响无法计算。"
        ),
    )
