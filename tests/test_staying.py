"""New comments are learnt by their labels; of those learnt before, a tagger goes on saying what it said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_folder import write_encoder_folder
from safetensors.torch import load
from tokenizers import Tokenizer

from vocnlp import Bundle, Codeframe
from vocnlp.errors import InputError
from vocnlp.training.encoder_batches import batch_of
from vocnlp.training.encoder_fit import EncoderFit, scores
from vocnlp.training.encoder_source import EncoderSource, load_source
from vocnlp.training.encoder_train import fit_encoder, fit_network, network_of, tagger_files
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.reading import Example, examples
from vocnlp.training.recipe import EncoderRecipe, read_recipe
from vocnlp.training.staying import Staying

RECIPE = EncoderRecipe(epochs=30.0, least_steps=0, patience=0, rate=2e-3, heads_rate=4e-3, adversarial=0.0, seed=5)
NEW = [("凉皮筋道", "positive"), ("凉皮发酸", "negative"), ("凉皮拌得香", "positive"), ("凉皮一股馊味", "negative")]


@pytest.fixture(scope="module")
def start(tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that has learnt the corner shop's comments."""
    folder = write_encoder_folder(tmp_path_factory.mktemp("encoders") / "tiny", tiny_rows)
    fitted = fit_encoder(tiny_rows, tiny_frame, load_source(str(folder)), replace(RECIPE, epochs=40.0))
    draft = Bundle("small", "0.1.0", tiny_frame, fitted.classifier, fitted.thresholds)
    path = folder.parent / "bundle"
    draft.save(path, card="# small\n", beside=fitted.beside)
    return path


@pytest.fixture(scope="module")
def rows(tiny_rows: list[Labelled]) -> list[Labelled]:
    """The comments learnt before, now with labels turned round, and new ones."""
    turned = {"positive": "negative", "negative": "positive"}
    old = [
        replace(
            row,
            source="january",
            sentiment=turned.get(str(row.sentiment), row.sentiment),
            tags=tuple(replace(tag, polarity=turned.get(str(tag.polarity), tag.polarity)) for tag in row.tags),
        )
        for row in tiny_rows
    ]
    new = [
        Labelled(f"n{k}", text, (GoldTag("taste", said),), said, source="may-1") for k, (text, said) in enumerate(NEW)
    ]
    return [*old, *(replace(row, weight=8.0) for row in new)]


def source_of(start: Path) -> EncoderSource:
    return load_source(str(start), codes=Bundle.load(start).classifier.codes)


def read(rows: list[Labelled], source: EncoderSource) -> list[Example]:
    return examples(rows, source.codes, Tokenizer.from_buffer(source.vocabulary), 24, source.marks)


def moods(state: dict[str, torch.Tensor] | None, start: Path, rows: list[Labelled]) -> list[str]:
    source = source_of(start)
    network = network_of(source, source.codes)
    if state is not None:
        own = {name.removeprefix("vocnlp."): tensor.float() for name, tensor in state.items()}
        names = network.state_dict()
        found = {name: own.get(name, own.get(name.removeprefix("encoder."))) for name in names}
        network.load_state_dict({name: one if one is not None else names[name] for name, one in found.items()})
    mood = scores(network, read(rows, source))[1]
    return ["positive" if one > 0 else "negative" for one in mood[:, 1]]


def test_new_comments_are_learnt_and_answers_to_the_old_stay_whatever_their_labels_say(
    start: Path, rows: list[Labelled], tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    def after(**more: object) -> dict[str, torch.Tensor]:
        fitted = fit_network(rows, tiny_frame, source_of(start), replace(RECIPE, **more))  # type: ignore[arg-type]
        return load(tagger_files(fitted.network)["model.safetensors"])

    judged = [row for row in tiny_rows if row.sentiment in ("positive", "negative")]
    right = np.array([row.sentiment for row in judged])
    assert np.mean(np.array(moods(None, start, judged)) == right) > 0.9
    stayed, taught = after(stays=1.0, new=("may-*",)), after()
    assert np.mean(np.array(moods(stayed, start, judged)) == right) > 0.9
    assert np.mean(np.array(moods(taught, start, judged)) == right) < 0.6
    fresh = [row for row in rows if row.source == "may-1"]
    assert moods(stayed, start, fresh) == [row.sentiment for row in fresh]


def test_at_the_start_what_stays_costs_nothing_and_what_is_new_does(start: Path, rows: list[Labelled]) -> None:
    source = source_of(start)
    recipe = replace(RECIPE, stays=0.5, new=("may-*",))
    fit = Staying(network_of(source, source.codes).eval(), recipe, exclusive=False)
    settled = [replace(one, settled=True) for one in read(rows[:3], source)]
    both = fit.losses(batch_of([*settled, *read(rows[-1:], source)]), 1)
    assert set(both) == {
        "mention", "polarity", "mood", "evidence", "mention stays", "polarity stays", "mood stays", "states stays"
    }  # fmt: skip
    assert float(both["states stays"][1].detach()) == 0
    weights = {name: weight for name, (weight, _) in both.items()}
    assert weights["mood"] == pytest.approx(recipe.mood_weight / 4)
    assert weights["mood stays"] == pytest.approx(0.5 * recipe.mood_weight * 3 / 4)
    assert set(fit.losses(batch_of(settled), 1)) == {"mention stays", "polarity stays", "mood stays", "states stays"}


def test_stopped_in_the_middle_it_still_holds_to_what_was_said_at_the_start(
    start: Path, rows: list[Labelled], tmp_path: Path
) -> None:
    source = source_of(start)
    every = [replace(one, settled=row.source != "may-1") for one, row in zip(read(rows, source), rows, strict=True)]
    recipe = replace(RECIPE, epochs=4.0, stays=1.0, batch=256)

    def fit(work: Path) -> Staying:
        again = source_of(start)
        return Staying(network_of(again, again.codes), recipe, exclusive=False, work=work)

    class Stopped(Exception):
        pass

    def stop(what: str, share: float) -> None:
        if share > 0.5:
            raise Stopped

    whole = fit(tmp_path / "whole")
    whole.run(every, progress=lambda what, share: None)
    with pytest.raises(Stopped):
        fit(tmp_path / "stopped").run(every, progress=stop, save_every=0.0)
    resumed = fit(tmp_path / "stopped")
    assert resumed.position.step > 0
    resumed.run(every, progress=lambda what, share: None)
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], tensor, msg=name)
    assert isinstance(resumed, EncoderFit)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (("june",), "column 'encoder.new': names no set of this training (value: 'june')"),
        (("*",), "column 'encoder.new': names every set, so there is nothing that could stay (value: '*')"),
        ((), "column 'encoder.new': names no set of this training"),
    ],
)
def test_where_nothing_is_new_or_nothing_could_stay_the_recipe_is_refused(
    start: Path, rows: list[Labelled], tiny_frame: Codeframe, new: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError) as refused:
        fit_network(rows, tiny_frame, source_of(start), replace(RECIPE, stays=1.0, new=new))
    assert str(refused.value).startswith(told)
    assert refused.value.hint == "name those that the start has not read; sets: january, may-1"


def test_the_new_sets_of_a_recipe_are_a_list_of_words(tmp_path: Path) -> None:
    def recipe(new: str, stays: float = 0.5) -> Path:
        path = tmp_path / "r.toml"
        mapping = Path(__file__).parent.parent / "training" / "mapping.yaml"
        head = f'name = "a"\nversion = "1"\nframe = "voc-zh-general.yaml"\nmapping = "{mapping}"\n'
        path.write_text(f"{head}[encoder]\nstays = {stays}\nnew = {new}\n", encoding="utf-8")
        return path

    assert read_recipe(recipe('["own_plain_*"]')).encoder.new == ("own_plain_*",)
    with pytest.raises(InputError, match=r"column 'encoder.new': a setting of another kind: list of words is wanted"):
        read_recipe(recipe('"own_plain_*"'))
    with pytest.raises(InputError, match=r"column 'encoder.new': new sets beside none that stay") as refused:
        read_recipe(recipe('["own_plain_*"]', stays=0.0))
    assert refused.value.hint == "give encoder.stays, the weight of what the start says of all others"
