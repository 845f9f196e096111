"""Codes from their definitions, and from 8, 32 and 128 reviewed comments a code, beside TF-IDF and fine-tuning.

Three sets. The make-up set flatters: the shipped encoder has learnt its training rows under the names of its own codes, so
it has seen what the new codes mean. The letters and the intents have codes that no bundle of ours has learnt (their texts
were read in pretraining; of the intents the tone was learnt, and one label in four is wrong).
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vocnlp import Bundle, Codeframe, Tagger
from vocnlp.training.evaluation import evaluate
from vocnlp.training.few import train_few
from vocnlp.training.labelled import Labelled, in_frame, read_labelled, split
from vocnlp.training.train import train_bundle

FRAMES = Path(__file__).parent / "frames"
POINTS = (8, 32, 128)
SEEDS = (0, 1, 2)
FINE_TUNED = (8, 32)  # comments a code, one seed: it takes minutes


@dataclass(frozen=True)
class FewSet:
    """A labelled set and the frame of definitions of our own; ``taught``: the encoder has seen its training rows."""

    name: str
    file: str
    frame: str
    taught: bool = False


SETS = (
    FewSet("make-up, 13 codes", "aspect/makeup_zhijiang2019.jsonl", "makeup.yaml", taught=True),
    FewSet("letters, 7 departments", "topic/citizen_complaints_tipdm2020.jsonl", "letters.yaml"),
    FewSet("intents, 12 of them", "topic/customer_intent_cic_train.jsonl", "intents.yaml"),
)


def measure(data: Path, bundle: Path | None) -> dict[str, Any]:
    """Micro-F1 on codes, on the held-out part of each set: mean and spread over the seeds, for every point of the curve."""
    base = Bundle.load(bundle)
    return {"bundle": base.label, "seeds": len(SEEDS), "sets": {one.name: _curve(one, data, base) for one in SETS}}


def _curve(one: FewSet, data: Path, base: Bundle) -> dict[str, Any]:
    frame = Codeframe.load(FRAMES / one.frame)
    rows = [row for row in read_labelled(data / one.file) if row.tags and all(tag.code in frame for tag in row.tags)]
    train, dev = split(in_frame(rows, frame, path=data / one.file))
    points: dict[str, Any] = {"0": {"few": _point([_micro(Tagger(base, frame), dev)])}}
    for count in POINTS:
        chosen = [sample(train, frame, count, seed) for seed in SEEDS]
        begun = time.perf_counter()
        few = [_micro(_tagger(some, frame, base), dev) for some in chosen]
        points[str(count)] = {
            "comments": round(statistics.mean(map(len, chosen))),
            "few": {**_point(few), "seconds": round((time.perf_counter() - begun) / len(chosen), 1)},
            "tfidf": _point([tfidf(some, dev, frame) for some in chosen]),
        }
        if one.taught and count in FINE_TUNED:
            points[str(count)]["fine_tuned"] = _point([_fine_tuned(chosen[0], dev, frame, base)])
    return {"taught": one.taught, "held_out": len(dev), "points": points}


def _point(values: Sequence[float]) -> dict[str, float]:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"micro_f1": round(statistics.mean(values), 4), "spread": round(spread, 4)}


def _micro(tagger: Tagger, dev: Sequence[Labelled]) -> float:
    return float(evaluate(tagger, list(dev))["codes"]["micro_f1"])


def _tagger(rows: Sequence[Labelled], frame: Codeframe, base: Bundle) -> Tagger:
    few = train_few(rows, frame, base)
    return Tagger(Bundle("few", "1", frame, few.classifier, few.thresholds))


def sample(rows: Sequence[Labelled], frame: Codeframe, count: int, seed: int) -> list[Labelled]:
    """Rows with ``count`` comments of every code, or all there are, rarest code first; a comment counts for all its codes."""
    chance = np.random.default_rng(seed)
    carriers = {
        code.id: [k for k, row in enumerate(rows) if any(tag.code == code.id for tag in row.tags)]
        for code in frame.taggable
    }
    chosen: set[int] = set()
    for carrying in sorted(carriers.values(), key=len):
        left = [k for k in carrying if k not in chosen]
        missing = count - (len(carrying) - len(left))
        chosen |= {left[k] for k in chance.permutation(len(left))[: max(0, missing)]}
    return [rows[k] for k in sorted(chosen)]


def tfidf(rows: Sequence[Labelled], dev: Sequence[Labelled], frame: Codeframe) -> float:
    """Micro-F1 of character 1- to 3-grams with TF-IDF and a logistic regression a code: the usual floor."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    codes = [code.id for code in frame.taggable]
    there, wanted = (
        np.array([[any(t.code == c for t in row.tags) for c in codes] for row in some]) for some in (rows, dev)
    )
    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    features, asked = grams.fit_transform([row.text for row in rows]), grams.transform([row.text for row in dev])
    chances = np.zeros(wanted.shape)
    for code in np.flatnonzero(there.any(0) & ~there.all(0)):
        fitted = LogisticRegression(C=10, max_iter=1000).fit(features, there[:, code])
        chances[:, code] = fitted.predict_proba(asked)[:, 1]
    said = chances >= 0.5
    if frame.exclusive:
        said = np.arange(len(codes)) == chances.argmax(1)[:, None]
    return float(2 * (said & wanted).sum() / max(said.sum() + wanted.sum(), 1))


def _fine_tuned(rows: Sequence[Labelled], dev: Sequence[Labelled], frame: Codeframe, base: Bundle) -> float:
    """The encoder of the bundle fine-tuned on the same rows, as ``vocnlp train`` does it."""
    with tempfile.TemporaryDirectory() as folder:
        data, written = Path(folder) / "few.jsonl", Path(folder) / "frame.json"
        lines = [
            {"id": row.id, "text": row.text, "tags": [{"code": t.code, "polarity": t.polarity} for t in row.tags]}
            for row in rows
        ]
        data.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        written.write_text(json.dumps(frame.to_dict(), ensure_ascii=False), encoding="utf-8")
        made = train_bundle(data, Path(folder) / "made", codeframe=written, encoder=str(base.path), dev_parts=0)
        return _micro(Tagger(made), dev)


def section(results: dict[str, Any]) -> list[str]:
    """The lines of the page."""
    lines = [
        "### Few labels and none: codes that the bundle never learnt", "",
        f"`{results['bundle']}`; micro-F1 on codes on the held-out part, mean and standard deviation over {results['seeds']} draws of so"
        " many comments a code (0: the definition, examples and keywords alone). TF-IDF: character 1- to 3-grams and a logistic"
        " regression, on the same comments. Make-up flatters: the encoder has learnt those training rows under its own codes'"
        " names; letters and intents it was never taught. Seconds: to teach and to judge once.", "",
        "| set | comments a code | comments | vocnlp | TF-IDF | fine-tuned | seconds |", "|---|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    for name, one in results["sets"].items():
        for count, point in one["points"].items():
            cells = [_cell(point.get(way)) for way in ("few", "tfidf", "fine_tuned")]
            seconds = point["few"].get("seconds", "-")
            lines.append(
                f"| {name} ({one['held_out']} held out) | {count} | {point.get('comments', 0)} | {' | '.join(cells)} | {seconds} |"
            )
    return [*lines, ""]


def _cell(point: dict[str, float] | None) -> str:
    if point is None:
        return "-"
    return f"{point['micro_f1']:.3f}" + (f" ± {point['spread']:.3f}" if point["spread"] else "")
