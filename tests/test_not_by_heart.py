"""What keeps a fit from learning rows by heart: layers leave values out, and word vectors are moved against the labels, while
they learn and never when they are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder
from torch import nn

from vocnlp import Codeframe
from vocnlp.training.adversarial import moved
from vocnlp.training.encoder_batches import batch_of
from vocnlp.training.encoder_fit import EncoderFit
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_network, network_of
from vocnlp.training.labelled import Labelled
from vocnlp.training.reading import examples
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.staying import Staying
from vocnlp.windows import tokenizer_of

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


@pytest.mark.parametrize(("setting", "usual"), [("dropout", 0.1), ("adversarial", 1.0)])
def test_a_fit_is_another_one_with_it_and_the_same_one_each_time(
    plain: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe, setting: str, usual: float
) -> None:
    def weights(value: float) -> torch.Tensor:
        recipe = replace(RECIPE, **{setting: value})  # type: ignore[arg-type]
        return fit_network(tiny_rows, tiny_frame, load_source(str(plain)), recipe).network.heads.weight.detach()

    first = weights(usual)
    assert torch.equal(first, weights(usual))
    assert not torch.equal(first, weights(0.0))


def test_an_encoder_that_brings_its_own_dropout_keeps_it(tiny_rows: list[Labelled], tmp_path: Path) -> None:
    source = load_source(str(write_encoder_folder(tmp_path / "own", tiny_rows)))
    network = network_of(source, ["taste"])
    network.leave_out(0.4)
    assert shares(network.encoder) == {0.1}


def words_of(fit: EncoderFit) -> torch.Tensor:
    return fit.words.detach().clone()


def test_words_move_along_their_gradient_by_so_many_mean_lengths_and_come_back_bit_for_bit() -> None:
    words = nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.1, 0.7]]))
    before = words.detach().clone()
    mean = float(before.norm(dim=1).mean())
    words.grad = torch.tensor([[0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    with moved(words, 0.5):
        torch.testing.assert_close(words.detach() - before, torch.tensor([[0.0, 0.5 * mean], [0.0, 0.0], [0.0, 0.0]]))
    assert torch.equal(words, before)
    with pytest.raises(KeyError), moved(words, 0.5):
        raise KeyError
    assert torch.equal(words, before)


@pytest.mark.parametrize("gradient", [None, torch.zeros(2, 2)])
def test_without_a_gradient_nothing_moves(gradient: torch.Tensor | None) -> None:
    words = nn.Parameter(torch.ones(2, 2))
    words.grad = gradient
    with moved(words, 3.0):
        assert torch.equal(words, torch.ones(2, 2))


def test_where_words_are_moved_the_labels_are_more_surprising(plain: Path, tiny_rows: list[Labelled]) -> None:
    source = load_source(str(plain))
    codes = ["taste", "staff_attitude"]
    fit = EncoderFit(network_of(source, codes).eval(), replace(RECIPE, hidden=0.0), exclusive=False)
    batch = batch_of(examples(tiny_rows[:8], codes, tokenizer_of(source.vocabulary), 24, source.marks))

    def total() -> torch.Tensor:
        return torch.stack([weight * loss for weight, loss in fit.losses(batch, 1).values()]).sum()

    before = total()
    before.backward()  # type: ignore[no-untyped-call]
    with moved(fit.words, 0.5):
        assert float(total().detach()) > float(before.detach()) + 0.01
    assert float(total().detach()) == float(before.detach())


@pytest.mark.parametrize("length", [0.0, 1.0])
def test_words_that_are_to_stay_are_moved_too_and_stay(plain: Path, tiny_rows: list[Labelled], length: float) -> None:
    source = load_source(str(plain))
    codes = ["taste", "staff_attitude"]
    read = examples(tiny_rows, codes, tokenizer_of(source.vocabulary), 24, source.marks)
    every = [replace(one, settled=at % 2 == 0) for at, one in enumerate(read)]
    fit = Staying(network_of(source, codes), replace(RECIPE, rate=1e-3, stays=1.0, adversarial=length), exclusive=False)
    before, heads = words_of(fit), fit.network.heads.weight.detach().clone()
    seen = []
    losses = fit.losses
    fit.losses = lambda *a: seen.append(words_of(fit)) or losses(*a)  # type: ignore[assignment, func-returns-value]
    fit.run(every, progress=lambda what, share: None)
    assert torch.equal(words_of(fit), before)
    assert not torch.equal(fit.network.heads.weight, heads)
    assert [torch.equal(words, before) for words in seen] == ([True, False] if length else [True]) * fit.position.step


def test_a_student_and_noisy_labels_do_without() -> None:
    assert EncoderRecipe().adversarial > 0
    assert EncoderRecipe().fast().adversarial == 0
    assert EncoderRecipe().for_noisy_labels().adversarial == 0
