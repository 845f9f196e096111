"""Training a real tiny bundle, measuring it by hand, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from vocnlp import Bundle, Tagger
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError, MissingExtraError, OutputError
from vocnlp.features import Grams
from vocnlp.records import Prediction, Tag
from vocnlp.training import linear_fit
from vocnlp.training.card import model_card
from vocnlp.training.evaluation import Count, evaluate
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_features import featurise
from vocnlp.training.linear_fit import LinearRecipe, fit_linear
from vocnlp.training.recipe import read_recipe
from vocnlp.training.starts import pretraining_of
from vocnlp.training.train import evaluate_file, train_bundle

SLOW = [
    "快递拖了四天",
    "物流太慢了",
    "发货磨蹭得很",
    "等快递等到发霉",
    "配送晚了两天",
    "快递员把箱子扔门口",
    "物流信息三天不动",
    "送货迟到",
]
FAST = [
    "快递神速",
    "物流当天就到",
    "发货真快",
    "配送准时",
    "快递小哥态度好",
    "送货上门很及时",
    "物流给力",
    "上午买下午到，快递赞",
]
TASTY = [
    "饼干酥脆好吃",
    "味道很香",
    "口味正宗",
    "咸淡刚好，好吃",
    "奶香味十足",
    "味道好到停不下来",
    "口味孩子喜欢",
    "好吃不腻",
]
FOUL = [
    "味道发苦",
    "口味太甜齁人",
    "难吃得要命",
    "一股哈喇味，没法吃",
    "味道寡淡",
    "口味一言难尽",
    "又咸又腥，难吃",
    "味道怪怪的",
]


def rows() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    groups = (
        (SLOW, "物流", "negative"),
        (FAST, "物流", "positive"),
        (TASTY, "口味", "positive"),
        (FOUL, "口味", "negative"),
    )
    for texts, code, polarity in groups:
        for text in texts:
            made.append({"text": text, "tags": [{"code": code, "polarity": polarity}], "sentiment": polarity})
    for fast, foul in zip(FAST, FOUL, strict=True):
        tags = [{"code": "物流", "polarity": "positive"}, {"code": "口味", "polarity": "negative"}]
        made.append({"text": f"{fast}，但是{foul}", "tags": tags, "sentiment": "negative"})
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("train") / "shop.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), encoding="utf-8")
    return path


def test_a_trained_bundle_reads_new_comments_with_evidence(data: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    bundle = train_bundle(data, tmp_path / "b", dev_parts=0, progress=lambda what, share: seen.append(share))
    assert seen == sorted(seen)
    assert [code.id for code in bundle.codeframe.codes] == ["口味", "物流"]
    text = "物流当天就到了，可惜味道发苦"
    (prediction,) = Tagger(Bundle.load(tmp_path / "b")).tag([text])
    assert [(tag.code, tag.polarity, text[tag.start : tag.end]) for tag in prediction.tags] == [
        ("物流", "positive", "物流当天就到了"),
        ("口味", "negative", "可惜味道发苦"),
    ]


def test_training_twice_gives_the_same_weights(data: Path, tmp_path: Path) -> None:
    one = train_bundle(data, tmp_path / "1", dev_parts=0)
    two = train_bundle(data, tmp_path / "2", dev_parts=0)
    assert (tmp_path / "1" / "model.safetensors").read_bytes() == (tmp_path / "2" / "model.safetensors").read_bytes()
    assert one.thresholds == two.thresholds


def test_the_card_and_the_manifest_say_what_was_measured(data: Path, tmp_path: Path) -> None:
    bundle = train_bundle(data, tmp_path / "b", dev_parts=4)
    figures = bundle.figures["shop"]
    assert figures["rows"] == bundle.training["held_out"] > 0
    assert bundle.training["rows"] + bundle.training["held_out"] == len(rows())
    card = (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert f"| {figures['codes']['micro_f1']:.3f} |" in card


def test_a_code_outgrows_its_keywords_with_a_hundred_comments(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    numbers = "零一二三四五六七八九"
    lines = [
        {
            "text": f"{numbers[k // 10]}号仓发货{numbers[k % 10]}天才到",
            "tags": [{"code": "物流", "polarity": "negative"}],
        }
        for k in range(100)
    ]
    lines += [{"text": f"第{k}回点的菜太咸", "tags": [{"code": "口味", "polarity": "negative"}]} for k in range(30)]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    assert train_bundle(path, tmp_path / "b", dev_parts=0).outgrown == {"物流"}


def test_what_an_encoder_has_cost_is_told_with_every_fit_since(tiny_bundle: Path, tmp_path: Path) -> None:
    grown = {"tokens": 2e6, "hours": 3.0, "device": "two cores", "probe": 0.7}

    def after(spent: dict[str, object], epochs: float, name: str) -> dict[str, object]:
        training = {"pretraining": spent, "epochs": epochs, "rows": 1200, "seconds": 61.4, "cores": 2}
        replace(Bundle.load(tiny_bundle), name=name, training=training).save(tmp_path / name, card="#\n")
        found: dict[str, object] = pretraining_of(tmp_path / name)["pretraining"]
        return found

    once = after(grown, 3.0, "own")
    fit = {"bundle": "own@0.1.0", "epochs": 3.0, "rows": 1200, "seconds": 61.4, "cores": 2}
    assert once == {**grown, "fitted": [fit]}
    assert after(once, 0, "calibrated") == once  # nothing was fitted
    assert after(once, 3.0, "mine") == {**grown, "fitted": [fit, {**fit, "bundle": "mine@0.1.0"}]}
    training = {**Bundle.load(tmp_path / "mine").training, "encoder": "own", "held_out": 0, "sets": [], "checks": {}}
    card = model_card(replace(Bundle.load(tmp_path / "mine"), figures={}, training=training))
    assert "Then it was fine-tuned as own@0.1.0: 3 epochs of 1,200 comments, 61 s on 2 CPU cores." in card
    teacher = {"layers": 8, "width": 512, "tokens": 3e6}
    spent = {"tokens": 5e6, "hours": 0.2, "device": "a card", "teacher": teacher, "before": once}
    card = model_card(replace(Bundle.load(tmp_path / "mine"), figures={}, training={**training, "pretraining": spent}))
    assert "what that one says of 5 million tokens" in card
    assert "The teacher had been grown from nothing on 3 million tokens" in card
    began = (
        "had not begun anew: it had read 2 million tokens before (3 hours on two cores), then fine-tuned as own@0.1.0."
    )
    assert began in card
    spent["teacher"] = {**teacher, "widened": True}
    card = model_card(replace(Bundle.load(tmp_path / "mine"), figures={}, training={**training, "pretraining": spent}))
    assert "The teacher had begun as the encoder itself, made wider and deeper, and read 3 million tokens" in card
    soup = {"fitted": [fit, {"soup": {"narrowed": 0.75, "before": 0.25}}]}
    mixed = {**training, "pretraining": {**grown, **soup}}
    card = model_card(replace(Bundle.load(tmp_path / "mine"), figures={}, training=mixed))
    assert "2 CPU cores. Then it was mixed, its weights a mean: 75% narrowed, 25% before." in card


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        (
            (2.0, 1.5),
            "own, its feed-forward layers narrowed from 1,024 to 640 neurons in 2 epochs, fine-tuned for 1.5 epochs",
        ),
        ((2.0, 0.0), "own, its feed-forward layers narrowed from 1,024 to 640 neurons in 2 epochs"),
        ((0.0, 0.0), "own, its feed-forward layers narrowed from 1,024 to 640 neurons"),
    ],
)
def test_the_card_says_what_an_encoder_was_narrowed_to(
    tiny_bundle: Path, epochs: tuple[float, float], told: str
) -> None:
    narrowed = {"before": 1024, "after": 640, "epochs": epochs[0]}
    training = {
        "encoder": "own", "epochs": epochs[1], "narrowed": narrowed, "rows": 1200, "held_out": 100, "seconds": 61.4,
        "cores": 2, "sets": [], "checks": {},
    }  # fmt: skip
    card = model_card(replace(Bundle.load(tiny_bundle), figures={}, training=training))
    assert f"(100 more were held out); {told}, 61 s of fitting on 2 CPU cores." in card


def test_exclusive_labels_make_a_frame_of_one_code_a_text(tmp_path: Path) -> None:
    path = tmp_path / "intents.jsonl"
    asks = {"改地址": ["地址写错了想改", "能帮我改地址吗", "收货地址换一下", "改下收件人地址", "地址填错"],
            "发票": ["可以开发票吗", "发票抬头写公司", "电子发票什么时候给", "补开发票", "要专用发票"]}  # fmt: skip
    lines = [{"text": text, "label": label} for label, texts in asks.items() for text in texts]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    train_bundle(path, tmp_path / "b", dev_parts=0)
    found = Tagger.load(tmp_path / "b").tag(["麻烦改一下地址", "发票能开吗", "在吗"])
    assert [len(prediction.tags) for prediction in found] == [1, 1, 1]
    assert [prediction.tags[0].code for prediction in found[:2]] == ["改地址", "发票"]
    figures = evaluate_file(tmp_path / "b", path)
    assert figures["codes"]["micro_f1"] == 1.0


def test_nothing_is_written_where_nothing_can_be_learnt(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"text": "好", "tags": [{"code": "a", "polarity": "positive"}]}\n', encoding="utf-8")
    with pytest.raises(InputError, match="nothing can be learnt"):
        train_bundle(path, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_an_existing_folder_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(OutputError, match="already exists"):
        train_bundle(data, tmp_path / "b")


def test_without_scikit_learn_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(MissingExtraError) as caught:
        fit_linear([Labelled("1", "好")], Codeframe.from_labels(["a"]), LinearRecipe())
    assert caught.value.hint == 'pip install "vocnlp[train]"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = 'x'\n", "missing key"),
        ("name = 'x'\nversion = '1'\nframe = 'f'\nmapping = 'm'\nfoo = 1\n", "foo"),
        ("name = 'x'\nversion = '1'\nframe = 'f'\nmapping = 'm'\n[linear]\npenality = 1\n", "linear.penality"),
        ("name = \n", "not valid TOML"),
        (
            "name = 'x'\nversion = '1'\nframe = 'voc-zh-general.yaml'\nmapping = 'mapping.yaml'\n[weights]\ncars = 2\n",
            "column 'weights': names a set that the mapping does not have.*cars",
        ),
        (
            "name = 'x'\nversion = '1'\nframe = 'voc-zh-general.yaml'\nmapping = 'mapping.yaml'\n"
            "[encoder]\nunweighed = ['onw_*']\n",
            "column 'encoder.unweighed': names a set that the mapping does not have.*onw_",
        ),
    ],
)
def test_a_recipe_is_checked(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(content, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text("frame: voc-zh-general\nsets: []\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_recipe(path)


def test_a_recipe_weighs_sets_its_own_way() -> None:
    shipped = Path(__file__).parents[1] / "training"
    linear, small = (
        {one.name: one.weight for one in read_recipe(shipped / name).sets}
        for name in ("voc-zh-linear.toml", "voc-zh-small.toml")
    )
    assert (linear["products_nlpcc14_train"], small["products_nlpcc14_train"]) == (6.0, 3.0)
    assert linear["car_bdci2018"] == small["car_bdci2018"] == 1.0
    assert (linear["own_irony"], small["own_irony"]) == (3.0, 2.5)  # by the pattern own_*


def test_mention_is_found_in_the_clause_that_speaks_of_it() -> None:
    """The gradient of the pooled loss agrees with finite differences."""
    import numpy as np
    from scipy.optimize import check_grad

    labelled = [
        Labelled(str(n), text, (GoldTag("a", "positive"),) if n % 2 else ()) for n, text in enumerate(SLOW + FAST)
    ]
    vocabulary, texts = featurise(labelled, Grams(), least_texts=1, most_features=1000)
    there = np.array([bool(row.tags) for row in labelled])
    loss = linear_fit._mention_loss(texts, there, 0.1)
    at = np.random.default_rng(0).normal(0, 0.3, len(vocabulary.hashes) + 1)
    assert check_grad(lambda w: loss(w)[0], lambda w: loss(w)[1], at) < 1e-3


def test_a_calibration_of_next_to_nothing_does_not_turn_the_model_round() -> None:
    import numpy as np

    from vocnlp.training.calibration import Calibration, calibrate

    scores = np.array([[3.0], [2.0], [-1.0], [-2.0]])
    wrong_way = np.array([[False], [False], [True], [True]])
    found = calibrate(scores, wrong_way, np.ones_like(wrong_way), np.ones(4))
    assert (found.slope, found.shift) == (1.0, 0.0)
    nothing = calibrate(scores, np.zeros_like(wrong_way), np.ones_like(wrong_way), np.ones(4))
    assert nothing == Calibration(1.0, 0.0, (0.5,))


def test_a_temperature_makes_confidence_what_it_is_worth() -> None:
    import numpy as np

    from vocnlp.training.calibration import temperature

    # Right in three of four, whatever the score says: its logit is log 3.
    scores = np.array([[0.0, 4.0]] * 8)
    truth = np.array([1, 1, 1, 0] * 2)
    assert temperature(scores, truth, np.ones(8)) == pytest.approx(np.log(3) / 4, abs=1e-3)
    assert temperature(scores[:4], truth[:4], np.ones(4)) == 1.0  # too few to tell


class Said:
    """A tagger that answers from a table: what is tested here is the arithmetic of the figures."""

    def __init__(self, frame: object, answers: dict[str, Prediction]) -> None:
        self.codeframe, self._answers = frame, answers

    def tag(self, texts: list[str]) -> list[Prediction]:
        return [self._answers[text] for text in texts]


def test_figures_are_those_counted_by_hand(data: Path, tmp_path: Path) -> None:
    frame = train_bundle(data, tmp_path / "b", dev_parts=0).codeframe
    gold = [
        Labelled("1", "甲", (GoldTag("物流", "negative", 0, 1), GoldTag("口味", "positive")), "negative"),
        Labelled("2", "乙", (GoldTag("口味", "negative", 0, 1),), "negative"),
        Labelled("3", "丙", (), "positive", frozenset({"物流"})),
        Labelled("4", "丁", (GoldTag("物流", None),), "neutral"),
    ]
    said = Said(frame, {
        "甲": Prediction("negative", 0.9, (Tag("物流", "negative", 0.9, 0, 1), Tag("口味", "negative", 0.6, 0, 1))),
        "乙": Prediction("positive", 0.8, (Tag("口味", "negative", 0.7, 3, 4),)),
        "丙": Prediction("positive", 0.7, (Tag("物流", "positive", 0.5, 0, 1), Tag("口味", "positive", 0.5, 0, 1))),
        "丁": Prediction("neutral", 0.6, (Tag("物流", "positive", 0.5, 0, 1),)),
    })  # fmt: skip
    figures = evaluate(said, gold)  # type: ignore[arg-type]
    # codes: right 甲物流 甲口味 乙口味 丁物流; wrong 丙物流 (丙口味 was not looked for); missed none
    assert figures["codes"]["micro_f1"] == pytest.approx(2 * 4 / (2 * 4 + 1))
    # pairs: right 甲物流- 乙口味-; wrong 甲口味- 丙物流+; missed 甲口味+; 丁物流 was not judged
    assert figures["pairs"]["micro_f1"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert figures["sentiment"]["accuracy"] == 0.75
    # negative: 1 right 1 missed -> 2/3; positive: 1 right 1 wrong -> 2/3; neutral: 1
    assert figures["sentiment"]["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    # marked spans of right codes: 甲物流 met, 乙口味 not
    assert figures["evidence"] == {"overlap": 0.5, "support": 2}
    # ECE: |0.9-1| + |0.8-0| + |0.7-1| + |0.6-1| over 4, one comment a bin
    assert figures["calibration"]["sentiment_ece"] == pytest.approx((0.1 + 0.8 + 0.3 + 0.4) / 4)


def test_counts_guard_their_own_zero() -> None:
    assert (Count().precision, Count().recall, Count().f1) == (None, None, None)
    assert Count(3, 1, 2).f1 == pytest.approx(6 / 9)


@pytest.mark.parametrize(("crossed", "fits"), [(1_000, 6), (0, 2)])
def test_of_few_comments_every_part_sets_thresholds_of_many_one_does(
    tiny_rows: list[Labelled], tiny_frame: Codeframe, crossed: int, fits: int
) -> None:
    told: list[tuple[str, float]] = []
    recipe = LinearRecipe(least_texts=1, penalty=0.12, threads=1, crossed=crossed)
    fitted = fit_linear(tiny_rows, tiny_frame, recipe, progress=lambda what, share: told.append((what, share)))
    assert Counter(what for what, _ in told) == {
        "reading features": 1,
        **{f"learning {code}": fits for code in fitted.model.codes},
    }
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
