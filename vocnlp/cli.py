"""The command line: a thin shell over plain functions. Only here is anything printed, or an exit code chosen.

Exit codes: 0 done; 2 the input, output or model is not usable as it is (a message says what to do); 130 interrupted.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from .errors import InputError, OutputError, VocnlpError

_err = Console(stderr=True)
_out = Console()


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


class _Edge(TyperGroup):
    """Where errors become words and exit codes: typer itself ends a run on Ctrl-C or a closed pipe without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except VocnlpError as error:
            _say(_err, f"[bold red]error:[/] {escape(str(error))}")
            if error.hint:
                _say(_err, f"[bold]next step:[/] {escape(error.hint)}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            scoring = ctx.invoked_subcommand == "score"
            _err.print("interrupted" + ("; go on with the same command and --resume" if scoring else ""))
            raise typer.Exit(130) from None
        except BrokenPipeError:  # the reader of our output went away: vocnlp ... | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes there
            raise typer.Exit(0) from None


app = typer.Typer(
    name="vocnlp",
    cls=_Edge,
    help="Mining the voice of the customer in Chinese: comments in; sentiment, codes with evidence, NPS figures out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
codeframe_app = typer.Typer(help="Look at, check and compare codeframes (码框).", no_args_is_help=True)
app.add_typer(codeframe_app, name="codeframe")

TextOption = Annotated[str | None, typer.Option("--text", help="Column with the comments.")]
ScoreOption = Annotated[str | None, typer.Option("--score", help="Column with the 0-10 answer.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Column with the touchpoint or stage.")]
ChannelOption = Annotated[str | None, typer.Option("--channel", help="Column with the channel.")]
SegmentOption = Annotated[str | None, typer.Option("--segment", help="Column with the customer group.")]
CustomerOption = Annotated[str | None, typer.Option("--customer", help="Column with the customer's id.")]
AtOption = Annotated[str | None, typer.Option("--at", help="Column with the time.")]
IdOption = Annotated[str | None, typer.Option("--id", help="Column with the row's id.")]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; default: the first with rows.")]
JourneyOption = Annotated[str, typer.Option("--journey", help="Which journey of the codeframe.")]
BundleOption = Annotated[Path | None, typer.Option("--bundle", help="Model folder; default: the shipped one.")]
FrameOption = Annotated[Path | None, typer.Option("--codeframe", help="Codeframe .yaml or .json to tag with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    journey: JourneyOption = "general",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    verbatim: Annotated[bool, typer.Option("--verbatim", help="csv: no apostrophe before cells like =1+1.")] = False,
) -> None:
    """Tag every comment of a file; every row and column comes out as it went in, with tag columns behind."""
    from .batch import Options, open_for_scoring, score_file
    from .cli_output import print_columns, print_scored, scoring_progress
    from .processes import give_memory_back
    from .tagger import Tagger

    give_memory_back()
    named = _named(text, score_column, stage, channel, segment, customer, at, row_id)
    options = Options(named, sheet, journey, workers, force=force, resume=resume, verbatim=verbatim)
    opened, columns = open_for_scoring(source, options)
    print_columns(_err, opened, columns)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    with scoring_progress(_err, opened.rows) as report:
        scored = score_file(opened, columns, out, tagger, options=options, report=report)
    print_scored(_out, scored)


def _named(*columns: str | None) -> dict[str, str]:
    roles = ("text", "score", "stage", "channel", "segment", "customer", "at", "id")
    return {role: column for role, column in zip(roles, columns, strict=True) if column is not None}


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
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    journey: JourneyOption = "general",
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
) -> None:
    """Write the analyst's report: one HTML file in Chinese that opens offline."""
    from .batch import Options
    from .report import write_report
    from .tagged_reading import read_tagged
    from .tagger import Tagger

    _check_report(source, out, force)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    if tagger.codeframe.journeys:
        tagger.codeframe.journey(journey)
    named = _named(text, score_column, stage, channel, segment, customer, at, row_id)
    with _err.status("reading"):
        table, meta = read_tagged(source, tagger, Options(named=named, sheet=sheet))
        write_report(out, table, tagger.codeframe, title=title, journey=journey, meta=meta)
    _say(_out, f"report: {escape(str(out))} ({table.num_rows:,} rows)")


def _check_report(source: Path, out: Path, force: bool) -> None:
    """What would only be found out after all the reading."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise OutputError("a report is an HTML file", path=out, hint=f"name it {out.with_suffix('.html').name}")
    if not out.parent.is_dir():
        raise OutputError("the folder does not exist", path=out, hint=f"create {out.parent}, or choose another folder")
    if out.exists() and (out.is_dir() or (source.exists() and out.samefile(source))):
        raise OutputError("is a folder or the input itself", path=out, hint="choose another name")
    if out.exists() and not force:
        raise OutputError("already exists", path=out, hint="choose another name, or replace it with --force")


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
    while some := list(islice(given, at_once)):
        for text, prediction in zip(some, tagger.tag(some), strict=True):
            if as_json:
                typer.echo(json.dumps(prediction_dict(text, prediction, tagger.codeframe), ensure_ascii=False))
            else:
                print_prediction(_out, text, prediction, tagger.codeframe)


def _lines() -> Iterator[str]:
    """The lines of stdin as they come; in another encoding they would be tagged as nonsense, so that is refused."""
    if sys.stdin.isatty():
        _say(_err, "one comment a line; end with Ctrl-D (on Windows Ctrl-Z and Enter)")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="strict")
    try:
        for number, line in enumerate(sys.stdin):
            yield line.rstrip("\r\n").removeprefix("" if number else "\ufeff")
    except UnicodeDecodeError as error:
        hint = "convert it first: iconv -f gb18030 -t utf-8, or save it as .csv and use vocnlp score"
        raise InputError(f"stdin is not {sys.stdin.encoding}: {error}", hint=hint) from error


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder of the new bundle.")],
    data: Annotated[Path | None, typer.Option("--data", help="Labelled jsonl, xlsx or csv.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML recipe over several sets.")] = None,
    data_root: Annotated[Path | None, typer.Option("--data-root", help="Folder of the recipe's sets.")] = None,
    codeframe: FrameOption = None,
    linear: Annotated[bool, typer.Option("--linear", help="Train a linear model: seconds, and no torch.")] = False,
    encoder: Annotated[str | None, typer.Option(help="Fine-tune this: a folder, or OWNER/NAME@REVISION.")] = None,
    init: Annotated[Path | None, typer.Option(help="Fine-tune this bundle's encoder; default: the shipped one.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="Learn from this bundle, on the comments of --data.")] = None,
    dev_parts: Annotated[int, typer.Option(help="Hold out one part in this many for measuring; 0: none.")] = 10,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder OUT.")] = False,
) -> None:
    """Train a bundle from labelled comments, measure it on a held-out split, and write it with its card."""
    from .bundle import Bundle
    from .cli_output import print_figures, training_progress
    from .training.train import train_bundle

    if sum((linear, encoder is not None, init is not None)) > 1:
        raise InputError("--linear, --encoder and --init are three ways to begin", hint="choose one")
    start = encoder if init is None else str(init)
    with training_progress(_err) as progress:
        how: dict[str, Any] = {"encoder": start, "teacher": teacher, "dev_parts": dev_parts, "force": force}
        bundle = train_bundle(data, out, recipe=recipe, root=data_root, codeframe=codeframe, progress=progress, **how)
    print_figures(_out, bundle.figures)
    _say(_out, f"bundle: {escape(str(out))}")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Labelled jsonl, xlsx or csv.")],
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a bundle on labelled comments."""
    from .cli_output import print_figures
    from .training.train import evaluate_file

    figures: dict[str, Any] = evaluate_file(bundle, data)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=2))
    else:
        print_figures(_out, figures)


@codeframe_app.command("show")
def codeframe_show(
    frame: Annotated[Path | None, typer.Argument(help="Frame; default: the shipped one.")] = None,
) -> None:
    """Print the tree of codes."""
    from .cli_output import print_frame
    from .codeframe import Codeframe

    shipped = Path(__file__).parent / "frames" / "voc-zh-general.yaml"
    print_frame(_out, Codeframe.load(frame or shipped))


@codeframe_app.command("check")
def codeframe_check(frame: Annotated[Path, typer.Argument(help="A codeframe .yaml or .json.")]) -> None:
    """Check a codeframe; exit code 2 with file, line and key if it is broken, warnings if it is odd."""
    from .codeframe import Codeframe

    loaded = Codeframe.load(frame)
    for warning in loaded.warnings():
        _say(_err, f"[yellow]warning:[/] {escape(warning)}")
    _say(
        _out,
        f"{loaded.name} {loaded.version}: {len(loaded)} codes, {len(loaded.leaves)} leaves, digest {loaded.digest[:16]}",
    )


@codeframe_app.command("diff")
def codeframe_diff(old: Annotated[Path, typer.Argument()], new: Annotated[Path, typer.Argument()]) -> None:
    """Say what changed from one codeframe to another."""
    from .cli_output import print_diff
    from .codeframe import Codeframe

    before, after = Codeframe.load(old), Codeframe.load(new)
    print_diff(_out, before, after, before.diff(after))


if __name__ == "__main__":
    main()
