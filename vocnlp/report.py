"""The analyst's report: one HTML file in Chinese that opens anywhere, without a network and without a server.

Charts, styles, scripts and data are all inside the file. Comments are strangers' words: they travel as JSON and reach
the page only as text nodes, and a content security policy lets no script run but the four that are written here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup

from . import journey as journeys
from .codeframe import Codeframe
from .errors import OutputError
from .figures import SMALL, CodeFigures, Figures, Group, Voice
from .findings import findings, percent, signed
from .folding import BLANK, UNKNOWN, Rows
from .quotes import evidence_words, excerpt
from .records import NEGATIVE, POSITIVE

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("echarts.min.js", "echarts-wordcloud.min.js", "report_charts.js", "report.js")
_PAINS, _HEAT, _GROUPS = 15, 12, 12  # rows a reader can still take in at one glance
_NOISE = {
    "empty": "空白",
    "punctuation": "只有标点或表情",
    "no_opinion": "“无”“没有”之类",
    "mash": "乱码",
    "spam": "广告或刷屏",
}


def write_report(
    path: Path | str,
    table: Rows,
    frame: Codeframe,
    *,
    title: str,
    journey: str = "general",
    meta: Mapping[str, str] | None = None,
) -> None:
    """Write the report on a tagged table (schema ``records.TAGGED``) as one HTML file, replacing what is there.

    ``meta`` adds lines to the section on method, such as the model, the file or the hour. Without a ``text`` column
    there are no verbatims, without quotes no word cloud; the report says so. OutputError when the file cannot be
    written; InputError and CodeframeError as ``journey.figures`` raises them.
    """
    figures = journeys.figures(table, frame, journey)
    order = {stage.id for stage in frame.journey(journey).stages} if frame.journeys else set[str]()
    payload = _payload(figures, frame, order)
    payload["voices"] = _voices(table, journeys.voices(table, frame, journey, codes=payload["shown"]))
    payload["words"] = {polarity: evidence_words(table, polarity) for polarity in (NEGATIVE, POSITIVE)}
    page = _render(figures, frame, payload, title, {**_origin(table, frame), **(meta or {})})
    target = Path(path)
    partial = target.with_name(f".{target.name}.part")
    try:
        partial.write_text(page, encoding="utf-8", errors="replace", newline="\n")
        partial.replace(target)
    except OSError as error:
        if partial.parent.is_dir():
            partial.unlink(missing_ok=True)
        raise OutputError(error.strerror or str(error), path=target) from error


def _costly(figures: Figures) -> list[str]:
    return [code.code for code in figures.codes if code.leaf and code.pain.points is not None and code.pain.points < 0]


def _often(figures: Figures) -> list[str]:
    leaves = (code for code in figures.codes if code.leaf and code.negative)
    return [code.code for code in sorted(leaves, key=lambda code: -code.negative)]


def _payload(figures: Figures, frame: Codeframe, order: Collection[str]) -> dict[str, Any]:
    costly, often = _costly(figures)[:_PAINS], _often(figures)
    pains, often = costly or often[:_PAINS], often[:_HEAT]
    told = {cell.group for cell in figures.heat if cell.negative}
    stages = [group for group in figures.stages if group.key != UNKNOWN or group.key in told]
    stage_at = {group.key: place for place, group in enumerate(stages)}
    code_at = {code: place for place, code in enumerate(often)}
    cells = [cell for cell in figures.heat if cell.code in code_at and cell.group in stage_at]
    return {
        "small": SMALL,
        "scored": figures.nps.n > 0,
        "stages": [{**_group(group), "known": group.key in order} for group in stages],
        "channels": [_group(group) for group in figures.channels[:_GROUPS]],
        "segments": [_group(group) for group in figures.segments[:_GROUPS]],
        "months": _calendar(figures),
        "codes": [_code(code, frame) for code in figures.codes],
        "pains": pains,
        "priced": bool(costly),
        "shown": list(dict.fromkeys([*pains, *often])),  # all that can be clicked, and so has verbatims
        "heat": {
            "codes": often,
            "cells": [
                [stage_at[c.group], code_at[c.code], c.negative, round(c.share, 4), _number(c.nps.nps), c.nps.n]
                for c in cells
            ],
        },
        "trend": _trend(figures),
    }


def _group(group: Group) -> dict[str, Any]:
    numbers = {"nps": group.nps.nps, "low": group.nps.low, "high": group.nps.high}
    counts = {"rows": group.rows, "comments": group.comments, "n": group.nps.n, "inferred": group.inferred}
    moods = {"pos": group.positive, "neu": group.neutral, "neg": group.negative}
    return {"key": group.key, "name": group.name, **counts, **moods, **{key: _number(v) for key, v in numbers.items()}}


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
        "net": _number(code.net),
        "nps": _number(code.every.carrying.nps),
        "rest": _number(code.every.rest.nps),
        "impact": _number(code.every.points),
        "pain": _number(code.pain.points),
        "margin": _number(code.pain.margin),
        "painNps": _number(code.pain.carrying.nps),
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


def _trend(figures: Figures) -> list[dict[str, Any]]:
    names = {code.code: code.name for code in figures.codes}
    lines: dict[str, dict[str, float]] = {}
    for cell in figures.trend:
        lines.setdefault(cell.code, {})[cell.group] = round(cell.share, 4)
    ranked = [code.code for code in sorted(figures.codes, key=lambda code: -code.negative) if code.code in lines]
    return [{"code": code, "name": names[code], "share": lines[code]} for code in ranked]


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _voices(table: Rows, chosen: Iterable[Voice]) -> list[dict[str, Any]]:
    """The chosen comments, cut into plain and evidence parts; one entry per comment, with all it was chosen for."""
    codes: dict[int, dict[str, None]] = {}
    stages: dict[int, dict[str, None]] = {}
    for voice in chosen:
        codes.setdefault(voice.row, {})[voice.code] = None
        stages.setdefault(voice.row, {})[voice.stage] = None
    if not codes:
        return []
    names = [name for name in ("text", "score", "channel", "at", "voc_tags") if name in table.schema.names]
    columns = table.select(names) if isinstance(table, pa.Table) else table
    found = columns.take(
        pa.array(list(codes), pa.int64()), **({} if isinstance(table, pa.Table) else {"columns": names})
    )
    return [
        {
            "codes": list(codes[row]),
            "stages": list(stages[row]),
            "score": _number(comment.get("score")),
            "channel": comment.get("channel") or "",
            "date": f"{at:%Y-%m-%d}" if (at := comment.get("at")) else "",
            "parts": excerpt(comment["text"], comment["voc_tags"]),
        }
        for row, comment in zip(codes, found.to_pylist(), strict=True)
    ]


def _origin(table: Rows, frame: Codeframe) -> dict[str, str]:
    """Where the figures come from: the codeframe at hand, and what the table says about who tagged it."""
    version = f"{frame.name} {frame.version}，摘要 {frame.digest[:12]}，{len(frame.codes)} 个码"
    rows = {"码框": f"{frame.title or frame.name}（{version}）"}
    for label, name in (("打标模型", "voc_bundle"), ("打标时的码框", "voc_codeframe")):
        if name in table.schema.names:
            column = table.select([name]) if isinstance(table, pa.Table) else table.to_table(columns=[name])
            values = sorted(value for value in column.column(name).unique().to_pylist() if value)
            rows[label] = "、".join(values) or "未记录"
    return rows


def _render(figures: Figures, frame: Codeframe, payload: dict[str, Any], title: str, meta: Mapping[str, str]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, percent=percent)
    scripts = [_script(name) for name in _SCRIPTS]
    dated = [group.key for group in figures.months if group.key != BLANK]
    return environment.get_template("report.html.j2").render(
        title=title,
        period=f"{dated[0]} 至 {dated[-1]}" if dated else "",
        figures=figures,
        findings=findings(figures),
        codes=payload["codes"],
        owners=any(code["owner"] for code in payload["codes"]),
        has=_has(payload),
        meta=meta,
        noise=[(_NOISE.get(kind, kind), count) for kind, count in figures.totals.noise.items()],
        frame=frame,
        small=SMALL,
        # Only what this module ships or escapes itself is marked as safe; everything else the template escapes.
        style=Markup((_ASSETS / "report.css").read_text("utf-8")),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        data=Markup(_json(payload)),  # noqa: S704
    )


def _has(payload: Mapping[str, Any]) -> dict[str, bool]:
    """Which charts have anything to draw; the template says in words what is missing instead of an empty frame."""
    several = {name: len(payload[name]) > 1 for name in ("channels", "segments")}
    return {
        **several,
        "months": bool(payload["months"]),
        "pains": bool(payload["pains"]),
        "prices": payload["priced"],
        "heat": bool(payload["heat"]["cells"]),
        "stages": any(group["rows"] for group in payload["stages"]),
        "trend": bool(payload["trend"]) and len(payload["months"]) > 1,
        "words": any(payload["words"].values()),
        "voices": bool(payload["voices"]),
    }


def _script(name: str) -> str:
    """A script as the browser will hash it; the pointer to a source map goes, a report must not ask for files."""
    lines = (_ASSETS / name).read_text("utf-8").replace("\r\n", "\n").split("\n")
    return "\n" + "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL=")) + "\n"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(payload: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or, read as script, a line."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
