"""The commands of alerts and their cases: shells over plain functions. Addresses and keys are read from the environment here."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .cli_cases import STATE, StateOption, assign, forget, list_, resolve, show, start
from .cli_options import (
    ERR,
    OUT,
    AtOption,
    BundleOption,
    CesOption,
    ChannelOption,
    CsatOption,
    CustomerOption,
    FrameOption,
    IdOption,
    JsonOption,
    ScoreOption,
    SegmentOption,
    SheetOption,
    StageOption,
    TextOption,
    named_columns,
    say,
)
from .errors import InputError, VocnlpError

if TYPE_CHECKING:
    from .alert_outbox import Outbox
    from .alert_rules import Rules
    from .batch import Options
    from .folding import Rows
    from .tagger import Tagger
    from .webhooks import Target

_LONGEST = 60.0  # seconds until data that could not be read are read again

alerts_app = typer.Typer(help="Watch tagged feedback by rules, send alerts, follow their cases.", no_args_is_help=True)
alerts_app.command("list")(list_)
for _command in (show, assign, start, resolve, forget):
    alerts_app.command()(_command)


@dataclass(frozen=True)
class _Watch:
    """What every round of a run needs."""

    data: Path
    options: Options
    rules: Rules
    tagger: Tagger
    as_of: datetime | None

    @property
    def now(self) -> datetime:
        return self.as_of or datetime.now(UTC)

    def rows(self) -> Rows:
        from .tagged_reading import read_rows

        return read_rows(self.data, self.tagger, self.options)[0]


@alerts_app.command("run")
def run(
    rules: Annotated[Path, typer.Option("--rules", help="YAML file of rules.")],
    data: Annotated[Path, typer.Option("--data", help="Tagged file, raw export or store.")],
    state: StateOption = STATE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; record and send nothing.")
    ] = False,
    watch: Annotated[float | None, typer.Option(min=0.05, help="Go on: look again every so many seconds.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for retries before the run ends.")] = 60.0,
    as_of: Annotated[str | None, typer.Option("--now", help="Take this as the present, as 2026-06-30T18:00.")] = None,
    text: TextOption = None,
    score_column: ScoreOption = None,
    stage: StageOption = None,
    channel: ChannelOption = None,
    segment: SegmentOption = None,
    customer: CustomerOption = None,
    at: AtOption = None,
    row_id: IdOption = None,
    csat: CsatOption = None,
    ces: CesOption = None,
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide by the rules, record the alerts and open their cases, then send what is due; exit code 1 when a delivery was
    given up."""
    from .alert_outbox import Outbox
    from .alert_reading import read_rules
    from .batch import Options
    from .cli_alert_tables import stranded
    from .tagger import Tagger
    from .webhooks import targets

    read = read_rules(rules, (tagger := Tagger.load(bundle, codeframe=codeframe)).codeframe)
    named = named_columns(text, score_column, stage, channel, segment, customer, at, row_id, csat, ces)
    round_ = _Watch(data, Options(named=named, sheet=sheet), read, tagger, _moment(as_of, read))
    if dry_run:
        _print_dry(round_, as_json)
        return
    to = targets(read, os.environ)
    with Outbox.open(state) as outbox:
        if watch is None:
            told = _decide(round_, outbox) | _send(round_, outbox, to, wait)
            _print_run(told, as_json)
            if words := stranded(told["unknown"]):
                say(ERR, f"[yellow]{escape(words)}[/]")
            if told["dead"]:
                raise typer.Exit(1)
        else:
            _keep_watching(round_, outbox, to, every=watch, as_json=as_json)


def _moment(text: str | None, rules: Rules) -> datetime | None:
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("no time", column="--now", value=text, hint="write it as 2026-06-30T18:00") from None
    return given if given.tzinfo else given.replace(tzinfo=rules.zone)


def _decide(round_: _Watch, outbox: Outbox) -> dict[str, Any]:
    from .alert_run import note
    from .alerts import decide

    decided = decide(round_.rows(), round_.rules, round_.tagger.codeframe, now=round_.now)
    noted = note(decided, round_.rules, outbox, now=datetime.now(UTC))
    counts = {"new": len(noted.new), "known": noted.known, "repeats": noted.repeats, "unrouted": noted.unrouted}
    return {**counts, "quiet": [asdict(quiet) for quiet in decided.quiet]}


def _send(round_: _Watch, outbox: Outbox, to: tuple[Target, ...], wait: float) -> dict[str, Any]:
    from .alert_run import burial, grave_of
    from .webhooks import deliver

    done = deliver(outbox, to, round_.rules.delivery, patience=wait, bury=burial(grave_of(outbox.path)))
    waiting = outbox.waiting()
    known = {target.webhook.id for target in to}
    lost = {hook: count for hook, count in waiting.items() if hook not in known}
    counts = {"sent": done.sent, "failed": done.failed, "dead": len(done.dead)}
    return {**counts, "waiting": sum(waiting.values()), "unknown": lost}


def _keep_watching(round_: _Watch, outbox: Outbox, to: tuple[Target, ...], *, every: float, as_json: bool) -> None:
    """Look at the data when they changed, and once an hour because windows move; send what is due at every look.

    What goes wrong is told once, and the watch goes on: a file may be half written, a disk full for a while. What could
    not be looked at is looked at again, after waits that grow, whether or not the data change meanwhile.
    """
    from .alert_run import mark_of
    from .cli_alert_tables import stranded

    seen: Any = None
    failures, resting = 0, 0.0
    shown: dict[str, str] = {}

    def tell(part: str, words: str) -> None:
        if words and shown.get(part) != words:
            say(ERR, f"[yellow]{escape(words)}[/]")
        shown[part] = words

    while True:
        told: dict[str, Any] = {}
        if time.monotonic() >= resting:
            try:
                mark = (mark_of(round_.data), round_.now.replace(minute=0, second=0, microsecond=0))
                told = _decide(round_, outbox) if mark != seen else {}
                seen, failures = mark, 0
                tell("data", "")
            except VocnlpError as error:
                failures += 1
                resting = time.monotonic() + min(every * 2 ** min(failures, 9), max(every, _LONGEST))
                tell("data", str(error))
        try:
            told |= _send(round_, outbox, to, 0.0)
            tell("sending", stranded(told["unknown"]))
        except VocnlpError as error:
            tell("sending", str(error))
        if any(told.get(name) for name in ("new", "repeats", "sent", "failed", "dead")):
            _print_run(told, as_json)
        time.sleep(every)


@alerts_app.command("check")
def check(rules: Annotated[Path, typer.Argument(help="YAML file of rules.")], codeframe: FrameOption = None) -> None:
    """Check a file of rules; exit code 2 with file, line, rule and value if one is wrong."""
    from .alert_reading import read_rules
    from .codeframe import Codeframe

    frame = Codeframe.load(codeframe or Path(__file__).parent / "frames" / "voc-zh-general.yaml")
    read = read_rules(rules, frame)
    say(
        OUT,
        f"{escape(read.name)}: {len(read.rules)} rules, {len(read.webhooks)} webhooks, on {frame.name} {frame.version}",
    )
    for hook in read.webhooks:
        for name in filter(None, (hook.url_env, hook.secret_env, hook.ca_env)):
            if not os.environ.get(name):
                say(ERR, f"[yellow]webhook {escape(hook.id)}: {name} is not set in this environment[/]")


@alerts_app.command("retry")
def retry(
    number: Annotated[str | None, typer.Argument(help="One alert; default: every dead letter.", metavar="ID")] = None,
    state: StateOption = STATE,
) -> None:
    """Let dead letters be sent again by the next run."""
    from .alert_outbox import Outbox

    with Outbox.open(state, create=False) as outbox:
        count = outbox.retry(now=time.time(), number=outbox.find(number).alert.id if number else None)
    say(OUT, f"{count} deliveries wait again; vocnlp alerts run sends them")


@alerts_app.command("drop")
def drop(
    webhook: Annotated[str, typer.Argument(help="Id of a webhook, as alerts list shows it.", metavar="WEBHOOK")],
    state: StateOption = STATE,
) -> None:
    """Give up what waits for a webhook that is gone; the alerts and their cases stay."""
    from .alert_outbox import Outbox

    with Outbox.open(state, create=False) as outbox:
        waiting = outbox.waiting()
        if webhook not in waiting:
            hint = f"deliveries wait for: {', '.join(waiting) or 'none'}"
            raise InputError("nothing waits for this webhook", path=state, value=webhook, hint=hint)
        count = outbox.drop(webhook, now=time.time())
    say(OUT, f"{count} deliveries to {escape(webhook)} given up; vocnlp alerts retry lets them wait again")


def _print_dry(round_: _Watch, as_json: bool) -> None:
    from .alerts import decide
    from .cli_alert_tables import print_alert

    decided = decide(round_.rows(), round_.rules, round_.tagger.codeframe, now=round_.now)
    if as_json:
        quiet = [asdict(quiet) for quiet in decided.quiet]
        told = {"alerts": [alert.payload() for alert in decided.alerts], "quiet": quiet}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for alert in decided.alerts:
        hooks = round_.rules.webhooks_of(alert.rule, owner=alert.owner, severity=alert.severity)
        print_alert(OUT, alert, hooks)
    for each in decided.quiet:
        say(OUT, f"[dim]{escape(each.rule)}: not judged, {each.why}[/]")
    say(OUT, f"{len(decided.alerts)} alerts; nothing recorded, nothing sent")


def _print_run(told: dict[str, Any], as_json: bool) -> None:
    from .cli_alert_tables import print_run

    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        print_run(OUT, told)
