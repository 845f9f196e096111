"""Two models on the same comments: differences with intervals, verdicts per code, other frames, changed answers."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Code, Codeframe
from vocnlp.errors import InputError
from vocnlp.records import Prediction, Tag
from vocnlp.tagger import Tagger
from vocnlp.training.changes import Reading
from vocnlp.training.comparison import CodeDifference, compare
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear

FRAME = Codeframe.from_labels(["口味", "物流", "包装"])


class Said:
    """A tagger that answers from a table: what is tested here is the arithmetic of the comparison."""

    def __init__(self, answers: dict[str, Prediction], frame: Codeframe = FRAME, label: str = "table") -> None:
        self.codeframe, self.bundle, self._answers = frame, SimpleNamespace(label=label), answers

    def tag(self, texts: list[str]) -> list[Prediction]:
        return [self._answers[text] for text in texts]


def said(sentiment: str, *tags: str) -> Prediction:
    """``物流-`` is a tag of this code, meant negatively."""
    polarity = {"-": "negative", "+": "positive", "0": "neutral"}
    return Prediction(sentiment, 0.9, tuple(Tag(tag[:-1], polarity[tag[-1]], 0.9, 0, 1) for tag in tags))


def row(number: int, sentiment: str | None, *tags: str, **more: Any) -> Labelled:
    polarity = {"-": "negative", "+": "positive", "0": "neutral"}
    gold = tuple(GoldTag(tag[:-1], polarity[tag[-1]]) for tag in tags)
    return Labelled(f"r{number}", f"第{number}条", gold, sentiment, source="试", **more)


def test_a_code_that_is_found_more_often_is_better_and_a_rare_one_says_nothing() -> None:
    rows = [row(n, None, "物流-") for n in range(30)] + [row(30 + n, None, "包装-") for n in range(5)]
    rows += [row(40 + n, None, "口味+") for n in range(12)]
    old = {r.text: said("neutral", *(["物流-"] if n < 15 else [])) for n, r in enumerate(rows[:30])}
    new = {r.text: said("neutral", "物流-") for r in rows[:30]}
    old |= {r.text: said("neutral", "包装-") for r in rows[30:35]} | {
        r.text: said("neutral", "口味+") for r in rows[35:]
    }
    new |= {r.text: said("neutral") for r in rows[30:35]}
    new |= {r.text: said("neutral", *(["口味+"] if n else [])) for n, r in enumerate(rows[35:])}
    found = compare(Said(old, label="a"), Said(new, label="b"), rows)  # type: ignore[arg-type]
    assert {code: one.verdict for code, one in found.per_code.items()} == {
        "包装": "few",
        "口味": "same",
        "物流": "better",
    }
    better = found.per_code["物流"]
    assert (better.old, better.new, better.support) == (pytest.approx(2 / 3), 1.0, 30)
    assert better.low is not None and better.high is not None and 0 < better.low < 1 / 3 < better.high
    assert better.p == pytest.approx(2 * 2 / 2**15)  # all fifteen the same way, of two codes that are tested (Holm)
    assert found.per_code["包装"] == CodeDifference("包装", 1.0, 0.0, -1.0, -1.0, 5, "few", None)
    assert set(found.figures) == {"codes.micro_f1", "pairs.micro_f1"}  # nobody judged a sentiment
    micro = found.figures["codes.micro_f1"]
    assert (micro.old, micro.new, micro.support) == (2 * 32 / (32 + 47), 2 * 41 / (41 + 47), 47)
    assert micro.low < micro.new - micro.old < micro.high
    assert (found.old, found.new, found.rows, found.unchanged) == ("a", "b", 47, 26)


def test_swapping_the_two_turns_better_into_worse() -> None:
    rows = [row(n, "negative", "物流-") for n in range(20)]
    none, all_ = ({r.text: said("negative", *tags) for r in rows} for tags in ((), ("物流-",)))
    there, back = compare(Said(none), Said(all_), rows), compare(Said(all_), Said(none), rows)  # type: ignore[arg-type]
    assert (there.per_code["物流"].verdict, back.per_code["物流"].verdict) == ("better", "worse")
    forth, contrary = there.figures["codes.micro_f1"], back.figures["codes.micro_f1"]
    assert (forth.low, forth.high) == (-contrary.high, -contrary.low) == (1.0, 1.0)
    assert {one.verdict for one in back.changed} == {"worse"}


def test_a_model_compared_with_itself_is_the_same() -> None:
    rows = [row(n, "negative", "物流-") for n in range(12)]
    table = Said({r.text: said("negative", "物流-") for r in rows})
    found = compare(table, table, rows)  # type: ignore[arg-type]
    assert found.per_code == {"物流": CodeDifference("物流", 1.0, 1.0, 0.0, 0.0, 12, "same", 1.0)}
    assert {(one.low, one.high) for one in found.figures.values()} == {(0.0, 0.0)}
    assert found.changed == ()


def test_changed_answers_are_judged_by_their_errors_and_masked() -> None:
    rows = [
        row(1, "negative", "物流-"),
        row(2, None, "口味+"),
        row(3, "positive"),
        Labelled("r4", "打13812345678没人接", (GoldTag("物流", None),), "negative", source="试"),
    ]
    old = [said("negative"), said("neutral", "口味+"), said("positive"), said("negative", "物流-")]
    new = [said("negative", "物流-"), said("neutral", "口味-"), said("positive", "包装+"), said("positive", "物流-")]
    tables = (Said({r.text: one for r, one in zip(rows, answers, strict=True)}) for answers in (old, new))
    found = compare(*tables, rows)  # type: ignore[arg-type]
    assert [(one.id, one.verdict, one.fewer) for one in found.changed] == [
        ("r2", "worse", -2),
        ("r4", "worse", -2),
        ("r1", "better", 2),
        ("r3", "other", 0),  # nobody looked for codes there
    ]
    assert found.changed[1].text == "打电**********没人接"
    assert found.changed[2].gold == found.changed[2].new == Reading("negative", (("物流", "negative"),))
    assert found.changed[2].old == Reading("negative", ())


def test_of_two_frames_the_shared_codes_are_compared() -> None:
    """A flat frame from the data, and one with ids and names of its own: 口味 is taste, 物流 is not there, 环境 is new."""
    proper = Codeframe(
        "shop", "2", (Code("taste", "口味", "好不好吃"), Code("包装", "包装", "盒子"), Code("place", "环境", "店里"))
    )
    rows = [row(n, "positive", "口味+", "物流-") for n in range(10)] + [
        row(20, "positive", "包装+"),
        row(21, None, "place0"),
    ]
    old = Said({r.text: said("positive", "口味+", "物流-") for r in rows})
    new = Said({r.text: said("positive", "taste+", "place+") for r in rows}, proper)
    found = compare(old, new, rows)  # type: ignore[arg-type]
    assert (found.only_old, found.only_new, found.shared) == (("物流",), ("place",), 2)
    assert list(found.per_code) == ["taste", "包装"]
    assert found.per_code["taste"] == CodeDifference("taste", 20 / 22, 20 / 22, 0.0, 0.0, 10, "same", 1.0)
    assert found.changed == ()  # the codes of one frame alone are no change
    narrowed = compare(old, new, rows, codes=["口味"])  # type: ignore[arg-type]
    assert list(narrowed.per_code) == ["taste"]
    with pytest.raises(InputError, match="column '--codes': names no code to compare"):
        compare(old, new, rows, codes=[])  # type: ignore[arg-type]
    for label, told in (("物流", "only one codeframe has it"), ("天气", "neither codeframe has such a code")):
        with pytest.raises(InputError, match=told):
            compare(old, new, rows, codes=[label])  # type: ignore[arg-type]


def test_codes_that_nobody_looked_for_do_not_count() -> None:
    rows = [row(n, None, "物流-", annotated=frozenset({"物流"})) for n in range(10)]
    table = Said({r.text: said("negative", "物流-", "口味-") for r in rows})
    found = compare(table, table, rows)  # type: ignore[arg-type]
    assert found.figures["codes.micro_f1"].new == 1.0
    assert list(found.per_code) == ["物流"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no labelled comment"),
        ([row(1, None, "天气-")], "neither codeframe, from-data or other, has such a code"),
        ([row(1, None, "物流-")], "share no code"),
    ],
)
def test_what_cannot_be_compared_is_refused(rows: list[Labelled], told: str) -> None:
    other = Codeframe("other", "1", (Code("colour", "颜色", "好不好看"),))
    with pytest.raises(InputError, match=told):
        compare(Said({}), Said({}, other), rows)  # type: ignore[arg-type]


def test_frames_without_a_shared_code_are_compared_by_sentiment() -> None:
    other = Codeframe("other", "1", (Code("colour", "颜色", "好不好看"),))
    rows = [row(n, "negative", "物流-") for n in range(4)]
    found = compare(
        Said({r.text: said("positive", "物流-") for r in rows}),  # type: ignore[arg-type]
        Said({r.text: said("negative", "colour-") for r in rows}, other),  # type: ignore[arg-type]
        rows,
    )
    assert set(found.figures) == {"sentiment.accuracy", "sentiment.macro_f1"}
    assert (found.figures["sentiment.accuracy"].old, found.figures["sentiment.accuracy"].new) == (0.0, 1.0)
    assert found.per_code == {}


def test_real_bundles_are_compared(tagger: Tagger, tiny_frame: Codeframe, tiny_rows: list[Labelled]) -> None:
    fitted = fit_linear(tiny_rows[:18], tiny_frame, LinearRecipe(least_texts=1, penalty=0.12))
    smaller = Tagger(Bundle("half", "0.0.1", tiny_frame, fitted.model, fitted.thresholds))
    found = compare(smaller, tagger, tiny_rows, samples=100)
    assert found.figures["codes.micro_f1"].low > 0
    assert {code: one.verdict for code, one in found.per_code.items()} == {
        "quality": "better", "taste": "better", "attitude": "same", "waiting": "few", "delivery": "same", "price": "same"
    }  # fmt: skip
    assert found.only_old == found.only_new == ()
    assert json.loads(json.dumps(found.to_dict()))["per_code"]["taste"]["verdict"] == "better"
    assert all(speed > 0 for speed in found.comments_per_second)


def test_a_code_that_neither_frame_has_is_told_with_its_file() -> None:
    odd = replace(row(1, None, "尺码-"), path="data/may.jsonl", row=7)
    with pytest.raises(InputError) as caught:
        compare(Said({}), Said({}), [odd])  # type: ignore[arg-type]
    assert str(caught.value) == (
        "data/may.jsonl, row 7, column 'code': neither codeframe, from-data or from-data, has such a code (value: '尺码')"
    )


def test_rows_without_a_text_are_left_out_of_a_comparison() -> None:
    rows = [row(n, None, "物流-") for n in range(4)]
    same = Said({one.text: said("neutral", "物流-") for one in rows})
    found = compare(same, same, [*rows, replace(rows[0], text=" ")])  # type: ignore[arg-type]
    assert (found.rows, found.without_text, found.figures["codes.micro_f1"].support) == (4, 1, 4)
    with pytest.raises(InputError, match="there is no labelled comment to compare on"):
        compare(same, same, [replace(rows[0], text=" ")])  # type: ignore[arg-type]
