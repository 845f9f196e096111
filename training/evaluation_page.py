"""``vocnlp evaluate --html`` and ``vocnlp compare --html``: one file in Chinese that opens offline.

Comments are strangers' words: the template escapes them, and a content security policy lets no script run but the one that
is written here.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import vocnlp.assets
from vocnlp.codeframe import Codeframe
from vocnlp.errors import OutputError
from vocnlp.records import MIXED, NEGATIVE, NEUTRAL, POSITIVE

from .comparison import FEW, Comparison

SHOWN = 100  # changed texts of one outcome, and confused pairs, that a page holds at most

_ASSETS = Path(next(iter(vocnlp.assets.__path__)))
_POLARITY = {POSITIVE: "正面", NEUTRAL: "中性", NEGATIVE: "负面", MIXED: "褒贬不一", None: "未判"}
_ORDER = ("worse", "better", "same", "few")


def evaluation_page(figures: Mapping[str, Any], frame: Codeframe, *, title: str = "模型评测") -> str:
    """The HTML of what ``evaluation.examine`` gives; code names are those of ``frame``."""
    weakest = sorted(figures["per_code"].items(), key=lambda each: (each[1]["support"] == 0, each[1]["f1"] or 0.0))
    return _page("evaluation.html.j2", (frame,), title=title, kicker="模型评测", f=figures, codes=weakest, shown=30)


def comparison_page(
    comparison: Comparison, old: Codeframe, new: Codeframe, *, title: str = "模型对比", shown: int = SHOWN
) -> str:
    """The HTML of a comparison; at most ``shown`` changed texts of each outcome, the gravest first."""
    codes = sorted(comparison.per_code.values(), key=lambda one: (_ORDER.index(one.verdict), _gap(one.new, one.old)))
    counts = Counter(one.verdict for one in comparison.changed)
    changed = {
        verdict: [one for one in comparison.changed if one.verdict == verdict][:shown]
        for verdict in ("worse", "better", "other")
    }
    ends = [abs(end) for one in codes for end in (one.low, one.high) if end is not None]
    return _page(
        "comparison.html.j2",
        (new, old),
        title=title,
        kicker="模型对比",
        c=comparison,
        codes=codes,
        changed=changed,
        counts=counts,
        hidden=max(counts.values(), default=0) > shown,
        shown=shown,
        scale=max([*ends, 0.01]),
        few=FEW,
    )


def write_page(path: Path, html: str) -> None:
    """Written beside and renamed; OutputError where it cannot be."""
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(html, encoding="utf-8", errors="replace", newline="\n")
        partial.replace(path)
    except OSError as error:
        if partial.parent.is_dir():
            partial.unlink(missing_ok=True)
        raise OutputError(error.strerror or str(error), path=path) from error


def _page(template: str, frames: tuple[Codeframe, ...], **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,  # a figure that was not asked for, such as an interval, is simply not there
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(ratio=_ratio, span=_span, signed3=_signed)
    environment.globals.update(names=_names(frames), polarity=lambda word: _POLARITY.get(word, word))
    script = "\n" + (_ASSETS / "evaluation.js").read_text("utf-8").replace("\r\n", "\n")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = "".join((_ASSETS / name).read_text("utf-8") for name in ("report.css", "evaluation.css"))
    # Only what ships with the package is marked as safe; everything else the template escapes.
    safe = {"style": Markup(style), "script": Markup(script)}  # noqa: S704
    return environment.get_template(template).render(script_hash=f"sha256-{digest}", **safe, **values)


def _names(frames: tuple[Codeframe, ...]) -> Callable[[str], str]:
    """The name of a code in the first frame that has it, else its id."""
    return lambda code: next((frame[code].name for frame in frames if code in frame), code)


def _gap(new: float | None, old: float | None) -> float:
    return 0.0 if new is None or old is None else new - old


def _ratio(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _span(interval: tuple[float, float] | None) -> str:
    return "—" if interval is None else f"{interval[0]:.3f}–{interval[1]:.3f}"


def _signed(value: float | None) -> str:
    return "—" if value is None else f"{value:+.3f}".replace("-", "−")
