"""The commands of codeframes: shells over plain functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .cli_given import given
from .cli_options import ERR, OUT, JsonOption, say
from .cli_store import SettingOption, open_store
from .errors import InputError

if TYPE_CHECKING:
    from .migration import Migration
    from .migration_alerts import CarriedAlerts
    from .store import Store
    from .store_migrate import Migrated
    from .training.relabelling import Relabelled

codeframe_app = typer.Typer(help="Look at, check, compare and change codeframes (码框).", no_args_is_help=True)


@codeframe_app.command("show")
def codeframe_show(
    frame: Annotated[Path | None, typer.Argument(help="Frame; default: the shipped one.")] = None,
) -> None:
    """Print the tree of codes."""
    from .cli_output import print_frame
    from .codeframe import Codeframe

    shipped = Path(__file__).parent / "frames" / "voc-zh-general.yaml"
    print_frame(OUT, Codeframe.load(frame or shipped))


@codeframe_app.command("check")
def codeframe_check(frame: Annotated[Path, typer.Argument(help="A codeframe .yaml or .json.")]) -> None:
    """Check a codeframe; exit code 2 with file, line and key if it is broken, warnings if it is odd."""
    from .codeframe import Codeframe

    loaded = Codeframe.load(frame)
    for warning in loaded.warnings():
        say(ERR, f"[yellow]warning:[/] {escape(warning)}")
    say(
        OUT,
        f"{loaded.name} {loaded.version}: {len(loaded)} codes, {len(loaded.leaves)} leaves, digest {loaded.digest[:16]}",
    )


@codeframe_app.command("diff")
def codeframe_diff(old: Annotated[Path, typer.Argument()], new: Annotated[Path, typer.Argument()]) -> None:
    """Say what changed from one codeframe to another."""
    from .cli_output import print_diff
    from .codeframe import Codeframe

    before, after = Codeframe.load(old), Codeframe.load(new)
    print_diff(OUT, before, after, before.diff(after))


@codeframe_app.command("migrate")
def codeframe_migrate(
    ctx: typer.Context,
    frame: Annotated[Path, typer.Argument(help="The codeframe as it is.", metavar="FRAME")],
    changes: Annotated[Path, typer.Option("--changes", help="The migration's file; with --derive it is written.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the new frame here.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The new frame, where a person has written it.")] = None,
    derive: Annotated[Path | None, typer.Option("--derive", help="Propose changes from FRAME to this frame.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Labelled jsonl, xlsx or csv of the old frame.")] = None,
    data_out: Annotated[Path | None, typer.Option("--data-out", help="The same rows in the new frame, jsonl.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Store whose rows are carried over.")] = None,
    alerts: Annotated[Path | None, typer.Option("--alerts", help="Rules of alerts on the old frame.")] = None,
    alerts_out: Annotated[Path | None, typer.Option("--alerts-out", help="The same rules for the new frame.")] = None,
    review: Annotated[Path | None, typer.Option("--review", help="List rows of split codes: .xlsx or .jsonl.")] = None,
    setting: SettingOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT, DATA_OUT, ALERTS_OUT and REVIEW.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Change a codeframe, and carry labelled data, a store and rules of alerts over; after a kill the same command completes it."""
    from .codeframe import Codeframe
    from .migration import onto
    from .migration_alerts import carry_alerts
    from .migration_reading import read_migration

    old = Codeframe.load(frame)
    if derive is not None:
        if others := given(ctx, set(ctx.params) - {"frame", "changes", "derive"}):
            hint = "read what it wrote into --changes, then give the rest without --derive"
            raise InputError(f"--derive only proposes changes; {others} would be passed over", hint=hint)
        _derive(old, Codeframe.load(derive), changes)
        return
    found = read_migration(changes, old)
    if to is not None:
        found = onto(found, Codeframe.load(to))
    read = (frame, changes, to, data, alerts, store)
    target = _check_places(found, (out, to), (data, data_out), (alerts, alerts_out), review, read, force=force)
    _check_alerts(found, alerts, alerts_out, force=force)
    opened = open_store(store, setting) if store else None
    relabelled = _relabel(data, data_out, found, force) if data and data_out else None
    migrated = _migrate(opened, found) if opened else None
    watched = carry_alerts(alerts, alerts_out, found) if alerts and alerts_out else None
    listed = _list(found, relabelled, opened, review, force=force) if review else None
    _write_frame(found, frame, target, written=to is not None, force=force)
    if as_json:
        told = {"frame": target, "digest": found.new.digest, "migration": found.digest, "notes": found.notes()}
        carried_data = None if relabelled is None else {**asdict(relabelled), "opened": len(relabelled.opened)}
        parts = {"data": carried_data, "store": migrated and asdict(migrated), "listed": listed,
                 "alerts": watched and asdict(watched)}  # fmt: skip
        typer.echo(json.dumps({**told, **parts}, ensure_ascii=False, default=str))
        return
    _print(found, target, relabelled, migrated)
    _print_alerts(watched)
    _print_open(relabelled, migrated, listed, review)


def _derive(old: Any, new: Any, path: Path) -> None:
    from .migration_files import write_proposal
    from .migration_proposal import proposed

    found = proposed(old, new)
    write_proposal(path, old, new.version, found)
    guesses = sum("guess" in one for one in found)
    say(OUT, f"{escape(str(path))}: {len(found)} changes, {guesses} of them guessed; read it before it is used")


def _check_places(
    found: Migration,
    frames: tuple[Path | None, Path | None],
    data: tuple[Path | None, Path | None],
    alerts: tuple[Path | None, Path | None],
    review: Path | None,
    read: Sequence[Path | str | None],
    *,
    force: bool,
) -> Path:
    """Where the new frame is or will be; whatever would only be found out half-way is found out here.

    frames, data, alerts: what is given of each; ``read``: everything that is read, ``frame`` first
    """
    from .migration_files import check_history, history_of, settled
    from .migration_review import check_ending, listed_before
    from .output_places import Place, check_places
    from .training.relabelling import check_out

    out, to = frames
    target = out or to
    if target is None or (out is not None and to is not None):
        raise InputError("the new frame needs one place", hint="--out FILE, or --to FILE where it is written already")
    if (data[0] is None) != (data[1] is None):
        raise InputError("--data and --data-out go together", hint="name the labelled rows, and where they go")
    if data[0] is not None and data[1] is not None:
        check_out(data[0], data[1])
    written = [Place(path) for path in (out, data[1], alerts[1], history_of(target)) if path is not None]
    if review is not None:
        check_ending(review)
        hint = "it may hold answers: import them first, choose another name, or replace it with --force"
        written.append(Place(review, may_replace=force or listed_before(review, found), hint=hint))
    check_places(written, read)
    if out is not None:
        settled(out, found.new, force=force)
    check_history(Path(str(read[0])), target, found, force=force)
    return target


def _check_alerts(found: Migration, alerts: Path | None, out: Path | None, *, force: bool) -> None:
    from .migration_alerts import check_alerts

    if (alerts is None) != (out is None):
        raise InputError("--alerts and --alerts-out go together", hint="name the rules, and where they go")
    if alerts is not None and out is not None:
        check_alerts(alerts, out, found, force=force)


def _relabel(data: Path, out: Path, found: Migration, force: bool) -> Relabelled:
    from .training.relabelling import relabel

    with ERR.status("carrying labelled rows"):
        return relabel(data, out, found, force=force)


def _migrate(store: Store, found: Migration) -> Migrated:
    from .store_migrate import migrate

    with ERR.status("carrying the store") as status:
        return migrate(store, found, report=lambda done, rows: status.update(f"carrying {done:,} of {rows:,} rows"))


def _list(found: Migration, data: Relabelled | None, store: Store | None, path: Path, *, force: bool) -> int:
    from .migration_review import open_rows, write_open

    stored = open_rows(store, found) if store else ()
    return write_open(chain(data.opened if data else (), stored), path, found, force=force)


def _write_frame(found: Migration, source: Path, target: Path, *, written: bool, force: bool) -> None:
    """The history first: with the frame the migration is over, and a run that was stopped before can be run again."""
    from .codeframe_writing import write_frame
    from .migration_files import settled, write_history

    write_history(source, target, found)
    if not written and not settled(target, found.new, force=force):
        write_frame(found.new, target, force=force)


def _print(found: Migration, target: Path, data: Relabelled | None, store: Migrated | None) -> None:
    from .cli_output import print_diff
    from .migration_files import history_of

    print_diff(OUT, found.old, found.new, found.old.diff(found.new))
    say(OUT, f"frame: {escape(str(target))} (without comments); history: {escape(history_of(target).name)}")
    if data is not None:
        say(OUT, f"data: {data.rows:,} rows, {data.changed:,} with other tags, {data.dropped:,} tags dropped")
        for change, count in zip(found.changes, data.per_change, strict=True):
            say(OUT, f"  {escape(str(change))}: {count:,} tags")
    if store is not None:
        others = f"; {store.others:,} of other codeframes stay" if store.others else ""
        say(OUT, f"store: {store.now:,} of {store.rows:,} rows carried, {store.before:,} were{others}")
        if store.changed:
            say(OUT, f"  [yellow]{store.changed:,} rows changed meanwhile[/]; next step: run it again")
    for note in found.notes():
        say(OUT, f"  [yellow]look at[/] {escape(note)}")


def _print_alerts(watched: CarriedAlerts | None) -> None:
    if watched is None:
        return
    say(OUT, f"alerts: {watched.rules:,} rules, {watched.changed:,} of them with other codes (without comments)")
    for rule, why in watched.left_out.items():
        say(OUT, f"  [yellow]left out[/] {escape(rule)}: {escape(why)}; write one for what comes instead")


def _print_open(data: Relabelled | None, store: Migrated | None, listed: int | None, review: Path | None) -> None:
    waiting = {"data": len(data.opened) if data else 0, "store": store.opened if store else 0}
    told = " and ".join(f"{count:,} rows of the {name}" for name, count in waiting.items() if count)
    if not told:
        return
    say(OUT, f"{told} carry a code that was split: a person has to read them again")
    if review is None:
        say(OUT, "  next step: the same command with --review LIST.xlsx lists them")
    else:
        once = ", each comment once" if (listed or 0) < sum(waiting.values()) else ""
        back = "take the answers back: vocnlp review import"
        more = back if review.suffix.lower() == ".xlsx" else "as LIST.xlsx they come back by vocnlp review import"
        say(OUT, f"  {listed or 0:,} are listed in {escape(str(review))}{once}; {more}")
    if store and store.opened:
        say(OUT, "  the store's rows: vocnlp store rescore, with a bundle that knows the parts")
