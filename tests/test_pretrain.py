"""Pretraining on a tiny corpus: what is read, how it is numbered, and that a stopped run comes to the same figures."""

import json
import lzma
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from vocnlp.errors import InputError
from vocnlp.training.encoder_net import mood_loss
from vocnlp.training.labelled import Labelled, starred_lines
from vocnlp.training.pretrain import stages
from vocnlp.training.pretrain.corpus import Document, unlabelled
from vocnlp.training.pretrain.loop import Training, table_of
from vocnlp.training.pretrain.network import candidates, hide
from vocnlp.training.pretrain.plan import Plan, read_plan
from vocnlp.training.pretrain.stages import PROBE, prepare, write_encoder
from vocnlp.training.pretrain.tokens import Tokens, batches, padded, tokenise
from vocnlp.training.pretrain.vocabulary import build_tokenizer, count_words
from vocnlp.training.steps import TrainingError, rate_at
from vocnlp.windows import Marks, cut_windows

TINY = Plan(vocabulary=120, layers=1, width=16, heads=2, window=24, tokens=4000, batch=128, rate=3e-3, shares={})
TEXTS = [
    ("师傅上门很准时", "修完还把地拖了"),
    ("师傅迟到一个钟头", "电话也打不通"),
    ("快递到得很准时",),
    ("电话客服很耐心",),
    ("客服态度差", "等了一个钟头"),
    ("地方好找", "停车也方便"),
    ("停车不方便", "地方难找"),
    ("味道好", "师傅很耐心"),
]


def write_corpus(root: Path, rows: list[str], name: str = "feedback.tsv.xz") -> Path:
    (root / "pretrain").mkdir(parents=True, exist_ok=True)
    path = root / "pretrain" / name
    path.write_bytes(lzma.compress("\n".join(rows).encode()))
    return path


def read(root: Path, held_out: frozenset[str] = frozenset(), **more: object) -> list[Document]:
    settings = {"shares": {}, "traditional": 0.0, "seed": 1, **more}
    return list(unlabelled(root, held_out, workers=1, **settings))


# --- corpus --------------------------------------------------------------------------------------------------------


def test_a_corpus_line_becomes_clauses_as_the_tagger_cuts_them_with_its_stars(tmp_path: Path) -> None:
    write_corpus(tmp_path, ["2\t師傅來得晚，態度也差！", "shop_reviews\tＡＰＰ很好用", "5\t。"])
    assert read(tmp_path) == [Document(("师傅来得晚", "态度也差"), 2), Document(("app很好用",), 0)]


def test_some_traditional_text_is_read_as_it_is(tmp_path: Path) -> None:
    write_corpus(tmp_path, ["3\t師傅來得晚"] * 200)
    found = Counter(one.clauses for one in read(tmp_path, traditional=0.25))
    assert set(found) == {("师傅来得晚",), ("師傅來得晚",)}
    assert 25 < found["師傅來得晚",] < 80


def test_held_out_texts_and_their_near_twins_are_left_out(tmp_path: Path) -> None:
    write_corpus(tmp_path, ["1\t等了半天， 没人理！！", "1\t等了半天没人管"])
    assert read(tmp_path, frozenset({"等了半天没人理"})) == [Document(("等了半天没人管",), 1)]


def test_a_share_of_the_satisfied_reviews_is_enough(tmp_path: Path) -> None:
    write_corpus(tmp_path, [f"5\t第{number}次来还是好" for number in range(300)] + ["1\t不好"] * 10)
    stars = Counter(one.stars for one in read(tmp_path, shares={5: 0.2, 1: 1.0}))
    assert stars[1] == 10
    assert 35 < stars[5] < 90


def test_a_corpus_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.xz"
    path.write_bytes(lzma.compress("1\t好\n".encode() + "2\t差".encode("gbk")))
    with pytest.raises(InputError) as caught:
        list(starred_lines(path))
    assert (caught.value.path, caught.value.row) == (path, 2)
    assert "is not UTF-8" in caught.value.message


def test_a_corpus_line_without_a_tab_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a line without a tab"):
        list(starred_lines(write_corpus(tmp_path, ["好"])))


def test_no_corpus_is_said_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*.tsv.xz"):
        read(tmp_path)


# --- vocabulary and numbers ----------------------------------------------------------------------------------------


def test_frequent_words_are_single_tokens_and_the_rest_goes_by_the_character() -> None:
    tokenizer = build_tokenizer(count_words(TEXTS * 30), 120)
    assert tokenizer.encode("师傅很耐心").tokens == ["师傅", "很", "耐心"]
    assert tokenizer.encode("师到").tokens == ["师", "到"]
    assert tokenizer.encode("师傅鬯").tokens == ["师傅", "鬯"]
    assert tokenizer.encode("鬯").ids == [1]
    assert [tokenizer.token_to_id(name) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [0, 1, 2, 3, 4]


def test_windows_end_between_clauses_and_lose_no_token() -> None:
    clauses = [[5, 6], [7, 8, 9], [10] * 12]
    assert list(cut_windows(clauses, 8, Marks())) == [
        ([2, 5, 6, 3, 7, 8, 9, 3], [-1, 0, 0, 0, 1, 1, 1, 1]),
        ([2, 10, 10, 10, 10, 10, 10, 3], [-1, 2, 2, 2, 2, 2, 2, 2]),
        ([2, 10, 10, 10, 10, 10, 10, 3], [-1, 2, 2, 2, 2, 2, 2, 2]),
    ]


def numbered() -> Tokens:
    tokenizer = build_tokenizer(count_words(TEXTS * 30), TINY.vocabulary)
    moods = [Document(text, number % 6, number % 3, number % 2 == 0) for number, text in enumerate(TEXTS * 6)]
    return tokenise(moods, tokenizer, TINY.window)


def test_every_document_comes_once_an_epoch_in_an_order_of_the_seed() -> None:
    tokens = numbered()
    once = [list(rows) for rows in batches(tokens, 128, seed=1, epoch=0)]
    assert sorted(row for rows in once for row in rows) == list(range(len(tokens)))
    assert [list(rows) for rows in batches(tokens, 128, seed=1, epoch=0)] == once
    assert [list(rows) for rows in batches(tokens, 128, seed=1, epoch=1)] != once
    assert all(len(rows) * tokens.lengths[rows].max() <= 128 for rows in batches(tokens, 128, seed=1, epoch=0))


def test_numbers_come_back_from_the_disk_as_they_were(tmp_path: Path) -> None:
    tokens = numbered()
    tokens.save(tmp_path)
    back = Tokens.load(tmp_path)
    assert [
        np.array_equal(getattr(back, n), getattr(tokens, n)) for n in ("ids", "start", "stars", "mood", "two_class")
    ]
    assert np.array_equal(padded(back, np.array([0, 2])), padded(tokens, np.array([0, 2])))


def test_hidden_words_are_words_and_about_as_many_as_planned() -> None:
    ids = np.full((64, 40), 9)
    ids[:, 0], ids[:, -8:] = 2, 0
    seen, places = hide(ids, replace(TINY, masked=0.15), 120, np.random.default_rng(1))
    assert set(ids.ravel()[places]) == {9}
    assert 0.11 < len(places) / (64 * 31) < 0.19
    assert np.array_equal(np.delete(seen.ravel(), places), np.delete(ids.ravel(), places))


def test_a_softmax_over_candidates_has_the_sum_of_the_whole_one_on_average() -> None:
    chance = np.random.default_rng(3)
    scores = chance.normal(0, 1, 400)
    frequency = np.exp(-np.arange(400) / 60)
    frequency /= frequency.sum()
    sums = []
    for _ in range(2000):
        hidden = chance.choice(400, 30, p=frequency)
        among = candidates(hidden, frequency, 80, chance)
        assert np.array_equal(among.ids[among.targets], hidden)
        sums.append(np.exp(scores[among.ids] - among.chance).sum())
    assert np.mean(sums) == pytest.approx(np.exp(scores).sum(), rel=0.02)


def test_without_a_number_all_words_are_candidates() -> None:
    among = candidates(np.array([3, 3, 1]), np.full(5, 0.2), 0, np.random.default_rng(0))
    assert (list(among.ids), list(among.chance), list(among.targets)) == ([0, 1, 2, 3, 4], [0.0] * 5, [3, 3, 1])


# --- learning ------------------------------------------------------------------------------------------------------


def test_a_two_class_label_teaches_nothing_about_neutral() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    mood_loss(logits, torch.tensor([0, 2]), torch.tensor([True, True])).backward()
    assert logits.grad is not None
    assert logits.grad[:, 0].tolist() == [0.0, 0.0]
    assert logits.grad[:, 1].tolist() == [0.25, -0.25]


def test_the_rate_goes_up_stays_and_goes_down() -> None:
    assert [round(rate_at(done, warm=0.1, decay=0.2), 3) for done in (0.0, 0.05, 0.1, 0.5, 0.8, 0.9, 1.0)] == [
        0.01, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0,
    ]  # fmt: skip


def work_folder(path: Path) -> Path:
    path.mkdir()
    tokenizer = build_tokenizer(count_words(TEXTS * 30), TINY.vocabulary)
    tokenizer.save(str(path / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    (path / "vocabulary.json").write_text(json.dumps({"size": size}))
    vectors = np.random.default_rng(1).normal(0, 0.05, (size, TINY.width)).astype(np.float32)
    np.save(path / "vectors.npy", vectors)
    return path


def test_a_stopped_training_resumes_to_the_same_weights(tmp_path: Path) -> None:
    tokens = numbered()
    whole = Training(TINY, tokens, tokens, work_folder(tmp_path / "whole"))
    reports = list(whole.steps())
    halves = work_folder(tmp_path / "halves")
    first = Training(TINY, tokens, tokens, halves)
    for number, _ in enumerate(first.steps(save_every=0.0)):
        if number == 9:
            break
    second = Training(TINY, tokens, tokens, halves)
    assert 5 < second.position.step <= 10
    rest = list(second.steps())
    assert (rest[-1].words, rest[-1].probe) == (reports[-1].words, reports[-1].probe)
    for one, two in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_training_learns(tmp_path: Path) -> None:
    tokens = numbered()
    reports = list(Training(replace(TINY, tokens=12_000), tokens, tokens, work_folder(tmp_path / "w")).steps())
    early, late = (sum(one.words for one in part) for part in (reports[:10], reports[-10:]))
    assert late < 0.8 * early


def test_a_loss_that_is_no_number_stops_the_training_and_says_where(tmp_path: Path) -> None:
    training = Training(replace(TINY, rate=float("inf")), numbered(), numbered(), work_folder(tmp_path / "w"))
    with pytest.raises(TrainingError, match="the loss is nan at step 1, epoch 0") as caught:
        list(training.steps())
    assert caught.value.hint == "lower the rate in the recipe"


def test_the_encoder_is_read_by_transformers_and_no_file_of_it_is_a_pickle(tmp_path: Path) -> None:
    training = Training(TINY, numbered(), numbered(), work_folder(tmp_path / "w"))
    write_encoder(training, tmp_path / "encoder")
    model, tokenizer = (
        AutoModel.from_pretrained(tmp_path / "encoder"),
        AutoTokenizer.from_pretrained(tmp_path / "encoder"),
    )
    encoded = tokenizer("师傅很耐心", return_tensors="pt")
    assert model(input_ids=encoded["input_ids"]).last_hidden_state.shape == (1, 3, 16)
    assert sorted(path.suffix for path in (tmp_path / "encoder").iterdir()) == [".json"] * 4 + [".safetensors"] * 2
    spent = json.loads((tmp_path / "encoder" / "pretraining.json").read_text())
    assert spent == {"tokens": 0, "steps": 0, "hours": 0.0, "device": "cpu", "probe": None}


def test_a_pretraining_goes_on_from_an_encoder_and_its_heads(tmp_path: Path) -> None:
    tokens = numbered()
    first = Training(TINY, tokens, tokens, work_folder(tmp_path / "one"))
    list(first.steps())
    write_encoder(first, tmp_path / "encoder")
    second = Training(TINY, tokens, tokens, work_folder(tmp_path / "two"), start=tmp_path / "encoder")
    for one, two in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one.half().float(), two)
    assert np.array_equal(table_of(tmp_path / "encoder"), second.network.table.detach().numpy())
    wider = replace(TINY, layers=1, width=32)
    (tmp_path / "two" / "state.json").unlink(missing_ok=True)
    np.save(tmp_path / "two" / "vectors.npy", np.zeros((second.size, 32), np.float32))
    with pytest.raises(InputError, match="is of shape"):
        Training(wider, tokens, tokens, tmp_path / "two", start=tmp_path / "encoder")


def test_an_encoder_to_go_on_from_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    tokens = numbered()
    write_encoder(Training(TINY, tokens, tokens, work_folder(tmp_path / "one")), start := tmp_path / "encoder")
    held = load_file(start / "model.safetensors")
    lacking = {name: tensor for name, tensor in held.items() if name != "encoder.layer.0.output.dense.bias"}
    save_file(lacking, start / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError) as caught:
        Training(TINY, tokens, tokens, work_folder(tmp_path / "two"), start=start)
    told = "model.safetensors holds no encoder.encoder.layer.0.output.dense.bias"
    assert caught.value.message == f"{start}: {told}"
    save_file({f"net.{name}": tensor for name, tensor in held.items()}, start / "model.safetensors")
    with pytest.raises(InputError) as caught:
        table_of(start)
    assert caught.value.message == f"{start}: model.safetensors holds no embeddings.word_embeddings.weight"


# --- a work folder belongs to one plan ------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root of a few reviews, without the labelled sets, of which these tests need none."""
    write_corpus(tmp_path / "root", [f"{1 + n % 5}\t{'，'.join(TEXTS[n % 8])}，第{n}次" for n in range(200)])
    probe = [Labelled("1", "师傅很耐心", (), "positive", source=PROBE)]
    monkeypatch.setattr(stages, "labelled_rows", lambda frame, root: (probe, probe))
    vectors = np.zeros((TINY.vocabulary, TINY.width), np.float32)
    monkeypatch.setattr(stages, "word_vectors", lambda tokens, size, *rest, **named: vectors[:size])
    return tmp_path / "root"


PLAN = replace(TINY, shares=dict.fromkeys(range(6), 1.0))


def test_numbers_made_for_one_plan_are_not_gone_on_with_by_another(corpus: Path, tmp_path: Path) -> None:
    work, quiet = tmp_path / "work", Console(quiet=True)
    work.mkdir()
    prepare(PLAN, corpus, work, quiet)
    made = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert sorted(path.name for path in made if path.parent == work) == [
        "begun.json", "tokenizer.json", "vectors.npy", "vocabulary.json",
    ]  # fmt: skip
    prepare(replace(PLAN, tokens=8000, rate=1e-3), corpus, work, quiet)  # a longer one, and a slower one, go on
    for plan, column, value in (
        (replace(PLAN, width=32), "width", "16, now 32"),
        (replace(PLAN, shares={1: 1.0}), "shares", f"{PLAN.plain()['shares']}, now {{'1': 1.0}}"),
    ):
        with pytest.raises(InputError) as caught:
            prepare(plan, corpus, work, quiet)
        told = f"{work}, column {column!r}: was begun with another setting (value: {value[:80]!r})"
        hint = f"give another folder with --work, or the {column} that it was begun with"
        assert (caught.value.message, caught.value.hint) == (told, hint)
    (start := tmp_path / "start").mkdir()
    (start / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match="column 'init': was begun with another setting"):
        prepare(PLAN, corpus, work, quiet, start=start)
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == made


def test_a_kill_while_the_vectors_are_written_leaves_no_half_of_them(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, quiet, save = tmp_path / "work", Console(quiet=True), np.save
    work.mkdir()

    def killed(file: Any, array: Any, **named: Any) -> None:
        if array.ndim == 2:
            Path(file if isinstance(file, Path) else file.name).write_bytes(b"\x93NUMPY")
            raise KeyboardInterrupt
        save(file, array, **named)

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(PLAN, corpus, work, quiet)
    assert not (work / "vectors.npy").exists()
    prepare(PLAN, corpus, work, quiet)
    assert np.load(work / "vectors.npy").shape[1] == TINY.width


# --- the recipe and the command ------------------------------------------------------------------------------------


def test_the_shipped_recipe_is_read() -> None:
    plan = read_plan()
    assert (plan.layers, plan.width, plan.vocabulary, plan.shares[5]) == (4, 256, 24_000, 0.2)


def test_an_unknown_setting_is_named_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("layer = 4\n")
    with pytest.raises(InputError, match="no such setting") as caught:
        read_plan(path)
    assert caught.value.value == "layer"
    assert "layers" in caught.value.hint


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "vocnlp.training.pretrain",
        "--data-root",
        str(tmp_path),
        "--work",
        str(tmp_path / "w"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such file" in done.stderr
    (tmp_path / "none").mkdir()
    done = subprocess.run([*command, "--init", str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds no tokenizer.json" in " ".join(done.stderr.split())
    assert subprocess.run([*command[:3], "--help"], check=False, capture_output=True).returncode == 0
