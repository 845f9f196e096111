"""Two comments of one set make one that says both, with the labels of both where they agree on what was looked for."""

from dataclasses import replace

import pytest

from vocnlp.training.blending import blended
from vocnlp.training.labelled import GoldTag, Labelled

SHOP = frozenset({"waiting", "staff", "price"})
SLOW = Labelled(
    "a", "叫号叫了一个钟头", (GoldTag("waiting", "negative", 0, 8),), "negative", SHOP, source="shop", weight=2.0
)
RUDE = Labelled("b", "柜台的人爱理不理。", (GoldTag("staff", "negative"),), "negative", SHOP, source="shop")
KIND = Labelled(
    "c", "大堂经理一路领到底", (GoldTag("staff", "positive", 0, 4),), "positive", SHOP - {"price"}, source="shop"
)
CAR = Labelled(
    "d", "方向盘打着沉", (GoldTag("steering", "negative"),), "negative", frozenset({"steering"}), source="car"
)


def pairs(*rows: Labelled) -> dict[str, Labelled]:
    """All that come of it, by id."""
    return {one.id: one for seed in range(60) for one in blended(rows, 1.0, seed)}


def test_the_second_of_two_stands_behind_the_first_with_its_evidence_moved() -> None:
    made = pairs(SLOW, KIND)
    assert {name: (one.text, one.tags) for name, one in made.items()} == {
        "a+c": (
            "叫号叫了一个钟头，大堂经理一路领到底",
            (GoldTag("waiting", "negative", 0, 8), GoldTag("staff", "positive", 9, 13)),
        ),
        "c+a": (
            "大堂经理一路领到底，叫号叫了一个钟头",
            (GoldTag("staff", "positive", 0, 4), GoldTag("waiting", "negative", 10, 18)),
        ),
    }
    rest = {(one.source, one.sentiment, one.annotated, one.weight) for one in made.values()}
    assert rest == {("shop", None, frozenset({"waiting", "staff"}), 1.5)}


def test_a_sentiment_that_both_have_is_that_of_the_whole_and_a_full_stop_stays() -> None:
    both = pairs(SLOW, RUDE)
    assert {one.sentiment for one in both.values()} == {"negative"}
    assert both["b+a"].text == "柜台的人爱理不理。叫号叫了一个钟头"


def test_two_that_judge_a_code_differently_and_two_of_unlike_sets_stay_apart() -> None:
    assert set(pairs(SLOW, RUDE, KIND, CAR)) == {"a+b", "b+a", "a+c", "c+a"}


def test_a_code_that_only_one_frame_knows_is_absent_from_neither_and_long_ones_and_uncoded_ones_are_left() -> None:
    whole = replace(SLOW, annotated=None)
    assert pairs(whole, RUDE)["a+b"].annotated == SHOP
    assert pairs(whole, replace(RUDE, annotated=None))["a+b"].annotated is None
    felt = Labelled("e", "还行吧", (), "neutral", source="shop")
    assert not pairs(SLOW, felt, replace(RUDE, text="慢" * 61))


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_so_many_are_made_as_the_share_says_and_the_same_of_the_same_seed(share: float) -> None:
    rows = [replace(SLOW, id=str(number)) for number in range(2000)]
    made = blended(rows, share, 3)
    assert abs(len(made) - share * 2000) < 60
    assert made == blended(rows, share, 3)
    assert not made or made != blended(rows, share, 4)
