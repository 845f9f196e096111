"""The analyses as the page's script and tables read them."""

from __future__ import annotations

import re
from typing import Any

from .before_after import Effect, Factor
from .crosstabs import Crosstab
from .drivers import Drivers
from .folding import UNKNOWN
from .gaps import Gap, most_disappointing
from .journey_map import JourneyMap, Spot
from .matrix import Matrix
from .peak_end import PeakEnd
from .report_analysis import GROUPS, Analysis, Asked, Moves
from .report_payload import number
from .scores import Ces, Csat
from .trends import Change, Line, after

_REASON = re.compile(r"(\d+) (periods|mentions) (before|after|with comments), (\d+) are needed")


def sections(analysis: Analysis) -> dict[str, Any]:
    """Drivers, matrix, journey map, cross-tabs, moves, peak and end, gaps, satisfaction and effort; None or empty where
    there is nothing."""
    return {
        "drivers": _drivers(analysis.drivers),
        "matrix": _matrix(analysis.matrix),
        "map": _map(analysis.map),
        "cross": {by: _cross(table) for by, table in analysis.crosstabs.items()},
        "moves": _moves(analysis.moves) if analysis.moves else None,
        "peak": _peak(analysis.peak_end, analysis.map) if analysis.peak_end else None,
        "gaps": [_gap(gap, analysis) for gap in most_disappointing(analysis.gaps)],
        "csat": _asked(analysis.csat, analysis.map) if analysis.csat else None,
        "ces": _asked(analysis.ces, analysis.map) if analysis.ces else None,
    }


def _asked(found: Asked[Csat] | Asked[Ces], journey: JourneyMap) -> dict[str, Any]:
    """CSAT as a share, CES as a mean with the share that agrees; whole and by stage."""
    stages = [
        {"key": one.keys[0], "name": journey.stages.get(one.keys[0], one.keys[0]), **_answered(one.value)}
        for one in found.stages
        if one.value.n and one.keys[0] != UNKNOWN
    ]
    return {**_answered(found.total.value), "odd": found.total.odd, "stages": stages}


def _answered(value: Csat | Ces) -> dict[str, Any]:
    bounds = {"low": number(value.low), "high": number(value.high), "n": value.n, "few": value.few}
    if isinstance(value, Csat):
        return {"value": number(value.share), **bounds}
    return {"value": number(value.mean), "easy": number(value.easy), **bounds}


def _drivers(found: Drivers) -> dict[str, Any]:
    return {
        "answers": found.answers,
        "r2": number(found.r2),
        "warning": found.warning,
        "left": len(found.left_out),
        "items": [
            {
                "id": driver.code,
                "share": number(driver.share),
                "low": number(driver.share_low),
                "high": number(driver.share_high),
                "slope": number(driver.slope),
                "slopeLow": number(driver.slope_low),
                "slopeHigh": number(driver.slope_high),
                "clear": driver.clear,
                "n": driver.carriers,
                "few": driver.few,
            }
            for driver in found.drivers
        ],
    }


def _matrix(found: Matrix) -> dict[str, Any]:
    points = [
        {
            "id": placed.point.key,
            "x": number(placed.point.performance),
            "y": number(placed.point.importance),
            "xs": [number(edge) for edge in placed.point.performance_interval or ()],
            "ys": [number(edge) for edge in placed.point.importance_interval or ()],
            "quadrant": placed.quadrant.value,
            "sure": placed.sure,
            "few": placed.point.few,
        }
        for placed in found.placed
    ]
    return {"across": number(found.importance_line), "up": number(found.performance_line), "points": points}


def _map(found: JourneyMap) -> dict[str, Any]:
    points = list(found.touchpoints[:GROUPS])
    told = {spot.stage for spot in found.spots if spot.comments}
    stages = [stage for stage in found.stages if stage != UNKNOWN or stage in told]
    spots = [spot for spot in found.spots if spot.touchpoint in points and spot.stage in stages]
    return {
        "points": points,
        "stages": [{"key": stage, "name": found.stages[stage]} for stage in stages],
        "spots": [_spot(spot, stages.index(spot.stage), points.index(spot.touchpoint)) for spot in spots],
        "unknown": list(found.unknown),
    }


def _spot(spot: Spot, stage: int, point: int) -> dict[str, Any]:
    return {
        "at": [stage, point],
        "rows": spot.rows,
        "comments": spot.comments,
        "neg": spot.negative,
        "net": number(spot.net),
        "few": spot.few,
        "nps": number(spot.nps.nps),
        "low": number(spot.nps.low),
        "high": number(spot.nps.high),
        "n": spot.nps.n,
        "small": spot.nps.small,
        "pains": [[pain.code, pain.negative] for pain in spot.pains],
    }


def _cross(table: Crosstab) -> dict[str, Any]:
    groups = list(table.groups)
    codes = list(dict.fromkeys(cell.code for cell in table.cells))
    return {
        "groups": [{"key": key, "size": size, "few": key in table.few_groups} for key, size in table.groups.items()],
        "codes": codes,
        "left": table.left_out,
        "cells": [
            {
                "at": [groups.index(cell.group), codes.index(cell.code)],
                "observed": cell.observed,
                "expected": number(cell.expected),
                "share": number(cell.share),
                "residual": number(cell.residual),
                "p": number(cell.adjusted),
                "marked": cell.stands_out(),
                "few": cell.few,
            }
            for cell in table.cells
        ],
    }


def _moves(moves: Moves) -> dict[str, Any]:
    expected = {found.key: found for found in moves.forecasts}
    lines = [
        {
            "id": line.key,
            "counts": [period.count for period in line.periods],
            "expected": [
                [f"{step.start}", number(step.share), number(step.low), number(step.high)]
                for step in (expected[line.key].expected if line.key in expected else ())
            ],
            "whyNot": _why(expected[line.key].why_not) if line.key in expected else None,
        }
        for line in moves.lines
    ]
    periods = moves.lines[0].periods
    changed, moved = moves.changes, moves.stage_changes
    return {
        "every": moves.every,
        "starts": [f"{period.start}" for period in periods],
        "ends": [f"{after(period.start, moves.every)}" for period in periods],
        "comments": [period.comments for period in periods],
        "lines": lines,
        "undated": moves.trend.undated,
        "since": f"{moves.since}" if moves.since else None,
        "split": None if changed is None else f"{changed.since}",
        "start": None if changed is None else f"{changed.start}",
        "end": None if changed is None else f"{changed.end}",
        "changes": [_change(change) for change in changed.changes] if changed else [],
        "stages": [_stage_line(line) for line in moves.stages.lines],
        "stageChanges": [_change(change) for change in moved.changes] if moved else [],
        "effects": [_effect(found) for found in moves.effects],
    }


def _stage_line(line: Line) -> dict[str, Any]:
    """A stage's negative comments, and all of its own comments, period by period."""
    counts, comments = [period.count for period in line.periods], [period.comments for period in line.periods]
    return {"id": line.key, "name": line.name, "counts": counts, "comments": comments}


def _change(change: Change) -> dict[str, Any]:
    ratio = change.ratio
    return {
        "id": change.key,
        "name": change.name,
        "before": ratio.before,
        "after": ratio.after,
        "beforeShare": number(ratio.before_share),
        "afterShare": number(ratio.after_share),
        "ratio": number(ratio.value),
        "low": number(ratio.low),
        "high": number(ratio.high),
        "p": number(change.adjusted),
        "sure": change.adjusted is not None and change.adjusted < 0.05,
        "few": ratio.few,
        "new": change.new,
        "vanished": change.vanished,
    }


def _effect(found: Effect) -> dict[str, Any]:
    series = found.interrupted
    return {
        "id": found.key,
        "name": found.name,
        "before": number(found.ratio.before_share),
        "after": number(found.ratio.after_share),
        "ratio": number(found.ratio.value),
        "low": number(found.ratio.low),
        "high": number(found.ratio.high),
        "p": number(found.ratio.p),
        "few": found.ratio.few,
        "trend": _factor(series.before) if series else None,
        "level": _factor(series.level) if series else None,
        "slope": _factor(series.slope) if series else None,
        "whyNot": _why(found.why_not),
    }


def _why(reason: str | None) -> str | None:
    """Why a series could not be looked at, in Chinese."""
    if reason and (told := _REASON.fullmatch(reason)):
        count, what, where, needed = told.groups()
        unit = "期" if what == "periods" else "次提及"
        side = {"before": "之前", "after": "之后"}.get(where, "")
        return f"{side}只有 {count} {unit}，至少要 {needed} {unit}"
    return {"never mentioned": "从未提及", "not asked for": "未计算"}.get(reason or "", reason)


def _factor(factor: Factor) -> dict[str, float | None]:
    return {
        "value": number(factor.value),
        "low": number(factor.low),
        "high": number(factor.high),
        "p": number(factor.p),
    }


def _peak(found: PeakEnd, journey: JourneyMap) -> dict[str, Any]:
    stages = list(
        dict.fromkeys(
            [
                *(s for s in journey.stages if s in {*found.low_peaks, *found.low_ends}),
                *found.low_peaks,
                *found.low_ends,
            ]
        )
    )
    return {
        "customers": found.customers,
        "single": found.single,
        "few": found.few,
        "r2": number(found.r2),
        "meanR2": number(found.mean_r2),
        "shares": {name: number(share) for name, share in found.shares.items()},
        "relations": [
            {"of": one.of, "r": number(one.correlation), "low": number(one.low), "high": number(one.high)}
            for one in found.relations
        ],
        "stages": [{"key": stage, "name": journey.stages.get(stage, stage)} for stage in stages],
        "peaks": [found.low_peaks.get(stage, 0) for stage in stages],
        "ends": [found.low_ends.get(stage, 0) for stage in stages],
    }


def _gap(gap: Gap, analysis: Analysis) -> dict[str, Any]:
    ids = {code.name: code.code for code in analysis.figures.codes}
    one = gap.attribute
    return {
        "name": one.name,
        "id": ids.get(one.name),
        "experience": one.experience,
        "expectation": one.expectation,
        "importance": one.importance,
        "ideal": one.ideal,
        "satisfaction": number(gap.satisfaction),
        "weighted": number(gap.weighted),
        "gap": number(gap.gap),
    }
