"""Topics of what the codeframe does not know: BERTopic over our own encoder, the same for the same data.

UMAP (McInnes et al. 2018) and HDBSCAN (Campello et al. 2013) run seeded and on one thread; BERTopic (Grootendorst 2022)
gives the terms of a topic by class TF-IDF. Its numbers move from one fit to the next, so a topic is known by an id made
of its lines' content instead.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from .classifiers import Floats
from .errors import MissingExtraError
from .topic_words import Words, name_of

Progress = Callable[[str, float], None]
_TERMS = 10
_VERBATIMS = 5
_NONE = -1  # BERTopic's number for what belongs to no topic
_NEIGHBOURS, _DIMENSIONS = 15, 10
_FEWEST = 40  # distinct lines below which neighbours say nothing
_NEAR = 0.35  # cosine to a topic's centre from which a stray line joins it
_TWINS = 0.80  # cosine of two topics' centres from which they are one
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """How to look for topics. ``least``: distinct lines that make a topic, None for a quarter of the root of all of them, and
    ten at least; the same ``seed`` gives the same topics."""

    least: int | None = None
    seed: int = 7
    neighbours: int = _NEIGHBOURS

    def least_of(self, lines: int) -> int:
        return self.least if self.least is not None else max(10, isqrt(lines) // 4)


@dataclass(frozen=True)
class Topic:
    """One topic. ``lines``: places of its distinct lines; ``strays``: those of them that joined from outside the cluster.

    terms: words and class TF-IDF weights, weightiest first; examples: places of typical lines, each unlike the others
    centre: mean of its vectors; spot: (2,) where it stands on the map
    shared: share of its lines that hold one of its three weightiest terms; low where it is held together by little
    """

    id: str
    name: str
    terms: tuple[tuple[str, float], ...]
    lines: tuple[int, ...]
    strays: int
    examples: tuple[int, ...]
    centre: Floats
    spot: tuple[float, float]
    shared: float = 1.0


@dataclass(frozen=True)
class Found:
    """Topics by how often they were said, most first. ``tree``: joins of topics ``(left, right, distance)`` in the order they are made, where
    numbers from ``len(topics)`` on are earlier joins (as in ``scipy.cluster.hierarchy``). ``reason``: why there is none.
    """

    topics: tuple[Topic, ...]
    outliers: int
    tree: tuple[tuple[int, int, float], ...] = ()
    reason: str = ""


def find_topics(
    lines: Sequence[str],
    vectors: Floats,
    words: Words,
    recipe: Recipe | None = None,
    *,
    counts: Sequence[int] | None = None,
    progress: Progress = lambda what, share: None,
) -> Found:
    """Topics of distinct normalised lines, given their vectors (n, d). MissingExtraError without the extra.

    ``counts``: how often each line was said, which orders the topics.

    Too few lines, lines without words, or no dense spot among them: no topic, and the reason.
    """
    recipe = recipe or Recipe()
    least = recipe.least_of(len(lines))
    needed = max(_FEWEST, 2 * least)
    if len(lines) < needed:
        return Found((), len(lines), reason=f"只有 {len(lines)} 条互不相同的内容，至少需要 {needed} 条才能归纳话题")
    cut = [words.cut(line) for line in lines]
    told = [" ".join(word for word in words.telling(line)) for line in lines]
    if sum(map(bool, told)) < needed:
        return Found((), len(lines), reason="几乎没有可以归纳的词语，内容可能是数字、符号或空话")
    model = _model(recipe, least)
    progress("clustering", 0.0)
    numbers = _fitted(model, told, vectors)
    if numbers.max(initial=_NONE) < 0:
        return Found((), len(lines), reason="内容各不相同，没有形成话题")
    progress("naming", 0.8)
    clustered = numbers.copy()
    numbers = _renumbered(_merged(_joined_strays(numbers, vectors), vectors))
    terms = _terms(model, told, numbers)
    read = _Read(lines, vectors, cut, told, Counter(word for line in cut for word in set(line)))
    topics = [
        _topic(np.flatnonzero(numbers == number), clustered, terms.get(number, ()), read)
        for number in range(int(numbers.max()) + 1)
    ]
    often = np.ones(len(lines), np.int64) if counts is None else np.asarray(counts, np.int64)
    ordered = tuple(sorted(_placed(topics), key=lambda topic: (-often[list(topic.lines)].sum(), topic.id)))
    progress("done", 1.0)
    return Found(ordered, int((numbers == _NONE).sum()), _tree(ordered))


@dataclass(frozen=True)
class _Read:
    """The lines, all their words (``cut``), those that tell something (``told``), and in how many lines each word stands."""

    lines: Sequence[str]
    vectors: Floats
    cut: Sequence[Sequence[str]]
    told: Sequence[str]
    everywhere: Counter[str]


def _topic(found: Ints, clustered: Ints, said: tuple[tuple[str, float], ...], read: _Read) -> Topic:
    """One topic, not yet on the map; ``found``: the places of its lines; ``clustered``: numbers before strays joined."""
    places = tuple(map(int, found))
    centre = read.vectors[found].mean(0)
    terms = [term for term, _ in said]
    return Topic(
        _id(read.lines[place] for place in places),
        name_of([read.cut[place] for place in places], terms, read.everywhere),
        said,
        places,
        int((clustered[found] == _NONE).sum()),
        _examples(found, read.vectors, centre),
        centre,
        (0.0, 0.0),
        _shared([read.told[place] for place in places], set(terms[:3])),
    )


def _model(recipe: Recipe, least: int) -> Any:
    try:
        from bertopic import BERTopic
        from bertopic.vectorizers import ClassTfidfTransformer
        from hdbscan import HDBSCAN
        from sklearn.feature_extraction.text import CountVectorizer
        from umap import UMAP
    except ImportError as error:
        raise MissingExtraError(str(error.name), extra="topics") from error
    return BERTopic(
        language="multilingual",  # "english", the default, strips everything that is no Latin letter
        embedding_model=None,
        umap_model=UMAP(
            n_neighbors=recipe.neighbours, n_components=_DIMENSIONS, min_dist=0.0, metric="cosine",
            random_state=recipe.seed, n_jobs=1,
        ),
        hdbscan_model=HDBSCAN(min_cluster_size=least, min_samples=5, core_dist_n_jobs=1, prediction_data=False),
        # Words are cut before: a pattern of scikit-learn's would drop those of one character.
        vectorizer_model=CountVectorizer(analyzer=str.split),
        ctfidf_model=ClassTfidfTransformer(),
        calculate_probabilities=False,
        top_n_words=_TERMS,
        verbose=False,
    )  # fmt: skip


def _fitted(model: Any, told: Sequence[str], vectors: Floats) -> Ints:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # UMAP says that a seed costs its threads: that is wanted
        numbers, _ = model.fit_transform(list(told), embeddings=vectors)
    return np.asarray(numbers, np.int64)


def _terms(model: Any, told: Sequence[str], numbers: Ints) -> dict[int, tuple[tuple[str, float], ...]]:
    """Class TF-IDF over the topics as they are now, strays and merged ones in.

    A word of one line alone, or of one in fifty of a large topic, is no term of it unless all words are so: rare words
    weigh most and tell least.
    """
    import pandas as pd

    held: dict[int, Counter[str]] = {int(number): Counter() for number in np.unique(numbers)}
    for number, line in zip(numbers.tolist(), told, strict=True):
        held[number].update(set(line.split()))
    documents = pd.DataFrame({"Document": told, "Topic": numbers})
    joined = documents.groupby("Topic", as_index=False).agg({"Document": " ".join})
    weights, names = model._c_tf_idf(joined)
    found = {}
    for row, number in enumerate(map(int, joined["Topic"])):
        line = weights[row].tocoo()
        best = sorted(zip(line.data.tolist(), (names[i] for i in line.col), strict=True), key=lambda p: (-p[0], p[1]))
        least = max(2, int((numbers == number).sum()) // 50)
        often = [pair for pair in best if held[number][pair[1]] >= least] or best
        found[number] = tuple((str(word), round(float(weight), 4)) for weight, word in often[:_TERMS] if weight > 0)
    return found


def _shared(told: Sequence[str], terms: set[str]) -> float:
    return sum(not terms.isdisjoint(line.split()) for line in told) / len(told)


def _joined_strays(numbers: Ints, vectors: Floats) -> Ints:
    """Lines of no cluster go to the topic whose centre is near; those near none stay outside."""
    count, stray = int(numbers.max()) + 1, numbers == _NONE
    centres = _unit(np.stack([vectors[numbers == number].mean(0) for number in range(count)]))
    near = _unit(vectors[stray]) @ centres.T
    answer = numbers.copy()
    answer[stray] = np.where(near.max(1) >= _NEAR, near.argmax(1), _NONE) if stray.any() else numbers[stray]
    return answer


def _merged(numbers: Ints, vectors: Floats) -> Ints:
    """Topics whose centres are nearly the same become one."""
    count = int(numbers.max()) + 1
    centres = _unit(np.stack([vectors[numbers == number].mean(0) for number in range(count)]))
    near = centres @ centres.T
    home = list(range(count))
    for left in range(count):
        for right in range(left + 1, count):
            if near[left, right] >= _TWINS:
                old, new = home[right], home[left]
                home = [new if one == old else one for one in home]
    return np.array([_NONE if number == _NONE else home[number] for number in numbers], np.int64)


def _renumbered(numbers: Ints) -> Ints:
    kept = [number for number in np.unique(numbers) if number != _NONE]
    table = {int(old): new for new, old in enumerate(kept)}
    return np.array([table.get(int(number), _NONE) for number in numbers], np.int64)


def _id(lines: Any) -> str:
    """Of the content alone: the same lines in any order and under any number are the same topic."""
    content = "\n".join(sorted(lines))
    return "t" + hashlib.sha256(content.encode()).hexdigest()[:8]


def _examples(places: Ints, vectors: Floats, centre: Floats) -> tuple[int, ...]:
    """Typical lines that differ from each other: maximal marginal relevance (Carbonell and Goldstein 1998)."""
    own = _unit(vectors[places])
    near = own @ _unit(centre[None])[0]
    chosen = [int(near.argmax())]
    while len(chosen) < min(_VERBATIMS, len(places)):
        alike = (own @ own[chosen].T).max(1)
        worth = 0.6 * near - 0.4 * alike
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
    return tuple(int(places[place]) for place in chosen)


def _placed(topics: Sequence[Topic]) -> list[Topic]:
    """The topics on a map, by their centres: distances in the plane as near as may be to those of the space."""
    from dataclasses import replace

    if len(topics) < 3:
        return [replace(topic, spot=(float(place), 0.0)) for place, topic in enumerate(topics)]
    centres = _unit(np.stack([topic.centre for topic in topics]))
    centred = centres - centres.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    plane = left[:, :2] * size[:2]
    plane *= np.where(np.abs(plane).max(0) == plane.max(0), 1, -1)  # the sign of a direction is chance
    return [
        replace(topic, spot=(round(float(x), 4), round(float(y), 4)))
        for topic, (x, y) in zip(topics, plane, strict=True)
    ]


def _tree(topics: Sequence[Topic]) -> tuple[tuple[int, int, float], ...]:
    """Which topics are how near: average linkage of the cosine distances of their centres (Sokal and Michener 1958)."""
    if len(topics) < 2:
        return ()
    from scipy.cluster.hierarchy import linkage

    joins = linkage(np.stack([topic.centre for topic in topics]), method="average", metric="cosine")
    return tuple((int(a), int(b), round(float(far), 4)) for a, b, far, _ in joins)


def _unit(rows: Floats) -> Floats:
    answer: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return answer
