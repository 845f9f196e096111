"""Quality from reviewed rows: each counts for what it stands for, and the estimate is right on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vocnlp.errors import InputError
from vocnlp.review_quality import of_bundle, quality
from vocnlp.review_rows import Answer, Mark, Origin
from vocnlp.review_sample import set_apart


def answer(
    number: int,
    true: str,
    said: str,
    *,
    reason: str = "random",
    sample: str = "s",
    comments: int = 100,
    bundle: str = "m@1",
) -> Answer:
    """``true`` and ``said``: one letter a code, each negative."""
    marks = [tuple(Mark(code, "negative") for code in word) for word in (true, said)]
    origin = Origin(sample, reason, float(reason == "random"), comments, bundle, "f@1", marks[1])
    return Answer(
        str(number), f"第{number}条", marks[0], None, "甲", "2026-05-04T08:30:00+00:00", "changed", "", origin
    )


def test_rows_picked_on_purpose_stand_for_nothing_and_samples_for_as_much_as_they_were_drawn_from() -> None:
    purposeful = [answer(at, "a", "", reason="uncertain") for at in range(20)]
    first = [answer(100 + at, "a", "a", comments=900) for at in range(10)]
    second = [answer(200 + at, "a", "", sample="t", comments=100) for at in range(5)]
    found = quality([*purposeful, *first, *second], ["a"])
    assert (found.comments, found.reviewed, found.drawn, found.bundle) == (1000, 35, 15, "m@1")
    assert found.codes.f1 == pytest.approx(2 * 900 / (2 * 900 + 100))
    assert (found.codes.precision, found.codes.recall, found.codes.cases) == (1.0, pytest.approx(0.9), 15)


def test_the_estimate_is_right_on_average_and_the_interval_mostly_holds_it() -> None:
    dice = np.random.default_rng(3)
    said = dice.random(800) < 0.5
    true = said ^ (dice.random(800) < 0.2)
    truth = 2 * (true & said).sum() / (true.sum() + said.sum())
    points, held = [], 0
    for seed in range(40):
        drawn = np.random.default_rng(seed).choice(800, 80, replace=False)
        one = quality(
            [answer(int(at), "a" * int(true[at]), "a" * int(said[at]), comments=800) for at in drawn], ["a"]
        ).codes
        assert one.f1 is not None and one.low is not None and one.high is not None
        points.append(one.f1)
        held += one.low <= truth <= one.high
    assert np.mean(points) == pytest.approx(truth, abs=0.02)
    assert held >= 35


def test_two_samples_of_one_export_stand_for_it_together() -> None:
    def of_export(one: Answer, known: int) -> Answer:
        assert one.origin is not None
        return replace(one, origin=replace(one.origin, pool="p", known=known))

    first = [of_export(answer(at, "a", "a", comments=101), 0) for at in range(12)]
    second = [of_export(answer(50 + at, "a", "", sample="t", comments=41), 60) for at in range(6)]
    found = quality([*first, *second], ["a"])
    assert (found.comments, found.drawn) == (101, 18)
    assert found.codes.f1 == pytest.approx(2 * 12 / (2 * 12 + 6))


def test_what_was_picked_on_purpose_before_does_not_make_the_estimate_better() -> None:
    dice = np.random.default_rng(0)
    points, truth = [], []
    for _ in range(20):
        hard, tenth = dice.random(800) < 0.3, dice.integers(0, 10, 800)
        true = np.where(hard, dice.random(800) < 0.3, dice.random(800) < 0.9)
        left, said = np.arange(800), []
        for sample in "st":
            known = 800 - len(left)
            apart = tenth[left] == 0 if known else set_apart(tenth[left], 60)
            drawn = dice.choice(left[apart], min(60, int(apart.sum())), replace=False)
            for at in drawn.tolist():
                one = answer(at, "a" * int(true[at]), "a", sample=sample, comments=len(left))
                assert one.origin is not None
                said.append(replace(one, origin=replace(one.origin, pool="p", known=known)))
            rest = np.setdiff1d(left[~apart], drawn)
            left = np.setdiff1d(left, [*drawn, *sorted(rest.tolist(), key=lambda at: not hard[at])[:240]])
        points.append(quality(said, ["a"]).codes.f1)
        truth.append(2 * true.mean() / (1 + true.mean()))
    assert np.mean(points) == pytest.approx(np.mean(truth), abs=0.015)


def test_rows_that_were_skipped_are_stood_for_by_the_others_of_their_sample() -> None:
    rows = [answer(at, "a", "a", comments=50) for at in range(10)]
    skipped = [
        Answer(**{**{name: getattr(rows[0], name) for name in Answer.__slots__}, "id": "x", "action": "skipped"})
    ]
    found = quality([*rows, *skipped], ["a"])
    assert (found.comments, found.drawn, found.codes.f1) == (50, 10, 1.0)


def test_pairs_need_the_polarity_and_codes_with_few_rows_are_not_told() -> None:
    right = [answer(at, "a", "a") for at in range(30)]
    turned = [
        Answer(
            **{
                **{name: getattr(one, name) for name in Answer.__slots__},
                "id": f"t{at}",
                "tags": (Mark("a", "positive"),),
            }
        )
        for at, one in enumerate(right[:10])
    ]
    found = quality([*right, *turned, answer(99, "b", "b")], ["a", "b"])
    assert found.codes.f1 == 1.0
    assert found.pairs.f1 == pytest.approx(31 / 41)
    assert (found.per_code["b"].f1, found.per_code["b"].cases) == (None, 1)
    assert found.warnings == (
        "only 41 rows were drawn by chance; below 50 the estimate is a guess",
        "in fewer than 10 rows drawn by chance, so not told: b",
    )


def test_several_bundles_or_no_row_drawn_by_chance_are_refused() -> None:
    with pytest.raises(InputError, match=r"several bundles: m@1, m@2"):
        quality([answer(1, "a", "a"), answer(2, "a", "a", bundle="m@2")], ["a"])
    with pytest.raises(InputError, match="no reviewed row was drawn by chance"):
        quality([answer(1, "a", "a", reason="uncertain")], ["a"])


def test_a_bundle_that_nothing_was_reviewed_for_is_refused_with_those_that_are_there() -> None:
    rows = [answer(1, "a", "a", bundle="m@2"), answer(2, "a", "a"), answer(3, "a", "", bundle="")]
    assert [one.id for one in of_bundle(rows, "m@2")] == ["1"]
    with pytest.raises(InputError, match=r"no row was reviewed for this bundle \(value: 'b9'\)") as caught:
        of_bundle(rows, "b9")
    assert caught.value.hint == "choose one of these with --of: m@1, m@2"
    with pytest.raises(InputError) as caught:
        of_bundle(rows[2:], "b9")
    assert caught.value.hint == "leave --of out"


def test_comments_that_nobody_settled_are_counted_and_warned_of() -> None:
    settled = [answer(at, "a", "a") for at in range(60)]
    disputed = [
        answer(70, "a", ""),
        answer(70, "", ""),
        answer(71, "", "a", reason="rare"),
        answer(71, "a", "a", reason="rare"),
    ]
    found = quality(settled, ["a"], disputed=disputed)
    assert (found.disputed, found.disputed_drawn, found.reviewed, found.drawn) == (2, 1, 60, 60)
    assert found.warnings == (
        "2 comments are disputed and left out, 1 of them drawn by chance: the figures look better than they are; "
        "settle them with --adjudicator NAME",
    )
    assert {name: found.to_dict()[name] for name in ("disputed", "disputed_drawn")} == {
        "disputed": 2,
        "disputed_drawn": 1,
    }
    assert quality(settled, ["a"]).warnings == ()


def test_where_all_that_chance_drew_is_disputed_the_way_out_is_told() -> None:
    rows = [answer(1, "a", "a", reason="uncertain")]
    with pytest.raises(InputError, match="all 1 reviewed rows that were drawn by chance are disputed") as caught:
        quality(rows, ["a"], disputed=[answer(2, "a", ""), answer(2, "", "")])
    assert caught.value.hint == "settle them with --adjudicator NAME, or by a third coder"
