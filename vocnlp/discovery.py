"""Discovery from a tagged table to topics with figures and proposals: the function behind ``vocnlp discover``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .bundle import Bundle
from .classifiers import Floats
from .codeframe import Codeframe
from .folding import Rows
from .topic_figures import TopicFigures, rows_by_topic, topic_figures
from .topic_pieces import Looked, Piece, Scope, look
from .topic_proposals import Nearness, Proposal, code_centres, descriptions, propose
from .topic_vectors import vectors
from .topic_words import Words
from .topics import Found, Progress, Recipe, Topic, find_topics

SCHEMA = 1
_MOST_LINES = 60_000  # distinct lines that are clustered; of more, evenly thinned ones


@dataclass(frozen=True)
class Discovered:
    """Topics with what stands behind them, all tuples in one order, largest topic first.

    verbatims: typical pieces of each topic as written, masked
    said: for each topic its pieces: {"id", "text", "start", "end", "sentiment"}, one a comment
    comments: rows read; looked: rows with an open piece; pieces: open pieces; lines: distinct ones that were clustered
    unplaced: pieces in no topic; everything: all was looked at, tagged or not; reason: in Chinese, why there is no topic
    """

    frame: Codeframe
    inside: str | None
    topics: tuple[Topic, ...]
    figures: tuple[TopicFigures, ...]
    proposals: tuple[Proposal, ...]
    verbatims: tuple[tuple[str, ...], ...]
    said: tuple[tuple[Mapping[str, Any], ...], ...]
    comments: int
    looked: int
    pieces: int
    lines: int
    unplaced: int
    tree: tuple[tuple[int, int, float], ...] = ()
    reason: str = ""
    everything: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def comments_of_topics(self) -> Iterator[dict[str, Any]]:
        """One line a topic and comment: ``{"topic", "id", "text", "start", "end", "sentiment"}``, text masked."""
        for topic, said in zip(self.topics, self.said, strict=True):
            for row in said:
                yield {"topic": topic.id, **row}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``topic_files.read`` takes what a person decides on from it."""
        topics = []
        for place, topic in enumerate(self.topics):
            figures, proposal = self.figures[place], self.proposals[place]
            topics.append(
                {
                    "id": topic.id,
                    "name": topic.name,
                    "terms": [[term, weight] for term, weight in topic.terms],
                    "spot": list(topic.spot),
                    "lines": len(topic.lines),
                    "strays": topic.strays,
                    "shared": round(topic.shared, 4),
                    **_figures(figures),
                    "proposal": _proposal(proposal),
                    "verbatims": list(self.verbatims[place]),
                }
            )
        head = {"schema": SCHEMA, "codeframe": {"name": self.frame.name, "version": self.frame.version}}
        counts = {name: getattr(self, name) for name in ("comments", "looked", "pieces", "lines", "unplaced")}
        tail = {"inside": self.inside, "everything": self.everything, "reason": self.reason, "facts": dict(self.facts)}
        return {**head, **tail, **counts, "tree": [list(join) for join in self.tree], "topics": topics}


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(proposal).items()}


def _figures(figures: TopicFigures) -> dict[str, Any]:
    nps, rise = figures.nps, figures.rise
    return {
        "comments": figures.comments,
        "share": round(figures.share, 4),
        "sentiment": dict(figures.sentiment),
        "nps": {"nps": nps.nps, "low": nps.low, "high": nps.high, "n": nps.n, "small": nps.small},
        "stages": [list(pair) for pair in figures.stages],
        "first": figures.first.isoformat() if figures.first else None,
        "months": [list(month) for month in figures.months],
        "rise": None if rise is None else {"ratio": rise.value, "low": rise.low, "high": rise.high, "p": figures.p},
        "rising": figures.rising,
        "codes": [list(pair) for pair in figures.codes],
    }


def discover(
    table: Rows,
    bundle: Bundle,
    frame: Codeframe,
    *,
    scope: Scope | None = None,
    recipe: Recipe | None = None,
    journey: str = "general",
    facts: Mapping[str, str] | None = None,
    progress: Progress = lambda what, share: None,
) -> Discovered:
    """Topics of what the frame leaves open in a tagged table; the same table gives the same topics.

    CodeframeError for a scope inside an unknown code; BundleError where the bundle's model gives no vectors;
    MissingExtraError without the extra ``topics``. Data without topics give an empty result with a reason.
    """
    scope, recipe = scope or Scope(), recipe or Recipe()
    progress("reading", 0.0)
    looked = look(table, frame, scope)
    places = _distinct(looked)
    lines = list(places)
    said, owner = descriptions(frame)
    found = Found((), len(lines), reason=_nothing(looked))
    near: Floats = np.zeros((0, 0), np.float32)
    leaning = near
    if lines:
        progress("embedding", 0.1)
        space = _space([*lines, *said], bundle, recipe)
        found = find_topics(
            lines, space[: len(lines)], Words(frame), recipe, counts=[len(each) for each in places.values()],
            progress=_part(progress, 0.4, 0.9),
        )  # fmt: skip
        progress("proposing", 0.9)
        centres = code_centres(space[len(lines) :], owner, len(frame.taggable))
        near = np.array([_unit(topic.centre) @ centres.T for topic in found.topics], np.float32)
        leaning = _leaning(found, lines, bundle, frame)
    numbers = list(places.values())
    rows = rows_by_topic(found, numbers, looked)
    figures = topic_figures(looked, rows, frame, journey)
    verbatims = tuple(
        tuple(looked.words(looked.pieces[numbers[line][0]]).strip() for line in topic.examples)
        for topic in found.topics
    )
    loudest = tuple(_loudest(topic, numbers) for topic in found.topics)
    nearness = Nearness(near, leaning, loudest)
    proposals = propose(found, figures, nearness, frame, verbatims, inside=scope.inside)
    in_topic = sum(len(numbers[line]) for topic in found.topics for line in topic.lines)
    return Discovered(
        frame, scope.inside, found.topics, tuple(figures), tuple(proposals), verbatims,
        tuple(_said(topic, numbers, looked) for topic in found.topics),
        looked.comments, len(looked.rows), len(looked.pieces), len(lines), len(looked.pieces) - in_topic, found.tree,
        found.reason, scope.everything, facts or {},
    )  # fmt: skip


def _distinct(looked: Looked) -> dict[str, list[int]]:
    """Distinct lines in the order of the table, with the numbers of the pieces that say them; thinned evenly if many."""
    places: dict[str, list[int]] = {}
    for number, piece in enumerate(looked.pieces):
        places.setdefault(piece.line, []).append(number)
    if len(places) <= _MOST_LINES:
        return places
    step = len(places) / _MOST_LINES
    kept = {int(place * step) for place in range(_MOST_LINES)}
    return {line: numbers for at, (line, numbers) in enumerate(places.items()) if at in kept}


def _nothing(looked: Looked) -> str:
    if not looked.comments:
        return "没有可读的评论：全部是空白、符号、数字或广告"
    return "没有尚未归入码框的内容：每条评论都已有把握足够的标签" if not looked.pieces else ""


def _space(lines: Sequence[str], bundle: Bundle, recipe: Recipe) -> Floats:
    classifier: Any = bundle.classifier
    if not hasattr(classifier, "embed"):
        from .errors import BundleError

        raise BundleError(
            "its model gives no vectors, which topics need",
            path=bundle.path or bundle.name,
            hint="use a bundle with an encoder, such as the shipped voc-zh-small",
        )
    return vectors(lines, classifier, seed=recipe.seed)


def _leaning(found: Found, lines: Sequence[str], bundle: Bundle, frame: Codeframe) -> Floats:
    """(topics, taggable codes) mean chance that the model gives a code in a topic's lines; at most 200 lines of each."""
    codes = {code: place for place, code in enumerate(bundle.classifier.codes)}
    at = [codes.get(code.id, -1) for code in frame.taggable]
    answer = np.zeros((len(found.topics), len(at)), np.float32)
    for number, topic in enumerate(found.topics):
        some = topic.lines[:: max(1, len(topic.lines) // 200)]
        mean = bundle.classifier.score([[lines[line]] for line in some]).mention.mean(0)
        answer[number] = [mean[place] if place >= 0 else 0.0 for place in at]
    return answer


def _said(topic: Topic, numbers: Sequence[Sequence[int]], looked: Looked) -> tuple[Mapping[str, Any], ...]:
    """The first piece of each comment that speaks of a topic, in the order of the table."""
    first: dict[int, Piece] = {}
    for line in topic.lines:
        for number in numbers[line]:
            piece = looked.pieces[number]
            first.setdefault(piece.row, piece)
    return tuple(
        {
            "id": str(looked.rows[row].get("id") or row + 1),
            "text": looked.rows[row]["text"],
            "start": first[row].start,
            "end": first[row].end,
            "sentiment": looked.rows[row].get("voc_sentiment"),
        }
        for row in sorted(first)
    )


def _loudest(topic: Topic, numbers: Sequence[Sequence[int]]) -> float:
    counts = [len(numbers[line]) for line in topic.lines]
    return max(counts) / sum(counts) if sum(counts) > len(counts) else 0.0


def _unit(row: Floats) -> Floats:
    answer: Floats = row / max(float(np.linalg.norm(row)), 1e-9)
    return answer


def _part(progress: Progress, begin: float, end: float) -> Callable[[str, float], None]:
    return lambda what, share: progress(what, begin + share * (end - begin))
