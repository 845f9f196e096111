"""The mean of taggers that went on from one start: every weight, and what cannot be mixed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from encoder_folder import write_encoder_folder

from vocnlp.errors import InputError, OutputError
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import network_of, tagger_files
from vocnlp.training.labelled import Labelled
from vocnlp.training.soup import cook
from vocnlp.training.starts import known_codes, pretraining_of

CODES = ("taste", "price", "delivery")


@pytest.fixture
def taggers(tiny_rows: list[Labelled], tmp_path: Path) -> list[Path]:
    """Three taggers of one tokenizer, the weights of each drawn anew."""
    made = []
    for seed in range(3):
        folder = write_encoder_folder(tmp_path / f"tagger{seed}", tiny_rows)
        torch.manual_seed(seed)
        network = network_of(load_source(str(folder)), CODES)
        network.encoder.config.id2label = dict(enumerate(CODES))
        for name, content in tagger_files(network).items():
            (folder / name).write_bytes(content)
        made.append(folder)
    return made


def weights(folder: Path) -> dict[str, torch.Tensor]:
    source = load_source(str(folder), codes=known_codes(str(folder)))
    return network_of(source, source.codes).state_dict()


def test_every_weight_is_the_mean_by_the_shares_and_the_folder_is_one_to_start_from(
    taggers: list[Path], tmp_path: Path
) -> None:
    (taggers[0] / "pretraining.json").write_text('{"tokens": 5}\n', encoding="utf-8")
    shares = cook([(taggers[0], 2.0), (taggers[1], 1.0), (taggers[2], 1.0)], out := tmp_path / "mean")
    assert shares == {"tagger0": 0.5, "tagger1": 0.25, "tagger2": 0.25}
    assert known_codes(str(out)) == CODES
    assert pretraining_of(out) == {"pretraining": {"tokens": 5, "fitted": [{"soup": shares}]}}
    mean, (one, two, three) = weights(out), map(weights, taggers)
    assert mean.keys() == one.keys()
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, one[name] / 2 + two[name] / 4 + three[name] / 4, atol=2e-3, rtol=0)
    assert (out / "tokenizer.json").read_bytes() == (taggers[0] / "tokenizer.json").read_bytes()


def test_what_differs_is_not_mixed(taggers: list[Path], tmp_path: Path) -> None:
    first, second, _ = taggers
    config = json.loads((second / "config.json").read_text())
    config["id2label"] = {"0": "taste", "1": "delivery", "2": "price"}
    (second / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has other codes than the first folder"):
        cook([(first, 1.0), (second, 1.0)], tmp_path / "mean")
    with pytest.raises(InputError, match="two folders or more, each with a share above 0"):
        cook([(first, 1.0), (first, 0.0)], tmp_path / "mean")
    for share in (float("nan"), float("inf"), -1.0):
        with pytest.raises(InputError, match="two folders or more, each with a share above 0"):
            cook([(first, share), (taggers[2], 1.0)], tmp_path / "mean")
    with pytest.raises(InputError, match="two of the folders have one name"):
        cook([(first, 1.0), (first, 0.5)], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
    with pytest.raises(OutputError, match="already exists"):
        cook([(first, 1.0), (second, 1.0)], first)


def test_as_a_command_it_says_what_it_made_or_what_is_wrong(taggers: list[Path], tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vocnlp.training.soup", str(tmp_path / "mean"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    bad = run(f"{taggers[0]}=half", f"{taggers[1]}=1")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "is no share" in " ".join(bad.stderr.split())
    good = run(f"{taggers[0]}=3", f"{taggers[1]}=1")
    assert json.loads(good.stdout) == {
        "encoder": str(tmp_path / "mean"),
        "soup": {"tagger0": 0.75, "tagger1": 0.25},
    }
