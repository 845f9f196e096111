"""Fewer neurons in a fitted tagger: which ones go, what the others take over, and what the whole says as before."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder
from tokenizers import Tokenizer
from transformers import AutoModel, DistilBertConfig, DistilBertModel

from vocnlp import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.encoder_batches import batch_of
from vocnlp.training.encoder_fit import EncoderFit, scores
from vocnlp.training.encoder_net import TaggerNet
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_encoder, network_of
from vocnlp.training.labelled import Labelled
from vocnlp.training.narrowing import _kept, _Regain, narrow, too_many
from vocnlp.training.reading import Example, examples
from vocnlp.training.recipe import EncoderRecipe

CODES = ("taste", "price", "delivery")
RECIPE = EncoderRecipe(inner=40, inner_epochs=30.0, inner_rate=3e-3, batch=512, adversarial=0.0, seed=5)


@pytest.fixture(scope="module")
def folder(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder_folder(tmp_path_factory.mktemp("encoders") / "tiny", tiny_rows, layers=2)


@pytest.fixture(scope="module")
def network(folder: Path) -> TaggerNet:
    torch.manual_seed(1)
    made = network_of(load_source(str(folder)), CODES).eval()
    with torch.no_grad():  # as drawn, its feed-forward layers say next to nothing
        for layer in made.encoder.encoder.layer:
            layer.intermediate.dense.weight.mul_(20)
            layer.output.dense.weight.mul_(20)
    return made


@pytest.fixture(scope="module")
def read(folder: Path, tiny_rows: list[Labelled]) -> list[Example]:
    source = load_source(str(folder))
    return examples(tiny_rows, CODES, Tokenizer.from_buffer(source.vocabulary), 24, source.marks)


def test_neurons_that_others_can_stand_for_go_first_and_nothing_is_missed() -> None:
    torch.manual_seed(0)
    own = torch.randn(4_000, 12, dtype=torch.float64)
    answers = torch.cat(
        [own, own @ torch.randn(12, 8, dtype=torch.float64)], 1
    )  # the last eight follow from the others
    weight = torch.randn(6, 20)
    stays, left = _kept(weight, 12, answers.T @ answers / len(answers))
    before = answers @ weight.double().T
    after = answers[:, stays] @ left.double().T
    assert len(stays) == 12
    assert float((before - after).square().mean() / before.square().mean()) < 1e-5


def test_what_goes_is_what_the_output_hears_least() -> None:
    weight = torch.tensor([[3.0, 0.1, 2.0, 0.01]])
    stays, left = _kept(weight, 2, torch.eye(4, dtype=torch.float64))
    assert stays.tolist() == [0, 2]
    torch.testing.assert_close(left, torch.tensor([[3.0, 2.0]]))


def test_a_narrower_tagger_says_nearly_what_the_whole_one_says(network: TaggerNet, read: list[Example]) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    told: list[str] = []
    at_once = narrow(network, read, replace(RECIPE, inner_epochs=0.0))
    less = narrow(network, read, RECIPE, progress=lambda what, share: told.append(what))
    wanted, given, raw = (scores(one, read)[0] for one in (network, less, at_once))
    assert float(((given - wanted) ** 2).mean()) < 0.7 * float(((raw - wanted) ** 2).mean())
    assert less.encoder.config.intermediate_size == 40
    assert {tuple(layer.intermediate.dense.weight.shape) for layer in less.encoder.encoder.layer} == {(40, 32)}
    assert told[0] == "measuring neurons"
    assert told[-1].startswith("learning, epoch 30: states ")
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)  # the whole one is as it was
    words = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(before[words], less.state_dict()[words])
    assert all(parameter.requires_grad for parameter in less.parameters())  # and can be fitted on


def test_stopped_in_the_middle_it_goes_on_to_the_same_weights(
    network: TaggerNet, read: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, inner_epochs=4.0)
    whole = narrow(network, read, recipe, work=tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop(what: str, share: float) -> None:
        if share > 0.5:
            raise Stopped

    run = EncoderFit.run
    monkeypatch.setattr(EncoderFit, "run", lambda self, some, **named: run(self, some, **named, save_every=0.0))
    with pytest.raises(Stopped):
        narrow(network, read, recipe, work=tmp_path / "stopped", progress=stop)
    resumed = narrow(network, read, recipe, work=tmp_path / "stopped")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, msg=name)


def test_a_recipe_narrows_what_it_then_fits_and_auto_model_reads_it(
    folder: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path: Path
) -> None:
    recipe = EncoderRecipe(epochs=1.0, least_steps=0, inner=48, inner_epochs=1.0, adversarial=0.0)
    fitted = fit_encoder(tiny_rows, tiny_frame, load_source(str(folder)), recipe)
    for name, content in fitted.beside.items():
        (tmp_path / name).write_bytes(content)
    assert json.loads((tmp_path / "config.json").read_text())["intermediate_size"] == 48
    layers = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False).encoder.layer
    assert {tuple(layer.output.dense.weight.shape) for layer in layers} == {(32, 48)}
    assert fitted.narrowed == {"before": 64, "after": 48, "epochs": 1.0}
    assert fitted.classifier.score([["味道很好"]]).mention.shape == (1, len(fitted.classifier.codes))


@pytest.mark.parametrize("exclusive", [False, True])
def test_what_is_regained_is_what_the_whole_answers(network: TaggerNet, read: list[Example], exclusive: bool) -> None:
    fit = _Regain(deepcopy(network), network, RECIPE, exclusive=exclusive, work=None)
    losses = {name: float(loss.detach()) for name, (_, loss) in fit.losses(batch_of(read[:8]), 1).items()}
    logits, mood = (torch.from_numpy(one) for one in scores(network, read[:8]))
    seen = logits[..., 0].softmax(1) if exclusive else logits[..., 0].sigmoid()
    each = seen * seen.log() if exclusive else seen * seen.log() + (1 - seen) * (1 - seen).log()
    assert losses["mention"] == pytest.approx(-float(each.sum(1).mean()), rel=0.02)  # of a twin: its own entropy
    neutral, positive = (-(one * one.log() + (1 - one) * (1 - one).log()) for one in mood.sigmoid().unbind(1))
    opinion = 1 - mood[:, 0].sigmoid()
    felt = float(neutral.mean() + (positive * opinion).sum() / opinion.sum())
    assert losses["mood"] == pytest.approx(felt, rel=0.02)
    assert (losses["states"], losses["last"], losses["heads"]) == (0, 0, 0)


@pytest.mark.parametrize(("inner", "neurons"), [(0, 0), (40, 64), (63, 64), (64, 0), (100, 0)])
def test_only_what_is_wider_is_narrowed(network: TaggerNet, inner: int, neurons: int) -> None:
    assert too_many(network, inner) == neurons


def test_what_cannot_be_narrowed_is_told(network: TaggerNet) -> None:
    with pytest.raises(InputError) as told:
        too_many(network, -1)
    assert str(told.value) == "column 'encoder.inner': a layer has at least one neuron (value: '-1')"
    other = TaggerNet(DistilBertModel(DistilBertConfig(vocab_size=50, dim=32, n_layers=1, n_heads=2, hidden_dim=64)), 3)
    with pytest.raises(InputError, match="the feed-forward layers of a distilbert cannot be narrowed"):
        too_many(other, 40)
