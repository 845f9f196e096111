"""The challenge suite: its cases are of the shipped frame, and a case is passed when it should be."""

import json
from collections import Counter

import pytest

from benchmarks.challenge import Case, Opinion, read_cases, tags_right
from vocnlp import Prediction, Tag, Tagger
from vocnlp.training.mapping import DEFAULT

FRAME = Tagger.load().codeframe


def found(*tags: tuple[str, str]) -> Prediction:
    return Prediction("neutral", 0.5, tuple(Tag(code, polarity, 0.9, 0, 1, "model") for code, polarity in tags), "b")


def case(*opinions: tuple[tuple[str, ...], str], sentiment: str = "neutral") -> Case:
    return Case("1", "g", "x", sentiment, tuple(Opinion(*opinion) for opinion in opinions))


def test_every_case_is_of_the_shipped_frame_and_every_group_is_large_enough() -> None:
    cases = read_cases()
    taggable = {code.id for code in FRAME.taggable}
    assert {code for one in cases for opinion in one.opinions for code in opinion.codes} <= taggable
    assert {opinion.polarity for one in cases for opinion in one.opinions} == {"positive", "neutral", "negative"}
    assert min(Counter(one.group for one in cases).values()) >= 26
    assert len({one.text for one in cases}) == len({one.id for one in cases}) == len(cases) == 534


@pytest.mark.parametrize(
    ("wanted", "said", "right"),
    [
        ([(("staff_attitude", "expertise"), "negative")], [("expertise", "negative")], True),
        ([(("staff_attitude",), "negative")], [("staff_attitude", "positive")], False),
        ([(("queue_booking",), "negative")], [("dining_wait", "negative")], True),  # a code below counts as it
        ([(("dining_wait",), "negative")], [("queue_booking", "negative")], False),
        ([(("taste",), "positive"), (("value",), "negative")], [("taste", "positive")], False),
        ([], [], True),
        ([], [("overall_experience", "neutral")], True),
        ([], [("taste", "neutral")], False),
    ],
)
def test_a_case_is_passed_when_every_opinion_is_found(
    wanted: list[tuple[tuple[str, ...], str]], said: list[tuple[str, str]], right: bool
) -> None:
    assert tags_right(case(*wanted), found(*said), FRAME) is right


def test_a_general_judgement_may_stay_without_a_code() -> None:
    assert tags_right(case(sentiment="positive"), found(("quality", "positive")), FRAME)


def pairs(text: str) -> set[str]:
    """Pairs of neighbouring letters."""
    letters = "".join(letter for letter in text if letter.isalnum())
    return {letters[at : at + 2] for at in range(len(letters) - 1)}


def test_no_comment_written_to_train_on_is_nearly_a_case() -> None:
    # A saying of four letters is everybody's.
    cases = {one.text: some for one in read_cases() if len(some := pairs(one.text)) > 3}
    holding: dict[str, list[str]] = {}
    for text, some in cases.items():
        for pair in some:
            holding.setdefault(pair, []).append(text)
    near = []
    for path in (DEFAULT.parent / "own").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            own = pairs(text := json.loads(line)["text"])
            shared = Counter(text for pair in own for text in holding.get(pair, ()))
            near += [(text, one) for one, count in shared.items() if count >= 0.6 * len(own | cases[one])]
    assert near == []
