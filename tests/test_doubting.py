"""Sentiments of a set with wrong labels are believed in part: n-grams that have not read a comment say the rest."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_folder import write_encoder_folder
from tokenizers import Tokenizer

from vocnlp import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import POLARITIES
from vocnlp.training.doubting import doubted
from vocnlp.training.encoder_fit import scores
from vocnlp.training.encoder_net import code_losses, mood_loss
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_network
from vocnlp.training.labelled import GoldTag, Labelled, kept_apart
from vocnlp.training.reading import Example, examples
from vocnlp.training.recipe import EncoderRecipe, read_recipe

GOODS = ("水杯", "雨伞", "台灯", "拖把", "衣架", "菜板", "毛毯", "枕芯", "花洒", "电池")
SAID = {
    "positive": ("很结实，喜欢", "做工细，喜欢", "用着顺手，喜欢"),
    "negative": ("用两天就坏，后悔", "一碰就裂，后悔", "味道刺鼻，后悔"),
}
RECIPE = EncoderRecipe(doubted=("market-*",), doubt=1.0)


def comments() -> list[Labelled]:
    """Sixty of a set in which the first is labelled wrong, a neutral one, and one of another set."""
    rows = [
        Labelled(f"{good}{said}", f"{good}{said}", (), kind, source="market-1", two_class=True)
        for kind, words in SAID.items()
        for good, said in product(GOODS, words)
    ]
    rows[0] = replace(rows[0], sentiment="negative")
    return [*rows, Labelled("n", "今天路过看看", (), "neutral", source="market-1"), replace(rows[5], source="hotel")]


def blank(row: Labelled) -> Example:
    nothing = np.zeros(0, np.int8)
    return Example((), 0, row.two_class, nothing, nothing, {}, 1.0)


def leanings(frame: Codeframe, doubt: float) -> list[float | None]:
    rows = comments()
    return [one.leaning for one in doubted([blank(row) for row in rows], rows, (), frame, replace(RECIPE, doubt=doubt))]


def test_in_place_of_a_label_stands_what_the_other_comments_teach(tiny_frame: Codeframe) -> None:
    *whole, neutral, other = leanings(tiny_frame, 1.0)
    assert (neutral, other) == (None, None)
    assert [one is not None and one > 0.5 for one in whole] == [True] * 30 + [False] * 30  # the wrong label, too
    assert all(one is not None and 0 < one < 1 for one in whole)


def test_misspelt_copies_of_a_comment_do_not_betray_its_label(tiny_frame: Codeframe) -> None:
    rows = comments()[:60]
    copies = [replace(rows[0], text=f"水杯狠{letter}实，喜欢") for letter in "节捷杰洁劫截竭姐"]
    many = [*rows, *copies]
    alone, beside = (doubted([blank(row) for row in some], some, (), tiny_frame, RECIPE)[0] for some in (rows, many))
    assert alone.leaning == beside.leaning


def test_a_label_that_is_believed_in_part_is_softened_most_where_it_is_doubtful(tiny_frame: Codeframe) -> None:
    whole, part = leanings(tiny_frame, 1.0)[:60], leanings(tiny_frame, 0.25)[:60]
    labels = [0.0] + [1.0] * 29 + [0.0] * 30
    wanted = [0.75 * label + 0.25 * float(one or 0) for label, one in zip(labels, whole, strict=True)]
    np.testing.assert_allclose(np.array(part, float), wanted, atol=1e-6)
    assert max(np.abs(np.array(part, float) - labels)) == abs(float(part[0] or 0))


def test_polarities_of_codes_are_believed_in_part_and_then_the_sentiment_stays(tiny_frame: Codeframe) -> None:
    codes = ("price", "taste")
    tagged = [
        replace(row, tags=(GoldTag("taste", row.sentiment),), sentiment=kind)
        for row, kind in zip(comments()[:60], ["positive"] * 30 + ["negative"] * 30, strict=True)
    ]  # the first is positive as a whole, its code labelled negative
    rows = [*tagged, *(Labelled(word, f"{word}还没有拆开", (), None, source="market-1") for word in GOODS)]
    made = [blank(row) for row in rows]
    for at, row in enumerate(tagged):
        judged = np.array([-1, 2 if row.tags[0].polarity == "positive" else 0], np.int8)
        made[at] = replace(made[at], mention=np.array([0, 1], np.int8), polarity=judged)
    found = doubted(made, rows, codes, tiny_frame, RECIPE)
    assert [one.believed is None for one in found] == [False] * 60 + [True] * 10
    assert {one.leaning for one in found} == {None}
    softer = doubted(made, rows, codes, tiny_frame, replace(RECIPE, doubt=0.25))
    whole, part = (
        np.array([one.believed[1] for one in some[:60] if one.believed is not None]) for some in (found, softer)
    )
    assert (whole.argmax(1) == 2).tolist() == [True] * 30 + [False] * 30  # the wrong label, too
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-5)
    labels = np.eye(3)[[one.polarity[1] for one in made[:60]]]
    np.testing.assert_allclose(part, 0.75 * labels + 0.25 * whole, atol=1e-6)


def test_a_wrong_label_is_learnt_by_heart_unless_it_is_doubted(tiny_frame: Codeframe, tmp_path: Path) -> None:
    tagged = [replace(row, tags=(GoldTag("taste", row.sentiment),), sentiment=None) for row in comments()[1:60]]
    wrong = next(row for row in tagged if not kept_apart(row))
    wrong = replace(wrong, tags=(GoldTag("taste", "negative"),))
    rows = [wrong if row.id == wrong.id else row for row in tagged]
    rows += [Labelled(word, f"{word}还没有拆开", (), None, source="market-1") for word in GOODS]
    folder = write_encoder_folder(tmp_path / "tiny", rows)
    plain = EncoderRecipe(
        epochs=40.0, least_steps=0, patience=0, rate=2e-3, heads_rate=4e-3, hidden=0.0, adversarial=0.0, seed=5
    )

    def said(recipe: EncoderRecipe) -> str:
        source = load_source(str(folder))
        fitted = fit_network(rows, tiny_frame, source, recipe)
        read = examples([wrong], fitted.codes, Tokenizer.from_buffer(source.vocabulary), fitted.window, source.marks)
        logits, _ = scores(fitted.network, read)
        return POLARITIES[logits[0, fitted.codes.index("taste"), 1:].argmax()]

    assert said(plain) == "negative"
    assert said(replace(plain, doubted=("*",), doubt=1.0)) == "positive"


def test_what_is_believed_of_a_polarity_takes_the_place_of_the_label_in_the_loss() -> None:
    logits = torch.tensor([[[0.0, 0.3, -0.2, 1.1], [0.0, 2.0, 0.0, 0.0]]], requires_grad=True)
    mention, polarity = torch.tensor([[1, 1]]), torch.tensor([[0, -1]])
    plain = code_losses(logits, mention, polarity, exclusive=False)
    sure = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    told = code_losses(logits, mention, polarity, exclusive=False, believed=sure)
    torch.testing.assert_close(told, plain)
    as_it_says = logits.detach()[..., 1:].softmax(2)
    _, second = code_losses(logits, mention, polarity, exclusive=False, believed=as_it_says)
    (slope,) = torch.autograd.grad(second, logits)
    torch.testing.assert_close(slope, torch.zeros_like(slope))


def test_a_leaning_takes_the_place_of_the_label_in_the_loss() -> None:
    logits = torch.tensor([[0.0, 1.5], [0.0, -0.5], [2.0, 0.0]], requires_grad=True)
    mood, two_class = torch.tensor([2, 0, 1]), torch.tensor([True, True, False])
    plain = mood_loss(logits, mood, two_class)
    assert torch.equal(mood_loss(logits, mood, two_class, torch.tensor([1.0, 0.0, 0.0])), plain)
    leaning = torch.tensor([torch.sigmoid(torch.tensor(1.5)), torch.sigmoid(torch.tensor(-0.5)), 0.9])
    (slope,) = torch.autograd.grad(mood_loss(logits, mood, two_class, leaning), logits)
    torch.testing.assert_close(slope[:, 1], torch.zeros(3))
    assert slope[2, 0] != 0


def test_sets_too_small_to_leave_a_part_out_are_refused(tiny_frame: Codeframe) -> None:
    rows = comments()[:20]
    with pytest.raises(InputError, match="too few comments of the doubted sets") as caught:
        doubted([blank(row) for row in rows[1:]], rows[1:], (), tiny_frame, RECIPE)
    assert (caught.value.column, caught.value.value) == ("encoder.doubted", "market-*")


@pytest.mark.parametrize("line", ['doubted = ["a"]', "doubt = 0.2", 'doubted = ["a"]\ndoubt = 1.5'])
def test_a_recipe_names_the_sets_and_the_share_or_neither(tmp_path: Path, line: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'name = "a"\nversion = "1"\nframe = "voc-zh-general.yaml"\nmapping = "m.yaml"\n[encoder]\n{line}\n'
    )
    with pytest.raises(InputError, match="sets to doubt and how much go together") as caught:
        read_recipe(path)
    assert caught.value.column == "encoder.doubt"
