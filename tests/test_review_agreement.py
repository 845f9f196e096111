"""Cohen's kappa and Krippendorff's alpha against published examples, and agreement over answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vocnlp.review_agreement import agreement, cohen, krippendorff
from vocnlp.review_rows import Answer, Mark, Origin

#: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", part C: four observers, twelve units, missing data.
TABLE = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]


def test_alpha_is_that_of_the_published_example() -> None:
    rows = [line.split() for line in TABLE]
    units = [[value for value in column if value != "."] for column in zip(*rows, strict=True)]
    assert krippendorff(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_observers_is_that_of_the_published_example() -> None:
    """The same paper, part A: binary data, two observers, ten units: alpha 0.095."""
    first, second = "0100000010", "1110010000"
    assert krippendorff([list(pair) for pair in zip(first, second, strict=True)]) == pytest.approx(0.095, abs=0.0005)


def test_kappa_is_that_of_the_textbook_table() -> None:
    """Fifty grant proposals, 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: agreement .70, by chance .50, kappa .40."""
    first, second = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen(first, second) == pytest.approx(0.4)


def test_what_is_not_defined_is_none() -> None:
    assert cohen([1, 1, 1], [1, 1, 1]) is None
    assert krippendorff([[0, 0], [0, 0]]) is None
    assert krippendorff([[1], [0]]) is None
    with pytest.raises(ValueError, match="same units"):
        cohen([1], [1, 0])


def answer(number: int, by: str, *codes: str, model: tuple[str, ...] = ("味道",), action: str = "changed") -> Answer:
    origin = Origin("s", "uncertain", 0.0, 4, "m@1", "f@1", tuple(Mark(code, "negative") for code in model))
    tags = tuple(Mark(code, "negative") for code in codes)
    return Answer(str(number), f"评论{number}", tags, None, by, "2026-05-04T08:30:00+00:00", action, "", origin)


def test_coders_are_compared_on_what_both_saw_and_with_the_model() -> None:
    answers = [
        *(answer(at, "甲", "味道") for at in range(3)),
        answer(3, "甲", "价格"),
        answer(4, "甲"),
        *(answer(at, "乙", "味道") for at in range(2)),
        answer(2, "乙", "价格"),
        answer(3, "乙", "价格"),
        answer(5, "乙", "味道", action="skipped"),
    ]
    found = agreement(answers, ["价格", "味道"])
    assert found.coders == ("乙", "甲")
    assert [(a.code, a.n, a.given) for a in found.alphas] == [("", 4, 5), ("价格", 4, 2), ("味道", 4, 3)]
    assert [(p.first, p.second, p.code, p.n, p.agreed, p.kappa) for p in found.pairs] == [
        ("乙", "甲", "价格", 4, 0.75, pytest.approx(0.5)),
        ("乙", "甲", "味道", 4, 0.75, pytest.approx(0.5)),
    ]
    assert [(p.first, p.code, p.n, p.agreed) for p in found.with_model] == [
        ("乙", "价格", 4, 0.5), ("乙", "味道", 4, 0.5), ("甲", "价格", 5, 0.8), ("甲", "味道", 5, 0.6)
    ]  # fmt: skip
    assert found.polarity is None
    assert found.warnings == (
        "only 4 comments were reviewed by two coders; below 30 a coefficient is a guess",
        "given fewer than 5 times, so not to be trusted: 价格, 味道",
    )


def test_one_coder_alone_agrees_with_the_model_only() -> None:
    found = agreement([answer(1, "甲", "味道"), answer(2, "甲")], ["味道"])
    assert (found.pairs, len(found.with_model)) == ((), 1)
    assert found.warnings[0].startswith("only one coder")


def test_two_coders_who_both_find_two_polarities_agree() -> None:
    both, good = (Mark("口味", "negative"), Mark("口味", "positive")), (Mark("口味", "positive"),)
    answers = [replace(answer(at, by), tags=both if at % 2 else good) for at in range(10) for by in "甲乙"]
    assert agreement(answers, ["口味"]).polarity == 1.0
    assert agreement([one for one in answers if one.by == "甲"], ["口味"]).polarity is None


def test_weak_codes_are_named() -> None:
    answers = [
        answer(at, by, *(("口味",) if (at + turn) % 2 else ())) for at in range(40) for turn, by in enumerate("甲乙")
    ]
    assert agreement(answers, ["口味"]).warnings == (
        "alpha below 0.667, so no conclusions should rest on these codes (Krippendorff 2004): 口味",
    )
