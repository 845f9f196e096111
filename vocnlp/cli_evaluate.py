"""``vocnlp evaluate`` and ``vocnlp compare``: shells over ``training.evaluation`` and ``training.comparison``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .cli_evaluate_tables import print_comparison, print_examined
from .cli_options import ERR, OUT, BundleOption, FrameOption, JsonOption, say
from .errors import OutputError

if TYPE_CHECKING:
    from .codeframe import Codeframe
    from .training.labelled import Labelled

DataOption = Annotated[
    list[Path], typer.Option("--data", help="Labelled jsonl, xlsx or csv; may be given more than once.")
]
SamplesOption = Annotated[int, typer.Option("--samples", min=0, help="Bootstrap samples.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the bootstrap.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Also write a page in Chinese that opens offline.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what stands at the HTML file.")]


def evaluate(
    data: DataOption,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    samples: SamplesOption = 1000,
    seed: SeedOption = 7,
    errors: Annotated[
        int | None, typer.Option("--errors", min=0, help="Show so many errors of each kind; JSON and page: 20.")
    ] = None,
    html: HtmlOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a bundle on labelled comments: figures with intervals, calibration, confusion, the worst errors."""
    from .cli_output import training_progress
    from .tagger import Tagger
    from .training.evaluation import examine, rows_for
    from .training.evaluation_page import evaluation_page, write_page

    _check_page(html, force)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    rows = rows_for(tagger, data)
    with training_progress(ERR) as progress:
        shown = 20 if errors is None else errors
        figures = examine(tagger, rows, samples=samples, seed=seed, errors=shown, progress=progress)
    if html is not None:
        write_page(html, evaluation_page(figures, tagger.codeframe))
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    print_examined(OUT, figures, errors=errors or 0)
    if html is not None:
        say(OUT, f"page: {escape(str(html))}")


def compare(
    old: Annotated[Path, typer.Argument(help="Bundle that is used now.", metavar="A")],
    new: Annotated[Path, typer.Argument(help="Bundle that might replace it.", metavar="B")],
    data: DataOption,
    codes: Annotated[str | None, typer.Option("--codes", help="Compare these codes alone: a,b,c.")] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Bootstrap samples.")] = 1000,
    seed: SeedOption = 7,
    html: HtmlOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two bundles on the same labelled comments: which is better, on which codes, whose answers changed."""
    from .tagger import Tagger
    from .training.comparison import compare as compared
    from .training.evaluation_page import comparison_page, write_page

    _check_page(html, force)
    first, second = Tagger.load(old), Tagger.load(new)
    rows = _read(data, first.codeframe, second.codeframe)
    wanted = None if codes is None else [code.strip() for code in codes.split(",") if code.strip()]
    with ERR.status(f"tagging {len(rows):,} comments with both"):
        found = compared(first, second, rows, samples=samples, seed=seed, codes=wanted)
    if html is not None:
        write_page(html, comparison_page(found, first.codeframe, second.codeframe))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    print_comparison(OUT, found)
    if html is not None:
        say(OUT, f"page: {escape(str(html))}")


def _read(data: Sequence[Path], *frames: Codeframe) -> list[Labelled]:
    from .training.labelled import read_labelled

    return [row for path in data for row in read_labelled(path, *frames)]


def _check_page(html: Path | None, force: bool) -> None:
    """What would only be found out after all the tagging."""
    if html is None:
        return
    if html.suffix.lower() not in (".html", ".htm"):
        raise OutputError("the page is an HTML file", path=html, hint=f"name it {html.with_suffix('.html').name}")
    if not html.parent.is_dir():
        hint = f"create {html.parent}, or choose another folder"
        raise OutputError("the folder does not exist", path=html, hint=hint)
    if html.is_dir():
        raise OutputError("is a folder", path=html, hint="choose another name")
    if html.exists() and not force:
        raise OutputError("already exists", path=html, hint="choose another name, or replace it with --force")
