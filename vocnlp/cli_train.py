"""``vocnlp train``: says what it found in the data, trains, says what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .cli_given import given
from .cli_options import ERR, OUT, FrameOption, say
from .errors import InputError

if TYPE_CHECKING:
    from .output_places import Place
    from .training.checked import Checked, Finding
    from .training.own_recipe import OwnRecipe
    from .training.preparing import Prepared

# Options that have no place beside one that says it all.
_OWN = {"codeframe", "dev", "dev_parts", "seed", "noisy_labels"}
_BESIDE_RECIPE = _OWN | {"data", "linear", "encoder", "init", "ngrams"}
_BESIDE_SETS = _OWN | {"write_recipe", "allow_changed"}
_BESIDE_TEACHER = _BESIDE_SETS | {"recipe", "data_root", "ngrams", "suspects"}
_MARK = {"refuse": "[red]refused[/]", "warn": "[yellow]warning[/]", "note": "[dim]note[/]"}

_Init = Annotated[Path | None, typer.Option(help="Fine-tune this bundle's encoder; default: the shipped one.")]
_Few = Annotated[
    bool, typer.Option("--few", help="Teach the bundle of --init the codes it lacks; its own codes stay as they are.")
]
_Noisy = Annotated[
    bool,
    typer.Option("--noisy-labels", help="Many labels are wrong: learn less from unlikely ones. One code a comment."),
]
_Suspects = Annotated[Path | None, typer.Option(help="With --noisy-labels: write the unlikely labels to this csv.")]
_Changed = Annotated[bool, typer.Option("--allow-changed", help="Train though a recipe's data changed.")]
_Mlflow = Annotated[
    str | None, typer.Option(help="Write parameters and figures there: http://..., or a folder.", metavar="URI")
]


def train(
    ctx: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the new bundle.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Labelled jsonl, xlsx or csv.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML recipe: own data, or several sets.")] = None,
    data_root: Annotated[Path | None, typer.Option("--data-root", help="Folder of a recipe's sets.")] = None,
    codeframe: FrameOption = None,
    linear: Annotated[bool, typer.Option("--linear", help="Train a linear model: seconds, and no torch.")] = False,
    encoder: Annotated[str | None, typer.Option(help="Fine-tune this: a folder, or OWNER/NAME@REVISION.")] = None,
    init: _Init = None,
    ngrams: Annotated[bool, typer.Option(help="Train n-grams beside the encoder; without, it is alone.")] = True,
    teacher: Annotated[Path | None, typer.Option(help="Learn from this bundle, on the comments of --data.")] = None,
    dev: Annotated[Path | None, typer.Option("--dev", help="Measure on this labelled file, and hold out none.")] = None,
    dev_parts: Annotated[int, typer.Option(help="Hold out one part in this many for measuring; 0: none.", min=0)] = 10,
    seed: Annotated[int, typer.Option(help="Of the encoder's fit; the linear model has no chance in it.", min=0)] = 7,
    few: _Few = False,
    noisy_labels: _Noisy = False,
    suspects: _Suspects = None,
    check: Annotated[bool, typer.Option("--check", help="Only look over the data.")] = False,
    write_recipe: Annotated[Path | None, typer.Option(help="Write what is done here as a TOML recipe.")] = None,
    allow_changed: _Changed = False,
    mlflow: _Mlflow = None,
    experiment: Annotated[str, typer.Option(help="Name of MLflow's experiment.")] = "vocnlp",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT, the recipe and the suspects.")] = False,
) -> None:
    """Train a bundle from labelled comments, measure it on a held-out split, and write it with its card."""
    from .output_places import check_places
    from .training.own_recipe import write_own_recipe
    from .training.preparing import prepare

    start = _start(linear, encoder, init)
    begun = linear or encoder is not None or recipe is not None
    _refuse_mixed(few, noisy_labels, start=start, teacher=teacher, begun=begun)
    _refuse_passed_over(ctx, recipe, teacher, of_sets=data_root is not None)
    place = None if check else _place(out, mlflow, experiment, force=force)
    written = _written(place, write_recipe, suspects, force=force)
    check_places(written, [recipe, data, codeframe, dev, teacher, start])
    if teacher is not None:
        _distil(data, teacher, start, place, force=force)
        _track(place, mlflow, experiment)
        return
    if data_root is not None and recipe is not None:
        check_places(written, _sets_of(recipe, data_root))
        prepared = _of_sets(recipe, data_root, data, start, ngrams=ngrams)
    else:
        own = _own(ctx, recipe, allow_changed=allow_changed) or _from_options(
            data, out, codeframe=codeframe, dev=dev, dev_parts=dev_parts, start=start,
            ngrams=ngrams, seed=seed, noisy=noisy_labels, few=few,
        )  # fmt: skip
        check_places(written, [own.data, own.codeframe, own.dev, own.start])
        prepared = prepare(own)
    if suspects is not None and not prepared.plan.encoder.robust:
        raise InputError("--suspects goes with --noisy-labels", hint="vocnlp review sample finds label errors, too")
    _finish(prepared, place, force=force, suspects=suspects)
    _track(place, mlflow, experiment)
    if write_recipe is not None and prepared.own is not None:
        write_own_recipe(write_recipe, prepared.own)
        say(OUT, f"recipe: {escape(str(write_recipe))}")


def _start(linear: bool, encoder: str | None, init: Path | None) -> str | None:
    """What to fine-tune; None for a linear model."""
    from .bundle import Bundle

    if sum((linear, encoder is not None, init is not None)) > 1:
        raise InputError("--linear, --encoder and --init are three ways to begin", hint="choose one")
    if linear:
        return None
    return encoder or str(Bundle.load(init).path)


def _refuse_mixed(few: bool, noisy: bool, *, start: str | None, teacher: Path | None, begun: bool) -> None:
    """InputError where --few or --noisy-labels is given with what it cannot go with; begun: by another way than --init."""
    if few and (begun or teacher is not None):
        raise InputError("--few begins from a bundle", hint="give --init BUNDLE, --data and --codeframe alone")
    if noisy and (start is None or few or teacher is not None):
        hint = "leave out --linear, --few and --teacher"
        raise InputError("--noisy-labels fine-tunes an encoder on labels", hint=hint)


def _refuse_passed_over(ctx: typer.Context, recipe: Path | None, teacher: Path | None, *, of_sets: bool) -> None:
    """InputError for an option that has no place in what is asked for; beside a recipe over own data see ``_own``."""
    if teacher is not None:
        _refuse_beside(ctx, _BESIDE_TEACHER, "--teacher needs comments and a start alone", teacher)
    if ctx.params["dev"] is not None:
        _refuse_beside(ctx, {"dev_parts"}, "--dev is what is measured on", None)
    if ctx.params["linear"] and not ctx.params["ngrams"]:
        _refuse_beside(ctx, {"ngrams"}, "--linear trains n-grams and nothing else", None)
    if ctx.params["mlflow"] is None:
        _refuse_beside(ctx, {"experiment"}, "there is no --mlflow to write to", None)
    if recipe is None:
        _refuse_beside(ctx, {"data_root", "allow_changed"}, "there is no recipe", None)
    elif of_sets:
        _refuse_beside(ctx, _BESIDE_SETS, "a recipe over sets says what to train on", recipe)


def _refuse_beside(ctx: typer.Context, names: set[str], why: str, path: Path | None) -> None:
    """InputError where one of these options is given, which would be passed over."""
    if found := given(ctx, names):
        raise InputError(f"{why}; {found} would be passed over", path=path, hint=f"leave out {found}")


def _place(out: Path | None, mlflow: str | None, experiment: str, *, force: bool) -> Path:
    """Where the bundle goes, and before minutes are spent: whether it, and its figures, can be written there."""
    from .training.tracking import check_tracking
    from .training.train import refuse_existing

    if out is None:
        raise InputError("where to? --out is missing", hint="give --out FOLDER, or --check to look over the data only")
    refuse_existing(out, force=force)
    if mlflow is not None:
        check_tracking(mlflow, experiment)
    return out


def _written(out: Path | None, recipe: Path | None, suspects: Path | None, *, force: bool) -> list[Place]:
    """All that the training writes, to be checked before minutes are spent."""
    from .bundle import MANIFEST
    from .output_places import Place

    found = []
    if out is not None:  # that it is there at all is looked at before
        told, hint = "is no bundle, so it is not replaced", "choose another folder"
        found.append(Place(out, (), "", lambda path: (path / MANIFEST).is_file(), told, hint, folder=True))
    if recipe is not None:
        found.append(Place(recipe, (".toml",), "a recipe is a .toml file", force))
    if suspects is not None:
        found.append(Place(suspects, (".csv",), "the unlikely labels are a .csv file", force))
    return found


def _sets_of(recipe: Path, root: Path) -> list[Path]:
    """The files that a recipe over sets reads."""
    from .training.recipe import read_recipe

    return [root / one.file for one in read_recipe(recipe).sets]


def _of_sets(recipe: Path, data_root: Path, data: Path | None, start: str | None, *, ngrams: bool) -> Prepared:
    """What a recipe over several sets learns from."""
    from .training.mapping import ENCODER, LINEAR
    from .training.preparing import prepare_sets

    if data is not None:
        raise InputError("a recipe over sets needs --data-root, and no --data", path=recipe)
    return prepare_sets(recipe, data_root, start=start, kind=ENCODER if start else LINEAR, ngrams=ngrams)


def _own(ctx: typer.Context, recipe: Path | None, *, allow_changed: bool) -> OwnRecipe | None:
    """The recipe over own data, if one was given and its files are as they were."""
    from .training.own_recipe import is_own, read_own_recipe
    from .training.recipe import read_toml

    if recipe is None:
        return None
    if not is_own(read_toml(recipe)):
        raise InputError("a recipe over sets needs --data-root, and no --data", path=recipe, hint="give their folder")
    _refuse_beside(ctx, _BESIDE_RECIPE, "the recipe says what to train on and how", recipe)
    own = read_own_recipe(recipe)
    changed = own.changed()
    if changed and not allow_changed:
        hint = "the figures would not be the same; train on it with --allow-changed, and write a new recipe"
        raise InputError("; ".join(changed), path=recipe, hint=hint)
    for sentence in changed:
        say(ERR, f"[yellow]warning:[/] {escape(sentence)}")
    return own


def _from_options(
    data: Path | None, out: Path | None, *, codeframe: Path | None, dev: Path | None, dev_parts: int, start: str | None,
    ngrams: bool, seed: int, noisy: bool, few: bool,
) -> OwnRecipe:  # fmt: skip
    from .training.own_recipe import OwnRecipe
    from .training.recipe import EncoderRecipe

    if data is None:
        raise InputError("nothing to train on", hint="give --data FILE, or --recipe FILE")
    name, encoder = out.name if out is not None else data.stem, EncoderRecipe(seed=seed)
    encoder = encoder.for_noisy_labels() if noisy else encoder
    return OwnRecipe(data, codeframe, dev, dev_parts, start, ngrams=ngrams, name=name, encoder=encoder, few=few)


def _finish(prepared: Prepared, out: Path | None, *, force: bool, suspects: Path | None = None) -> None:
    """Say what was found, and unless there is nowhere to write to, train."""
    from .cli_output import print_figures, training_progress
    from .training.few_train import check_few_prepared, train_few_prepared
    from .training.train import check_prepared, train_prepared

    few = prepared.own is not None and prepared.own.few
    _print_checked(prepared.checked)
    (check_few_prepared if few else check_prepared)(prepared)
    if out is None:
        say(OUT, "nothing stands in the way of training")
        return
    with training_progress(ERR) as progress:
        if few:
            bundle = train_few_prepared(prepared, out, force=force, progress=progress)
        else:
            bundle = train_prepared(prepared, out, force=force, suspects=suspects, progress=progress)
    print_figures(OUT, bundle.figures)
    if wrong := bundle.training.get("suspects"):
        where = f": {escape(str(suspects))}" if suspects else "; --suspects FILE.csv writes them down"
        say(OUT, f"{wrong:,} of {bundle.training['rows']:,} labels are unlikely{where}")
    say(OUT, f"bundle: {escape(str(out))}")


def _track(out: Path | None, uri: str | None, experiment: str) -> None:
    """The bundle at ``out`` as a run of MLflow, if there is a bundle, and a place that was asked for."""
    from .bundle import Bundle
    from .training.tracking import log_training

    if out is not None and uri is not None:
        run = log_training(Bundle.load(out), uri, experiment)
        say(OUT, f"run: {run} of {escape(experiment)} at {escape(uri)}")


def _distil(data: Path | None, teacher: Path, start: str | None, out: Path | None, *, force: bool) -> None:
    from .cli_output import training_progress
    from .training.train import distil_bundle

    if start is None or data is None or out is None:
        raise InputError(
            "--teacher needs --encoder or --init, --data with comments, and --out; it knows no --check", path=teacher
        )
    with training_progress(ERR) as progress:
        distil_bundle(data, teacher, start, out, force=force, progress=progress)
    say(OUT, f"bundle: {escape(str(out))}")


def _print_checked(checked: Checked) -> None:
    """What a look over the data found, worst first."""
    profile = checked.profile
    say(ERR, f"[bold]{checked.rows:,} rows to learn from, {checked.dev_rows:,} to measure on[/]")
    scripts = (("Simplified", profile.simplified), ("Traditional", profile.traditional), ("other", profile.other))
    shares = ", ".join(f"{name} {share:.1%}" for name, share in scripts if share)
    five, _, half, _, most = profile.length
    say(
        ERR,
        f"  script: {shares}; length {five} to {most} characters (5 to 95 %), median {half}, longest {profile.longest:,}",
    )
    codes = ", ".join(f"{code} {count:,}" for code, count in list(checked.per_code.items())[:12])
    more = f", and {len(checked.per_code) - 12} more" if len(checked.per_code) > 12 else ""
    if codes:
        say(ERR, f"  {len(checked.per_code)} codes: {escape(codes)}{more}")
    for finding in checked.findings:
        _print_finding(finding)


def _print_finding(finding: Finding) -> None:
    say(ERR, f"  {_MARK[finding.severity]} {escape(finding.message)}")
    if finding.rows:
        more = ", ..." if finding.count > len(finding.rows) else ""
        where = f" of {escape(finding.file.name)}" if finding.file else ""
        say(ERR, f"    [dim]row {', '.join(map(str, finding.rows))}{more}{where}[/]")
    for example in finding.examples[:3]:
        say(ERR, f"    [dim]{escape(' '.join(example.split()))}[/]")
    if finding.hint:
        say(ERR, f"    [dim]-> {escape(finding.hint)}[/]")
