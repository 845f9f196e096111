"""An encoder's fit that ends early, is averaged, is killed and goes on: always to the same weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_folder import write_encoder_folder
from tokenizers import Tokenizer
from torch import nn

from vocnlp import Bundle
from vocnlp.encoder import Marks
from vocnlp.training.encoder_fit import EncoderFit, scores
from vocnlp.training.encoder_net import TaggerNet
from vocnlp.training.encoder_source import load_source
from vocnlp.training.labelled import Labelled
from vocnlp.training.reading import Example, examples
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.snapshots import Snapshots
from vocnlp.training.surprise import surprise

RECIPE = EncoderRecipe(epochs=6, batch=256, rate=2e-3, heads_rate=5e-3, look_every=2, patience=0, average=0.8)


def quiet(what: str, share: float) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def folder(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", tiny_rows, layers=2)


@pytest.fixture(scope="module")
def read(folder: Path, tiny_rows: list[Labelled]) -> list[Example]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return examples(tiny_rows, ["taste", "price"], tokenizer, 24, Marks())


def begin(folder: Path, recipe: EncoderRecipe, work: Path | None = None) -> EncoderFit:
    torch.manual_seed(5)
    return EncoderFit(TaggerNet(load_source(str(folder)).model, 2), recipe, exclusive=False, work=work)


def test_a_fit_ends_when_looks_stop_gaining_and_keeps_the_best_weights(folder: Path, read: list[Example]) -> None:
    said = iter([3.0, 2.0, 2.5, 2.1, 2.2, 0.0])
    seen: list[dict[str, torch.Tensor]] = []
    fit = begin(folder, replace(RECIPE, patience=3, average=0.0))

    def look() -> float:
        seen.append({name: tensor.clone() for name, tensor in fit.network.state_dict().items()})
        return next(said)

    fit.run(read, progress=quiet, look=look)
    assert (fit.position.best, fit.position.best_step, fit.position.step) == (2.0, 4, 10)
    assert all(torch.equal(tensor, seen[1][name]) for name, tensor in fit.network.state_dict().items())


def test_the_average_follows_the_weights_and_leaves_them_alone() -> None:
    network = nn.Linear(1, 1, bias=False)
    kept = Snapshots(network, 0.5)
    for step, value in enumerate((1.0, 2.0, 4.0), 1):
        with torch.no_grad():
            network.weight.fill_(value)
        kept.step(step)
    # step 2: the share that stays is 2/12, so 1 + (2 - 1) * 10/12; step 3: 3/13
    second = 1 + 10 / 12
    with kept.averaged():
        assert network.weight.item() == pytest.approx(second + (4 - second) * 10 / 13)
    assert network.weight.item() == 4.0
    with kept.averaged():
        kept.take()
    kept.settle()
    assert network.weight.item() == pytest.approx(second + (4 - second) * 10 / 13)


def test_a_fit_stopped_anywhere_goes_on_to_the_same_average_and_the_same_best(
    folder: Path, read: list[Example], tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    def fitted(work: Path | None, stop_at: float = 2.0) -> EncoderFit:
        fit = begin(folder, replace(RECIPE, patience=4), work)

        def progress(what: str, share: float) -> None:
            if share > stop_at:
                raise Stop

        def look() -> float:
            return surprise(*scores(fit.network, read[:20]), read[:20], exclusive=False)

        fit.run(read, progress=progress, look=look, save_every=0.0)
        return fit

    whole = fitted(None)
    for share in (0.2, 0.6):
        with pytest.raises(Stop):
            fitted(tmp_path / "work", share)
    again = fitted(tmp_path / "work")
    assert replace(again.position, seconds=0) == replace(whole.position, seconds=0)
    for one, two in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)
    once_more = begin(folder, replace(RECIPE, patience=4), tmp_path / "work")  # killed while the bundle was written
    once_more.run(read, progress=quiet, look=lambda: 0.0)
    for one, two in zip(whole.network.parameters(), once_more.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_surprise_does_not_mind_a_network_that_is_too_sure(read: list[Example]) -> None:
    chance = np.random.default_rng(1)
    logits, mood = chance.normal(size=(len(read), 2, 4)).astype(np.float32), np.zeros((len(read), 2), np.float32)
    told = np.stack([one.mention for one in read]) * 2.0 - 1
    logits[:, :, 0] += told
    calm = surprise(logits, mood, read, exclusive=False)
    assert surprise(3 * logits, mood, read, exclusive=False) == pytest.approx(calm, rel=0.01)
    logits[:, :, 0] += told
    assert surprise(logits, mood, read, exclusive=False) < calm


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_training_goes_on_to_the_same_figures(folder: Path, tiny_rows: list[Labelled], tmp_path: Path) -> None:
    data = tmp_path / "shop.jsonl"
    lines = [
        {
            "text": f"{row.text}{'，第' + str(n) + '次来' if n else ''}",
            "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags],
        }
        for row in tiny_rows
        for n in range(3)
    ]
    data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")

    def command(out: str) -> list[str]:
        return [
            sys.executable,
            str(Path(__file__).with_name("training_process.py")),
            str(data),
            str(tmp_path / out),
            str(folder),
        ]

    quietly = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(command("b"), env=quietly, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "far\n"  # a checkpoint is written, the fit goes on
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "b").exists()
    (work,) = tmp_path.glob(".b.*.vocnlp-training")
    assert [path.name for path in work.iterdir() if path.suffix == ".safetensors"] == ["checkpoint.safetensors"]
    subprocess.run([*command("b"), "on"], check=True, env=quietly, stdout=subprocess.DEVNULL)
    subprocess.run([*command("whole"), "on"], check=True, env=quietly, stdout=subprocess.DEVNULL)
    again, whole = Bundle.load(tmp_path / "b"), Bundle.load(tmp_path / "whole")
    assert again.figures == whole.figures
    assert again.thresholds == whole.thresholds
    for name in ("onnx/model_int8.onnx", "ngrams.safetensors", "model.safetensors"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(tmp_path.glob(".*"))
