"""Which rows are chosen: for each reason what it asks for, no near twins, within the budget, the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from vocnlp.errors import InputError
from vocnlp.review import LABEL, NEW, RANDOM, RARE, UNCERTAIN, Plan, Pool, choose
from vocnlp.review_labels import wrongness
from vocnlp.review_sample import Comment, draw, known_of, set_apart, tenth_of
from vocnlp.review_scores import Leanings, doubt, leanings
from vocnlp.review_vectors import gram_vectors, nearest, spread, unlearnt
from vocnlp.tagger import Tagger
from vocnlp.training.labelled import part_of

ONLY = {reason: {reason: 1.0} for reason in (UNCERTAIN, RARE, NEW, LABEL, RANDOM)}
TEXTS = [
    "灯光昏暗，看菜单费劲", "音乐震耳朵", "厕所没有纸", "儿童椅摇摇晃晃", "门口台阶太滑", "空调直吹后背",
    "桌布有油渍", "电梯等了十分钟", "窗边位子要加钱", "地图导航指错了门",
]  # fmt: skip


def pool(
    mention: list[list[float]], *, texts: list[str] | None = None, noise: tuple[int, ...] = (), **more: object
) -> Pool:
    n, c = len(mention), len(mention[0])
    read = Leanings(
        tuple("abc"[:c]), np.full(c, 0.5, np.float32), np.ones(c, bool), np.array(mention, np.float32),
        np.full((n, c, 3), 1 / 3, np.float32), np.isin(np.arange(n), noise),
        np.array([len(text) for text in (texts or TEXTS)[:n]]),
    )  # fmt: skip
    return Pool(read, gram_vectors((texts or TEXTS)[:n]), **more)  # type: ignore[arg-type]


def test_the_uncertain_are_those_near_their_threshold() -> None:
    found = choose(pool([[0.99], [0.45], [0.02], [0.6], [0.55]], noise=(4,)), Plan(2, ONLY[UNCERTAIN]))
    assert [(one.row, one.reason, one.codes, one.weight) for one in found] == [
        (1, UNCERTAIN, ("a",), 0.0), (3, UNCERTAIN, ("a",), 0.0)
    ]  # fmt: skip


def test_doubt_is_greatest_half_way_to_the_threshold_of_each_code() -> None:
    read = replace(pool([[1 / 3, 0.2], [0.2, 0.5], [0.02, 0.98]]).leanings, threshold=np.array([0.2, 0.5], np.float32))
    np.testing.assert_allclose(doubt(read), [[1, 0.7219], [0.9183, 1], [0.2387, 0.1414]], atol=5e-5)


def test_of_two_equal_doubts_the_one_that_is_read_sooner_comes_first() -> None:
    long = "停车场在地下三层，绕了二十分钟才找到入口，出来又要排队扫码缴费，机器还不认我的车牌"
    found = choose(pool([[0.5], [0.5], [0.99]], texts=[long, "缴费机不认车牌", "桌布有油渍"]), Plan(2, ONLY[UNCERTAIN]))
    assert [one.row for one in found] == [1, 0]


def test_of_two_equal_doubts_the_one_in_words_that_no_label_explained_comes_first() -> None:
    texts = ["前台态度冷淡得很", "泳池水温刚刚好", "桌布有油渍"]
    every = gram_vectors([*texts, "前台态度热情得很", "前台态度一般"])
    one = replace(pool([[0.5], [0.5], [0.99]], texts=texts), vectors=every[:3])
    assert [found.row for found in choose(one, Plan(2, ONLY[UNCERTAIN]))] == [1, 0]  # one character shorter
    some = ["前台态度冷淡得很", "泳池的水温刚刚好啊", "桌布有油渍"]
    longer = replace(pool([[0.5], [0.5], [0.99]], texts=some), vectors=every[:3])
    assert [found.row for found in choose(longer, Plan(2, ONLY[UNCERTAIN]))] == [0, 1]
    known = replace(longer, known=every[3:])
    assert [found.row for found in choose(known, Plan(2, ONLY[UNCERTAIN]))] == [1, 0]


def test_a_row_is_unlearnt_by_what_labelled_rows_have_not_had() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    known = np.array([[1, 0], [1, 0]], np.float32)
    expected = [0.05 / 2.05, 1.0, 0.36 * 0.05 / 2.05 + 0.64]
    np.testing.assert_allclose(unlearnt(vectors, known), expected, rtol=1e-5)
    np.testing.assert_allclose(unlearnt(sp.csr_matrix(vectors), sp.csr_matrix(known)), expected, rtol=1e-5)
    assert unlearnt(vectors, None).tolist() == [1.0, 1.0, 1.0]


def test_the_rare_are_likely_rows_of_codes_with_few_labels() -> None:
    found = choose(pool([[0.9, 0.0], [0.0, 0.7], [0.1, 0.3]], labelled={"a": 200, "b": 1}), Plan(2, ONLY[RARE]))
    assert [(one.row, one.codes) for one in found] == [(1, ("b",)), (2, ("b",))]


def test_new_ground_has_no_code_and_is_unlike_what_was_labelled() -> None:
    texts = ["停车场收费太贵", "停车费一小时二十", "保安指路很耐心", "味道很好"]
    known = gram_vectors([*texts, "保安指路特别耐心"])
    made = Pool(pool([[0.0], [0.0], [0.0], [0.9]], texts=texts).leanings, known[:4], {}, known[4:])
    assert {one.row for one in choose(made, Plan(2, ONLY[NEW]))} == {0, 1}


def test_label_errors_come_by_how_surely_the_model_contradicts() -> None:
    mention = np.array([[0.95], [0.9], [0.04], [0.03], [0.98], [0.85]], np.float32)
    there = np.array([[True], [True], [False], [False], [False], [True]])
    there[3] = True
    assert wrongness(mention, there).ravel().round(2).tolist() == [0.0, 0.0, 0.0, 0.97, 0.98, 0.0]
    found = choose(pool(mention.tolist(), wrong=wrongness(mention, there)), Plan(6, ONLY[LABEL]))
    assert [(one.row, one.codes) for one in found] == [(4, ("a",)), (3, ("a",))]


def test_near_twins_are_given_once() -> None:
    texts = ["物流慢得离谱，等了整整一个星期", "物流慢得离谱，等了整整一个星期！！", "包装盒压扁了"]
    found = choose(pool([[0.5], [0.5], [0.4]], texts=texts), Plan(3, ONLY[UNCERTAIN]))
    assert sorted(one.row for one in found) == [0, 2]


def test_the_slice_stands_for_all_and_nothing_else_does() -> None:
    found = choose(pool([[0.05 * at] for at in range(10)]), Plan(5, {UNCERTAIN: 0.4, RANDOM: 0.6}), beyond=30)
    purposeful = [one for one in found if one.reason == UNCERTAIN]
    drawn = [one for one in found if one.reason == RANDOM]
    assert ([one.weight for one in purposeful], len(drawn)) == ([0.0, 0.0], 3)
    assert sum(one.weight for one in found) == pytest.approx(40)


def test_from_the_part_set_apart_chance_alone_draws() -> None:
    apart = np.arange(10) % 2 == 0
    found = choose(pool([[0.5 + 0.01 * at] for at in range(10)]), Plan(6, {UNCERTAIN: 0.5, RANDOM: 0.5}), apart=apart)
    assert {(one.row % 2, one.reason) for one in found} == {(0, RANDOM), (1, UNCERTAIN)}
    assert [one.weight for one in found] == [0.0] * 3 + [10 / 3] * 3


def test_what_is_apart_is_where_training_measures_and_more_where_more_is_drawn() -> None:
    texts = [f"第{at}次来，菜量又少了" for at in range(300)]
    tenths = [part_of(text, 10) for text in texts]
    assert [tenth_of(text) for text in texts] == tenths
    first, second = (tenths.count(tenth) for tenth in (0, 1))
    assert set_apart(tenths, 1).tolist() == set_apart(tenths, first).tolist() == [tenth == 0 for tenth in tenths]
    assert set_apart(tenths, first + 1).tolist() == [tenth <= 1 for tenth in tenths]
    assert set_apart(tenths, first + second + 1).sum() > first + second
    assert set_apart(tenths, 1000).all()
    assert set_apart([], 5).shape == (0,)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    made = pool([[0.05 * at] for at in range(10)])
    first, second, other = (choose(made, Plan(6, {UNCERTAIN: 0.5, RANDOM: 0.5}, seed)) for seed in (1, 1, 2))
    assert first == second != other


def test_every_row_is_as_likely_to_be_drawn_as_every_other() -> None:
    made = pool([[0.5 if at == 0 else 0.01] for at in range(10)])
    met = np.zeros(10)
    for seed in range(400):
        drawn = [
            one.row for one in choose(made, Plan(4, {UNCERTAIN: 0.25, RANDOM: 0.75}, seed)) if one.reason == RANDOM
        ]
        met += np.bincount(drawn, minlength=10)
    assert np.abs(met - 400 * 3 / 10).max() < 40


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(0), "the budget is the number of rows to review"),
        (Plan(5, {"mood": 0.5}), "is no reason"),
        (Plan(5, {UNCERTAIN: 0.9, RANDOM: 0.4}), "together at most 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(plan: Plan, told: str) -> None:
    with pytest.raises(InputError, match=told):
        choose(pool([[0.5]]), plan)


@pytest.mark.parametrize(
    "shares", [{RANDOM: float("nan")}, {RANDOM: 0.0}, {UNCERTAIN: 0.5, RANDOM: -0.5}, {RANDOM: float("inf")}, {}]
)
def test_shares_that_cannot_be_divided_by_are_refused_before_anything_is_scored(
    shares: dict[str, float], tagger: Tagger
) -> None:
    with pytest.raises(InputError, match="shares of the budget are between 0 and 1"):
        draw([Comment("1", "续杯要另外付钱")], tagger, Plan(1, shares))


def test_scores_given_for_all_rows_count_for_those_that_are_left(tagger: Tagger) -> None:
    texts = ["一个字：贵", "一个字：贵！", "店里放的歌循环了一下午，吵得没法聊天", *TEXTS]
    comments = [Comment(str(at), text, ()) for at, text in enumerate(texts)]
    plan = Plan(6)
    given = draw(comments, tagger, plan, seen=leanings(tagger, texts))
    assert (given, given[1].distinct) == (draw(comments, tagger, plan), len(texts) - 1)


def test_a_budget_larger_than_the_pool_gives_all_of_it() -> None:
    found = choose(pool([[0.5], [0.4], [0.1]]), Plan(50))
    assert sorted(one.row for one in found) == [0, 1, 2]
    assert sum(one.weight for one in found) == pytest.approx(3)


def test_scores_are_those_of_the_tagger_and_codes_without_a_model_have_their_keywords(tagger: Tagger) -> None:
    texts = ["味道不错，但是价格太贵", "停车位难找", ""]
    read = leanings(tagger, texts)
    given = [{code for code, yes in zip(read.codes, row, strict=True) if yes} for row in read.given]
    assert given == [{tag.code for tag in prediction.tags} for prediction in tagger.tag(texts)]
    assert (read.known[read.codes.index("parking")], read.noise.tolist()) == (False, [False, False, True])
    assert doubt(read)[2].max() == 0


def test_likeness_is_the_cosine_of_what_two_texts_share() -> None:
    vectors = gram_vectors(["电梯坏了", "电梯坏了", "汤很鲜"])
    assert nearest(vectors[:1], vectors[1:]).round(3).tolist() == [1.0]
    assert nearest(vectors[2:], vectors[:2]).tolist() == [0.0]
    assert spread(np.array([1.0, 0.9, 0.1]), vectors, 3, taken=(), pull=0.5) == [0, 2]


def test_comments_that_are_known_noise_or_repeated_are_not_given_out(tagger: Tagger) -> None:
    comments = [
        Comment("1", "味道很好，就是贵"), Comment("2", "味道很好，就是贵！"), Comment("3", "。。。"),
        Comment("4", "排队排到腿软"), Comment("5", "电话13812345678打不通，客服态度差"),
    ]  # fmt: skip
    sample, looked = draw(
        comments, tagger, Plan(10, {UNCERTAIN: 0.5, RANDOM: 0.5}), known=known_of([("排队排到腿软", ["waiting"])])
    )
    assert sorted(row.id for row in sample.rows) == ["1", "5"]
    assert (looked.comments, looked.distinct, looked.noise, looked.known, looked.scored) == (5, 2, 1, 1, 2)
    assert "138" not in next(row.text for row in sample.rows if row.id == "5")


def test_labelled_rows_show_their_labels_and_the_contradicted_first(tagger: Tagger) -> None:
    from vocnlp.review_rows import Mark

    good = [Comment(f"g{at}", text, (Mark(code, None),)) for at, (text, code) in enumerate(
        [("味道鲜美，全家爱吃", "taste"), ("快递很快，隔天就到", "delivery"), ("排队太久，饿得慌", "waiting"), ("价格太贵了", "price")]
    )]  # fmt: skip
    sample, _ = draw(
        [*good, Comment("bad", "快递慢得离谱，一周没动静", (Mark("taste", None),))], tagger, Plan(5, ONLY[LABEL])
    )
    first = sample.rows[0]
    assert (first.id, first.origin.reason, first.origin.bundle) == ("bad", LABEL, "labels")
    assert first.origin.suggested == (Mark("taste", None),)


def test_nothing_left_and_ids_that_occur_twice_are_told(tagger: Tagger) -> None:
    with pytest.raises(InputError, match="none of the 1 comments is left"):
        draw([Comment("1", "？？")], tagger, Plan(3))
    with pytest.raises(InputError, match="this id occurs twice"):
        draw([Comment("1", "味道好"), Comment("1", "态度差")], tagger, Plan(3))
