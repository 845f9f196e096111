"""``vocnlp train --noisy-labels``: one code a comment, a part of the labels wrong, and which of them that are."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import CommandLine, command_line
from encoder_folder import write_encoder_folder

from vocnlp import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.review_labels import exclusive_suspects
from vocnlp.training.encoder_net import code_losses
from vocnlp.training.labelled import Labelled, read_labelled
from vocnlp.training.noisy import Suspect, write_suspects
from vocnlp.training.own_recipe import read_own_recipe

__all__ = ["command_line"]

SUBJECTS = ("昨天买的", "朋友送的", "给孩子选的", "活动时拍的", "店员推荐的", "刚收到的", "老家寄来的", "第二次买的")
SAID = {
    "问快递": ("快递到哪里了", "什么时候发货", "物流三天没动静", "单号查不到", "能不能催一下快递"),
    "要发票": ("发票开了没有", "麻烦补一张发票", "抬头写错了要重开", "电子发票发我邮箱", "能开专用发票吗"),
    "想退货": ("不合适想退货", "退货地址给我一下", "退款多久到账", "怎么申请退货退款", "退货运费谁出"),
}


@pytest.fixture
def noisy(tmp_path: Path) -> tuple[Path, set[str]]:
    """A hundred and twenty questions, one in seven under a wrong label; and the ids of those."""
    names, rows, wrong = list(SAID), [], set()
    for at, (name, subject, said) in enumerate((n, s, q) for n in names for q in SAID[n] for s in SUBJECTS):
        label = name
        if at % 7 == 3:
            label = names[(names.index(name) + 1) % len(names)]
            wrong.add(f"q{at}")
        rows.append({"id": f"q{at}", "text": f"{subject}，{said}", "label": label})
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file, wrong


def test_training_with_noisy_labels_names_the_wrong_ones_and_its_recipe_repeats_it(
    noisy: tuple[Path, set[str]], tmp_path: Path, vocnlp: CommandLine
) -> None:
    data, wrong = noisy
    start = write_encoder_folder(tmp_path / "start", read_labelled(data))
    common = ("--data", data, "--encoder", start, "--dev-parts", 0)
    listed, recipe = tmp_path / "suspects.csv", tmp_path / "ours.toml"
    ended = vocnlp(
        "train", *common, "--noisy-labels", "--suspects", listed, "--out", tmp_path / "b", "--write-recipe", recipe
    )
    assert ended.code == 0, ended.err
    with listed.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row["id"] for row in rows}
    # An encoder that knew nothing before finds half of them in so few rows, and accuses hardly anybody else.
    assert len(found & wrong) >= len(wrong) // 2
    assert len(found - wrong) <= len(found) // 4
    assert all(float(row["p_likelier"]) > float(row["p_given"]) for row in rows)
    bundle = Bundle.load(tmp_path / "b")
    assert bundle.training["suspects"] == len(rows)
    assert bundle.training["best_step"] == 0  # nobody looked at texts that are labelled no better
    assert f"{len(rows)} of {bundle.training['rows']} labels are unlikely" in ended.out
    assert f"{len(rows)} of which it finds unlikely" in (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    again = read_own_recipe(recipe).encoder
    assert (again.robust, again.dropout) == (0.6, 0.0)


def test_codes_that_go_together_are_referred_to_the_review(
    tiny_rows: list[Labelled], tmp_path: Path, vocnlp: CommandLine
) -> None:
    data = tmp_path / "many.jsonl"
    lines = [{"text": row.text, "tags": [{"code": tag.code} for tag in row.tags]} for row in tiny_rows]
    data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    ended = vocnlp("train", "--data", data, "--noisy-labels", "--out", tmp_path / "b")
    assert ended.code == 2
    assert "noisy labels are handled where each comment has one code of several" in ended.err
    assert "vocnlp review sample" in ended.err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--noisy-labels", "--linear"), "--noisy-labels fine-tunes an encoder on labels"),
        (("--suspects", "s.csv"), "--suspects goes with --noisy-labels"),
        (("--noisy-labels", "--suspects", "nowhere/s.csv"), "the folder does not exist"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: tuple[str, ...], said: str, noisy: tuple[Path, set[str]], tmp_path: Path, vocnlp: CommandLine
) -> None:
    ended = vocnlp("train", "--data", noisy[0], "--out", tmp_path / "b", *options)
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "b").exists()


def test_the_robust_loss_is_the_generalised_cross_entropy() -> None:
    scores = torch.zeros(2, 3, 4, dtype=torch.float64)
    scores[:, :, 0] = torch.tensor([[2.0, 0.0, 1.0], [0.5, 0.5, 3.0]])
    mention = torch.tensor([[1, 0, 0], [0, 1, 0]])
    polarity = torch.full((2, 3), -1)
    chosen = torch.softmax(scores[:, :, 0], 1)[torch.arange(2), torch.tensor([0, 1])]
    robust, _ = code_losses(scores, mention, polarity, exclusive=True, robust=0.6)
    plain, _ = code_losses(scores, mention, polarity, exclusive=True)
    assert float(robust) == pytest.approx(float(((1 - chosen**0.6) / 0.6).mean()), abs=1e-12)
    assert float(plain) == pytest.approx(float(-chosen.log().mean()), abs=1e-12)


def test_a_label_is_suspect_where_another_class_is_as_likely_as_in_its_own_rows() -> None:
    chance = np.array(
        [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.4, 0.3, 0.3]],
        np.float32,
    )
    label = np.array([0, 0, 1, 1, 1, 0])
    # Usual: (0.8 + 0.6 + 0.4) / 3 = 0.6 of class 0, (0.8 + 0.05 + 0.7) / 3 = 0.517 of class 1; nobody is labelled 2.
    assert exclusive_suspects(chance, label).tolist() == [-1, -1, -1, 0, -1, -1]


def test_suspects_are_written_masked_and_without_formulas(tmp_path: Path, tiny_rows: list[Labelled]) -> None:
    frame = Codeframe.from_labels(["问快递", "要发票"], exclusive=True)
    row = replace(tiny_rows[0], id="7", text="=1+1 打13912345678找我")
    write_suspects(tmp_path / "s.csv", [Suspect(row, "问快递", "要发票", (0.01, 0.9))], frame)
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        (told,) = list(csv.DictReader(file))
    assert told["text"].startswith("'=1+1")
    assert "13912345678" not in told["text"]
    assert (told["given"], told["likelier"], told["p_likelier"]) == ("问快递", "要发票", "0.9")
