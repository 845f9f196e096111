"""The commands of the registry: shells over plain functions."""

from __future__ import annotations

import json
from datetime import datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .cli_options import ERR, OUT, IdOption, JsonOption, SheetOption, TextOption, say
from .cli_registry_output import (
    model_rows,
    print_comparison,
    print_history,
    print_models,
    print_problems,
    print_shadow,
)
from .errors import BundleError, InputError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .registry import Registry
    from .registry_gate import Objection
    from .tagger import Tagger

models_app = typer.Typer(help="Keep bundles in a registry: champion, challenger, history.", no_args_is_help=True)

RegistryOption = Annotated[Path, typer.Option("--registry", help="Folder of the registry.")]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who does it; default: the user of this machine.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the history.")]
DayOption = datetime | None
_FOLDER = Path("registry")


def _who(given: str | None) -> str:
    try:
        return given or getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        raise InputError("this user has no name on this machine", hint="say who you are with --who") from None


@models_app.command("list")
def list_models(registry: RegistryOption = _FOLDER, as_json: JsonOption = False) -> None:
    """The bundles, which aliases they have, what they were measured at, when they became champion; and what is amiss."""
    from .registry import Registry

    rows = model_rows(Registry.open(registry))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        print_models(rows)
    print_problems(rows, registry)


@models_app.command("add")
def add(
    bundle: Annotated[Path | None, typer.Argument(help="Bundle folder; default: the shipped one.")] = None,
    registry: RegistryOption = _FOLDER,
    alias: Annotated[str | None, typer.Option("--as", help="Give it this alias, as challenger.")] = None,
    who: WhoOption = None,
    reason: ReasonOption = "",
) -> None:
    """Copy a bundle into the registry, verified; the registry is created where there is none."""
    from .registry import Registry, ready

    name, source = _who(who), ready(bundle, registry, alias)  # before there is a registry: it would stay, and be empty
    label = Registry.open(registry, create=True).add(source, who=name, alias=alias, reason=reason)
    say(OUT, f"{escape(label)}" + (f" is {escape(alias)}" if alias else " is in the registry"))


@models_app.command("promote")
def promote(
    bundle: Annotated[str, typer.Argument(help="A label or alias of the registry, or a bundle folder.")],
    data: Annotated[list[Path] | None, typer.Option("--data", help="Labelled comments to compare on.")] = None,
    registry: RegistryOption = _FOLDER,
    critical: Annotated[str, typer.Option(help="Codes that must not suffer, as a,b; added to registry.toml's.")] = "",
    slowest: Annotated[float | None, typer.Option(min=0, help="Least share of the champion's speed.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote in spite of objections; needs --reason.")] = False,
    reason: ReasonOption = "",
    who: WhoOption = None,
) -> None:
    """Make a bundle champion, unless it is worse than the champion beyond chance, on a critical code, or too slow."""
    from .registry import CHAMPION, Registry, ready
    from .registry_folder import is_registry

    if force and not reason.strip():
        raise InputError("--force needs a reason", hint='say why: --force --reason "..."')
    name, folder = _who(who), Path(bundle)
    source = ready(folder, registry) if folder.is_dir() and not is_registry(registry) else folder
    opened = Registry.open(registry, create=folder.is_dir())
    label = opened.label(bundle) or (opened.add(source, who=name) if folder.is_dir() else None)
    if label is None:
        raise InputError(
            f"{bundle} is neither in the registry nor a bundle folder", hint=f"vocnlp models list --registry {registry}"
        )
    over = opened.state().label(CHAMPION)
    if over == label:
        say(OUT, f"{escape(label)} is the champion already")
        return
    comparison: dict[str, Any] | None = None
    if over is not None:
        comparison, objections = _judged(opened, over, label, data or [], critical, slowest, force)
        if objections and not force:
            raise RegistryError(f"{label} is not promoted; {over} stays champion", path=registry, hint=_FORCE)
    opened.promote(label, who=name, over=over, reason=reason, forced=force, comparison=comparison)
    say(OUT, f"champion: {escape(label)}" + (f" (was {escape(over)})" if over else ""))


_FORCE = 'improve it, or promote it all the same with --force --reason "..."'


def _judged(
    opened: Registry, over: str, label: str, data: Sequence[Path], critical: str, slowest: float | None, force: bool
) -> tuple[dict[str, Any] | None, tuple[Objection, ...]]:
    """The comparison as the history keeps it, and what speaks against; printed on the way."""
    from .registry_gate import gate, kept
    from .tagger import Tagger

    settings = opened.settings()
    files = list(data) or ([settings.data] if settings.data else [])
    if not files:
        if force:
            return None, ()
        hint = 'give --data LABELLED, or put data = "labelled.jsonl" into registry.toml'
        raise InputError("a bundle is promoted over a champion by comparing them on labelled comments", hint=hint)
    try:
        old = Tagger.load(opened.path(over))
    except BundleError as error:
        if not force:
            told = f"the champion {over} cannot be read, so nothing can be compared with it: {error.message}"
            hint = 'vocnlp models rollback, or promote all the same with --force --reason "..."'
            raise RegistryError(told, path=opened.folder, hint=hint) from error
        say(ERR, f"[yellow]warning:[/] not compared, for the champion cannot be read: {escape(str(error))}")
        return None, ()
    new = Tagger.load(opened.path(label))
    wanted = frozenset(
        _code(word.strip(), old, new) for word in {*critical.split(","), *settings.critical} if word.strip()
    )
    with ERR.status("comparing"):
        compared = _compared(old, new, files)
    objections = gate(compared, critical=wanted, slowest=settings.slowest if slowest is None else slowest)
    print_comparison(compared, wanted)
    for one in objections:
        say(ERR, f"[yellow]objection:[/] {escape(one.told)}")
    return kept(compared, objections), objections


def _code(word: str, old: Tagger, new: Tagger) -> str:
    """The id that a critical code's id or name means in either frame."""
    from difflib import get_close_matches

    for frame in (new.codeframe, old.codeframe):  # of a code that has another id by now, the new one
        if code := frame.resolve(word):
            return code.id
    words = [known for tagger in (old, new) for code in tagger.codeframe.taggable for known in (code.id, code.name)]
    near = get_close_matches(word, words, 1)
    hint = f"did you mean {near[0]!r}?" if near else "vocnlp codeframe show lists the codes"
    raise InputError("the critical code is in neither codeframe", value=word, hint=hint)


def _compared(old: Tagger, new: Tagger, files: Sequence[Path]) -> Any:
    from .training.comparison import compare
    from .training.labelled import read_labelled

    return compare(old, new, [row for path in files for row in read_labelled(path, old.codeframe, new.codeframe)])


@models_app.command("rollback")
def rollback(
    registry: RegistryOption = _FOLDER,
    to: Annotated[str | None, typer.Option("--to", help="A label or alias; default: the champion before.")] = None,
    reason: ReasonOption = "",
    who: WhoOption = None,
) -> None:
    """Go back to the champion before, or to another bundle, without a comparison."""
    from .registry import CHAMPION, Registry

    opened = Registry.open(registry)
    was = opened.state().label(CHAMPION)
    meant = opened.label(to) if to is not None else None
    if to is not None and meant is None:
        hint = f"vocnlp models list --registry {registry}"
        raise RegistryError(f"has no bundle or alias {to}", path=registry, hint=hint)
    label = opened.rollback(who=_who(who), to=meant, reason=reason)
    say(OUT, f"champion: {escape(label)} (was {escape(str(was))})")


@models_app.command("verify")
def verify(registry: RegistryOption = _FOLDER, as_json: JsonOption = False) -> None:
    """Read every byte of every bundle, and say which aliases are sound; exit code 2 when something is not."""
    from dataclasses import asdict

    from .registry import Registry

    found = Registry.open(registry).verify()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
    else:
        for one in found:
            say(
                OUT,
                f"[red]spoilt[/] {escape(one.name)}: {escape(one.problem)}"
                if one.problem
                else f"sound  {escape(one.name)}",
            )
    if bad := sum(bool(one.problem) for one in found):
        hint = "add a sound copy under another version, and vocnlp models rollback --to a sound bundle"
        raise RegistryError(f"{bad} of {len(found)} are not sound", path=registry, hint=hint)


@models_app.command("history")
def history(
    registry: RegistryOption = _FOLDER,
    limit: Annotated[int, typer.Option(min=1, help="Newest changes only.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Every change, newest first: who, when, what, and why."""
    from .registry import Registry

    told = Registry.open(registry).history()[::-1][:limit]
    if as_json:
        for row in told:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    print_history(told)


@models_app.command("shadow")
def shadow(
    data: Annotated[
        str, typer.Option("--data", help="A file or store of new comments, also as STORE:2026-06-01..2026-06-30.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The .xlsx to write; a .json of the same name goes beside it.")
    ],
    registry: RegistryOption = _FOLDER,
    challenger: Annotated[
        str, typer.Option(help="A label or alias of the registry, or a bundle folder.")
    ] = "challenger",
    text: TextOption = None,
    row_id: IdOption = None,
    sheet: SheetOption = None,
    since: Annotated[
        DayOption, typer.Option("--since", formats=["%Y-%m-%d"], metavar="DATE", help="First day.")
    ] = None,
    until: Annotated[DayOption, typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="Last day.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at OUT.")] = False,
) -> None:
    """Score new comments with champion and challenger, and write where they differ; goes on where it was stopped."""
    from .batch import Options
    from .output_places import Place, check_places
    from .registry import CHAMPION, Registry
    from .shadow_files import shadow_file
    from .tagger import Tagger
    from .traffic import Traffic

    opened = Registry.open(registry)
    label = opened.label(challenger)
    if label is None and not Path(challenger).is_dir():
        hint = "vocnlp models add BUNDLE --as challenger"
        raise RegistryError(f"has no {challenger}", path=registry, hint=hint)
    champion = opened.state().label(CHAMPION)
    if champion is None:
        raise RegistryError("has no champion", path=registry, hint="vocnlp models promote BUNDLE")
    named = {role: column for role, column in (("text", text), ("id", row_id)) if column}
    days = {"since": since.date() if since else None, "until": until.date() if until else None}
    traffic = Traffic.of(data, **days, options=Options(named, sheet))
    beside = Place(out.with_suffix(".json"), may_replace=force)
    check_places([Place(out, (".xlsx",), "is no .xlsx", force), beside], [traffic.place])
    old, new = Tagger.load(opened.path(champion)), Tagger.load(opened.path(label) if label else challenger)
    with ERR.status("scoring") as status:
        found = shadow_file(
            old, new, traffic, out, force=force, report=lambda rows: status.update(f"scoring: {rows:,} comments")
        )
    if told := traffic.timeless():
        say(ERR, f"[yellow]warning:[/] {escape(told)}")
    print_shadow(found, new, out)


@models_app.command("log")
def log(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder, or a registry: its champion.")],
    mlflow: Annotated[str, typer.Option("--mlflow", help="Tracking server http://..., or a folder.", metavar="URI")],
    experiment: Annotated[str, typer.Option(help="Name of the experiment; created where there is none.")] = "vocnlp",
) -> None:
    """Write the parameters and figures of a bundle to MLflow."""
    from .bundle import Bundle
    from .training.tracking import log_training

    loaded = Bundle.load(bundle)
    run = log_training(loaded, mlflow, experiment)
    say(OUT, f"{escape(loaded.label)}: run {run} of {escape(experiment)} at {escape(mlflow)}")
