"""The figures as the page's script reads them: numbers rounded, names beside ids, every gap in time filled."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import date
from typing import Any

from .codeframe import Codeframe
from .figures import SMALL, CodeFigures, Figures, Group
from .folding import BLANK, UNKNOWN
from .report_analysis import CODES, GROUPS, often, pains


def figures_payload(figures: Figures, frame: Codeframe, order: Collection[str]) -> dict[str, Any]:
    """The figures of ``journey``; ``order`` holds the stages that the journey knows."""
    ranked, priced = pains(figures)
    common = often(figures)[:CODES]
    told = {cell.group for cell in figures.heat if cell.negative}
    stages = [group for group in figures.stages if group.key != UNKNOWN or group.key in told]
    stage_at = {group.key: place for place, group in enumerate(stages)}
    code_at = {code: place for place, code in enumerate(common)}
    cells = [cell for cell in figures.heat if cell.code in code_at and cell.group in stage_at]
    return {
        "small": SMALL,
        "scored": figures.nps.n > 0,
        "stages": [{**_group(group), "known": group.key in order} for group in stages],
        "channels": [_group(group) for group in figures.channels[:GROUPS]],
        "segments": [_group(group) for group in figures.segments[:GROUPS]],
        "months": _calendar(figures),
        "codes": [_code(code, frame) for code in figures.codes],
        "pains": ranked,
        "priced": priced,
        "heat": {
            "codes": common,
            "cells": [
                [stage_at[c.group], code_at[c.code], c.negative, round(c.share, 4), number(c.nps.nps), c.nps.n]
                for c in cells
            ],
        },
    }


def number(value: float | None, digits: int = 4) -> float | None:
    """Rounded for the page, finer than it is shown, so that nothing is rounded twice; None and what is not finite: None."""
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _group(group: Group) -> dict[str, Any]:
    numbers = {"nps": group.nps.nps, "low": group.nps.low, "high": group.nps.high}
    counts = {"rows": group.rows, "comments": group.comments, "n": group.nps.n, "inferred": group.inferred}
    moods = {"pos": group.positive, "neu": group.neutral, "neg": group.negative}
    return {"key": group.key, "name": group.name, **counts, **moods, **{key: number(v) for key, v in numbers.items()}}


def _code(code: CodeFigures, frame: Codeframe) -> dict[str, Any]:
    path = [step.name for step in frame.path(code.code)] if code.known else [code.name]
    return {
        "id": code.code,
        "name": code.name,
        "path": path[:-1],
        "owner": frame[code.code].owner if code.known else "",
        "leaf": code.leaf,
        "root": code.depth == 0,
        "mentions": code.mentions,
        "share": round(code.share, 4),
        "pos": code.positive,
        "neu": code.neutral,
        "neg": code.negative,
        "net": number(code.net),
        "nps": number(code.every.carrying.nps),
        "rest": number(code.every.rest.nps),
        "impact": number(code.every.points),
        "pain": number(code.pain.points),
        "margin": number(code.pain.margin),
        "painNps": number(code.pain.carrying.nps),
        "n": code.pain.carrying.n,
        "small": code.pain.small,
        "smallEvery": code.every.small,
    }


def _calendar(figures: Figures) -> list[dict[str, Any]]:
    """The months, with the empty ones between the first and the last, so that a gap looks like a gap."""
    have = {group.key: _group(group) for group in figures.months if group.key != BLANK}
    if not have:
        return []
    first, last = (date.fromisoformat(f"{key}-01") for key in (min(have), max(have)))
    count = 12 * (last.year - first.year) + last.month - first.month + 1
    if count > 120:  # a stray year such as 1970; ten years of blanks help nobody
        return list(have.values())
    places = (12 * first.year + first.month - 1 + step for step in range(count))
    keys = [f"{place // 12:04d}-{place % 12 + 1:02d}" for place in places]
    return [have.get(key, {"key": key, "name": key, "comments": 0, "n": 0}) for key in keys]
