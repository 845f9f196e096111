"""Word vectors are moved against the labels while a network learns, and stand where they stood afterwards."""

from __future__ import annotations

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

RECIPE = EncoderRecipe(epochs=1.0, least_steps=0, batch=256, rate=1e-3, seed=3)


@pytest.fixture(scope="module")
def folder(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder_folder(tmp_path_factory.mktemp("encoders") / "tiny", tiny_rows)


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


def test_where_words_are_moved_the_labels_are_more_surprising(
    folder: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    source = load_source(str(folder))
    codes = ["taste", "staff_attitude"]
    fit = EncoderFit(network_of(source, codes).eval(), replace(RECIPE, hidden=0.0), exclusive=False)
    batch = batch_of(examples(tiny_rows[:8], codes, tokenizer_of(source.vocabulary), 24, source.marks))

    def total() -> torch.Tensor:
        return torch.stack([weight * loss for weight, loss in fit.losses(batch, 1).values()]).sum()

    plain = total()
    plain.backward()  # type: ignore[no-untyped-call]
    with moved(fit.words, 0.5):
        assert float(total().detach()) > float(plain.detach()) + 0.01
    assert float(total().detach()) == float(plain.detach())


def test_a_fit_is_another_one_with_it_and_the_same_one_each_time(
    folder: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    def weights(length: float) -> torch.Tensor:
        recipe = replace(RECIPE, adversarial=length)
        return fit_network(tiny_rows, tiny_frame, load_source(str(folder)), recipe).network.heads.weight.detach()

    first = weights(1.0)
    assert torch.equal(first, weights(1.0))
    assert not torch.equal(first, weights(0.0))


@pytest.mark.parametrize("length", [0.0, 1.0])
def test_words_that_are_to_stay_are_moved_too_and_stay(folder: Path, tiny_rows: list[Labelled], length: float) -> None:
    source = load_source(str(folder))
    codes = ["taste", "staff_attitude"]
    read = examples(tiny_rows, codes, tokenizer_of(source.vocabulary), 24, source.marks)
    every = [replace(one, settled=at % 2 == 0) for at, one in enumerate(read)]
    fit = Staying(network_of(source, codes), replace(RECIPE, stays=1.0, adversarial=length), exclusive=False)
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
