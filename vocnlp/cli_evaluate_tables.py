"""What ``vocnlp evaluate`` and ``vocnlp compare`` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .cli_options import say

if TYPE_CHECKING:
    from .training.comparison import CodeDifference, Comparison

_HEADLINE = (
    ("sentiment accuracy", "sentiment", "accuracy"),
    ("sentiment macro-F1", "sentiment", "macro_f1"),
    ("codes micro-F1", "codes", "micro_f1"),
    ("codes macro-F1", "codes", "macro_f1"),
    ("pairs micro-F1", "pairs", "micro_f1"),
    ("pairs macro-F1", "pairs", "macro_f1"),
    ("evidence overlap", "evidence", "overlap"),
)
_VERDICT = {"better": "[green]better[/]", "worse": "[red]worse[/]", "same": "same", "few": "[dim]few[/]"}
_ORDER = ("worse", "better", "same", "few")


def print_examined(console: Console, figures: Mapping[str, Any], *, errors: int) -> None:
    """The figures of one bundle: headline, per code, calibration, confusion; the first ``errors`` errors of each kind."""
    head = Table(box=None)
    for name in ("figure", "value", "95 %", "labels"):
        head.add_column(name, justify="left" if name == "figure" else "right")
    for label, part, name in _HEADLINE:
        one = figures[part]
        head.add_row(label, _ratio(one[name]), _span(one.get("interval", {}).get(name)), f"{one['support']:,}")
    console.print(head)
    if figures["per_code"]:
        console.print(_codes(figures["per_code"]))
    for name, one in figures["calibration"].items():
        if isinstance(one, Mapping):
            say(console, f"calibration of {name}: ECE {one['ece']:.3f}, Brier {one['brier']:.3f} ({one['support']:,})")
    for pair in figures["confusion"]["pairs"][:10]:
        share = f"{pair['texts']:,} texts, {100 * pair['share']:.0f} % of its misses"
        say(console, f"missed {escape(pair['gold'])}, said {escape(pair['said'])}: {share}")
    for kind, cases in figures["errors"].items():
        for case in cases[:errors]:
            _print_error(console, kind, case)
    say(console, f"{figures['rows']:,} comments, {figures['comments_per_second'] or 0:,.0f} a second")
    _say_left_out(console, figures["without_text"])


def _say_left_out(console: Console, rows: int) -> None:
    if rows:
        say(console, f"{rows:,} row(s) without a text left out")


def _codes(per_code: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None)
    for name in ("code", "labels", "precision", "recall", "F1", "95 %", "pairs F1"):
        table.add_column(name, justify="left" if name == "code" else "right")
    for code, one in per_code.items():
        span = _span((one.get("interval") or {}).get("f1"))
        ratios = (_ratio(one[name]) for name in ("precision", "recall", "f1"))
        table.add_row(escape(code), f"{one['support']:,}", *ratios, span, _ratio(one["pairs_f1"]))
    return table


def _print_error(console: Console, kind: str, case: Mapping[str, Any]) -> None:
    code = " ".join(str(case[key]) for key in ("code", "polarity") if key in case)
    sure = "-" if case["confidence"] is None else f"{case['confidence']:.3f}"
    gold = ", ".join(f"{tag['code']} {tag['polarity'] or '?'}" for tag in case["gold"]["tags"]) or "no code"
    mood = case["gold"].get("sentiment")
    told = f"{kind:<9} {sure} {code or case['said'].get('sentiment', '')}  ({case['data']} {case['id']}; gold: {gold}"
    say(console, escape(told + (f", {mood})" if mood else ")")))
    say(console, f"          {escape(' '.join(case['text'].split()))}")


def print_comparison(console: Console, found: Comparison) -> None:
    """Two bundles side by side: headline differences, codes by verdict, and how many answers changed."""
    say(console, f"old {escape(found.old)}\nnew {escape(found.new)}")
    head = Table(box=None)
    for name in ("figure", "old", "new", "difference", "95 %", "labels"):
        head.add_column(name, justify="left" if name == "figure" else "right")
    for label, one in found.figures.items():
        gap = f"{one.new - one.old:+.3f}"
        head.add_row(
            label, _ratio(one.old), _ratio(one.new), gap, f"{one.low:+.3f} {one.high:+.3f}", f"{one.support:,}"
        )
    console.print(head)
    if found.per_code:
        console.print(_differences(found))
    for name, codes in (("old", found.only_old), ("new", found.only_new)):
        if codes:
            say(console, f"only in the {name} codeframe, not compared: {escape(', '.join(codes))}")
    count = Counter(each.verdict for each in found.changed)
    told = f"{count['better']:,} better, {count['worse']:,} worse, {count['other']:,} neither"
    say(console, f"{len(found.changed):,} of {found.rows:,} comments answered differently: {told}")
    slow, fast = found.comments_per_second
    say(console, f"comments a second of processor time: old {slow:,.0f}, new {fast:,.0f}")
    _say_left_out(console, found.without_text)


def _differences(found: Comparison) -> Table:
    table = Table(box=None)
    for name in ("code", "labels", "old F1", "new F1", "difference", "95 %", "p", "verdict"):
        table.add_column(name, justify="left" if name in ("code", "verdict") else "right")

    def rank(one: CodeDifference) -> tuple[int, float]:
        return _ORDER.index(one.verdict), 0.0 if one.old is None or one.new is None else one.new - one.old

    for one in sorted(found.per_code.values(), key=rank):
        gap = "-" if one.old is None or one.new is None else f"{one.new - one.old:+.3f}"
        span = "-" if one.low is None or one.high is None else f"{one.low:+.3f} {one.high:+.3f}"
        p = "-" if one.p is None else "<0.001" if one.p < 0.001 else f"{one.p:.3f}"
        ratios = _ratio(one.old), _ratio(one.new)
        table.add_row(escape(one.code), f"{one.support:,}", *ratios, gap, span, p, _VERDICT[one.verdict])
    return table


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _span(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.3f} {interval[1]:.3f}"
