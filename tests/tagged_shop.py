"""A small shop's tagged comments, made up for the tests of the figures and of the report."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from vocnlp.codeframe import Codeframe
from vocnlp.records import TAGGED

FRAME = Codeframe.from_dict(
    {
        "schema": 1,
        "name": "shop-test",
        "version": "0.3.0",
        "title": "小店码框",
        "journeys": [
            {
                "id": "general",
                "name": "购物旅程",
                "stages": [
                    {"id": "learn", "name": "了解", "synonyms": ["看广告", "种草"]},
                    {"id": "order", "name": "下单", "synonyms": ["购买"]},
                    {"id": "deliver", "name": "配送", "synonyms": ["物流"]},
                    {"id": "use", "name": "使用"},
                    {"id": "after", "name": "售后", "synonyms": ["退换货"]},
                ],
            }
        ],
        "codes": [
            {"id": "product", "name": "产品", "definition": "东西本身", "stage": {"general": "use"}},
            {"id": "quality", "name": "做工质量", "definition": "做得好不好", "parent": "product", "owner": "品质部"},
            {"id": "look", "name": "外观颜色", "definition": "好不好看", "parent": "product", "owner": "设计部"},
            {"id": "smell", "name": "气味", "definition": "有没有异味", "parent": "product", "owner": "品质部"},
            {"id": "size", "name": "尺寸", "definition": "大小合不合适", "parent": "product", "owner": "设计部"},
            {"id": "logistics", "name": "物流", "definition": "怎么送到", "stage": {"general": "deliver"}},
            {"id": "speed", "name": "配送时效", "definition": "送得快不快", "parent": "logistics", "owner": "物流部"},
            {
                "id": "packaging",
                "name": "包装破损",
                "definition": "到手完不完整",
                "parent": "logistics",
                "owner": "物流部",
            },
            {"id": "courier", "name": "快递员态度", "definition": "送货的人", "parent": "logistics", "owner": "物流部"},
            {"id": "money", "name": "价格", "definition": "花多少钱", "stage": {"general": "order"}},
            {"id": "price", "name": "性价比", "definition": "值不值", "parent": "money", "owner": "商品部"},
            {"id": "promotion", "name": "优惠活动", "definition": "券和满减", "parent": "money", "owner": "市场部"},
            {
                "id": "ads",
                "name": "宣传相符",
                "definition": "说的和给的一样不一样",
                "owner": "市场部",
                "stage": {"general": "learn"},
            },
            {"id": "service", "name": "服务", "definition": "人怎么待客", "stage": {"general": "after"}},
            {"id": "support", "name": "客服响应", "definition": "找得到人吗", "parent": "service", "owner": "客服部"},
            {"id": "refund", "name": "退换退款", "definition": "退得顺不顺", "parent": "service", "owner": "客服部"},
        ],
    }
)

PHRASES: dict[str, dict[str, list[str]]] = {
    "quality": {
        "negative": ["用了三天拉链就崩开", "缝线歪歪扭扭还脱线", "轮子一推就卡住", "扣子轻轻一扯掉两颗"],
        "positive": ["针脚细密摸着厚实", "摔了一次居然没事", "拉链顺滑不卡"],
    },
    "look": {"negative": ["颜色比图片暗一大截", "表面全是划痕"], "positive": ["颜色特别耐看", "样子比照片还精神"]},
    "smell": {"negative": ["一打开就是刺鼻的胶水味", "晾了一周味道还散不掉"], "positive": ["没有一点异味"]},
    "size": {"negative": ["标的大号其实很小", "宽度差了两厘米装不下"], "positive": ["大小刚好放进柜子"]},
    "speed": {
        "negative": ["等了九天才送到", "预计周二到结果拖到周末", "物流信息三天没动静", "催了四遍才发货"],
        "positive": ["头天下单第二天就收到", "送货快得吓人"],
    },
    "packaging": {
        "negative": ["箱子压扁一个角", "里面连气泡膜都没有", "杯子到手碎成几片"],
        "positive": ["里三层外三层包得严实"],
    },
    "courier": {"negative": ["快递员扔门口就走", "电话里很不耐烦"], "positive": ["快递小哥帮忙搬上六楼"]},
    "price": {
        "negative": ["贵得离谱", "同样的东西别家便宜三十块", "不值这个价"],
        "positive": ["这个价位挑不出毛病", "花小钱办大事"],
    },
    "promotion": {"negative": ["刚拆封就看见又打折", "满减券到付款时用不了"], "positive": ["叠完券划算不少"]},
    "ads": {"negative": ["和直播间说的完全两样", "宣传的赠品根本没给"], "positive": ["跟介绍里写的一样"]},
    "support": {
        "negative": ["客服半天回一句", "转了三个人还是没结果", "机器人来回说同一句"],
        "positive": ["客服秒回而且讲得明白"],
    },
    "refund": {
        "negative": ["退货退了半个月", "运费还要我自己出", "退款卡在审核一直不动"],
        "positive": ["换货第二天就上门取件"],
    },
}
_OPEN = ["", "", "", "说实话,", "给家里老人买的,", "第二次回购了,", "朋友推荐来的,", "双十一囤的,", "犹豫很久才入手,"]
_CLOSE = ["", "", "。", "。", ",先这样吧。", ",下次再看。", "😅", ",希望能改进。", "。其他没什么好讲的。"]
_PLAIN = ["还行吧", "正常", "不冷不热,谈不上喜欢也谈不上讨厌", "替同事问一下什么时候补货", "先收着,还没开始用"]
_WEIGHTS = {"speed": 9, "quality": 8, "refund": 6, "support": 6, "packaging": 5, "price": 5, "look": 4, "size": 3}


def tag(code: str, polarity: str, start: int = 0, quote: str = "") -> dict[str, Any]:
    where = {"start": start, "end": start + len(quote), "quote": quote}
    return {"code": code, "polarity": polarity, "confidence": 0.9, "source": "model", **where}


def row(number: int = 0, **cells: Any) -> dict[str, Any]:
    """One row of the table, everything else empty."""
    empty: dict[str, Any] = {
        "id": f"c{number}",
        "voc_sentiment": "neutral",
        "voc_tags": [],
        "voc_bundle": "demo 1",
        "voc_codeframe": "shop-test 0.3.0",
    }
    return {**empty, **cells}


def tagged(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: given.get(name) for name in TAGGED.names} for given in rows], TAGGED)


def shop(count: int = 900, seed: int = 7) -> pa.Table:
    """``count`` comments over nine months with scores that follow what is said; the same on every run."""
    dice = random.Random(seed)
    return tagged([_comment(dice, number, count) for number in range(count)])


def _comment(dice: random.Random, number: int, count: int) -> dict[str, Any]:
    codes = list(PHRASES)
    at = datetime(2025, 1, 3, 9) + timedelta(hours=number * 270 * 24 / count)
    weights = [_WEIGHTS.get(code, 2) for code in codes]
    picked = dict.fromkeys(dice.choices(codes, weights, k=dice.choice([0, 1, 1, 1, 2, 2, 3])))
    late = at.month / 9  # the later, the slower the parcels
    text, tags, mood = dice.choice(_OPEN), [], 0
    for code in picked:
        bad = {"speed": 0.35 + 0.5 * late, "refund": 0.8, "support": 0.6, "look": 0.25, "price": 0.45}.get(code, 0.5)
        polarity = "negative" if dice.random() < bad else "positive"
        quote = dice.choice(PHRASES[code][polarity])
        text += "" if not tags else dice.choice([",", ",而且", "。"])
        tags.append(tag(code, polarity, len(text), quote))
        text += quote
        mood += (-2 if code in ("refund", "speed") else -1) if polarity == "negative" else 1
    text += dice.choice(_CLOSE) if tags else dice.choice(_PLAIN)
    noise = "empty" if not tags and dice.random() < 0.3 else None
    score = max(0, min(10, round(8 + 1.7 * mood + dice.gauss(0, 1.3))))
    return row(
        number,
        text="" if noise else text,
        score=float(score) if dice.random() < 0.85 else None,
        stage=dice.choice(["种草", "下单", "物流", "使用", "售后", None, None, None, "直播间"]),
        channel=dice.choice(["天猫旗舰店", "京东自营", "线下门店", "小程序", None]),
        segment=dice.choice(["新客", "老客", "会员"]),
        at=at,
        voc_sentiment=None if noise else "negative" if mood < 0 else "positive" if mood > 0 else "neutral",
        voc_noise=noise,
        voc_tags=tags,
    )
