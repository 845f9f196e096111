"""Bundles: saved whole or not at all, and loaded as they were saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vocnlp.bundle import Bundle, _digest
from vocnlp.classifiers import Scores
from vocnlp.codeframe import Codeframe
from vocnlp.errors import BundleError, OutputError
from vocnlp.linear import Linear
from vocnlp.tagger import Tagger

FILES = {"manifest.json", "codeframe.json", "model.safetensors", "README.md"}
COMMENTS = ["味道很好，就是价格太贵", "快递太慢", "停车位难找", "随便逛逛", "无"]


def contents(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir()}


def test_what_is_saved_is_what_is_loaded(tiny_bundle: Path, tiny_frame: Codeframe, tmp_path: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    assert set(contents(tiny_bundle)) == FILES
    assert bundle.codeframe == tiny_frame
    assert (bundle.name, bundle.version, bundle.path) == ("corner-shop", "0.1.0", tiny_bundle)
    assert bundle.label == f"corner-shop@0.1.0+{bundle.digest[:8]}"
    assert bundle.classifier.codes == ("quality", "taste", "attitude", "waiting", "delivery", "price")
    assert set(bundle.thresholds) == set(bundle.classifier.codes)
    assert bundle.figures == {"rows": 63}
    again = bundle.save(
        tmp_path / "deep" / "er" / "again", card=(tiny_bundle / "README.md").read_text(encoding="utf-8")
    )
    assert again.path == tmp_path / "deep" / "er" / "again"
    assert contents(again.path) == contents(tiny_bundle)
    assert again.digest == bundle.digest
    assert Tagger(again).tag(COMMENTS) == Tagger(bundle).tag(COMMENTS)


def test_the_codes_that_have_outgrown_their_keywords_are_kept_and_of_older_bundles_none(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    bundle = Bundle.load(tiny_bundle)
    assert bundle.outgrown == frozenset()
    grown = frozenset(bundle.classifier.codes[:2])
    assert replace(bundle, outgrown=grown).save(tmp_path / "grown", card="#\n").outgrown == grown
    manifest = json.loads((tmp_path / "grown" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.pop("outgrown") == sorted(grown)
    manifest["digest"] = _digest(manifest)
    (tmp_path / "grown" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert Bundle.load(tmp_path / "grown").outgrown == frozenset()


def test_the_label_of_a_bundle_that_was_never_saved_has_no_digest(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    assert Bundle("neu", "3", bundle.codeframe, bundle.classifier, {}).label == "neu@3"


def test_figures_filed_under_numbers_are_saved(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    figures = {10: 0.5, 9: 0.25, 100: float("nan")}
    saved = Bundle("n", "1", bundle.codeframe, bundle.classifier, {}, figures).save(tmp_path / "n", card="")
    assert {key: value for key, value in saved.figures.items() if key != "100"} == {"10": 0.5, "9": 0.25}
    assert Bundle.load(tmp_path / "n").digest == saved.digest


def test_a_bundle_of_sentiment_alone_is_saved(tiny_bundle: Path, tmp_path: Path) -> None:
    whole = Bundle.load(tiny_bundle).classifier
    assert isinstance(whole, Linear)
    model = Linear((), whole.vocabulary, whole.weights[:, :2], whole.bias[:2])
    saved = Bundle("mood", "1", Codeframe.from_labels([]), model, {}).save(tmp_path / "mood", card="")
    prediction = Tagger(saved).tag(["味道鲜美，汤底熬得很浓"])[0]
    assert (prediction.sentiment, prediction.tags) == ("positive", ())


def test_saving_does_not_overwrite_unless_forced(bundle_copy: Path) -> None:
    bundle = Bundle.load(bundle_copy)
    before = contents(bundle_copy)
    with pytest.raises(OutputError, match="already exists") as caught:
        bundle.save(bundle_copy, card="新的说明")
    assert "--force" in caught.value.hint
    assert contents(bundle_copy) == before
    bundle.save(bundle_copy, card="新的说明", force=True)
    assert (bundle_copy / "README.md").read_text(encoding="utf-8") == "新的说明"
    assert set(contents(bundle_copy)) == FILES
    assert [each.name for each in bundle_copy.parent.iterdir()] == [bundle_copy.name]


def test_a_link_to_a_bundle_stays_a_link_and_its_folder_is_replaced(bundle_copy: Path, tmp_path: Path) -> None:
    link = tmp_path / "现用"
    link.symlink_to(bundle_copy.name)
    saved = Bundle.load(bundle_copy).save(link, card="换过的说明", force=True)
    assert (saved.path, link.is_symlink()) == (link, True)
    assert (bundle_copy / "README.md").read_text(encoding="utf-8") == "换过的说明"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["corner-shop", "现用"]


def test_a_link_that_leads_to_nothing_yet_gets_the_bundle_where_it_leads(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "链接").symlink_to("新模型")
    Bundle.load(tiny_bundle).save(tmp_path / "链接", card="# 新\n")
    assert (tmp_path / "链接").is_symlink()
    assert Bundle.load(tmp_path / "新模型").name == "corner-shop"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["新模型", "链接"]


def test_a_bundle_is_saved_into_the_folder_one_is_in(bundle_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(bundle_copy)
    monkeypatch.chdir(bundle_copy)
    assert bundle.save(".", card="就在这里", force=True).path == Path()
    assert (bundle_copy / "README.md").read_text(encoding="utf-8") == "就在这里"


def test_a_name_as_long_as_names_may_be_is_saved(tiny_bundle: Path, tmp_path: Path) -> None:
    long = tmp_path / ("长" * 85)
    assert Bundle.load(tiny_bundle).save(long, card="").path == long
    assert list(tmp_path.iterdir()) == [long]


def test_force_replaces_no_folder_that_is_not_a_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("三年的心血", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("笔记", encoding="utf-8")
    for target in (tmp_path / "thesis", tmp_path / "notes.txt", tmp_path):
        with pytest.raises(OutputError, match="is no bundle, so it is not replaced"):
            bundle.save(target, card="", force=True)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text(encoding="utf-8") == "三年的心血"
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "笔记"


def failing(method: Callable[..., Any], *, when: Callable[[Path], bool]) -> Callable[..., Any]:
    def call(path: Path, *rest: Any) -> Any:
        if when(path):
            raise OSError(28, "No space left on device")
        return method(path, *rest)

    return call


@pytest.mark.parametrize(
    ("method", "when"),
    [
        ("write_bytes", lambda path: path.name == "model.safetensors"),
        ("write_bytes", lambda path: path.name == "manifest.json"),
        # The old bundle has been moved aside, the new one cannot take its place.
        ("rename", lambda path: path.name == "new"),
    ],
)
def test_a_failed_save_leaves_the_old_bundle(
    bundle_copy: Path, monkeypatch: pytest.MonkeyPatch, method: str, when: Callable[[Path], bool]
) -> None:
    bundle, before = Bundle.load(bundle_copy), contents(bundle_copy)
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, failing(getattr(Path, method), when=when))
        with pytest.raises(OutputError, match="cannot be written: No space left on device"):
            bundle.save(bundle_copy, card="新的说明", force=True)
    assert contents(bundle_copy) == before
    assert [each.name for each in bundle_copy.parent.iterdir()] == [bundle_copy.name]


def test_what_could_not_be_read_back_replaces_nothing(bundle_copy: Path) -> None:
    bundle, before = Bundle.load(bundle_copy), contents(bundle_copy)
    stranger = Codeframe.from_labels(["别的码"])
    with pytest.raises(BundleError, match="weights and codeframe are not of the same training"):
        Bundle("x", "1", stranger, bundle.classifier, {}).save(bundle_copy, card="", force=True)
    assert contents(bundle_copy) == before
    assert [each.name for each in bundle_copy.parent.iterdir()] == [bundle_copy.name]


def test_a_folder_below_a_file_cannot_be_written(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        Bundle.load(tiny_bundle).save(tmp_path / "file" / "bundle", card="")


class Oracle:
    codes = ("price",)

    def score(self, texts: Any) -> Scores:
        raise AssertionError("saving asks for no scores")


def test_a_classifier_of_another_kind_cannot_be_saved(tiny_frame: Codeframe, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot write a Oracle"):
        Bundle("x", "1", tiny_frame, Oracle(), {}).save(tmp_path / "x", card="")
    assert list(tmp_path.iterdir()) == []
