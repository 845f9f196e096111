"""Topic discovery: against labels, from run to run, a planted pain, and the time of 20,000 comments.

Peers on the same vectors and words: k-means with as many clusters, and LDA (Blei et al. 2003) with as many topics. The
planted comments are made from sentences written for this file: a pain that the codeframe has no code for.
"""

from __future__ import annotations

import json
import lzma
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vocnlp.bundle import Bundle
from vocnlp.discovery import discover
from vocnlp.records import TAGGED
from vocnlp.text import normalise_all
from vocnlp.topic_vectors import vectors
from vocnlp.topic_words import Words
from vocnlp.topics import Found, Recipe, find_topics

Ints = npt.NDArray[np.int64]
_INTENTS = ("topic/customer_intent_cic_train.jsonl", "topic/customer_intent_cic_dev.jsonl")
_BACKGROUND = "pretrain/feedback_hans.tsv.xz"
_SHARE = 0.01
_WEEKS, _FROM, _A_WEEK = 12, 9, 400

# Each line of a slot fits each line of the next: 6 x 7 x 7 sentences about power banks that cannot be given back.
_PLANTED = (
    ("共享充电宝", "门口那个充电宝柜", "借的充电宝", "店里的充电宝机器", "充电宝租借柜", "昨晚借的那只充电宝"),
    ("还不进去", "归还失败", "插回去不认", "还了还显示使用中", "仓位全满没法还", "弹出来三次都没还上", "归还按钮点了没反应"),
    ("，一直在计费", "，多扣了我三十块", "，押金直接扣光", "，钱还在一小时一小时地跳", "，超时费算到我头上", "，第二天看扣到封顶", "，平白多算一晚的钱"),
)  # fmt: skip


def planted() -> list[str]:
    """Distinct sentences of the planted pain."""
    return ["".join(parts) for parts in product(*_PLANTED)]


def measure(root: Path, bundle: Path | None = None, seeds: int = 10) -> dict[str, Any]:
    """All figures; some twenty minutes on two cores with ten seeds."""
    model = Bundle.load(bundle)
    background = _background(root, 60_000)
    return {
        "intents without their labels": intents(root, model),
        "stability": stability(background[:6000], model, max(2, seeds // 3)),
        "planted pain, 1 % of 20,000 comments": plants(background, model, seeds),
        "emerging pain": emerging(background, model, max(2, seeds // 3)),
        "20,000 comments, file to page": whole(background[:20_000]),
    }


def intents(root: Path, model: Bundle) -> dict[str, Any]:
    """Normalised mutual information (Strehl and Ghosh 2002) with 118 noisy intents that no method sees."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import LatentDirichletAllocation
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.metrics import normalized_mutual_info_score as nmi

    rows = [json.loads(line) for name in _INTENTS for line in (root / name).open(encoding="utf-8")]
    labels = [row["label"] for row in rows]
    lines = normalise_all([row["text"].replace("\n", " ") for row in rows])
    space, words = vectors(lines, model.classifier), Words(model.codeframe)  # type: ignore[arg-type]
    found = find_topics(lines, space, words)
    ours, count = numbers_of(found, len(lines)), len(found.topics)
    means = KMeans(count, n_init=3, random_state=7).fit_predict(space)
    told = [" ".join(words.telling(line)) for line in lines]
    counted = CountVectorizer(analyzer=str.split, min_df=2).fit_transform(told)
    mixture = LatentDirichletAllocation(count, random_state=7, learning_method="online").fit_transform(counted)
    inside = ours >= 0
    return {
        "questions": len(lines),
        "topics": count,
        "covered": round(float(inside.mean()), 3),
        "NMI": round(float(nmi(labels, ours)), 3),
        "NMI, k-means, as many": round(float(nmi(labels, means)), 3),
        "NMI, LDA, as many": round(float(nmi(labels, mixture.argmax(1))), 3),
        "NPMI coherence": round(coherence(found, told), 3),
        "diversity of terms": round(diversity(found), 3),
    }


def stability(lines: Sequence[str], model: Bundle, runs: int) -> dict[str, Any]:
    """Adjusted Rand index (Hubert and Arabie 1985) between runs, over the lines that both put in a topic."""
    space, words = vectors(lines, model.classifier), Words(model.codeframe)  # type: ignore[arg-type]
    seeds = [numbers_of(find_topics(lines, space, words, Recipe(seed=7 + run)), len(lines)) for run in range(runs)]
    parts = []
    for run in range(runs):
        kept = np.sort(np.random.default_rng(run).choice(len(lines), int(0.8 * len(lines)), replace=False))
        numbers = np.full(len(lines), -2, np.int64)
        numbers[kept] = numbers_of(find_topics([lines[k] for k in kept], space[kept], words), len(kept))
        parts.append(numbers)
    again = find_topics(lines, space, words)
    told = [" ".join(words.telling(line)) for line in lines]
    return {
        "lines": len(lines),
        "topics": len(again.topics),
        "adjusted Rand between seeds": round(_mean_rand(seeds), 3),
        "adjusted Rand between samples of four fifths": round(_mean_rand(parts), 3),
        "same data and seed": "identical" if (numbers_of(again, len(lines)) == seeds[0]).all() else "NOT identical",
        "covered": round(1 - again.outliers / len(lines), 3),
        "NPMI coherence": round(coherence(again, told), 3),
        "diversity of terms": round(diversity(again), 3),
    }


def plants(background: Sequence[str], model: Bundle, seeds: int, size: int = 20_000) -> dict[str, Any]:
    """In how many runs there is a topic that holds half of the planted comments and is half planted, at least."""
    found, purity, recall = 0, [], []
    for seed in range(seeds):
        chance = random.Random(seed)  # noqa: S311 - a sample
        sown = chance.sample(planted(), int(size * _SHARE))
        lines = [*chance.sample(list(background), size - len(sown)), *sown]
        chance.shuffle(lines)
        lines = list(dict.fromkeys(normalise_all(lines)))
        wanted = {place for place, line in enumerate(lines) if line in set(normalise_all(sown))}
        space = vectors(lines, model.classifier)  # type: ignore[arg-type]
        topics = find_topics(lines, space, Words(model.codeframe), Recipe(seed=seed)).topics
        best = max(topics, key=lambda topic: len(wanted & set(topic.lines)))
        held = len(wanted & set(best.lines))
        purity.append(held / len(best.lines))
        recall.append(held / len(wanted))
        found += purity[-1] >= 0.5 and recall[-1] >= 0.5
    return {
        "found": f"{found} of {seeds}",
        "its lines that are planted, mean": round(float(np.mean(purity)), 3),
        "planted lines it holds, mean": round(float(np.mean(recall)), 3),
    }


def emerging(background: Sequence[str], model: Bundle, seeds: int) -> dict[str, Any]:
    """Twelve weeks of comments, looked at after each from the eighth; from the ninth on, one in fifty is the new pain."""
    late: list[int] = []
    alarms = calm = looks = 0
    for seed in range(seeds):
        for sow in (True, False):
            weeks = _weeks(background, seed, sow)
            for week in range(_FROM - 1, _WEEKS + 1):
                rising = _rising(weeks, week, model)
                sown = [topic for topic in rising if _is_plant(topic)]
                if sow and sown and len(late) <= seed:
                    late.append(week - _FROM + 1)
                looks += 1
                alarms += len(rising) - len(sown)
                calm += 0 if sow else len(rising) > 0
        if len(late) <= seed:
            late.append(0)  # never
    noticed = [weeks for weeks in late if weeks]
    return {
        "noticed": f"{len(noticed)} of {seeds}",
        "weeks until noticed, mean": round(float(np.mean(noticed)), 1) if noticed else "never",
        "false alarms, topics a look": round(alarms / looks, 2),
        "looks without a plant that raised any": f"{calm} of {looks // 2}",
    }


def whole(lines: Sequence[str]) -> dict[str, Any]:
    """The command line over an export of so many comments: seconds, memory, and whether a second run says the same."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "export.jsonl")
        source.write_text("".join(json.dumps({"text": line}, ensure_ascii=False) + "\n" for line in lines), "utf-8")
        first, memory = _timed(source, Path(folder, "a"))
        second, _ = _timed(source, Path(folder, "b"))
        same = Path(folder, "a", "topics.json").read_bytes() == Path(folder, "b", "topics.json").read_bytes()
        topics = json.loads(Path(folder, "a", "topics.json").read_text("utf-8"))["topics"]
    return {
        "comments": len(lines),
        "topics": len(topics),
        "seconds": round(min(first, second)),
        "peak memory, MB": round(memory),
        "a second run": "identical" if same else "NOT identical",
    }


def numbers_of(found: Found, lines: int) -> Ints:
    """(lines,) the number of each line's topic, -1 for none."""
    numbers = np.full(lines, -1, np.int64)
    for number, topic in enumerate(found.topics):
        numbers[list(topic.lines)] = number
    return numbers


def coherence(found: Found, told: Sequence[str]) -> float:
    """Mean normalised pointwise mutual information of the ten terms of a topic, over whole lines (Bouma 2009)."""
    terms = {term for topic in found.topics for term, _ in topic.terms}
    alone: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    for line in told:
        here = sorted(terms & set(line.split()))
        alone.update(here)
        both.update(combinations(here, 2))
    values = []
    for topic in found.topics:
        for pair in combinations(sorted(term for term, _ in topic.terms), 2):
            together = both[pair] / len(told)
            chance = (alone[pair[0]] / len(told)) * (alone[pair[1]] / len(told))
            values.append(np.log(together / chance) / -np.log(together) if together else -1.0)
    return float(np.mean(values)) if values else 0.0


def diversity(found: Found) -> float:
    """Share of distinct words among the terms of all topics (Dieng et al. 2020)."""
    terms = [term for topic in found.topics for term, _ in topic.terms]
    return len(set(terms)) / len(terms) if terms else 0.0


def _mean_rand(runs: Sequence[Ints]) -> float:
    from sklearn.metrics import adjusted_rand_score

    values = []
    for one, other in combinations(runs, 2):
        both = (one >= 0) & (other >= 0)
        values.append(adjusted_rand_score(one[both], other[both]))
    return float(np.mean(values))


def _background(root: Path, count: int) -> list[str]:
    """Distinct short feedback of many kinds, spread over the file."""
    with lzma.open(root / _BACKGROUND, "rt", encoding="utf-8") as lines:
        texts = [line.rstrip("\n").split("\t", 1)[-1] for line in lines]
    short = [text for text in dict.fromkeys(texts) if 6 <= len(text) <= 60]
    return random.Random(7).sample(short, min(count, len(short)))  # noqa: S311 - a sample


def _weeks(background: Sequence[str], seed: int, sow: bool) -> list[list[str]]:
    chance = random.Random(100 + seed)  # noqa: S311 - a sample
    pool = iter(chance.sample(list(background), _WEEKS * _A_WEEK))
    sown = iter(chance.sample(planted(), len(planted())))
    weeks = []
    for week in range(1, _WEEKS + 1):
        new = _A_WEEK // 50 if sow and week >= _FROM else 0
        weeks.append([next(sown) for _ in range(new)] + [next(pool) for _ in range(_A_WEEK - new)])
    return weeks


def _rising(weeks: Sequence[Sequence[str]], until: int, model: Bundle) -> list[tuple[str, ...]]:
    """The lines of the topics marked as rising in what was said up to a week, tags aside."""
    begun = datetime(2026, 1, 5)
    rows = [
        {"id": f"{week}-{number}", "text": text, "at": begun + timedelta(weeks=week, minutes=20 * number)}
        | {"voc_sentiment": "neutral", "voc_tags": []}
        for week, said in enumerate(weeks[:until])
        for number, text in enumerate(said)
    ]
    table = pa.Table.from_pylist([{name: row.get(name) for name in TAGGED.names} for row in rows], TAGGED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = discover(table, model, model.codeframe)
    rising = []
    for figures, said in zip(found.figures, found.said, strict=True):
        if figures.rising and isinstance(figures.first, date):
            rising.append(tuple(str(row["text"]) for row in said))
    return rising


def _is_plant(texts: Sequence[str]) -> bool:
    sown = set(planted())
    return sum(text in sown for text in texts) >= len(texts) / 2


def _timed(source: Path, out: Path) -> tuple[float, float]:
    """Seconds, and the peak of all processes together in MB."""
    import psutil

    command = [sys.executable, "-m", "vocnlp.cli", "discover", str(source), "-o", str(out)]
    begun, peak = time.perf_counter(), 0.0
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    process = psutil.Process(running.pid)
    while running.poll() is None:
        family = [process, *process.children(recursive=True)]
        sizes = [one.memory_info().rss for one in family if one.is_running()]
        peak = max(peak, sum(sizes) / 1e6)
        time.sleep(0.2)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}")
    return time.perf_counter() - begun, peak
