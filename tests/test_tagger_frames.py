"""The tagger with another frame than its bundle's own, with exclusive frames, and with models that know less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Code, Codeframe
from vocnlp.errors import CodeframeError
from vocnlp.linear import Linear
from vocnlp.tagger import Tagger
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear


def said(tagger: Tagger, text: str) -> list[tuple[str, str, str, str]]:
    """(code, polarity, evidence, source) of every tag."""
    tags = tagger.tag([text])[0].tags
    return [(tag.code, tag.polarity, text[tag.start : tag.end], tag.source) for tag in tags]


# --- another frame than the bundle's own ----------------------------------------------------------------------------


def frame(*codes: Code, exclusive: bool = False) -> Codeframe:
    return Codeframe("branch", "2", codes, exclusive=exclusive)


def code(code_id: str, *keywords: str) -> Code:
    return Code(code_id, code_id, f"关于{code_id}", keywords=keywords)


def test_a_foreign_frame_says_which_codes_there_are(tagger: Tagger) -> None:
    foreign = Tagger(tagger.bundle, frame(code("taste"), code("music", "背景音乐", "放的歌"), code("silent")))
    text = "味道很好，背景音樂太吵，价格太贵，放的歌老土"
    assert [(c, evidence, source) for c, _, evidence, source in said(foreign, text)] == [
        ("taste", "味道很好", "model"),
        ("music", "背景音樂太吵", "rule"),
    ]
    own, other = tagger.tag([text])[0], foreign.tag([text])[0]
    assert (other.sentiment, other.probabilities, other.bundle) == (own.sentiment, own.probabilities, own.bundle)


def test_a_frame_of_keywords_alone_will_do(tagger: Tagger) -> None:
    foreign = Tagger(tagger.bundle, frame(code("music", "音乐")))
    assert [tag.code for tag in foreign.tag(["音乐好听", "味道很好"])[0].tags] == ["music"]
    assert foreign.tag(["味道很好"])[0].tags == ()


def test_keywords_that_a_code_has_outgrown_add_nothing_and_new_ones_still_do(tagger: Tagger) -> None:
    mine = frame(code("taste", "酱油"), code("music", "音乐"))
    bar = {**tagger.bundle.thresholds, "taste": 1.0}  # the model never says so itself
    grown = replace(tagger.bundle, codeframe=mine, thresholds=bar)
    text = "酱油瓶是空的，音乐震耳朵，辣椒罐也没盖"
    assert [(c, source) for c, _, _, source in said(Tagger(grown), text)] == [("taste", "rule"), ("music", "rule")]
    grown = replace(grown, outgrown=frozenset({"taste"}))
    assert [(c, source) for c, _, _, source in said(Tagger(grown), text)] == [("music", "rule")]
    wider = frame(code("taste", "酱油", "辣椒罐"), code("music", "音乐"))
    assert [(c, evidence) for c, _, evidence, _ in said(Tagger(grown, wider), text)] == [
        ("music", "音乐震耳朵"),
        ("taste", "辣椒罐也没盖"),
    ]


@pytest.mark.parametrize(
    "stranger",
    [
        frame(code("music")),
        frame(
            replace(code("music"), keywords=("音乐",)), Code("song", "歌", "关于歌", parent="music")
        ),  # a root carries no tag
        frame(),
        Codeframe.from_labels(["别的", "码"]),
    ],
)
def test_a_frame_that_shares_nothing_is_refused(tagger: Tagger, stranger: Codeframe) -> None:
    with pytest.raises(CodeframeError, match="shares no code with bundle corner-shop and has no keywords") as caught:
        Tagger(tagger.bundle, stranger)
    assert caught.value.hint == "train a bundle for this codeframe, or give its codes keywords"


def test_a_frame_is_read_from_its_file(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "branch.yaml"
    path.write_text(
        "schema: 1\nname: branch\nversion: 2.0.0\ncodes: [{id: price, name: 价钱, definition: 贵不贵}]\n",
        encoding="utf-8",
    )
    foreign = Tagger.load(tiny_bundle, codeframe=path)
    assert foreign.codeframe.name == "branch"
    assert said(foreign, "味道不错，但是价格太贵") == [("price", "negative", "但是价格太贵", "model")]


def test_the_bundles_own_frame_given_from_outside_changes_nothing(tagger: Tagger, tiny_frame: Codeframe) -> None:
    texts = ["味道不错，但是价格太贵", "停车位难找", "随便逛逛"]
    assert Tagger(tagger.bundle, tiny_frame).tag(texts) == tagger.tag(texts)


# --- exclusive frames -----------------------------------------------------------------------------------------------


def test_an_exclusive_frame_gives_every_text_one_code(tagger: Tagger, tiny_frame: Codeframe) -> None:
    exclusive = Tagger(tagger.bundle, replace(tiny_frame, exclusive=True))
    texts = [
        "味道不错，但是价格太贵",
        "停车位难找",
        "今天天气晴朗",
        "xyz thing",
        "快递快，态度好，价格便宜，质量好",
    ]
    assert [len(prediction.tags) for prediction in exclusive.tag(texts)] == [1] * len(texts)
    assert exclusive.tag(["快递太慢，一周没动静"])[0].tags[0].code == "delivery"
    assert [prediction.tags for prediction in exclusive.tag(["", "无", "。" * 500])] == [(), (), ()]


def test_an_exclusive_frame_of_keywords_gives_one_code_at_most(tagger: Tagger) -> None:
    exclusive = Tagger(tagger.bundle, frame(code("music", "音乐"), code("light", "灯光"), exclusive=True))
    predictions = exclusive.tag(["音乐太吵，灯光太暗", "灯光很美", "味道很好"])
    assert [len(prediction.tags) for prediction in predictions] == [1, 1, 0]
    assert predictions[1].tags[0].code == "light"


def test_labels_teach_an_exclusive_model() -> None:
    lines = {
        "退款": ["申请退款没人处理", "退款三天没到", "怎么退款", "退款被拒", "退款进度查不到", "退款金额不对", "我要退款", "退款退到哪了",
               "退款按钮是灰的", "为什么不给退款", "退款要几天", "部分退款行不行"],
        "发票": ["发票抬头错了", "没给发票", "要开发票", "发票没收到", "电子发票发到邮箱", "发票税号填错", "补开发票", "发票下载不了",
               "能开专用发票吗", "发票金额少了", "发票寄丢了", "怎么申请发票"],
    }  # fmt: skip
    rows = [
        Labelled(f"{label}{i}", text, (GoldTag(label, None),))
        for label, texts in lines.items()
        for i, text in enumerate(texts)
    ]
    labels = Codeframe.from_labels(lines, exclusive=True)
    fitted = fit_linear(rows, labels, LinearRecipe(least_texts=1))
    trained = Tagger(Bundle("tickets", "1", labels, fitted.model, fitted.thresholds))
    predictions = trained.tag(["我的退款呢", "发票开错了", "你好呀"])
    assert [[tag.code for tag in prediction.tags] for prediction in predictions[:2]] == [["退款"], ["发票"]]
    assert len(predictions[2].tags) == 1
    assert [prediction.probabilities for prediction in predictions] == [()] * 3  # it never learnt sentiment
    assert [prediction.sentiment for prediction in predictions] == [
        prediction.tags[0].polarity for prediction in predictions
    ]


# --- models that know less ------------------------------------------------------------------------------------------


def test_without_sentiment_the_weightier_polarity_speaks_for_the_whole(tagger: Tagger) -> None:
    whole = tagger.bundle.classifier
    assert isinstance(whole, Linear)
    codes_alone = replace(whole, weights=whole.weights[:, 2:], bias=whole.bias[2:])
    bare = Tagger(replace(tagger.bundle, classifier=codes_alone))
    text = "味道不错，但是价格太贵"
    with_it, without = tagger.tag([text])[0], bare.tag([text])[0]
    # The same codes in the same places; how sure it is of a polarity differs, for nothing leans on a sentiment here.
    assert [(tag.code, tag.start, tag.end) for tag in without.tags] == [
        (tag.code, tag.start, tag.end) for tag in with_it.tags
    ]
    taste, price = without.tags
    assert (taste.code, price.code) == ("taste", "price")
    weight = {"negative": 0.0, "neutral": 0.0, "positive": 0.0}
    for tag in (taste, price):
        weight[tag.polarity] += tag.confidence
    heaviest = max(weight, key=lambda polarity: weight[polarity])
    assert without.sentiment == heaviest
    assert without.confidence == pytest.approx(weight[heaviest] / (taste.confidence + price.confidence))
    assert without.probabilities == ()
    parking = bare.tag(["停车位"])[0].tags
    assert [(tag.code, tag.polarity, tag.source) for tag in parking] == [("parking", "neutral", "rule")]
    silent = bare.tag(["今天天气晴朗"])[0]
    assert (silent.sentiment, silent.confidence, silent.tags) == ("neutral", 0.0, ())


def test_a_model_of_sentiment_alone_tags_nothing_and_raises_nothing(tagger: Tagger) -> None:
    whole = tagger.bundle.classifier
    assert isinstance(whole, Linear)
    mood = Linear((), whole.vocabulary, whole.weights[:, :2], whole.bias[:2])
    alone = Tagger(Bundle("mood", "1", Codeframe.from_labels([]), mood, {}))
    texts = ["味道鲜美，汤底熬得很浓", "", "太失望了，再也不来"]
    assert [(p.sentiment, p.tags, p.noise) for p in alone.tag(texts)] == [
        ("positive", (), None),
        ("neutral", (), "empty"),
        ("negative", (), None),
    ]


def test_thresholds_decide(tagger: Tagger) -> None:
    def count(threshold: float) -> int:
        bundle = replace(tagger.bundle, thresholds=dict.fromkeys(tagger.bundle.classifier.codes, threshold))
        return sum(tag.source == "model" for tag in Tagger(bundle).tag(["味道不错，但是价格太贵"])[0].tags)

    assert [count(threshold) for threshold in (0.0, 0.5, float(np.nextafter(np.float32(1), np.float32(2))))] == [
        6,
        2,
        0,
    ]
