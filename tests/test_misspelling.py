"""Slips of the keyboard: characters of the same sound, labels and offsets as they were."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from pypinyin import Style, lazy_pinyin

from vocnlp.errors import MissingExtraError
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.misspelling import Slips, misspelt

# Each character of these stands often enough to be typed by mistake.
TEXTS = ("电店点", "师是事", "因应音", "里离你泥", "不步布", "包") * 20
ROW = Labelled(
    "1", "电梯是不应里", (GoldTag("facility", "negative", 0, 2),), "negative", frozenset({"facility"}), weight=2.0
)


def test_every_character_has_those_of_the_same_or_a_like_sound() -> None:
    slips = Slips.of(TEXTS)
    others = {letter: set(instead) for letter, (instead, _) in slips.instead.items()}
    assert others == {
        **{one: set("电店点") - {one} for one in "电店点"},
        **{one: set("师是事") - {one} for one in "师是事"},
        **{one: set("因应音") - {one} for one in "因应音"},  # ing and in
        **{one: set("里离你泥") - {one} for one in "里离你泥"},  # l and n
        "步": {"布"},
        "布": {"步"},
    }
    assert all(sum(weights) == pytest.approx(1) for _, weights in slips.instead.values())


def test_a_text_keeps_its_length_its_negations_and_its_sound() -> None:
    slips, text = Slips.of(TEXTS), "电梯不是应该在里面吗，布告说电工的事师傅不管，english 123"
    made = {slips.in_text(text, np.random.default_rng(seed)) for seed in range(40)}
    assert len(made) > 20
    for one in made:
        changed = [(a, b) for a, b in zip(text, one, strict=True) if a != b]
        assert 1 <= len(changed) <= 3
        for before, after in changed:
            first, second = lazy_pinyin([before, after], style=Style.NORMAL)
            assert first[-1] == second[-1] or {first, second} == {"yin", "ying"}
    assert slips.in_text("不包", np.random.default_rng(1)) == "不包"  # nothing sounds like 包, and nobody mistypes a 不


def test_a_share_of_the_rows_is_read_again_with_its_labels() -> None:
    rows = [*(Labelled(str(n), text) for n, text in enumerate(TEXTS)), ROW]
    assert misspelt(rows, 0.0, 7) == []
    copies = misspelt(rows, 1.0, 7)
    assert misspelt(rows, 1.0, 7) == copies != misspelt(rows, 1.0, 8)
    assert len(copies) == 101  # 包 has no like
    last = copies[-1]
    assert last.text != ROW.text and len(last.text) == len(ROW.text)
    assert (last.id, last.tags, last.sentiment, last.annotated, last.weight) == (
        ROW.id,
        ROW.tags,
        ROW.sentiment,
        ROW.annotated,
        ROW.weight,
    )
    assert 20 < len(misspelt(rows, 0.4, 7)) < 60


def test_without_pypinyin_the_pip_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(MissingExtraError) as raised:
        misspelt([ROW], 0.5, 7)
    assert (raised.value.module, raised.value.hint) == ("pypinyin", 'pip install "vocnlp[train]"')
    assert misspelt([ROW], 0.0, 7) == []
