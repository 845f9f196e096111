"""Labelled comments and an encoder in, a classifier ready for a bundle out: fit, calibrate, export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.encoder import Encoder
from vocnlp.errors import InputError
from vocnlp.readings import lines_of
from vocnlp.records import NEGATIVE, POSITIVE
from vocnlp.windows import tokenizer_of

from .calibration import Calibration, calibrate, mood_slopes, temperature
from .doubting import doubted
from .encoder_batches import batch_of
from .encoder_fit import EncoderFit, Progress, scores
from .encoder_net import OUTCOMES, TaggerNet
from .encoder_source import HEADS, SETTINGS, WEIGHTS, EncoderSource
from .export import to_int8, to_onnx
from .labelled import Labelled, kept_apart
from .misspelling import misspelt
from .narrowing import narrow, too_many
from .reading import Example, Taught, examples
from .recipe import EncoderRecipe
from .staying import Staying, settled
from .surprise import surprise

_ENOUGH = 40  # texts apart below which a look says nothing, and every step is made
_MEASURED = 512  # texts on which the range of the activations is measured


@dataclass(frozen=True)
class FittedNetwork:
    """A network that has learnt, what was found on texts kept apart, and how often it read.

    train: what it learnt from; mood_slope: the two factors of mood; window: tokens read at once
    """

    network: TaggerNet
    codes: tuple[str, ...]
    train: Sequence[Example]
    calibration: Calibration
    mood_slope: tuple[float, float]
    window: int
    epochs: float
    steps: int  # that were made
    best_step: int  # of which the weights are, where texts apart could tell; 0: the last
    narrowed: Mapping[str, float] | None  # neurons "before" and "after", "epochs" of regaining; None: all are there


@dataclass(frozen=True)
class FittedEncoder:
    """A classifier, the threshold of each code, the files that a later training starts from; the rest as in FittedNetwork."""

    classifier: Encoder
    thresholds: dict[str, float]
    beside: dict[str, bytes]
    epochs: float
    steps: int = 0
    best_step: int = 0
    narrowed: Mapping[str, float] | None = None


def fit_encoder(
    rows: Sequence[Labelled],
    frame: Codeframe,
    source: EncoderSource,
    recipe: EncoderRecipe,
    *,
    work: Path | None = None,
    progress: Progress = lambda what, share: None,
) -> FittedEncoder:
    """A tagger of every code of the frame that the rows can teach. InputError if they teach nothing."""
    fitted = fit_network(rows, frame, source, recipe, work=work, progress=progress)
    progress("exporting", 0.95)
    found = fitted.calibration
    classifier = Encoder(
        fitted.codes,
        _graph(fitted.network, fitted.train),
        source.vocabulary,
        frame.exclusive,
        found.slope,
        found.shift,
        fitted.mood_slope,
        fitted.window,
        source.marks,
    )
    thresholds = dict(zip(fitted.codes, found.thresholds, strict=True))
    beside = _beside(fitted.network, source)
    made = fitted.epochs, fitted.steps, fitted.best_step, fitted.narrowed
    return FittedEncoder(classifier, thresholds, beside, *made)


def fit_network(
    rows: Sequence[Labelled],
    frame: Codeframe,
    source: EncoderSource,
    recipe: EncoderRecipe,
    *,
    work: Path | None = None,
    progress: Progress = lambda what, share: None,
) -> FittedNetwork:
    """As ``fit_encoder``, before it is made a graph."""
    rows = [row for row in rows if row.text.strip()]
    carrying = Counter(code for row in rows for code in {tag.code for tag in row.tags})
    codes = [code.id for code in frame.taggable if carrying[code.id] >= 2]
    if not codes and not {NEGATIVE, POSITIVE} <= {row.sentiment for row in rows}:
        hint = "a code needs two comments with it; sentiment needs positive and negative ones"
        raise InputError("nothing can be learnt from these rows", hint=hint)
    progress("reading", 0.0)
    window = min(recipe.window, source.window)
    train, apart = _read(rows, codes, source, recipe, window, frame)
    recipe = recipe.for_tokens(sum(one.weight * len(one) for one in train))
    torch.manual_seed(recipe.seed)
    network, narrowed = _narrowed(network_of(source, codes), train, recipe, frame, work, progress)
    network.leave_out(recipe.dropout)
    if recipe.kept or recipe.stays:
        _check_known(source, codes)
    before = {name: tensor.detach().clone() for name, tensor in network.named_parameters()} if recipe.kept else {}
    kind = Staying if recipe.stays else EncoderFit
    fit = kind(network, recipe, exclusive=frame.exclusive, mask=source.mask, work=work)

    def look() -> float:
        return surprise(*scores(network, apart), apart, exclusive=frame.exclusive)

    enough = len(apart) >= _ENOUGH and recipe.patience > 0
    fit.run(train, look=look if enough else None, progress=lambda what, share: progress(what, 0.9 * share))
    network.requires_grad_(True)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name in before:
                tensor.lerp_(before[name], recipe.kept)
    progress("calibrating", 0.9)
    calibration, mood_slope = _calibrated(network, apart, exclusive=frame.exclusive)
    made = recipe.epochs, fit.position.step, fit.position.best_step
    return FittedNetwork(network, tuple(codes), train, calibration, mood_slope, window, *made, narrowed)


def _read(
    rows: Sequence[Labelled],
    codes: Sequence[str],
    source: EncoderSource,
    recipe: EncoderRecipe,
    window: int,
    frame: Codeframe,
) -> tuple[list[Example], list[Example]]:
    """What is learnt from, some of it misspelt once more, and what is kept apart."""
    tokenizer = tokenizer_of(source.vocabulary)
    learnt = [row for row in rows if not kept_apart(row)]
    apart = [row for row in rows if kept_apart(row)]
    learnt += misspelt(learnt, recipe.misspelt, recipe.seed)
    train, held = (examples(some, codes, tokenizer, window, source.marks) for some in (learnt, apart))
    if recipe.stays:
        train = settled(train, learnt, recipe)
    if recipe.doubted:
        train = doubted(train, learnt, codes, frame, recipe)
    return train, held


def _narrowed(
    network: TaggerNet,
    train: Sequence[Example],
    recipe: EncoderRecipe,
    frame: Codeframe,
    work: Path | None,
    progress: Progress,
) -> tuple[TaggerNet, dict[str, float] | None]:
    """A network of at most ``recipe.inner`` neurons a layer, and what became of how many; None where none had to go."""
    if not (neurons := too_many(network, recipe.inner)):
        return network, None
    inner = work / "inner" if work is not None else None

    def told(what: str, share: float) -> None:
        progress(what, 0.6 * share)

    less = narrow(network, train, recipe, exclusive=frame.exclusive, work=inner, progress=told)
    return less, {"before": neurons, "after": recipe.inner, "epochs": recipe.inner_epochs}


def _check_known(source: EncoderSource, codes: Sequence[str]) -> None:
    """InputError where some weights of the start are drawn by chance, and not worth keeping."""
    if new := sorted(set(codes) - set(source.codes)):
        left = "leave encoder.kept and encoder.stays out of the recipe"
        hint = f"start from a bundle that was trained for this codeframe, or {left}"
        raise InputError("nothing can be kept of codes that the start does not know", value=", ".join(new), hint=hint)


def distil(
    texts: Sequence[str],
    teacher: Bundle,
    source: EncoderSource,
    recipe: EncoderRecipe,
    *,
    work: Path | None = None,
    progress: Progress = lambda what, share: None,
) -> FittedEncoder:
    """A small tagger that says of unlabelled texts what a larger one says of them: same codes, same thresholds."""
    codes, exclusive = teacher.classifier.codes, teacher.codeframe.exclusive
    rows = [Labelled(str(number), text) for number, text in enumerate(dict.fromkeys(texts)) if text.strip()]
    if not rows:
        raise InputError("no text to learn from", hint="give a file of comments with --data")
    window = min(recipe.window, source.window)
    read = examples(rows, codes, tokenizer_of(source.vocabulary), window, source.marks)
    train: list[Example] = []
    for at in range(0, len(rows), teacher.classifier.chunk):
        progress("asking the teacher", 0.2 * at / len(rows))
        some = slice(at, at + teacher.classifier.chunk)
        said = teacher.classifier.score([lines_of(row.text) for row in rows[some]])
        mood = said.sentiment if said.sentiment is not None else np.full((len(rows[some]), 3), 1 / 3, np.float32)
        answers = zip(said.mention, said.polarity, mood, strict=True)
        train += [replace(one, taught=Taught(*answer)) for one, answer in zip(read[some], answers, strict=True)]
    recipe = recipe.for_tokens(sum(len(one) for one in train))
    torch.manual_seed(recipe.seed)
    network = network_of(source, codes)
    fit = EncoderFit(network, recipe, exclusive=exclusive, mask=source.mask, work=work)
    fit.run(train, progress=lambda what, share: progress(what, 0.2 + 0.75 * share))
    progress("exporting", 0.95)
    graph = _graph(network, train)
    classifier = Encoder(codes, graph, source.vocabulary, exclusive, window=window, marks=source.marks)
    return FittedEncoder(classifier, dict(teacher.thresholds), _beside(network, source), recipe.epochs)


def network_of(source: EncoderSource, codes: Sequence[str]) -> TaggerNet:
    """The encoder under new heads; what an earlier tagger knew of the same codes, and of sentiment, is kept."""
    network = TaggerNet(source.model, len(codes))
    own = network.state_dict()
    for name, tensor in source.heads.items():
        if name in own and own[name].shape == tensor.shape and not name.startswith("heads."):
            own[name].copy_(tensor)
    old = {code: place for place, code in enumerate(source.codes)}
    if "heads.weight" in source.heads:
        for name in ("heads.weight", "heads.bias"):
            mine, theirs = own[name], source.heads[name]
            for place, code in enumerate(codes):
                if (before := old.get(code)) is not None:
                    mine[place].copy_(theirs[before])
                    here, there = len(codes) + OUTCOMES * place, len(old) + OUTCOMES * before
                    mine[here : here + OUTCOMES].copy_(theirs[there : there + OUTCOMES])
    return network


def _calibrated(
    network: TaggerNet, apart: Sequence[Example], *, exclusive: bool
) -> tuple[Calibration, tuple[float, float]]:
    """Of the codes' mention, and the two factors of mood, from texts that the fit has not seen."""
    logits, mood = scores(network, apart)
    weight = np.array([one.weight for one in apart])
    felt, two_class = np.array([one.mood for one in apart], np.int64), np.array([one.two_class for one in apart], bool)
    slopes = mood_slopes(mood, felt, two_class, weight)
    if not network.codes or not apart:
        return Calibration(1.0, 0.0, (0.5,) * network.codes), slopes
    mention = np.stack([one.mention for one in apart])
    if exclusive:
        told = (mention == 1).any(1)
        slope = temperature(logits[told, :, 0], mention[told].argmax(1), weight[told])
        return Calibration(slope, 0.0, (0.5,) * network.codes), slopes
    return calibrate(logits[:, :, 0], mention == 1, mention >= 0, weight), slopes


def _graph(network: TaggerNet, train: Sequence[Example]) -> bytes:
    chosen = sorted(train[:: max(1, len(train) // _MEASURED)][:_MEASURED], key=lambda one: len(one.windows[0].ids))
    batches = [batch_of(chosen[at : at + 32]) for at in range(0, len(chosen), 32)]
    return to_int8(to_onnx(network.cpu()), [{"ids": one.ids, "kind": one.kind} for one in batches])


def _beside(network: TaggerNet, source: EncoderSource) -> dict[str, bytes]:
    settings = {} if source.settings is None else {SETTINGS: source.settings}
    return {**settings, **tagger_files(network)}


def tagger_files(network: TaggerNet) -> dict[str, bytes]:
    """Weights in half precision and the configuration: the encoder as ``AutoModel`` reads it, the heads with it."""
    state = network.state_dict()
    encoder = {name.removeprefix("encoder."): tensor for name, tensor in state.items() if name.startswith("encoder.")}
    heads = {f"{HEADS}{name}": tensor for name, tensor in state.items() if not name.startswith("encoder.")}
    half: dict[str, Any] = {
        name: t.half().contiguous() for name, t in {**encoder, **heads}.items() if t.is_floating_point()
    }
    return {
        WEIGHTS: save(half, metadata={"format": "pt"}),
        "config.json": network.encoder.config.to_json_string().encode(),
    }
