"""Journey figures put into a few plain Chinese sentences; nothing is said that the figures do not carry.

A sentence about NPS needs enough answers (``figures.SMALL``); below that it says so or is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .figures import SMALL, CodeFigures, Figures, Group
from .folding import BLANK, UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence or two. The ids say what it is about, where a reader may want to see the comments."""

    head: str
    text: str
    code: str | None = None
    stage: str | None = None
    channel: str | None = None
    segment: str | None = None


def signed(value: float | None) -> str:
    """Points with one decimal, always with a sign: ``+3.2``, ``−3.2``, ``0.0``; a dash where there are none."""
    if value is None:
        return "—"
    rounded = round(value, 1)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded):.1f}"


def percent(share: float | None) -> str:
    """A share (0..1) as ``12.3%``; a dash where there is none."""
    return "—" if share is None else f"{100 * share:.1f}%"


def findings(figures: Figures) -> tuple[Finding, ...]:
    """At most six sentences: the whole, the dearest pain, the worst stage, the last month, the praise, the gap."""
    if not figures.totals.rows:
        return (Finding("总体", "表中没有评论。"),)
    said = (_whole(figures), _pain(figures), _stage(figures), _month(figures), _praise(figures), _gap(figures))
    return tuple(finding for finding in said if finding)


def _whole(figures: Figures) -> Finding:
    totals, nps = figures.totals, figures.nps
    idle = totals.rows - totals.comments
    head = f"共 {totals.rows:,} 条记录，其中 {totals.comments:,} 条有可读的评论"
    head += f"（{idle:,} 条无有效内容）" if idle else ""
    if nps.nps is None:
        return Finding("总体", f"{head}。数据里没有可用的评分，NPS 及其影响无法计算。")
    text = (
        f"{head}，{nps.n:,} 条带评分。NPS 为 {signed(nps.nps)}（95% 区间 {signed(nps.low)} 至 {signed(nps.high)}）："
        f"推荐者 {percent(nps.promoters / nps.n)}，贬损者 {percent(nps.detractors / nps.n)}。"
    )
    return Finding("总体", text + (f"评分不足 {SMALL} 条，只能看方向，不宜下结论。" if nps.small else ""))


def _pain(figures: Figures) -> Finding | None:
    leaves = [code for code in figures.codes if code.leaf and code.negative]
    if not leaves:
        return Finding("痛点", "没有读到指向具体问题的负面评论。") if figures.totals.comments else None
    costly = [code for code in leaves if code.pain.points is not None and code.pain.points < 0 and not code.pain.small]
    if not costly:
        often = max(leaves, key=lambda code: code.negative)
        why = "" if figures.nps.nps is None else f"带评分的不足 {SMALL} 条或并未拉低 NPS，故不谈影响。"
        text = f"负面评论最多的是「{often.name}」：{often.negative:,} 条，占评论的 {percent(_of(figures, often))}。"
        return Finding("痛点", text + why + _where(figures, often), often.code)
    worst, *others = costly
    text = _cost(figures, worst) + _where(figures, worst)
    if others:
        next_ones = (f"「{code.name}」（{signed(code.pain.points)}）" for code in others[:2])
        text += f"其次是{'和'.join(next_ones)}。"
    return Finding("最伤 NPS 的痛点", text, worst.code)


def _cost(figures: Figures, code: CodeFigures) -> str:
    points, margin = code.pain.points or 0.0, code.pain.margin or 0.0
    theirs, without = code.pain.carrying.nps, code.pain.rest.nps
    text = (
        f"「{code.name}」有 {code.negative:,} 条负面评论（占 {percent(_of(figures, code))}），"
        f"这些客户的 NPS 是 {signed(theirs)}；不计这些评论，总体 NPS 会是 {signed(without)}，"
        f"即它影响 {signed(points)} 点。"
    )
    return text + ("这一影响没有超出抽样误差。" if abs(points) <= margin else "")


def _where(figures: Figures, code: CodeFigures) -> str:
    cells = [cell for cell in figures.heat if cell.code == code.code and cell.negative and cell.group != UNKNOWN]
    if not cells:
        return ""
    most = max(cells, key=lambda cell: cell.negative)
    names = {group.key: group.name for group in figures.stages}
    return f"最集中在「{names[most.group]}」环节（{most.negative:,} 条）。"


def _of(figures: Figures, code: CodeFigures) -> float | None:
    return figures.totals.share(code.negative)


def _stage(figures: Figures) -> Finding | None:
    known = [group for group in figures.stages if group.key != UNKNOWN]
    scored = [group for group in known if group.nps.nps is not None and not group.nps.small]
    if len(scored) >= 2:
        worst = min(scored, key=_points)
        text = f"「{worst.name}」的 NPS 最低：{signed(_points(worst))}（{worst.nps.n:,} 条评分）"
        text += f"，比总体低 {max(0.0, _points(figures) - _points(worst)):.1f} 点。"
        return Finding("最弱的环节", text + _burden(figures, worst), stage=worst.key)
    read = [group for group in known if group.comments >= SMALL]
    if figures.nps.nps is not None or len(read) < 2:
        return None
    worst = max(read, key=lambda group: group.share(group.negative) or 0.0)
    text = f"「{worst.name}」的负面评论占比最高：{percent(worst.share(worst.negative))}（{worst.comments:,} 条评论）。"
    return Finding("最弱的环节", text + _burden(figures, worst), stage=worst.key)


def _burden(figures: Figures, stage: Group) -> str:
    leaves = {code.code: code.name for code in figures.codes if code.leaf}
    cells = [cell for cell in figures.heat if cell.group == stage.key and cell.code in leaves and cell.negative]
    if not cells:
        return ""
    most = max(cells, key=lambda cell: cell.negative)
    return f"这里提得最多的问题是「{leaves[most.code]}」，占该环节评论的 {percent(most.share)}。"


def _month(figures: Figures) -> Finding | None:
    months = [group for group in figures.months if group.key != BLANK and group.nps.nps is not None]
    if len(months) < 2:
        return None
    before, last = months[-2:]
    if before.nps.small or last.nps.small:
        return Finding("最近变化", f"{before.key} 与 {last.key} 中有一个月评分不足 {SMALL} 条，不作比较。")
    change = _points(last) - _points(before)
    verdict = "超出" if last.nps.differs(before.nps) else "没有超出"
    way = "升" if change > 0 else "降"
    text = f"{last.key} 的 NPS 为 {signed(_points(last))}，比 {before.key} {way} {abs(change):.1f} 点"
    return Finding("最近变化", f"{text}，{verdict}抽样误差。")


def _praise(figures: Figures) -> Finding | None:
    # A code much talked about is praised a lot and blamed a lot; only a clear balance is worth a sentence.
    liked = [code for code in figures.codes if code.leaf and code.positive >= 2 * code.negative and code.positive]
    if not liked:
        return None
    best = max(liked, key=lambda code: (code.positive - code.negative, code.code))
    return Finding("最受认可", f"「{best.name}」有 {best.positive:,} 条正面评论，净情感 {signed(best.net)}。")


def _gap(figures: Figures) -> Finding | None:
    totals = figures.totals
    missed = totals.share(totals.comments - totals.tagged)
    if missed is None or missed < 0.1:
        return None
    return Finding("未覆盖", f"{percent(missed)} 的评论没有命中任何码，可能是码框未覆盖的话题，也可能只是泛泛的评价。")


def _points(scored: Group | Figures) -> float:
    """The NPS of what is known to have answers; not a number, and never zero, should that be wrong."""
    return math.nan if scored.nps.nps is None else scored.nps.nps
