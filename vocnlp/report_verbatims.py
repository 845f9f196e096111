"""The comments behind the figures, as the page shows them: masked, cut around their evidence, with what filters ask."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from .folding import BLANK, Rows
from .privacy import mask, mask_label
from .quotes import excerpt
from .records import NEGATIVE, POSITIVE
from .report_analysis import Sample

_COLUMNS = ("text", "score", "channel", "segment", "at", "voc_sentiment", "voc_tags")


def verbatims(table: Rows, sample: Sample, *, masked: bool = True) -> list[dict[str, Any]]:
    """The sampled comments in the order of the table; a mask keeps every offset. None without the ``text`` column."""
    rows = sorted({*sample.stages, *sample.turns})
    if not rows or "text" not in table.schema.names:
        return []
    names = [name for name in _COLUMNS if name in table.schema.names]
    at = pa.array(rows, pa.int64())
    found = table.select(names).take(at) if isinstance(table, pa.Table) else table.take(at, columns=names)
    return [
        _verbatim(row, comment, sample, masked)
        for row, comment in zip(rows, found.to_pylist(), strict=True)
        if comment["text"] and comment["text"].strip()
    ]


def _verbatim(row: int, comment: dict[str, Any], sample: Sample, masked: bool) -> dict[str, Any]:
    tags = comment["voc_tags"] or []
    score, at = comment.get("score"), comment.get("at")
    text = mask(comment["text"]) if masked else comment["text"]
    return {
        "neg": sorted({tag["code"] for tag in tags if tag["polarity"] == NEGATIVE}),
        "pos": sorted({tag["code"] for tag in tags if tag["polarity"] == POSITIVE}),
        "neu": sorted({tag["code"] for tag in tags if tag["polarity"] not in (NEGATIVE, POSITIVE)}),
        "stages": list(sample.stages.get(row, ())),
        "turns": list(sample.turns.get(row, ())),
        "score": None if score is None or score != score else round(score, 2),  # noqa: PLR0124 - NaN is no JSON
        "channel": mask_label((comment.get("channel") or "").strip()) or BLANK,
        "segment": mask_label((comment.get("segment") or "").strip()) or BLANK,
        "mood": comment.get("voc_sentiment") or "",
        "date": f"{at:%Y-%m-%d}" if at else "",
        "parts": excerpt(text, tags, None),
    }
