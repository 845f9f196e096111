"""What the analyses say, in a few plain Chinese sentences; nothing is said that the data do not carry."""

from __future__ import annotations

from .crosstabs import Crossing
from .figures import SMALL
from .findings import Finding, findings, percent, signed
from .folding import BLANK, UNKNOWN
from .matrix import Quadrant
from .report_analysis import Analysis, Moves
from .trends import Change

QUADRANTS = {
    Quadrant.IMPROVE: "重点改进",
    Quadrant.KEEP: "优势保持",
    Quadrant.LATER: "次要改进",
    Quadrant.EASE: "适度维持",
}
_BY = {"channel": "渠道", "segment": "客群"}


def told(analysis: Analysis) -> tuple[Finding, ...]:
    """The sentences on the figures, and one each on drivers, spots, groups, moves and an action, where sure."""
    said = (_driver(analysis), _spot(analysis), _crossing(analysis), _move(analysis), _action(analysis))
    return (*findings(analysis.figures), *(finding for finding in said if finding))


def _driver(analysis: Analysis) -> Finding | None:
    found = analysis.drivers
    clear = [driver for driver in found.drivers if driver.clear and not driver.few]
    if found.warning or not clear:
        return None
    first = clear[0]
    text = (
        f"样本够的码里，「{first.name}」对评分的解释力最大，占各码合计的 {percent(first.share)}"
        f"（95% 区间 {percent(first.share_low)} 至 {percent(first.share_high)}）。"
    )
    improve = [p.point.name for p in analysis.matrix.within(Quadrant.IMPROVE) if not p.point.few]
    names = "、".join(f"「{name}」" for name in improve[:4])
    return Finding("驱动因素", text + (f"重要而表现差、宜重点改进的是{names}。" if names else ""), first.code)


def _spot(analysis: Analysis) -> Finding | None:
    spots = [
        spot for spot in analysis.map.spots if not spot.nps.small and spot.stage != UNKNOWN and spot.touchpoint != BLANK
    ]
    if len(spots) < 2:
        return None
    worst = min(spots, key=lambda spot: (spot.nps.nps or 0.0, spot.stage, spot.touchpoint))
    name = analysis.map.stages.get(worst.stage, worst.stage)
    text = f"「{name}」环节的「{worst.touchpoint}」NPS 最低：{signed(worst.nps.nps)}（{worst.nps.n:,} 条评分）。"
    if worst.pains:
        text += f"提得最多的问题是「{worst.pains[0].name}」（{worst.pains[0].negative:,} 条）。"
    return Finding("最弱的触点", text, stage=worst.stage, channel=worst.touchpoint)


def _crossing(analysis: Analysis) -> Finding | None:
    more: list[tuple[str, Crossing]] = [
        (by, cell)
        for by, table in analysis.crosstabs.items()
        for cell in table.striking
        if (cell.residual or 0.0) > 0 and cell.size >= SMALL
    ]
    if not more:
        return None
    by, cell = max(more, key=lambda pair: pair[1].residual or 0.0)
    text = (
        f"{_BY[by]}「{cell.group}」里 {percent(cell.share)} 的评论抱怨「{cell.name}」，按总体水平应有 {cell.expected:,.0f} 条，"
        f"实有 {cell.observed:,} 条，差异显著（多重检验校正后）。"
    )
    where = {by: cell.group}
    return Finding("突出的人群", text, cell.code, channel=where.get("channel"), segment=where.get("segment"))


def _move(analysis: Analysis) -> Finding | None:
    moves = analysis.moves
    if moves is None or moves.changes is None:
        return None
    sure = [change for change in moves.changes.changes if _sure(change)]
    if not sure:
        return None
    first = sure[0]
    return Finding(
        "问题的变化", _since(moves) + "，" + "；".join(_changed(change) for change in sure[:3]) + "。", first.key
    )


def _sure(change: Change) -> bool:
    return change.adjusted is not None and change.adjusted < 0.05 and not change.ratio.few


def _since(moves: Moves) -> str:
    at = moves.changes.since if moves.changes else None
    return f"{at} 起与此前相比"


def _changed(change: Change) -> str:
    before, later = percent(change.ratio.before_share), percent(change.ratio.after_share)
    if change.new:
        return f"「{change.name}」是新出现的问题（{change.ratio.after:,} 条）"
    if change.vanished:
        return f"「{change.name}」不再有人提起（此前 {change.ratio.before:,} 条）"
    way = "升" if (change.ratio.value or 0.0) > 1 else "降"
    return f"「{change.name}」由 {before} {way}至 {later}"


def _action(analysis: Analysis) -> Finding | None:
    if analysis.moves is None or analysis.moves.since is None:
        return None
    series = [found for found in analysis.moves.effects if found.interrupted and found.interrupted.level.p < 0.05]
    if not series:
        text = f"以 {analysis.moves.since} 为界，没有哪个主要问题的水平出现扣除原有走势之后仍然显著的跳变。"
        return Finding("措施前后", text)
    first = min(series, key=lambda found: found.interrupted.level.p if found.interrupted else 1.0)
    jump = first.interrupted.level.value if first.interrupted else 1.0
    way = "降到" if jump < 1 else "升到"
    text = f"以 {analysis.moves.since} 为界，扣除原有走势后，「{first.name}」的占比{way}原来的 {100 * jump:.0f}%。"
    return Finding("措施前后", text + "同一天发生的其他事与此无法区分。", first.key)
