"""A recipe over data of one's own: written, read back, the same figures, and data that changed since."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import CommandLine, command_line

from vocnlp import Bundle
from vocnlp.errors import InputError
from vocnlp.training.labelled import Labelled
from vocnlp.training.own_recipe import OwnRecipe, read_own_recipe, write_own_recipe
from vocnlp.training.preparing import prepare
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.train import train_prepared

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


def test_a_recipe_written_before_a_setting_was_known_is_read_as_it_was_meant(
    data: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    write_own_recipe(path, OwnRecipe(data, start=str(tiny_bundle)))
    written = path.read_text(encoding="utf-8")
    younger = [line for line in written.splitlines() if line.startswith(("dropout", "adversarial"))]
    assert len(younger) == 2
    path.write_text("\n".join(line for line in written.splitlines() if line not in younger), encoding="utf-8")
    then = read_own_recipe(path).encoder
    assert (then.dropout, then.adversarial) == (0.0, 0.0)
    assert replace(then, dropout=EncoderRecipe().dropout, adversarial=EncoderRecipe().adversarial) == EncoderRecipe()


def test_a_recipe_that_a_person_wrote_has_the_settings_of_today(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'[data]\nfile = "{data.name}"\n[encoder]\nepochs = 2.0\n', encoding="utf-8")
    assert read_own_recipe(path).encoder == replace(EncoderRecipe(), epochs=2.0)


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
        ("[data]\nfile = 7\n", r"column 'data.file': a value of another kind: a string is wanted \(value: '7'"),
        ("[data]\nfile = 'a'\ndev_parts = 'abc'\n", "column 'data.dev_parts': .*: a whole number is wanted, 0 or more"),
        ("[data]\nfile = 'a'\ndev_parts = 2.5\n", "column 'data.dev_parts': .*: a whole number is wanted, 0 or more"),
        ("[data]\nfile = 'a'\ndev_parts = -1\n", "column 'data.dev_parts': .*: a whole number is wanted, 0 or more"),
        ("[data]\nfile = 'a'\ncodeframe = 3\n", "column 'data.codeframe': .*: a string is wanted"),
        ("seed = 'x'\n[data]\nfile = 'a'\n", "column 'seed': a value of another kind: a whole number is wanted"),
        ("seed = true\n[data]\nfile = 'a'\n", "column 'seed': a value of another kind: a whole number is wanted"),
        ("[data]\nfile = 'a'\n[start]\nngrams = 'false'\n", "column 'start.ngrams': .*: true or false is wanted"),
        ("[data]\nfile = 'a'\n[start]\nfew = true\n", "column 'start.encoder': few comments teach a bundle"),
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


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--write-recipe", "shop.jsonl"), "shop.jsonl: a recipe is a .toml file"),
        (("--write-recipe", "没有/r.toml"), "没有/r.toml: the folder does not exist"),
        (("--write-recipe", "mine.toml"), "mine.toml: already exists"),
        (("--write-recipe", "b/r.toml"), "b/r.toml: lies in {folder}/b, which is written as a whole"),
        (("--out", "bundle", "--force"), "bundle: holds an input, {folder}/bundle/shop.jsonl"),
        (("--out", "notes", "--force"), "notes: is no bundle, so it is not replaced"),
    ],
)
def test_what_the_training_would_write_over_is_refused_before_it_begins(
    data: Path, tiny_bundle: Path, tmp_path: Path, vocnlp: CommandLine, more: tuple[str, ...], told: str
) -> None:
    (tmp_path / "mine.toml").write_text("# 我的\n", encoding="utf-8")
    (tmp_path / "notes").mkdir()
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    used = shutil.copy(data, tmp_path / "bundle") if "bundle" in more else data
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    call = ("train", "--data", used, "--linear", "--out", tmp_path / "b")
    ended = vocnlp(*call, *(word if word.startswith("--") else tmp_path / word for word in more))
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {tmp_path}/{told.format(folder=tmp_path)}")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_bundle_that_is_begun_from_is_not_replaced(
    data: Path, tiny_bundle: Path, tmp_path: Path, vocnlp: CommandLine
) -> None:
    bundle = tmp_path / "mine"
    shutil.copytree(tiny_bundle, bundle)
    for option in ("--init", "--encoder"):
        ended = vocnlp("train", "--data", data, option, bundle, "--out", bundle, "--force")
        assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {bundle}: is the input itself")
    assert Bundle.load(bundle).label == Bundle.load(tiny_bundle).label


def test_a_recipe_is_not_written_over_itself_nor_over_what_it_reads(
    data: Path, tiny_bundle: Path, tmp_path: Path, vocnlp: CommandLine
) -> None:
    recipe, inside = tmp_path / "mine.toml", tmp_path / "bundle" / "shop.jsonl"
    shutil.copytree(tiny_bundle, inside.parent)
    shutil.copy(data, inside)
    write_own_recipe(recipe, OwnRecipe(inside))
    call = ("train", "--recipe", recipe, "--force", "--out")
    ended = vocnlp(*call, tmp_path / "b", "--write-recipe", recipe)
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {recipe}: is the input itself")
    ended = vocnlp(*call, inside.parent)
    told = f"error: {inside.parent}: holds an input, {tmp_path}/bundle/shop.jsonl"
    assert (ended.code, ended.err.splitlines()[0]) == (2, told)
    assert inside.read_bytes() == data.read_bytes()


def test_a_recipe_may_begin_with_a_byte_order_mark(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f"[data]\nfile = '{data.name}'\n", encoding="utf-8-sig")
    assert read_own_recipe(tmp_path / "mine.toml").data == data


def test_a_recipe_that_is_a_folder_is_refused_in_words(tmp_path: Path, vocnlp: CommandLine) -> None:
    (tmp_path / "r.toml").mkdir()
    ended = vocnlp("train", "--recipe", tmp_path / "r.toml", "--out", tmp_path / "b")
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {tmp_path}/r.toml: cannot be read: Is a directory")


def test_what_is_written_over_the_data_while_the_training_goes_on_is_not_sealed(data: Path, tmp_path: Path) -> None:
    read, changed = hashlib.sha256(data.read_bytes()).hexdigest(), data.read_bytes() + b"\n"

    def progress(what: str, share: float) -> None:
        data.write_bytes(changed)

    prepared = prepare(OwnRecipe(data, dev_parts=4))
    bundle = train_prepared(prepared, tmp_path / "b", progress=progress)
    assert prepared.own is not None
    write_own_recipe(tmp_path / "mine.toml", prepared.own)
    assert data.read_bytes() == changed
    assert bundle.training["recipe"]["digests"] == {"data": read}
    again = read_own_recipe(tmp_path / "mine.toml")
    assert again.digests == {"data": read}
    assert [told.split(" (")[0] for told in again.changed()] == [f"{again.data} changed since"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--recipe", "mine.toml", "--seed", 8), "the recipe says what to train on and how; --seed would be passed over"),
        (("--recipe", "mine.toml", "--dev-parts", 10, "--no-ngrams"),
         "the recipe says what to train on and how; --no-ngrams, --dev-parts would be passed over"),
        (("--data", "shop.jsonl", "--teacher", "bundle", "--init", "bundle", "--write-recipe", "r.toml", "--dev", "shop.jsonl"),
         "--teacher needs comments and a start alone; --dev, --write-recipe would be passed over"),
        (("--data", "shop.jsonl", "--teacher", "bundle", "--init", "bundle", "--codeframe", "shop.jsonl"),
         "--teacher needs comments and a start alone; --codeframe would be passed over"),
        (("--recipe", "mine.toml", "--teacher", "bundle", "--init", "bundle"),
         "--teacher needs comments and a start alone; --recipe would be passed over"),
        (("--data", "shop.jsonl", "--data-root", "bundle", "--linear"),
         "there is no recipe; --data-root would be passed over"),
        (("--linear", "--experiment", "autumn"), "there is no --mlflow to write to; --experiment would be passed over"),
        (("--recipe", "mine.toml", "--data-root", "bundle", "--seed", 3),
         "a recipe over sets says what to train on; --seed would be passed over"),
    ],
)  # fmt: skip
def test_an_option_that_would_be_passed_over_is_refused_by_name(
    data: Path, tiny_bundle: Path, tmp_path: Path, vocnlp: CommandLine, more: tuple[object, ...], told: str
) -> None:
    write_own_recipe(tmp_path / "mine.toml", OwnRecipe(data))
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    files = {"mine.toml", "shop.jsonl", "bundle", "r.toml"}
    ended = vocnlp(
        "train", "--out", tmp_path / "b", *(tmp_path / str(word) if word in files else word for word in more)
    )
    assert (ended.code, told in ended.err.splitlines()[0]) == (2, True), ended.err
    assert not (tmp_path / "b").exists()
