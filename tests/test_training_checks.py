"""What a look over labelled data says before anything is learnt from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.checked import NOTE, REFUSE, WARN, Checked, Finding
from vocnlp.training.checks import Suspects, check
from vocnlp.training.labelled import GoldTag, Labelled, plain_all
from vocnlp.training.linear_fit import LinearRecipe, fit_linear
from vocnlp.training.twins import near_twins

FRAME = Codeframe.from_labels(["口味", "物流"])
#: Texts that share nothing: what is said of one is said of it alone.
TEXTS = (
    "豆浆稀得像水",
    "骑手把汤洒了一半",
    "葱油饼外酥里嫩",
    "等了五十分钟才送到",
    "醋放多了酸倒牙",
    "保温袋包得很严实",
    "馒头发硬",
    "配送员提前打了招呼",
    "茶叶蛋入味",
    "地址写对了还送错",
    "辣椒油香",
    "超时二十分钟也没解释",
)


def rows(*changed: Labelled) -> list[Labelled]:
    """Twelve comments, of taste and of delivery in turn, in rows from 2 on; then those given."""
    codes = ("口味", "物流")
    made = [Labelled(str(n), text, (GoldTag(codes[n % 2], "negative"),), row=n + 2) for n, text in enumerate(TEXTS)]
    return [*made, *changed]


def found(kind: str, train: list[Labelled], dev: list[Labelled] | None = None, **beside: object) -> Finding:
    (one,) = (each for each in looked(train, dev, **beside).findings if each.kind == kind)
    return one


def looked(train: list[Labelled], dev: list[Labelled] | None = None, **beside: object) -> Checked:
    return check(train, dev or [], Suspects(**beside))  # type: ignore[arg-type]


def test_sound_rows_have_nothing_but_codes_with_few_comments() -> None:
    checked = looked(rows(), frame=FRAME)
    assert [(one.severity, one.kind) for one in checked.findings] == [(NOTE, "few")]
    assert (checked.rows, checked.dev_rows, dict(checked.per_code)) == (12, 0, {"口味": 6, "物流": 6})
    checked.refuse("shop.csv")


def test_unknown_codes_are_refused_with_their_rows_and_what_was_meant() -> None:
    odd = Labelled("x", "电话13812345678打不通", (GoldTag("物流 ", "negative"),), row=14)
    one = found("unknown_code", rows(odd), frame=FRAME)
    assert (one.severity, one.count, one.rows) == (REFUSE, 1, (14,))
    assert one.message == "the codeframe from-data has no such code: '物流 '"
    assert one.hint == "did you mean '物流'?"
    assert one.examples == ("电话电**********打不通",)  # masked
    with pytest.raises(InputError, match=r"shop.csv, row 14: the codeframe from-data has no such code") as caught:
        looked(rows(odd), frame=FRAME).refuse("shop.csv")
    assert caught.value.hint == one.hint


def test_a_code_that_was_looked_for_is_checked_like_one_that_was_tagged() -> None:
    odd = Labelled(
        "x", "包裹丢了一只鞋", (GoldTag("物流", "negative"),), annotated=frozenset({"物流", " 口味"}), row=14
    )
    one = found("unknown_code", rows(odd), frame=FRAME)
    assert (one.count, one.rows, one.hint) == (1, (14,), "did you mean '口味'?")


def test_a_code_in_another_case_is_refused_with_the_right_one() -> None:
    frame = Codeframe.from_labels(["口味", "物流", "Ａｐｐ"])
    odd = Labelled("x", "闪退", (GoldTag("app", "negative"),), row=14)
    assert found("unknown_code", rows(odd), frame=frame).hint == "did you mean 'Ａｐｐ'?"


def test_without_a_frame_codes_that_differ_by_case_are_told() -> None:
    odd = [
        Labelled("x", "闪退", (GoldTag("App", "negative"),), row=14),
        Labelled("y", "登不上", (GoldTag("APP", "negative"),), row=15),
    ]
    one = found("spelling", rows(*odd))
    assert (one.severity, one.rows) == (WARN, (14,))
    assert one.message.startswith("'APP' and 'App' differ by case, width or blanks alone")


def test_a_code_that_the_frame_lost_is_told_from_one_it_never_had() -> None:
    odd = Labelled("x", "小票不给", (GoldTag("发票", "negative"),), row=14)
    one = found("lost_code", rows(odd), frame=FRAME, before=frozenset({"发票", "口味"}))
    assert one.severity == REFUSE
    assert one.message == (
        "the codeframe from-data has no such code: '发票', which the bundle to start from has: the codeframe lost it"
    )


def test_too_few_rows_and_equal_texts_are_refused() -> None:
    assert found("too_small", rows()[:3], frame=FRAME).message == (
        "nothing can be learnt from 3 comment(s): at least 8 are needed"
    )
    same = [Labelled(str(n), "不错！" if n % 2 else "不错", (GoldTag("口味", "positive"),), row=n) for n in range(20)]
    one = found("all_equal", same, frame=FRAME)
    assert (one.severity, one.message) == (REFUSE, "nothing can be learnt: all 20 comments are the same text")


def test_a_single_class_is_refused_unless_sentiment_can_be_learnt() -> None:
    alone = [Labelled(str(n), text, (GoldTag("口味", "negative"),), row=n) for n, text in enumerate(TEXTS)]
    checked = looked(alone)
    assert [(one.severity, one.kind) for one in checked.findings][:2] == [(REFUSE, "one_class"), (WARN, "everywhere")]
    moods = [Labelled(one.id, one.text, one.tags, "positive" if int(one.id) % 2 else "negative") for one in alone]
    assert looked(moods).refused == ()
    glad = [Labelled(one.id, one.text, (), "positive") for one in alone]
    checked = looked(glad)
    assert {one.kind: one.severity for one in checked.findings}["one_sentiment"] == WARN
    assert [one.kind for one in checked.refused] == ["one_class"]


def test_codes_that_are_not_learnt_are_named() -> None:
    frame = Codeframe.from_labels(["口味", "物流", "包装", "发票"])
    odd = Labelled("x", "盒子压瘪", (GoldTag("包装", "negative"),), row=14)
    assert found("not_learnt", rows(odd), frame=frame).message == (
        "not learnt, with a single comment to learn from: 包装 (1)"
    )
    assert found("not_labelled", rows(odd), frame=frame).message == "not learnt, without a comment to learn from: 发票"
    assert found("few", rows(odd), frame=frame).message.endswith("mostly chance: 口味 (6), 物流 (6)")


def test_labels_of_a_group_of_codes_teach_nothing(tiny_frame: Codeframe) -> None:
    made = [Labelled(str(n), text, (GoldTag("goods", "negative"),), row=n) for n, text in enumerate(TEXTS)]
    one = found("groups", made, frame=tiny_frame)
    assert (one.severity, one.hint) == (WARN, "label with the codes below them")
    assert one.message == "groups of other codes are never tagged, so their labels teach nothing: 商品 (12)"


def test_contradicting_twins_are_listed_with_what_each_row_says() -> None:
    twins = [
        Labelled("x", "份量少。", (GoldTag("口味", "negative"),), row=14),
        Labelled("y", "份量少", (GoldTag("口味", "neutral"),), row=15),
        Labelled("z", "份量，少！", (GoldTag("口味", "negative"),), row=16),
    ]
    one = found("contradiction", rows(*twins), frame=FRAME)
    assert (one.severity, one.count, one.rows) == (WARN, 1, (14, 15))
    assert one.examples == ("份量少。 (row 14: 口味:negative; row 15: 口味:neutral)",)
    assert found("twins", rows(*twins), frame=FRAME).count == 2


def test_development_rows_that_training_has_too_are_a_leak() -> None:
    long = "昨天中午点的外卖，送来的时候汤洒了一半，米饭也凉了，打电话没人接"
    train = rows(Labelled("x", long, (GoldTag("物流", "negative"),), row=14))
    dev = [
        Labelled("1", "豆浆稀得像水！！", (GoldTag("口味", "negative"),), row=2),
        Labelled("2", long.replace("一半", "大半"), (GoldTag("物流", "negative"),), row=3),
        Labelled("3", "米粉坨成一团", (GoldTag("口味", "negative"),), row=4),
    ]
    same, near = found("leak", train, dev, frame=FRAME), found("near_leak", train, dev, frame=FRAME)
    assert (same.severity, same.rows, same.message) == (
        WARN,
        (2,),
        "1 of 3 development rows also stand in the training data",
    )
    assert (near.severity, near.rows) == (WARN, (3,))
    assert near.examples[0].endswith(" (row 14)")


def test_near_twins_are_found_among_many_and_short_ones_left_alone() -> None:
    many = [
        f"第{n}单的{thing}在第{n * 7 % 90}天出了{n % 13}次毛病，换了{n * 3 % 41}回"
        for n in range(400)
        for thing in ("风扇", "水壶")
    ]
    changed = "客服小姑娘很有耐心，一步一步教我怎么装，装好以后还回访了两次，问我用得怎么样"
    plain = plain_all([*many, changed])
    assert near_twins(plain_all([changed.replace("两次", "三次"), "很好用", "完全不相干的一句话写在这里"]), plain) == [
        (0, 800)
    ]


def test_empty_rows_are_told_and_lost_labels_with_them() -> None:
    odd = [Labelled("x", " ", (), row=14), Labelled("y", "", (GoldTag("口味", "negative"),), row=15)]
    one = found("empty", rows(*odd), frame=FRAME)
    assert (one.severity, one.rows, one.message) == (
        WARN,
        (14, 15),
        "2 row(s) without a text are left out; 1 carry labels",
    )
    assert found("empty", rows(odd[0]), frame=FRAME).severity == NOTE


def test_the_profile_tells_scripts_and_lengths() -> None:
    texts = [*TEXTS, "這家店的湯頭很濃郁", "店員態度親切", "very good, will buy again"]
    checked = looked([Labelled(str(n), text, (), "positive") for n, text in enumerate(texts)])
    profile = checked.profile
    assert (profile.simplified, profile.traditional, profile.other) == (0.8, 0.1333, 0.0667)
    assert (profile.length[2], profile.longest) == (8, 25)


def test_a_code_of_every_comment_that_was_looked_through_for_it_is_told_as_training_has_it() -> None:
    """Some comments were looked through for 口味 alone, and all of those speak of it."""
    made = [replace(row, annotated=frozenset(tag.code for tag in row.tags) | {"物流"}) for row in rows()]
    one = found("everywhere", made, frame=FRAME)
    assert (one.severity, one.message) == (
        WARN,
        "in every comment that was looked through for it, so nothing tells when it is absent: not learnt: 口味 (6)",
    )
    assert fit_linear(made, FRAME, LinearRecipe(least_texts=1)).model.codes == ("物流",)
    assert found("everywhere", made, frame=FRAME, encoder=True).message.endswith(
        "when it is absent: learnt all the same, and said of nearly every comment: 口味 (6)"
    )


def test_what_training_would_refuse_is_refused_by_the_look_at_the_data() -> None:
    """Every comment that was looked through carries the code; the others have a sentiment alone, always the same."""
    made = [
        replace(row, tags=row.tags[:1] if n % 2 else (), sentiment=None if n % 2 else "positive")
        for n, row in enumerate(rows())
    ]
    frame = Codeframe.from_labels(["物流"])
    (refused,) = looked(made, frame=frame).refused
    told = "nothing can be learnt from these rows: no code stands in two comments and is absent from one"
    assert refused.message == told
    with pytest.raises(InputError, match="nothing can be learnt from these rows"):
        fit_linear(made, frame, LinearRecipe())
    assert looked(made, frame=frame, encoder=True).refused == (refused,)  # n-grams are trained beside it
    assert looked(made, frame=frame, encoder=True, ngrams=False).refused == ()
    once = [replace(row, tags=row.tags if n == 1 else ()) for n, row in enumerate(made)]
    (refused,) = looked(once, frame=frame, encoder=True, ngrams=False).refused
    assert refused.message == "nothing can be learnt from these rows: no code stands in two comments"


def test_a_recipe_that_leaves_no_feature_is_refused_with_what_to_lower() -> None:
    with pytest.raises(InputError) as refused:
        fit_linear(rows(), FRAME, LinearRecipe(least_texts=500))
    assert refused.value.message == (
        "column 'linear.least_texts': no word and no two characters stand in so many of the comments (value: '500')"
    )
    assert refused.value.hint == f"lower it: there are {len(rows())} comments"


def test_several_codes_in_a_comment_of_an_exclusive_frame_are_told() -> None:
    frame = replace(FRAME, exclusive=True)
    both = (GoldTag("口味", "negative"), GoldTag("物流", "negative"))
    odd = [Labelled("x", "汤洒了也不鲜", both, row=14), Labelled("y", "面坨了，来得还晚", both, row=15)]
    one = found("several", rows(*odd), frame=frame)
    assert (one.severity, one.count, one.rows, one.hint) == (
        WARN,
        2,
        (14, 15),
        "leave one in each, or take exclusive out of the codeframe",
    )
    assert one.message == "2 comment(s) carry several codes, and those of from-data exclude each other"
    assert found("several", rows(*odd), frame=frame, noisy=True).severity == REFUSE
    assert [one.kind for one in looked(rows(*odd), frame=FRAME).findings] == ["few"]


def test_what_is_wrong_with_the_development_file_is_told_of_that_file() -> None:
    odd = Labelled("x", "小票不给", (GoldTag("发票", "negative"),), row=3)
    empty = Labelled("y", "", (GoldTag("口味", "negative"),), row=4)
    may = Path("data/may.csv")
    checked = looked(rows(), [odd, empty], frame=FRAME, dev_file=may)
    told = {one.kind: (one.rows, one.file) for one in checked.findings if one.rows}
    assert told == {"unknown_code": ((3,), may), "empty": ((4,), may)}
    with pytest.raises(InputError) as caught:
        checked.refuse("data/april.csv")
    assert str(caught.value) == "data/may.csv, row 3: the codeframe from-data has no such code: '发票'"
    assert [one.get("file") for one in checked.to_dict()["findings"]] == ["may.csv", "may.csv", None]


def test_rows_of_two_files_are_told_apart() -> None:
    same = Labelled("1", "豆浆稀得像水！！", (GoldTag("口味", "positive"),), row=2)
    near = "昨天中午点的外卖，送来的时候汤洒了{}，米饭也凉了，打电话没人接"
    train = rows(Labelled("x", near.format("一半"), (GoldTag("物流", "negative"),), row=14))
    dev = [same, Labelled("2", near.format("大半"), (GoldTag("物流", "negative"),), row=3)]
    beside = {"frame": FRAME, "dev_file": Path("may.csv")}
    assert found("contradiction", train, dev, **beside).examples == (
        "豆浆稀得像水 (row 2: 口味:negative; row 2 of may.csv: 口味:positive)",
    )
    assert found("contradiction", train, dev, **beside).rows == (2,)
    assert (found("leak", train, dev, **beside).rows, found("leak", train, dev, **beside).file) == (
        (2,),
        Path("may.csv"),
    )
    (pair,) = found("near_leak", train, dev, **beside).examples
    assert pair == f"{near.format('大半')} (row 3 of may.csv) ~ {near.format('一半')} (row 14)"
