"""Rules and the model: add, veto, decide, their order, exclusive frames, and what a trace says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe, Rule
from vocnlp.rule_report import outcomes
from vocnlp.tagger import Tagger

SYNONYMS = {"骑手": ("小哥", "骑手")}


def ruled(tagger: Tagger, *, exclusive: bool = False, **rules: Rule | tuple[Rule, ...]) -> Tagger:
    """The tagger with rules, by code id."""
    frame = tagger.codeframe
    given = {code: one if isinstance(one, tuple) else (one,) for code, one in rules.items()}
    codes = tuple(replace(code, rules=given.get(code.id, ())) for code in frame.codes)
    return Tagger(tagger.bundle, replace(frame, codes=codes, exclusive=exclusive, synonyms=SYNONYMS))


def said(tagger: Tagger, text: str) -> list[tuple[str, str, str]]:
    """(code, evidence, source) of every tag."""
    return [(tag.code, text[tag.start : tag.end], tag.source) for tag in tagger.tag([text])[0].tags]


TEXT = "味道不错，但是价格太贵，快遞小哥板着脸"


def test_what_there_is_without_rules(tagger: Tagger) -> None:
    evidence = [("taste", "味道不错"), ("price", "但是价格太贵"), ("delivery", "快遞小哥板着脸")]
    assert [one[:2] for one in said(tagger, TEXT)] == evidence


def test_a_rule_adds_what_the_model_missed(tagger: Tagger) -> None:
    found = ruled(tagger, attitude=Rule("@骑手 near/4 板着脸", polarity="negative"))
    (tag,) = [tag for tag in found.tag([TEXT])[0].tags if tag.code == "attitude"]
    assert (tag.polarity, tag.source, TEXT[tag.start : tag.end]) == ("negative", "rule", "快遞小哥板着脸")
    assert tag.confidence == 0.8
    assert [one for one in said(found, TEXT) if one[0] != "attitude"] == said(tagger, TEXT)


def test_without_a_polarity_the_sentiment_of_the_evidence_speaks(tagger: Tagger) -> None:
    by_keyword = tagger.tag(["停车位太贵"])[0].tags
    by_rule = ruled(tagger, parking=Rule("停车 and 贵")).tag(["停车位太贵"])[0].tags
    assert by_rule == by_keyword
    wide = ruled(tagger, parking=Rule("难吃 and 车", scope="comment")).tag(["东西难吃。没处停车，再见"])[0].tags
    (tag,) = [tag for tag in wide if tag.code == "parking"]
    assert (tag.start, tag.end) == (0, 9)
    alone = tagger.bundle.classifier.score([["东西难吃", "没处停车"]]).sentiment
    assert alone is not None
    assert tag.confidence == pytest.approx(0.8 * float(alone.max()))


def test_the_tag_of_the_model_stays_the_models(tagger: Tagger) -> None:
    assert ruled(tagger, price=Rule("贵", polarity="positive")).tag([TEXT]) == tagger.tag([TEXT])


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        (Rule("味道", effect="veto"), True),
        (Rule("价格", effect="veto"), False),  # holds in another clause than the tag's
        (Rule("价格", effect="veto", scope="comment"), True),
        (Rule("味道 and 价格", effect="veto"), False),
    ],
)
def test_a_veto_takes_the_tag_of_its_scope(tagger: Tagger, rule: Rule, gone: bool) -> None:
    expected = [one for one in said(tagger, TEXT) if not (gone and one[0] == "taste")]
    assert said(ruled(tagger, taste=rule), TEXT) == expected


def test_a_veto_takes_keywords_and_adding_rules_too(tagger: Tagger) -> None:
    veto = Rule("隔壁", effect="veto")
    assert said(ruled(tagger, parking=veto), "隔壁有停车位") == []
    assert said(ruled(tagger, parking=veto), "隔壁有停车位，这里没有停车位") == [("parking", "这里没有停车位", "rule")]
    assert said(ruled(tagger, parking=(Rule("车"), veto)), "隔壁能停车") == []
    assert said(ruled(tagger, parking=(Rule("车"), veto)), "隔壁很远，车没处放") == [("parking", "车没处放", "rule")]


def test_a_rule_that_decides_replaces_model_and_keywords(tagger: Tagger) -> None:
    found = ruled(tagger, price=Rule("affirmed(贵 or 便宜)", effect="decide", polarity="negative"))
    assert [one for one in said(found, TEXT) if one[0] == "price"] == [("price", "但是价格太贵", "rule")]
    assert said(tagger, "价格实惠")[0][0] == "price"
    assert said(found, "价格实惠") == []
    assert said(found, "价格不贵") == []


def test_decide_comes_before_veto_and_veto_before_add(tagger: Tagger) -> None:
    add, veto, decide = Rule("车"), Rule("车", effect="veto"), Rule("车", effect="decide")
    assert said(ruled(tagger, parking=(add, veto)), "没处放车") == []
    assert said(ruled(tagger, parking=(veto, add, decide)), "没处放车") == [("parking", "没处放车", "rule")]
    assert said(ruled(tagger, parking=(add, Rule("摩托", effect="decide"))), "没处放车") == []


def test_noise_is_not_held_against_rules(tagger: Tagger) -> None:
    found = ruled(tagger, parking=Rule('whole:"没有意见"', effect="decide"))
    assert found.tag(["没有意见"]) == tagger.tag(["没有意见"])


def test_rules_give_the_same_in_any_company(tagger: Tagger) -> None:
    found = ruled(
        tagger,
        parking=(Rule("车 near/8 贵", scope="comment"), Rule("affirmed(难停) or 车位", effect="veto")),
        taste=Rule("汤 or 菜", effect="decide"),
    )
    texts = [
        "车位难停，停车费贵",
        "菜咸，汤淡",
        "",
        "味道很好",
        "停一次车，真贵",
        "唔難停，泊车方便",
        "\ud800",
        TEXT,
    ] * 3
    alone = [found.tag([text])[0] for text in texts]
    assert found.tag(texts) == alone
    assert [traced.prediction for traced in found.trace(texts)] == alone


# --- exclusive frames -----------------------------------------------------------------------------------------------


def one_code(tagger: Tagger, text: str, **rules: Rule | tuple[Rule, ...]) -> tuple[str, str] | None:
    tags = ruled(tagger, exclusive=True, **rules).tag([text])[0].tags
    assert len(tags) <= 1
    return (tags[0].code, tags[0].source) if tags else None


def test_in_an_exclusive_frame_decide_speaks_before_the_model_and_add_after_it(tagger: Tagger) -> None:
    text = "快递太慢，一周没动静，没处停车"
    assert one_code(tagger, text) == ("delivery", "model")
    assert one_code(tagger, text, parking=Rule("停车")) == ("delivery", "model")
    assert one_code(tagger, text, parking=Rule("停车", effect="decide")) == ("parking", "rule")
    both = {"waiting": Rule("慢", effect="decide"), "parking": Rule("停车", effect="decide")}
    assert one_code(tagger, text, **both) == ("waiting", "rule")  # the first of the frame


def test_in_an_exclusive_frame_the_next_best_takes_the_place_of_a_vetoed_code(tagger: Tagger) -> None:
    text = "快递太慢，一周没动静"
    second = one_code(tagger, text, delivery=Rule("快递", effect="veto", scope="comment"))
    assert second is not None
    assert second[0] != "delivery"
    assert one_code(tagger, text, delivery=Rule("驿站", effect="decide")) == second
    every = {code: Rule("慢", effect="veto", scope="comment") for code in tagger.bundle.classifier.codes}
    assert one_code(tagger, text, **every) is None
    assert one_code(tagger, text, **every, parking=Rule("慢")) == ("parking", "rule")


# --- what a trace says ----------------------------------------------------------------------------------------------


def became(tagger: Tagger, text: str) -> dict[str, str]:
    (traced,) = tagger.trace([text])
    labels = {one.order: one.label for one in tagger.conditions}
    return {labels[order]: outcome for order, outcome in outcomes(traced, tagger.decided).items()}


def test_a_trace_says_what_became_of_every_rule(tagger: Tagger) -> None:
    found = ruled(
        tagger,
        taste=(Rule("味道", effect="veto"), Rule("味道")),
        price=(Rule("贵"), Rule("便宜", effect="veto")),
        attitude=(Rule("板着脸"), Rule("脸"), Rule("小哥", effect="veto", scope="comment", name="小哥不算")),
        parking=(Rule("快递", effect="decide"), Rule("小哥")),
        waiting=(Rule("板着脸"), Rule("脸")),
    )
    assert became(found, TEXT) == {
        "taste#1": "removed",
        "taste#2": "overruled",
        "price#1": "agreed",
        "attitude#1": "overruled",
        "attitude#2": "overruled",
        "小哥不算": "removed",
        "waiting#1": "added",
        "waiting#2": "agreed",
        "parking#1": "added",
        "parking#2": "overruled",
    }
    assert became(found, "价格便宜，味道一般？脸")["price#2"] == "removed"
    assert became(found, "") == {}


def test_a_trace_tells_what_there_was_without_rules(tagger: Tagger) -> None:
    (traced,) = ruled(tagger, taste=Rule("味道", effect="veto")).trace([TEXT])
    assert traced.without == tagger.tag([TEXT])[0].tags
    assert [TEXT[start:end] for start, end in traced.spans] == ["味道不错", "但是价格太贵", "快遞小哥板着脸"]
    assert [(one.first, one.last, one.words) for one in traced.firings] == [(0, 0, ("味道",))]


def test_rules_alone_will_do_for_a_foreign_frame(tagger: Tagger) -> None:
    frame = Codeframe.from_labels(["噪音"])
    (code,) = frame.codes
    loud = Tagger(tagger.bundle, replace(frame, codes=(replace(code, rules=(Rule("吵 or 闹"),)),)))
    assert said(loud, "隔壁太吵") == [("噪音", "隔壁太吵", "rule")]


def test_rules_travel_with_a_bundle(tagger: Tagger, tmp_path: Any) -> None:
    frame = ruled(tagger, parking=Rule("@骑手 and 停车", effect="veto", scope="comment")).codeframe
    bundle = replace(tagger.bundle, codeframe=frame)
    assert Bundle.load(bundle.save(tmp_path / "ruled", card="# 卡\n").path).codeframe == frame
