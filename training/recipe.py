"""Recipes: what to train on, for which frame, with which settings; a TOML file makes a training repeatable."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import vocnlp.frames
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError

from .linear_fit import LinearRecipe
from .mapping import SetMapping, read_mapping
from .ranges import ABOVE, ANY, SEED, SHARE, SOME, check_range, check_values

_ROBUST, _LONG = 0.6, 10.0  # of noisy labels; Zhang and Sabuncu took 0.7 for q, whatever the noise
_FAST, _HEADS_FAST = 3e-4, 1.5e-3  # rates
_SMALLEST_BATCH, _STEPS_AN_EPOCH, _MOST_EPOCHS = 512, 80, 16.0
SETS = ("new", "doubted", "unweighed")  # settings of ``[encoder]`` that name sets
_RANGES = {  # of each number, both ends inclusive; doubt is looked at with the sets it is of
    "linear": {
        "least_texts": SOME, "most_features": SOME, "penalty": ANY, "strength": ABOVE, "sentiment_strength": ABOVE,
        "rounds": SOME, "least_weight": (0, 127), "held_out": ANY, "crossed": ANY, "threads": SOME,
    },
    "encoder": {
        "epochs": ANY, "least_steps": ANY, "batch": SOME, "window": (8, math.inf), "rate": ANY, "heads_rate": ANY,
        "warm": SHARE, "decay": SHARE, "dropout": (0.0, 0.9), "hidden": SHARE,
        "adversarial": ANY, "inner": ANY, "inner_epochs": ANY, "inner_rate": ANY,
        "misspelt": SHARE, "mention_weight": ANY, "polarity_weight": ANY, "mood_weight": ANY, "evidence_weight": ANY,
        "look_every": SOME, "patience": ANY, "average": SHARE, "kept": SHARE, "stays": ANY, "robust": SHARE,
        "seed": SEED,
    },
}  # fmt: skip


@dataclass(frozen=True)
class EncoderRecipe:
    """How to fine-tune. ``batch`` and ``window`` count tokens; the weights are those of the losses.

    least_steps: a small set is read so often, and in so small batches, that there are about so many steps
    dropout: the share of its values that each layer leaves out at every step (Srivastava et al. 2014), of an encoder whose own
        configuration leaves none out
    hidden: the share of the words that is hidden from the encoder at every step, so that no text is learnt by heart
    adversarial: how far word vectors are moved against the labels at every step, in mean lengths of one; the step is then made of
        both losses and takes twice the time (see ``adversarial``); 0: not at all
    inner: neurons of a feed-forward layer at most, 0: as many as the start has; inner_epochs, inner_rate: how often and how
        fast the texts are read until those that are left do what all did (see ``narrowing``)
    misspelt: the share of the texts that is read once more with slips of the keyboard (see ``misspelling``)
    look_every: steps between two looks at the texts kept apart; patience: looks without a gain that end the fit, 0: none do
    average: the share of the weights' running average that stays at every step, of which the looks are taken; 0: no average
    kept: the share of the weights that stays as it was before the fit, for a start that knows every code: what was known is
        less forgotten (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models")
    stays: the weight of what the start says of comments that it has read, where a label has 1 (see ``staying``); 0: labels teach
        everywhere; new: the sets, by name or pattern, that the start has not read
    doubted: sets, by name or pattern, whose sentiment and polarities are believed in part; doubt: how much of it is then what n-grams say that
        have not read the comment, 0 to 1 (see ``doubting``)
    unweighed: sets, by name or pattern, that do not say how far n-grams are trusted beside the encoder on positive or negative:
        comments that were written to train with share turns of phrase, which n-grams know by heart
    robust: q of the generalised cross entropy over exclusive codes (see ``encoder_net.code_losses``); 0: the plain one
    """

    epochs: float = 4.0
    least_steps: int = 600
    batch: int = 3072
    window: int = 256
    rate: float = 1e-4
    heads_rate: float = 8e-4
    warm: float = 0.05
    decay: float = 0.9
    dropout: float = 0.1
    hidden: float = 0.1
    adversarial: float = 2.5
    inner: int = 0
    inner_epochs: float = 2.0
    inner_rate: float = 5e-4
    misspelt: float = 0.0
    mention_weight: float = 0.3
    polarity_weight: float = 0.7
    mood_weight: float = 1.0
    evidence_weight: float = 0.2
    look_every: int = 50
    patience: int = 4
    average: float = 0.98
    kept: float = 0.0
    stays: float = 0.0
    new: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()
    doubt: float = 0.0
    unweighed: tuple[str, ...] = ()
    robust: float = 0.0
    seed: int = 7

    def for_noisy_labels(self) -> EncoderRecipe:
        """The same recipe for exclusive codes of which a good part is wrong.

        Every step is made: texts kept apart are labelled as badly as the others, and call the fit off when it begins to
        contradict them. The loss alone keeps labels from being learnt by heart: no dropout beside it.
        """
        return replace(self.fast(), robust=_ROBUST, patience=0, epochs=max(self.epochs, _LONG), dropout=0.0)

    def fast(self) -> EncoderRecipe:
        """The same recipe for a fit that has more to learn than to keep: of a student, and beside noisy labels. Nothing is moved."""
        heads_rate = max(self.heads_rate, _HEADS_FAST)
        return replace(self, rate=max(self.rate, _FAST), heads_rate=heads_rate, adversarial=0.0)

    def for_tokens(self, tokens: float) -> EncoderRecipe:
        """The same recipe with the batch and the epochs that a set of so many weighted tokens needs."""
        batch = min(self.batch, max(_SMALLEST_BATCH, int(tokens) // _STEPS_AN_EPOCH))
        wanted = min(_MOST_EPOCHS, self.least_steps * batch / max(tokens, 1))
        return replace(self, batch=batch, epochs=round(max(self.epochs, wanted), 1))


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
    content = read_toml(path)
    known = {"name", "version", "frame", "mapping", "weights", "linear", "encoder"}
    if unknown := sorted(set(content) - known):
        raise InputError(
            "unknown key in the recipe", path=path, column=unknown[0], hint=f"known: {', '.join(sorted(known))}"
        )
    if missing := sorted(known - {"weights", "linear", "encoder"} - set(content)):
        raise InputError("missing key in the recipe", path=path, column=missing[0])
    for name in ("name", "version", "frame", "mapping"):
        if not isinstance(content[name], str):
            told = "a value of another kind: a string is wanted"
            raise InputError(told, path=path, column=name, value=str(content[name]), hint=f'{name} = "..."')
    linear = settings(path, content, "linear", LinearRecipe)
    encoder = encoder_settings(path, content)
    frame = Codeframe.load(Path(vocnlp.frames.__file__).parent / content["frame"])
    mapping, weights = path.parent / content["mapping"], content.get("weights", {})
    if not mapping.is_file():
        hint = "the file of the sets and their codes, from the recipe's folder on"
        raise InputError("no such mapping", path=path, column="mapping", value=content["mapping"], hint=hint)
    _check_weights(path, weights)
    sets = read_mapping(frame, mapping)
    known_sets = [one.name for one in sets]
    check_sets(path, "weights", weights, known_sets)
    for name in SETS:
        check_sets(path, f"encoder.{name}", getattr(encoder, name), known_sets)
    return Recipe(content["name"], content["version"], frame, _weighted(sets, weights), linear, encoder)


def _check_weights(path: Path, weights: Any) -> None:
    """InputError for what is no table of weights of 0 or more."""
    if not isinstance(weights, dict):
        hint = "below it a line for each set: NAME = WEIGHT"
        raise InputError("must be a table: [weights]", path=path, column="weights", value=str(weights), hint=hint)
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            told, hint = "must be a number, 0 or more", "how often each text of the set counts"
            raise InputError(told, path=path, column=f"weights.{name}", value=str(weight), hint=hint)


def check_sets(path: Path, column: str, named: Iterable[str], known: Sequence[str], whose: str = "the mapping") -> None:
    """InputError for a name or a pattern of none of the sets: a slip would otherwise change nothing in silence."""
    for pattern in named:
        if not any(fnmatchcase(one, pattern) for one in known):
            hint = f"known: {', '.join(known)}"
            told = f"names a set that {whose} does not have"
            raise InputError(told, path=path, column=column, value=pattern, hint=hint)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a recipe; InputError where it is missing, cannot be read, or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError("no such recipe", path=path, hint="check the spelling and the folder") from None
    except OSError as error:
        hint = "a recipe is a .toml file; check the spelling and the folder"
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=hint) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid TOML: {error}", path=path) from error


def encoder_settings(path: Path, content: Mapping[str, Any]) -> EncoderRecipe:
    """The settings under ``[encoder]``; InputError as of ``settings``, and for some that mean nothing without others."""
    found: EncoderRecipe = settings(path, content, "encoder", EncoderRecipe)
    if found.new and not found.stays:
        hint = "give encoder.stays, the weight of what the start says of all others"
        raise InputError("new sets beside none that stay", path=path, column="encoder.new", hint=hint)
    if bool(found.doubted) != (found.doubt > 0) or not 0 <= found.doubt <= 1:
        hint = "give both: encoder.doubted, the sets, and encoder.doubt, above 0 and at most 1"
        raise InputError("sets to doubt and how much go together", path=path, column="encoder.doubt", hint=hint)
    return found


def settings(path: Path, content: Mapping[str, Any], part: str, kind: Any) -> Any:
    """The settings of a part of a recipe as a ``kind``; InputError for an unknown one, one of another type or out of range."""
    given = content.get(part, {})
    if not isinstance(given, dict):
        raise InputError(f"must be a table: [{part}]", path=path, column=part)
    known = sorted(one.name for one in fields(kind) if one.name != "grams")
    if unknown := [name for name in given if name not in known]:
        raise InputError("unknown setting", path=path, column=f"{part}.{unknown[0]}", hint=f"known: {', '.join(known)}")
    check_values(path, given, kind, {}, f"{part}.")
    made = kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
    check_ranges(path, part, made)
    return made


def check_ranges(path: Path, part: str, made: EncoderRecipe | LinearRecipe) -> None:
    """InputError for a number that means nothing where it stands. part: "encoder" or "linear"; path: what errors name."""
    usual = type(made)()
    for name, allowed in _RANGES[part].items():
        check_range(
            path, f"{part}.{name}", getattr(made, name), allowed, f"{getattr(usual, name)} where nothing is said"
        )


def _weighted(sets: tuple[SetMapping, ...], weights: Mapping[str, float]) -> tuple[SetMapping, ...]:
    """The sets with the weights that a recipe gives them, by name or pattern; the mapping's where it says nothing."""
    given = {one.name: [w for pattern, w in weights.items() if fnmatchcase(one.name, pattern)] for one in sets}
    return tuple(replace(one, weight=float((given[one.name] or [one.weight])[0])) for one in sets)
