"""A tiny teacher and what it passes on: the packed reading is that of the served network, and a stopped run comes to the same."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from vocnlp.errors import InputError
from vocnlp.training.distil.batches import Batch, Setting, batches_of, comment_batches
from vocnlp.training.distil.learner import Learner, hide, say, states_of
from vocnlp.training.distil.looks import answers, figures
from vocnlp.training.distil.numbers import DEV, TRAIN, Comments, cuts, joined, load_comments, load_corpus, save_labelled
from vocnlp.training.distil.packed import compiled, pack, padded_attention, plain_kernels
from vocnlp.training.distil.phases import Part
from vocnlp.training.distil.plan import SHIPPED, Phase, Plan, Shape, read_plan
from vocnlp.training.distil.prepare import BEGIN, prepare, save_begin
from vocnlp.training.distil.stages import PASSED_ON, STUDENT, learn, write_encoder
from vocnlp.training.encoder_fit import scores
from vocnlp.training.encoder_net import TaggerNet
from vocnlp.training.encoder_source import load_source
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.own_recipe import sha256
from vocnlp.training.pretrain.begun import note_begun
from vocnlp.training.pretrain.corpus import Document
from vocnlp.training.pretrain.tokens import tokenise
from vocnlp.training.pretrain.vocabulary import build_tokenizer, count_words
from vocnlp.training.reading import Example, examples
from vocnlp.training.starts import known_codes
from vocnlp.training.steps import TrainingError
from vocnlp.windows import Marks

CODES = ("waiting", "staff")
COMMENTS = [
    Labelled("a", "等了一个钟头才叫到号，前台的小姑娘倒是很耐心", (GoldTag("waiting", "negative"), GoldTag("staff", "positive")), "negative"),
    Labelled("b", "客服态度差，电话打了三遍都没人接", (GoldTag("staff", "negative", 0, 5),), "negative"),
    Labelled("c", "地方好找，停车也方便", (), "positive"),
    Labelled("d", "师傅很准时，修完还把地拖干净了，全程没让我操心", (GoldTag("staff", "positive", 0, 5),), "positive", two_class=True),
    Labelled("e", "排队排到天黑", (GoldTag("waiting", "negative"),), "negative"),
    Labelled("f", "请问周末营业到几点", (), "neutral"),
]  # fmt: skip
PHASE = Phase(tokens=1500, rate=1e-3, batch=96, hidden=0.2, labels=1.0)
PLAN = Plan(
    teacher=Shape(2, 24, 2),
    student=Shape(1, 16, 2),
    grow=replace(PHASE, tokens=6000),
    tune=replace(PHASE, tokens=900, words=0.1),
    pass_on=replace(PHASE, states=1.0, taught=1.0),
    finish=replace(PHASE, tokens=900, words=0.1, taught=1.0),
    window=16,
    repeats={"starred": 1, "plain": 2, "labelled": 2},
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    words = count_words([(row.text,) for row in COMMENTS] * 30)
    return build_tokenizer(words, 200)


@pytest.fixture(scope="module")
def read(tokenizer: Tokenizer) -> list[Example]:
    return examples(COMMENTS, CODES, tokenizer, PLAN.window, Marks())


@pytest.fixture
def work(tmp_path: Path, tokenizer: Tokenizer, read: list[Example]) -> Path:
    documents = [
        Document(("师傅很准时", "地方好找"), 5),
        Document(("等了一个钟头", "没人接电话"), 1),
        Document(("停车方便",)),
        Document(("客服很耐心", "全程没让我操心", "排队排到天黑", "请问周末营业到几点", "电话打了三遍"), 3),
    ]
    documents.append(Document(("等到天黑",), 0, 0))  # pretraining's own copy of a labelled text
    tokenise(documents * 3, tokenizer, PLAN.window).save(tmp_path / "corpus")
    save_labelled(tmp_path / "labelled", read, [TRAIN, TRAIN, TRAIN, TRAIN, DEV, DEV], [0, 0, 1, 1, 0, 1])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "vocabulary.json").write_text(json.dumps({"size": tokenizer.get_vocab_size()}))
    (tmp_path / "names.json").write_text(json.dumps({"codes": CODES, "sources": ["shop", "repair"]}))
    return tmp_path


def setting(tokenizer: Tokenizer) -> Setting:
    plain = plain_kernels("cpu")
    return Setting("cpu", PLAN.window, tokenizer.get_vocab_size(), 1, plain, plain)


def learner(tokenizer: Tokenizer) -> Learner:
    torch.manual_seed(3)
    return Learner(PLAN.teacher, tokenizer.get_vocab_size(), len(CODES), PLAN.window)


def windows_of(comments: Comments) -> list[list[int]]:
    start = comments.start.tolist()
    return [comments.ids[a:b].tolist() for a, b in pairwise(start)]


# --- numbers and batches -------------------------------------------------------------------------------------------


def test_comments_come_back_from_disk_by_part_with_their_windows_labels_and_evidence(
    work: Path, read: list[Example]
) -> None:
    train, dev = load_comments(work / "labelled", TRAIN, "cpu"), load_comments(work / "labelled", DEV, "cpu")
    assert windows_of(train) == [window.ids.tolist() for one in read[:4] for window in one.windows]
    assert windows_of(dev) == [window.ids.tolist() for one in read[4:] for window in one.windows]
    assert train.tokens.tolist() == [len(one) for one in read[:4]]
    assert train.mention.tolist() == [one.mention.tolist() for one in read[:4]]
    assert (train.mood.tolist(), train.two_class.tolist()) == ([0, 0, 2, 2], [False, False, False, True])
    assert (dev.mood.tolist(), dev.source.tolist()) == ([0, 1], [0, 1])
    clause = np.concatenate([window.clause for window in read[1].windows])
    marked = slice(*train.held_start[1:3])
    assert train.held_at[marked].tolist() == np.flatnonzero(clause == 0).tolist()
    assert set(train.held_code[marked]) == {CODES.index("staff")}
    assert train.held_start[[0, 1]].tolist() == [0, 0]


def test_labelled_texts_come_once_and_only_those_that_are_learnt_from(work: Path, read: list[Example]) -> None:
    corpus, comments = load_corpus(work / "corpus", "cpu"), load_comments(work / "labelled", TRAIN, "cpu")
    assert set(corpus.mood.tolist()) == {-1}
    assert corpus.stars.tolist() == [5, 1, 0, 3, 3] * 3
    assert len(corpus.ids) == int(corpus.start[-1]) == corpus.length.sum()
    whole = joined(corpus, comments)
    assert len(whole.length) == 15 + sum(len(one.windows) for one in read[:4])
    assert set(whole.mood[15:].tolist()) == {0, 2}


def test_runs_of_windows_fill_a_step_and_none_is_left_out() -> None:
    assert list(cuts(np.array([4, 4, 3, 9, 1, 1]), 8)) == [(0, 2, 8), (2, 3, 3), (3, 4, 9), (4, 6, 2)]


def test_a_step_has_its_windows_end_to_end_and_is_filled_with_more_that_are_no_longer() -> None:
    ids, start = torch.arange(10, 30, dtype=torch.int16), torch.tensor([0, 3, 7, 12, 20])
    packed = pack(ids, start, torch.tensor([2, 0]), 8, 20, 5)
    assert packed.ids.tolist() == [17, 18, 19, 20, 21, 10, 11, 12] + [0] * 12
    assert packed.bounds.tolist() == [0, 5, 8, 13, 18, 20]
    assert packed.position.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert (packed.count, packed.longest) == (2, 5)


def test_the_order_is_that_of_the_seed_and_every_window_comes_as_often_as_it_should(
    work: Path, tokenizer: Tokenizer
) -> None:
    comments = load_comments(work / "labelled", TRAIN, "cpu")
    first, again, other = (
        [batch.chosen.tolist() for batch in comment_batches(setting(tokenizer), comments, 64, epoch, 1)]
        for epoch in (0, 0, 1)
    )
    assert first == again != other
    assert sorted(chain.from_iterable(first)) == [0, 1, 2, 3]


def test_only_words_are_hidden(tokenizer: Tokenizer) -> None:
    ids = torch.tensor([2, *range(5, 23), 3] * 10, dtype=torch.int16)
    packed = pack(ids, torch.arange(0, 201, 20), torch.arange(10), 200, 240, 24)
    seen, places, truth = hide(packed, 0.25, 60, torch.Generator().manual_seed(1))
    assert len(places) == 60
    assert truth.tolist() == packed.ids[places].tolist()
    assert int(truth.min()) >= 5
    changed = (seen.ids != packed.ids).nonzero().flatten()
    assert set(changed.tolist()) <= set(places.tolist())
    assert 0.6 < float((seen.ids[places] == 4).float().mean()) < 0.95


# --- the network ---------------------------------------------------------------------------------------------------


def test_a_packed_reading_says_what_the_served_network_says(
    work: Path, tokenizer: Tokenizer, read: list[Example]
) -> None:
    network = learner(tokenizer)
    assert max(len(one.windows) for one in read[:4]) > 1  # a comment in several windows is merged alike
    logits, mood = answers(setting(tokenizer), network, load_comments(work / "labelled", TRAIN, "cpu"), 64)
    wanted, felt = scores(network.tagger.float(), read[:4])
    np.testing.assert_allclose(logits, wanted, atol=0.03)
    np.testing.assert_allclose(mood, felt, atol=0.03)


def test_what_a_window_says_does_not_depend_on_the_others_of_its_step(work: Path, tokenizer: Tokenizer) -> None:
    network, comments = learner(tokenizer).eval(), load_comments(work / "labelled", TRAIN, "cpu")
    told = []
    for order in ([1, 0, 2, 3], [1]):
        batch = next(iter(batches_of(setting(tokenizer), comments, np.array(order), 200)))
        states = states_of(network, batch.packed, plain_kernels("cpu"))
        said = say(network, states, batch.packed, batch.owner, batch.texts)
        told.append((said.logits[0], said.mood[0]))
    for one, other in zip(*told, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_the_processor_attends_within_windows() -> None:
    bounds = torch.tensor([0, 2, 5, 5, 6], dtype=torch.int32)
    q, k, v = torch.randn(3, 6, 2, 4).unbind(0)
    packed = pack(torch.ones(6, dtype=torch.int16), bounds.long(), torch.arange(4), 6, 6, 3)
    found = padded_attention(q, k, v, packed)
    for a, b in ((0, 2), (2, 5), (5, 6)):
        chance = torch.softmax(torch.einsum("qhd,khd->hqk", q[a:b], k[a:b]) / 2, -1)
        torch.testing.assert_close(found[a:b], torch.einsum("hqk,khd->qhd", chance, v[a:b]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a CUDA GPU")
def test_a_compiled_step_on_a_card_comes_to_what_the_processor_comes_to(work: Path, tokenizer: Tokenizer) -> None:
    network, comments = learner(tokenizer), load_comments(work / "labelled", TRAIN, "cpu")
    batch = next(iter(batches_of(setting(tokenizer), comments, np.arange(4), 200)))
    wanted = states_of(network, batch.packed, plain_kernels("cpu"))
    there = replace(batch.packed, **{name: getattr(batch.packed, name).cuda() for name in ("ids", "window", "position", "bounds")})  # fmt: skip
    found = states_of(network.cuda(), there, compiled(plain_kernels("cuda"))).float().cpu()
    torch.testing.assert_close(found, wanted, atol=0.1, rtol=0.1)


# --- the way -------------------------------------------------------------------------------------------------------


def run(work: Path, plan: Plan = PLAN, *, stop: str = "", save_every: float = 300.0) -> list[str]:
    told: list[str] = []

    def tell(what: str, share: float) -> None:
        told.append(what)
        if stop and what.startswith(stop):
            raise KeyboardInterrupt

    learn(plan, work, device="cpu", tell=tell, save_every=save_every)
    return told


def test_a_teacher_passes_on_what_it_knows_and_the_student_is_an_encoder_with_the_heads_of_its_codes(
    work: Path,
) -> None:
    run(work)
    folder = work / "encoder"
    write_encoder(PLAN, work, folder)
    spent = json.loads((folder / "pretraining.json").read_text())
    tokens = spent["teacher"]["tokens"]
    assert spent["teacher"] == {"layers": 2, "width": 24, "heads": 2, "tokens": tokens, "widened": False}
    assert tokens >= PLAN.grow.tokens
    assert set(json.loads((work / "spent.json").read_text())["figures"]) == {"grow", "tune", "pass_on", "finish"}
    model = AutoModel.from_pretrained(folder)
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (1, 16)
    assert AutoTokenizer.from_pretrained(folder)("客服很耐心")["input_ids"]
    source = load_source(str(folder), codes=known_codes(str(folder)))
    assert source.codes == CODES
    before, after = (load_file(work / name) for name in (PASSED_ON, STUDENT))
    half = (before["tagger.heads.weight"] + after["tagger.heads.weight"]) / 2
    torch.testing.assert_close(source.heads["heads.weight"], half, atol=1e-3, rtol=1e-3)
    assert not torch.equal(before["tagger.heads.weight"], after["tagger.heads.weight"])


def weights_of(part: Path) -> dict[str, torch.Tensor]:
    """Those of its last checkpoint."""
    (found,) = part.glob("*.safetensors")
    held = load_file(found)
    return {name.removeprefix("network."): held[name] for name in held if name.startswith("network.")}


def given_tagger(work: Path, tokenizer: Tokenizer) -> TaggerNet:
    torch.manual_seed(5)
    given = Learner(PLAN.student, tokenizer.get_vocab_size(), len(CODES), PLAN.window).tagger
    tensors = {name: tensor.half() for name, tensor in given.state_dict().items()}
    save_file(tensors, work / BEGIN, metadata={"spent": '{"tokens": 7}'})
    return given


def test_a_student_that_goes_on_begins_as_the_tagger_it_was_given(work: Path, tokenizer: Tokenizer) -> None:
    given = given_tagger(work, tokenizer)
    still = replace(PHASE, tokens=96, rate=0.0, states=1.0, taught=1.0)
    run(work, replace(PLAN, goes_on=True, pass_on=still))
    passed_on = load_file(work / PASSED_ON)
    for name, tensor in given.state_dict().items():
        torch.testing.assert_close(passed_on[f"tagger.{name}"], tensor, atol=1e-3, rtol=1e-3)
    write_encoder(replace(PLAN, goes_on=True), work, work / "encoder")
    assert json.loads((work / "encoder" / "pretraining.json").read_text())["before"] == {"tokens": 7}


def test_a_teacher_that_goes_on_begins_as_the_tagger_widened_and_goes_on_saying_the_same(
    work: Path, tokenizer: Tokenizer
) -> None:
    given = given_tagger(work, tokenizer)
    shape = Shape(1, 32, 4)
    still = replace(PHASE, tokens=96, rate=0.0, taught=1.0)
    plan = replace(PLAN, teacher=shape, teacher_goes_on=True, grow=still, tune=still)
    run(work, plan)
    teacher = Learner(shape, tokenizer.get_vocab_size(), len(CODES), PLAN.window)
    teacher.load_state_dict(weights_of(work / "tune"))
    comments, where = load_comments(work / "labelled", TRAIN, "cpu"), setting(tokenizer)
    student = Learner(PLAN.student, tokenizer.get_vocab_size(), len(CODES), PLAN.window)
    student.tagger.load_state_dict(given.state_dict())
    for mine, theirs in zip(answers(where, teacher, comments, 64), answers(where, student, comments, 64), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=0.02)
    write_encoder(plan, work, work / "encoder")
    assert json.loads((work / "encoder" / "pretraining.json").read_text())["before"] == {"tokens": 7}


def test_a_plan_that_goes_on_wants_a_tagger_of_the_students_shape(
    work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan = replace(PLAN, goes_on=True)
    root, other = Path("."), tmp_path_factory.mktemp("other")
    with pytest.raises(InputError, match="goes on from a tagger"):
        prepare(plan, root, other, root, Console(), start=None)
    run(work)
    write_encoder(PLAN, work, work / "encoder")
    save_begin(plan, work / "encoder", ["staff"], other)
    kept, whole = load_file(other / BEGIN), load_file(work / "encoder" / "model.safetensors")
    own = whole["tagger.heads.weight"]
    assert torch.equal(kept["heads.weight"][0], own[CODES.index("staff")])
    with pytest.raises(InputError, match=r"\(1, 16, 2, 64, 16\), those of the student \(3, 16, 2, 64, 16\)"):
        save_begin(replace(plan, student=Shape(3, 16, 2)), work / "encoder", list(CODES), other)
    with pytest.raises(InputError, match=r"\(1, 16, 2, 64, 16\), those of the student \(1, 16, 2, 40, 16\)"):
        save_begin(replace(plan, student=Shape(1, 16, 2, 40)), work / "encoder", list(CODES), other)


@pytest.mark.parametrize("stop", ["grow words", "tune:", "pass_on:"])
def test_a_stopped_run_goes_on_and_comes_to_the_same_student(
    work: Path, tmp_path_factory: pytest.TempPathFactory, stop: str
) -> None:
    other = tmp_path_factory.mktemp("whole")
    for name in ("corpus", "labelled"):
        (other / name).symlink_to(work / name)
    for name in ("names.json", "vocabulary.json"):
        (other / name).write_bytes((work / name).read_bytes())
    with pytest.raises(KeyboardInterrupt):
        run(work, stop=stop, save_every=0.0)
    run(work)
    run(other)
    mine, theirs = (load_file(folder / STUDENT) for folder in (work, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert set(json.loads((work / "spent.json").read_text())["parts"]) == {"grow", "tune", "pass_on", "finish"}


def test_learning_lowers_the_losses(work: Path) -> None:
    run(work, replace(PLAN, grow=replace(PHASE, tokens=40_000), tune=replace(PLAN.tune, tokens=40_000)))
    for part in ("grow", "tune"):
        log = [json.loads(line) for line in (work / part / "log.jsonl").read_text().splitlines()]
        first, last = (sum(value for name, value in entry.items() if name not in ("step", "tokens", "seconds"))
                       for entry in (log[0], log[-1]))  # fmt: skip
        assert last < 0.8 * first, part


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(work: Path) -> None:
    with pytest.raises(TrainingError, match=r"grow: .*no number") as caught:
        run(work, replace(PLAN, grow=replace(PHASE, rate=1e30, tokens=9000)))
    assert "lower the rate" in str(caught.value.hint)


def test_weights_that_are_no_numbers_are_kept_in_no_checkpoint(work: Path, tokenizer: Tokenizer) -> None:
    phase = replace(PHASE, tokens=6000)
    part = Part("grow", work, setting(tokenizer), learner(tokenizer), phase)
    comments = load_comments(work / "labelled", TRAIN, "cpu")

    def step(batch: Batch, chance: torch.Generator) -> dict[str, torch.Tensor]:
        loss = part.learner.word_bias.sum() * (1.0 if part.position.step < 10 else float("nan"))
        return {"words": loss}

    def epochs(epoch: int) -> Iterator[Batch]:
        return comment_batches(part.setting, comments, phase.batch, epoch, 1)

    with pytest.raises(TrainingError) as caught:
        part.run(epochs, step, lambda what, share: None, save_every=0.0)
    assert caught.value.message == "grow: weights are no numbers at step 11"
    assert caught.value.hint == "lower the rate in the recipe; the last checkpoint is whole"
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights_of(work / "grow").values())


def test_a_kill_while_the_account_is_written_leaves_the_one_of_before(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def killed(path: Path, text: str, **named: str) -> int:
        if "spent.json" in path.name and '"tune"' in text:
            write(path, text[:40], encoding="utf-8")
            raise KeyboardInterrupt
        return write(path, text, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            run(work)
    assert list(json.loads((work / "spent.json").read_text())["parts"]) == ["grow"]
    run(work)
    assert list(json.loads((work / "spent.json").read_text())["parts"]) == ["grow", "tune", "pass_on", "finish"]


def test_a_distillation_of_another_plan_or_other_sets_is_not_gone_on_with(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = work / "sets.toml"
    sets.write_text("name = 'x'\n", encoding="utf-8")
    note_begun(work / "distil.json", {**PLAN.begun(), "sets": sha256(sets)})
    asked: list[Path] = []
    monkeypatch.setattr(
        "vocnlp.training.distil.prepare.prepare_corpus", lambda plan, root, work, *_, **__: asked.append(work)
    )

    def go(plan: Plan) -> None:
        prepare(plan, work, work, sets, Console(quiet=True), start=None)

    go(PLAN)
    go(replace(PLAN, finished=0.7, grow=replace(PLAN.grow, tokens=9000, rate=5e-4)))  # longer, or slower
    assert asked == [work, work]
    for plan, column in (
        (replace(PLAN, seed=21), "seed"),
        (replace(PLAN, tune=replace(PLAN.tune, labels=0.5)), "tune"),
    ):
        with pytest.raises(InputError, match=f"column '{column}': was begun with another setting"):
            go(plan)
    sets.write_text("name = 'y'\n", encoding="utf-8")
    with pytest.raises(InputError, match="column 'sets': was begun with another setting") as caught:
        go(PLAN)
    assert caught.value.hint == "give another folder with --work, or the sets that it was begun with"
    assert asked == [work, work]


def test_figures_count_what_is_right_where_it_was_looked_for(work: Path, tokenizer: Tokenizer) -> None:
    found = figures(
        setting(tokenizer), learner(tokenizer), load_comments(work / "labelled", DEV, "cpu"), ["shop", "repair"], 64
    )
    assert {name: one["comments"] for name, one in found.items()} == {"shop": 1, "repair": 1}
    assert "codes" in found["shop"] and "codes" not in found["repair"]


# --- recipes and the command ---------------------------------------------------------------------------------------


def test_the_shipped_recipe_is_read() -> None:
    plan = read_plan()
    assert (plan.student, plan.teacher.layers, plan.grow.batch) == (Shape(4, 256, 4, 640), 8, 65536)


def test_a_teacher_that_cannot_begin_as_the_student_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(SHIPPED.read_text().replace("width = 512", "width = 504"))
    with pytest.raises(InputError, match="a width of 504 is no multiple of 256") as caught:
        read_plan(path)
    assert caught.value.column == "teacher_goes_on"


@pytest.mark.parametrize(
    ("line", "named"),
    [("widht = 3", "widht"), ("[grow]\nspeed = 1", "grow.speed"), ("[teacher]\nlayers = 2", "teacher")],
)
def test_a_setting_that_is_unknown_or_missing_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(line)
    with pytest.raises(InputError, match=named):
        read_plan(path)


def test_the_command_explains_itself_and_names_a_recipe_it_cannot_read(tmp_path: Path) -> None:
    module = [sys.executable, "-m", "vocnlp.training.distil"]
    helped = subprocess.run([*module, "--help"], capture_output=True, text=True, check=True)
    assert "--data-root" in helped.stdout
    path = tmp_path / "none.toml"
    command = [*module, "--data-root", str(tmp_path), "--work", str(tmp_path / "w"), "--recipe", str(path)]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "none.toml" in failed.stderr.replace("\n", "")
