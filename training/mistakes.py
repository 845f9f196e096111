"""Where a model errs: codes taken for one another, and the worst errors with their texts, masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from vocnlp.privacy import mask
from vocnlp.records import Prediction, Tag

from .labelled import Labelled
from .reliability import Mentions
from .tally import Answer, judged_codes, judged_pairs, judged_sentiment


def confusions(answered: Sequence[Answer | None]) -> dict[str, Any]:
    """For the codes that were missed, which were said instead in the same text without being marked there.

    ``per_code``: code -> ``{"missed", "nothing", "instead": {code: texts}}``, ``nothing`` counting the texts where no
    wrong code was said; ``pairs``: ``{"gold", "said", "texts", "share"}`` of all, commonest first, ``share`` of the
    texts that missed the code. A text that missed two codes and said two wrong ones counts for four pairs.
    """
    missed: Counter[str] = Counter()
    nothing: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for answer in answered:
        if answer is None:
            continue
        wrong = answer.said - answer.gold
        for code in answer.gold - answer.said:
            missed[code] += 1
            nothing[code] += not wrong
            pairs.update((code, other) for other in wrong)
    ordered = sorted(pairs.items(), key=lambda each: (-each[1], each[0]))
    return {
        "per_code": {
            code: {
                "missed": count,
                "nothing": nothing[code],
                "instead": {said: texts for (gold, said), texts in ordered if gold == code},
            }
            for code, count in sorted(missed.items(), key=lambda each: (-each[1], each[0]))
        },
        "pairs": [
            {"gold": gold, "said": said, "texts": texts, "share": texts / missed[gold]}
            for (gold, said), texts in ordered
        ],
    }


def worst(
    rows: Sequence[Labelled],
    predictions: Sequence[Prediction],
    mentions: Mentions,
    *,
    known: Collection[str],
    limit: int,
) -> dict[str, list[dict[str, Any]]]:
    """The ``limit`` worst errors of each kind, each with ``id``, ``data``, masked ``text``, ``gold``, ``said``:

    ``wrong``: tags of codes that are not there, most confident first; ``polarity``: right codes meant the other way, most
    confident first; ``missed``: codes that are there, those the model believed in least first (``confidence`` is its
    P(mention), None for a code it never learnt); ``sentiment``: most confident first.
    """
    found: dict[str, list[tuple[float, int, Tag | str | None]]] = {kind: [] for kind in _KINDS}
    for at, (row, prediction) in enumerate(zip(rows, predictions, strict=True)):
        codes, pairs = judged_codes(row, prediction, known), judged_pairs(row, prediction, known)
        if codes is not None and pairs is not None:
            wrong = [tag for tag in prediction.tags if tag.code in codes.said - codes.gold]
            turned = {pair for pair in pairs.said - pairs.gold if pair[0] in codes.gold}
            meant = [tag for tag in prediction.tags if (tag.code, tag.polarity) in turned]
            found["wrong"] += [(-tag.confidence, at, tag) for tag in wrong]
            found["polarity"] += [(-tag.confidence, at, tag) for tag in meant]
            for code in sorted(codes.gold - codes.said):
                believed = mentions.of_code(row.text, code)
                found["missed"].append((2.0 if believed is None else believed, at, code))
        mood = judged_sentiment(row, prediction)
        if mood is not None and mood.gold != mood.said:
            found["sentiment"].append((-prediction.confidence, at, None))
    return {kind: _told(kind, cases, rows, predictions, limit) for kind, cases in found.items()}


_KINDS = ("wrong", "polarity", "missed", "sentiment")


def _told(
    kind: str,
    cases: Sequence[tuple[float, int, Tag | str | None]],
    rows: Sequence[Labelled],
    predictions: Sequence[Prediction],
    limit: int,
) -> list[dict[str, Any]]:
    """The first cases by rank, a text no more than once a code."""
    told: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    for rank, at, what in sorted(cases, key=lambda case: case[:2]):
        if len(told) >= limit:
            break
        row, code = rows[at], what.code if isinstance(what, Tag) else what or ""
        if (row.text, code) in seen:
            continue
        seen.add((row.text, code))
        one = _case(kind, rank, row, predictions[at])
        if isinstance(what, Tag):
            place = {"start": what.start, "end": what.end}
            one |= {"code": code, "polarity": what.polarity, "source": what.source, **place}
        elif code:
            one["code"] = code
        told.append(one)
    return told


def _case(kind: str, rank: float, row: Labelled, prediction: Prediction) -> dict[str, Any]:
    confidence = prediction.confidence if kind == "sentiment" else None if rank > 1 else abs(rank)
    marked = dict.fromkeys((tag.code, tag.polarity) for tag in row.tags)  # a code may be marked in several places
    gold: dict[str, Any] = {"tags": [{"code": code, "polarity": polarity} for code, polarity in marked]}
    said: dict[str, Any] = {
        "tags": [{"code": tag.code, "polarity": tag.polarity, "confidence": tag.confidence} for tag in prediction.tags]
    }
    if row.sentiment:
        gold["sentiment"], said["sentiment"] = row.sentiment, prediction.sentiment
    return {
        "id": row.id,
        "data": row.source,
        "text": mask(row.text),
        "confidence": confidence,
        "gold": gold,
        "said": said,
    }
