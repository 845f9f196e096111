"""The drift between two profiles as one HTML file in Chinese, without scripts, that opens offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from .codeframe import Codeframe
from .drift import Drift, Share, Spread
from .errors import OutputError
from .records import NEGATIVE, NEUTRAL, POSITIVE
from .registry_writing import replaced

_ASSETS = Path(__file__).parent / "assets"
_WORDS = {NEGATIVE: "负面", NEUTRAL: "中性", POSITIVE: "正面"}


def write_page(path: Path, found: Drift, frame: Codeframe, *, command: str, title: str = "评论漂移检查") -> None:
    """Write it beside and rename; ``command`` draws comments to review. OutputError where it cannot be written."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("drift.html.j2").render(
        title=title, found=found, command=command, whole=list(_whole(found)), codes=list(_codes(found, frame))
    )
    try:
        replaced(path, page.encode(errors="replace"))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path, hint="choose another folder") from error


def _whole(found: Drift) -> Iterator[tuple[Any, ...]]:
    for name, share in (("没有编码的评论", found.untagged), ("噪声评论", found.noise)):
        yield name, *_share(share), share.moved
    for polarity, share in found.sentiment.items():
        yield f"{_WORDS[polarity]}评论", *_share(share), share.moved
    for name, one in (("情感置信度", found.confidence), ("评论长度(字)", found.length)):
        if one is not None:
            yield name, *_spread(one), one.moved
    apart = found.vocabulary
    yield "词汇距离", f"偶然 {apart.by_chance:.3f}", f"{apart.distance:.3f}", "", "", bool(apart.words)


def _codes(found: Drift, frame: Codeframe) -> Iterator[tuple[str, str, list[tuple[str, bool]]]]:
    for code in sorted(found.codes, key=lambda code: -abs(found.codes[code].h)):
        shares = found.codes[code], found.pains[code]
        cells = [(cell, share.moved) for share in shares for cell in _share(share)]
        yield code, frame[code].name if code in frame else code, cells


def _share(one: Share) -> tuple[str, str, str, str]:
    before, after = one.shares
    return f"{before:.1%}", f"{after:.1%}", f"{one.h:+.2f}", _chance(one.p)


def _spread(one: Spread) -> tuple[str, str, str, str]:
    return f"{one.before:.2f}", f"{one.after:.2f}", f"PSI {one.psi:.2f}", _chance(one.p)


def _chance(p: float | None) -> str:
    return "—" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
