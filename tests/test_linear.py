"""The linear classifier: probabilities worked out by hand, and the same whatever else is in the batch."""

from __future__ import annotations

import random
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from vocnlp.bundle import Bundle
from vocnlp.classifiers import Scores
from vocnlp.features import Grams, hash_clauses
from vocnlp.linear import FORMAT, Linear, Vocabulary
from vocnlp.text import normalise

_LETTERS = Grams(characters=1, words=False, pairs=False)

#: Weights by character: neutral, positive | price, speed | price: negative, neutral, positive | speed: the same three.
_WEIGHTS = {
    "贵": [log(1 / 3), log(1 / 4), log(3), 0, log(4), 0, 0, 0, 0, 0],
    "慢": [log(1 / 3), log(1 / 4), 0, log(9), 0, 0, 0, log(4), 0, 0],
    "快": [0, log(4), 0, log(9), 0, 0, 0, 0, 0, log(4)],
}


def hand_made(**changes: Any) -> Linear:
    """Three characters of weight one (idf 20 times the scale 0.05), two codes, no bias."""
    hashes = {character: int(hash_clauses([character], _LETTERS)[1][0]) for character in _WEIGHTS}
    order = sorted(_WEIGHTS, key=hashes.__getitem__)
    vocabulary = Vocabulary(np.array([hashes[c] for c in order], np.uint32), np.full(3, 20, np.float32), _LETTERS)
    weights = sp.csr_matrix(np.array([_WEIGHTS[c] for c in order], np.float32))
    model = Linear(("price", "speed"), vocabulary, weights, np.zeros(10, np.float32))
    return replace(model, **changes)


def near(*rows: list[float]) -> Any:
    return pytest.approx(np.array(rows), abs=1e-6)


def test_one_clause() -> None:
    scores = hand_made().score([["贵"], ["慢"]])
    # Sentiment: neutral 1/4 and positive 1/5 of what is not neutral. Mention: log 3 is 3 to 1, 0 is 1 to 1.
    assert scores.sentiment == near([0.6, 0.25, 0.15], [0.6, 0.25, 0.15])
    assert scores.mention == near([0.75, 0.5], [0.5, 0.9])
    # Polarity: 0.8, 0.5, 0.5, made to sum to one where the code is spoken of.
    spoken, silent = [8 / 18, 5 / 18, 5 / 18], [1 / 3, 1 / 3, 1 / 3]
    assert scores.polarity[0] == near(spoken, silent)
    assert scores.polarity[1] == near(silent, spoken)
    assert scores.clause.tolist() == [[0, 0], [0, 0]]


def test_clauses_pool_by_a_smooth_maximum() -> None:
    scores = hand_made().score([["好", "贵"], ["贵", "慢", "贵"]])
    # 1 + 3 to 1; and of speed 1 + 1 to 1. Then 3 + 1 + 3 to 1; and 1 + 9 + 1 to 1.
    assert scores.mention == near([4 / 5, 2 / 3], [7 / 8, 11 / 12])
    assert scores.clause.tolist() == [[1, 0], [0, 1]]


def test_polarity_is_weighed_by_the_share_of_a_clause() -> None:
    scores = hand_made().score([["快", "慢"]])
    # Both clauses have half of speed: logits log 4 / 2 both ways, odds 2 to 1.
    third, half = 2 / 3, 1 / 2
    total = 2 * third + half
    assert scores.polarity[0, 1] == pytest.approx([third / total, half / total, third / total], abs=1e-6)
    assert scores.clause[0].tolist() == [0, 0]  # of equals the first


def test_sentiment_is_scaled_by_the_length_of_the_text() -> None:
    scores = hand_made().score([["贵", "贵慢", "贵"]])
    # Four features: twice the logits of one.
    neutral, positive = 1 / 10, 1 / 17
    expected = [(1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive]
    assert scores.sentiment == near(expected)


def test_what_stands_twice_in_a_clause_counts_once() -> None:
    model = hand_made()
    assert_same(model.score([["贵贵贵"]]), model.score([["贵"]]))


def test_calibration_and_bias_move_mention() -> None:
    bias = np.array([0, 0, log(2), 0, 0, 0, 0, 0, 0, 0], np.float32)
    scores = hand_made(bias=bias, slope=2.0, shift=-log(4)).score([["贵"]])
    assert scores.mention == near([36 / 4 / (36 / 4 + 1), 1 / 5])


def test_a_text_without_any_known_feature_gets_the_bias() -> None:
    bias = np.array([log(1 / 4), log(1 / 3), -log(3), 0, 0, 0, 0, 0, 0, 0], np.float32)
    model = hand_made(bias=bias)
    for text in (["好"], [""], ["hello world"]):
        scores = model.score([text])
        assert scores.sentiment == near([0.6, 0.2, 0.2])
        assert scores.mention == near([0.25, 0.5])
        assert scores.polarity == near([[1 / 3] * 3] * 2)
        assert scores.clause.tolist() == [[0, 0]]


def test_a_model_of_codes_alone_knows_no_sentiment() -> None:
    whole = hand_made()
    model = hand_made(weights=whole.weights[:, 2:], bias=whole.bias[2:])
    assert (whole.knows_sentiment, model.knows_sentiment) == (True, False)
    scores = model.score([["好", "贵"]])
    assert scores.sentiment is None
    assert scores.mention == near([4 / 5, 2 / 3])
    assert model.score([]).sentiment is None


def test_a_model_of_sentiment_alone_knows_no_code() -> None:
    whole = hand_made()
    model = hand_made(codes=(), weights=whole.weights[:, :2], bias=whole.bias[:2])
    scores = model.score([["贵"], ["慢", "好"]])
    assert scores.sentiment == near([0.6, 0.25, 0.15], [0.6, 0.25, 0.15])
    assert (scores.mention.shape, scores.polarity.shape, scores.clause.shape) == ((2, 0), (2, 0, 3), (2, 0))


def test_a_model_without_any_feature_still_answers() -> None:
    nothing = Vocabulary(np.empty(0, np.uint32), np.empty(0, np.float32), _LETTERS)
    scores = hand_made(vocabulary=nothing, weights=sp.csr_matrix((0, 10), dtype=np.float32)).score([["贵", "慢"]])
    assert scores.mention == near([2 / 3, 2 / 3])


def test_no_text_gives_scores_of_no_text() -> None:
    scores = hand_made().score([])
    assert scores.sentiment is not None
    shapes = [array.shape for array in (scores.sentiment, scores.mention, scores.polarity, scores.clause)]
    assert shapes == [(0, 3), (0, 2), (0, 2, 3), (0, 2)]


def test_five_thousand_clauses() -> None:
    text = ["好"] * 4_999 + ["慢"]
    scores = hand_made().score([text, ["慢"]])
    assert scores.mention[0] == pytest.approx([5000 / 5001, 5008 / 5009], abs=1e-6)
    assert scores.clause.tolist() == [[0, 4_999], [0, 0]]
    assert scores.mention[1] == pytest.approx([0.5, 0.9], abs=1e-6)


def test_scores_far_out_do_not_overflow() -> None:
    model = hand_made(weights=hand_made().weights * 10_000)
    with np.errstate(all="raise", under="ignore"):
        scores = model.score([["贵", "快"], ["慢"]])
    assert scores.mention == near([1, 1], [0.5, 1])
    assert scores.sentiment is not None
    assert np.isfinite(scores.sentiment).all() and np.isfinite(scores.polarity).all()


# --- a trained model ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tiny_bundle: Any) -> Linear:
    classifier = Bundle.load(tiny_bundle).classifier
    assert isinstance(classifier, Linear)
    return classifier


@pytest.fixture(scope="module")
def texts(tiny_rows: Any) -> list[list[str]]:
    parts = [normalise(row.text).split(",") for row in tiny_rows]
    return [*parts, [clause for text in parts for clause in text], [""], ["xyz"], *[text[:1] for text in parts]]


def assert_same(one: Scores, two: Scores) -> None:
    for name in ("sentiment", "mention", "polarity", "clause"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def rows_of(scores: Scores, rows: list[int]) -> Scores:
    assert scores.sentiment is not None
    return Scores(scores.sentiment[rows], scores.mention[rows], scores.polarity[rows], scores.clause[rows])


@pytest.mark.parametrize("seed", range(5))
def test_a_text_scores_the_same_in_any_company(model: Linear, texts: list[list[str]], seed: int) -> None:
    whole = model.score(texts)
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    assert_same(model.score([texts[i] for i in order]), rows_of(whole, order))
    assert_same(model.score([texts[i] for i in order[:7]]), rows_of(whole, order[:7]))


def test_a_text_scores_the_same_alone(model: Linear, texts: list[list[str]]) -> None:
    whole = model.score(texts)
    for row, text in enumerate(texts):
        assert_same(model.score([text]), rows_of(whole, [row]))


def test_probabilities_sum_to_one(model: Linear, texts: list[list[str]]) -> None:
    scores = model.score(texts)
    assert scores.sentiment is not None
    assert scores.sentiment.sum(1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert scores.polarity.sum(2) == pytest.approx(np.ones((len(texts), len(model.codes))), abs=1e-5)
    assert ((scores.mention >= 0) & (scores.mention <= 1)).all()


# --- to arrays and back ------------------------------------------------------------------------------------------


def test_arrays_and_back_keep_what_is_decided(model: Linear, texts: list[list[str]], tiny_rows: Any) -> None:
    before = model.score(texts)
    after = Linear.from_tensors(model.codes, *model.to_tensors()).score(texts)
    assert before.sentiment is not None and after.sentiment is not None
    assert after.sentiment.argmax(1).tolist() == before.sentiment.argmax(1).tolist()
    assert after.sentiment == pytest.approx(before.sentiment, abs=0.02)
    assert after.mention == pytest.approx(before.mention, abs=0.02)
    assert after.clause[: len(tiny_rows)].tolist() == before.clause[: len(tiny_rows)].tolist()


def test_a_second_time_the_arrays_are_the_same(model: Linear) -> None:
    once, settings = model.to_tensors()
    again, same = Linear.from_tensors(model.codes, once, settings).to_tensors()
    assert same == settings
    assert set(again) == set(once)
    for name, array in once.items():
        assert again[name].dtype == array.dtype
        np.testing.assert_allclose(again[name].astype(float), array.astype(float), rtol=1e-6, err_msg=name)


def test_arrays_of_the_hand_made_model() -> None:
    model = hand_made(slope=1.5, shift=-0.25)
    tensors, settings = model.to_tensors()
    assert settings == {
        "format": FORMAT,
        "grams": {"characters": 1, "words": False, "pairs": False},
        "slope": 1.5,
        "shift": -0.25,
    }
    assert {name: array.dtype.name for name, array in tensors.items()} == {
        "vocabulary": "uint32",
        "idf": "float16",
        "count": "uint16",
        "output": "uint8",
        "weight": "int8",
        "scale": "float32",
        "bias": "float32",
    }
    assert sorted(tensors["count"].tolist()) == [3, 4, 4]
    assert tensors["scale"] * 127 == pytest.approx(
        [log(3), log(4), log(3), log(9), log(4), 1e-12, 1e-12, log(4), 1e-12, log(4)], rel=1e-5
    )
    again = Linear.from_tensors(model.codes, tensors, settings)
    assert again.weights.toarray() == pytest.approx(model.weights.toarray(), abs=1e-6)


Tensors = dict[str, npt.NDArray[Any]]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("count", lambda array: array[:-1]),
        ("count", lambda array: array + np.uint16(1)),
        ("count", lambda array: array.astype(np.int16)),
        ("idf", lambda array: array[1:]),
        ("idf", lambda array: array[:, None]),
        ("output", lambda array: array + np.uint8(200)),
        ("output", lambda array: array.astype(np.int8)),
        ("output", lambda array: array[:-1]),
        ("weight", lambda array: array[:-1]),
        ("scale", lambda array: array[:-1]),
        ("bias", lambda array: array[:-1]),
        ("bias", lambda array: array[:, None]),
        ("vocabulary", lambda array: array[::-1]),
        ("vocabulary", lambda array: array.astype(np.int64)),
        ("vocabulary", lambda array: array[[0, 0, 0]]),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(name: str, change: Any) -> None:
    tensors, settings = hand_made().to_tensors()
    with pytest.raises(ValueError, match=r"the arrays of the linear model|could not be broadcast"):
        Linear.from_tensors(("price", "speed"), {**tensors, name: change(tensors[name])}, settings)


def test_other_codes_a_missing_array_and_another_format_are_refused() -> None:
    tensors, settings = hand_made().to_tensors()
    with pytest.raises(ValueError, match="do not fit together"):
        Linear.from_tensors(("price",), tensors, settings)
    with pytest.raises(ValueError, match="linear weights of format 99; this version reads 1"):
        Linear.from_tensors(("price", "speed"), tensors, {**settings, "format": 99})
    for name in tensors:
        with pytest.raises(KeyError, match=name):
            Linear.from_tensors(("price", "speed"), {k: v for k, v in tensors.items() if k != name}, settings)
