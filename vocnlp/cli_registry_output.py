"""What the commands of the registry show: tables of bundles, comparisons, history, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from .cli_options import ERR, OUT, say

if TYPE_CHECKING:
    from .registry import Registry
    from .shadow import Shadow
    from .tagger import Tagger


def model_rows(registry: Registry) -> list[dict[str, Any]]:
    """A row for every bundle, and for every one that an alias means and that is not there, as ``models list`` tells them."""
    promoted = {row["to"]: row["at"] for row in registry.history() if row["alias"] == "champion"}
    aliases: dict[str, list[str]] = {}
    for name, standing in registry.state().aliases.items():
        aliases.setdefault(standing.label, []).append(name)
    return [
        {
            "label": kept.label, "aliases": aliases.get(kept.label, []), "kind": kept.kind, "codeframe": kept.codeframe,
            "figures": headline(kept.figures), "promoted": promoted.get(kept.label), "path": str(kept.path),
            "state": kept.state or "there", "problem": kept.problem,
        }
        for kept in registry.bundles()
    ]  # fmt: skip


def print_models(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a bundle; of one that is spoilt or missing that word stands for its kind."""
    table = Table(box=None)
    for head in (
        "bundle",
        "alias",
        "kind",
        "codeframe",
        "sentiment acc.",
        "codes micro-F1",
        "pairs micro-F1",
        "promoted (UTC)",
    ):
        table.add_column(head, justify="right" if "F1" in head or "acc" in head else "left", no_wrap=True)
    for row in rows:
        figures = ("-" if value is None else f"{value:.3f}" for value in row["figures"].values())
        when = (row["promoted"] or "-").partition("+")[0].replace("T", " ")
        table.add_row(
            escape(row["label"]),
            escape(", ".join(row["aliases"])) or "-",
            f"[red]{row['state']}[/]" if row["problem"] else escape(row["kind"]),
            escape(row["codeframe"]) or "-",
            *figures,
            when,
        )
    # As wide as its cells: a label that is cut to the window cannot be given to the next command.
    table.width = OUT.measure(table, options=OUT.options.update(max_width=10_000)).maximum
    OUT.print(table, soft_wrap=True)


def print_problems(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """What is wrong with bundles, and what to do: an alias, above all champion, has to mean a sound one."""
    for row in rows:
        if not row["problem"]:
            continue
        named = f" ({', '.join(row['aliases'])})" if row["aliases"] else ""
        say(ERR, f"[red]{row['state']}[/] {escape(row['label'] + named)}: {escape(row['problem'])}")
        first = "" if row["state"] == "missing" else "take its folder away, and "
        step = f"{first}add it again from where it came from: vocnlp models add BUNDLE --registry {folder}"
        if "champion" in row["aliases"]:
            step += f"; or make another champion: vocnlp models rollback --to LABEL --registry {folder}"
        say(ERR, f"  next step: {escape(step)}")


def headline(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """Three figures; of a bundle measured on several sets, the mean over the sets that can give each."""
    sets = [figures] if "codes" in figures or "sentiment" in figures else list(figures.values())
    found = {}
    for part, name in (("sentiment", "accuracy"), ("codes", "micro_f1"), ("pairs", "micro_f1")):
        values = [value for one in sets if (value := _figure(one, part, name)) is not None]
        found[f"{part}.{name}"] = sum(values) / len(values) if values else None
    return found


def _figure(figures: Any, part: str, name: str) -> float | None:
    """A figure of one set; None where it has none, or something else stands there."""
    told = figures.get(part) if isinstance(figures, Mapping) else None
    value = told.get(name) if isinstance(told, Mapping) else None
    return value if isinstance(value, int | float) else None


def print_comparison(compared: Any, critical: frozenset[str]) -> None:
    """Headline figures, and the codes that moved or are critical."""
    for name, one in compared.figures.items():
        bounds = f"difference {one.new - one.old:+.3f} ({one.low:+.3f} to {one.high:+.3f}), n = {one.support:,}"
        say(OUT, f"  {name:<20} {one.old:.3f} -> {one.new:.3f}  {bounds}")
    for code, one in compared.per_code.items():
        if code in critical or one.verdict in ("better", "worse"):
            mark = " (critical)" if code in critical else ""
            before, after = ("-" if f1 is None else f"{f1:.3f}" for f1 in (one.old, one.new))
            say(OUT, f"  {escape(code)}{mark}: {before} -> {after} {one.verdict}, n = {one.support:,}")
    if compared.only_old:
        say(OUT, f"  not in the new bundle: {escape(', '.join(compared.only_old))}")
    slow, fast = compared.comments_per_second
    say(OUT, f"  comments a second of processor time {slow:,.0f} -> {fast:,.0f}")


def print_history(told: Sequence[Mapping[str, Any]]) -> None:
    """One line a change, and what the gate objected to."""
    for row in told:
        forced = " [yellow]forced[/]" if row.get("forced") else ""
        turn = f"{row['from']} -> {row['to']}" if row["from"] else row["to"]
        head = f"{row['at'].partition('+')[0].replace('T', ' ')}  {row['who']}  {row['what']} {row['alias'] or ''}"
        say(
            OUT,
            f"{escape(head.rstrip())}  {escape(turn)}{forced}"
            + (f"  “{escape(row['reason'])}”" if row["reason"] else ""),
        )
        for one in (row.get("comparison") or {}).get("objections", ()):
            say(OUT, f"    [yellow]objection:[/] {escape(one['told'])}")


def print_shadow(found: Shadow, new: Tagger, out: Path) -> None:
    """What would change with the challenger, the codes that moved most."""
    from .shadow import name_in

    read = max(1, found.read)
    say(OUT, f"{found.rows:,} comments, {found.read:,} read: {escape(found.old)} and {escape(found.new)}")
    say(
        OUT,
        f"  other sentiment: {found.other_sentiment:,} ({found.other_sentiment / read:.1%}); any change: {found.changed:,} ({found.changed / read:.1%})",
    )
    bare = found.untagged
    say(
        OUT,
        f"  without a code: {bare.old / read:.1%} -> {bare.new / read:.1%}; mean confidence {' -> '.join(f'{m:.3f}' for m in found.mean_confidence)}",
    )
    moved = [(code, one) for code, one in found.codes.items() if one.moved]
    for code, one in moved[:8]:
        low, high = one.bounds
        say(
            OUT,
            f"  {escape(name_in(new.codeframe, code))}: {one.old / read:.1%} -> {one.new / read:.1%} ({low:+.1%} to {high:+.1%})",
        )
    if len(moved) > 8:
        say(OUT, f"  and {len(moved) - 8} more codes")
    say(OUT, f"shadow: {escape(str(out))}, {escape(out.with_suffix('.json').name)}")
