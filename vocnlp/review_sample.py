"""From an export, a store or labelled rows to the rows that coders get: read, made distinct, scored, chosen, suggested for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .batch import Options, open_for_scoring
from .columns import feedback
from .errors import InputError
from .review import CHECKING, RANDOM, SHARES, Chosen, Plan, Pool, by_chance, choose, novelty
from .review_labels import wrongness
from .review_rows import Mark, Origin, ReviewRow, Sample, marks_of, named, shown
from .review_scores import Leanings, clause_lines, leanings
from .review_vectors import gram_vectors
from .store import Store
from .tagged_reading import is_store
from .tagger import Tagger
from .text import noise_kind, normalise

LOOKED_AT = 50_000  # distinct comments that are scored to choose from; of more, so many by chance
_SIZE = 8192
_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that may be given to coders; ``tags`` and ``sentiment`` where it is labelled already."""

    id: str
    text: str
    tags: tuple[Mark, ...] | None = None
    sentiment: str | None = None


@dataclass(frozen=True)
class Known:
    """What was labelled before: its comments are not given out again, and its codes are not rare."""

    texts: tuple[str, ...] = ()
    per_code: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Looked:
    """What choosing saw: ``comments`` read, ``distinct`` of them that are no noise and not known, and how many were scored."""

    comments: int
    distinct: int
    noise: int
    known: int
    scored: int
    reasons: Mapping[str, int]


def read_comments(path: Path, options: Options | None = None) -> Iterator[Comment]:
    """The comments of an export, tagged or not, or of a store's folder. InputError as in ``tables`` and ``columns``."""
    if is_store(path):
        for batch in Store.open(path).read(["id", "text"]).to_batches():
            for row in batch.to_pylist():
                yield Comment(str(row["id"]), row["text"] or "")
        return
    source, columns = open_for_scoring(path, options or Options())
    first = 1
    for batch in source.batches(_SIZE):
        read, _ = feedback(batch, columns, first_row=first)
        first += batch.num_rows
        for row in read.select(["id", "text"]).to_pylist():
            yield Comment(str(row["id"]), row["text"])


def known_of(rows: Sequence[tuple[str, Sequence[str]]]) -> Known:
    """From pairs of a text and its codes."""
    counts = Counter(code for _, codes in rows for code in set(codes))
    return Known(tuple(text for text, _ in rows), dict(counts))


def draw(
    comments: Sequence[Comment],
    tagger: Tagger,
    plan: Plan,
    *,
    known: Known | None = None,
    seen: Leanings | None = None,
    looked_at: int = LOOKED_AT,
) -> tuple[Sample, Looked]:
    """The rows to review, and what was looked at. The same comments, bundle, plan and seed give the same rows.

    Comments with labels are checked: what the model contradicts comes first, and the labels stand as the suggestion.
    ``seen`` are then the scores of those comments, row for row, by a model that has not learnt from them; without it
    the tagger's are taken, which is right only for a bundle that was trained on other rows. InputError where no
    comment is left to choose from, where two comments have one id, and for shares that are no parts of a budget.
    """
    known = known or Known()
    _check_shares(plan)
    _check_ids(comments)
    labelled = any(comment.tags is not None for comment in comments)
    rows, noise, left_out, digest = _distinct(comments, known)
    if not rows:
        hint = "all are empty, noise, or reviewed already; give another export"
        raise InputError(f"none of the {len(comments):,} comments is left to review", hint=hint)
    some = _some(rows, looked_at, plan.seed)
    unscored = sorted(set(rows) - set(some))
    texts = [comments[row].text for row in some]
    scored = leanings(tagger, texts) if seen is None else _part(seen, some)
    vectors = gram_vectors([*texts, *known.texts])
    wrong = _wrong(scored, [comments[row] for row in some]) if labelled else None
    before = vectors[len(texts) :] if known.texts else None
    fresh = _fresh(tagger, texts, scored, known)
    pool = Pool(scored, vectors[: len(texts)], known.per_code, before, fresh, wrong)
    plan = replace(plan, shares=CHECKING) if labelled and plan.shares is SHARES else plan
    every = [comments[row] for row in (*some, *unscored)]
    # Labels can be wrong anywhere, in the part that measures too; and where nothing is drawn, nothing is kept for it.
    whole = labelled or not plan.shares.get(RANDOM)
    apart = None
    if not whole:
        tenths = np.array([tenth_of(comment.text) for comment in every], np.int64)
        # Beside what is known, tenth 0 alone is as it came: from the others the hardest may have been picked before.
        apart = tenths == 0 if left_out else set_apart(tenths, by_chance(plan, len(every)))
    chosen = choose(pool, plan, beyond=len(unscored), apart=apart)
    given = _rows(chosen, every, tagger, known=left_out, pool=digest)
    sample = named(Sample(tuple(given), tagger.codeframe, _maker(tagger, labelled)))
    reasons = Counter(one.reason for one in chosen)
    return sample, Looked(len(comments), len(rows), noise, left_out, len(some), dict(reasons))


def _check_shares(plan: Plan) -> None:
    """What ``by_chance`` cannot divide by; the rest ``choose`` checks."""
    shares = plan.shares.values()
    if not all(0 <= share <= 1 for share in shares) or not sum(shares):
        told = ", ".join(f"{reason}={share}" for reason, share in plan.shares.items())
        hint = "write --shares uncertain=0.5,rare=0.2,new=0.1,random=0.2"
        raise InputError("shares of the budget are between 0 and 1, and not all 0", value=told, hint=hint)


def _check_ids(comments: Sequence[Comment]) -> None:
    seen: set[str] = set()
    for row, comment in enumerate(comments, 1):
        if comment.id in seen:
            hint = "name a column with unique ids by --id, or leave the rows to be numbered"
            raise InputError("this id occurs twice", row=row, column="id", value=comment.id, hint=hint)
        seen.add(comment.id)


def _distinct(comments: Sequence[Comment], known: Known) -> tuple[list[int], int, int, str]:
    """The first of every different text, how many were noise, how many different ones are known, and a digest of all."""
    before = {plain(text) for text in known.texts}
    found: dict[str, int] = {}
    left_out: set[str] = set()
    noise = 0
    for row, comment in enumerate(comments):
        if noise_kind(comment.text) is not None:
            noise += 1
        elif (key := plain(comment.text)) in before:
            left_out.add(key)
        else:
            found.setdefault(key, row)
    digest = hashlib.sha256("\0".join(sorted(left_out | found.keys())).encode()).hexdigest()[:16]
    return list(found.values()), noise, len(left_out), digest


def plain(text: str) -> str:
    """The letters and digits of the normalised text: what two comments have in common that say the same."""
    return "".join(char for char in normalise(text) if char.isalnum())


def tenth_of(text: str) -> int:
    """In which tenth of all comments a text is, by the hash of ``training.labelled.part_of``; training measures on tenth 0."""
    return int(hashlib.sha256(plain(text).encode()).hexdigest()[:8], 16) % _TENTHS


def set_apart(tenths: Sequence[int] | npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    """(n,) the texts that chance alone draws from: those of tenth 0, and of the next ones until there are ``count``.

    Rows picked on purpose would make the tenth that measures harder than life. Among those that set thresholds they may
    be: barred from there as well, one set needed a quarter more labels, another as many.
    """
    tenth = np.asarray(tenths, np.int64)
    held = np.cumsum(np.bincount(tenth, minlength=_TENTHS))
    apart: npt.NDArray[np.bool_] = tenth <= np.searchsorted(held, min(count, len(tenth)))
    return apart


def _some(rows: Sequence[int], count: int, seed: int) -> list[int]:
    if len(rows) <= count:
        return list(rows)
    picked = np.random.default_rng((seed, len(rows))).choice(len(rows), count, replace=False)
    return [rows[at] for at in np.sort(picked)]


def _part(seen: Leanings, rows: Sequence[int]) -> Leanings:
    cut = {name: getattr(seen, name)[rows] for name in ("mention", "polarity", "noise", "length")}
    return replace(seen, **cut)


def _fresh(tagger: Tagger, texts: Sequence[str], seen: Leanings, known: Known) -> npt.NDArray[np.float64] | None:
    """(n,) how new the ground is by the encoder's embeddings, of rows without a code; None for a model that has none."""
    model: Any = tagger.bundle.classifier
    if not getattr(model, "embeds", False):
        return None
    bare = np.flatnonzero(~seen.given.any(1))
    fresh = np.zeros(len(texts))
    if len(bare):
        before = model.embed(clause_lines(known.texts)) if known.texts else None
        fresh[bare] = novelty(model.embed(clause_lines([texts[row] for row in bare.tolist()])), before)
    return fresh


def _wrong(seen: Leanings, comments: Sequence[Comment]) -> npt.NDArray[np.float64]:
    there = np.zeros(seen.mention.shape, bool)
    place = {code: at for at, code in enumerate(seen.codes)}
    for row, comment in enumerate(comments):
        for mark in comment.tags or ():
            if mark.code in place:
                there[row, place[mark.code]] = True
    return wrongness(seen.mention, there)


def _rows(
    chosen: Sequence[Chosen], comments: Sequence[Comment], tagger: Tagger, *, known: int, pool: str
) -> list[ReviewRow]:
    """The chosen as coders see them, with what the tagger, or the label, suggests."""
    given = [comments[one.row] for one in chosen]
    predictions = tagger.tag([comment.text for comment in given])
    frame = f"{tagger.codeframe.name}@{tagger.codeframe.version}"
    made = []
    for one, comment, prediction in zip(chosen, given, predictions, strict=True):
        labelled = comment.tags is not None
        suggested = comment.tags if comment.tags is not None else marks_of(prediction)
        mood = comment.sentiment if labelled else prediction.sentiment
        maker = _maker(tagger, labelled)
        origin = Origin("", one.reason, one.weight, len(comments), maker, frame, suggested, mood, known, pool)
        made.append(ReviewRow(comment.id, shown(comment.text), origin, one.codes))
    return made


def _maker(tagger: Tagger, labelled: bool) -> str:
    """Who made the suggestions."""
    return "labels" if labelled else tagger.bundle.label


__all__ = ["LOOKED_AT", "Comment", "Known", "Looked", "draw", "known_of", "read_comments"]
