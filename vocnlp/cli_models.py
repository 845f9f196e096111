"""The commands of those who hand out keys: shells over plain functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from .cli_options import OUT, say

keys_app = typer.Typer(help="Make, list and revoke the API keys of a service.", no_args_is_help=True)
KeysFile = Annotated[Path, typer.Argument(help="JSON file of keys; it holds only hashes.", metavar="FILE")]


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
