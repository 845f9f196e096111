"""Recipes: what to train on, for which frame, with which settings; a TOML file makes a training repeatable."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

import vocnlp.frames
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError

from .linear_fit import LinearRecipe
from .mapping import SetMapping, read_mapping


@dataclass(frozen=True)
class EncoderRecipe:
    """How to fine-tune. ``batch`` and ``window`` count tokens; the weights are those of the losses."""

    epochs: float = 4.0
    batch: int = 3072
    window: int = 256
    rate: float = 3e-4
    heads_rate: float = 1.5e-3
    warm: float = 0.05
    decay: float = 0.9
    mention_weight: float = 0.3
    polarity_weight: float = 0.7
    mood_weight: float = 1.0
    evidence_weight: float = 0.2
    seed: int = 7


@dataclass(frozen=True)
class Recipe:
    """A recipe file, read and checked: what to train on, for which frame, with which settings."""

    name: str
    version: str
    frame: Codeframe
    sets: tuple[SetMapping, ...]
    linear: LinearRecipe
    encoder: EncoderRecipe


def read_recipe(path: Path) -> Recipe:
    """Read a TOML recipe; InputError for what is missing, unknown or malformed."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such recipe", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid TOML: {error}", path=path) from error
    known = {"name", "version", "frame", "mapping", "linear", "encoder"}
    if unknown := sorted(set(content) - known):
        raise InputError(
            "unknown key in the recipe", path=path, column=unknown[0], hint=f"known: {', '.join(sorted(known))}"
        )
    if missing := sorted(known - {"linear", "encoder"} - set(content)):
        raise InputError("missing key in the recipe", path=path, column=missing[0])
    for part, kind in (("linear", LinearRecipe), ("encoder", EncoderRecipe)):
        settings = {f.name for f in fields(kind)} - {"grams"}
        if unknown := sorted(set(content.get(part, {})) - settings):
            hint = f"known: {', '.join(sorted(settings))}"
            raise InputError("unknown setting", path=path, column=f"{part}.{unknown[0]}", hint=hint)
    frame = Codeframe.load(Path(vocnlp.frames.__file__).parent / content["frame"])
    sets = read_mapping(frame, path.parent / content["mapping"])
    linear, encoder = LinearRecipe(**content.get("linear", {})), EncoderRecipe(**content.get("encoder", {}))
    return Recipe(content["name"], content["version"], frame, sets, linear, encoder)
