"""What ``vocnlp evaluate`` says beyond the headline: per polarity, intervals, calibration, confusion, the worst errors."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vocnlp.classifiers import Scores
from vocnlp.codeframe import Codeframe
from vocnlp.records import Prediction, Tag
from vocnlp.tagger import Tagger
from vocnlp.training.evaluation import evaluate, examine
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.mistakes import confusions
from vocnlp.training.reliability import reliability
from vocnlp.training.tally import Answer, Count, judged_codes, judged_pairs

FRAME = Codeframe.from_labels(["口味", "物流", "包装"])
CODES = ("包装", "口味", "物流")

#: Text; gold tags and sentiment; the tags said and the sentiment; P(mention) of the codes in order.
ROWS = [
    Labelled(
        "1", "送得慢，汤也凉了", (GoldTag("物流", "negative"), GoldTag("口味", "negative")), "negative", source="a"
    ),
    Labelled("2", "盒子压扁了", (GoldTag("包装", "negative"),), "negative", source="a"),
    Labelled("3", "骑手13812345678态度不错", (), "positive", frozenset(CODES), source="a"),
    Labelled("4", "汤很鲜", (GoldTag("口味", "positive"),), "positive", source="b"),
]
SAID = {
    "1": Prediction("negative", 0.9, (Tag("物流", "negative", 0.8, 0, 3), Tag("口味", "positive", 0.6, 4, 8))),
    "2": Prediction("neutral", 0.5, (Tag("物流", "negative", 0.7, 0, 5),)),
    "3": Prediction("positive", 0.8, (Tag("物流", "positive", 0.55, 0, 15, "rule"),)),
    "4": Prediction("positive", 0.95, (Tag("口味", "positive", 0.9, 0, 3),)),
}
MENTION = {"1": (0.1, 0.7, 0.9), "2": (0.05, 0.1, 0.8), "3": (0.0, 0.2, 0.3), "4": (0.0, 0.95, 0.0)}


class Said:
    """A tagger that answers from a table: what is tested here is the arithmetic of the figures."""

    codeframe = FRAME
    codes = CODES
    bundle = SimpleNamespace(label="table@1")

    def tag(self, texts: list[str], *, watch: Any = None) -> list[Prediction]:
        ids = {row.text: row.id for row in ROWS}
        if watch is not None:
            mention = np.array([MENTION[ids[text]] for text in texts], np.float32)
            watch(
                texts, Scores(None, mention, np.zeros((len(texts), 3, 3), np.float32), np.zeros((len(texts), 3), int))
            )
        return [SAID[ids[text]] for text in texts]


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return examine(Said(), ROWS, samples=200)  # type: ignore[arg-type]


def test_the_headline_is_that_of_the_quick_evaluation(figures: dict[str, Any]) -> None:
    quick = evaluate(Said(), ROWS)  # type: ignore[arg-type]
    for part in ("sentiment", "codes", "pairs", "evidence"):
        assert {name: value for name, value in figures[part].items() if name != "interval"} == quick[part]
    assert (figures["bundle"], figures["data"], figures["rows"]) == ("table@1", {"a": 3, "b": 1}, 4)


def test_every_code_and_polarity_has_its_counts(figures: dict[str, Any]) -> None:
    assert list(figures["per_code"]) == ["包装", "口味", "物流"]
    counts = {code: (one["right"], one["wrong"], one["missed"]) for code, one in figures["per_code"].items()}
    assert counts == {"包装": (0, 0, 1), "口味": (2, 0, 0), "物流": (1, 2, 0)}
    by_polarity = {
        (code, polarity): (pair["right"], pair["wrong"], pair["missed"])
        for code, one in figures["per_code"].items()
        for polarity, pair in one["polarity"].items()
        if pair["right"] + pair["wrong"] + pair["missed"]
    }
    assert by_polarity == {
        ("包装", "negative"): (0, 0, 1),
        ("口味", "negative"): (0, 0, 1),
        ("口味", "positive"): (1, 1, 0),
        ("物流", "negative"): (1, 1, 0),
        ("物流", "positive"): (0, 1, 0),
    }
    sums = {polarity: (one["right"], one["wrong"], one["missed"]) for polarity, one in figures["per_polarity"].items()}
    assert sums == {"negative": (1, 1, 2), "neutral": (0, 0, 0), "positive": (1, 2, 0)}


def test_intervals_hold_their_figures_and_come_back_with_the_seed(figures: dict[str, Any]) -> None:
    for part, names in {
        "sentiment": ("accuracy", "macro_f1"),
        "codes": ("micro_f1", "macro_f1", "precision", "recall"),
        "pairs": ("micro_f1", "macro_f1"),
    }.items():
        for name in names:
            low, high = figures[part]["interval"][name]
            assert low <= figures[part][name] <= high
    assert figures["evidence"]["interval"] == {"overlap": None}  # no place was marked
    assert figures["per_code"]["口味"]["interval"]["f1"] == (1.0, 1.0)
    assert figures["per_code"]["包装"]["polarity"]["neutral"]["interval"] == dict.fromkeys(
        ("precision", "recall", "f1")
    )
    again = examine(Said(), ROWS, samples=200)  # type: ignore[arg-type]
    other = examine(Said(), ROWS, samples=200, seed=8)  # type: ignore[arg-type]
    assert again["pairs"]["interval"] == figures["pairs"]["interval"] != other["pairs"]["interval"]


def test_without_samples_there_is_no_interval() -> None:
    figures = examine(Said(), ROWS, samples=0, errors=0)  # type: ignore[arg-type]
    assert "interval" not in figures["codes"]
    assert "interval" not in figures["per_code"]["口味"]
    assert figures["errors"] == {"wrong": [], "polarity": [], "missed": [], "sentiment": []}


def test_reliability_is_counted_in_bins() -> None:
    found = reliability(np.array([0.05, 0.15, 0.95, 1.0]), np.array([False, True, True, True]))
    assert found is not None
    assert found["ece"] == pytest.approx((0.05 + 0.85 + abs(1.95 - 2)) / 4)
    assert found["brier"] == pytest.approx((0.05**2 + 0.85**2 + 0.05**2) / 4)
    assert [(one["low"], one["high"], one["count"], one["share"]) for one in found["bins"]] == [
        (0.0, 0.1, 1, 0.0),
        (0.1, 0.2, 1, 1.0),
        (0.9, 1.0, 2, 1.0),
    ]
    assert reliability(np.zeros(0), np.zeros(0, bool)) is None


def test_calibration_speaks_of_sentiment_tags_and_mentions(figures: dict[str, Any]) -> None:
    calibration = figures["calibration"]
    assert {name: one["support"] for name, one in calibration.items() if isinstance(one, dict)} == {
        "sentiment": 4,
        "tags": 5,
        "mentions": 12,
    }
    # Tags said: 物流- .8 right, 口味+ .6 wrong, 物流- .7 wrong, 物流+ .55 wrong, 口味+ .9 right.
    assert calibration["tags"]["brier"] == pytest.approx((0.2**2 + 0.6**2 + 0.7**2 + 0.55**2 + 0.1**2) / 5)
    there = {("1", "物流"), ("1", "口味"), ("2", "包装"), ("4", "口味")}
    squares = [
        (chance - ((row, code) in there)) ** 2
        for row, chances in MENTION.items()
        for code, chance in zip(CODES, chances, strict=True)
    ]
    assert calibration["mentions"]["brier"] == pytest.approx(math.fsum(squares) / 12, abs=1e-6)
    assert calibration["sentiment_ece"] == calibration["sentiment"]["ece"]


def test_missed_codes_are_set_beside_the_wrong_ones_of_the_same_text() -> None:
    answered = [
        Answer(frozenset({"口味"}), frozenset({"物流"})),
        Answer(frozenset({"口味", "包装"}), frozenset({"物流", "包装"})),
        Answer(frozenset({"口味"}), frozenset()),
        Answer(frozenset({"包装"}), frozenset({"口味"})),
        None,
    ]
    assert confusions(answered) == {
        "per_code": {
            "口味": {"missed": 3, "nothing": 1, "instead": {"物流": 2}},
            "包装": {"missed": 1, "nothing": 0, "instead": {"口味": 1}},
        },
        "pairs": [
            {"gold": "口味", "said": "物流", "texts": 2, "share": 2 / 3},
            {"gold": "包装", "said": "口味", "texts": 1, "share": 1.0},
        ],
    }


def test_the_worst_errors_come_first_with_masked_texts(figures: dict[str, Any]) -> None:
    errors = figures["errors"]
    assert [(case["id"], case["code"], case["confidence"]) for case in errors["wrong"]] == [
        ("2", "物流", 0.7),
        ("3", "物流", 0.55),
    ]
    masked = errors["wrong"][1]
    assert masked["text"] == "骑手电**********态度不错"
    assert (masked["source"], masked["start"], masked["end"]) == ("rule", 0, 15)
    assert [(case["id"], case["code"], case["polarity"]) for case in errors["polarity"]] == [("1", "口味", "positive")]
    assert [(case["id"], case["code"], round(case["confidence"], 2)) for case in errors["missed"]] == [
        ("2", "包装", 0.05)
    ]
    assert errors["sentiment"] == [
        {
            "id": "2",
            "data": "a",
            "text": "盒子压扁了",
            "confidence": 0.5,
            "gold": {"tags": [{"code": "包装", "polarity": "negative"}], "sentiment": "negative"},
            "said": {"tags": [{"code": "物流", "polarity": "negative", "confidence": 0.7}], "sentiment": "neutral"},
        }
    ]


def test_a_real_tagger_lets_its_mentions_be_seen(tagger: Tagger, tiny_rows: list[Labelled]) -> None:
    seen: list[tuple[str, float]] = []
    figures = examine(tagger, tiny_rows, samples=50, progress=lambda what, share: seen.append((what, share)))
    judged = [row for row in tiny_rows if row.tags]
    assert figures["calibration"]["mentions"]["support"] == len(judged) * len(tagger.codes)
    assert figures["calibration"]["sentiment"]["support"] == len(tiny_rows)
    assert figures["codes"]["micro_f1"] > 0.9
    assert (seen[0][0], seen[-1]) == ("tagging", ("counting", 0.9))


def test_counts_say_how_many_labels_stand_behind_them() -> None:
    assert Count(3, 1, 2).to_dict() == {
        "right": 3, "wrong": 1, "missed": 2, "precision": 0.75, "recall": 0.6, "f1": 6 / 9, "support": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "gold", "told"),
    [
        (("negative", None), set(), set()),
        (("negative", "mixed"), set(), set()),
        (("mixed",), set(), set()),
        (("negative", "negative"), {("物流", "negative")}, {("物流", "negative")}),
        (("negative", "positive"), {("物流", "negative"), ("物流", "positive")}, {("物流", "negative")}),
    ],
)
def test_a_code_with_a_mark_that_nobody_judged_counts_for_neither_side(
    marks: tuple[str | None, ...], gold: set[tuple[str, str]], told: set[tuple[str, str]]
) -> None:
    row = Labelled("5", "车开到一半没电，司机倒是赔了礼", tuple(GoldTag("物流", mark) for mark in marks))
    prediction = Prediction("negative", 0.9, (Tag("物流", "negative", 0.8, 0, 3),))
    assert judged_pairs(row, prediction, CODES) == Answer(frozenset(gold), frozenset(told))
    assert judged_codes(row, prediction, CODES) == Answer(frozenset({"物流"}), frozenset({"物流"}))


def test_rows_without_a_text_are_counted_and_left_out(figures: dict[str, Any]) -> None:
    empty = [Labelled(str(n), " " * n, (GoldTag("包装", "negative"),), "negative") for n in range(3)]
    found = examine(Said(), [*ROWS, *empty], samples=0)  # type: ignore[arg-type]
    assert (figures["without_text"], found["without_text"], found["rows"]) == (0, 3, 4)
    assert found["codes"] == {name: value for name, value in figures["codes"].items() if name != "interval"}
    assert evaluate(Said(), [*ROWS, *empty])["codes"] == found["codes"]  # type: ignore[arg-type]
