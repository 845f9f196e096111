"""The sample export: enough different comments, recognised without help, and read by the shipped bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from vocnlp import Bundle, Tagger
from vocnlp.batch import Options, open_for_scoring
from vocnlp.text import noise_kind

SAMPLE = Path(__file__).parents[1] / "examples" / "nps_survey.xlsx"
MODELS = Path(__file__).parents[1] / "models"


def test_columns_of_the_sample_are_recognised() -> None:
    source, columns = open_for_scoring(SAMPLE, Options())
    assert source.sheet == "NPS问卷导出"
    assert {
        role: columns.of(role) for role in ("text", "score", "stage", "channel", "segment", "customer", "at", "id")
    } == {
        "text": "您打分的主要原因是什么？",
        "score": "推荐分(0-10)",
        "stage": "触点",
        "channel": "渠道",
        "segment": "客户类型",
        "customer": "客户编号",
        "at": "提交时间",
        "id": "答卷编号",
    }


def test_the_sample_holds_four_hundred_different_comments_and_some_noise() -> None:
    source, columns = open_for_scoring(SAMPLE, Options())
    texts = [text or "" for batch in source.batches() for text in batch.column(columns.text).to_pylist()]
    assert len({text for text in texts if noise_kind(text) is None}) >= 400
    assert {noise_kind(text) for text in texts} >= {None, "empty", "no_opinion", "punctuation", "spam", "mash"}


@pytest.mark.parametrize(("name", "most"), [(None, 45_000_000), ("voc-zh-linear", 10_000_000)])
def test_the_shipped_bundles_are_small_and_know_the_frame(name: str | None, most: int) -> None:
    bundle = Bundle.load(MODELS / name if name else None)
    assert bundle.path is not None
    assert sum(file.stat().st_size for file in bundle.path.rglob("*") if file.is_file()) < most
    assert len(bundle.classifier.codes) >= 90
    assert bundle.codeframe.name == "voc-zh-general"


def test_the_shipped_encoder_is_read_by_transformers_and_small() -> None:
    """AutoModel reads it, so anybody can go on from it; at most fifteen million parameters."""
    from transformers import AutoModel, AutoTokenizer

    path = Bundle.load().path
    assert path is not None
    model, tokenizer = AutoModel.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    assert sum(parameter.numel() for parameter in model.parameters()) <= 15_000_000
    assert len(tokenizer) == model.config.vocab_size
    hidden = model(**tokenizer("客服很有耐心", return_tensors="pt", return_token_type_ids=False)).last_hidden_state
    assert hidden.shape[2] == model.config.hidden_size


def test_plain_comments_are_read_as_anybody_would() -> None:
    said = {
        "快递员态度恶劣，箱子直接扔在楼道": ("negative", "logistics"),
        "菜品新鲜，味道特别好，下次还来": ("positive", "taste"),
        "App一打开就闪退，重装也没用": ("negative", "app_web"),
        "客服小姐姐很耐心，还主动帮我申请了补偿": ("positive", "staff_attitude"),
        "停車場太小，繞了三圈都找不到位": ("negative", "parking"),
    }
    for text, prediction in zip(said, Tagger.load().tag(list(said)), strict=True):
        sentiment, code = said[text]
        assert prediction.sentiment == sentiment, text
        assert (code, sentiment) in {(tag.code, tag.polarity) for tag in prediction.tags}, (text, prediction.tags)
