"""The commands of those who write rules: check them, try them on a sentence, count what they do to an export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .cli_options import ERR, OUT, BundleOption, JsonOption, SheetOption, TextOption, say
from .errors import CodeframeError

if TYPE_CHECKING:
    from .codeframe import Codeframe
    from .rule_report import RuleCount, RuleReport
    from .tagger import Tagger, Traced

rules_app = typer.Typer(help="Check, try and count the rules of a codeframe.", no_args_is_help=True)
RuledFrame = Annotated[Path, typer.Option("--codeframe", help="Codeframe .yaml or .json with rules.")]


@rules_app.command("check")
def check(frame: Annotated[Path, typer.Argument(help="A codeframe .yaml or .json.", metavar="FRAME")]) -> None:
    """Read every rule; exit code 2 with file, line and character if one is broken, warnings if it is odd."""
    from .codeframe import Codeframe

    loaded = Codeframe.load(frame)
    for warning in loaded.warnings():
        say(ERR, f"[yellow]warning:[/] {escape(warning)}")
    for code in loaded.codes:
        for number, rule in enumerate(code.rules, 1):
            about = ", ".join(filter(None, [rule.effect, rule.polarity, rule.scope, rule.name]))
            say(OUT, f"{escape(code.id)}#{number} ({escape(about)}): {escape(rule.when)}")
    total = sum(len(code.rules) for code in loaded.codes)
    say(OUT, f"{escape(loaded.name)} {escape(loaded.version)}: {total} rules, {len(loaded.synonyms)} synonyms")


@rules_app.command("test")
def test(
    codeframe: RuledFrame,
    texts: Annotated[list[str], typer.Argument(help="Comments.")],
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which rule holds where in some comments, and what came of it."""
    from .cli_output import prediction_dict, print_prediction

    tagger = _tagger(codeframe, bundle)
    for text, traced in zip(texts, tagger.trace(texts), strict=True):
        held = _held(text, traced, tagger)
        if as_json:
            said = prediction_dict(text, traced.prediction, tagger.codeframe)
            typer.echo(json.dumps({**said, "rules": held}, ensure_ascii=False))
            continue
        print_prediction(OUT, text, traced.prediction, tagger.codeframe)
        for one in held:
            words = escape(" + ".join(one["words"]))
            say(
                OUT,
                f"  rule {escape(one['rule'])} ({one['effect']}) by {words} in «{escape(one['quote'])}»: {one['outcome']}",
            )
        if not held and not traced.prediction.noise:
            say(OUT, "  [dim]no rule holds[/]")


@rules_app.command("report")
def report(
    codeframe: RuledFrame,
    data: Annotated[str, typer.Option("--data", help="Comments: a file, or the folder of a store.")],
    bundle: BundleOption = None,
    text: TextOption = None,
    sheet: SheetOption = None,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="DATA is labelled: count how often rules are right.")
    ] = False,
    examples: Annotated[int, typer.Option(min=0, help="Comments to show a rule, masked.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Count for every rule where it held and what it changed; name those that never do."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from .rule_report import RuleReport

    path = Path(data)
    tagger = _tagger(codeframe, bundle)
    counted = RuleReport(tagger, examples=examples)
    read = _labelled(path, tagger.codeframe) if labelled else ((texts, None) for texts in _texts(path, text, sheet))
    shown = (SpinnerColumn(), TextColumn("{task.completed:,} comments"))
    with Progress(*shown, console=ERR, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("", total=None)
        for texts, gold in read:
            counted.add(texts, gold=gold)
            progress.update(task, completed=counted.comments)
    if as_json:
        typer.echo(json.dumps(_report_dict(counted), ensure_ascii=False, indent=2))
    else:
        _print_report(counted, judged=labelled)


def _tagger(codeframe: Path, bundle: Path | None) -> Tagger:
    from .tagger import Tagger

    tagger = Tagger.load(bundle, codeframe=codeframe)
    if not tagger.conditions:
        hint = "give a code rules: - when: '…'; docs/rules.md has the language"
        raise CodeframeError("none of the codes that a comment may carry has rules", path=codeframe, hint=hint)
    return tagger


def _held(text: str, traced: Traced, tagger: Tagger) -> list[dict[str, Any]]:
    from .rule_report import outcomes

    became = outcomes(traced, tagger.decided)
    return [
        {
            "rule": one.condition.label,
            "code": one.condition.code,
            "effect": one.condition.rule.effect,
            "when": one.condition.rule.when,
            "words": list(one.words),
            "start": (start := traced.spans[one.first][0]),
            "end": (end := traced.spans[one.last][1]),
            "quote": text[start:end],
            "outcome": became[one.condition.order],
        }
        for one in traced.firings
    ]


def _texts(path: Path, column: str | None, sheet: str | None) -> Iterator[list[str]]:
    """The comments of a file or store, some thousand at a time."""
    from .batch import Options, open_for_scoring
    from .column_values import as_texts
    from .store import Store
    from .tagged_reading import is_store

    if is_store(path):
        for batch in Store.open(path).read().to_batches(columns=["text"]):
            yield [said or "" for said in batch.column("text").to_pylist()]
        return
    named = {"text": column} if column else {}
    source, columns = open_for_scoring(path, Options(named=named, sheet=sheet))
    for batch in source.batches(4096):
        said = as_texts(batch.column(columns.text), batch.schema.field(columns.text))
        yield [one or "" for one in said.to_pylist()]


def _labelled(path: Path, frame: Codeframe) -> Iterator[tuple[Sequence[str], Any]]:
    """The comments and, for each, the codes it carries and those that were looked for, all as ids of the frame."""
    from .training.labelled import in_frame, read_labelled

    rows = in_frame(read_labelled(path, frame), frame, path=path)
    every = [code.id for code in frame.codes]
    for at in range(0, len(rows), 4096):
        some = rows[at : at + 4096]
        gold = [({tag.code for tag in row.tags}, {code for code in every if row.looked_for(code)}) for row in some]
        yield [row.text for row in some], gold


def _print_report(counted: RuleReport, *, judged: bool) -> None:
    from rich.table import Table

    table = Table(box=None)
    table.add_column("rule", overflow="fold")
    table.add_column("effect")
    heads = ["held", "added", "agreed", "removed", "idle", "overruled", "dropped"]
    for head in [*heads, *(["right"] if judged else [])]:
        table.add_column(head, justify="right", no_wrap=True)
    for one in (counts := counted.counts()):
        numbers = [one.fired, *one.outcomes.values(), one.dropped]
        right = [] if not judged else ["-" if one.precision is None else f"{one.precision:.0%}"]
        cells = (f"{number:,}" if number else "-" for number in numbers)
        table.add_row(escape(one.condition.label), one.condition.rule.effect, *cells, *right)
    OUT.print(table)
    for one in counts:
        for example in one.examples:
            say(OUT, f"  {escape(one.condition.label)}: {escape(example)}")
    for remark in dict.fromkeys(one.remark for one in counts if one.remark):
        labels = ", ".join(one.condition.label for one in counts if one.remark == remark)
        say(OUT, f"[yellow]{remark}[/]: {escape(labels)}")
    say(OUT, f"{counted.comments:,} comments, {counted.noise:,} of them noise")


def _report_dict(counted: RuleReport) -> dict[str, Any]:
    return {
        "comments": counted.comments,
        "noise": counted.noise,
        "rules": [_count_dict(one) for one in counted.counts()],
    }


def _count_dict(one: RuleCount) -> dict[str, Any]:
    rule, found = one.condition, {"held": one.fired, **one.outcomes, "dropped": one.dropped}
    head = {"rule": rule.label, "code": rule.code, "number": rule.number, "effect": rule.rule.effect}
    right = {"right": one.right, "judged": one.judged, "precision": one.precision} if one.judged else {}
    return {**head, "when": rule.rule.when, **found, **right, "remark": one.remark, "examples": list(one.examples)}
