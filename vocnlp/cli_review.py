"""The commands of the review loop: shells over plain functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .cli_options import ERR, OUT, BundleOption, FrameOption, IdOption, JsonOption, SheetOption, TextOption, say
from .cli_review_given import answers_in, known_in, labelled_in, shares_of
from .errors import InputError, OutputError

if TYPE_CHECKING:
    from .codeframe import Codeframe
    from .review_merge import Adjudicated, Merged
    from .review_rows import Answer, Answers, Sample
    from .review_sample import Looked

review_app = typer.Typer(
    help="Choose rows for people to review, take their answers back, measure agreement and quality.",
    no_args_is_help=True,
)
AdjudicatorOption = Annotated[str, typer.Option("--adjudicator", help="The coder whose answer settles a dispute.")]
ReviewedArgument = Annotated[Path, typer.Argument(help="The jsonl that `review import` writes.", metavar="REVIEWED")]


@review_app.command("sample")
def sample(
    source: Annotated[
        Path, typer.Argument(help="Export, tagged file or store; with --labelled a labelled file.", metavar="IN")
    ],
    out: Annotated[
        list[Path],
        typer.Option("-o", "--out", help=".xlsx for a spreadsheet, .json for Label Studio; may be given twice."),
    ],
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows to choose: the budget.")] = 300,
    known: Annotated[
        list[Path] | None,
        typer.Option("--known", help="What is labelled already; its comments are not given out again."),
    ] = None,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="The rows carry labels: look for errors in them.")
    ] = False,
    by_bundle: Annotated[
        bool, typer.Option("--by-bundle", help="With --labelled: judge by a bundle that has not seen these rows.")
    ] = False,
    shares: Annotated[
        str, typer.Option("--shares", help="Split of the budget, as uncertain=0.5,rare=0.2,new=0.1,random=0.2.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", help="Of what is drawn by chance.")] = 0,
    text: TextOption = None,
    row_id: IdOption = None,
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
) -> None:
    """Choose the rows worth a person's time, and write them with the model's suggestions."""
    from .batch import Options
    from .review import SHARES, Plan
    from .review_sample import draw, read_comments
    from .tagger import Tagger

    _check_out(out, source, force=force)
    plan = Plan(rows, shares_of(shares) if shares else SHARES, seed)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    before = known_in(known or (), tagger.codeframe)
    named = {role: name for role, name in (("text", text), ("id", row_id)) if name}
    with ERR.status("reading and scoring"):
        if labelled:
            comments, seen = labelled_in(source, tagger, by_bundle=by_bundle)
        else:
            comments, seen = list(read_comments(source, Options(named=named, sheet=sheet))), None
        chosen, looked = draw(comments, tagger, plan, known=before, seen=seen)
    _write(chosen, out)
    _print_sample(chosen, looked, out)


@review_app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Reviewed .xlsx, or Label Studio's export .json.", metavar="FILE...")
    ],
    into: Annotated[Path, typer.Option("--into", help="The jsonl of all answers; made if it is not there.")],
    gold: Annotated[
        Path | None, typer.Option("--gold", help="Also write one agreed label a comment, to train and evaluate with.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="The coder of rows that name nobody.")] = "",
    adjudicator: AdjudicatorOption = "",
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
) -> None:
    """Check the answers of coders and put them to the earlier ones. Importing a file again changes nothing."""
    from .locks import one_at_a_time
    from .output_places import Place, check_places
    from .review_merge import adjudicate, check_labels, merge, read_answers, read_labels, write_answers
    from .unfinished import writing

    with ExitStack() as alone:
        with writing(into):
            alone.enter_context(one_at_a_time(into))
        check_places([Place(path) for path in (into, gold) if path is not None], files)
        standing = [] if gold is None else read_labels(gold)
        frame = _frame(bundle, codeframe)
        read = [answers_in(path, frame, by) for path in files]
        merged = merge(read_answers(into), [answer for one in read for answer in one.answers], path=into)
        settled = adjudicate(merged.answers, adjudicator=adjudicator)
        if gold is not None:
            check_labels(gold, standing, merged.answers)
        write_answers(into, merged.answers, frame)
        if gold is not None:
            write_answers(gold, settled.settled, frame)
    _print_import(read, merged, settled, into=into, gold=gold)


@review_app.command("agreement")
def agreement(reviewed: ReviewedArgument, as_json: JsonOption = False) -> None:
    """How far coders agree with each other and with the model, code by code."""
    from .review_agreement import agreement as measured

    answers = _answers(reviewed)
    found = measured(answers, _codes(answers))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    from .cli_review_tables import print_agreement

    print_agreement(OUT, ERR, found)


@review_app.command("quality")
def quality(
    reviewed: ReviewedArgument,
    of: Annotated[str, typer.Option("--of", help="Of several bundles, the one whose suggestions are judged.")] = "",
    adjudicator: AdjudicatorOption = "",
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Estimate the model's F1 over all comments from the reviewed rows, with a 95 % interval."""
    from .review_merge import adjudicate
    from .review_quality import of_bundle
    from .review_quality import quality as measured

    answers = _answers(reviewed)
    some = of_bundle(answers, of) if of else answers
    verdict = adjudicate(some, adjudicator=adjudicator)
    open_ = set(verdict.disputed)
    disputed = [answer for answer in some if answer.id in open_]
    found = measured(verdict.settled, _codes(some), seed=seed, disputed=disputed)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    from .cli_review_tables import print_quality

    print_quality(OUT, ERR, found)


def _check_out(out: Sequence[Path], source: Path, *, force: bool) -> None:
    """What would only be found out after all the scoring."""
    for path in out:
        if path.suffix.lower() not in (".xlsx", ".json"):
            raise OutputError(
                "rows to review are an .xlsx or a .json file", path=path, hint=f"name it {path.stem}.xlsx"
            )
        if not path.parent.is_dir():
            raise OutputError("the folder does not exist", path=path, hint=f"create {path.parent}")
        if path.exists() and (path.is_dir() or (source.exists() and path.samefile(source))):
            raise OutputError("is a folder or the input itself", path=path, hint="choose another name")
        if path.suffix.lower() == ".json" and path.with_suffix(".xml").exists() and not force:
            hint = "the labelling interface goes there: choose another name, or replace it with --force"
            raise OutputError("already exists", path=path.with_suffix(".xml"), hint=hint)
        if path.exists() and not force:
            hint = "it may hold answers: import them first, choose another name, or replace it with --force"
            raise OutputError("already exists", path=path, hint=hint)


def _write(chosen: Sample, out: Sequence[Path]) -> None:
    from .review_sheet import write_sheet
    from .review_studio import write_studio

    for path in out:
        if path.suffix.lower() == ".xlsx":
            write_sheet(chosen, path)
        else:
            write_studio(chosen, path)


def _print_sample(chosen: Sample, looked: Looked, out: Sequence[Path]) -> None:
    left = f"{looked.noise:,} noise, {looked.known:,} known"
    say(OUT, f"{looked.comments:,} comments, {looked.distinct:,} different ones to choose from ({left})")
    if looked.scored < looked.distinct:
        say(OUT, f"  {looked.scored:,} of them were scored; the random slice is of all")
    reasons = ", ".join(f"{reason} {count}" for reason, count in looked.reasons.items())
    say(OUT, f"chosen: {len(chosen.rows)} rows ({reasons})")
    for path in out:
        more = (
            f" and {path.with_suffix('.xml').name}, its labelling interface" if path.suffix.lower() == ".json" else ""
        )
        say(OUT, f"to review: {escape(str(path))}{escape(more)}")


def _frame(bundle: Path | None, codeframe: Path | None) -> Codeframe:
    from .bundle import Bundle
    from .codeframe import Codeframe

    return Codeframe.load(codeframe) if codeframe is not None else Bundle.load(bundle).codeframe


def _print_import(
    read: Sequence[Answers], merged: Merged, settled: Adjudicated, *, into: Path, gold: Path | None
) -> None:
    for remark in (remark for one in read for remark in one.remarks):
        say(ERR, f"[yellow]note:[/] {escape(remark)}")
    for repeated in merged.repeated:
        say(ERR, f"[yellow]note:[/] answered more than once, the last answer counts: {escape(repeated)}")
    if merged.older:
        some = ", ".join(merged.older[:10]) + (", ..." if len(merged.older) > 10 else "")
        told = (
            f"{len(merged.older)} answers are other ones than those there, but of an earlier moment: not taken: {some}"
        )
        say(ERR, f"[yellow]warning:[/] {escape(told)}")
        say(ERR, "next step: if they are the newer ones, save the file again and import it once more")
    counts = f"{merged.added} new, {merged.replaced} replaced, {merged.unchanged} there already"
    say(OUT, f"answers: {escape(str(into))} ({counts}; {sum(one.open for one in read)} rows still open)")
    if gold is not None:
        say(OUT, f"labels: {escape(str(gold))} ({len(settled.settled)} comments)")
    if settled.disputed:
        shown = ", ".join(settled.disputed[:20]) + (", ..." if len(settled.disputed) > 20 else "")
        say(OUT, f"[yellow]{len(settled.disputed)} comments need adjudication[/]: {escape(shown)}")
        say(OUT, "next step: a third coder, or one whose answer settles it with --adjudicator NAME")


def _answers(path: Path) -> list[Answer]:
    from .review_merge import read_answers

    if not path.exists():
        raise InputError("no such file", path=path, hint="it is what `vocnlp review import --into` writes")
    answers = read_answers(path)
    if not answers:
        raise InputError("holds no answer", path=path, hint="import reviewed rows first: vocnlp review import")
    return answers


def _codes(answers: Sequence[Answer]) -> list[str]:
    """The codes that coders gave or the model suggested."""
    given = {mark.code for answer in answers for mark in answer.tags}
    suggested = {mark.code for answer in answers if answer.origin is not None for mark in answer.origin.suggested}
    return sorted(given | suggested)
