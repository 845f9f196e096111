"""The page itself: template, styles, scripts and data in one file that asks the network for nothing.

Comments are strangers' words: they travel as JSON and reach the page only as text nodes, and a content security policy
lets no script run but those that are written here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from .codeframe import Codeframe
from .figures import SMALL
from .findings import percent, signed
from .folding import BLANK
from .page_parts import ASSETS, json_inside, policy_of, script_of
from .report_analysis import Analysis
from .report_findings import QUADRANTS, told

_SCRIPTS = (
    "echarts.min.js",
    "echarts-wordcloud.min.js",
    "report_charts.js",
    "report_analyses.js",
    "report_voices.js",
    "report.js",
)
_NOISE = {
    "empty": "空白",
    "punctuation": "只有标点或表情",
    "no_opinion": "“无”“没有”之类",
    "mash": "乱码",
    "spam": "广告或刷屏",
}


def page(analysis: Analysis, payload: dict[str, Any], frame: Codeframe, *, title: str, facts: Mapping[str, str]) -> str:
    """The HTML of a report; ``payload`` is what its script reads, ``facts`` go into the section on method."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, percent=percent, times=times, chance=chance)
    scripts = [script_of(name) for name in _SCRIPTS]
    figures = analysis.figures
    dated = [group.key for group in figures.months if group.key != BLANK]
    return environment.get_template("report.html.j2").render(
        title=title,
        period=f"{dated[0]} 至 {dated[-1]}" if dated else "",
        figures=figures,
        findings=told(analysis),
        data=payload,
        names={code.code: code.name for code in figures.codes},
        quadrants=[(quadrant.value, name) for quadrant, name in QUADRANTS.items()],
        owners=any(code["owner"] for code in payload["codes"]),
        has=_has(payload),
        missing=defaultdict(str, analysis.missing),  # the template asks for any; only what is there is said
        meta=facts,
        noise=[(_NOISE.get(kind, kind), count) for kind, count in figures.totals.noise.items()],
        frame=frame,
        small=SMALL,
        # Only what this module ships or escapes itself is marked as safe; everything else the template escapes.
        style=Markup((ASSETS / "report.css").read_text("utf-8")),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        policy=policy_of(scripts),
        json=Markup(json_inside(payload)),  # noqa: S704
    )


def times(value: float | None) -> str:
    """A ratio as ``1.25 倍``; a dash where there is none."""
    return "—" if value is None else f"{value:.2f} 倍"


def chance(p: float | None) -> str:
    """A p-value: ``<0.001`` or three decimals."""
    return "—" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _has(payload: Mapping[str, Any]) -> dict[str, bool]:
    """Which charts have anything to draw; the template says in words what is missing instead of an empty frame."""
    moves = payload["moves"]
    fine = {code["id"] for code in payload["codes"] if code["leaf"]}
    return {
        "coarse": payload["priced"] and payload["pains"][0] not in fine,
        **{name: len(payload[name]) > 1 for name in ("channels", "segments")},
        "months": bool(payload["months"]),
        "pains": bool(payload["pains"]),
        "prices": payload["priced"],
        "heat": bool(payload["heat"]["cells"]),
        "stages": any(group["rows"] for group in payload["stages"]),
        "drivers": bool(payload["drivers"]["items"]),
        "matrix": bool(payload["matrix"]["points"]),
        "map": bool(payload["map"]["spots"]) and bool(payload["map"]["points"]),
        "cross": any(payload["cross"].values()),
        "trend": moves is not None and len(moves["starts"]) > 1,
        "changes": moves is not None and bool(moves["changes"]),
        "stages_moved": moves is not None and len(moves["starts"]) > 1 and bool(moves["stages"]),
        "effects": moves is not None and bool(moves["effects"]),
        "peak": payload["peak"] is not None and bool(payload["peak"]["stages"]),
        "words": any(payload["words"].values()),
        "voices": bool(payload["voices"]),
    }
