"""What the commands share: where they print, and the options that several of them take."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console


class Terminal(Console):
    """A console whose work goes on, unheard, when its reader goes away (``| head``); rich's own ends the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(self.file)


def silence(stream: IO[str]) -> None:
    """What is still to be written to a stream whose reader went away goes to where nobody reads it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):  # a stream without a file behind it
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


ERR = Terminal(stderr=True)
OUT = Terminal()


def say(console: Console, text: str) -> None:
    """Print as it is, without colours of rich's own and without breaking lines."""
    console.print(text, highlight=False, soft_wrap=True)


def named_columns(*columns: str | None) -> dict[str, str]:
    """Role -> column of those that were named, given in the order of the options below from --text to --ces."""
    roles = ("text", "score", "stage", "channel", "segment", "customer", "at", "id", "csat", "ces")
    return {role: column for role, column in zip(roles, columns, strict=True) if column is not None}


TextOption = Annotated[str | None, typer.Option("--text", help="Column with the comments.")]
ScoreOption = Annotated[str | None, typer.Option("--score", help="Column with the 0-10 answer.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Column with the touchpoint or stage.")]
ChannelOption = Annotated[str | None, typer.Option("--channel", help="Column with the channel.")]
SegmentOption = Annotated[str | None, typer.Option("--segment", help="Column with the customer group.")]
CustomerOption = Annotated[str | None, typer.Option("--customer", help="Column with the customer's id.")]
AtOption = Annotated[str | None, typer.Option("--at", help="Column with the time.")]
IdOption = Annotated[str | None, typer.Option("--id", help="Column with the row's id.")]
CsatOption = Annotated[str | None, typer.Option("--csat", help="Column with satisfaction, 1-5.")]
CesOption = Annotated[str | None, typer.Option("--ces", help="Column with the effort score, 1-7, high is easy.")]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; default: the first with rows.")]
JourneyOption = Annotated[str, typer.Option("--journey", help="Which journey of the codeframe.")]
BundleOption = Annotated[Path | None, typer.Option("--bundle", help="Model folder; default: the shipped one.")]
FrameOption = Annotated[Path | None, typer.Option("--codeframe", help="Codeframe .yaml or .json to tag with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], metavar="DATE", help="Day of an action: did its code move?"),
]
GapsOption = Annotated[
    Path | None,
    typer.Option("--gaps", help="Ratings: dimension, experience, expectation, importance, ideal."),
]
TablesOption = Annotated[Path | None, typer.Option("--tables", help="Write the tables of the report as xlsx, too.")]
PicturesOption = Annotated[Path | None, typer.Option("--pictures", help="Write the pictures as PNG into a folder.")]
UnmaskedOption = Annotated[
    bool, typer.Option("--unmasked", help="Show telephone numbers, addresses and the like in comments as they are.")
]
