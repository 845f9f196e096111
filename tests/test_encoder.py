"""The encoder, from labelled comments to a bundle that scores without torch: fitted, exported, loaded, refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from encoder_folder import write_encoder_folder
from safetensors.torch import load, load_file
from test_bundle_refused import refused, sealed, with_file
from tokenizers import Tokenizer
from transformers import AutoModel

from vocnlp import Bundle, Codeframe, Tagger
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError
from vocnlp.pooled import Pooled
from vocnlp.training.encoder_batches import batch_of
from vocnlp.training.encoder_fit import EncoderFit, scores
from vocnlp.training.encoder_net import TaggerNet, code_losses, taught_losses
from vocnlp.training.encoder_source import load_source
from vocnlp.training.encoder_train import distil, fit_encoder, fit_network, network_of, tagger_files
from vocnlp.training.export import to_int8, to_onnx
from vocnlp.training.labelled import GoldTag, Labelled, read_texts
from vocnlp.training.reading import examples
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.starts import known_codes, pretraining_of
from vocnlp.training.steps import TrainingError
from vocnlp.training.train import train_bundle
from vocnlp.windows import WORD, Marks, read_windows

RECIPE = EncoderRecipe(
    epochs=40, batch=512, rate=2e-3, heads_rate=5e-3, evidence_weight=0.3, hidden=0.0, adversarial=0.0
)


@pytest.fixture(scope="module")
def folder(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny", tiny_rows, layers=2)


@pytest.fixture(scope="module")
def bundle_path(
    folder: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of the tiny encoder, fitted to the corner shop's voices."""
    fitted = fit_encoder(tiny_rows, tiny_frame, load_source(str(folder)), RECIPE)
    path = tmp_path_factory.mktemp("bundles") / "small"
    draft = Bundle("small", "0.1.0", tiny_frame, fitted.classifier, fitted.thresholds)
    draft.save(path, card="# small\n", beside=fitted.beside)
    return path


@pytest.fixture(scope="module")
def small(bundle_path: Path) -> Tagger:
    return Tagger.load(bundle_path)


@pytest.fixture
def broken(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "small"))


# --- what it reads -------------------------------------------------------------------------------------------------


def test_it_finds_codes_with_polarity_and_the_clause_that_says_so(small: Tagger) -> None:
    text = "味道不错，但是价格太贵"
    (prediction,) = small.tag([text])
    sure = [tag for tag in prediction.tags if tag.confidence > 0.4]  # its thresholds, from few comments, are near .15
    assert [(tag.code, tag.polarity, text[tag.start : tag.end], tag.source) for tag in sure] == [
        ("taste", "positive", "味道不错", "model"),
        ("price", "negative", "但是价格太贵", "model"),
    ]
    assert prediction.probabilities is not None
    assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)


def test_scores_do_not_depend_on_the_texts_beside(small: Tagger, tiny_rows: list[Labelled]) -> None:
    lines = [[row.text] for row in tiny_rows] + [["味道很好"] * 30, [""], ["鬯"]]
    together = small.bundle.classifier.score(lines)
    for k in range(0, len(lines), 5):
        alone = small.bundle.classifier.score([lines[k]])
        assert together.sentiment is not None
        assert alone.sentiment is not None
        np.testing.assert_allclose(alone.mention[0], together.mention[k], atol=2e-5)
        np.testing.assert_allclose(alone.polarity[0], together.polarity[k], atol=2e-5)
        np.testing.assert_allclose(alone.sentiment[0], together.sentiment[k], atol=2e-5)


def test_parts_read_on_several_threads_are_answered_as_one_by_one(small: Tagger, tiny_rows: list[Labelled]) -> None:
    texts = [f"{row.text}，{number}号店" for number in range(12) for row in tiny_rows]
    assert len(texts) > 2 * 256
    seen: list[str] = []
    alone = Tagger(replace(small.bundle, classifier=small.bundle.classifier.on_threads(1)))
    several = Tagger(replace(small.bundle, classifier=small.bundle.classifier.on_threads(3)))
    answers = several.tag(texts, watch=lambda read, scores: seen.extend(read))
    assert seen == texts  # in their order, whichever part was ready first
    for answer, one in zip(answers, alone.tag(texts), strict=True):
        assert [(tag.code, tag.polarity, tag.start, tag.end) for tag in answer.tags] == [
            (tag.code, tag.polarity, tag.start, tag.end) for tag in one.tags
        ]
        assert answer.probabilities == pytest.approx(one.probabilities, abs=2e-5)


def test_a_text_longer_than_the_window_is_read_to_its_end(small: Tagger) -> None:
    lines = ["今天路过买了一份"] * 20
    found = small.bundle.classifier.score([[*lines, "快递太慢"], [*lines, "味道很好"]])
    apart = np.abs(found.mention[0] - found.mention[1]).max()
    assert apart > 1e-3  # only the end of the last window differs


def test_windows_hold_every_token_once_and_remember_the_clause(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read = read_windows([["味道不错"] * 20, ["价格太贵"], []], tokenizer, 16, Marks())
    once = tokenizer.encode("味道不错").ids
    assert len(once) < 6
    assert np.diff(read.start).max() <= 16
    assert list(read.owner) == sorted(read.owner)
    long = [k for k in range(len(read.owner)) if read.owner[k] == 0]
    ids = [int(i) for k in long for i in read.ids[read.start[k] : read.start[k + 1]] if i > 4]
    assert ids == once * 20
    clause = [int(c) for k in long for c in read.clause[read.start[k] : read.start[k + 1]] if c >= 0]
    assert sorted(set(clause)) == list(range(20))


def test_the_slope_of_mood_sharpens_sentiment(small: Tagger) -> None:
    encoder = small.bundle.classifier
    assert isinstance(encoder, Encoder)
    one, two = (
        replace(encoder, mood_slope=slope).score([["味道不错"]]).sentiment for slope in ((1.0, 1.0), (1.0, 3.0))
    )
    assert one is not None
    assert two is not None

    def odds(chances: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        return float(np.log(chances[0, 2] / chances[0, 0]))

    assert odds(two) == pytest.approx(3 * odds(one), rel=1e-3)
    assert two[0, 1] == pytest.approx(one[0, 1], abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "鬯", "。", "a", "\x00", "\ud800", "😀" * 3000, "贵" * 100_000, "好，" * 20_000, "\n"]
)
def test_any_text_whatever_gets_an_answer(small: Tagger, text: str) -> None:
    (prediction,) = small.tag([text])
    assert prediction.sentiment in ("positive", "neutral", "negative")
    assert all(0 <= tag.start < tag.end <= len(text) for tag in prediction.tags)


def test_a_text_without_a_word_mentions_nothing(small: Tagger) -> None:
    assert small.bundle.classifier.score([[""]]).mention.max() < 1e-6


def test_scoring_needs_no_torch(bundle_path: Path) -> None:
    program = f"""
import sys
from vocnlp import Tagger
print(Tagger.load({str(bundle_path)!r}).tag(["味道不错，但是价格太贵"])[0].tags[0].code, sorted({{"torch", "transformers"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "taste []\n"


def test_a_file_is_scored_with_it_in_several_processes(bundle_path: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    lines = ["味道不错，但是价格太贵", "快递太慢", "今天路过"]
    source.write_text("评论\n" + "".join(f"{lines[k % 3]}{k}\n" for k in range(33_000)), encoding="utf-8")
    command = [sys.executable, "-m", "vocnlp.cli", "score", str(source), "-o", str(tmp_path / "out.csv")]
    subprocess.run([*command, "--bundle", str(bundle_path), "--workers", "2"], check=True, capture_output=True)
    rows = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 33_001
    assert "taste|price" in rows[1]


# --- export --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(folder: Path) -> TaggerNet:
    torch.manual_seed(1)
    return TaggerNet(load_source(str(folder)).model, 3).eval()


@pytest.fixture(scope="module")
def graph(network: TaggerNet) -> bytes:
    return to_onnx(network)


def feed(n: int, t: int, seed: int = 0) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    chance = np.random.default_rng(seed)
    ids, kind = chance.integers(5, 60, (n, t)), np.full((n, t), WORD)
    kind[:, 0] = 1
    for row in range(1, n):
        kind[row, max(2, t - 2 * row) :] = 0
    return {"ids": ids * (kind > 0), "kind": kind}


def test_a_graph_says_nothing_of_the_machine_that_made_it(graph: bytes) -> None:
    shipped = (Bundle.load().path or Path()) / "onnx" / "model_int8.onnx"
    for one in (graph, shipped.read_bytes()):
        assert [word for word in (b"site-packages", b".py", b"stack_trace") if word in one] == []


@pytest.mark.parametrize(("n", "t"), [(1, 2), (1, 24), (2, 3), (7, 11), (64, 8), (33, 24)])
def test_the_graph_gives_what_thenetwork_of_gives(network: TaggerNet, graph: bytes, n: int, t: int) -> None:
    given = feed(n, t)
    mood, total, weighted, best, _ = onnxruntime.InferenceSession(graph).run(None, given)
    with torch.inference_mode():
        read = network(torch.from_numpy(given["ids"]), torch.from_numpy(given["kind"]))
    np.testing.assert_allclose(mood, read.mood.numpy(), atol=1e-5)
    np.testing.assert_allclose(total, read.total.numpy(), rtol=1e-4)
    np.testing.assert_allclose(weighted, read.weighted.numpy(), atol=1e-4)
    np.testing.assert_allclose(best, read.attention.max(1).values.numpy(), rtol=1e-4)


def test_int8_is_near_and_smaller_and_the_same_for_a_row_alone(network: TaggerNet, graph: bytes) -> None:
    small = to_int8(graph, [feed(16, 20, seed) for seed in range(4)])
    assert len(small) < 0.8 * len(graph)
    given = feed(8, 16, 9)
    one, two = onnxruntime.InferenceSession(graph), onnxruntime.InferenceSession(small)
    exact, rounded = one.run(None, given), two.run(None, given)
    assert np.abs(exact[0] - rounded[0]).max() < 0.1
    assert np.abs(exact[2] / exact[1][..., None] - rounded[2] / rounded[1][..., None]).max() < 0.15
    alone = two.run(None, {name: array[:1] for name, array in given.items()})
    for whole, single in zip(rounded[:4], alone[:4], strict=True):
        np.testing.assert_allclose(whole[:1], single, atol=1e-4)
    assert "DynamicQuantizeLinear" not in str(small)
    products = [node for node in onnx.load_from_string(small).graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert {len(node.input) for node in products} == {7}  # the bias is among them: nothing is left to add


# --- learning ------------------------------------------------------------------------------------------------------


def test_unknown_mentions_and_unjudged_polarity_teach_nothing() -> None:
    logits = torch.zeros(1, 3, 4, requires_grad=True)
    mention, polarity = torch.tensor([[1, 0, -1]]), torch.tensor([[2, -1, -1]])
    first, second = code_losses(logits, mention, polarity, exclusive=False)
    (first + second).backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0].tolist() == [-0.5, 0.5, 0.0]
    assert logits.grad[0, 1:, 1:].abs().sum() == 0
    assert logits.grad[0, 0, 1:].tolist() == pytest.approx([1 / 3, 1 / 3, -2 / 3])


def test_a_fit_that_was_stopped_resumes_to_the_same_weights(
    folder: Path, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read = examples(tiny_rows, ["taste", "price"], tokenizer, 24, Marks())
    recipe = replace(RECIPE, epochs=3, batch=256)

    def begin(work: Path | None) -> EncoderFit:
        torch.manual_seed(5)
        return EncoderFit(TaggerNet(load_source(str(folder)).model, 2), recipe, exclusive=False, work=work)

    whole = begin(None)
    whole.run(read, progress=lambda what, share: None)

    class Stop(Exception):
        pass

    def stopping(what: str, share: float) -> None:
        if share > 0.5:
            raise Stop

    with pytest.raises(Stop):
        begin(tmp_path / "work").run(read, progress=stopping, save_every=0.0)
    again = begin(tmp_path / "work")
    assert 0 < again.position.step < whole.position.step
    again.run(read, progress=lambda what, share: None)
    for one, two in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("tokens", "batch", "epochs"), [(1_000, 512, 16.0), (40_000, 512, 7.7), (160_000, 2000, 7.5), (9e6, 3072, 4.0)]
)
def test_a_small_set_is_read_more_often_in_smaller_batches(tokens: float, batch: int, epochs: float) -> None:
    recipe = EncoderRecipe().for_tokens(tokens)
    assert (recipe.batch, recipe.epochs) == (batch, epochs)


def test_hidden_words_are_words_and_the_same_after_a_resume(folder: Path, tiny_rows: list[Labelled]) -> None:
    source = load_source(str(folder))
    read = examples(tiny_rows, ["taste"], Tokenizer.from_buffer(source.vocabulary), 24, Marks())
    recipe = replace(RECIPE, hidden=0.5)
    batch = batch_of(read[:8])

    def ids(mask: int | None, step: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return EncoderFit(TaggerNet(source.model, 1), recipe, exclusive=False, mask=mask)._hidden(batch, step)

    assert source.mask == 4
    seen = ids(source.mask, 3)
    changed = seen != batch.ids
    assert np.all(seen[changed] == 4)
    assert np.all(batch.kind[changed] == WORD)
    assert 0.3 < changed.sum() / (batch.kind == WORD).sum() < 0.7
    assert np.array_equal(seen, ids(source.mask, 3))
    assert np.array_equal(ids(None, 3), batch.ids)


def test_a_loss_that_is_no_number_stops_the_fit_and_says_where(folder: Path, tiny_rows: list[Labelled]) -> None:
    read = examples(tiny_rows, ["taste"], Tokenizer.from_file(str(folder / "tokenizer.json")), 24, Marks())
    network = TaggerNet(load_source(str(folder)).model, 1)
    fit = EncoderFit(network, replace(RECIPE, rate=float("inf")), exclusive=False)
    with pytest.raises(TrainingError, match="the loss is nan at step 2") as caught:
        fit.run(read, progress=lambda what, share: None)
    assert caught.value.hint == "lower the rate in the recipe"  # no checkpoint is spoken of: there is none


def test_marked_words_draw_the_attention(folder: Path, tiny_frame: Codeframe) -> None:
    """Without the marks nothing says which of two clauses that always stand together is the evidence."""
    rows = [
        Labelled(f"{k}", f"{a}，{b}", (GoldTag("taste", "positive", 0, len(a)),) if a == "味道不错" else (), "positive")
        for k, (a, b) in enumerate([("味道不错", "今天路过"), ("质量真好", "全家都爱")] * 12)
    ]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read = examples(rows, ["taste"], tokenizer, 24, Marks())
    network = TaggerNet(load_source(str(folder)).model, 1)
    EncoderFit(network, replace(RECIPE, epochs=20), exclusive=False).run(read, progress=lambda what, share: None)
    batch = batch_of(read[:1])
    with torch.inference_mode():
        attention = network.eval()(torch.from_numpy(batch.ids), torch.from_numpy(batch.kind)).attention[0, :, 0].numpy()
    clause = read[0].windows[0].clause
    on = attention[: len(clause)][clause == 0].sum()
    assert on > 0.8 * attention.sum()


def test_a_bundle_is_a_start_for_another_training(bundle_path: Path, tiny_rows: list[Labelled]) -> None:
    before = Bundle.load(bundle_path)
    source = load_source(str(bundle_path), codes=before.classifier.codes)
    tokenizer = Tokenizer.from_buffer(source.vocabulary)
    read = examples(tiny_rows, ["price", "taste"], tokenizer, 24, Marks())
    logits, _ = scores(network_of(source, ["price", "taste"]), read)
    there = np.stack([one.mention for one in read]) == 1
    found = logits[:, :, 0] > 0
    assert (found == there).mean() > 0.95  # the heads of the same codes came along, though the columns changed places


def test_a_share_of_the_weights_can_stay_as_it_was(
    bundle_path: Path, folder: Path, tiny_rows: list[Labelled], tiny_frame: Codeframe
) -> None:
    def fitted(start: Path, share: float) -> dict[str, torch.Tensor]:
        source = load_source(str(start), codes=known_codes(str(start)))
        recipe = replace(RECIPE, epochs=10.0, least_steps=0, patience=0, kept=share)
        network = fit_network(tiny_rows, tiny_frame, source, recipe).network
        return load(tagger_files(network)["model.safetensors"])

    first, all_new, kept = load_file(bundle_path / "model.safetensors"), *(fitted(bundle_path, s) for s in (0.0, 0.25))
    name = "encoder.layer.0.output.dense.weight"
    assert not torch.allclose(first[name], all_new[name], atol=1e-2)
    for name, tensor in kept.items():
        mixed = 0.25 * first[name].float() + 0.75 * all_new[name].float()
        torch.testing.assert_close(tensor.float(), mixed, atol=1e-3, rtol=1e-3)
    with pytest.raises(InputError, match=r"codes that the start does not know \(value: 'attitude, delivery, price, "):
        fitted(folder, 0.25)


def test_exclusive_codes_share_one_certainty(folder: Path, tmp_path: Path) -> None:
    asks = {
        "退款": ["想退款", "钱什么时候退", "申请退货退款", "退款慢", "要退钱"],
        "快递": ["快递到哪了", "发什么快递", "快递太慢", "换个快递", "快递丢了"],
    }
    lines = [{"text": text, "label": label} for label, texts in asks.items() for text in texts * 4]
    data = tmp_path / "asks.jsonl"
    data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    bundle = train_bundle(data, tmp_path / "b", encoder=str(folder), dev_parts=0)
    assert bundle.codeframe.exclusive
    assert isinstance(bundle.classifier, Pooled)
    np.testing.assert_allclose(bundle.classifier.score([["快递太慢"], ["x"]]).mention.sum(1), [1, 1], atol=1e-5)


def test_the_command_fine_tunes_a_folder_and_the_card_says_so(
    folder: Path, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    data, out = tmp_path / "shop.jsonl", tmp_path / "bundle"
    rows = [
        {"id": row.id, "text": row.text, "sentiment": row.sentiment,
         "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags]}
        for row in tiny_rows
    ]  # fmt: skip
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "vocnlp.cli", "train", "--data", str(data), "--out", str(out)]
    subprocess.run([*command, "--encoder", str(folder)], check=True, capture_output=True)
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        "README.md", "codeframe.json", "config.json", "manifest.json", "model.safetensors", "model_int8.onnx", "ngrams.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert "tiny, fine-tuned for 16 epochs and " in (out / "README.md").read_text(encoding="utf-8")
    assert AutoModel.from_pretrained(out).config.hidden_size == 32
    assert not list(tmp_path.glob(".*"))
    both = subprocess.run([*command, "--encoder", str(folder), "--linear"], check=False, capture_output=True, text=True)
    assert both.returncode == 2
    assert "three ways to begin" in both.stderr


# --- what is refused -----------------------------------------------------------------------------------------------


def no_encoder(path: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        load_source(str(path))
    assert caught.value.hint
    return caught.value.message


def test_encoders_that_would_run_code_or_lack_parts_are_refused(folder: Path, tmp_path: Path) -> None:
    def changed(name: str, without: str, file: str = "", content: bytes = b"") -> Path:
        copy = Path(shutil.copytree(folder, tmp_path / name))
        (copy / without).unlink()
        if file:
            (copy / file).write_bytes(content)
        return copy

    pickled = changed("pickled", "model.safetensors", "pytorch_model.bin", b"\x80\x04.")
    assert "its weights are pickled (pytorch_model.bin), and a pickle can run code" in no_encoder(pickled)
    assert "holds no model.safetensors" in no_encoder(changed("empty", "model.safetensors"))
    assert "holds no tokenizer.json" in no_encoder(changed("mute", "tokenizer.json"))
    assert "holds no config.json" in no_encoder(changed("bare", "config.json"))
    config = json.loads((folder / "config.json").read_text())
    own = json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}).encode()
    assert "needs code of its own" in no_encoder(changed("coded", "config.json", "config.json", own))
    cut = (folder / "model.safetensors").read_bytes()[:500]
    assert "is no encoder that can be loaded" in no_encoder(
        changed("cut", "model.safetensors", "model.safetensors", cut)
    )


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("config.json", b'{"model_type": "bert", "hidden', "config.json: cannot be read: Unterminated string"),
        ("config.json", b"[]", "config.json: is no JSON object"),
        ("config.json", b'{"id2label": {"a": "taste"}}', "config.json, column 'id2label': must number the names"),
        ("config.json", b'{"id2label": {"0": "a", "2": "b"}}', "config.json, column 'id2label': must number the names"),
        ("config.json", b'{"id2label": 3}', "config.json, column 'id2label': must number the names"),
        ("tokenizer.json", b'{"version": "1.0", "trunc', "tokenizer.json: cannot be read: Unterminated string"),
        ("tokenizer.json", b'{"version": "1.0"}', "tokenizer.json: is no tokenizer that can be loaded: "),
        ("pretraining.json", b'{"tokens', "pretraining.json: cannot be read: Unterminated string"),
    ],
)
def test_an_encoder_with_a_damaged_file_is_refused_with_its_name(
    folder: Path, tiny_rows: list[Labelled], tmp_path: Path, file: str, content: bytes, told: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "damaged"))
    (copy / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        pretraining_of(copy)
        load_source(str(copy), codes=known_codes(str(copy)))
    assert told in str(caught.value)
    assert caught.value.hint


def test_a_hub_id_needs_its_revision() -> None:
    assert "a hub id needs its revision" in no_encoder("somebody/some-encoder")
    assert "no such folder" in no_encoder("nowhere")


def test_a_bundle_whose_graph_is_of_other_codes_is_refused(broken: Path) -> None:
    def fewer(manifest: dict[str, object]) -> None:
        codes = manifest["codes"]
        assert isinstance(codes, list)
        manifest["codes"] = codes[:-1]

    assert "the graph has 6 codes, the manifest 5" in refused(sealed(broken, fewer))


def test_a_bundle_whose_graph_or_tokenizer_is_none_is_refused(broken: Path) -> None:
    graph = (broken / "onnx" / "model_int8.onnx").read_bytes()
    assert "the encoder cannot be read" in refused(with_file(broken, "onnx/model_int8.onnx", graph[: len(graph) // 2]))
    with_file(broken, "onnx/model_int8.onnx", graph)
    assert "Cannot instantiate Tokenizer" in refused(with_file(broken, "tokenizer.json", b"{}"))


def test_a_bundle_whose_tokenizer_has_more_words_than_the_graph_is_refused(broken: Path) -> None:
    tokenizer = json.loads((broken / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] += [["多出来的词", -9.0]]
    content = json.dumps(tokenizer, ensure_ascii=False).encode()
    assert "the encoder cannot be read" in refused(with_file(broken, "tokenizer.json", content))


def test_an_altered_graph_is_refused(broken: Path) -> None:
    path = broken / "onnx" / "model_int8.onnx"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert hashlib.sha256(content).hexdigest() != hashlib.sha256(path.read_bytes()).hexdigest()
    assert refused(broken) == "onnx/model_int8.onnx was altered: its digest does not match"


# --- teachers ------------------------------------------------------------------------------------------------------


def test_a_teacher_counts_for_polarity_as_far_as_it_sees_the_code() -> None:
    logits, mood = torch.zeros(1, 2, 4, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    mention, polarity = torch.tensor([[1.0, 0.0]]), torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    first, second, third = taught_losses(
        logits, mood, mention, polarity, torch.tensor([[0.0, 0.5, 0.5]]), exclusive=False
    )
    (first + second + third).backward()
    assert logits.grad is not None
    assert mood.grad is not None
    assert logits.grad[0, :, 0].tolist() == [-0.5, 0.5]
    assert logits.grad[0, 0, 1:].tolist() == pytest.approx([-2 / 3, 1 / 3, 1 / 3])
    assert logits.grad[0, 1, 1:].abs().sum() == 0
    assert mood.grad[0].tolist() == [0.0, -0.5]


def test_a_small_encoder_learns_to_say_what_a_bundle_says(
    bundle_path: Path, folder: Path, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    data, out = tmp_path / "comments.csv", tmp_path / "pupil"
    data.write_text("评论\n" + "\n".join(row.text for row in tiny_rows * 2), encoding="utf-8")
    teacher = Bundle.load(bundle_path)
    texts = read_texts(data)
    fitted = distil(texts, teacher, load_source(str(folder)), replace(RECIPE, epochs=150, batch=256))
    lines = [[row.text] for row in tiny_rows]
    one, two = teacher.classifier.score(lines), fitted.classifier.score(lines)
    assert np.corrcoef(one.mention.ravel(), two.mention.ravel())[0, 1] > 0.9
    assert fitted.thresholds == dict(teacher.thresholds)
    command = [sys.executable, "-m", "vocnlp.cli", "train", "--data", str(data), "--out", str(out)]
    subprocess.run([*command, "--encoder", str(folder), "--teacher", str(bundle_path)], check=True, capture_output=True)
    assert f"taught by {teacher.label} in 16 epochs" in (out / "README.md").read_text(encoding="utf-8")
    alone = subprocess.run(
        [*command, "--force", "--linear", "--teacher", str(bundle_path)], check=False, capture_output=True, text=True
    )
    assert alone.returncode == 2
    assert "--teacher needs --encoder or --init" in alone.stderr
