"""What the command line shows: progress bars, chosen columns, summaries, trees, tables of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.tree import Tree

from .batch import Scored
from .codeframe import Codeframe, CodeframeDiff
from .column_choice import (
    FORMULAS,
    FRACTIONS,
    LOW,
    NO_ANSWERS,
    NO_TIMES,
    OFF_SCALE,
    REPEATED,
    TIED,
    UNDIRECTED,
    UNORDERED,
    UP_TO_FIVE,
)  # fmt: skip
from .column_header import data_in_header
from .columns import ROLES, Columns
from .filekinds import CSV, XLSX
from .privacy import mask
from .records import NEGATIVE, NEUTRAL, POSITIVE, Prediction
from .sheets_reading import header_row_of, merged_of, unread_of
from .tables import Source
from .workbook import is_own

_STYLE = {POSITIVE: "green", NEUTRAL: "yellow", NEGATIVE: "red"}
_WHY = {"name": "by its name", "content": "by its content", "named": "as you said"}
_LEFT = {
    NO_ANSWERS: "not taken: {} is not mainly numbers within 0-10",
    FORMULAS: "not taken: {} holds formulas that were never calculated; open the file in Excel and save it",
    FRACTIONS: "not taken: {} is mostly fractions of 1, as percent cells are; if it is a 0-10 answer, name it with --score",
    LOW: "{} never exceeds 5; if it is no 0-10 answer, name another one with --score",
    UP_TO_FIVE: "not taken: {} never exceeds 5, so it is no 0-10 answer",
    TIED: "not taken: {} are equally likely; name one with --{role}",
    OFF_SCALE: "not taken: {} is not mainly answers of {scale}",
    UNDIRECTED: "not taken: {} does not say whether high is easy; if it is, name it with --ces",
    NO_TIMES: "not taken: {} is not mainly dates or times, because of cells such as {example!r}; write 2026-03-01",
    UNORDERED: "not taken: {} has dates such as {example!r}, and none says whether the day or the month stands first; "
    "write 2026-03-01",
    REPEATED: "not taken: {} holds {example!r} more than once, so it numbers no rows; rows go by their place",
}
_SCALE = {"csat": "1-5", "ces": "1-7"}


def print_columns(console: Console, source: Source, columns: Columns) -> None:
    """Say what was chosen, so that nobody has to guess."""
    where = (
        f"sheet {source.sheet!r}"
        if source.sheet
        else ", ".join(filter(None, [source.encoding, source.delimiter and f"delimiter {source.delimiter!r}"]))
    )
    _line(console, f"[bold]{escape(source.path.name)}[/] ({escape(where or source.kind)})")
    if not is_own(source.sheets) and (unread := unread_of(source)):
        reads = f"--sheet {unread[0]} reads it" if len(unread) == 1 else "--sheet reads one of them"
        told = f"not read: {', '.join(unread)}; {reads}"
        _line(console, f"  [yellow]{escape(told)}[/]")
    if above := getattr(source, "above", ()):
        told = f"above the header, row {getattr(source, 'header_row', 1)}, and taken for a title: {', '.join(above)}"
        console.print(f"  [yellow]{escape(told)}[/]", highlight=False, soft_wrap=True)
    if source.kind in (CSV, XLSX) and (cell := data_in_header(source.schema.names)) is not None:
        told = (
            f"the first row looks like data ({mask(cell)[:20]!r}), but it is read as the header: put a header above it"
        )
        console.print(f"  [yellow]{escape(told)}[/]", highlight=False, soft_wrap=True)
    for told in _merged(source, columns):
        console.print(f"  [yellow]{escape(told)}[/]", highlight=False, soft_wrap=True)
    for role in ("text", "score", "csat", "ces", "stage", "channel", "segment", "customer", "at", "id"):
        column, left = columns.of(role), columns.left.get(role)
        if column is not None:
            shown = f"{escape(column)}  [dim]{_WHY[columns.how[role]]}[/]"
            shown += f"  [dim]{columns.order}[/]" if role == "at" and columns.order else ""
            _line(console, f"  {role:<9} {shown}")
        if left is not None:
            names = ", ".join(left.names)
            told = _LEFT[left.why].format(names, role=role, scale=_SCALE.get(role), example=mask(left.example))
            colour = "dim" if column is None else "yellow"
            _line(console, f"  {role if column is None else '':<9} [{colour}]- {escape(told)}[/]")


def _merged(source: Source, columns: Columns) -> Iterator[str]:
    """What became of merged cells, a column at a time; those of columns without a role came as they are."""
    below = Counter[str]()
    for one in merged_of(source):
        below[one.column] += one.below
    for column, count in below.items():
        if column in columns.grouping:
            yield f"{column}: merged cells; their value counts in each of their rows, {count:,} that were empty"
        elif any(columns.of(role) == column for role in ROLES):
            yield f"{column}: merged cells; each counts once, in the first of its rows, and {count:,} below have none"


@contextmanager
def scoring_progress(console: Console, rows: int | None) -> Iterator[Callable[[int, float], None]]:
    """A bar with rows per second and the time left; without a terminal, nothing."""
    speed = TextColumn("{task.fields[speed]} rows/s")
    shown = (
        SpinnerColumn(),
        TextColumn("scoring"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
    )
    with Progress(*shown, speed, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("scoring", total=1.0, rows=0, speed="-")

        def report(done: int, share: float) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            # The file's position runs ahead of the rows that came back; the count of rows is exact where it is known.
            completed = done / rows if rows else share
            progress.update(
                task, completed=min(1.0, completed), rows=done, speed=f"{done / elapsed:,.0f}" if elapsed > 0.5 else "-"
            )

        yield report


@contextmanager
def training_progress(console: Console) -> Iterator[Callable[[str, float], None]]:
    """A bar over the whole training, with what is being learnt."""
    shown = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda what, share: progress.update(task, description=what, completed=share)


def print_scored(console: Console, scored: Scored, source: Source | None = None) -> None:
    """The summary after a run: rows, noise, NPS, and the pains that cost most.

    Rows of a sheet ``source`` are told as Excel counts them, all others as data rows.
    """
    header_row = header_row_of(source)
    counted, before = ("data row", 0) if header_row is None else ("Excel row", header_row)
    figures, finished = scored.figures, scored.finished
    totals, nps = figures.totals, figures.nps
    noise = ", ".join(f"{kind} {count:,}" for kind, count in totals.noise.items())
    resumed = f" ({scored.resumed:,} from the run before)" if scored.resumed else ""
    _line(console, f"[bold]{scored.rows:,} rows[/]{resumed} -> {escape(str(finished.path))}")
    _line(
        console,
        f"  read {totals.comments:,}; noise {totals.rows - totals.comments:,}" + (f" ({noise})" if noise else ""),
    )
    if totals.comments:
        _line(console, f"  sentiment: {totals.positive:,} positive, {totals.neutral:,} neutral, {totals.negative:,} negative; "
                       f"{totals.tagged:,} comments with {totals.tags:,} tags")  # fmt: skip
    for (column, problem), count in finished.problems.items():
        of_kind = (p for p in finished.listed if (p.column, p.problem) == (column, problem))
        rows = [f"{counted} {before + p.row}: {mask(p.value)[:20]!r}" for p in of_kind]
        more = ", ..." if count > 3 else ""
        _line(console, f"  [yellow]{escape(column)}: {count:,} {problem}[/] "
                       f"({escape(', '.join(rows[:3]))}{more}); such cells are left out, their rows are kept")  # fmt: skip
    if finished.guarded:
        _line(console, f"  {finished.guarded:,} cells got an apostrophe, so that no spreadsheet runs them as a formula")
    if finished.cut:
        _line(console, f"  [yellow]{finished.cut:,} texts were longer than an Excel cell and are cut there[/]")
    if scored.replaced:
        _line(console, f"  [yellow]{scored.replaced:,} cells held characters that no file may hold; they are now �[/]")
    if nps.nps is not None:
        _line(console, f"  NPS {nps.nps:+.1f} (95 % {nps.low:+.1f} to {nps.high:+.1f}, n = {nps.n:,})")
        _print_pains(console, scored)
    elif often := sorted((c for c in figures.codes if c.leaf and c.negative), key=lambda c: -c.negative)[:8]:
        _line(console, "  no scores, so no NPS; most often negative: "
                       + escape(", ".join(f"{code.name} {code.negative:,}" for code in often)))  # fmt: skip


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def _print_pains(console: Console, scored: Scored) -> None:
    pains = [c for c in scored.figures.codes if c.leaf and c.pain.points is not None and c.pain.points < 0][:8]
    if not pains:
        return
    best: dict[str, tuple[int, str]] = {}
    names = {group.key: group.name for group in scored.figures.stages}
    for cell in scored.figures.heat:
        best[cell.code] = max(best.get(cell.code, (0, "")), (cell.negative, names.get(cell.group, cell.group)))
    table = Table(title="pain points by what they cost in NPS", title_justify="left", title_style="bold", box=None)
    table.add_column("code")
    for head in ("negative", "NPS of these", "cost in points"):
        table.add_column(head, justify="right")
    table.add_column("mostly at")
    for code in pains:
        own = code.pain.carrying.nps
        mark = " [dim](few)[/]" if code.pain.small else ""
        table.add_row(escape(code.name), f"{code.negative:,}", "-" if own is None else f"{own:+.0f}",
                      f"{code.pain.points:+.1f}{mark}", escape(best.get(code.code, (0, "-"))[1]))  # fmt: skip
    console.print(table)


def prediction_dict(text: str, prediction: Prediction, frame: Codeframe) -> dict[str, Any]:
    """A prediction as plain data, with code names and quotes."""
    tags = [
        {
            "code": tag.code,
            "name": frame[tag.code].name if tag.code in frame else tag.code,
            "polarity": tag.polarity,
            "confidence": round(tag.confidence, 4),
            "start": tag.start,
            "end": tag.end,
            "quote": text[tag.start : tag.end],
            "source": tag.source,
        }
        for tag in prediction.tags
    ]
    head = {"text": text, "sentiment": prediction.sentiment, "confidence": round(prediction.confidence, 4)}
    return {**head, "noise": prediction.noise, "tags": tags, "bundle": prediction.bundle}


def print_prediction(console: Console, text: str, prediction: Prediction, frame: Codeframe) -> None:
    _line(console, escape(text) or "[dim](empty)[/]")
    if prediction.noise:
        _line(console, f"  [dim]noise: {prediction.noise}[/]")
        return
    style = _STYLE[prediction.sentiment]
    _line(console, f"  [{style}]{prediction.sentiment}[/] {prediction.confidence:.2f}")
    for tag in prediction.tags:
        path = " > ".join(code.name for code in frame.path(tag.code)) if tag.code in frame else tag.code
        quote = escape(text[tag.start : tag.end])
        _line(
            console,
            f"  [{_STYLE[tag.polarity]}]{tag.polarity:<8}[/] {escape(path)}  «{quote}» [dim]{tag.confidence:.2f} {tag.source}[/]",
        )


def print_frame(console: Console, frame: Codeframe) -> None:
    tree = Tree(
        f"[bold]{escape(frame.title or frame.name)}[/] {frame.version} [dim]{len(frame)} codes, {frame.digest[:12]}[/]"
    )

    def add(branch: Tree, code_id: str) -> None:
        code = frame[code_id]
        industries = f" [cyan]{'/'.join(code.industries)}[/]" if code.industries else ""
        twig = branch.add(f"{escape(code.name)} [dim]{escape(code.id)}[/]{industries}")
        for child in frame.children(code_id):
            add(twig, child.id)

    for root in frame.roots:
        add(tree, root.id)
    console.print(tree)


def print_diff(console: Console, old: Codeframe, new: Codeframe, diff: CodeframeDiff) -> None:
    _line(console, f"{old.name} {old.version} -> {new.name} {new.version}")
    for code in diff.added:
        _line(console, f"  [green]+[/] {escape(code)} {escape(new[code].name)}")
    for code in diff.removed:
        _line(console, f"  [red]-[/] {escape(code)} {escape(old[code].name)}")
    for code, (before, after) in diff.renamed.items():
        _line(console, f"  ~ {escape(code)}: name {escape(before)} -> {escape(after)}")
    for code, (above, below) in diff.moved.items():
        _line(console, f"  ~ {escape(code)}: parent {above or '-'} -> {below or '-'}")
    for code, names in diff.changed.items():
        _line(console, f"  ~ {escape(code)}: {', '.join(names)}")
        for mark, one, two in (("[red]-[/]", old[code], new[code]), ("[green]+[/]", new[code], old[code])):
            for rule in (rule for rule in one.rules if rule not in two.rules):
                _line(console, f"      {mark} {rule.effect}: {escape(rule.when)}")
    for name in diff.synonyms:
        _line(console, f"  ~ @{escape(name)}: synonyms")
    if not diff:
        _line(console, "  no difference")


def print_figures(console: Console, figures: Mapping[str, Any]) -> None:
    """Figures of one evaluation, or of one a set."""
    sets = {"": figures} if "codes" in figures or "sentiment" in figures else figures
    table = Table(box=None)
    heads = ("set", "sentiment acc.", "macro-F1", "codes micro-F1", "macro-F1", "pairs micro-F1", "evidence")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for name, one in sets.items():
        picks = (("sentiment", "accuracy"), ("sentiment", "macro_f1"), ("codes", "micro_f1"), ("codes", "macro_f1"),
                 ("pairs", "micro_f1"), ("evidence", "overlap"))  # fmt: skip
        values = [one.get(part, {}).get(figure) for part, figure in picks]
        table.add_row(escape(name), *("-" if value is None else f"{value:.3f}" for value in values))
    console.print(table)
    if figures.get("comments_per_second"):
        _line(console, f"{figures['rows']:,} comments, {figures['comments_per_second']:,.0f} a second")
