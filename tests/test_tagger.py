"""The contract of the tagger: any strings in, as many predictions out, and evidence in the raw text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocnlp.bundle import Bundle
from vocnlp.classifiers import Classifier, Scores
from vocnlp.records import POLARITIES, Prediction
from vocnlp.tagger import Tagger
from vocnlp.text import NOISE_KINDS
from vocnlp.training.labelled import Labelled


def said(tagger: Tagger, text: str) -> list[tuple[str, str, str, str]]:
    """(code, polarity, evidence, source) of every tag."""
    tags = tagger.tag([text])[0].tags
    return [(tag.code, tag.polarity, text[tag.start : tag.end], tag.source) for tag in tags]


def check(text: str, prediction: Prediction, *, codes: set[str]) -> None:
    assert prediction.sentiment in POLARITIES
    assert 0 <= prediction.confidence <= 1
    assert prediction.bundle.startswith("corner-shop@0.1.0+")
    if prediction.noise is not None:
        assert prediction.noise in NOISE_KINDS
        assert (prediction.sentiment, prediction.confidence, prediction.tags) == ("neutral", 0.0, ())
        assert prediction.probabilities == ()
    else:
        assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)
        assert prediction.confidence == max(prediction.probabilities)
    assert len({tag.code for tag in prediction.tags}) == len(prediction.tags)
    for tag in prediction.tags:
        assert tag.code in codes
        assert tag.polarity in POLARITIES
        assert 0 < tag.confidence <= 1
        assert 0 <= tag.start < tag.end <= len(text)
    assert all(one.start <= two.start for one, two in pairwise(prediction.tags))


def test_the_model_never_sees_personal_data_and_the_evidence_stays_where_it_is(tagger: Tagger) -> None:
    asked: list[str] = []

    class Listening:
        codes, chunk = tagger.bundle.classifier.codes, tagger.bundle.classifier.chunk
        threads = 1

        def on_threads(self, count: int) -> Classifier:
            return self

        def score(self, texts: Sequence[Sequence[str]]) -> Scores:
            asked.extend(line for text in texts for line in text)
            return tagger.bundle.classifier.score(texts)

    text = "请回电13712345678，价格太贵"
    (prediction,) = Tagger(replace(tagger.bundle, classifier=Listening())).tag([text])
    assert [text[tag.start : tag.end] for tag in prediction.tags] == ["价格太贵"]
    assert "价格太贵" in asked
    assert not any("137" in line or "5678" in line for line in asked)


# --- what is found, and where --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "味道不错，但是价格太贵",
            [("taste", "positive", "味道不错", "model"), ("price", "negative", "但是价格太贵", "model")],
        ),
        (
            "服务員態度惡劣\r\n快遞很快",
            [("attitude", "negative", "服务員態度惡劣", "model"), ("delivery", "positive", "快遞很快", "model")],
        ),
        (
            "👍🏽👍🏽。质量真好不过快递太慢！！！",
            [("quality", "positive", "质量真好", "model"), ("delivery", "negative", "不过快递太慢", "model")],
        ),
        ("\u202e\ud800https://shop.example/a?x=1;y 价格便宜\u200b", [("price", "positive", "价格便宜\u200b", "model")]),
        ("做工太粗糙了。做工太粗糙了。", [("quality", "negative", "做工太粗糙了", "model")]),
        ("今天天气晴朗", []),
        ("没有停车位。没有停车位", [("parking", "negative", "没有停车位", "rule")]),
    ],
)
def test_a_comment_says(tagger: Tagger, text: str, expected: list[tuple[str, str, str, str]]) -> None:
    found = said(tagger, text)
    if "停车" in text:  # a rule's polarity is the sentiment of its clause, which this tiny model knows little about
        assert [(code, evidence, source) for code, _, evidence, source in found] == [
            (c, e, s) for c, _, e, s in expected
        ]
    else:
        assert found == expected


def test_of_equal_clauses_the_first_is_the_evidence(tagger: Tagger) -> None:
    tag = tagger.tag(["做工太粗糙了。做工太粗糙了。"])[0].tags[0]
    assert (tag.start, tag.end) == (0, 6)


def test_most_training_comments_are_read_as_they_were_labelled(tagger: Tagger, tiny_rows: list[Labelled]) -> None:
    predictions = tagger.tag([row.text for row in tiny_rows])
    right = [
        {(tag.code, tag.polarity) for tag in prediction.tags} == {(tag.code, tag.polarity) for tag in row.tags}
        for row, prediction in zip(tiny_rows, predictions, strict=True)
    ]
    assert sum(right) >= 60


def test_noise_is_not_read(tagger: Tagger, tiny_bundle: Path) -> None:
    label = Bundle.load(tiny_bundle).label
    kinds = [
        ("", "empty"),
        ("。。。", "punctuation"),
        ("没有意见", "no_opinion"),
        ("asdfgh", "mash"),
        ("加微信abc123", "spam"),
    ]
    assert tagger.tag([text for text, _ in kinds]) == [Prediction("neutral", 0.0, (), label, kind) for _, kind in kinds]


# --- the contract ---------------------------------------------------------------------------------------------------

ODD = [
    "", "\x00", "\ud800", "\udfff\ud800", "好\x00吃", "\u200f\u202eسعر مرتفع\u202c", "\u200b", "\r\n", "\n", " ", "ﾊﾞﾅﾅ",
    "味道\n很好", "味道很好\u2028价格太贵", "👨‍👩‍👧‍👦", "e\u0301\u0301\u0301", "𠮷野家味道很好", "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
    "٣٤٥", "İstanbul", "ß", "\U0010ffff", "\ufdd0\uffff", "。" * 500, " " * 500, "\u200b" * 500, "无", "a" * 5000,
]  # fmt: skip


def test_odd_strings_come_back_in_their_places(tagger: Tagger) -> None:
    texts = [text for odd in ODD for text in (odd, "味道很好")]
    predictions = tagger.tag(texts)
    assert len(predictions) == len(texts)
    for text, prediction in zip(texts, predictions, strict=True):
        check(text, prediction, codes={code.id for code in tagger.codeframe.taggable})
    assert set(predictions[1::2]) == {predictions[1]}
    assert [tag.code for tag in predictions[1].tags] == ["taste"]


def test_no_texts_no_predictions(tagger: Tagger) -> None:
    assert tagger.tag([]) == []
    assert tagger.tag(()) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("价格太贵，味道很好。" * 100_000, id="a megabyte of clauses"),
        pytest.param("味道很好" * 250_000, id="a megabyte without a mark"),
        pytest.param("ab" * 500_000, id="a megabyte of one word"),
        pytest.param("味道很好" + " " * 1_000_000 + "价格太贵", id="a megabyte of blanks"),
        pytest.param("😡🍎" * 5_000, id="ten thousand emoji"),
        pytest.param("\u202e\u200f味道很好" * 1_000, id="marks from right to left"),
    ],
)
def test_a_huge_text_is_read(tagger: Tagger, text: str) -> None:
    prediction, neighbour = tagger.tag([text, "味道很好"])
    check(text, prediction, codes={code.id for code in tagger.codeframe.taggable})
    assert neighbour == tagger.tag(["味道很好"])[0]
    if "味道很好" in text:
        assert "taste" in {tag.code for tag in prediction.tags}


def test_equal_texts_have_equal_predictions_in_any_order_and_company(tagger: Tagger, tiny_rows: list[Labelled]) -> None:
    texts = [row.text for row in tiny_rows] + [row.text[:5] for row in tiny_rows] + ODD
    alone = {text: tagger.tag([text])[0] for text in texts}
    for seed in range(3):
        mixed = texts * 2
        random.Random(seed).shuffle(mixed)
        assert tagger.tag(mixed) == [alone[text] for text in mixed]


def test_more_texts_than_are_scored_at_once(tagger: Tagger) -> None:
    texts = [f"快递很慢，等了{i}天" if i % 3 else "" for i in range(2_500)]
    predictions = tagger.tag(texts)
    assert [prediction.noise for prediction in predictions] == [None if i % 3 else "empty" for i in range(2_500)]
    assert {prediction.tags[0].code for prediction in predictions if prediction.noise is None} == {"delivery"}


_WORDS = ["味道", "价格", "停车位", "很好", "太贵", "但是", "不过", "，", "。", "\n", "\r", " ", "👍🏽", "\u200d", "\ud83d", "\x00", "無", "www.a?b"]  # fmt: skip
any_text = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=()), max_size=40),
    st.lists(st.sampled_from(_WORDS), max_size=15).map("".join),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(any_text, max_size=8))
@example(["\ud800", "\n\n", "\u200b。"])
def test_any_list_of_strings_is_answered(tagger: Tagger, texts: list[str]) -> None:
    predictions = tagger.tag(texts)
    assert len(predictions) == len(texts)
    for text, prediction in zip(texts, predictions, strict=True):
        check(text, prediction, codes={code.id for code in tagger.codeframe.taggable})
