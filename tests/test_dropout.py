"""Layers leave values out while they learn, and never when they are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder

from vocnlp import Codeframe
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_network, network_of
from vocnlp.training.labelled import Labelled
from vocnlp.training.recipe import EncoderRecipe

RECIPE = EncoderRecipe(epochs=1.0, least_steps=0, batch=256, adversarial=0.0, seed=3)


def shares(network: torch.nn.Module) -> set[float]:
    return {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)}


@pytest.fixture
def plain(tiny_rows: list[Labelled], tmp_path: Path) -> Path:
    """An encoder whose configuration leaves nothing out, as the shipped one's does."""
    folder = write_encoder_folder(tmp_path / "plain", tiny_rows)
    path = folder / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    nothing = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    path.write_text(json.dumps({**settings, **nothing}), encoding="utf-8")
    return folder


def test_an_encoder_without_dropout_is_given_that_of_the_recipe(
    plain: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    fitted = fit_network(tiny_rows, tiny_frame, load_source(str(plain)), replace(RECIPE, dropout=0.25))
    assert shares(fitted.network.encoder) == {0.25}
    assert fitted.network.encoder.config.hidden_dropout_prob == 0.0  # whoever goes on from it says anew how much
    ids, kind = torch.arange(5, 13).reshape(1, 8), torch.full((1, 8), 2)
    with torch.inference_mode():
        learning = [fitted.network.train().states(ids, kind)[1] for _ in range(2)]
        asked = [fitted.network.eval().states(ids, kind)[1] for _ in range(2)]
    assert not torch.equal(*learning)
    assert torch.equal(*asked)


def test_a_fit_is_another_one_with_dropout_and_the_same_one_each_time(
    plain: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    def weights(share: float) -> torch.Tensor:
        recipe = replace(RECIPE, dropout=share)
        return fit_network(tiny_rows, tiny_frame, load_source(str(plain)), recipe).network.heads.weight.detach()

    first = weights(0.1)
    assert torch.equal(first, weights(0.1))
    assert not torch.equal(first, weights(0.0))


def test_an_encoder_that_brings_its_own_dropout_keeps_it(tiny_rows: list[Labelled], tmp_path: Path) -> None:
    source = load_source(str(write_encoder_folder(tmp_path / "own", tiny_rows)))
    network = network_of(source, ["taste"])
    network.leave_out(0.4)
    assert shares(network.encoder) == {0.1}
