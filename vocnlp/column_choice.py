"""Which column of a table is taken for a role, and why a likely one is not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from .column_names import (
    CES_NAME,
    CES_PROPER,
    CONTAINS,
    CSAT,
    CSAT_NAME,
    EFFORT_NAME,
    EXACT,
    NPS_NAME,
    QUESTION,
    SCORE,
    STARS,
    order_of,
    plain,
)
from .column_sample import Sample
from .errors import InputError

BY_NAME, BY_CONTENT = "name", "content"
NO_ANSWERS, UP_TO_FIVE, TIED = "no answers", "up to five", "tied"
FORMULAS, FRACTIONS, LOW = "formulas", "fractions", "low"
OFF_SCALE, UNDIRECTED = "off scale", "undirected"
NO_TIMES, UNORDERED, REPEATED = "no times", "unordered", "repeated"
_MAINLY = 0.8
_TIMES = _HALF = 0.5
_ENOUGH = 20  # answers of which one should exceed 5

Matches = Mapping[str, tuple[str | None, int]]
"""Column -> the role that its name speaks of, and how well."""


@dataclass(frozen=True, slots=True)
class Left:
    """Likely columns that were not taken for a role, and why.

    An answer: NO_ANSWERS (hardly numbers within 0-10), FORMULAS (never calculated, so there is no answer to read),
    FRACTIONS (mostly between 0 and 1, as percent cells are), UP_TO_FIVE (none above 5, so no 0-10 answer), TIED (equally
    likely), LOW (taken nevertheless, because it names the NPS: none above 5), OFF_SCALE (hardly answers of 1-5 for satisfaction, 1-7 for effort) or UNDIRECTED (effort, and nobody says
    whether the highest answer is the best). A time: NO_TIMES (hardly dates) or UNORDERED (dates such as 1/3/2026, and
    none tells whether the day stands first). An id: REPEATED. ``example`` is a cell that speaks against the last three.
    """

    why: str
    names: tuple[str, ...]
    example: str = ""


def choose_text(matches: Matches, sample: Sample, schema: pa.Schema) -> tuple[str, str]:
    """The comments' column, and whether by its name or its content; InputError where it is not one."""
    candidates = [name for name, (role, _) in matches.items() if role == "text"]
    for rank in (EXACT, CONTAINS, QUESTION):
        pool = [name for name in candidates if matches[name][1] == rank]
        filled = pool if sample.is_empty else [name for name in pool if sample.words(name)[0] > 0]
        if rank == QUESTION or len(filled) > 1:
            filled = [name for name in filled if sample.is_open(name)] or (filled if rank != QUESTION else [])
        if len(filled) == 1:
            return filled[0], BY_NAME
        if filled:
            raise InputError(f"two candidates for the text: {listed(filled)}", hint="name one with --text")
    unnamed = [name for name, (role, _) in matches.items() if role in (None, "text")]
    others = [name for name, (_, rank) in matches.items() if rank < EXACT]
    for pool in (unnamed, others):
        if open_ones := [name for name in pool if sample.is_open(name)]:
            return max(open_ones, key=lambda name: math.prod(sample.words(name))), BY_CONTENT
    for name, (role, _) in matches.items():  # a 满意度评价 is an answer in one export and a comment in another
        if role in (SCORE, CSAT) and sample.is_open(name) and sample.scores(name, role)[1] < _MAINLY:
            return name, BY_CONTENT
    silent = [name for name in candidates if matches[name][1] != QUESTION]
    if len(silent) == 1:  # the comment column is there, only the first rows have no comment
        return silent[0], BY_NAME
    hint = f"name one with --text; columns: {listed(schema.names)}"
    raise InputError("no column holds comments", hint=hint)


def choose_score(matches: Matches, sample: Sample) -> tuple[str | None, Left | None]:
    """The NPS answer or None, and why a likely column was left; beside an answer only one that names the NPS itself."""
    ranked: dict[int, list[str]] = {}
    left: Left | None = None
    named: Left | None = None
    for name, (role, match) in matches.items():
        text = plain(name)
        explicit = NPS_NAME.search(text) is not None
        other = CSAT_NAME.search(text) or CES_NAME.search(text)
        if role != "score" or STARS.search(text) or (other and not explicit):
            continue
        if (why := _no_score(name, sample, explicit=explicit)) is None:
            ranked.setdefault(match + (2 if explicit else 0), []).append(name)
        else:
            left = Left(why, (name,))
            named = named or (left if explicit else None)
    if not ranked:
        return None, named or left
    best = ranked[max(ranked)]
    if len(best) == 1:
        return best[0], named or _doubt(best[0], sample)
    if max(ranked) == CONTAINS:  # 口味评分, 环境评分: marks for single aspects
        return None, named or Left(TIED, tuple(best))
    raise InputError(f"two candidates for the score: {listed(best)}", hint="name one with --score")


def _no_score(name: str, sample: Sample, *, explicit: bool) -> str | None:
    """Why a column that is named like one holds no NPS answers; None where it may."""
    filled, share, greatest = sample.scores(name)
    if filled and share < _MAINLY:
        return FORMULAS if sample.formula_share(name) >= _HALF else NO_ANSWERS
    if filled and greatest <= 1 and sample.fraction_share(name) >= _HALF:
        return FRACTIONS
    return UP_TO_FIVE if not explicit and filled >= _ENOUGH and greatest <= 5 else None


def _doubt(name: str, sample: Sample) -> Left | None:
    filled, _, greatest = sample.scores(name)
    return Left(LOW, (name,)) if filled >= _ENOUGH and greatest <= 5 else None


def choose_answer(matches: Matches, sample: Sample, *, role: str) -> tuple[str | None, Left | None]:
    """The column of ``csat`` or ``ces``, or None and why a likely one was left."""
    about = CSAT_NAME if role == "csat" else CES_NAME
    ranked: dict[int, list[str]] = {}
    left = None
    for name, (found, match) in matches.items():
        text = plain(name)
        if found not in (role, "score") or not about.search(text) or NPS_NAME.search(text) or STARS.search(text):
            continue
        filled, share, _ = sample.scores(name, role)
        if filled and share < _MAINLY:
            left = Left(OFF_SCALE, (name,))
        elif role == "ces" and EFFORT_NAME.search(text) and not CES_PROPER.search(text):
            left = Left(UNDIRECTED, (name,))
        else:
            ranked.setdefault(match if found == role else CONTAINS, []).append(name)
    best = ranked[max(ranked)] if ranked else []
    if len(best) > 1 and max(ranked) == CONTAINS:  # 服务满意度, 物流满意度: marks for single aspects
        return None, Left(TIED, tuple(best))
    return (min(best, key=order_of), None) if best else (None, left)


def choose_time(matches: Matches, sample: Sample) -> tuple[str | None, Left | None]:
    """The column of times, or None and why the best-named one was left."""
    pool = _of(matches, "at")
    for name in pool:
        if sample.is_empty or sample.time_share(name) >= _TIMES:
            return name, None
    for name in pool:
        if (example := sample.no_time(name)) is not None:
            return None, Left(UNORDERED if sample.is_unordered(name) else NO_TIMES, (name,), example)
    return None, None


def choose_id(matches: Matches, sample: Sample) -> tuple[str | None, Left | None]:
    """The column of ids, or None and why the best-named one was left."""
    pool = _of(matches, "id")
    for name in pool:
        if sample.is_empty or sample.is_unique(name):
            return name, None
    for name in pool:
        if (example := sample.repeated(name)) is not None:
            return None, Left(REPEATED, (name,), example)
    return None, None


def choose_label(role: str, matches: Matches) -> str | None:
    """The best-named column of a role whose cells may be anything."""
    return next(iter(_of(matches, role)), None)


def _of(matches: Matches, role: str) -> list[str]:
    """The columns that a role's names match, the best first; the leftmost on a tie."""
    pool = [name for name, (found, _) in matches.items() if found == role]
    return sorted(pool, key=lambda name: (-matches[name][1], order_of(name)))


def listed(names: Iterable[str]) -> str:
    """Names as a message has them."""
    return ", ".join(names)
