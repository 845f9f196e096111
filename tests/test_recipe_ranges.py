"""Numbers of a recipe that mean nothing, and options that would do nothing: refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import CommandLine, command_line

from vocnlp.errors import InputError
from vocnlp.training.own_recipe import OwnRecipe, read_own_recipe
from vocnlp.training.preparing import prepare
from vocnlp.training.recipe import EncoderRecipe, check_ranges, read_recipe
from vocnlp.training.train import check_prepared

__all__ = ["command_line"]
SETS = "name = 'x'\nversion = '1'\nframe = 'voc-zh-general.yaml'\nmapping = 'mapping.yaml'\n"
COMMENTS = [
    ("锅底够味", "positive"),
    ("毛肚不新鲜", "negative"),
    ("调料台很干净", "positive"),
    ("空调对着头吹", "negative"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "hotpot.jsonl"
    rows = [{"text": f"{text}，{n}号桌", "sentiment": said} for n in range(10) for text, said in COMMENTS]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("part", "name", "value", "wanted", "default"),
    [
        ("encoder", "window", "2", "8 or more", "256"),
        ("encoder", "window", "-1", "8 or more", "256"),
        ("encoder", "epochs", "nan", "0 or more", "4.0"),
        ("encoder", "epochs", "-1", "0 or more", "4.0"),
        ("encoder", "epochs", "inf", "0 or more", "4.0"),
        ("encoder", "rate", "-1.0", "0 or more", "0.0001"),
        ("encoder", "hidden", "3.0", "0 to 1", "0.1"),
        ("encoder", "batch", "0", "1 or more", "3072"),
        ("encoder", "look_every", "0", "1 or more", "50"),
        ("encoder", "average", "1.5", "0 to 1", "0.98"),
        ("encoder", "seed", "-1", "0 to 4,294,967,295", "7"),
        ("linear", "threads", "0", "1 or more", "2"),
        ("linear", "strength", "0", "above 0", "16.0"),
        ("linear", "sentiment_strength", "-1", "above 0", "2.0"),
        ("linear", "penalty", "-5", "0 or more", "0.2"),
        ("linear", "least_weight", "200", "0 to 127", "3"),
    ],
)
def test_a_number_that_means_nothing_is_refused_in_both_kinds_of_recipe(
    tmp_path: Path, part: str, name: str, value: str, wanted: str, default: str
) -> None:
    path, setting = tmp_path / "recipe.toml", f"[{part}]\n{name} = {value}\n"
    (tmp_path / "mapping.yaml").write_text("frame: voc-zh-general\nsets: []\n", encoding="utf-8")
    for content, read in ((SETS, read_recipe), ("[data]\nfile = 'hotpot.jsonl'\n", read_own_recipe)):
        path.write_text(content + setting, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read(path)
        assert caught.value.column == f"{part}.{name}"
        assert caught.value.message == f"{path}, column '{part}.{name}': must be {wanted} (value: '{value}')"
        assert caught.value.hint == f"{default} where nothing is said"


def test_the_ends_of_a_range_are_in_it() -> None:
    def refused(one: EncoderRecipe) -> str:
        try:
            check_ranges(Path("recipe.toml"), "encoder", one)
        except InputError as error:
            return str(error.column)
        return ""

    ends = EncoderRecipe(epochs=0, window=8, hidden=1.0, batch=1, look_every=1, seed=0)
    beyond = [replace(ends, window=7), replace(ends, hidden=1.01), replace(ends, batch=0)]
    told = ["", "", "encoder.window", "encoder.hidden", "encoder.batch"]
    assert [refused(one) for one in (EncoderRecipe(), ends, *beyond)] == told


def test_settings_that_no_file_gave_are_looked_at_before_the_fit(data: Path) -> None:
    prepared = prepare(OwnRecipe(data, dev_parts=4, encoder=EncoderRecipe(window=1)))
    with pytest.raises(InputError) as caught:
        check_prepared(prepared)
    assert caught.value.message == f"{data}, column 'encoder.window': must be 8 or more (value: '1')"


@pytest.mark.parametrize(
    ("content", "column", "told"),
    [
        (SETS.replace("'x'", "1"), "name", "a value of another kind: a string is wanted (value: '1')"),
        (SETS.replace("'mapping.yaml'", "4"), "mapping", "a value of another kind: a string is wanted (value: '4')"),
        (SETS.replace("mapping.yaml", "sets.yaml"), "mapping", "no such mapping (value: 'sets.yaml')"),
        (f"weights = 3\n{SETS}", "weights", "must be a table: [weights] (value: '3')"),
        (f"{SETS}[weights]\n'*' = 'x'\n", "weights.*", "must be a number, 0 or more (value: 'x')"),
        (f"{SETS}[weights]\n'*' = nan\n", "weights.*", "must be a number, 0 or more (value: 'nan')"),
    ],
)
def test_a_recipe_over_sets_with_a_value_of_another_kind_is_refused(
    tmp_path: Path, content: str, column: str, told: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(content, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text("frame: voc-zh-general\nsets: []\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    assert caught.value.message == f"{path}, column {column!r}: {told}"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("doubted = ['hotpto']\ndoubt = 0.5", "doubted"),
        ("new = ['hotpto']\nstays = 1.0", "new"),
        ("unweighed = ['hotpot', 'hotpto']", "unweighed"),
    ],
)
def test_a_recipe_over_own_data_that_names_another_set_is_refused(tmp_path: Path, setting: str, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[data]\nfile = 'hotpot.jsonl'\n[encoder]\n{setting}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_own_recipe(path)
    told = f"{path}, column 'encoder.{name}': names a set that the data does not have (value: 'hotpto')"
    assert (caught.value.message, caught.value.hint) == (told, "known: hotpot")
    path.write_text(path.read_text(encoding="utf-8").replace("hotpto", "hot*"), encoding="utf-8")
    assert getattr(read_own_recipe(path).encoder, name)[-1] == "hot*"


def test_one_part_in_one_is_no_split(data: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    told = "would hold out all rows, and leave none to learn from (value: '1')"
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[data]\nfile = 'hotpot.jsonl'\ndev_parts = 1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_own_recipe(recipe)
    assert caught.value.message == f"{recipe}, column 'data.dev_parts': {told}"
    assert caught.value.hint == "0 holds out none, 2 and more one part in so many"
    ended = vocnlp("train", "--data", data, "--linear", "--dev-parts", 1, "--out", tmp_path / "b")
    assert (ended.code, f"column 'dev_parts': {told}" in " ".join(ended.err.split())) == (2, True), ended.err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--linear", "--no-ngrams"), "--linear trains n-grams and nothing else; --no-ngrams would be passed over"),
        (("--linear", "--dev", "hotpot.jsonl", "--dev-parts", 3),
         "--dev is what is measured on; --dev-parts would be passed over"),
        (("--linear", "--seed", -1), "Invalid value for '--seed': "),
    ],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(
    data: Path, tmp_path: Path, vocnlp: CommandLine, more: tuple[object, ...], told: str
) -> None:
    words = (data if word == data.name else word for word in more)
    ended = vocnlp("train", "--data", data, *words, "--out", tmp_path / "b")
    assert (ended.code, told in " ".join(ended.err.replace("│", " ").split())) == (2, True), ended.err
    assert not (tmp_path / "b").exists()
