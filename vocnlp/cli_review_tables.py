"""Agreement and quality as tables on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .cli_options import say
from .review_agreement import Agreement, Pair
from .review_quality import Estimate, Quality


def print_agreement(out: Console, err: Console, found: Agreement) -> None:
    """One row a code: alpha over all coders, kappa of each pair, kappa of each coder with the model."""
    for warning in found.warnings:
        say(err, f"[yellow]warning:[/] {escape(warning)}")
    table = Table(box=None, caption="* too few to trust", caption_justify="left")
    table.add_column("code")
    table.add_column("comments", justify="right")
    table.add_column("given", justify="right")
    table.add_column("alpha", justify="right")
    columns = list(dict.fromkeys((pair.first, pair.second) for pair in (*found.pairs, *found.with_model)))
    for first, second in columns:
        table.add_column(escape(f"{first} / {second}"), justify="right")
    by_code = {(pair.first, pair.second, pair.code): pair for pair in (*found.pairs, *found.with_model)}
    for alpha in found.alphas:
        if not alpha.given and alpha.code and not any(by_code[(*c, alpha.code)].given for c in columns):
            continue
        kappas = [_kappa(by_code.get((*column, alpha.code))) for column in columns]
        name = alpha.code or "all codes"
        table.add_row(escape(name), str(alpha.n), str(alpha.given), _number(alpha.alpha, few=alpha.few), *kappas)
    out.print(table)
    if found.polarity is not None:
        say(out, f"polarity of codes that several coders gave: alpha {found.polarity:.2f}")


def print_quality(out: Console, err: Console, found: Quality) -> None:
    """The headline figures, then one row a code."""
    for warning in found.warnings:
        say(err, f"[yellow]warning:[/] {escape(warning)}")
    say(out, f"{escape(found.bundle)}: {found.drawn} of {found.reviewed} reviewed rows were drawn by chance")
    say(out, f"they stand for {found.comments:,} different comments")
    table = Table(box=None)
    for name in ("", "F1", "95 %", "precision", "recall", "rows"):
        table.add_column(name, justify="left" if not name else "right")
    heads = (("codes, micro", found.codes), ("pairs, micro", found.pairs), ("codes, by frequency", found.weighted))
    for name, one in (*heads, *found.per_code.items()):
        table.add_row(escape(name), *_cells(one))
    out.print(table)


def _cells(one: Estimate) -> list[str]:
    if one.f1 is None:
        return ["too few", "", "", "", str(one.cases)]
    between = "" if one.low is None or one.high is None else f"{one.low:.2f}-{one.high:.2f}"
    return [f"{one.f1:.3f}", between, _number(one.precision), _number(one.recall), str(one.cases)]


def _kappa(pair: Pair | None) -> str:
    return "" if pair is None else _number(pair.kappa, few=pair.few)


def _number(value: float | None, *, few: bool = False) -> str:
    return "-" if value is None else f"{value:.2f}" + ("*" if few else "")
