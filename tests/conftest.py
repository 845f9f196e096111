"""A tiny frame, sixty labelled comments made up for it, and a real bundle trained on them once a run."""

from __future__ import annotations

import os
import signal
import sys

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch and numpy are loaded: models this small gain nothing from threads, and the threads of several workers
    # wait for each other at full speed.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    # The suite starts some hundreds of Pythons: those that follow may read what the first has compiled.
    sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background of a shell, which ignores Ctrl-C for all that it starts; some tests are about Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

import shutil
from pathlib import Path

import pytest

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.records import NEGATIVE, NEUTRAL, POSITIVE
from vocnlp.tagger import Tagger
from vocnlp.training.labelled import GoldTag, Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear

FRAME = {
    "schema": 1,
    "name": "corner-shop",
    "version": "0.1.0",
    "title": "街角小店码框",
    "journeys": [
        {
            "id": "general",
            "name": "购物旅程",
            "stages": [
                {"id": "order", "name": "下单", "synonyms": ["购买", "付款"]},
                {"id": "deliver", "name": "配送", "synonyms": ["物流", "送货"]},
                {"id": "use", "name": "使用"},
                {"id": "support", "name": "售后", "synonyms": ["客服"]},
            ],
        },
        {
            "id": "catering",
            "name": "用餐旅程",
            "stages": [
                {"id": "queue", "name": "排队", "synonyms": ["等位"]},
                {"id": "dine", "name": "用餐", "synonyms": ["堂食"]},
                {"id": "pay", "name": "买单"},
            ],
        },
    ],
    "codes": [
        {"id": "goods", "name": "商品", "definition": "东西本身好不好"},
        {
            "id": "quality",
            "name": "质量",
            "parent": "goods",
            "definition": "做工、材料、耐不耐用",
            "includes": ["开线", "做工"],
            "excludes": ["路上压坏的(归 delivery 配送)"],
            "examples": {"positive": ["料子厚实，针脚也密"], "negative": ["才用两天拉链就崩了"]},
            "keywords": ["做工", "质量"],
            "stage": {"general": "use"},
            "owner": "品质部",
        },
        {
            "id": "taste",
            "name": "味道",
            "parent": "goods",
            "definition": "好不好吃",
            "keywords": ["味道", "口味"],
            "stage": {"general": "use", "catering": "dine"},
            "owner": "后厨",
            "industries": ["餐饮"],
        },
        {"id": "people", "name": "服务", "definition": "人怎么待客"},
        {
            "id": "attitude",
            "name": "服务态度",
            "parent": "people",
            "definition": "待人热不热情",
            "keywords": ["态度"],
            "stage": {"general": "support", "catering": "dine"},
            "owner": "门店运营部",
        },
        {
            "id": "waiting",
            "name": "等待时间",
            "parent": "people",
            "definition": "排队和等候要多久",
            "keywords": ["排队"],
            "stage": {"general": "order", "catering": "queue"},
            "owner": "门店运营部",
        },
        {
            "id": "parking",
            "name": "停车",
            "parent": "people",
            "definition": "停车方不方便；没有标注数据，只靠关键词",
            "keywords": ["停车位", "停车场", "泊车"],
            "stage": {"general": "order", "catering": "queue"},
            "owner": "物业部",
        },
        {
            "id": "delivery",
            "name": "配送",
            "definition": "送得快不快，到手完不完整",
            "keywords": ["快递", "配送"],
            "stage": {"general": "deliver"},
            "owner": "物流部",
        },
        {
            "id": "price",
            "name": "价格",
            "definition": "贵不贵，值不值",
            "keywords": ["价格", "性价比"],
            "stage": {"general": "order", "catering": "pay"},
            "owner": "商品部",
        },
    ],
}

#: Text; the codes it speaks of, each with + positive, - negative or 0 neutral; the sentiment of the whole.
VOICES = """
做工精细，料子摸着很舒服|quality+|+
质量真好，洗了十来次都没变形|quality+|+
质量扎实，用了半年还跟新的一样|quality+|+
缝线整齐，质量没得挑|quality+|+
做工太粗糙了，线头到处都是|quality-|-
质量很差，第三天就裂开了|quality-|-
质量不行，刚穿就开胶|quality-|-
拉链一拉就坏，做工真差劲|quality-|-
质量一般，跟图上差不多|quality0|0
味道鲜美，汤底熬得很浓|taste+|+
味道很好，全家老小都爱吃|taste+|+
这家的口味真不错，回味悠长|taste+|+
菜的味道绝了，连汤都喝光|taste+|+
味道太咸，一口都吃不下|taste-|-
味道很怪，有股馊味|taste-|-
口味大不如前，又油又腻|taste-|-
难吃，味道寡淡得像白水|taste-|-
味道一般，算不上惊艳|taste0|0
店员态度热情，问什么都耐心答|attitude+|+
客服态度很好，讲得清清楚楚|attitude+|+
服务员笑脸相迎，态度没话说|attitude+|+
阿姨很热情，还帮忙拎东西|attitude+|+
服务员态度恶劣，爱理不理|attitude-|-
客服态度差，问三句回一句|attitude-|-
店员黑着脸，态度让人寒心|attitude-|-
态度冷淡，像欠了他们钱|attitude-|-
态度一般，不冷也不热|attitude0|0
不用排队，进门就有座|waiting+|+
排队很快，五分钟就轮到我|waiting+|+
叫号很顺，几乎没等|waiting+|+
排队排了两个钟头，腿都站麻了|waiting-|-
等位太久，孩子饿得直哭|waiting-|-
排队的人太多，等得心烦|waiting-|-
上菜慢，等了一个小时|waiting-|-
中午要排队十分钟左右|waiting0|0
快递很快，隔天就到门口|delivery+|+
配送神速，包得严严实实|delivery+|+
快递小哥准时，东西完好|delivery+|+
物流快，昨天下单今天收到|delivery+|+
快递太慢，一周还没动静|delivery-|-
配送慢得离谱，冰淇淋全化了|delivery-|-
快递把箱子摔烂，里面碎了一半|delivery-|-
物流信息三天不更新，急死人|delivery-|-
快递放在驿站，自己去取的|delivery0|0
价格实惠，性价比很高|price+|+
价格便宜，量还足|price+|+
这个价格真划算，再囤两件|price+|+
性价比没得说，值|price+|+
价格太贵，不值这个钱|price-|-
又涨价，价格高得吓人|price-|-
性价比低，花冤枉钱|price-|-
同样的东西比隔壁贵一倍，价格离谱|price-|-
价格同邻街几家持平|price0|0
味道不错，但是价格太贵|taste+ price-|-
质量很好，就是快递太慢|quality+ delivery-|0
服务员态度热情，味道也很好|attitude+ taste+|+
排队太久，味道还很差|waiting- taste-|-
价格便宜，快递很快，满意|price+ delivery+|+
客服态度差，质量也很差，差评|attitude- quality-|-
今天路过买了一份带回家||0
周末和同事一起去的||0
非常满意，会再来||+
太失望了，再也不来||-
"""

_POLARITY = {"+": POSITIVE, "-": NEGATIVE, "0": NEUTRAL}


def _labelled(number: int, line: str) -> Labelled:
    text, codes, sentiment = line.split("|")
    tags = tuple(GoldTag(code[:-1], _POLARITY[code[-1]]) for code in codes.split())
    return Labelled(f"v{number:02d}", text, tags, _POLARITY[sentiment], source="voices")


@pytest.fixture(scope="session")
def tiny_frame() -> Codeframe:
    """Nine codes, seven of them taggable, two journeys; ``parking`` has keywords and no labelled comment."""
    return Codeframe.from_dict(FRAME)


@pytest.fixture(scope="session")
def tiny_rows() -> list[Labelled]:
    return [_labelled(number, line) for number, line in enumerate(VOICES.strip().splitlines(), 1)]


@pytest.fixture(scope="session")
def tiny_bundle(tiny_frame: Codeframe, tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved bundle that knows six codes and sentiment. Not to be written to: copy it to alter it."""
    fitted = fit_linear(tiny_rows, tiny_frame, LinearRecipe(least_texts=1, penalty=0.12))
    path = tmp_path_factory.mktemp("bundles") / "corner-shop"
    Bundle("corner-shop", "0.1.0", tiny_frame, fitted.model, fitted.thresholds, {"rows": len(tiny_rows)}).save(
        path, card="# corner-shop\n\n为测试训练的小模型。\n"
    )
    return path


@pytest.fixture(scope="session")
def tagger(tiny_bundle: Path) -> Tagger:
    return Tagger.load(tiny_bundle)


@pytest.fixture
def bundle_copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of ``tiny_bundle`` that a test may alter."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "corner-shop"))
