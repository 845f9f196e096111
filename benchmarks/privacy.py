"""Masking on sentences written for it: what personal data is found, what else is masked, and how fast.

The sentences of ``privacy.jsonl`` are our own, their numbers made up; half of them hold only what looks like personal
data. A fifth is blind: written after ``vocnlp.privacy`` was finished, never tuned on, reported apart.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocnlp.privacy import Finding, find, mask, mask_all

from .challenge import read_cases

FILE = Path(__file__).with_name("privacy.jsonl")
_LENGTH = 60
_COMMENTS = 60_000
_PERSONAL = 20  # in the speed run every so manieth comment holds a sentence with personal data or its look


@dataclass(frozen=True)
class Sentence:
    """One text, the spans in it that must not be read, and whether the text was written after the module."""

    id: str
    text: str
    spans: tuple[Finding, ...]
    blind: bool


def read_sentences(path: Path = FILE) -> list[Sentence]:
    """The sentences of a jsonl file, in order."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Sentence(row["id"], row["text"], tuple(Finding(**span) for span in row["spans"]), row.get("blind", False))
        for row in rows
    ]


def is_masked(span: Finding, text: str, findings: Sequence[Finding]) -> bool:
    """Whether no letter or digit of the span is outside a finding, and no digit or Latin letter of it is left."""
    inside = {at for found in findings for at in range(found.start, found.end)}
    covered = mask(text)
    letters = [at for at in range(span.start, span.end) if text[at].isalnum()]
    return all(at in inside and (covered[at] != text[at] or "\u3400" <= text[at] <= "\u9fff") for at in letters)


def score(sentences: Sequence[Sentence]) -> dict[str, Any]:
    """Recall over labelled spans; precision over findings, one that touches no labelled span being wrong.

    ``per_kind``: recall by the kind labelled (masked under any kind), ``named``: the share masked under that very kind,
    precision by the kind found. ``beyond`` is the share of masked characters outside the labelled spans.
    """
    kinds: dict[str, dict[str, int]] = {}
    masked = beyond = 0
    for sentence in sentences:
        findings = find(sentence.text)
        for span in sentence.spans:
            counts = kinds.setdefault(span.kind, dict.fromkeys(_COUNTS, 0))
            counts["spans"] += 1
            counts["masked"] += is_masked(span, sentence.text, findings)
            counts["named"] += any(_touch(span, found) and found.kind == span.kind for found in findings)
        labelled = {at for span in sentence.spans for at in range(span.start, span.end)}
        for found in findings:
            counts = kinds.setdefault(found.kind, dict.fromkeys(_COUNTS, 0))
            counts["found"] += 1
            counts["wrong"] += not any(_touch(span, found) for span in sentence.spans)
            masked += found.end - found.start
            beyond += sum(at not in labelled for at in range(found.start, found.end))
    every = {name: sum(counts[name] for counts in kinds.values()) for name in _COUNTS}
    negatives = [sentence for sentence in sentences if not sentence.spans]
    return {
        "sentences": len(sentences),
        "hard_negatives": len(negatives),
        "hard_negatives_untouched": sum(mask(sentence.text) == sentence.text for sentence in negatives),
        **_rates(every),
        "beyond": round(beyond / masked, 4) if masked else None,
        "per_kind": {kind: _rates(counts) for kind, counts in sorted(kinds.items())},
    }


_COUNTS = ("spans", "masked", "named", "found", "wrong")


def _touch(span: Finding, found: Finding) -> bool:
    return span.start < found.end and found.start < span.end


def _rates(counts: dict[str, int]) -> dict[str, Any]:
    spans, found = counts["spans"], counts["found"]
    return {
        **counts,
        "recall": round(counts["masked"] / spans, 4) if spans else None,
        "precision": round(1 - counts["wrong"] / found, 4) if found else None,
    }


def measure() -> dict[str, Any]:
    """Recall and precision on the open and the blind part, and comments of 60 characters masked a second."""
    sentences = read_sentences()
    return {
        "all": score(sentences),
        "open": score([sentence for sentence in sentences if not sentence.blind]),
        "blind": score([sentence for sentence in sentences if sentence.blind]),
        "comments_per_second": round(_rate(_comments(sentences))),
        "comments_per_second_all_suspect": round(_rate(_suspects(sentences))),
    }


def _comments(sentences: Sequence[Sentence]) -> list[str]:
    """Different comments of 60 characters: cases of the challenge, every twentieth with one of the sentences in it."""
    stream = "，".join(case.text for case in read_cases())
    comments = []
    for number in range(_COMMENTS):
        head = sentences[number % len(sentences)].text if number % _PERSONAL == 0 else ""
        at = number * 17 % (len(stream) - _LENGTH)
        comments.append((head + stream[at : at + _LENGTH])[:_LENGTH])
    return comments


def _suspects(sentences: Sequence[Sentence]) -> list[str]:
    """The worst case: every comment is 60 characters of these sentences and nothing else."""
    stream = "，".join(sentence.text for sentence in sentences)
    return [stream[at : at + _LENGTH] for at in range(len(stream) - _LENGTH)]


def _rate(comments: list[str]) -> float:
    mask_all(comments[:500])
    begun = time.perf_counter()
    mask_all(comments)
    return len(comments) / (time.perf_counter() - begun)
