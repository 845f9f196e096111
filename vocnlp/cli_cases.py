"""The commands of cases: what there is, who does it, and what came of it. Shells over plain functions."""

from __future__ import annotations

import getpass
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .cli_options import OUT, JsonOption, say

if TYPE_CHECKING:
    from .alert_outbox import Outbox
    from .cases import Case

STATE = Path("alerts.sqlite")
StateOption = Annotated[Path, typer.Option("--state", help="SQLite file of alerts and cases.")]
AlertId = Annotated[str, typer.Argument(help="The id that list shows, or its beginning.", metavar="ID")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; default: the user of this machine.")]
LaterOption = Annotated[Path | None, typer.Option("--data", help="Tagged file or store with later feedback.")]


def list_(state: StateOption = STATE, data: LaterOption = None, as_json: JsonOption = False) -> None:
    """All alerts with their cases, newest first."""
    from .alert_outbox import Outbox
    from .cases import cases
    from .cli_alert_tables import case_dict, print_list

    with Outbox.open(state, create=False) as outbox:
        found = {case.alert: case for case in cases(outbox)}
        later = _later(outbox, list(found.values()), data)
        rows = [case_dict(one, found[one.alert.id], later.get(one.alert.id)) for one in outbox.recorded()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print_list(OUT, rows)


def show(number: AlertId, state: StateOption = STATE, data: LaterOption = None, as_json: JsonOption = False) -> None:
    """One alert: what was found, where it was sent, what was done about it."""
    from .alert_outbox import Outbox
    from .cases import cases
    from .cli_alert_tables import case_dict, print_case

    with Outbox.open(state, create=False) as outbox:
        one = outbox.find(number)
        case = cases(outbox, one.alert.id)[0]
        row = case_dict(one, case, _later(outbox, [case], data).get(one.alert.id))
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False, indent=2))
    else:
        print_case(OUT, row, one.alert)


def _later(outbox: Outbox, found: list[Case], data: Path | None) -> dict[str, Any]:
    """How the customers of resolved cases scored later, in a file or a store."""
    if data is None:
        return {}
    from .cases import scores_after
    from .tagged_reading import read_rows
    from .tagger import Tagger

    rows, _ = read_rows(data, Tagger.load())
    return dict(scores_after(outbox, found, rows, zone=outbox.zone))


def assign(
    number: AlertId,
    to: Annotated[str, typer.Option("--to", help="The person or team.")],
    note: Annotated[str, typer.Option("--note", help="A sentence for the file.")] = "",
    by: ByOption = None,
    state: StateOption = STATE,
) -> None:
    """Give a case to somebody."""
    from . import cases
    from .alert_outbox import Outbox

    with Outbox.open(state, create=False) as outbox:
        _print_moved(cases.assign(outbox, _id(outbox, number), to=to, now=time.time(), by=_who(by), note=note))


def start(
    number: AlertId,
    note: Annotated[str, typer.Option("--note", help="A sentence for the file.")] = "",
    by: ByOption = None,
    state: StateOption = STATE,
) -> None:
    """Say that somebody works on a case."""
    from . import cases
    from .alert_outbox import Outbox

    with Outbox.open(state, create=False) as outbox:
        _print_moved(cases.start(outbox, _id(outbox, number), now=time.time(), by=_who(by), note=note))


def resolve(
    number: AlertId,
    note: Annotated[str, typer.Option("--note", help="What was done.")],
    by: ByOption = None,
    state: StateOption = STATE,
) -> None:
    """Close a case."""
    from . import cases
    from .alert_outbox import Outbox

    with Outbox.open(state, create=False) as outbox:
        _print_moved(cases.resolve(outbox, _id(outbox, number), note=note, now=time.time(), by=_who(by)))


def forget(
    customer: Annotated[str, typer.Option("--customer", help="The customer's id, as in the export.")],
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Erase what the alerts hold of a customer: alerts, cases, dead letters, quotes."""
    from .alert_erasure import forget as erase
    from .alert_outbox import Outbox
    from .alert_run import grave_of

    with Outbox.open(state, create=False) as outbox:
        done = erase(outbox, customer, letters=grave_of(state))
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    say(OUT, f"{done.alerts:,} alerts and their cases erased, {done.deliveries:,} deliveries of them")
    say(OUT, f"{done.letters:,} dead letters and {done.quotes:,} quotes in alerts on figures")
    say(OUT, "not reached:")
    for words in done.beyond:
        say(OUT, f"  {words}")


def _id(outbox: Outbox, number: str) -> str:
    return outbox.find(number).alert.id


def _who(by: str | None) -> str:
    try:
        return by or getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return ""


def _print_moved(case: Case) -> None:
    from .cases import STATE_NAMES

    say(OUT, f"{case.alert}: {case.state} {STATE_NAMES[case.state]} {escape(case.assignee)}".rstrip())
