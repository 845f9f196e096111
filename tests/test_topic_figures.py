"""What stands behind a topic, with exact figures, and what it is proposed to become."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.figures import Nps
from vocnlp.topic_figures import TopicFigures, topic_figures
from vocnlp.topic_pieces import Looked
from vocnlp.topic_proposals import Nearness, Proposal, code_centres, descriptions, propose
from vocnlp.topics import Found, Topic

FRAME = Codeframe.from_dict(
    {
        "schema": 1, "name": "f", "version": "1.0.0", "title": "", "exclusive": False,
        "journeys": [{"id": "general", "name": "旅程", "stages": [{"id": "deliver", "name": "配送", "synonyms": ["送货"]}]}],
        "codes": [
            {"id": "service", "name": "服务", "definition": "人怎么待客"},
            {"id": "attitude", "name": "态度", "parent": "service", "definition": "热不热情", "keywords": ["热情"]},
            {"id": "other", "name": "其他", "definition": "别的"},
            {"id": "other_topic", "name": "其他话题", "parent": "other", "definition": "别的话题"},
        ],
    }
)  # fmt: skip


def looked(*rows: dict[str, Any]) -> Looked:
    return Looked(dict(enumerate(rows)), (), len(rows))


def on(month: int, day: int) -> dict[str, Any]:
    return {"at": datetime(2026, month, day, 12), "voc_sentiment": "negative"}


def test_a_topic_is_counted_by_comments_with_mood_score_stage_day_and_codes() -> None:
    tag = {"code": "attitude"}
    table = looked(
        {
            "at": datetime(2026, 1, 5),
            "voc_sentiment": "negative",
            "score": 2.0,
            "stage": "送货",
            "voc_tags": [tag, tag],
        },
        {"at": datetime(2026, 2, 7), "voc_sentiment": "negative", "score": 9.0, "stage": "配送", "voc_tags": []},
        {"at": None, "voc_sentiment": "neutral", "score": float("nan"), "stage": "路上", "voc_tags": None},
        {"at": datetime(2026, 2, 9), "voc_sentiment": "positive", "score": 8.0, "stage": " ", "voc_tags": [tag]},
    )
    (found,) = topic_figures(table, [[2, 0, 1, 0]], FRAME)
    assert found.comments == 3
    assert found.share == 0.75
    assert found.sentiment == {"negative": 2, "neutral": 1, "positive": 0}
    assert found.nps == Nps(promoters=1, passives=0, detractors=1)
    assert found.stages == (("配送", 2), ("路上", 1))
    assert found.first == datetime(2026, 1, 5).date()
    assert found.months == (("2026-01", 1, 1), ("2026-02", 1, 2))
    assert found.codes == (("attitude", 1),)


def test_the_last_third_of_the_days_is_compared_with_those_before() -> None:
    early, late = [on(1, 1), *[on(2, 3)] * 39], [*[on(3, 10)] * 19, on(3, 31)]
    table = looked(*early, *late)
    rising, steady, fresh, ending = topic_figures(
        table, [[0, 1, *range(40, 52)], [2, 3, 40], [*range(45, 55)], [*range(5, 30)]], FRAME
    )
    assert rising.rise is not None and ending.rise is not None and fresh.rise is not None
    assert (rising.rise.before, rising.rise.before_base, rising.rise.after, rising.rise.after_base) == (2, 40, 12, 20)
    assert rising.rise.value == pytest.approx(12.0)
    assert fresh.rise.value is None
    assert ending.rise.value == 0.0
    assert [one.rising for one in (rising, steady, fresh, ending)] == [True, False, True, False]


def test_p_is_corrected_for_the_number_of_topics() -> None:
    table = looked(*[on(1, 1)] * 40, *[on(3, 31)] * 20)
    alone, *_ = topic_figures(table, [[0, *range(40, 46)]], FRAME)
    among = topic_figures(table, [[0, *range(40, 46)]] * 20, FRAME)[0]
    assert alone.p is not None and among.p is not None
    assert among.p == pytest.approx(min(1.0, 20 * alone.p))
    assert (alone.rising, among.rising) == (True, False)


def test_without_time_or_within_one_day_nothing_rises() -> None:
    for table in (looked({"voc_sentiment": "neutral"}), looked(*[on(1, 1)] * 9)):
        (found,) = topic_figures(table, [[0]], FRAME)
        assert (found.rise, found.p, found.rising) == (None, None, False)


def proposed(
    near: list[float],
    *,
    leaning: float = 0.0,
    loudest: float = 0.0,
    moods: tuple[int, int, int] = (30, 5, 5),
    inside: str | None = None,
    shared: float = 1.0,
) -> Proposal:
    """The proposal for a topic about chargers; ``near``: to 态度 and 其他话题."""
    terms = (("充电宝", 0.9), ("归还", 0.5), ("热情", 0.4), ("扣", 0.2))
    centre = np.ones(2, np.float32)
    topic = Topic("t1", "充电宝·归还", terms, tuple(range(40)), 0, (0,), centre, (0.0, 0.0), shared)
    figures = TopicFigures(
        40, 0.1, dict(zip(("negative", "neutral", "positive"), moods, strict=True)), Nps(), (), None, (), None, None, ()
    )
    nearness = Nearness(np.array([near], np.float32), np.array([[leaning, 0.0]], np.float32), (loudest,))
    (proposal,) = propose(Found((topic,), 0), [figures], nearness, FRAME, [["充电宝还不进去"]], inside=inside)
    return proposal


@pytest.mark.parametrize(
    ("proposal", "kind", "code", "why"),
    [
        (proposed([0.6, 0.0], loudest=0.8), "noise", None, "80% 是同一句话，像是复制粘贴"),
        (proposed([0.1, 0.0], inside="service"), "sub", "service", "“服务”里自成一类的说法"),
        (proposed([0.1, 0.0], leaning=0.4), "synonym", "attitude", "模型已倾向于“态度”（平均 40%），只是把握不够"),
        (proposed([0.6, 0.0]), "synonym", "attitude", "与“态度”的定义、示例几乎是同一说法（相似度 0.60）"),
        (proposed([0.4, 0.0]), "sub", "attitude", "接近“态度”（相似度 0.40），但说的是其中更具体的一面"),
        (proposed([0.3, 0.0]), "new", "service", "码框里没有接近的码"),
        (proposed([0.1, 0.0]), "new", None, "码框里没有接近的码"),
        (proposed([0.0, 0.6]), "new", None, "码框里没有接近的码"),
        (proposed([0.1, 0.0], moods=(1, 38, 1)), "noise", None, "几乎全是中性内容，也不接近任何码，多半与体验无关"),
        (
            proposed([0.1, 0.0], shared=0.2),
            "noise",
            None,
            "说法零散：只有 20% 的语句含最主要的词，多半不成一个话题",
        ),
        (proposed([0.4, 0.0], shared=0.2), "noise", None, "说法零散：只有 20% 的语句含最主要的词，多半不成一个话题"),
        (
            proposed([0.1, 0.0], shared=0.2, leaning=0.4),
            "synonym",
            "attitude",
            "模型已倾向于“态度”（平均 40%），只是把握不够",
        ),
    ],
    ids=[
        "copied",
        "inside",
        "leaning",
        "alike",
        "within",
        "branch",
        "nowhere",
        "其他",
        "idle",
        "loose",
        "loose, near",
        "loose, known",
    ],
)
def test_a_topic_is_proposed_as(proposal: Proposal, kind: str, code: str | None, why: str) -> None:
    assert (proposal.kind, proposal.code, proposal.why) == (kind, code, why)


def test_a_proposal_drafts_what_a_code_needs() -> None:
    made = proposed([0.4, 0.0])
    assert made.definition == "客户谈到充电宝、归还：充电宝、归还、热情、扣等。"
    assert made.keywords == ("充电宝", "归还")  # 热情 is a keyword of 态度 already, 扣 too short to be one
    assert made.examples == ("充电宝还不进去",)


def test_the_lines_of_a_code_are_what_the_frame_says_of_it() -> None:
    lines, owner = descriptions(FRAME)
    assert (lines, owner) == (["态度", "热情", "其他话题"], [0, 0, 1])
    centres = code_centres(np.array([[2, 0], [0, 2], [3, 4]], np.float32), owner, 3)
    assert np.abs(centres - [[0.7071, 0.7071], [0.6, 0.8], [0.0, 0.0]]).max() < 1e-4
