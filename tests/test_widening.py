"""A teacher that begins as a smaller tagger says what that one says, and can be trained to say more."""

import pytest
import torch
from transformers import BertConfig, BertModel

from vocnlp.training.distil.plan import Shape, unlike
from vocnlp.training.distil.widening import widened
from vocnlp.training.encoder_net import TaggerNet
from vocnlp.windows import MARK, NOTHING, WORD

SMALL = Shape(2, 16, 2, 24)
IDS = torch.tensor([[2, 7, 8, 9, 11, 3], [2, 12, 5, 0, 0, 0]])
KIND = torch.tensor([[MARK, WORD, WORD, WORD, WORD, MARK], [MARK, WORD, WORD, NOTHING, NOTHING, NOTHING]])


def tagger(shape: Shape) -> TaggerNet:
    """With weights as training leaves them: norms and biases are not those of a network that is new."""
    config = BertConfig(
        vocab_size=20, hidden_size=shape.width, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        intermediate_size=shape.neurons, max_position_embeddings=8, type_vocab_size=1, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    made = TaggerNet(BertModel(config, add_pooling_layer=False), 3).eval()
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=chance))
    return made


def said(network: TaggerNet) -> tuple[torch.Tensor, ...]:
    with torch.no_grad():
        read = network(IDS, KIND)
    return read.mood, read.attention, read.weighted


def large(shape: Shape, small: TaggerNet) -> TaggerNet:
    made = tagger(shape)
    made.load_state_dict(widened(small.state_dict(), SMALL, shape, seed=5))
    return made


@pytest.mark.parametrize("shape", [Shape(2, 32, 4), Shape(2, 48, 6, 25), Shape(2, 16, 2, 60)])
def test_more_width_changes_nothing_of_what_is_said(shape: Shape) -> None:
    small = tagger(SMALL)
    for wide, one in zip(said(large(shape, small)), said(small), strict=True):
        torch.testing.assert_close(wide, one, rtol=1e-4, atol=1e-4)


def test_layers_that_are_added_say_nearly_the_same() -> None:
    small = tagger(SMALL)
    mood = said(small)[0]
    deep, other = said(large(Shape(6, 32, 4), small))[0], said(tagger(Shape(6, 32, 4)))[0]
    assert (deep - mood).abs().max() < 0.2 * (other - mood).abs().max()


def test_copies_of_a_neuron_part_as_soon_as_they_are_trained() -> None:
    wide = large(Shape(4, 32, 4), tagger(SMALL))
    table = wide.encoder.embeddings.word_embeddings.weight
    assert torch.equal(table[:, :16], table[:, 16:])
    wide(IDS, KIND).weighted.square().sum().backward()
    first, second = table.grad[7].split(16)
    assert not torch.allclose(first, second, rtol=0.02)
    added = wide.encoder.encoder.layer[1].output.dense.weight
    assert not added.any()
    assert added.grad.abs().min() > 0


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Shape(2, 24, 2), "a width of 24 is no multiple of 16"),
        (Shape(2, 32, 2), "heads of 16 neurons are not those of 8"),
        (Shape(3, 32, 4), "3 layers are no multiple of 2"),
        (Shape(2, 32, 4, 20), "20 neurons a layer are fewer than 24"),
    ],
)
def test_a_shape_that_cannot_begin_as_the_student_is_refused_with_the_numbers(shape: Shape, reason: str) -> None:
    assert unlike(SMALL, shape) == reason
    with pytest.raises(ValueError, match=reason):
        widened(tagger(SMALL).state_dict(), SMALL, shape, seed=5)
    assert not unlike(SMALL, Shape(2, 32, 4))
