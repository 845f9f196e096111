"""Codes that a bundle never learnt: found by their definitions, better with reviewed comments, the others untouched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from encoder_folder import write_encoder_folder
from safetensors.numpy import load, save
from test_bundle_refused import refused, with_file
from typer.testing import CliRunner

from vocnlp import Bundle, Codeframe, Tagger
from vocnlp.cli import app
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError
from vocnlp.fewshot import FEW, Extended
from vocnlp.readings import lines_of
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_encoder
from vocnlp.training.few import train_few
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.recipe import EncoderRecipe

PETS = {
    "schema": 1,
    "name": "pets",
    "version": "1",
    "codes": [
        {"id": "taste", "name": "口味", "definition": "东西好不好吃。"},
        {
            "id": "pets", "name": "宠物友好", "definition": "能不能带猫狗进店，店里对宠物好不好。",
            "includes": ["带狗进店", "猫狗"], "keywords": ["宠物"],
            "examples": {"positive": ["可以带狗进去，还给了水"], "negative": ["不让带猫，只好走了"]},
        },
        {
            "id": "parking", "name": "停车", "definition": "停车方不方便，车位够不够。",
            "includes": ["车位难找", "停车收费"], "keywords": ["停车"],
            "examples": {"positive": ["门口就有车位"], "negative": ["转了三圈没有车位"]},
        },
    ],
}  # fmt: skip
REVIEWED = """
店员见到我家小狗很高兴|pets+
带着猫来的，没人赶我们|pets+
遛狗路过还送了狗零食|pets+
不许狗进门，白跑一趟|pets-
说猫会掉毛，把我们拦在外面|pets-
楼下车位很多，停得方便|parking+
地库宽敞，停下就走|parking+
找车位找了半小时|parking-
停一小时收二十，太黑|parking-
味道不错|taste+
味道太咸|taste-
今天路过|
快递太慢|
"""


@pytest.fixture(scope="module")
def base(tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of a tiny encoder that knows the corner shop, whose vocabulary knows pets as well."""
    words = [*tiny_rows, *reviewed()]
    folder = write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", words)
    recipe = EncoderRecipe(epochs=20, batch=512, rate=2e-3, heads_rate=5e-3, hidden=0.0, adversarial=0.0)
    fitted = fit_encoder(tiny_rows, tiny_frame, load_source(str(folder)), recipe)
    path = tmp_path_factory.mktemp("bundles") / "base"
    draft = Bundle("base", "1", tiny_frame, fitted.classifier, fitted.thresholds)
    return draft.save(path, card="# base\n", beside=fitted.beside)


@pytest.fixture(scope="module")
def frame() -> Codeframe:
    return Codeframe.from_dict(PETS)


def reviewed() -> list[Labelled]:
    rows = []
    for number, line in enumerate(REVIEWED.strip().splitlines()):
        text, code = line.split("|")
        polarity = {"+": "positive", "-": "negative"}.get(code[-1:])
        tags = (GoldTag(code[:-1], polarity),) if code else ()
        rows.append(Labelled(f"r{number}", text, tags, source="reviewed"))
    return rows


LINES = [lines_of(row.text) for row in reviewed()] + [lines_of("味道不错，但是价格太贵"), [""]]


# --- by definition alone -------------------------------------------------------------------------------------------


def test_a_frame_with_new_codes_extends_the_bundle_and_the_known_codes_keep_every_bit(
    base: Bundle, frame: Codeframe
) -> None:
    more = base.for_frame(frame).classifier
    assert isinstance(more, Extended)
    assert (more.codes, more.new) == (("taste", "pets", "parking"), ("pets", "parking"))
    scores, before = more.score(LINES), base.classifier.score(LINES)
    place = base.classifier.codes.index("taste")
    np.testing.assert_array_equal(scores.mention[:, 0], before.mention[:, place])
    np.testing.assert_array_equal(scores.polarity[:, 0], before.polarity[:, place])
    assert before.sentiment is not None
    np.testing.assert_array_equal(scores.sentiment, before.sentiment)
    assert scores.mention.shape == (len(LINES), 3)
    np.testing.assert_allclose(scores.polarity.sum(2), 1, atol=1e-5)


def test_the_words_of_a_definition_find_its_code(base: Bundle, frame: Codeframe) -> None:
    scores = base.for_frame(frame).classifier.score([["可以带狗进去", "还给了水"], ["转了三圈没有车位"]])
    assert scores.mention[0, 1] > scores.mention[0, 2]
    assert scores.mention[1, 2] > scores.mention[1, 1]
    (prediction,) = Tagger(base, frame).tag(["味道不错，门口就有车位"])
    assert ("parking", "门口就有车位") in {
        (tag.code, "味道不错，门口就有车位"[tag.start : tag.end]) for tag in prediction.tags
    }


def test_scores_do_not_depend_on_the_texts_beside(base: Bundle, frame: Codeframe) -> None:
    more = base.for_frame(frame).classifier
    together = more.score(LINES * 3)
    for k, text in enumerate(LINES):
        alone = more.score([text])
        np.testing.assert_allclose(alone.mention[0], together.mention[len(LINES) + k], atol=1e-4)
        np.testing.assert_allclose(alone.polarity[0], together.polarity[len(LINES) + k], atol=1e-4)
    assert more.score([]).mention.shape == (0, 3)


def test_nothing_is_extended_where_all_codes_are_known_or_the_model_has_no_vectors(
    base: Bundle, tiny_bundle: Path, tiny_frame: Codeframe, frame: Codeframe
) -> None:
    known = replace(tiny_frame, codes=tuple(code for code in tiny_frame.codes if code.id != "parking"))
    assert base.for_frame(known) is base
    linear = Bundle.load(tiny_bundle)
    assert linear.for_frame(frame) is linear
    (prediction,) = Tagger(linear, frame).tag(["停车太难"])
    assert [(tag.code, tag.source) for tag in prediction.tags] == [("parking", "rule")]


def test_a_frame_of_one_code_is_told_apart_from_what_the_bundle_knows(base: Bundle) -> None:
    alone = Codeframe.from_dict({**PETS, "codes": [PETS["codes"][1]]})  # type: ignore[index]
    more = base.for_frame(alone).classifier
    assert isinstance(more, Extended)
    assert (more.codes, len(more.definitions.codes)) == (("pets",), 1 + len(base.classifier.codes))
    scores = more.score([["可以带狗进去", "还给了水"], ["价格太贵"]])
    assert scores.mention[0, 0] > 0.5 > scores.mention[1, 0]


# --- with reviewed comments ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taught(base: Bundle, frame: Codeframe, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    few = train_few(reviewed(), frame, base)
    assert few.taught == {"pets": 5, "parking": 4}
    draft = Bundle("taught", "1", frame, few.classifier, few.thresholds)
    return draft.save(tmp_path_factory.mktemp("bundles") / "taught", card="# taught\n")


def test_reviewed_comments_teach_and_nothing_is_forgotten(base: Bundle, taught: Bundle, frame: Codeframe) -> None:
    model = taught.classifier
    assert isinstance(model, Extended)
    scores, before = model.score(LINES), base.classifier.score(LINES)
    np.testing.assert_array_equal(scores.mention[:, 0], before.mention[:, base.classifier.codes.index("taste")])
    wanted = np.array([[any(tag.code == code for tag in row.tags) for code in model.new] for row in reviewed()])
    cold = base.for_frame(frame).classifier.score(LINES)

    def loss(mention: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        said = np.clip(mention[: len(wanted), 1:], 1e-6, 1 - 1e-6)
        return float(-np.where(wanted, np.log(said), np.log(1 - said)).mean())

    assert loss(scores.mention) < loss(cold.mention)
    (prediction,) = Tagger(taught).tag(["不许狗进门，白跑一趟"])
    assert "pets" in {tag.code for tag in prediction.tags}


def test_it_is_loaded_as_it_was_saved_and_needs_no_torch(taught: Bundle) -> None:
    assert taught.path is not None
    again = Bundle.load(taught.path)
    manifest = json.loads((taught.path / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["kind"], FEW in manifest["files"]) == ("extended", True)
    one, two = taught.classifier.score(LINES), again.classifier.score(LINES)
    np.testing.assert_array_equal(one.mention, two.mention)
    np.testing.assert_array_equal(one.polarity, two.polarity)


def test_arrays_that_do_not_fit_are_refused(taught: Bundle, tmp_path: Path) -> None:
    assert taught.path is not None
    for name, change in {
        "dense": lambda one: one[:-1], "start": lambda one: one[::-1], "vocabulary": lambda one: one[::-1],
        "profile": lambda one: one[:1], "polarity": lambda one: one[:, :2],
    }.items():  # fmt: skip
        copy = taught.save(tmp_path / name, card="# taught\n").path
        assert copy is not None
        tensors = load((copy / FEW).read_bytes())
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
        with_file(copy, FEW, save(tensors))
        assert "do not fit together" in refused(copy)


def test_a_code_without_comments_keeps_its_definition(base: Bundle, frame: Codeframe) -> None:
    rows = [row for row in reviewed() if not any(tag.code == "parking" for tag in row.tags)]
    few = train_few(rows, frame, base)
    assert few.taught == {"pets": 5}
    assert few.thresholds["parking"] == base.for_frame(frame).thresholds["parking"]
    cold = base.for_frame(frame).classifier
    np.testing.assert_allclose(few.classifier.score(LINES).mention[:, 2], cold.score(LINES).mention[:, 2], atol=1e-5)


def test_a_row_of_sentiment_alone_says_nothing_of_codes(base: Bundle, frame: Codeframe) -> None:
    """It is no comment without the code: with and without such rows the same is learnt."""
    moods = [Labelled(f"m{n}", f"{words}{n}回", sentiment="positive", source="reviewed")
             for n in range(4) for words in ("带狗进店也很好", "车位难找")]  # fmt: skip
    plain, mixed = train_few(reviewed(), frame, base), train_few([*reviewed(), *moods], frame, base)
    assert mixed.taught == plain.taught
    for one, other in ((1, "pets"), (2, "parking")):
        scores = mixed.classifier.score([lines_of(row.text) for row in moods]).mention[:, one]
        without = plain.classifier.score([lines_of(row.text) for row in moods]).mention[:, one]
        np.testing.assert_allclose(scores, without, atol=0.15, err_msg=other)
    only = [row for row in reviewed() if row.tags and row.tags[0].code == "pets"]
    with pytest.raises(InputError, match="teach no code that the bundle lacks"):
        train_few([*only, *moods], frame, base)


def test_a_taught_bundle_is_taught_more_from_what_it_was_made_of(
    base: Bundle, taught: Bundle, frame: Codeframe
) -> None:
    more = [*reviewed(), Labelled("later", "狗狗也有水喝", (GoldTag("pets", "positive"),), source="reviewed")]
    few = train_few(more, frame, taught)
    assert few.taught == {"pets": 6, "parking": 4}
    assert few.classifier.base.to_files() == base.classifier.to_files()
    place = base.classifier.codes.index("taste")
    np.testing.assert_array_equal(
        few.classifier.score(LINES).mention[:, 0], base.classifier.score(LINES).mention[:, place]
    )
    kept = [code for code in taught.classifier.codes if code in base.classifier.codes]
    assert {code: few.thresholds[code] for code in kept} == {code: base.thresholds[code] for code in kept}


def test_what_cannot_be_taught_is_said(
    base: Bundle, taught: Bundle, frame: Codeframe, tiny_bundle: Path, tiny_frame: Codeframe
) -> None:
    with pytest.raises(InputError, match="teach no code that the bundle lacks"):
        train_few(reviewed()[-4:], frame, base)
    with pytest.raises(InputError, match=r"learnt codes from comments that are not among these \(value: 'pets'"):
        train_few([row for row in reviewed() if "pets" not in {tag.code for tag in row.tags}], frame, taught)
    with pytest.raises(InputError, match="gives no embeddings"):
        train_few(reviewed(), frame, Bundle.load(tiny_bundle))
    known = replace(tiny_frame, codes=tuple(code for code in tiny_frame.codes if code.id != "parking"))
    with pytest.raises(InputError, match="knows all codes"):
        train_few(reviewed(), known, base)


def test_polarity_follows_what_the_code_s_comments_say(base: Bundle, frame: Codeframe) -> None:
    """All comments on pets are judged negative, whatever their words: the code's own polarity is learnt."""
    rows = [
        replace(row, tags=tuple(replace(tag, polarity="negative") for tag in row.tags))
        for row in reviewed()
        for _ in range(4)
    ]
    scores = train_few(rows, frame, base).classifier.score(LINES)
    assert (scores.polarity[:5, 1].argmax(1) == 0).all()


def test_the_command_teaches_measures_and_writes_a_card(base: Bundle, tmp_path: Path) -> None:
    data, frame, out = tmp_path / "reviewed.jsonl", tmp_path / "pets.json", tmp_path / "out"
    lines = [
        {"id": f"{row.id}.{copy}", "text": f"{row.text}{copy}次", "tags": [{"code": t.code, "polarity": t.polarity} for t in row.tags]}
        for row in reviewed() for copy in "一二三"
    ]  # fmt: skip
    data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    frame.write_text(json.dumps(PETS, ensure_ascii=False), encoding="utf-8")
    given = [
        "train",
        "--few",
        "--data",
        str(data),
        "--codeframe",
        str(frame),
        "--init",
        str(base.path),
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    bundle = Bundle.load(out)
    assert isinstance(bundle.classifier, Extended)
    assert isinstance(bundle.classifier.base, Encoder)
    assert set(bundle.training["few"]["taught"]) == {"pets", "parking"}
    assert "## Taught by few comments" in (out / "README.md").read_text(encoding="utf-8")
    again = CliRunner().invoke(app, [*given[:-3], str(out), "--out", str(tmp_path / "more")])
    assert again.exit_code == 0, again.output
    more = Bundle.load(tmp_path / "more")
    assert more.training["few"] == bundle.training["few"] == {"base": base.label, "taught": {"pets": 11, "parking": 12}}
    refused_with = CliRunner().invoke(app, [*given, "--force", "--linear"])
    assert refused_with.exit_code != 0


def written(path: Path) -> Path:
    """The reviewed comments, each three times with another ending."""
    lines = [
        {"id": f"{row.id}.{copy}", "text": f"{row.text}{copy}次", "tags": [{"code": t.code, "polarity": t.polarity} for t in row.tags]}
        for row in reviewed() for copy in "一二三"
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def test_without_a_codeframe_the_codes_of_the_start_stay_and_those_of_the_data_are_added(
    base: Bundle, tmp_path: Path
) -> None:
    data, out = written(tmp_path / "reviewed.jsonl"), tmp_path / "out"
    done = CliRunner().invoke(app, ["train", "--few", "--data", str(data), "--init", str(base.path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    bundle, known = Bundle.load(out), base.codeframe
    assert [code.id for code in bundle.codeframe.codes] == [*(code.id for code in known.codes), "pets"]
    assert (bundle.codeframe.name, bundle.codeframe.version) == ("corner-shop", "0.2.0")
    assert bundle.codeframe["taste"] == known["taste"]
    # parking is a code of the frame that the base never learnt
    assert (bundle.training["few"]["taught"].keys(), set(bundle.classifier.codes)) == (
        {"pets", "parking"}, {*base.classifier.codes, "pets", "parking"},
    )  # fmt: skip


def test_a_recipe_for_few_comments_teaches_the_same_again(base: Bundle, tmp_path: Path) -> None:
    data, frame, recipe = written(tmp_path / "reviewed.jsonl"), tmp_path / "pets.json", tmp_path / "r.toml"
    frame.write_text(json.dumps(PETS, ensure_ascii=False), encoding="utf-8")
    first = ["train", "--few", "--data", str(data), "--codeframe", str(frame), "--init", str(base.path)]
    done = CliRunner().invoke(app, [*first, "--out", str(tmp_path / "1"), "--write-recipe", str(recipe)])
    assert done.exit_code == 0, done.output
    assert "few = true" in recipe.read_text(encoding="utf-8").splitlines()
    done = CliRunner().invoke(app, ["train", "--recipe", str(recipe), "--out", str(tmp_path / "2")])
    assert done.exit_code == 0, done.output
    one, two = Bundle.load(tmp_path / "1"), Bundle.load(tmp_path / "2")
    assert one.training["few"] == two.training["few"]
    assert (one.figures, one.thresholds) == (two.figures, two.thresholds)
    assert (tmp_path / "1" / FEW).read_bytes() == (tmp_path / "2" / FEW).read_bytes()


def test_check_refuses_what_cannot_be_taught(base: Bundle, tiny_bundle: Path, tmp_path: Path) -> None:
    data, frame = written(tmp_path / "reviewed.jsonl"), tmp_path / "pets.json"
    frame.write_text(json.dumps(PETS, ensure_ascii=False), encoding="utf-8")
    call = ["train", "--few", "--check", "--data", str(data), "--codeframe", str(frame), "--init"]
    done = CliRunner().invoke(app, [*call, str(base.path)])
    assert (done.exit_code, done.stdout) == (0, "nothing stands in the way of training\n")
    refused_with = CliRunner().invoke(app, [*call, str(tiny_bundle)])
    assert refused_with.exit_code != 0
    assert "gives no embeddings, which learning from few comments needs" in " ".join(refused_with.output.split())
    assert not list(tmp_path.glob("*/"))
