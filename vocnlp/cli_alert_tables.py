"""What the commands of alerts show: a run's counts, a list of cases, one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .alert_outbox import Recorded
from .alert_words import Alert, facts
from .cases import STATE_NAMES, Case, ScoreAfter
from .cli_options import say

_STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def case_dict(one: Recorded, case: Case, later: ScoreAfter | None) -> dict[str, Any]:
    """An alert and its case as plain data; times are ISO 8601 with the zone of this machine."""
    steps = [{"at": _iso(step.at), "state": step.state, "who": step.who, "note": step.note} for step in case.steps]
    sendings = [
        {"webhook": sending.hook, "state": sending.state, "attempts": sending.attempts, "error": sending.error}
        for sending in one.sendings
    ]
    return {
        **one.alert.payload(),
        "opened": _iso(case.opened),
        "state": case.state,
        "assignee": case.assignee,
        "repeats": one.repeats,
        "seconds_to_respond": case.time_to_respond,
        "seconds_to_resolve": case.time_to_resolve,
        "score_after": None if later is None else later.score,
        "score_after_at": None if later is None else later.at.isoformat(sep=" "),
        "deliveries": sendings,
        "steps": steps,
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")


def print_list(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(box=None)
    for head in ("id", "opened", "state", "owner", "title", "again", "delivery", "respond", "resolve", "score"):
        table.add_column(head, justify="right" if head in ("again", "respond", "resolve") else "left", overflow="fold")
    for row in rows:
        sent = " ".join(f"{each['webhook']}:{each['state']}" for each in row["deliveries"]) or "-"
        who = row["assignee"] or row["owner"] or "-"
        table.add_row(
            row["id"],
            row["opened"][:16].replace("T", " "),
            STATE_NAMES[row["state"]],
            escape(who),
            f"[{_STYLE[row['severity']]}]{escape(row['title'])}[/]",
            str(row["repeats"] or "-"),
            escape(sent),
            spell(row["seconds_to_respond"]),
            spell(row["seconds_to_resolve"]),
            _scores(row),
        )
    if rows:
        console.print(table)
    else:
        say(console, "no alerts")


def _scores(row: Mapping[str, Any]) -> str:
    before, after = row["score"], row["score_after"]
    if after is None:
        return "-" if before is None else f"{before:g}"
    return f"{'?' if before is None else f'{before:g}'} → {after:g}"


def spell(seconds: float | None) -> str:
    """90 -> 1.5 min; None -> -."""
    if seconds is None:
        return "-"
    size, unit = next((step for step in _STEPS if seconds >= step[0]), _STEPS[-1])
    return f"{seconds / size:.1f} {unit}"


def print_case(console: Console, row: Mapping[str, Any], alert: Alert) -> None:
    print_alert(console, alert, [each["webhook"] for each in row["deliveries"]])
    for each in row["deliveries"]:
        error = f"  [yellow]{escape(each['error'])}[/]" if each["error"] else ""
        say(console, f"  -> {escape(each['webhook'])}: {each['state']}, {each['attempts']} attempts{error}")
    for step in row["steps"]:
        told = " ".join(filter(None, (STATE_NAMES[step["state"]], step["who"], step["note"])))
        say(console, f"  {step['at'][:19].replace('T', ' ')}  {escape(told)}")
    times = f"respond {spell(row['seconds_to_respond'])}, resolve {spell(row['seconds_to_resolve'])}"
    say(console, f"  {times}, score {_scores(row)}, found again {row['repeats']} times")


def print_alert(console: Console, alert: Alert, hooks: Sequence[str]) -> None:
    say(console, f"[{_STYLE[alert.severity]}]{escape(alert.title)}[/] [dim]{alert.id}[/]")
    say(console, f"  {escape(alert.text)}")
    for quote in alert.quotes:
        say(console, f"  «{escape(quote)}»")
    skipped = ("级别", "预警编号")
    told = "  ".join(f"{label} {value}" for label, value in facts(alert) if label not in skipped)
    say(console, f"  [dim]{escape(told)}  -> {escape(', '.join(hooks) or 'no webhook takes it')}[/]")


def print_run(console: Console, told: Mapping[str, Any]) -> None:
    """What one look or one run did."""
    if "new" in told:
        again = f", {told['repeats']} counted onto open alerts" if told["repeats"] else ""
        say(console, f"{told['new']} new alerts{again}, {told['known']} known")
        if told["unrouted"]:
            say(console, f"[yellow]{told['unrouted']} of them go to no webhook; their cases are open[/]")
        for each in told["quiet"]:
            say(console, f"[dim]{escape(each['rule'])}: not judged, {each['why']}[/]")
    if "sent" not in told:  # it could not be tried
        return
    tried = f", {told['failed']} attempts failed" if told["failed"] else ""
    say(console, f"{told['sent']} sent{tried}, {told['waiting']} waiting")
    if told["dead"]:
        say(console, f"[red]{told['dead']} given up; see the file of dead letters, and vocnlp alerts retry[/]")


def stranded(waiting: Mapping[str, int]) -> str:
    """Deliveries, by webhook, that wait for one that the rules do not have; "" for none."""
    if not waiting:
        return ""
    each = ", ".join(f"{hook} ({count})" for hook, count in waiting.items())
    told = f"deliveries wait for webhooks that the rules do not name: {each}"
    return f"{told}; next step: put them back into the rules, or give them up with vocnlp alerts drop WEBHOOK"
