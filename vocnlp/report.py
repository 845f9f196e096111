"""The analyst's report: one HTML file in Chinese that opens anywhere, and on request the same tables as a workbook, the
same pictures as PNG.

What is asked of the table is in ``report_analysis``; here it is put together and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from .codeframe import Codeframe
from .folding import Rows
from .gaps import Attribute
from .quotes import evidence_words
from .records import NEGATIVE, POSITIVE
from .report_analysis import Analysis, analyse
from .report_page import page
from .report_payload import figures_payload
from .report_sections import sections
from .report_tables import write_tables
from .report_verbatims import verbatims
from .unfinished import beside


def write_report(
    path: Path | str,
    table: Rows,
    frame: Codeframe,
    *,
    title: str,
    journey: str = "general",
    meta: Mapping[str, str] | None = None,
    since: date | None = None,
    ratings: Iterable[Attribute] = (),
    masked: bool = True,
    tables: Path | str | None = None,
    pictures: Path | str | None = None,
) -> None:
    """Write the report on a tagged table (schema ``records.TAGGED``) as one HTML file, replacing what is there.

    ``meta`` adds lines to the section on method, such as the model, the file or the hour. ``since``: the day of an
    action. ``ratings``: for the satisfaction gaps. ``masked`` False shows personal data in comments as it stands.
    ``tables``: an xlsx file for the same tables; ``pictures``: a folder for PNG files (extra ``pictures``).

    Without a ``text`` column there are no verbatims, without quotes no word cloud; the report says so. OutputError when
    a file cannot be written; InputError and CodeframeError as ``report_analysis.analyse`` raises them.
    """
    analysis = analyse(table, frame, journey, since=since, ratings=ratings)
    payload = _payload(analysis, table, frame, journey=journey, masked=masked)
    facts = {**_origin(table, frame), "个人信息": _shown(masked), **(meta or {})}
    if tables is not None:
        write_tables(tables, payload, facts)
    if pictures is not None:
        from .report_pictures import write_pictures

        write_pictures(pictures, payload)
    _write(Path(path), page(analysis, payload, frame, title=title, facts=facts))


def _payload(analysis: Analysis, table: Rows, frame: Codeframe, *, journey: str, masked: bool) -> dict[str, Any]:
    order = {stage.id for stage in frame.journey(journey).stages} if frame.journeys else set[str]()
    payload = {**figures_payload(analysis.figures, frame, order), **sections(analysis)}
    payload["voices"] = verbatims(table, analysis.sample, masked=masked)
    payload["words"] = {side: evidence_words(table, side, masked=masked) for side in (NEGATIVE, POSITIVE)}
    payload["missing"] = dict(analysis.missing)
    return payload


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


def _shown(masked: bool) -> str:
    return "原声与词云中的电话、证件、地址等已遮盖" if masked else "未遮盖，请勿外传"


def _write(target: Path, text: str) -> None:
    with beside(target) as folder:
        partial = folder / target.name
        partial.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        partial.replace(target)
