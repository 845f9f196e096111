"""Two periods compared: what moved by more than chance and by enough is named, with its reason; the rest is not."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from tagged_shop import FRAME

from vocnlp.drift import Drift, drift, psi, spread
from vocnlp.drift_profile import FINE, LONGEST, Profile, profile
from vocnlp.drift_words import Word, apart, g2, more_frequent, words_of
from vocnlp.errors import InputError
from vocnlp.records import TAGGED

NORMAL = {"quality": 0.2, "speed": 0.15, "price": 0.1, "support": 0.05}
SAID = {
    "quality": "针脚细密做工扎实",
    "speed": "头天下单次日就收到",
    "price": "价位挑不出毛病",
    "support": "客服讲得明白",
}


def shop(
    rows: int, *, seed: int, shares: Mapping[str, float] = NORMAL, sure: float = 0.85, bad: Mapping[str, float] | None = None,
    extra: Sequence[str] = (), **labels: str,
) -> Profile:  # fmt: skip
    """``rows`` made-up comments: each code with its share, negative with ``bad``, sure by about ``sure``."""
    draw = random.Random(seed)
    made = []
    for number in range(rows):
        codes = [code for code, share in shares.items() if draw.random() < share]
        confidence = min(0.999, max(0.001, draw.gauss(sure, 0.08)))
        tags = [
            {"code": code, "polarity": "negative" if draw.random() < (bad or {}).get(code, 0.3) else "positive",
             "confidence": confidence, "start": 0, "end": 2, "source": "model", "quote": "…"}
            for code in codes
        ]  # fmt: skip
        text = "，".join([*(SAID[code] for code in codes), draw.choice(["周末去的", "给家里买的", "第二次来", *extra])])
        made.append({
            "id": str(number), "text": text, "voc_sentiment": draw.choice(["positive", "negative", "neutral"]),
            "voc_confidence": confidence, "voc_noise": "empty" if draw.random() < 0.02 else None, "voc_tags": tags,
            "voc_bundle": labels.get("bundle", "shop@1"), "voc_codeframe": labels.get("frame", "shop-test@0.3.0"),
        })  # fmt: skip
    return profile(pa.Table.from_pylist(made, TAGGED).to_batches(500), source=labels.get("source", f"seed {seed}"))


@pytest.fixture(scope="module")
def before() -> Profile:
    return shop(1500, seed=1)


def against(before: Profile, now: Profile) -> Drift:
    return drift(before, now, FRAME)


def test_a_profile_counts_what_was_read(before: Profile) -> None:
    assert before.rows == 1500 and before.read == 1500 - before.noise == sum(before.sentiment.values())
    assert sum(before.confidence) == sum(before.length) == before.read
    assert set(before.codes) == set(NORMAL) and all(before.pains[code] < before.codes[code] for code in NORMAL)
    assert sum(before.sure["quality"]) == before.codes["quality"]
    assert before.words["针脚"] == before.codes["quality"] and "针脚" not in before.lone
    assert before.bundles == {"shop@1": 1500}


def test_two_samples_of_the_same_comments_do_not_differ(before: Profile) -> None:
    for seed in range(2, 7):
        found = against(before, shop(1500, seed=seed))
        assert (found.moved, found.review, found.warnings) == ((), (), ())


def test_a_code_that_grew_is_to_be_reviewed_with_its_reason(before: Profile) -> None:
    now = shop(1500, seed=2, shares={**NORMAL, "speed": 0.25})
    found = against(before, now)
    assert [(one.code, one.name) for one in found.review] == [("speed", "配送时效")]
    old, new = before.codes["speed"], now.codes["speed"]
    turn = f"{old / before.read:.1%} → {new / now.read:.1%}({old} 条 → {new} 条)"
    assert found.review[0].reasons[0] == f"占比上升：{turn}"
    share = found.codes["speed"]
    assert share.h == pytest.approx(
        2 * math.asin(math.sqrt(new / now.read)) - 2 * math.asin(math.sqrt(old / before.read))
    )
    assert "codes" in found.moved and not found.codes["quality"].moved


def test_a_code_that_turned_negative_and_one_that_the_model_is_unsure_of_are_told_apart(before: Profile) -> None:
    found = against(before, shop(1500, seed=2, bad={"quality": 0.8}))
    assert [(one.code, one.reasons[0].partition("：")[0]) for one in found.review] == [("quality", "负面占比上升")]
    unsure = against(before, shop(1500, seed=3, sure=0.7))
    assert "confidence" in unsure.moved and unsure.confidence is not None
    assert (round(unsure.confidence.before, 2), round(unsure.confidence.after, 2)) == (0.85, 0.7)
    assert {one.code for one in unsure.review} == set(NORMAL)
    assert all(one.reasons[-1].startswith("模型把握下降：平均置信度 0.8") for one in unsure.review)


def test_a_code_that_was_never_there_and_one_that_is_gone(before: Profile) -> None:
    shares = {"quality": 0.2, "speed": 0.15, "support": 0.05, "smell": 0.08}
    SAID.setdefault("smell", "一打开全是胶水味")
    found = {one.code: one.reasons[0] for one in against(before, shop(1500, seed=4, shares=shares)).review}
    assert {code: reason.partition("：")[0] for code, reason in found.items()} == {
        "smell": "首次出现",
        "price": "不再出现",
    }


def test_a_difference_that_is_sure_but_small_is_no_drift() -> None:
    one, other = shop(300, seed=1), shop(300, seed=2)
    big = replace(one, rows=1_000_000, noise=0, codes={"quality": 100_000}, pains={"quality": 30_000}, sure={})
    now = replace(other, rows=1_000_000, noise=0, codes={"quality": 101_500}, pains={"quality": 30_400}, sure={})
    share = against(big, now).codes["quality"]
    assert share.p is not None and share.p < 0.001
    assert (share.moved, round(share.h, 4)) == (False, 0.005)


def test_new_words_are_named_with_the_share_that_no_code_covers(before: Profile) -> None:
    now = shop(1500, seed=5, extra=["无人机送到窗台"])
    found = against(before, now)
    word = next(one for one in found.vocabulary.words if one.word == "无人机")
    assert (word.before, word.after, word.untagged) == (
        0,
        now.words["无人机"],
        now.lone["无人机"] / now.words["无人机"],
    )
    assert found.vocabulary.distance > found.vocabulary.by_chance
    assert "vocabulary" in found.moved
    assert all(isinstance(one, Word) and one.ratio >= 2 for one in found.vocabulary.words)


def test_where_nothing_moved_no_word_is_called_more_frequent_and_a_true_one_is() -> None:
    chance, shares = np.random.default_rng(3), 0.15 / np.arange(1, 1501) ** 0.9

    def spoken() -> dict[str, int]:
        return {str(word): int(count) for word, count in enumerate(chance.binomial(300, shares)) if count}

    def found(before: dict[str, int], after: dict[str, int]) -> list[tuple[str, int, int]]:
        words = more_frequent(before, after, {}, rows=(300, 300), alpha=0.05, least=5)
        return [(one.word, one.before, one.after) for one in words]

    assert [found(spoken(), spoken()) for _ in range(30)] == [[]] * 30
    assert found(spoken(), {**spoken(), "涨价": 24}) == [("涨价", 0, 24)]


def test_g2_is_dunnings() -> None:
    """Against the statistic that scipy computes from the same table."""
    table = np.array([[30, 970], [90, 910]])
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert g2(30, 1000, 90, 1000) == pytest.approx(expected)
    assert g2(0, 1000, 12, 800) == pytest.approx(
        stats.chi2_contingency([[0, 1000], [12, 788]], correction=False, lambda_="log-likelihood").statistic
    )


def test_the_distance_of_kolmogorov_and_smirnov_is_scipys() -> None:
    random_ = np.random.default_rng(3)
    one, other = random_.integers(0, FINE, 500), random_.integers(20, FINE, 700)
    found = spread(
        np.bincount(one, minlength=FINE).tolist(),
        np.bincount(other, minlength=FINE).tolist(),
        width=1 / FINE,
        alpha=0.05,
    )
    known = stats.ks_2samp(one, other, method="asymp")
    assert (found.distance, found.p) == (pytest.approx(known.statistic), pytest.approx(known.pvalue))


def test_psi_is_zero_for_equal_shares_and_known_for_two_classes() -> None:
    same = np.array([50.0] * 10)
    assert psi(same, same) == pytest.approx(0.0)
    half = np.array([499.5, 499.5])
    assert psi(half, np.array([299.5, 699.5])) == pytest.approx(
        (0.3 - 0.5) * math.log(0.3 / 0.5) + (0.7 - 0.5) * math.log(0.7 / 0.5)
    )


def test_the_distance_of_vocabularies_is_that_of_jensen_and_shannon() -> None:
    assert apart({"慢": 10}, {"快": 10})[0] == pytest.approx(1.0)
    assert apart({"慢": 10}, {"慢": 3}) == (0.0, 0.0)
    assert apart({}, {"慢": 3}) == (0.0, 0.0)


def test_words_are_masked_and_normalised() -> None:
    assert words_of(["電話13812345678，味道很好👍", "a1 的 12"]) == [
        {"电话", "味道", "很", "好", "赞"} & words_of(["電話13812345678，味道很好👍"])[0],
        set(),
    ]
    assert not any(word.isdigit() for word in words_of(["单号 SF1234567890123"])[0])


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (lambda: shop(3, seed=9), "comments that say something are too few to compare; at least 30 are needed"),
        (
            lambda: shop(200, seed=9, frame="bank@1.0"),
            "was tagged with codeframe shop-test@0.3.0, seed 9 with bank@1.0",
        ),
        (
            lambda: replace(shop(200, seed=9), codeframes={"a@1": 100, "b@1": 100}),
            "tagged with several codeframes: a, b",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(before: Profile, now: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        against(before, now())  # type: ignore[operator]


def test_another_model_or_version_of_the_frame_weakens_the_comparison(before: Profile) -> None:
    told = against(before, shop(400, seed=9, bundle="shop@2", frame="shop-test@0.4.0")).warnings
    assert told == (
        "码框版本不同(shop-test@0.3.0 → shop-test@0.4.0)，新增或撤销的编码也会显示为变化",
        "两边由不同的模型标注(shop@1 → shop@2)，变化可能来自模型本身",
    )


def test_a_kept_profile_compares_as_before_without_words_of_one_comment(before: Profile, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    once = replace(before, words={**before.words, "王小虎": 1})
    once.save(file)
    assert Profile.load(file) == before
    now = shop(1500, seed=2, shares={**NORMAL, "speed": 0.25})
    assert against(Profile.load(file), now) == against(before, now)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2}', "[1]"])
def test_a_file_that_is_no_profile_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="holds no profile"):
        Profile.load(file)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("source", 3, "source is no text"),
        ("rows", "x", "rows is no count"),
        ("rows", True, "rows is no count"),
        ("rows", 10**400, "rows is no count"),
        ("rows", 1499, "sentiment does not add up to the comments"),
        ("noise", -1, "noise is no count"),
        ("noise", 2000, "sentiment does not add up to the comments"),
        ("untagged", 1500, "untagged counts more than the comments"),
        ("sentiment", None, "sentiment is no table"),
        ("codes", [], "codes is no table"),
        ("codes", {"quality": 1501}, "codes counts more than the comments"),
        ("pains", {"quality": 1501}, "pains counts more than codes"),
        ("confidence", ["a"], "confidence is no list of 200 counts"),
        ("confidence", ["a"] * FINE, "a bin of confidence is no count"),
        ("confidence", [9] * FINE, "confidence counts more than the comments"),
        ("length", [0] * (LONGEST + 1), "length does not add up to the comments"),
        ("sure", {"quality": [1, 2]}, "sure is no list of 20 counts"),
        ("words", {"好": "b"}, "words of '好' is no count"),
        ("lone", {"好": 0.5}, "lone of '好' is no count"),
        ("bundles", {}, "bundles does not add up to the comments"),
        ("codeframes", {"shop@1": 7}, "codeframes does not add up to the comments"),
    ],
)
def test_a_damaged_profile_is_told_with_the_part_that_is_wrong(
    before: Profile, tmp_path: Path, name: str, value: object, told: str
) -> None:
    file = tmp_path / "profile.json"
    before.save(file)
    file.write_text(json.dumps({**json.loads(file.read_bytes()), name: value}), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        Profile.load(file)
    assert refused.value.message == f"{file}: holds no profile: {told}"
    assert refused.value.hint == "make it with: vocnlp drift ... --keep-profile FILE.json"


def test_a_profile_without_one_of_its_parts_or_beyond_all_depth_is_told(before: Profile, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    before.save(file)
    content = json.loads(file.read_bytes())
    del content["pains"]
    for text, told in (
        (json.dumps(content), "'pains' is missing"),
        ("[" * 100_000, "maximum recursion depth exceeded"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as refused:
            Profile.load(file)
        assert refused.value.message.startswith(f"{file}: holds no profile: {told}")


def test_long_comments_and_odd_confidence_fall_into_the_last_bins() -> None:
    row = {"id": "1", "text": "好" * 900, "voc_sentiment": "positive", "voc_confidence": 1.0, "voc_tags": [],
           "voc_bundle": None, "voc_codeframe": None}  # fmt: skip
    found = profile(pa.Table.from_pylist([row], TAGGED).to_batches(), source="x")
    assert (found.length[LONGEST], found.confidence[-1], found.untagged) == (1, 1, 1)
