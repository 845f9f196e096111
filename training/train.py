"""From labelled comments to a measured bundle: the functions behind ``vocnlp train`` and ``vocnlp evaluate``."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocnlp.bundle import MANIFEST, Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError, MissingExtraError, OutputError
from vocnlp.linear import Linear
from vocnlp.pooled import Pooled
from vocnlp.processes import cores
from vocnlp.tagger import Tagger

from .card import model_card
from .evaluation import evaluate
from .labelled import Labelled, frame_of, in_frame, look_over, read_labelled, read_texts, split
from .linear_fit import LinearRecipe, Progress, fit_linear
from .mapping import ENCODER, LINEAR, read_all
from .recipe import EncoderRecipe, Recipe, read_recipe

PRETRAINING = "pretraining.json"  # beside an encoder that ``vocnlp.training.pretrain`` made
_FIGURES = {
    "sentiment": ("accuracy", "macro_f1", "support"),
    "codes": ("micro_f1", "macro_f1", "support"),
    "pairs": ("micro_f1", "macro_f1", "support"),
    "evidence": ("overlap", "support"),
}


def train_bundle(
    data: Path | None,
    out: Path,
    *,
    recipe: Path | None = None,
    root: Path | None = None,
    codeframe: Path | None = None,
    encoder: str | None = None,
    ngrams: bool = True,
    teacher: Path | None = None,
    dev_parts: int = 10,
    force: bool = False,
    progress: Progress = lambda what, share: None,
) -> Bundle:
    """Train on one labelled file, or on the sets of a recipe below ``root``; measure on the held-out part; save.

    ``encoder`` is what to fine-tune: a folder, a bundle, or OWNER/NAME@REVISION; without one the model is linear. Unless
    ``ngrams`` is off, an encoder gets a linear model beside it, and the two are read as one. With a ``teacher``, ``data`` is any table of comments, and the encoder alone learns to say what that bundle says.
    Nothing is written unless all went well. InputError if the data cannot be used, OutputError if ``out`` exists.
    """
    if out.exists() and not force:
        raise OutputError("already exists", path=out, hint="choose another folder, or replace it with --force")
    if teacher is not None:
        if encoder is None or data is None:
            raise InputError("--teacher needs --encoder or --init, and --data with comments", path=teacher)
        return _distil(data, teacher, encoder, out, force=force, progress=progress)
    if recipe is not None:
        if root is None or data is not None:
            raise InputError("a recipe needs --data-root, and no --data", path=recipe)
        plan = read_recipe(recipe)
        rows = read_all(plan.sets, plan.frame, root, _kind(encoder))
    elif data is not None:
        rows = read_labelled(data)
        frame = Codeframe.load(codeframe) if codeframe else frame_of(rows)
        rows = in_frame(rows, frame, path=data)
        plan = Recipe(out.name, datetime.now(UTC).strftime("%Y.%m.%d"), frame, (), LinearRecipe(), EncoderRecipe())
        rows = [replace(row, dev_parts=dev_parts or row.dev_parts) for row in rows]
    else:
        raise InputError("nothing to train on", hint="give --data FILE, or --recipe FILE with --data-root DIR")
    train, dev = split(rows) if dev_parts else (list(rows), [])
    return _train(plan, train, dev, out, encoder=encoder, ngrams=ngrams, force=force, progress=progress)


def _train(
    plan: Recipe,
    train: Sequence[Labelled],
    dev: Sequence[Labelled],
    out: Path,
    *,
    encoder: str | None,
    ngrams: bool,
    force: bool,
    progress: Progress,
) -> Bundle:
    begun = time.perf_counter()
    if encoder is None:
        model, thresholds, beside, made = _fit_linear(plan, train, progress)
    else:
        model, thresholds, beside, made = _fit_encoder(plan, train, encoder, out, _part(progress, 0.0, 0.8))
        if ngrams:
            model, thresholds = _fit_beside(model, plan, train, _part(progress, 0.8, 1.0))
            made["features"] = len(model.ngrams.vocabulary.hashes)
    seconds = time.perf_counter() - begun
    origin = {
        "rows": len(train),
        "held_out": len(dev),
        "sets": [
            {"name": s.name, "source": s.source, "licence": s.licence} for s in plan.sets if _kind(encoder) in s.models
        ]
        or [{"name": train[0].source}],
        "seconds": round(seconds, 1),
        "cores": cores(),
        **made,
        "findings": _plain(look_over(train)),
    }
    progress("measuring", 1.0)
    draft = Bundle(plan.name, plan.version, plan.frame, model, thresholds, {}, origin)
    bundle = replace(draft, figures=measure(Tagger(draft), dev))
    saved = bundle.save(out, card=model_card(bundle), force=force, beside=beside)
    shutil.rmtree(_work_of(out), ignore_errors=True)
    return saved


def _distil(data: Path, teacher: Path, encoder: str, out: Path, *, force: bool, progress: Progress) -> Bundle:
    distil, load_source = _encoder_parts("distil")
    begun = time.perf_counter()
    large, settings = Bundle.load(teacher), EncoderRecipe()
    texts = read_texts(data)
    source = load_source(encoder, codes=_known(encoder))
    fitted = distil(texts, large, source, settings, work=_work_of(out), progress=progress)
    origin = {
        "rows": len(texts), "held_out": 0, "sets": [{"name": data.stem}], "seconds": round(time.perf_counter() - begun, 1),
        "cores": cores(), "encoder": Path(encoder).name, "epochs": fitted.epochs, "teacher": large.label,
    }  # fmt: skip
    version = datetime.now(UTC).strftime("%Y.%m.%d")
    bundle = Bundle(out.name, version, large.codeframe, fitted.classifier, fitted.thresholds, {}, origin)
    saved = bundle.save(out, card=model_card(bundle), force=force, beside=fitted.beside)
    shutil.rmtree(_work_of(out), ignore_errors=True)
    return saved


def _encoder_parts(name: str) -> tuple[Any, Any]:
    """A function of ``encoder_train`` and ``load_source``; MissingExtraError where torch is not installed."""
    try:
        from . import encoder_train
        from .encoder_source import load_source
    except ImportError as error:
        raise MissingExtraError(str(error.name), extra="train") from error
    return getattr(encoder_train, name), load_source


def _known(encoder: str) -> tuple[str, ...]:
    """The codes of a bundle to start from; none for a bare encoder."""
    return Bundle.load(encoder).classifier.codes if (Path(encoder) / MANIFEST).is_file() else ()


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """The progress of a part of the work, as a share of the whole."""
    return lambda what, share: progress(what, begin + share * (end - begin))


_Made = tuple[Any, dict[str, float], dict[str, bytes], dict[str, Any]]


def _fit_linear(plan: Recipe, train: Sequence[Labelled], progress: Progress) -> _Made:
    fitted = fit_linear(train, plan.frame, plan.linear, progress=progress)
    # What is measured is what is shipped: the weights after rounding.
    model = Linear.from_tensors(fitted.model.codes, *fitted.model.to_tensors(plan.linear.least_weight))
    return model, fitted.thresholds, {}, {"features": len(fitted.model.vocabulary.hashes)}


def _fit_encoder(plan: Recipe, train: Sequence[Labelled], encoder: str, out: Path, progress: Progress) -> _Made:
    fit_encoder, load_source = _encoder_parts("fit_encoder")
    source = load_source(encoder, codes=_known(encoder))
    fitted = fit_encoder(train, plan.frame, source, plan.encoder, work=_work_of(out), progress=progress)
    made = {"encoder": Path(encoder).name, "epochs": fitted.epochs, **_pretraining(Path(encoder))}
    return fitted.classifier, fitted.thresholds, fitted.beside, made


def _fit_beside(
    encoder: Encoder, plan: Recipe, train: Sequence[Labelled], progress: Progress
) -> tuple[Pooled, dict[str, float]]:
    """The n-grams beside an encoder, from the rows it has learnt from; those kept apart say how far each is trusted."""
    from .encoder_train import kept_apart
    from .pooling import pool

    learnt = [row for row in train if not kept_apart(row)]
    apart = [row for row in train if kept_apart(row) and row.text.strip()]
    fitted = fit_linear(learnt, plan.frame, replace(plan.linear, held_out=0), progress=progress)
    # Weighed as it is shipped: after rounding.
    model = Linear.from_tensors(fitted.model.codes, *fitted.model.to_tensors(plan.linear.least_weight))
    progress("weighing encoder and n-grams", 1.0)
    return pool(encoder, model, learnt, apart)


def _pretraining(start: Path) -> dict[str, Any]:
    """What the encoder to start from has cost, where its folder or its bundle says so."""
    if (start / MANIFEST).is_file():
        spent = Bundle.load(start).training.get("pretraining")
    elif (start / PRETRAINING).is_file():
        spent = json.loads((start / PRETRAINING).read_text(encoding="utf-8"))
    else:
        spent = None
    return {} if spent is None else {"pretraining": spent}


def _kind(encoder: str | None) -> str:
    return LINEAR if encoder is None else ENCODER


def _work_of(out: Path) -> Path:
    """The checkpoints of a training that was stopped; the same command goes on from there."""
    return out.with_name(f".{out.name}.vocnlp-training")


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
