"""The commands of the store: shells over plain functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

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
from .errors import InputError

if TYPE_CHECKING:
    from .store import Put, Store

store_app = typer.Typer(help="Keep tagged feedback in a Delta Lake table.", no_args_is_help=True)

StoreOption = Annotated[str, typer.Option("--store", help="Folder of the store, or s3://..., gs://..., az://...")]
SettingOption = Annotated[
    list[str] | None, typer.Option("--setting", help="KEY=VALUE for an object store, as AWS_REGION=cn-north-1.")
]
DeliveryOption = Annotated[
    str, typer.Option("--delivery", help="A name that sets apart rows without an id from equal rows of other exports.")
]


@store_app.command("put")
def put(
    source: Annotated[Path, typer.Argument(help="A tagged file, or a raw export (it is tagged first).", metavar="IN")],
    store: StoreOption,
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
    delivery: DeliveryOption = "",
    verbatim: Annotated[bool, typer.Option("--verbatim", help="A new store keeps texts unmasked.")] = False,
    setting: SettingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every row of a file; rows whose id is there are replaced. A folder that does not exist is created."""
    from .batch import Options
    from .tagged_reading import TaggedFile
    from .tagger import Tagger

    named = named_columns(text, score_column, stage, channel, segment, customer, at, row_id, csat, ces)
    file = TaggedFile(source, Tagger.load(bundle, codeframe=codeframe), Options(named=named, sheet=sheet))
    with ERR.status("checking"):  # a row that cannot be read is found before the first one is written
        rows = file.check()
    opened = open_store(store, setting, create=True, verbatim=verbatim or None)
    with _progress("writing", rows) as report:
        done = opened.put(file.for_store(), delivery=delivery, report=report)
    print_put(opened, done, as_json=as_json)


def print_put(store: Store, done: Put, *, as_json: bool = False) -> None:
    """What a delivery did."""
    if as_json:
        _print_json(asdict(done))
        return
    repeated = f", {done.repeated:,} came twice" if done.repeated else ""
    counts = f"{done.rows:,} rows: {done.added:,} new, {done.replaced:,} replaced{repeated}"
    say(OUT, f"store: {escape(store.url)} (version {done.version}; {counts})")


@store_app.command("info")
def info(store: StoreOption, setting: SettingOption = None, as_json: JsonOption = False) -> None:
    """How large a store is, and which models and codeframes its rows come from."""
    found = open_store(store, setting).info()
    if as_json:
        _print_json({**asdict(found), "scattered": found.scattered})
        return
    say(OUT, f"[bold]{escape(found.url)}[/], version {found.version}")
    say(OUT, f"  {found.rows:,} rows in {found.files:,} files, {found.bytes / 1e6:,.1f} MB")
    say(OUT, f"  texts: {'as they came' if found.verbatim else 'masked'}")
    for head, counts in (("bundle", found.bundles), ("codeframe", found.codeframes)):
        for name, rows in counts.items():
            say(OUT, f"  {head} {escape(name or '(none)')}: {rows:,} rows")
    if found.scattered:
        say(OUT, f"  [yellow]many small files[/]; next step: vocnlp store compact --store {escape(found.url)}")


@store_app.command("compact")
def compact(
    store: StoreOption,
    keep_days: Annotated[float, typer.Option(min=0, max=30, help="Earlier versions stay readable so long.")] = 7.0,
    setting: SettingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make few large files of many small ones, and remove files that no recent version needs."""
    opened = open_store(store, setting)
    with ERR.status("compacting"):
        done = opened.compact(keep=timedelta(days=keep_days))
    if as_json:
        _print_json(asdict(done))
    else:
        say(OUT, f"{done.before:,} files became {done.after:,}; {done.removed:,} old files removed")


@store_app.command("forget")
def forget(
    store: StoreOption,
    customer: Annotated[str, typer.Option("--customer", help="The customer's id, as in the export.")],
    setting: SettingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase all rows of a customer and remove the old files; earlier versions cannot be read any more."""
    opened = open_store(store, setting)
    with ERR.status("erasing"):
        done = opened.forget(customer)
    if as_json:
        _print_json(asdict(done))
        return
    if not done.rows:
        say(
            OUT,
            f"[yellow]no row names the customer {escape(repr(customer.strip()))}[/]; is it written as in the export?",
        )
    say(OUT, f"{done.rows:,} rows erased, {done.removed:,} old files removed")
    say(OUT, "not reached:")
    for words in done.beyond:
        say(OUT, f"  {words}")


@store_app.command("rescore")
def rescore(
    store: StoreOption,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    setting: SettingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tag all rows anew; what a stopped run did is not done again."""
    from .store_rescore import rescore as run
    from .tagger import Tagger

    opened = open_store(store, setting)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    with _progress("scoring", None) as report:
        done = run(opened, tagger, workers=workers, report=report)
    if as_json:
        _print_json(asdict(done))
        return
    say(OUT, f"{done.now:,} of {done.rows:,} rows tagged anew by {escape(tagger.bundle.label)}; {done.before:,} were")
    if done.changed:
        say(OUT, f"  [yellow]{done.changed:,} rows changed meanwhile[/]; next step: run it again")


@store_app.command("history")
def history(
    store: StoreOption,
    limit: Annotated[int, typer.Option(min=1, help="Newest versions only.")] = 20,
    setting: SettingOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was done to a store, newest first."""
    found = open_store(store, setting).history(limit)
    if as_json:
        for one in found:
            _print_json({**asdict(one), "at": one.at.isoformat()})
        return
    from rich.table import Table

    table = Table(box=None)
    table.add_column("version", justify="right")
    table.add_column("at (UTC)")
    table.add_column("what")
    table.add_column("rows", justify="right")
    for one in found:
        rows = "" if one.rows is None else f"{one.rows:,}"
        table.add_row(str(one.version), f"{one.at:%Y-%m-%d %H:%M:%S}", escape(one.what), rows)
    OUT.print(table)


def open_store(
    url: str, setting: list[str] | None = None, *, create: bool = False, verbatim: bool | None = None
) -> Store:
    """The store that a command names; ``setting`` are KEY=VALUE pairs for an object store."""
    from .store import Store

    options = {}
    for one in setting or []:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise InputError(f"--setting {key!r} has no value", hint="write KEY=VALUE, as AWS_REGION=cn-north-1")
        options[key] = value
    return Store.open(url, create=create, verbatim=verbatim, options=options)


@contextmanager
def _progress(what: str, rows: int | None, console: Console = ERR) -> Iterator[Callable[..., None]]:
    """A bar over rows; ``report(done)`` or ``report(done, of all)``. Without a terminal, nothing."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = (SpinnerColumn(), TextColumn(what), BarColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*shown, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=rows)

        def report(done: int, total: int | None = None) -> None:
            progress.update(task, completed=done, total=rows if total is None else total)

        yield report


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
