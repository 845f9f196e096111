"""From topic to code: what a topic probably is to the codeframe, as a draft for a person to decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .classifiers import Floats
from .codeframe import Code, Codeframe
from .text import normalise
from .topic_figures import TopicFigures
from .topic_pieces import leftover
from .topics import Found, Topic

NEW, SUB, SYNONYM, NOISE = "new", "sub", "synonym", "noise"
_LEANING = 0.25  # mean chance the model gives a code, from which its lines are that code said otherwise
_LIKE, _NEAR, _BESIDE = 0.55, 0.35, 0.2  # cosine to what the frame says of a code: the same, within it, in its branch
_REPEATED = 0.5  # share of one line among all pieces, from which somebody was copying
_IDLE = 0.9  # share of neutral comments from which a topic without a code near is no experience
_SCATTERED = 0.3  # share of lines with one of the first terms, below which a topic is hardly one
_KEYWORDS = 6


@dataclass(frozen=True)
class Proposal:
    """What to do with a topic. ``kind``: a new code, a sub-code of ``code``, words of ``code``, or noise.

    code: the id of the code meant, for a new one that of the branch it would stand under; None where nothing is near
    why: one Chinese sentence; definition, keywords, examples: drafts for the codeframe, examples masked
    """

    kind: str
    code: str | None
    why: str
    definition: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]


def descriptions(frame: Codeframe) -> tuple[list[str], list[int]]:
    """Normalised lines that say what each taggable code is, and for each line the place of its code."""
    lines: list[str] = []
    owner: list[int] = []
    for place, code in enumerate(frame.taggable):
        told = [code.name, *code.includes, *code.positive, *code.negative, *code.keywords]
        found = dict.fromkeys(line for text in told if (line := normalise(text.replace("\n", " ")).strip()))
        lines += found
        owner += [place] * len(found)
    return lines, owner


def code_centres(vectors: Floats, owner: Sequence[int], codes: int) -> Floats:
    """(codes, d) mean direction of each code's lines; zeros for a code without any."""
    centres = np.zeros((codes, vectors.shape[1]), np.float32)
    np.add.at(centres, np.asarray(owner, np.int64), vectors)
    length = np.linalg.norm(centres, axis=1, keepdims=True)
    answer: Floats = centres / np.maximum(length, 1e-9)
    return answer


@dataclass(frozen=True)
class Nearness:
    """How near topics are to the codes of a frame. near: (topics, taggable codes) cosine; leaning: the mean chance that
    the model gives a code in a topic's lines, 0 for codes that it does not know; loudest: share of the commonest line."""

    near: Floats
    leaning: Floats
    loudest: tuple[float, ...]


def propose(
    found: Found,
    figures: Sequence[TopicFigures],
    nearness: Nearness,
    frame: Codeframe,
    verbatims: Sequence[Sequence[str]],
    *,
    inside: str | None = None,
) -> list[Proposal]:
    """One proposal a topic; ``verbatims`` are its typical pieces as written, masked; ``inside``: the code looked into."""
    return [
        _one(topic, figures[place], _nearest(topic, place, nearness, frame), frame, tuple(verbatims[place]), inside)
        for place, topic in enumerate(found.topics)
    ]


@dataclass(frozen=True)
class _Nearest:
    """The code nearest to a topic, 其他 aside (None in a frame without codes), and how near."""

    code: Code | None
    near: float
    leaning: float
    loudest: float
    shared: float


def _nearest(topic: Topic, place: int, nearness: Nearness, frame: Codeframe) -> _Nearest:
    near, leaning = nearness.near[place], nearness.leaning[place]
    nothing = leftover(frame)
    real = [at for at, code in enumerate(frame.taggable) if code.id not in nothing]
    if not real:
        return _Nearest(None, 0.0, 0.0, nearness.loudest[place], topic.shared)
    likely = max(real, key=lambda at: float(near[at] + leaning[at]))
    code, loudest = frame.taggable[likely], nearness.loudest[place]
    return _Nearest(code, float(near[likely]), float(leaning[likely]), loudest, topic.shared)


def _one(
    topic: Topic,
    figures: TopicFigures,
    nearest: _Nearest,
    frame: Codeframe,
    examples: tuple[str, ...],
    inside: str | None,
) -> Proposal:
    code = nearest.code
    keywords = _keywords(topic, code)
    definition = f"客户谈到{topic.name.replace('·', '、')}：{'、'.join(term for term, _ in topic.terms[:5])}等。"
    kind, why = _kind(figures, nearest, frame, inside)
    meant = {NOISE: None, SUB: inside or (code.id if code else None), SYNONYM: code.id if code else None}
    target = meant[kind] if kind in meant else _branch(frame, code if nearest.near >= _BESIDE else None)
    return Proposal(kind, target, why, definition, keywords, examples)


def _kind(figures: TopicFigures, nearest: _Nearest, frame: Codeframe, inside: str | None) -> tuple[str, str]:
    if nearest.loudest >= _REPEATED:
        return NOISE, f"{nearest.loudest:.0%} 是同一句话，像是复制粘贴"
    if nearest.shared < _SCATTERED and (inside is not None or nearest.leaning < _LEANING):
        return NOISE, f"说法零散：只有 {nearest.shared:.0%} 的语句含最主要的词，多半不成一个话题"
    if inside is not None:
        return SUB, f"“{frame[inside].name}”里自成一类的说法"
    known = _of_code(nearest.code, nearest.near, nearest.leaning) if nearest.code is not None else None
    return known or _unknown(figures)


def _unknown(figures: TopicFigures) -> tuple[str, str]:
    told = sum(figures.sentiment.values())
    if told and figures.sentiment["neutral"] / told >= _IDLE:
        return NOISE, "几乎全是中性内容，也不接近任何码，多半与体验无关"
    return NEW, "码框里没有接近的码"


def _of_code(code: Code, near: float, leaning: float) -> tuple[str, str] | None:
    """What a topic is to the code nearest to it; None where that is not near."""
    if leaning >= _LEANING:
        return SYNONYM, f"模型已倾向于“{code.name}”（平均 {leaning:.0%}），只是把握不够"
    if near >= _LIKE:
        return SYNONYM, f"与“{code.name}”的定义、示例几乎是同一说法（相似度 {near:.2f}）"
    if near >= _NEAR:
        return SUB, f"接近“{code.name}”（相似度 {near:.2f}），但说的是其中更具体的一面"
    return None


def _branch(frame: Codeframe, code: Code | None) -> str | None:
    """The root that a new code would stand under: that of the code nearest to it, but never 其他."""
    if code is None:
        return None
    root = frame.path(code.id)[0]
    return root.id if root.id != code.id and root.id not in leftover(frame) else None


def _keywords(topic: Topic, code: Code | None) -> tuple[str, ...]:
    """The topic's words of two characters and more that the code does not have yet."""
    known = set(code.keywords) if code else set[str]()
    terms = [term for term, _ in topic.terms if len(term) > 1 and not term.isdigit() and term not in known]
    return tuple(terms[:_KEYWORDS])


def counts_of(kinds: Sequence[Proposal]) -> Mapping[str, int]:
    """How many topics were proposed as what."""
    return {kind: sum(one.kind == kind for one in kinds) for kind in (NEW, SUB, SYNONYM, NOISE)}
