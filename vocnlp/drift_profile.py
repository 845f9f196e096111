"""What tagged comments look like as a whole: shares, confidence, length and words, small enough to keep beside a model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from .drift_words import counted, words_of
from .errors import InputError, OutputError
from .records import NEGATIVE
from .registry_writing import replaced

FORMAT = 1
FINE, COARSE = 200, 20  # bins of confidence over 0..1: of all comments, of one code
LONGEST = 400  # characters; longer comments count as so long
_RARE = 2  # comments that hold a word, below which the kept profile leaves it out


@dataclass(frozen=True)
class Profile:
    """Counts over the comments of a file or a period of a store.

    rows, noise, untagged: comments; those not read; those read that carry no code
    sentiment: comments read, by sentiment
    codes, pains: comments by code, and those where it is negative
    confidence: of the sentiment, in ``FINE`` equal bins over 0..1, of the comments read; ``sure``: of the tags of each
        code, in ``COARSE`` bins
    length: comments read by their number of characters, 0..LONGEST
    words, lone: comments that hold a word, and those of them that carry no code
    bundles, codeframes: comments by the model and the codeframe that tagged them
    """

    source: str
    rows: int
    noise: int
    untagged: int
    sentiment: Mapping[str, int]
    codes: Mapping[str, int]
    pains: Mapping[str, int]
    confidence: tuple[int, ...]
    sure: Mapping[str, tuple[int, ...]]
    length: tuple[int, ...]
    words: Mapping[str, int]
    lone: Mapping[str, int]
    bundles: Mapping[str, int]
    codeframes: Mapping[str, int]

    @property
    def read(self) -> int:
        return self.rows - self.noise

    def save(self, path: Path) -> None:
        """Write it as JSON, words of a single comment left out: they may betray one. OutputError where it cannot be."""
        content = {"format": FORMAT, **asdict(self)}
        content["words"] = {word: count for word, count in self.words.items() if count >= _RARE}
        content["lone"] = {word: count for word, count in self.lone.items() if word in content["words"]}
        try:
            replaced(path, (json.dumps(content, ensure_ascii=False) + "\n").encode(errors="replace"))
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror}", path=path, hint="choose another folder"
            ) from error

    @classmethod
    def load(cls, path: Path) -> Profile:
        """A profile that ``save`` wrote; InputError where the file holds none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError("another format")
            profile = _read(content)
        except KeyError as error:
            raise InputError(f"holds no profile: {error} is missing", path=path, hint=_MAKE) from error
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"holds no profile: {error}", path=path, hint=_MAKE) from error
        return profile


_MAKE = "make it with: vocnlp drift ... --keep-profile FILE.json"
_WHOLE = 2**53  # counts beyond it are no whole numbers of the arithmetic that follows


def _read(content: Mapping[str, Any]) -> Profile:
    """The profile in the JSON of a file; KeyError for what is missing, ValueError for what cannot be counts of comments."""
    if not isinstance(content["source"], str):
        raise ValueError("source is no text")
    found = Profile(
        source=content["source"],
        rows=_count_of("rows", content["rows"]),
        noise=_count_of("noise", content["noise"]),
        untagged=_count_of("untagged", content["untagged"]),
        sentiment=_table("sentiment", content["sentiment"]),
        codes=_table("codes", content["codes"]),
        pains=_table("pains", content["pains"]),
        confidence=_bins("confidence", content["confidence"], FINE),
        sure={code: _bins("sure", bins, COARSE) for code, bins in _mapping("sure", content["sure"]).items()},
        length=_bins("length", content["length"], LONGEST + 1),
        words=_table("words", content["words"]),
        lone=_table("lone", content["lone"]),
        bundles=_table("bundles", content["bundles"]),
        codeframes=_table("codeframes", content["codeframes"]),
    )
    _check_sums(found)
    return found


def _check_sums(one: Profile) -> None:
    """ValueError where parts are more than their whole: shares beyond 1 have no test."""
    exact = {
        "sentiment": (sum(one.sentiment.values()), one.read),
        "length": (sum(one.length), one.read),
        "bundles": (sum(one.bundles.values()), one.rows),
        "codeframes": (sum(one.codeframes.values()), one.rows),
    }
    if wrong := [name for name, (parts, whole) in exact.items() if parts != whole]:
        raise ValueError(f"{wrong[0]} does not add up to the comments")
    most = {"untagged": one.untagged, "confidence": sum(one.confidence)}
    most |= {name: max(getattr(one, name).values(), default=0) for name in ("codes", "words", "lone")}
    if beyond := [name for name, count in most.items() if count > one.read]:
        raise ValueError(f"{beyond[0]} counts more than the comments")
    if any(count > one.codes.get(code, 0) for code, count in one.pains.items()):
        raise ValueError("pains counts more than codes")


def _count_of(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value < _WHOLE:
        raise ValueError(f"{name} is no count")
    return value


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no table")
    return value


def _table(name: str, value: object) -> dict[str, int]:
    return {key: _count_of(f"{name} of {key!r}", count) for key, count in _mapping(name, value).items()}


def _bins(name: str, value: object, bins: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != bins:
        raise ValueError(f"{name} is no list of {bins} counts")
    return tuple(_count_of(f"a bin of {name}", count) for count in value)


def profile(
    batches: Iterable[pa.RecordBatch], *, source: str, report: Callable[[int], None] = lambda _: None
) -> Profile:
    """The profile of batches in the schema ``records.TAGGED``; memory holds one batch and the counts."""
    totals: dict[str, Counter[Any]] = {name: Counter() for name in _COUNTERS}
    sure: dict[str, list[int]] = {}
    for batch in batches:
        _count(batch.select(list(_NEEDED)), totals, sure)
        report(totals["rows"][""])
    plain = {
        name: dict(totals[name]) for name in ("sentiment", "codes", "pains", "words", "lone", "bundles", "codeframes")
    }
    bins = {
        name: tuple(totals[name][at] for at in range(size))
        for name, size in (("confidence", FINE), ("length", LONGEST + 1))
    }
    single = {name: totals[name][""] for name in ("rows", "noise", "untagged")}
    return Profile(source=source, sure={code: tuple(row) for code, row in sure.items()}, **single, **plain, **bins)  # type: ignore[arg-type]


_COUNTERS = (
    "rows",
    "noise",
    "untagged",
    "sentiment",
    "codes",
    "pains",
    "confidence",
    "length",
    "words",
    "lone",
    "bundles",
    "codeframes",
)
_NEEDED = ("text", "voc_sentiment", "voc_confidence", "voc_noise", "voc_tags", "voc_bundle", "voc_codeframe")


def _count(batch: pa.RecordBatch, totals: Mapping[str, Counter[Any]], sure: dict[str, list[int]]) -> None:
    rows = batch.to_pylist()
    read = [row for row in rows if row["voc_noise"] is None]
    totals["rows"][""] += len(rows)
    totals["noise"][""] += len(rows) - len(read)
    for row in rows:
        totals["bundles"][row["voc_bundle"] or ""] += 1
        totals["codeframes"][row["voc_codeframe"] or ""] += 1
    for row in read:
        totals["sentiment"][row["voc_sentiment"] or ""] += 1
        totals["length"][min(LONGEST, len(row["text"] or ""))] += 1
        if row["voc_confidence"] is not None:
            totals["confidence"][_bin(row["voc_confidence"], FINE)] += 1
        tags = row["voc_tags"] or ()
        totals["untagged"][""] += not tags
        totals["codes"].update({tag["code"] for tag in tags})
        totals["pains"].update({tag["code"] for tag in tags if tag["polarity"] == NEGATIVE})
        for tag in tags:
            sure.setdefault(tag["code"], [0] * COARSE)[_bin(tag["confidence"], COARSE)] += 1
    held = words_of([row["text"] or "" for row in read])
    counted(totals["words"], held)
    counted(totals["lone"], (words for words, row in zip(held, read, strict=True) if not row["voc_tags"]))


def _bin(value: float, bins: int) -> int:
    return max(0, min(bins - 1, int(value * bins)))
