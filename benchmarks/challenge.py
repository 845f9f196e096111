"""The challenge suite: short cases that try one ability each (after CheckList, Ribeiro et al. 2020).

Written for vocnlp, never trained on. A case is passed when the sentiment is the expected one and every expected opinion
is found with its polarity under one of the codes that a coder could choose for it; a case without an opinion is passed
when no code is found but the general judgement. The linear bundle takes the same test. SnowNLP, which knows positive and
negative alone, is asked for the sentiment of the polar cases; ours is given for the same cases beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocnlp import Codeframe, Prediction, Tagger
from vocnlp.records import NEGATIVE, POSITIVE

from .suites import LINEAR

FILE = Path(__file__).with_name("challenge.jsonl")
_GENERAL = "overall_experience"


@dataclass(frozen=True)
class Opinion:
    """What a case says of one thing: the codes that name it, any of them right, and the polarity."""

    codes: tuple[str, ...]
    polarity: str


@dataclass(frozen=True)
class Case:
    """One text and what a careful reader would find in it."""

    id: str
    group: str
    text: str
    sentiment: str
    opinions: tuple[Opinion, ...]


def read_cases(path: Path = FILE) -> list[Case]:
    """The cases of a jsonl file, in order."""
    with path.open(encoding="utf-8") as lines:
        rows: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    return [
        Case(
            row["id"],
            row["group"],
            row["text"],
            row["sentiment"],
            tuple(Opinion(tuple(tag["codes"]), tag["polarity"]) for tag in row["tags"]),
        )
        for row in rows
    ]


def tags_right(case: Case, prediction: Prediction, frame: Codeframe) -> bool:
    """Whether every opinion of the case is found; a code below the expected one counts as it."""
    found = [({one.id for one in frame.path(tag.code)}, tag) for tag in prediction.tags if tag.code in frame]
    if not case.opinions:
        return all(_GENERAL in path for path, _ in found) if case.sentiment not in (POSITIVE, NEGATIVE) else True
    return all(
        any(path & set(opinion.codes) and tag.polarity == opinion.polarity for path, tag in found)
        for opinion in case.opinions
    )


def measure(bundle: Path | None) -> dict[str, Any]:
    """Pass rates per group and in all, beside SnowNLP: group -> figure -> share (0-1)."""
    from snownlp import SnowNLP

    cases = read_cases()
    tagger, linear = Tagger.load(bundle), Tagger.load(LINEAR)
    predictions = tagger.tag([case.text for case in cases])
    beside: dict[str, list[bool]] = {}
    for case, prediction in zip(cases, linear.tag([case.text for case in cases]), strict=True):
        right = prediction.sentiment == case.sentiment and tags_right(case, prediction, linear.codeframe)
        beside.setdefault(case.group, []).append(right)
    passed: dict[str, list[tuple[bool, bool]]] = {}
    peer: dict[str, list[tuple[bool, bool]]] = {}
    for case, prediction in zip(cases, predictions, strict=True):
        both = (prediction.sentiment == case.sentiment, tags_right(case, prediction, tagger.codeframe))
        passed.setdefault(case.group, []).append(both)
        if case.sentiment in (POSITIVE, NEGATIVE):
            theirs = (SnowNLP(case.text).sentiments > 0.5) == (case.sentiment == POSITIVE)
            peer.setdefault(case.group, []).append((_leans(prediction) == case.sentiment, theirs))
    groups = {name: _rates(rights, peer.get(name, [])) for name, rights in passed.items()}
    every = _rates(
        [one for rights in passed.values() for one in rights], [one for part in peer.values() for one in part]
    )
    for name, rights in beside.items():
        groups[name]["passed_linear"] = sum(rights) / len(rights)
    every["passed_linear"] = sum(map(sum, beside.values())) / len(cases)
    return {"bundle": tagger.bundle.label, "linear": linear.bundle.label, "all": every, "groups": groups}


def _leans(prediction: Prediction) -> str:
    """Positive or negative, as SnowNLP has to answer."""
    if prediction.probabilities is None:
        return prediction.sentiment
    return POSITIVE if prediction.probabilities[2] > prediction.probabilities[0] else NEGATIVE


def _rates(rights: Sequence[tuple[bool, bool]], polar: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    return {
        "cases": len(rights),
        "passed": sum(mood and tags for mood, tags in rights) / len(rights),
        "sentiment": sum(mood for mood, _ in rights) / len(rights),
        "tags": sum(tags for _, tags in rights) / len(rights),
        "polar_cases": len(polar),
        "polar": sum(ours for ours, _ in polar) / len(polar) if polar else None,
        "polar_snownlp": sum(theirs for _, theirs in polar) / len(polar) if polar else None,
    }
