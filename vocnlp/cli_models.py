"""The commands of those who make models and codeframes, and who hand out keys: shells over plain functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from .cli_options import ERR, OUT, BundleOption, FrameOption, JsonOption, say
from .errors import InputError

codeframe_app = typer.Typer(help="Look at, check and compare codeframes (码框).", no_args_is_help=True)
keys_app = typer.Typer(help="Make, list and revoke the API keys of a service.", no_args_is_help=True)
KeysFile = Annotated[Path, typer.Argument(help="JSON file of keys; it holds only hashes.", metavar="FILE")]


def train(
    out: Annotated[Path, typer.Option("--out", help="Folder of the new bundle.")],
    data: Annotated[Path | None, typer.Option("--data", help="Labelled jsonl, xlsx or csv.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML recipe over several sets.")] = None,
    data_root: Annotated[Path | None, typer.Option("--data-root", help="Folder of the recipe's sets.")] = None,
    codeframe: FrameOption = None,
    linear: Annotated[bool, typer.Option("--linear", help="Train a linear model: seconds, and no torch.")] = False,
    encoder: Annotated[str | None, typer.Option(help="Fine-tune this: a folder, or OWNER/NAME@REVISION.")] = None,
    init: Annotated[
        Path | None, typer.Option(help="Fine-tune this bundle's encoder; default: the shipped one.")
    ] = None,
    ngrams: Annotated[bool, typer.Option(help="Train n-grams beside the encoder; without, it is alone.")] = True,
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
    start = None if linear else encoder or str(init or Bundle.load().path)
    with training_progress(ERR) as progress:
        how: dict[str, Any] = {
            "encoder": start,
            "ngrams": ngrams,
            "teacher": teacher,
            "dev_parts": dev_parts,
            "force": force,
        }
        bundle = train_bundle(data, out, recipe=recipe, root=data_root, codeframe=codeframe, progress=progress, **how)
    print_figures(OUT, bundle.figures)
    say(OUT, f"bundle: {escape(str(out))}")


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
        print_figures(OUT, figures)


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


@keys_app.command("make")
def keys_make(
    file: KeysFile,
    name: Annotated[str, typer.Option(help="The system or person that will use it.")],
    role: Annotated[
        str, typer.Option(help="read, score, edit or admin; each may do what those before it may.")
    ] = "score",
    days: Annotated[float | None, typer.Option(min=0, help="Days until it expires; default: never.")] = None,
    per_minute: Annotated[int, typer.Option(min=0, help="Calls a minute; 0: the service's limit.")] = 0,
) -> None:
    """Add a key to FILE and print it: this is the only time it can be seen."""
    from .api.keys import make

    typer.echo(make(file, name=name, role=role, days=days, calls_per_minute=per_minute))


@keys_app.command("list")
def keys_list(file: KeysFile) -> None:
    """Print id, role, state and name of every key."""
    from datetime import UTC, datetime

    from .api.keys import read

    for key in read(file).values():
        state = "revoked" if key.revoked else "alive" if key.alive(datetime.now(UTC)) else "expired"
        typer.echo(f"{key.id}\t{key.role}\t{state}\t{key.name}")


@keys_app.command("revoke")
def keys_revoke(
    file: KeysFile, number: Annotated[str, typer.Argument(help="The id that list shows.", metavar="ID")]
) -> None:
    """The key opens nothing any more; a running service sees it within a second."""
    from .api.keys import revoke

    key = revoke(file, number)
    say(OUT, f"revoked: {escape(key.id)} ({escape(key.name)})")
