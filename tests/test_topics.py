"""Topics of comments made up for the purpose: three pains said in many ways among forty stray remarks."""

from __future__ import annotations

import numpy as np
import pytest
from chatter import LOCKER, PARKING, RECIPE, STRAY

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.text import normalise_all
from vocnlp.topic_vectors import vectors
from vocnlp.topic_words import Words, name_of
from vocnlp.topics import Found, Recipe, find_topics

GROUPS = {"locker": LOCKER, "parking": PARKING, "recipe": RECIPE}
LINES = normalise_all([*LOCKER, *STRAY[:20], *PARKING, *STRAY[20:], *RECIPE])


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load()


@pytest.fixture(scope="module")
def space(bundle: Bundle) -> np.ndarray:
    return vectors(LINES, bundle.classifier)


@pytest.fixture(scope="module")
def found(bundle: Bundle, space: np.ndarray) -> Found:
    return find_topics(LINES, space, Words(bundle.codeframe))


def _groups(found: Found) -> dict[str, set[str]]:
    """Which groups of sentences the topics hold, by topic id."""
    of = {line: name for name, said in GROUPS.items() for line in normalise_all(said)}
    return {topic.id: {of.get(LINES[line], "stray") for line in topic.lines} for topic in found.topics}


def test_each_pain_is_found_and_none_is_mixed_with_another(found: Found) -> None:
    pains = [groups - {"stray"} for groups in _groups(found).values()]
    assert set().union(*pains) == {"locker", "parking", "recipe"}
    assert [pain for pain in pains if len(pain) > 1] == []


def test_nearly_all_sentences_of_a_pain_are_in_its_topics(found: Found) -> None:
    held = {line for topic in found.topics for line in topic.lines}
    spoken = {place for place, line in enumerate(LINES) if line in set(normalise_all([*LOCKER, *PARKING, *RECIPE]))}
    assert len(spoken & held) >= 0.9 * len(spoken)


def test_every_line_is_in_one_topic_or_an_outlier(found: Found) -> None:
    held = [line for topic in found.topics for line in topic.lines]
    assert len(held) == len(set(held))
    assert len(held) + found.outliers == len(LINES)


def test_the_same_lines_give_the_same_topics(found: Found, space: np.ndarray, bundle: Bundle) -> None:
    again = find_topics(LINES, space, Words(bundle.codeframe))
    assert [(t.id, t.name, t.terms, t.lines, t.examples, t.spot) for t in again.topics] == [
        (t.id, t.name, t.terms, t.lines, t.examples, t.spot) for t in found.topics
    ]
    assert again.tree == found.tree


def test_terms_are_words_of_the_topic_and_examples_are_its_lines(found: Found) -> None:
    for topic in found.topics:
        said = " ".join(LINES[line] for line in topic.lines)
        assert [term for term, _ in topic.terms if term not in said] == []
        assert set(topic.examples) <= set(topic.lines)
        assert len(set(topic.examples)) == len(topic.examples)


def test_the_tree_joins_all_topics(found: Found) -> None:
    assert len(found.tree) == max(0, len(found.topics) - 1)


def test_vectors_do_not_change_from_one_call_to_the_next(space: np.ndarray, bundle: Bundle) -> None:
    assert np.array_equal(space, vectors(LINES, bundle.classifier))
    assert space.shape[0] == len(LINES)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "只有 0 条互不相同的内容，至少需要 40 条才能归纳话题"),
        (["东西不错"] * 1, "只有 1 条互不相同的内容，至少需要 40 条才能归纳话题"),
        ([f"{n}" for n in range(1000, 1060)], "几乎没有可以归纳的词语，内容可能是数字、符号或空话"),
    ],
)
def test_too_little_to_go_by_gives_no_topic_and_the_reason(lines: list[str], reason: str, bundle: Bundle) -> None:
    space = np.ones((len(lines), 4), np.float32)
    found = find_topics(lines, space, Words(bundle.codeframe))
    assert (found.topics, found.outliers, found.tree, found.reason) == ((), len(lines), (), reason)


def test_a_larger_least_gives_fewer_topics(found: Found, space: np.ndarray, bundle: Bundle) -> None:
    fewer = find_topics(LINES, space, Words(bundle.codeframe), Recipe(least=30))
    assert len(fewer.topics) < len(found.topics)


def test_terms_of_the_codeframe_stay_whole(bundle: Bundle) -> None:
    frame = Codeframe.from_dict(
        {
            "schema": 1, "name": "f", "version": "1", "title": "", "exclusive": False,
            "codes": [{"id": "a", "name": "会员日抽奖", "definition": "抽奖", "keywords": ["盲盒手气"]}],
        }
    )  # fmt: skip
    words = Words(frame)
    assert "会员日抽奖" in words.cut("这次会员日抽奖又没中")
    assert "盲盒手气" in words.cut("盲盒手气太差")
    assert words.cut("  ") == []


def test_a_name_is_the_phrase_that_most_lines_share() -> None:
    from collections import Counter

    lines = [["快递柜", "打不开"], ["楼下", "快递柜", "打不开"], ["快递柜", "打不开", "急死"], ["柜子", "卡住"]]
    everywhere = Counter(word for line in lines for word in set(line))
    assert name_of(lines, ["快递柜", "打不开"], everywhere) == "快递柜打不开"
    assert name_of([], ["快递柜", "打不开", "急死", "卡住"], everywhere) == "快递柜、打不开、急死"
