"""The command line: a thin shell over plain functions. Only here is anything printed, or an exit code chosen.

Exit codes: 0 done; 2 the input, output or model is not usable as it is (a message says what to do); 130 interrupted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from .errors import VocnlpError

app = typer.Typer(
    name="vocnlp",
    help="Mining the voice of the customer in Chinese: comments in; sentiment, codes with evidence, NPS figures out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
codeframe_app = typer.Typer(help="Look at, check and compare codeframes (码框).", no_args_is_help=True)
app.add_typer(codeframe_app, name="codeframe")

_err = Console(stderr=True)
_out = Console()

BundleOption = Annotated[Path | None, typer.Option("--bundle", help="Model folder; default: the shipped one.")]
FrameOption = Annotated[Path | None, typer.Option("--codeframe", help="Codeframe .yaml or .json to tag with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; errors that vocnlp raises become one message and exit code 2."""
    try:
        app()
    except VocnlpError as error:
        _err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        if error.hint:
            _err.print(f"[bold]next step:[/] {escape(error.hint)}", soft_wrap=True, highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        _err.print("interrupted; a scoring run goes on with --resume")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away: vocnlp ... | head
        sys.stderr.close()
        sys.exit(0)


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
    text: Annotated[str | None, typer.Option(help="Column with the comments.")] = None,
    score_column: Annotated[str | None, typer.Option("--score", help="Column with the 0-10 answer.")] = None,
    stage: Annotated[str | None, typer.Option(help="Column with the touchpoint or stage.")] = None,
    channel: Annotated[str | None, typer.Option(help="Column with the channel.")] = None,
    segment: Annotated[str | None, typer.Option(help="Column with the customer group.")] = None,
    customer: Annotated[str | None, typer.Option(help="Column with the customer's id.")] = None,
    at: Annotated[str | None, typer.Option(help="Column with the time.")] = None,
    row_id: Annotated[str | None, typer.Option("--id", help="Column with the row's id.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; default: the first with rows.")] = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    journey: Annotated[str, typer.Option(help="Which journey of the codeframe.")] = "general",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    verbatim: Annotated[bool, typer.Option("--verbatim", help="csv: no apostrophe before cells like =1+1.")] = False,
) -> None:
    """Tag every comment of a file; every row and column comes out as it went in, with tag columns behind."""
    from .batch import Options, open_for_scoring, score_file
    from .cli_output import print_columns, print_scored, scoring_progress
    from .tagger import Tagger

    roles = {"text": text, "score": score_column, "stage": stage, "channel": channel, "segment": segment}
    roles |= {"customer": customer, "at": at, "id": row_id}
    named = {role: column for role, column in roles.items() if column is not None}
    options = Options(
        named=named, sheet=sheet, journey=journey, workers=workers, force=force, resume=resume, verbatim=verbatim
    )
    opened, columns = open_for_scoring(source, options)
    print_columns(_err, opened, columns)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    with scoring_progress(_err, opened.rows) as report:
        scored = score_file(opened, columns, out, tagger, options=options, report=report)
    print_scored(_out, scored, tagger)


@app.command()
def report(
    source: Annotated[Path, typer.Argument(help="A tagged file, or a raw export (it is tagged first).", metavar="IN")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The HTML file to write.")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Title of the report.")] = "客户之声分析报告",
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    journey: Annotated[str, typer.Option(help="Which journey of the codeframe.")] = "general",
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
) -> None:
    """Write the analyst's report: one HTML file in Chinese that opens offline."""
    from .errors import OutputError
    from .report import write_report
    from .tagged_reading import read_tagged
    from .tagger import Tagger

    if out.exists() and not force:
        raise OutputError("already exists", path=out, hint="choose another name, or replace it with --force")
    tagger = Tagger.load(bundle, codeframe=codeframe)
    with _err.status("reading"):
        table, meta = read_tagged(source, tagger)
        write_report(out, table, tagger.codeframe, title=title, journey=journey, meta=meta)
    _out.print(f"report: {out} ({table.num_rows:,} rows)", highlight=False, soft_wrap=True)


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

    given = texts if texts else [line.rstrip("\r\n") for line in sys.stdin]
    tagger = Tagger.load(bundle, codeframe=codeframe)
    for text, prediction in zip(given, tagger.tag(given), strict=True):
        if as_json:
            typer.echo(json.dumps(prediction_dict(text, prediction, tagger.codeframe), ensure_ascii=False))
        else:
            print_prediction(_out, text, prediction, tagger.codeframe)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder of the new bundle.")],
    data: Annotated[Path | None, typer.Option("--data", help="Labelled jsonl, xlsx or csv.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML recipe over several sets.")] = None,
    data_root: Annotated[Path | None, typer.Option("--data-root", help="Folder of the recipe's sets.")] = None,
    codeframe: FrameOption = None,
    linear: Annotated[bool, typer.Option("--linear", help="Train the linear model (the only kind so far).")] = True,
    dev_parts: Annotated[int, typer.Option(help="Hold out one part in this many for measuring; 0: none.")] = 10,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder OUT.")] = False,
) -> None:
    """Train a bundle from labelled comments, measure it on a held-out split, and write it with its card."""
    from .cli_output import print_figures, training_progress
    from .training.train import train_bundle

    del linear
    with training_progress(_err) as progress:
        bundle = train_bundle(
            data,
            out,
            recipe=recipe,
            root=data_root,
            codeframe=codeframe,
            dev_parts=dev_parts,
            force=force,
            progress=progress,
        )
    print_figures(_out, bundle.figures)
    _out.print(f"bundle: {out}", highlight=False, soft_wrap=True)


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

    print_frame(_out, Codeframe.load(frame or _shipped_frame()))


@codeframe_app.command("check")
def codeframe_check(frame: Annotated[Path, typer.Argument(help="A codeframe .yaml or .json.")]) -> None:
    """Check a codeframe; exit code 2 with file, line and key if it is broken, warnings if it is odd."""
    from .codeframe import Codeframe

    loaded = Codeframe.load(frame)
    for warning in loaded.warnings():
        _err.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)
    _out.print(
        f"{loaded.name} {loaded.version}: {len(loaded)} codes, {len(loaded.leaves)} leaves, digest {loaded.digest[:16]}",
        highlight=False,
        soft_wrap=True,
    )


@codeframe_app.command("diff")
def codeframe_diff(old: Annotated[Path, typer.Argument()], new: Annotated[Path, typer.Argument()]) -> None:
    """Say what changed from one codeframe to another."""
    from .cli_output import print_diff
    from .codeframe import Codeframe

    before, after = Codeframe.load(old), Codeframe.load(new)
    print_diff(_out, before, after, before.diff(after))


def _shipped_frame() -> Path:
    return Path(__file__).parent / "frames" / "voc-zh-general.yaml"


if __name__ == "__main__":
    main()
