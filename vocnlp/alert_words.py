"""An alert, and how it reads: its id, its Chinese title and text. Every word of a customer in it is masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .alert_rules import NET, NPS, SHARE
from .records import NEGATIVE, POSITIVE

SEVERITY_NAMES: Mapping[str, str] = {"critical": "紧急", "high": "严重", "medium": "一般", "low": "提示"}
SIDE_NAMES: Mapping[str, str] = {NEGATIVE: "负面", POSITIVE: "正面", "mention": ""}
FIGURE_NAMES: Mapping[str, str] = {NPS: "NPS", NET: "净情感", SHARE: "占比", "count": "条数"}


@dataclass(frozen=True, slots=True)
class Alert:
    """What a rule found, ready to be sent; equal findings have equal ids.

    ``text`` is the comment of a comment rule, masked, and a sentence about the figure otherwise; ``quotes`` are the
    words that gave the alert, masked. ``at`` is the comment's time, or the last day of the window, as the data's clock
    shows it; ``first`` is the window's first day. ``figures`` hold what was compared. ``customer``, and ``quoted``, the
    customers whose words the quotes of a figure are (in their order, "" for nobody known), never leave this machine: see
    ``payload``.
    """

    id: str
    rule: str
    kind: str
    severity: str
    title: str
    text: str
    owner: str = ""
    code: str = ""
    code_name: str = ""
    stage: str = ""
    stage_name: str = ""
    channel: str = ""
    segment: str = ""
    row: str = ""
    customer: str = ""
    score: float | None = None
    quotes: tuple[str, ...] = ()
    at: str = ""
    first: str = ""
    figures: Mapping[str, float | None] | None = None
    dedupe_hours: float = 24.0
    quoted: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Alerts with one key say the same again: one rule, one code, one stage."""
        return "|".join((self.rule, self.code, self.stage))

    def payload(self) -> dict[str, Any]:
        """The alert as plain data without its customers; ``from_payload`` reads it back."""
        content = asdict(self)
        del content["customer"], content["quoted"]
        return {**content, "quotes": list(self.quotes)}

    @classmethod
    def from_payload(cls, content: Mapping[str, Any]) -> Alert:
        known = {field.name for field in fields(cls)}
        read = {name: value for name, value in content.items() if name in known}
        return cls(**{**read, "quotes": tuple(read.get("quotes", ()))})


def alert_id(*parts: str) -> str:
    """Twenty hexadecimal digits of the SHA-256 of the parts, which no length or order of parts can confuse."""
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:20]


def facts(alert: Alert) -> tuple[tuple[str, str], ...]:
    """The alert's circumstances, label and value, without the empty ones."""
    scored = "" if alert.score is None else f"{alert.score:g}"
    code = alert.code_name or alert.code
    told = (
        ("级别", SEVERITY_NAMES[alert.severity]),
        ("负责部门", alert.owner),
        ("码", f"{code}（{alert.code}）" if code and code != alert.code else code),
        ("旅程阶段", alert.stage_name or alert.stage),
        ("渠道", alert.channel),
        ("客群", alert.segment),
        ("评分", scored),
        ("时间", f"{alert.first} 至 {alert.at}" if alert.first else alert.at),
        ("反馈编号", alert.row),
        ("预警编号", alert.id),
    )
    return tuple((label, value) for label, value in told if value)


def title_of(severity: str, title: str, *, code: str, stage: str) -> str:
    """【紧急】产品安全投诉 · 安全 · 使用体验."""
    return " · ".join(filter(None, (f"【{SEVERITY_NAMES[severity]}】{title}", code, stage)))


def threshold_text(figure: str, value: float, limit: float, *, days: int, base: int, what: str, below: bool) -> str:
    """最近 7 天 NPS 为 -12.5，低于 0（依据 96 个评分）。"""
    counted = "个评分" if figure == NPS else "条评论"
    name = f"{what}{FIGURE_NAMES[figure]}"
    return f"最近 {days} 天{name}为 {_number(figure, value)}，{'低于' if below else '高于'} {_number(figure, limit)}（依据 {base} {counted}）。"


def spike_text(
    what: str, *, count: int, base: int, past: int, past_base: int, days: int, past_days: int, timed: bool
) -> str:
    """最近 1 天“安全”负面 12 条，占 240 条评论的 5.0%；此前 28 天 30 条，占 6,000 条的 0.5%。"""
    if timed:
        return f"最近 {days} 天{what} {count} 条；此前 {past_days} 天 {past} 条，日均 {past / past_days:.1f} 条。"
    return (
        f"最近 {days} 天{what} {count} 条，占 {base:,} 条评论的 {count / base:.1%}；"
        f"此前 {past_days} 天 {past} 条，占 {past_base:,} 条的 {past / past_base:.1%}。"
    )


def _number(figure: str, value: float) -> str:
    if figure == SHARE:
        return f"{value:.1%}"
    return f"{value:+.1f}" if figure in (NPS, NET) else f"{value:g}"
