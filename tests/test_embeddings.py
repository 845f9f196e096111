"""Texts and clauses as vectors, from the graph that also scores: centred, of length one, the same alone and in company."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from encoder_folder import write_encoder_folder

from vocnlp import Bundle, Codeframe
from vocnlp.embedding import word_weights
from vocnlp.encoder import Encoder
from vocnlp.errors import BundleError
from vocnlp.readings import lines_of
from vocnlp.training.encoder_net import TaggerNet
from vocnlp.training.encoder_source import EncoderSource, load_source
from vocnlp.training.encoder_train import fit_encoder
from vocnlp.training.export import to_onnx, with_states
from vocnlp.training.labelled import Labelled
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.windows import WORD

LINES = [["味道不错", "但是价格太贵"], ["送货慢"], ["态度很好", "下次再来", "价格便宜"], [""], ["鬯"]]


@pytest.fixture(scope="module")
def source(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> EncoderSource:
    return load_source(str(write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", tiny_rows)))


@pytest.fixture(scope="module")
def encoder(source: EncoderSource, tiny_rows: list[Labelled], tiny_frame: Codeframe) -> Encoder:
    recipe = EncoderRecipe(epochs=10, batch=512, rate=2e-3, heads_rate=5e-3, hidden=0.0, adversarial=0.0)
    return fit_encoder(tiny_rows, tiny_frame, source, recipe).classifier


def old_graph(graph: bytes) -> bytes:
    """The graph as it was before there were embeddings."""
    model = onnx.load_from_string(graph)
    del model.graph.output[5:]
    content: bytes = model.SerializeToString()
    return content


def test_a_vector_a_text_of_length_one_and_none_where_no_known_word_stands(encoder: Encoder) -> None:
    vectors = encoder.embed(LINES)
    assert vectors.shape == (5, 64)  # two halves of 32
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors[:3, :32], axis=1), np.sqrt(0.5), atol=1e-5)


def test_a_vector_does_not_depend_on_the_texts_beside(encoder: Encoder) -> None:
    small = replace(encoder, batch=32)
    together = encoder.embed(LINES * 40)
    for k, text in enumerate(LINES):
        np.testing.assert_allclose(encoder.embed([text])[0], together[5 + k], atol=2e-5)
    np.testing.assert_allclose(small.embed(LINES * 40), together, atol=2e-5)
    assert encoder.embed([]).shape == (0, 64)
    assert encoder.embed([[]]).tolist() == [[0.0] * 64]


def test_clauses_come_one_behind_the_other_and_one_reading_gives_both(encoder: Encoder) -> None:
    clauses = encoder.embed_clauses(LINES)
    assert clauses.shape == (8, 64)
    np.testing.assert_allclose(clauses[2], encoder.embed([["送货慢"]])[0], atol=2e-5)
    scores, also = encoder.score_and_embed(LINES)
    np.testing.assert_allclose(also, clauses, atol=2e-5)
    alone = encoder.score(LINES)
    np.testing.assert_array_equal(scores.mention, alone.mention)
    np.testing.assert_array_equal(scores.clause, alone.clause)


def test_a_text_of_several_windows_is_read_to_its_end(encoder: Encoder) -> None:
    text = ["今天路过买了一份"] * 20
    first, second = encoder.embed([[*text, "快递太慢"], [*text, "味道很好"]])
    assert np.abs(first - second).max() > 1e-3  # only the end of the last window differs
    assert encoder.embed_clauses([text]).shape == (20, 64)


def test_common_words_count_less_and_marks_nothing(encoder: Encoder) -> None:
    weights = word_weights(encoder.vocabulary)
    entries = json.loads(encoder.vocabulary)["model"]["vocab"]
    assert len(weights) == len(entries)
    assert weights[:5].tolist() == [0.0] * 5
    share = np.exp([score for _, score in entries[5:]])
    np.testing.assert_allclose(weights[5:], 1e-3 / (1e-3 + share), rtol=1e-5)
    pieces = {
        "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "好": 1}},
        "added_tokens": [{"id": 0, "special": True}],
    }
    assert word_weights(json.dumps(pieces).encode()).tolist() == [0.0, 1.0]


def test_the_graph_gives_the_vectors_of_the_network(source: EncoderSource) -> None:
    torch.manual_seed(1)
    network = TaggerNet(source.model, 3).eval()
    chance = np.random.default_rng(0)
    given = {"ids": chance.integers(5, 60, (7, 11)), "kind": np.full((7, 11), WORD)}
    plain = to_onnx(network)
    more = with_states(plain, [given])
    before = onnxruntime.InferenceSession(plain).run(None, given)
    *after, words, states, centre = onnxruntime.InferenceSession(more).run(None, given)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)
    with torch.inference_mode():
        ids = torch.from_numpy(given["ids"])
        table = network.encoder.get_input_embeddings()(ids)
        hidden = network.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    np.testing.assert_allclose(words, table.numpy(), atol=1e-6)
    np.testing.assert_allclose(states, hidden.numpy(), atol=1e-4)
    share = np.bincount(given["ids"].ravel()) / given["ids"].size
    weight = 1e-3 / (1e-3 + share[given["ids"]])[..., None]
    both = np.concatenate([words, states], 2)
    np.testing.assert_allclose(centre, (both * weight).sum((0, 1)) / weight.sum(), rtol=1e-3, atol=1e-5)


def test_a_bundle_from_before_scores_as_ever_and_says_what_to_do(
    encoder: Encoder, tiny_frame: Codeframe, tmp_path: Path
) -> None:
    before = replace(encoder, graph=old_graph(encoder.graph))
    saved = Bundle("old", "1", tiny_frame, before, {}).save(tmp_path / "old", card="# old\n").classifier
    assert isinstance(saved, Encoder)
    assert (saved.embeds, encoder.embeds) == (False, True)
    np.testing.assert_array_equal(saved.score(LINES).mention, encoder.score(LINES).mention)
    wanted = "made before encoders gave embeddings"
    with pytest.raises(BundleError, match=wanted) as caught:
        saved.embed(LINES)
    assert re.search("train again", str(caught.value.hint))


def test_the_shipped_encoder_puts_like_meanings_together() -> None:
    model = Bundle.load().classifier
    assert getattr(model, "embeds", False)
    said = ["快递三天才到", "送货速度太慢", "这家餐厅的汤很鲜", "店里的菜很好吃"]
    vectors = model.embed([lines_of(text) for text in said])  # type: ignore[union-attr]
    near = vectors @ vectors.T
    assert near[0, 1] > max(near[0, 2], near[0, 3], near[1, 2], near[1, 3])
    assert near[2, 3] > max(near[0, 2], near[0, 3], near[1, 2], near[1, 3])
