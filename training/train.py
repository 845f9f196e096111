"""From labelled comments to a measured bundle: the functions behind ``vocnlp train`` and ``vocnlp evaluate``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocnlp.bundle import Bundle
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError, MissingExtraError, OutputError
from vocnlp.linear import Linear
from vocnlp.pooled import Pooled
from vocnlp.processes import cores
from vocnlp.tagger import Tagger

from .card import model_card
from .evaluation import evaluate, rows_for
from .labelled import Labelled, kept_apart, read_texts
from .linear_fit import Progress, fit_linear, taught
from .mapping import ENCODER, LINEAR
from .noisy import check_exclusive, label_suspects, write_suspects
from .own_recipe import OwnRecipe
from .preparing import Prepared, prepare, prepare_sets
from .recipe import EncoderRecipe, Recipe, check_ranges
from .starts import check_start, known_codes, pretraining_of
from .work_folder import fingerprint, fingerprint_of_student, tidy, work_of

# Comments with a code from which its keywords only mislead: see "Keywords add to the model" in docs/decisions.md.
_ENOUGH = 100
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
    dev: Path | None = None,
    dev_parts: int = 10,
    force: bool = False,
    progress: Progress = lambda what, share: None,
) -> Bundle:
    """Train on one labelled file, or on the sets of a recipe below ``root``; measure on the held-out part; save.

    ``encoder`` is what to fine-tune: a folder, a bundle, or OWNER/NAME@REVISION; without one the model is linear. Unless
    ``ngrams`` is off, an encoder gets a linear model beside it, and the two are read as one. With a ``teacher``, ``data``
    is any table of comments, and the encoder alone learns to say what that bundle says.
    Nothing is written unless all went well. InputError if the data cannot be used, OutputError if ``out`` exists.
    """
    refuse_existing(out, force=force)
    if teacher is not None:
        if encoder is None or data is None:
            raise InputError("--teacher needs --encoder or --init, and --data with comments", path=teacher)
        return distil_bundle(data, teacher, encoder, out, force=force, progress=progress)
    if recipe is not None:
        if root is None or data is not None:
            raise InputError("a recipe needs --data-root, and no --data", path=recipe)
        prepared = prepare_sets(recipe, root, start=encoder, kind=_kind(encoder), ngrams=ngrams)
    elif data is not None:
        prepared = prepare(OwnRecipe(data, codeframe, dev, dev_parts, encoder, ngrams, out.name))
    else:
        raise InputError("nothing to train on", hint="give --data FILE, or --recipe FILE with --data-root DIR")
    return train_prepared(prepared, out, force=force, progress=progress)


def refuse_existing(out: Path, *, force: bool) -> None:
    """OutputError if a bundle cannot be written to ``out``, before hours are spent on it."""
    if out.exists() and not force:
        raise OutputError("already exists", path=out, hint="choose another folder, or replace it with --force")
    if not out.resolve().parent.is_dir():
        raise OutputError("the folder does not exist", path=out.parent, hint=f"create {out.parent}")


def train_prepared(
    prepared: Prepared,
    out: Path,
    *,
    force: bool = False,
    suspects: Path | None = None,
    progress: Progress = lambda what, share: None,
) -> Bundle:
    """Fit, measure and save. InputError of what the checks refuse; a fit that was stopped goes on where it was.

    suspects: where to write the labels that the encoder finds unlikely, if it was trained for noisy ones; n-grams, which
    learn labels by heart, do not see those
    """
    check_prepared(prepared)
    plan, train, start = prepared.plan, prepared.train, prepared.start
    begun = time.perf_counter()
    if start is None:
        model, thresholds, beside, made = _fit_linear(plan, train, progress)
    else:
        work = work_of(out, fingerprint(plan, train, start))
        model, thresholds, beside, made = _fit_encoder(plan, train, start, work, _part(progress, 0.0, 0.8))
        learnt: Sequence[Labelled] = train
        if plan.encoder.robust:
            wrong = label_suspects(Tagger(Bundle(plan.name, plan.version, plan.frame, model, thresholds)), train)
            made["suspects"] = len(wrong)
            doubted = {id(one.row) for one in wrong}
            learnt = [row for row in train if id(row) not in doubted]
            if suspects is not None:
                write_suspects(suspects, wrong, plan.frame)
        if prepared.ngrams:
            model, thresholds = _fit_beside(model, plan, learnt, _part(progress, 0.8, 1.0))
            made["features"] = len(model.ngrams.vocabulary.hashes)
    seconds = time.perf_counter() - begun
    progress("measuring", 1.0)
    origin = {**_origin(prepared, model.codes), "seconds": round(seconds, 1), "cores": cores(), **made}
    draft = Bundle(plan.name, plan.version, plan.frame, model, thresholds, {}, origin, _outgrown(train, model.codes))
    bundle = replace(draft, figures=measure(Tagger(draft), prepared.dev, per_code=prepared.own is not None))
    saved = bundle.save(out, card=model_card(bundle), force=force, beside=beside)
    tidy(out)
    return saved


def check_prepared(prepared: Prepared) -> None:
    """InputError where ``train_prepared`` would refuse before it fits anything; weights are not read."""
    check_ranges(prepared.path, "linear", prepared.plan.linear)
    check_ranges(prepared.path, "encoder", prepared.plan.encoder)
    prepared.checked.refuse(prepared.path)
    if prepared.plan.encoder.robust:
        check_exclusive(prepared.plan.frame, prepared.path)
    if prepared.start is not None:
        check_start(prepared.start)
        if prepared.ngrams:
            taught(_apart(prepared.train)[0], prepared.plan.frame)


def _origin(prepared: Prepared, codes: Sequence[str]) -> dict[str, Any]:
    """What a manifest says of the data and the way: enough to do it again, and to know what it was."""
    plan, own, kind = prepared.plan, prepared.own, _kind(prepared.start)
    sets = [{"name": s.name, "source": s.source, "licence": s.licence} for s in plan.sets if kind in s.models]
    origin: dict[str, Any] = {
        "rows": len(prepared.train),
        "held_out": len(prepared.dev),
        "sets": sets or [{"name": prepared.train[0].source}],
        "not_learnt": [code.id for code in plan.frame.taggable if code.id not in codes],
        "checks": prepared.checked.to_dict(),
    }
    if own is not None:
        settings = {"linear": _plain(plan.linear)} if kind == LINEAR else {}
        settings |= {} if kind == LINEAR else {"encoder": _plain(plan.encoder), "linear": _plain(plan.linear)}
        measured = own.dev.stem if own.dev else own.data.stem
        origin |= {"measured_on": measured, "dev_parts": 0 if own.dev else own.dev_parts}
        origin |= {"recipe": {"digests": dict(own.digests), "seed": plan.encoder.seed, **settings}}
    return origin


def _plain(settings: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name not in ("grams", "seed")}


def _outgrown(train: Sequence[Labelled], codes: Sequence[str]) -> frozenset[str]:
    """Those of the codes that a model knows that need no keywords any more."""
    often = Counter(code for row in train for code in {tag.code for tag in row.tags})
    return frozenset(code for code in codes if often[code] >= _ENOUGH)


def distil_bundle(data: Path, teacher: Path, encoder: str, out: Path, *, force: bool, progress: Progress) -> Bundle:
    """A bundle of a small encoder that says of the comments in ``data`` what the bundle ``teacher`` says of them."""
    distil, load_source = _encoder_parts("distil")
    begun = time.perf_counter()
    large, settings = Bundle.load(teacher), EncoderRecipe().fast()
    texts = read_texts(data)
    source = load_source(encoder, codes=known_codes(encoder))
    work = work_of(out, fingerprint_of_student(texts, large.digest, encoder, settings))
    fitted = distil(texts, large, source, settings, work=work, progress=progress)
    origin = {
        "rows": len(texts), "held_out": 0, "sets": [{"name": data.stem}], "seconds": round(time.perf_counter() - begun, 1),
        "cores": cores(), "encoder": Path(encoder).name, "epochs": fitted.epochs, "teacher": large.label,
    }  # fmt: skip
    version, thresholds = datetime.now(UTC).strftime("%Y.%m.%d"), fitted.thresholds
    bundle = Bundle(out.name, version, large.codeframe, fitted.classifier, thresholds, {}, origin, large.outgrown)
    saved = bundle.save(out, card=model_card(bundle), force=force, beside=fitted.beside)
    tidy(out)
    return saved


def _encoder_parts(name: str) -> tuple[Any, Any]:
    """A function of ``encoder_train`` and ``load_source``; MissingExtraError where torch is not installed."""
    try:
        from . import encoder_train
        from .encoder_source import load_source
    except ImportError as error:
        raise MissingExtraError(str(error.name), extra="train") from error
    return getattr(encoder_train, name), load_source


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """The progress of a part of the work, as a share of the whole."""
    return lambda what, share: progress(what, begin + share * (end - begin))


_Made = tuple[Any, dict[str, float], dict[str, bytes], dict[str, Any]]


def _fit_linear(plan: Recipe, train: Sequence[Labelled], progress: Progress) -> _Made:
    fitted = fit_linear(train, plan.frame, plan.linear, progress=progress)
    # What is measured is what is shipped: the weights after rounding.
    model = Linear.from_tensors(fitted.model.codes, *fitted.model.to_tensors(plan.linear.least_weight))
    return model, fitted.thresholds, {}, {"features": len(fitted.model.vocabulary.hashes)}


def _fit_encoder(plan: Recipe, train: Sequence[Labelled], encoder: str, work: Path, progress: Progress) -> _Made:
    fit_encoder, load_source = _encoder_parts("fit_encoder")
    source = load_source(encoder, codes=known_codes(encoder))
    fitted = fit_encoder(train, plan.frame, source, plan.encoder, work=work, progress=progress)
    steps = {"steps": fitted.steps, "best_step": fitted.best_step}
    made = {"encoder": Path(encoder).name, "epochs": fitted.epochs, **steps, **pretraining_of(Path(encoder))}
    if fitted.narrowed is not None:
        made["narrowed"] = dict(fitted.narrowed)
    return fitted.classifier, fitted.thresholds, fitted.beside, made


def _fit_beside(
    encoder: Encoder, plan: Recipe, train: Sequence[Labelled], progress: Progress
) -> tuple[Pooled, dict[str, float]]:
    """The n-grams beside an encoder, from the rows it has learnt from; those kept apart say how far each is trusted."""
    from .pooling import pool

    learnt, apart = _apart(train)
    fitted = fit_linear(learnt, plan.frame, replace(plan.linear, held_out=0), progress=progress)
    # Weighed as it is shipped: after rounding.
    model = Linear.from_tensors(fitted.model.codes, *fitted.model.to_tensors(plan.linear.least_weight))
    progress("weighing encoder and n-grams", 1.0)
    return pool(encoder, model, learnt, apart, unweighed=plan.encoder.unweighed)


def _apart(rows: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """The rows that an encoder learns from, and those with a text that are kept apart to weigh it."""
    learnt = [row for row in rows if not kept_apart(row)]
    return learnt, [row for row in rows if kept_apart(row) and row.text.strip()]


def _kind(encoder: str | None) -> str:
    return LINEAR if encoder is None else ENCODER


def measure(tagger: Tagger, rows: Sequence[Labelled], *, per_code: bool = False) -> dict[str, Any]:
    """The headline figures of every set among the rows, with those of every code if asked: set -> figure -> value."""
    by_set: dict[str, list[Labelled]] = {}
    for row in rows:
        by_set.setdefault(row.source, []).append(row)
    return {name: _headline(evaluate(tagger, chosen), per_code) for name, chosen in by_set.items()}


def _headline(figures: Mapping[str, Any], per_code: bool) -> dict[str, Any]:
    """The contract's figures without those that a set cannot give."""
    kept: dict[str, Any] = {"rows": figures["rows"]}
    for part, names in _FIGURES.items():
        values = {name: _rounded(figures[part][name]) for name in names}
        if values["support"]:
            kept[part] = values
    if per_code:
        kept["per_code"] = {
            code: {"f1": _rounded(one["f1"]), "support": one["right"] + one["missed"]}
            for code, one in figures["per_code"].items()
        }
    return kept


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def evaluate_file(bundle: Path | None, data: Path) -> dict[str, Any]:
    """The figures of a bundle on one labelled file, codes matched by id or name; see ``evaluation.evaluate``."""
    tagger = Tagger.load(bundle)
    return evaluate(tagger, rows_for(tagger, [data]))
