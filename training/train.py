"""From labelled comments to a measured bundle: the functions behind ``vocnlp train`` and ``vocnlp evaluate``."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vocnlp.frames
from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError, OutputError
from vocnlp.linear import Linear
from vocnlp.tagger import Tagger

from .card import model_card
from .evaluation import evaluate
from .labelled import Labelled, frame_of, in_frame, look_over, read_labelled, split
from .linear_fit import LinearRecipe, Progress, fit_linear
from .mapping import SetMapping, read_all, read_mapping

_FIGURES = {
    "sentiment": ("accuracy", "macro_f1", "support"),
    "codes": ("micro_f1", "macro_f1", "support"),
    "pairs": ("micro_f1", "macro_f1", "support"),
    "evidence": ("overlap", "support"),
}


@dataclass(frozen=True)
class Recipe:
    """A recipe file, read and checked: what to train on, for which frame, with which settings."""

    name: str
    version: str
    frame: Codeframe
    sets: tuple[SetMapping, ...]
    linear: LinearRecipe


def read_recipe(path: Path) -> Recipe:
    """Read a TOML recipe; InputError for what is missing, unknown or malformed."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such recipe", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid TOML: {error}", path=path) from error
    known = {"name", "version", "frame", "mapping", "linear"}
    if unknown := sorted(set(content) - known):
        raise InputError(
            "unknown key in the recipe", path=path, column=unknown[0], hint=f"known: {', '.join(sorted(known))}"
        )
    if missing := sorted(known - {"linear"} - set(content)):
        raise InputError("missing key in the recipe", path=path, column=missing[0])
    settings = {f.name for f in fields(LinearRecipe)} - {"grams"}
    if unknown := sorted(set(content.get("linear", {})) - settings):
        raise InputError(
            "unknown setting", path=path, column=f"linear.{unknown[0]}", hint=f"known: {', '.join(sorted(settings))}"
        )
    frame = Codeframe.load(Path(vocnlp.frames.__file__).parent / content["frame"])
    sets = read_mapping(frame, path.parent / content["mapping"])
    return Recipe(content["name"], content["version"], frame, sets, LinearRecipe(**content.get("linear", {})))


def train_bundle(
    data: Path | None,
    out: Path,
    *,
    recipe: Path | None = None,
    root: Path | None = None,
    codeframe: Path | None = None,
    dev_parts: int = 10,
    force: bool = False,
    progress: Progress = lambda what, share: None,
) -> Bundle:
    """Train on one labelled file, or on the sets of a recipe below ``root``; measure on the held-out part; save.

    Nothing is written unless all went well. InputError if the data cannot be used, OutputError if ``out`` exists.
    """
    if out.exists() and not force:
        raise OutputError("already exists", path=out, hint="choose another folder, or replace it with --force")
    if recipe is not None:
        if root is None or data is not None:
            raise InputError("a recipe needs --data-root, and no --data", path=recipe)
        plan = read_recipe(recipe)
        rows = read_all(plan.sets, plan.frame, root)
    elif data is not None:
        rows = read_labelled(data)
        frame = Codeframe.load(codeframe) if codeframe else frame_of(rows)
        rows = in_frame(rows, frame, path=data)
        plan = Recipe(out.name, datetime.now(UTC).strftime("%Y.%m.%d"), frame, (), LinearRecipe())
        rows = [replace(row, dev_parts=dev_parts or row.dev_parts) for row in rows]
    else:
        raise InputError("nothing to train on", hint="give --data FILE, or --recipe FILE with --data-root DIR")
    train, dev = split(rows) if dev_parts else (list(rows), [])
    return _train(plan, train, dev, out, force=force, progress=progress)


def _train(
    plan: Recipe, train: Sequence[Labelled], dev: Sequence[Labelled], out: Path, *, force: bool, progress: Progress
) -> Bundle:
    begun = time.perf_counter()
    fitted = fit_linear(train, plan.frame, plan.linear, progress=progress)
    seconds = time.perf_counter() - begun
    origin = {
        "rows": len(train),
        "held_out": len(dev),
        "sets": [{"name": s.name, "source": s.source, "licence": s.licence} for s in plan.sets]
        or [{"name": train[0].source}],
        "seconds": round(seconds, 1),
        "features": len(fitted.model.vocabulary.hashes),
        "findings": _plain(look_over(train)),
    }
    progress("measuring", 1.0)
    # What is measured is what is shipped: the weights after rounding.
    model = Linear.from_tensors(fitted.model.codes, *fitted.model.to_tensors())
    draft = Bundle(plan.name, plan.version, plan.frame, model, fitted.thresholds, {}, origin)
    bundle = replace(draft, figures=measure(Tagger(draft), dev))
    return bundle.save(out, card=model_card(bundle), force=force)


def _plain(findings: Any) -> dict[str, Any]:
    return {
        "rows": findings.rows,
        "empty": findings.empty,
        "twins": findings.twins,
        "contradictions": findings.contradictions,
    }


def measure(tagger: Tagger, rows: Sequence[Labelled]) -> dict[str, Any]:
    """The headline figures of every set among the rows: set -> figure -> value."""
    by_set: dict[str, list[Labelled]] = {}
    for row in rows:
        by_set.setdefault(row.source, []).append(row)
    return {name: _headline(evaluate(tagger, chosen)) for name, chosen in by_set.items()}


def _headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's figures without those that a set cannot give."""
    kept: dict[str, Any] = {"rows": figures["rows"]}
    for part, names in _FIGURES.items():
        values = {name: _rounded(figures[part][name]) for name in names}
        if values["support"]:
            kept[part] = values
    return kept


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def evaluate_file(bundle: Path | None, data: Path) -> dict[str, Any]:
    """The figures of a bundle on one labelled file, codes matched by id or name; see ``evaluation.evaluate``."""
    tagger = Tagger.load(bundle)
    return evaluate(tagger, in_frame(read_labelled(data), tagger.codeframe, path=data))
