"""``vocnlp discover``: topics of what the codeframe leaves open, and a person's decision on one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from .cli_options import (
    ERR,
    OUT,
    AtOption,
    BundleOption,
    FrameOption,
    IdOption,
    JourneyOption,
    ScoreOption,
    SheetOption,
    StageOption,
    TextOption,
    named_columns,
    say,
)
from .errors import InputError

_RUN = "run"


class _Usual(TyperGroup):
    """``vocnlp discover FILE`` is ``vocnlp discover run FILE``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = [_RUN, *args]
        return super().resolve_command(ctx, args)


discover_app = typer.Typer(
    cls=_Usual,
    help="Find topics that the codeframe does not know (vocnlp discover FILE), and take one in (accept).",
    no_args_is_help=True,
)


@discover_app.command(_RUN)
def discover(
    source: Annotated[Path, typer.Argument(help="A tagged file, a raw export, or a store's folder.", metavar="IN")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for page, workbook and topics.json.")] = Path(
        "topics"
    ),
    inside: Annotated[str | None, typer.Option(help="Look inside this code; default: what no code covers.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Look at all that is said, tagged or not.")] = False,
    least: Annotated[int | None, typer.Option(min=5, help="Distinct phrases that make a topic.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and data give the same topics.")] = 7,
    text: TextOption = None,
    score_column: ScoreOption = None,
    stage: StageOption = None,
    at: AtOption = None,
    row_id: IdOption = None,
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    journey: JourneyOption = "general",
    force: Annotated[bool, typer.Option("--force", help="Replace what stands in OUT.")] = False,
) -> None:
    """Topics with terms, verbatims, figures and a proposal each: what the codeframe does not know yet."""
    from .batch import Options
    from .cli_output import training_progress
    from .discovery import discover as run
    from .tagged_reading import read_rows
    from .tagger import Tagger
    from .topic_files import targets_in, write_topics
    from .topic_page import page
    from .topic_pieces import Scope
    from .topics import Recipe

    if everything and inside is not None:
        raise InputError("--all and --inside are two ways to look", hint="choose one")
    targets_in(out, (source, bundle, codeframe), force=force)  # before the work, not after it
    tagger = Tagger.load(bundle, codeframe=codeframe)
    named = named_columns(text, score_column, stage, None, None, None, at, row_id, None, None)
    with training_progress(ERR) as progress:
        progress("tagging", 0.0)
        table, facts = read_rows(source, tagger, Options(named=named, sheet=sheet))
        found = run(
            table, tagger.bundle, tagger.codeframe, scope=Scope(inside=inside, everything=everything),
            recipe=Recipe(least=least, seed=seed), journey=journey, facts=facts, progress=progress,
        )  # fmt: skip
    write_topics(found, out, page(found.to_dict()), force=force)
    _print(found, out)


def _print(found: Any, out: Path) -> None:
    from .topic_files import KINDS, PAGE
    from .topic_proposals import NOISE

    if found.reason:
        say(OUT, f"[yellow]{escape(found.reason)}[/]")
    rows = zip(found.topics, found.figures, found.proposals, strict=True)
    for topic, figures, proposal in sorted(rows, key=lambda row: row[2].kind == NOISE)[:15]:
        kind = KINDS[proposal.kind] + (f" {proposal.code}" if proposal.code else "")
        rising = " ↑" if figures.rising else ""
        say(OUT, f"[bold]{topic.id}[/] {figures.comments:>6,}{rising}  {escape(topic.name)}  [dim]{escape(kind)}[/]")
    if len(found.topics) > 15:
        say(OUT, f"... and {len(found.topics) - 15} more")
    counts = f"{found.comments:,} comments, {found.pieces:,} open phrases, {found.unplaced:,} in no topic"
    say(OUT, f"topics: {len(found.topics)} ({counts}); see {escape(str(out / PAGE))}")


@discover_app.command("accept")
def accept(
    topics: Annotated[Path, typer.Argument(help="topics.json of a discovery, or its folder.")],
    topic: Annotated[str, typer.Option(help="The topic's id.")],
    codeframe: Annotated[Path, typer.Option("--codeframe", help="The frame it goes into.")],
    out: Annotated[Path, typer.Option("--out", help="The next version of the frame, .yaml or .json.")],
    kind: Annotated[str | None, typer.Option("--as", help="new, sub, synonym or noise; default: as proposed.")] = None,
    code: Annotated[str | None, typer.Option(help="Id of the new code, or of the code that gets the words.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new code.")] = None,
    under: Annotated[str | None, typer.Option(help="The code a new one stands under.")] = None,
    examples: Annotated[Path | None, typer.Option(help="Write the topic's comments as jsonl, to be reviewed.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT and EXAMPLES.")] = False,
) -> None:
    """Write a topic into a new version of the codeframe; its comments become examples that a person should review."""
    from .cli_output import print_diff
    from .codeframe import Codeframe
    from .codeframe_writing import write_frame
    from .jsonlines import dump_json
    from .output_places import Place, check_places
    from .topic_accept import Decision, examples_of
    from .topic_accept import accept as run
    from .topic_files import COMMENTS, TOPICS, read_comments, read_topics
    from .whole_files import write_whole

    found, frame = read_topics(topics), Codeframe.load(codeframe)
    done = run(frame, found, Decision(topic, kind, code, name, under))
    if done.code is None:
        say(OUT, "noise: the codeframe stays as it is")
        return
    beside = topics if topics.is_dir() else topics.parent
    places = [Place(path, may_replace=force) for path in (out, examples) if path is not None]
    check_places(places, (codeframe, topics, beside / TOPICS, beside / COMMENTS))
    rows = list(examples_of(read_comments(topics, topic), done.code)) if examples else []
    write_frame(done.frame, out, force=force)
    if examples:
        write_whole(examples, "".join(dump_json(row) + "\n" for row in rows), replace=force)
    print_diff(OUT, frame, done.frame, frame.diff(done.frame))
    say(
        OUT,
        f"codeframe: {escape(str(out))}" + (f"; examples: {escape(str(examples))} ({len(rows)})" if examples else ""),
    )
