"""A recipe over data of one's own: written, read back, the same figures, and data that changed since."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import CommandLine, command_line

from vocnlp import Bundle
from vocnlp.errors import InputError
from vocnlp.training.labelled import Labelled
from vocnlp.training.own_recipe import OwnRecipe, read_own_recipe, write_own_recipe

__all__ = ["command_line"]


@pytest.fixture
def data(tiny_rows: list[Labelled], tmp_path: Path) -> Path:
    path = tmp_path / "shop.jsonl"
    lines = [
        {
            "id": row.id,
            "text": row.text,
            "sentiment": row.sentiment,
            "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags],
        }
        for row in tiny_rows
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_recipe_comes_back_as_it_was_written(data: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    own = OwnRecipe(data, dev_parts=5, start=str(tiny_bundle), ngrams=False, name="小店", version="3")
    write_own_recipe(tmp_path / "mine.toml", own)
    again = read_own_recipe(tmp_path / "mine.toml")
    assert again.changed() == ()
    assert (again.data.resolve(), Path(str(again.start)).resolve()) == (data.resolve(), tiny_bundle.resolve())
    assert (again.dev_parts, again.ngrams, again.name, again.version) == (5, False, "小店", "3")
    assert (again.linear, again.encoder) == (own.linear, own.encoder)
    assert set(again.digests) == {"data", "start"}


def test_a_recipe_moves_with_its_data(data: Path, tmp_path: Path) -> None:
    write_own_recipe(tmp_path / "mine.toml", OwnRecipe(data))
    (tmp_path / "elsewhere").mkdir()
    for name in ("mine.toml", "shop.jsonl"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    assert read_own_recipe(tmp_path / "elsewhere" / "mine.toml").changed() == ()


def test_the_same_recipe_gives_the_same_figures_and_weights(data: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    recipe = tmp_path / "mine.toml"
    first = vocnlp(
        "train", "--data", data, "--linear", "--dev-parts", 4, "--out", tmp_path / "1", "--write-recipe", recipe
    )
    second = vocnlp("train", "--recipe", recipe, "--out", tmp_path / "2")
    assert (first.code, second.code) == (0, 0)
    one, two = Bundle.load(tmp_path / "1"), Bundle.load(tmp_path / "2")
    assert one.figures == two.figures
    assert one.figures["shop"]["rows"] > 5
    assert one.thresholds == two.thresholds
    assert (tmp_path / "1" / "model.safetensors").read_bytes() == (tmp_path / "2" / "model.safetensors").read_bytes()


def test_data_that_changed_since_is_refused_unless_allowed(data: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    recipe = tmp_path / "mine.toml"
    write_own_recipe(recipe, OwnRecipe(data))
    with data.open("a", encoding="utf-8") as file:
        file.write('{"text": "雨伞一撑就翻", "tags": [{"code": "quality", "polarity": "negative"}]}\n')
    refused = vocnlp("train", "--recipe", recipe, "--out", tmp_path / "b")
    assert refused.code == 2
    assert "shop.jsonl changed since (SHA-256 " in refused.err
    assert "--allow-changed" in refused.err
    assert not (tmp_path / "b").exists()
    assert vocnlp("train", "--recipe", recipe, "--out", tmp_path / "b", "--allow-changed").code == 0


def test_a_recipe_and_options_beside_it_are_refused(data: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    write_own_recipe(tmp_path / "mine.toml", OwnRecipe(data))
    both = vocnlp("train", "--recipe", tmp_path / "mine.toml", "--linear", "--out", tmp_path / "b")
    assert both.code == 2
    assert "the recipe says what to train on and how" in both.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[data]\nfile = 'shop.jsonl'\nfold = 3\n", "unknown key in the recipe.*"),
        ("[data]\ndev_parts = 3\n", "column 'data.file': missing key"),
        ("[data]\nfile = 'shop.jsonl'\n[encoder]\nepoch = 3\n", "column 'encoder.epoch': unknown setting"),
        (
            "[data]\nfile = 'shop.jsonl'\n[encoder]\nepochs = 'many'\n",
            "column 'encoder.epochs': a setting of another kind",
        ),
        ("data = 3\n", r"must be a table: \[data\]"),
        ("[data\n", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_own_recipe(path)


def test_a_recipe_whose_data_is_gone_is_refused(data: Path, tmp_path: Path) -> None:
    write_own_recipe(tmp_path / "mine.toml", OwnRecipe(data))
    data.unlink()
    with pytest.raises(InputError, match=r"shop.jsonl: cannot be read: No such file"):
        read_own_recipe(tmp_path / "mine.toml").changed()
