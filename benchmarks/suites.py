"""The table of suites: what is measured, on what, beside whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The bundle that the default is compared with everywhere.
LINEAR = Path(__file__).parents[1] / "models" / "voc-zh-linear"


@dataclass(frozen=True)
class OwnCodes:
    """A set on which ``vocnlp train`` makes a model of the set's own codes, judged on the held-out part of the set."""

    name: str
    file: str


@dataclass(frozen=True)
class FileRun:
    """``vocnlp score`` csv to csv over so many rows, all texts different; with the default bundle, or the linear one."""

    rows: int
    linear: bool = False


OWN_CODES = (
    OwnCodes("car, 10 codes", "aspect/car_bdci2018.jsonl"),
    OwnCodes("make-up, 13 codes", "aspect/makeup_zhijiang2019.jsonl"),
    OwnCodes("restaurant, 20 codes", "aspect/restaurant_aic2018.jsonl"),
    OwnCodes("laptop, 35 exclusive codes", "aspect/laptop_jd_codeframe.jsonl"),
)

SEEDS = (7, 8)  # of the fits to a set's own codes; the first is the default of ``vocnlp train``

FILE_RUNS = (FileRun(10_000), FileRun(100_000), FileRun(100_000, linear=True), FileRun(1_000_000, linear=True))

#: Where the texts of the speed runs come from: real reviews, mean about 60 characters.
SPEED_TEXTS = (
    "sentiment/online_shopping_10_cats.jsonl",
    "sentiment/food_delivery_waimai.jsonl",
    "sentiment/hotel_ctrip.jsonl",
    "sentiment/products_nlpcc14_train.jsonl",
)

PEER_TEXTS = 400  # SnowNLP reads some 150 texts a second: enough to compare, few enough to wait for
IN_MEMORY_TEXTS = 20_000
