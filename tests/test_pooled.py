"""An encoder and n-grams read as one: pooled by hand-checked formulas, weighed on texts apart, saved, loaded, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from encoder_folder import write_encoder_folder
from scipy.special import expit, logit, softmax
from test_bundle_refused import refused, with_file

from vocnlp import Bundle, Codeframe, Tagger
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError
from vocnlp.linear import Linear
from vocnlp.pooled import NGRAMS, Pooled, Weights
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_encoder
from vocnlp.training.labelled import Labelled, kept_apart
from vocnlp.training.pooling import pool
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.train import train_bundle

LINES = [["味道不错", "但是价格太贵"], ["送货慢"], ["态度很好", "下次再来"], [""]]
WEIGHTS = Weights(
    np.array([[0.7, 0.9], [0.4, 0.2]], np.float32),
    np.array([0.8, 0.3], np.float32),
    np.repeat(np.array([[0.6], [0.5]], np.float32), 6, 1),
    np.full(6, 0.25, np.float32),
)


@pytest.fixture(scope="module")
def encoder(tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", tiny_rows)
    recipe = EncoderRecipe(epochs=10, batch=512, rate=2e-3, heads_rate=5e-3, hidden=0.0, adversarial=0.0)
    return fit_encoder(tiny_rows, tiny_frame, load_source(str(folder)), recipe).classifier


@pytest.fixture(scope="module")
def ngrams(tiny_bundle: Path) -> Linear:
    model = Bundle.load(tiny_bundle).classifier
    assert isinstance(model, Linear)
    return model


def test_log_odds_are_added_with_the_weights(encoder: Encoder, ngrams: Linear) -> None:
    found = Pooled(encoder, ngrams, WEIGHTS).score(LINES)
    one, two = encoder.score(LINES), ngrams.score(LINES)
    place = [ngrams.codes.index(code) for code in encoder.codes]
    odds = 0.6 * logit(np.clip(one.mention, 1e-6, 1 - 1e-6)) + 0.5 * logit(
        np.clip(two.mention[:, place], 1e-6, 1 - 1e-6)
    )
    np.testing.assert_allclose(found.mention, expit(odds + 0.25), atol=1e-4)
    logs = 0.8 * np.log(np.maximum(one.polarity, 1e-6)) + 0.3 * np.log(np.maximum(two.polarity[:, place], 1e-6))
    np.testing.assert_allclose(found.polarity, softmax(logs, 2), atol=1e-4)
    np.testing.assert_array_equal(found.clause, one.clause)
    assert one.sentiment is not None
    assert two.sentiment is not None
    assert found.sentiment is not None
    neutral = 0.7 * logit(one.sentiment[:, 1]) + 0.4 * logit(two.sentiment[:, 1])
    leans = [np.log(each.sentiment[:, 2] / each.sentiment[:, 0]) for each in (one, two) if each.sentiment is not None]
    np.testing.assert_allclose(found.sentiment[:, 1], expit(neutral), atol=1e-3)
    positive = (1 - expit(neutral)) * expit(0.9 * leans[0] + 0.2 * leans[1])
    np.testing.assert_allclose(found.sentiment[:, 2], positive, atol=1e-3)
    np.testing.assert_allclose(found.sentiment.sum(1), 1, atol=1e-5)


def test_scores_do_not_depend_on_the_texts_beside(encoder: Encoder, ngrams: Linear) -> None:
    pooled = Pooled(encoder, ngrams, WEIGHTS)
    together = pooled.score(LINES * 300)
    for k, lines in enumerate(LINES):
        alone = pooled.score([lines])
        np.testing.assert_allclose(alone.mention[0], together.mention[len(LINES) + k], atol=2e-5)
        np.testing.assert_allclose(alone.polarity[0], together.polarity[len(LINES) + k], atol=2e-5)
    assert pooled.score([]).mention.shape == (0, 6)


def test_a_code_that_the_ngrams_do_not_know_is_the_encoders_alone(encoder: Encoder, ngrams: Linear) -> None:
    first = 2
    few = Linear((), ngrams.vocabulary, ngrams.weights[:, :first], ngrams.bias[:first])
    even = Weights(WEIGHTS.mood, WEIGHTS.polarity, np.full((2, 6), 0.5, np.float32), np.zeros(6, np.float32))
    found = Pooled(encoder, few, even).score(LINES)
    np.testing.assert_allclose(found.mention, np.clip(encoder.score(LINES).mention, 1e-6, 1 - 1e-6), atol=1e-4)


def test_the_better_of_two_is_trusted_more(encoder: Encoder, ngrams: Linear, tiny_rows: list[Labelled]) -> None:
    """The n-grams of the fixture know these rows by heart; an encoder after ten rounds does not."""
    pooled, thresholds = pool(encoder, ngrams, tiny_rows, tiny_rows)
    assert set(thresholds) == set(encoder.codes)
    assert all(0 < value < 1 for value in thresholds.values())
    wanted = np.array([[any(tag.code == code for tag in row.tags) for code in encoder.codes] for row in tiny_rows])

    def loss(model: Encoder | Pooled) -> float:
        said = np.clip(model.score([[row.text] for row in tiny_rows]).mention, 1e-6, 1 - 1e-6)
        return float(-np.where(wanted, np.log(said), np.log(1 - said)).mean())

    assert loss(pooled) < loss(encoder)
    assert (pooled.weights.mention[1] > 0).all()
    assert (pooled.weights.mood >= 0).all()


def test_unweighed_sets_do_not_say_how_far_each_is_trusted_on_positive_or_negative(
    encoder: Encoder, ngrams: Linear, tiny_rows: list[Labelled]
) -> None:
    turned = {"positive": "negative", "negative": "positive"}
    wrong = [
        replace(row, source="diary-1", sentiment=turned.get(str(row.sentiment), row.sentiment)) for row in tiny_rows
    ]
    alone, _ = pool(encoder, ngrams, tiny_rows, tiny_rows)
    beside, _ = pool(encoder, ngrams, tiny_rows, [*tiny_rows, *wrong])
    without, _ = pool(encoder, ngrams, tiny_rows, [*tiny_rows, *wrong], unweighed=("diary-*",))
    np.testing.assert_allclose(without.weights.mood[:, 1], alone.weights.mood[:, 1], atol=1e-4)
    np.testing.assert_array_equal(without.weights.mood[:, 0], beside.weights.mood[:, 0])  # on neutral all are asked
    assert not np.allclose(beside.weights.mood[:, 1], alone.weights.mood[:, 1], atol=0.05)
    np.testing.assert_array_equal(without.weights.polarity, beside.weights.polarity)


def test_nothing_apart_leaves_both_with_what_was_believed(encoder: Encoder, ngrams: Linear) -> None:
    pooled, thresholds = pool(encoder, ngrams, [], [])
    np.testing.assert_allclose(pooled.weights.mention, [[0.6] * 6, [0.5] * 6])
    assert set(thresholds.values()) == {0.5}


def test_it_is_saved_and_loaded_as_it_was(
    encoder: Encoder, ngrams: Linear, tiny_frame: Codeframe, tmp_path: Path
) -> None:
    draft = Bundle("both", "1", tiny_frame, Pooled(encoder, ngrams, WEIGHTS), dict.fromkeys(encoder.codes, 0.5))
    again = draft.save(tmp_path / "both", card="# both\n")
    manifest = json.loads((tmp_path / "both" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["kind"], NGRAMS in manifest["files"]) == ("pooled", True)
    before, after = draft.classifier.score(LINES), again.classifier.score(LINES)
    np.testing.assert_allclose(
        before.mention, after.mention, atol=2e-2
    )  # the n-grams are rounded when they are written
    twice = again.save(tmp_path / "twice", card="# both\n").classifier.score(LINES)
    np.testing.assert_array_equal(after.mention, twice.mention)


def test_weights_of_other_codes_are_refused(
    encoder: Encoder, ngrams: Linear, tiny_frame: Codeframe, tmp_path: Path
) -> None:
    wrong = Weights(WEIGHTS.mood, WEIGHTS.polarity, WEIGHTS.mention[:, :4], WEIGHTS.shift[:4])
    good = Bundle("both", "1", tiny_frame, Pooled(encoder, ngrams, WEIGHTS), dict.fromkeys(encoder.codes, 0.5))
    path = tmp_path / "both"
    good.save(path, card="# both\n")
    files, _ = Pooled(encoder, ngrams, wrong).to_files()
    with_file(path, NGRAMS, files[NGRAMS])
    assert "the weights of the pool are not of these codes" in refused(path)


def test_training_makes_both_unless_told_otherwise(tiny_rows: list[Labelled], tmp_path: Path) -> None:
    folder = write_encoder_folder(tmp_path / "tiny", tiny_rows)
    data = tmp_path / "shop.jsonl"
    rows = [
        {"id": row.id, "text": row.text, "sentiment": row.sentiment,
         "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags]}
        for row in tiny_rows
    ]  # fmt: skip
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    both = train_bundle(data, tmp_path / "both", encoder=str(folder))
    alone = train_bundle(data, tmp_path / "alone", encoder=str(folder), ngrams=False)
    assert isinstance(both.classifier, Pooled)
    assert isinstance(alone.classifier, Encoder)
    assert "a linear model of n-grams" in (tmp_path / "both" / "README.md").read_text(encoding="utf-8")
    assert not list(tmp_path.glob(".*"))
    again = train_bundle(data, tmp_path / "again", encoder=str(tmp_path / "both"))
    (prediction,) = Tagger(again).tag(["味道不错，但是价格太贵"])
    assert {tag.code for tag in prediction.tags} >= {"taste", "price"}


def test_where_the_rows_left_to_learn_from_teach_no_ngrams_nothing_is_fitted(
    tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    """The comments that weigh the two are kept from both, and with them go all that have a code."""
    folder = write_encoder_folder(tmp_path / "tiny", tiny_rows)
    lines = [f"第{number}回来，汤都是凉的" for number in range(200)]
    apart = [line for line in lines if kept_apart(Labelled("", line))][:2]
    rest = [line for line in lines if line not in apart and not kept_apart(Labelled("", line))][:8]
    data = tmp_path / "few.jsonl"
    rows = [
        {"text": text, "tags": [{"code": "凉", "polarity": "negative"}] if text in apart else []}
        for text in [*apart, *rest]
    ]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    seen: list[str] = []
    with pytest.raises(InputError, match="nothing can be learnt from these rows"):
        train_bundle(
            data, tmp_path / "b", encoder=str(folder), dev_parts=0, progress=lambda what, share: seen.append(what)
        )
    assert (seen, sorted(path.name for path in tmp_path.iterdir())) == ([], ["few.jsonl", "tiny"])
