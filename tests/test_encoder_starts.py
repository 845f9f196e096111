"""Folders to start from whose parts are not of one encoder: refused with the file and what is wrong in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5Model

from vocnlp import Codeframe
from vocnlp.errors import InputError
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import fit_network
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.reading import examples
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.starts import known_codes
from vocnlp.windows import tokenizer_of

TOGETHER = "take configuration, weights and tokenizer of one encoder, as save_pretrained writes them together"
NEEDED = "a folder with config.json, model.safetensors and tokenizer.json, as save_pretrained writes it"
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def folder(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", tiny_rows, layers=2)


def config(**values: object) -> Change:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")

    return change


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    def changed(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return changed


def both(first: Change, second: Change) -> Change:
    return lambda folder: (first(folder), second(folder))


def heads(rows: int) -> Change:
    made = {"tagger.heads.weight": torch.zeros(rows, 32), "tagger.heads.bias": torch.zeros(rows)}
    return weights(lambda tensors: {**tensors, **made})


def in_two(folder: Path) -> None:
    tiny = T5Config(vocab_size=80, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_decoder_layers=1, num_heads=2)
    T5Model(tiny).save_pretrained(folder)


PREFIXED = weights(lambda tensors: {f"net.{name}": tensor for name, tensor in tensors.items()})
LAYERS = ", ".join(f"encoder.layer.2.attention.{name}" for name in ("output.LayerNorm.bias", "output.LayerNorm.weight"))


@pytest.mark.parametrize(
    ("change", "file", "column", "told", "value", "hint"),
    [
        (PREFIXED, "model.safetensors", None,
         "lacks 37 weights that config.json asks for, which would be drawn by chance",
         "embeddings.LayerNorm.bias, embeddings.LayerNorm.weight, embeddings.position_embeddings.weight", TOGETHER),
        (config(num_hidden_layers=3), "model.safetensors", None,
         "lacks 16 weights that config.json asks for, which would be drawn by chance",
         f"{LAYERS}, encoder.layer.2.attention.output.dense.bias", TOGETHER),
        (config(num_hidden_layers=1), "model.safetensors", None,
         "holds 16 weights of layers that config.json does not name, which would be left out",
         f"{LAYERS}, ".replace("layer.2", "layer.1"), TOGETHER),
        (config(hidden_size=64), "model.safetensors", "embeddings.LayerNorm.bias",
         "is of shape (32,), but by config.json of (64,)", None, TOGETHER),
        (config(hidden_size="abc"), "config.json", None,
         "is no encoder that can be loaded: Validation error for field 'hidden_size': TypeError: Field 'hidden_size' "
         "expected int, got str (value: 'abc')", None, NEEDED),
        (config(max_position_embeddings=None), "config.json", None,
         "is no encoder that can be loaded: Validation error for field 'max_position_embeddings': TypeError: Field "
         "'max_position_embeddings' expected int, got NoneType (value: None)", None, NEEDED),
        (in_two, "config.json", "model_type", "is of two networks", "t5",
         "choose a network that reads a text as a whole, as BERT does"),
        (both(config(max_position_embeddings=7),
              weights(lambda all: {**all, (name := "embeddings.position_embeddings.weight"): all[name][:7].clone()})),
         "config.json", "max_position_embeddings", "must be a whole number, 8 or more", "7", "choose another encoder"),
        (both(config(vocab_size=20),
              weights(lambda all: {**all, (name := "embeddings.word_embeddings.weight"): all[name][:20].clone()})),
         "tokenizer.json", None, "numbers its words up to {last}, and the encoder has vectors of 20", "{word}",
         "put the tokenizer of these weights there"),
        (both(config(id2label={"0": "服务", "1": "味道", "2": "价格"}), heads(5)), "model.safetensors",
         "tagger.heads.weight", "is (5, 32), and the 3 codes under id2label in config.json need (15, 32)", None, TOGETHER),
        (weights(lambda all: {**all, "embeddings.LayerNorm.bias": torch.full((32,), float("nan"))}), "model.safetensors",
         "embeddings.LayerNorm.bias", "holds what is no number", None, "its training ran away: take an earlier one"),
        (both(config(id2label={"0": "服务"}), both(heads(5), weights(
            lambda all: {**all, "tagger.heads.bias": torch.full((5,), float("inf"))}))), "model.safetensors",
         "tagger.heads.bias", "holds what is no number", None, "its training ran away: take an earlier one"),
    ],
)  # fmt: skip
def test_a_start_whose_parts_disagree_is_refused_with_the_file_and_the_part(
    folder: Path, tmp_path: Path, change: Change, file: str, column: str | None, told: str, value: str | None, hint: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "start"))
    tokenizer = tokenizer_of((copy / "tokenizer.json").read_bytes())
    last = tokenizer.get_vocab_size() - 1
    change(copy)
    with pytest.raises(InputError) as caught:
        load_source(str(copy), codes=known_codes(str(copy)))
    told = told.format(last=last)
    value = tokenizer.id_to_token(last) if value == "{word}" else value
    where = f"{copy / file}" + (f", column {column!r}" if column else "")
    shown = f" (value: {value[:80]!r})" if value else ""
    assert (caught.value.message, caught.value.hint) == (f"{where}: {told}{shown}", hint)


def test_a_start_that_lacks_its_pooler_alone_is_taken_for_no_weight_of_it_is_read(folder: Path) -> None:
    again = load_source(str(folder)).model.state_dict()  # written without one
    assert all(torch.equal(tensor, again[name]) for name, tensor in load_file(folder / "model.safetensors").items())


def test_a_start_that_reads_thirty_tokens_is_given_windows_of_twenty_four(
    tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path: Path
) -> None:
    source = load_source(str(write_encoder_folder(tmp_path / "thirty", tiny_rows, window=30)))
    assert source.window == 24
    long = [
        Labelled(f"{n}", f"{row.text}，" * 8, row.tags and (GoldTag("taste", "positive"),), row.sentiment)
        for n, row in enumerate(tiny_rows[:30])
    ]
    fitted = fit_network(long, tiny_frame, source, EncoderRecipe(epochs=1.0, least_steps=0, batch=256, adversarial=0.0))
    assert fitted.window == 24
    assert max(len(window.ids) for one in fitted.train for window in one.windows) == 24


def test_a_tokenizer_that_cuts_and_fills_up_gives_the_tokens_of_one_that_does_not(
    folder: Path, tiny_rows: list[Labelled]
) -> None:
    plain = load_source(str(folder))
    content = json.loads(plain.vocabulary)
    content["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    other = replace(plain, vocabulary=json.dumps(content).encode())
    one, two = (
        [window.ids.tolist() for row in examples(tiny_rows, ["taste"], tokenizer_of(source.vocabulary), 24, source.marks)
         for window in row.windows]
        for source in (plain, other)
    )  # fmt: skip
    assert one == two
