"""Where a stopped training goes on: its own checkpoints, of the same start, rows and settings, and no others'."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder

from vocnlp import Bundle, Codeframe
from vocnlp.training import encoder_train, train
from vocnlp.training.labelled import Labelled
from vocnlp.training.linear_fit import LinearRecipe
from vocnlp.training.own_recipe import OwnRecipe, digest_of_start, read_own_recipe, write_own_recipe
from vocnlp.training.recipe import EncoderRecipe, Recipe
from vocnlp.training.steps import TrainingError, load_checkpoint, save_checkpoint
from vocnlp.training.work_folder import fingerprint, fingerprint_of_student, tidy, work_of

ROWS = [
    Labelled("a", "藕片脆得很", (), "positive", source="lunch"),
    Labelled("b", "汤洒了一半", (), "negative", source="lunch"),
]


@pytest.fixture
def folder(tiny_rows: list[Labelled], tmp_path: Path) -> Path:
    return write_encoder_folder(tmp_path / "tiny", tiny_rows)


def plan(frame: Codeframe, encoder: EncoderRecipe) -> Recipe:
    return Recipe("small", "1", frame, (), LinearRecipe(), encoder)


def test_a_training_that_is_done_clears_its_own_checkpoints_and_no_others(tmp_path: Path) -> None:
    names = ("voc", "voc.v2", "voc.0123456789abcdef", "v*c", "voc")
    first, second, third, fourth, again = (
        work_of(tmp_path / name, hashlib.sha256(str(at).encode()).hexdigest()) for at, name in enumerate(names)
    )
    for work in (first, second, third, fourth, again, tmp_path / ".voc.notes.vocnlp-training"):
        work.mkdir()
        (work / "checkpoint.safetensors").write_bytes(b"x")
    tidy(tmp_path / "voc")
    left = {second.name, third.name, fourth.name, ".voc.notes.vocnlp-training"}
    assert {path.name for path in tmp_path.iterdir()} == left


def test_a_fit_goes_on_with_the_same_rows_of_the_same_sets_alone(tiny_frame: Codeframe, folder: Path) -> None:
    def of(rows: list[Labelled]) -> str:
        return fingerprint(plan(tiny_frame, EncoderRecipe()), rows, str(folder))

    moved, renamed = [replace(ROWS[0], source="dinner"), ROWS[1]], [replace(ROWS[0], id="c"), ROWS[1]]
    assert len({of(ROWS), of(moved), of(renamed)}) == 3
    assert of(ROWS) == of(list(ROWS))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_fit_goes_on_with_the_same_files_of_its_start_alone(tiny_frame: Codeframe, folder: Path, name: str) -> None:
    def both() -> tuple[str, str]:
        recipe = EncoderRecipe()
        student = fingerprint_of_student(["藕片脆得很"], "0" * 64, str(folder), recipe)
        return fingerprint(plan(tiny_frame, recipe), ROWS, str(folder)), student

    before = both()
    (folder / "README.md").write_text("nothing that a training reads\n", encoding="utf-8")
    assert both() == before
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    after = both()
    assert [one != two for one, two in zip(before, after, strict=True)] == [True, True]


def test_a_student_goes_on_with_the_same_settings_alone(folder: Path) -> None:
    one, two = (
        fingerprint_of_student(["藕片脆得很"], "0" * 64, str(folder), EncoderRecipe(rate=rate)) for rate in (1e-4, 2e-4)
    )
    assert one != two


def test_a_stopped_student_begins_anew_where_its_start_was_exchanged(
    tiny_bundle: Path, tiny_rows: list[Labelled], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, works = tmp_path / "lunch.csv", []
    data.write_text("评论\n" + "\n".join(row.text for row in tiny_rows), encoding="utf-8")

    class Stop(Exception):
        pass

    def stopped(*_: object, work: Path, **__: object) -> None:
        works.append(work)
        raise Stop

    monkeypatch.setattr(encoder_train, "distil", stopped)
    for _ in range(2):
        with pytest.raises(Stop):
            train.train_bundle(data, tmp_path / "pupil", encoder=str(folder), teacher=tiny_bundle)
    write_encoder_folder(folder, tiny_rows, window=16)
    with pytest.raises(Stop):
        train.train_bundle(data, tmp_path / "pupil", encoder=str(folder), teacher=tiny_bundle)
    assert works[0] == works[1] != works[2]


def test_a_recipe_of_before_that_bears_the_digest_of_the_weights_alone_stays_valid(
    folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "lunch.jsonl"
    data.write_text('{"text": "藕片脆得很", "sentiment": "positive"}\n', encoding="utf-8")
    write_own_recipe(path := tmp_path / "mine.toml", OwnRecipe(data, start=str(folder)))
    assert read_own_recipe(path).changed() == ()
    now, before = digest_of_start(str(folder)), hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    path.write_text(path.read_text(encoding="utf-8").replace(now, before), encoding="utf-8")
    assert read_own_recipe(path).changed() == ()
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes() + b"\n")
    after = digest_of_start(str(folder))
    assert read_own_recipe(path).changed() == (f"{folder} changed since (SHA-256 {before[:12]}, now {after[:12]})",)


def test_the_digest_of_a_bundle_to_start_from_is_its_own(tiny_bundle: Path) -> None:
    assert digest_of_start(str(tiny_bundle)) == Bundle.load(tiny_bundle).digest


def test_weights_that_are_no_numbers_are_not_kept_and_the_checkpoint_of_before_is(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(network.parameters())

    def save(step: int) -> None:
        save_checkpoint(tmp_path, network, optimiser, {"step": step})

    whole = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.fill_(float("nan"))
    with pytest.raises(TrainingError) as first:
        save(1)
    assert (first.value.message, first.value.hint) == ("weight holds what is no number", "lower the rate in the recipe")
    assert list(tmp_path.iterdir()) == []
    with torch.no_grad():
        network.weight.copy_(whole)
    save(2)
    with torch.no_grad():
        network.weight.fill_(float("inf"))
    with pytest.raises(TrainingError) as second:
        save(3)
    assert second.value.hint == "lower the rate in the recipe; the last checkpoint is whole"
    assert load_checkpoint(tmp_path, network, optimiser, device="cpu") == {"step": 2}
    assert torch.equal(network.weight, whole)
