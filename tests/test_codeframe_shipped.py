"""The codeframe that is shipped: broad, complete and free of contradictions."""

from __future__ import annotations

from pathlib import Path

import pytest

import vocnlp.frames
from vocnlp.codeframe import Code, Codeframe


@pytest.fixture(scope="module")
def shipped() -> Codeframe:
    return Codeframe.load(Path(vocnlp.frames.__file__).parent / "voc-zh-general.yaml")


def test_the_shipped_frame_is_broad_and_sound(shipped: Codeframe) -> None:
    second = [code for code in shipped.codes if len(shipped.path(code.id)) == 2]
    assert shipped.name == "voc-zh-general"
    assert len(second) >= 40
    assert {industry for code in shipped.codes for industry in code.industries} == {"汽车", "餐饮", "电商美妆", "数码", "酒店", "银行"}  # fmt: skip
    assert [journey.id for journey in shipped.journeys] == ["general", "catering"]
    assert shipped.warnings() == ()
    assert not shipped.exclusive


def test_every_code_a_comment_may_carry_is_complete(shipped: Codeframe) -> None:
    def missing(code: Code) -> list[str]:
        wanted = {
            "positive": len(code.positive) >= 3,
            "negative": len(code.negative) >= 3,
            "includes": bool(code.includes),
            "owner": bool(code.owner),
            "stage": bool(code.stage),
            "definition": len(code.definition) >= 8,
        }
        return [name for name, there in wanted.items() if not there]

    assert {code.id: missing(code) for code in shipped.taggable if missing(code)} == {}


def test_examples_and_names_of_the_shipped_frame_do_not_repeat(shipped: Codeframe) -> None:
    examples = [text for code in shipped.codes for text in (*code.positive, *code.negative)]
    assert sorted({text for text in examples if examples.count(text) > 1}) == []
    names = [code.name for code in shipped.codes]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_word_of_a_shipped_journey_means_two_stages(shipped: Codeframe) -> None:
    for journey in shipped.journeys:
        for stage in journey.stages:
            for word in (stage.id, stage.name, *stage.synonyms):
                assert journey.stage_of(word) == stage
