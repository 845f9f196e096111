"""The command line: a thin shell over plain functions. Only here is anything printed, or an exit code chosen.

Exit codes: 0 done, whether or not anybody still reads what is printed; 1 an alert could not be delivered; 2 the input,
output or model is not usable as it is (a message says what to do); 130 interrupted.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from .cli_alerts import alerts_app
from .cli_codeframe import codeframe_app
from .cli_discover import discover_app
from .cli_drift import drift
from .cli_evaluate import compare, evaluate
from .cli_models import keys_app
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
    GapsOption,
    IdOption,
    JourneyOption,
    JsonOption,
    PicturesOption,
    ScoreOption,
    SegmentOption,
    SheetOption,
    SinceOption,
    StageOption,
    TablesOption,
    TextOption,
    UnmaskedOption,
    named_columns,
    say,
    silence,
)
from .cli_registry import models_app
from .cli_report import check_report, print_report, read_for_report
from .cli_review import review_app
from .cli_rules import rules_app
from .cli_store import open_store, print_put, store_app
from .cli_train import train
from .errors import InputError, VocnlpError

if TYPE_CHECKING:
    from .store import Put


class _Edge(TyperGroup):
    """Where errors become words and exit codes: typer itself ends a run on Ctrl-C without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except VocnlpError as error:
            say(ERR, f"[bold red]error:[/] {escape(str(error))}")
            if error.hint:
                say(ERR, f"[bold]next step:[/] {escape(error.hint)}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            scoring = ctx.invoked_subcommand == "score"
            ERR.print("interrupted" + ("; go on with the same command and --resume" if scoring else ""))
            raise typer.Exit(130) from None
        except BrokenPipeError:  # of what is printed past the consoles, which is the last that a command does
            silence(sys.stdout)
            silence(sys.stderr)
            raise typer.Exit(0) from None


app = typer.Typer(
    name="vocnlp",
    cls=_Edge,
    help="Mining the voice of the customer in Chinese: comments in; sentiment, codes with evidence, NPS figures out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(codeframe_app, name="codeframe")
app.add_typer(keys_app, name="keys")
app.add_typer(alerts_app, name="alerts")
app.add_typer(store_app, name="store")
app.add_typer(rules_app, name="rules")
app.add_typer(review_app, name="review")
app.add_typer(discover_app, name="discover")
app.add_typer(models_app, name="models")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console that cannot show a character shows "?" and goes on
            stream.reconfigure(errors="replace")
    app()


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from . import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def score(
    source: Annotated[Path, typer.Argument(help="xlsx, csv, tsv, jsonl or parquet.", metavar="IN")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where to write; the ending chooses the kind.")],
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
    journey: JourneyOption = "general",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    verbatim: Annotated[bool, typer.Option("--verbatim", help="csv: no apostrophe before cells like =1+1.")] = False,
    store: Annotated[str | None, typer.Option("--store", help="Also write the rows to this store.")] = None,
) -> None:
    """Tag every comment of a file; every row and column comes out as it went in, with tag columns behind."""
    from .batch import Options, open_for_scoring, score_file
    from .cli_output import print_columns, print_scored, scoring_progress
    from .processes import give_memory_back
    from .tagger import Tagger

    give_memory_back()
    named = named_columns(text, score_column, stage, channel, segment, customer, at, row_id, csat, ces)
    options = Options(named, sheet, journey, workers, force=force, resume=resume, verbatim=verbatim)
    opened, columns = open_for_scoring(source, options)
    print_columns(ERR, opened, columns)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    kept = open_store(store, create=True) if store else None
    with scoring_progress(ERR, opened.rows) as report:
        puts: list[Put] = []
        keep = None if kept is None else lambda rows: puts.append(kept.put(rows))
        scored = score_file(opened, columns, out, tagger, options=options, report=report, keep=keep)
    print_scored(OUT, scored, opened)
    if kept is not None:
        print_put(kept, puts[0])


@app.command()
def report(
    source: Annotated[Path, typer.Argument(help="A tagged file, or a raw export (it is tagged first).", metavar="IN")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The HTML file to write.")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Title of the report.")] = "客户之声分析报告",
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
    journey: JourneyOption = "general",
    since: SinceOption = None,
    gaps: GapsOption = None,
    tables: TablesOption = None,
    pictures: PicturesOption = None,
    unmasked: UnmaskedOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
) -> None:
    """Write the analyst's report: one HTML file in Chinese that opens offline."""
    from .batch import Options
    from .report import write_report
    from .report_gaps import read_gaps
    from .tagger import Tagger

    check_report((source, gaps, codeframe), out, tables, pictures, force=force)
    ratings = read_gaps(gaps) if gaps else ()
    tagger = Tagger.load(bundle, codeframe=codeframe)
    if tagger.codeframe.journeys:
        tagger.codeframe.journey(journey)
    named = named_columns(text, score_column, stage, channel, segment, customer, at, row_id, csat, ces)
    with ERR.status("reading"):
        table, meta = read_for_report(source, tagger, Options(named=named, sheet=sheet))
        write_report(
            out, table, tagger.codeframe, title=title, journey=journey, meta=meta, since=since.date() if since else None,
            ratings=ratings, masked=not unmasked, tables=tables, pictures=pictures,
        )  # fmt: skip
    print_report(out, table.num_rows if hasattr(table, "num_rows") else table.count_rows(), tables, pictures)


@app.command()
def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Comments; without any, one a line from stdin.")] = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tag single comments and show what was found where."""
    from .cli_output import prediction_dict, print_prediction
    from .tagger import Tagger

    tagger = Tagger.load(bundle, codeframe=codeframe)
    given = iter(texts) if texts else _lines()
    at_once = 1 if not texts and sys.stdin.isatty() else 1024
    while not OUT.quiet and (some := list(islice(given, at_once))):  # quiet: nobody reads the answers any more
        for text, prediction in zip(some, tagger.tag(some), strict=True):
            if as_json:
                typer.echo(json.dumps(prediction_dict(text, prediction, tagger.codeframe), ensure_ascii=False))
            else:
                print_prediction(OUT, text, prediction, tagger.codeframe)


def _lines() -> Iterator[str]:
    """The lines of stdin as they come; in another encoding they would be tagged as nonsense, so that is refused."""
    if sys.stdin.isatty():
        say(ERR, "one comment a line; end with Ctrl-D (on Windows Ctrl-Z and Enter)")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="strict")
    try:
        for number, line in enumerate(sys.stdin):
            yield line.rstrip("\r\n").removeprefix("" if number else "\ufeff")
    except UnicodeDecodeError as error:
        hint = "convert it first: iconv -f gb18030 -t utf-8, or save it as .csv and use vocnlp score"
        raise InputError(f"stdin is not {sys.stdin.encoding}: {error}", hint=hint) from error


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; beyond loopback, keys are needed.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0: any free one, named in the log.")] = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    keys: Annotated[Path | None, typer.Option(help="JSON file of API keys.")] = None,
    jobs: Annotated[Path | None, typer.Option(help="Folder of the jobs: files to be scored.")] = None,
    store: Annotated[str | None, typer.Option(help="Folder or address of the store.")] = None,
) -> None:
    """Serve POST /classify; every setting can also come from the environment, as VOCNLP_PORT=8000."""
    from .api.serve import serve as run
    from .api.settings import Settings

    run(Settings.read(host=host, port=port, bundle=bundle, codeframe=codeframe, keys=keys, jobs=jobs, store=store))


app.command()(train)
app.command()(drift)
app.command()(evaluate)
app.command()(compare)


if __name__ == "__main__":
    main()
