"""Threshold and spike rules judged on a tagged table: a pure function of the rows, the rules and the time.

A window is whole days of the data's clock, today in it as far as it has come. Rows without a time stand in no window.
Who is counted where is decided in ``folding``, as for every other figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from .alert_comments import local, owner_of, tagged_with
from .alert_rules import COUNT, NET, NPS, TIME, Rules, SpikeRule, ThresholdRule
from .alert_words import SIDE_NAMES, Alert, alert_id, spike_text, threshold_text, title_of
from .codeframe import Codeframe
from .counts import MENTION, Folded, folded
from .figures import SMALL, Nps
from .folding import COLUMNS, Rows
from .privacy import mask
from .records import NEGATIVE, POSITIVE
from .significance import adjusted
from .trends import within

_QUOTES = 3
_LOOKED_AT = 200  # the latest comments of a code that its quotes are taken from


@dataclass(frozen=True, slots=True)
class Quiet:
    """A rule that could not be judged, and why: too few answers are no all-clear."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class _Window:
    """The rows of some days; rules with equal windows share one fold."""

    days: int
    channels: frozenset[str]
    segments: frozenset[str]


def surge(count: int, base: float, *, past: int, past_base: float) -> float:
    """The chance of ``count`` or more mentions, had the rate stayed what it was.

    Given the sum of two Poisson counts, the later one is binomial with the later share of the exposure as its chance
    (Przyborowski and Wilenski 1940, Biometrika 31): P(X >= count), X ~ Bin(count + past, base / (base + past_base)).
    Exact at any size, and it allows for the past being a sample, too. Mentions are taken as independent: a burst over
    one event makes it too sure, which is what an alert is for.
    """
    return float(stats.binom.sf(count - 1, count + past, base / (base + past_base)))


def of_figures(rows: Rows, rules: Rules, frame: Codeframe, now: datetime) -> tuple[list[Alert], list[Quiet]]:
    """The alerts of all threshold and spike rules, and the rules that had too little to be judged on.

    ``now`` is naive, of the clock that the data's times were read from; later rows are not looked at.
    """
    wanted: dict[_Window, list[ThresholdRule | SpikeRule]] = {}
    for rule in rules.rules:
        if isinstance(rule, ThresholdRule | SpikeRule):
            days = rule.days + (rule.past_days if isinstance(rule, SpikeRule) else 0)
            wanted.setdefault(_Window(days, rule.channels, rule.segments), []).append(rule)
    alerts: list[Alert] = []
    quiet: list[Quiet] = []
    for window, asking in wanted.items():
        table = _table(rows, window, now)
        with folded(table, frame, rules.journey) as counted:
            judge = _Judge(table, counted, rules, frame, now.date())
            for one in asking:
                found = judge.threshold(one) if isinstance(one, ThresholdRule) else judge.spikes(one)
                if isinstance(found, Quiet):
                    quiet.append(found)
                else:
                    alerts += found
    return alerts, quiet


def _table(rows: Rows, window: _Window, now: datetime) -> pa.Table:
    """The rows of a window, with naive times."""
    names = [name for name in (*COLUMNS, "customer", "text") if name in rows.schema.names]
    table = rows.select(names) if isinstance(rows, pa.Table) else rows.to_table(columns=names)
    if "at" not in names:
        table = table.append_column("at", pa.nulls(table.num_rows, pa.timestamp("us")))
    at = pa.chunked_array([local(chunk) for chunk in table.column("at").chunks], pa.timestamp("us"))
    table = table.set_column(table.schema.get_field_index("at"), "at", at)
    first = datetime.combine(now.date() - timedelta(days=window.days - 1), time())
    kept = pc.and_(pc.greater_equal(at, pa.scalar(first, at.type)), pc.less_equal(at, pa.scalar(now, at.type)))
    for name, words in (("channel", window.channels), ("segment", window.segments)):
        if words:
            column = table.column(name) if name in names else pa.nulls(table.num_rows, pa.string())
            told = pc.utf8_trim_whitespace(column.cast(pa.string()))
            kept = pc.and_(kept, pc.is_in(told, pa.array(sorted(words), pa.string())))
    return table.filter(pc.fill_null(kept, False))


@dataclass(frozen=True, slots=True)
class _Judge:
    """One window, folded, and what its alerts are made with."""

    table: pa.Table
    counted: Folded
    rules: Rules
    frame: Codeframe
    today: date

    def threshold(self, rule: ThresholdRule) -> list[Alert] | Quiet:
        value, base = self._figure(rule)
        if value is None or base < rule.at_least:
            return Quiet(rule.id, f"only {base} to go by, {max(rule.at_least, 1)} are needed")
        limit, below = (rule.below, True) if rule.below is not None else (rule.above or 0.0, False)
        if limit is None or not (value < limit if below else value > limit):
            return []
        what = self._name(rule.code, "" if rule.figure == NET else rule.side) if rule.code else ""
        place = self.counted.stage_name(rule.stage or "")
        told = threshold_text(
            rule.figure, value, limit, days=rule.days, base=base, what="".join((place, what)), below=below
        )
        figures = {"value": value, "limit": limit, "base": float(base)}
        return [self._alert(rule, rule.code or "", text=told, figures=figures, stage=rule.stage or "")]

    def _figure(self, rule: ThresholdRule) -> tuple[float | None, int]:
        """The figure, and how many answers, mentions or comments it rests on."""
        rows, stage = self.counted, rule.stage
        if rule.figure == NPS:
            _, _, *classes = self._group(rows.answers(["stage"] if stage else ()), stage) or (0, 0)
            nps = Nps(*classes)
            return nps.nps, nps.n
        if rule.code is None:
            moods = self._group(rows.sentiments(["stage"] if stage else ()), stage)
            _, positive, neutral, negative = moods or (0, 0, 0, 0)
            base = positive + neutral + negative
            return (100 * (positive - negative) / base if base else None), base
        if rule.figure == NET:
            base = self._count(rule.code, MENTION, stage)
            gap = self._count(rule.code, POSITIVE, stage) - self._count(rule.code, NEGATIVE, stage)
            return (100 * gap / base if base else None), base
        count = self._count(rule.code, rule.side, stage)
        comments = (
            sum(rows.daily("code")[1].get("", {}).values()) if stage is None else rows.sizes("stage").get(stage, 0)
        )
        if rule.figure == COUNT:
            return float(count), comments
        return (count / comments if comments else None), comments

    def _count(self, code: str, side: str, stage: str | None) -> int:
        if stage is not None:
            return self.counted.mentions("stage", side).get((stage, code), 0)
        return sum(self.counted.daily("code", side)[0].get(code, {}).values())

    def spikes(self, rule: SpikeRule) -> list[Alert] | Quiet:
        counts, bases = self.counted.daily("code", rule.side)
        comments = bases.get("", {})
        last, first = self.today, self.today - timedelta(days=rule.days - 1)
        before, start = first - timedelta(days=1), first - timedelta(days=rule.past_days)
        base, past_base = within(comments, first, last), within(comments, start, before)
        if not base or past_base < SMALL:
            return Quiet(rule.id, f"{base} comments now and {past_base} in the past, {SMALL} of the past are needed")
        known = max(start, min(comments))  # where the data begin later than the window, the past is shorter
        exposure = (rule.days, (first - known).days) if rule.against == TIME else (base, past_base)
        codes = list(rule.codes or self.counted.known())
        pairs = [(within(counts.get(c, {}), first, last), within(counts.get(c, {}), start, before)) for c in codes]
        chances = [
            surge(now, exposure[0], past=then, past_base=exposure[1]) if now + then else None for now, then in pairs
        ]
        alerts = []
        for code, (now, then), chance in zip(codes, pairs, adjusted(chances), strict=True):
            often = now / exposure[0] >= rule.times * then / exposure[1]
            if chance is None or chance >= rule.alpha or now < rule.at_least or not often:
                continue
            size: dict[str, int] = {"count": now, "base": base, "past": then, "past_base": past_base}
            name = self._name(code, rule.side)
            told = spike_text(name, days=rule.days, past_days=(first - known).days, timed=rule.against == TIME, **size)
            figures = {**{name: float(value) for name, value in size.items()}, "p": chance}
            alerts.append(self._alert(rule, code, text=told, figures=figures))
        return alerts

    def _name(self, code: str, side: str) -> str:
        name = self.counted.code_name(code)
        return f"“{name}”{SIDE_NAMES[side]}" if side else f"“{name}”"

    def _alert(
        self, rule: ThresholdRule | SpikeRule, code: str, *, text: str, figures: Mapping[str, float], stage: str = ""
    ) -> Alert:
        first, last = self.today - timedelta(days=rule.days - 1), self.today
        place = self.counted.stage_name(stage)
        name = self.counted.code_name(code) if code else ""
        quotes = self._quotes(code, rule.side, first) if code else {}
        return Alert(
            id=alert_id(rule.id, "window", code, stage, f"{first}", f"{last}"),
            rule=rule.id,
            kind=rule.kind,
            severity=rule.severity,
            title=title_of(rule.severity, rule.title, code=name, stage=place),
            text=text,
            owner=rule.owner or owner_of(self.frame, code) or self.rules.owner,
            code=code,
            code_name=name,
            stage=stage,
            stage_name=place,
            quotes=tuple(quotes),
            quoted=tuple(quotes.values()),
            at=f"{last}",
            first=f"{first}",
            figures=figures,
            dedupe_hours=rule.dedupe_hours,
        )

    def _quotes(self, code: str, side: str, first: date) -> dict[str, str]:
        """What the latest comments say of the code, masked, each once, and whose words they are."""
        below = {one.id for one in self.frame.codes if code in {up.id for up in self.frame.path(one.id)}} or {code}
        at, tags = self.table.column("at"), self.table.column("voc_tags").combine_chunks()
        recent = pc.greater_equal(at, pa.scalar(datetime.combine(first, time()), at.type)).combine_chunks()
        kept = self.table.filter(pc.and_(recent, pa.array(tagged_with(tags, below))))
        names = [name for name in ("voc_tags", "customer") if name in kept.schema.names]
        latest = kept.sort_by([("at", "descending")]).select(names).slice(0, _LOOKED_AT).to_pylist()
        said: dict[str, str] = {}
        for row in latest:
            for tag in row["voc_tags"]:
                quote = mask(tag["quote"].strip())
                if quote and tag["code"] in below and side in (MENTION, tag["polarity"]):
                    said.setdefault(quote, (row.get("customer") or "").strip())
        return dict(list(said.items())[:_QUOTES])

    @staticmethod
    def _group(rows: list[tuple[Any, ...]], stage: str | None) -> tuple[Any, ...]:
        """The counts of this stage, or those over all; () where nobody stands in the stage."""
        return next((row[1:] if stage else row for row in rows if not stage or row[0] == stage), ())
