"""Recipes: what to train on, for which frame, with which settings; a TOML file makes a training repeatable."""

from __future__ import annotations

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

_ROBUST, _LONG = 0.6, 10.0  # of noisy labels; Zhang and Sabuncu took 0.7 for q, whatever the noise
_FAST, _HEADS_FAST = 3e-4, 1.5e-3  # rates
_SMALLEST_BATCH, _STEPS_AN_EPOCH, _MOST_EPOCHS = 512, 80, 16.0


@dataclass(frozen=True)
class EncoderRecipe:
    """How to fine-tune. ``batch`` and ``window`` count tokens; the weights are those of the losses.

    least_steps: a small set is read so often, and in so small batches, that there are about so many steps
    hidden: the share of the words that is hidden from the encoder at every step, so that no text is learnt by heart
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
    hidden: float = 0.1
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
        contradict them.
        """
        return replace(self.fast(), robust=_ROBUST, patience=0, epochs=max(self.epochs, _LONG))

    def fast(self) -> EncoderRecipe:
        """The same recipe for a fit that has more to learn than to keep: of a student, and beside noisy labels."""
        return replace(self, rate=max(self.rate, _FAST), heads_rate=max(self.heads_rate, _HEADS_FAST))

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
    linear = settings(path, content, "linear", LinearRecipe)
    encoder = encoder_settings(path, content)
    frame = Codeframe.load(Path(vocnlp.frames.__file__).parent / content["frame"])
    sets, weights = read_mapping(frame, path.parent / content["mapping"]), content.get("weights", {})
    _check_sets(path, "weights", weights, sets)
    for name in ("new", "doubted", "unweighed"):
        _check_sets(path, f"encoder.{name}", getattr(encoder, name), sets)
    return Recipe(content["name"], content["version"], frame, _weighted(sets, weights), linear, encoder)


def _check_sets(path: Path, column: str, named: Iterable[str], sets: Sequence[SetMapping]) -> None:
    """InputError for a name or a pattern of no set: a slip would otherwise change nothing in silence."""
    for pattern in named:
        if not any(fnmatchcase(one.name, pattern) for one in sets):
            hint = f"known: {', '.join(one.name for one in sets)}"
            raise InputError(
                "names a set that the mapping does not have", path=path, column=column, value=pattern, hint=hint
            )


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
    """The settings of a part of a recipe as a ``kind``; InputError for an unknown one, or one of another type."""
    given = content.get(part, {})
    if not isinstance(given, dict):
        raise InputError(f"must be a table: [{part}]", path=path, column=part)
    known = {f.name: f.default for f in fields(kind) if f.name != "grams"}
    for name, value in given.items():
        if name not in known:
            hint = f"known: {', '.join(sorted(known))}"
            raise InputError("unknown setting", path=path, column=f"{part}.{name}", hint=hint)
        if isinstance(known[name], tuple):
            right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        else:
            wanted = (int, float) if isinstance(known[name], float) else type(known[name])
            right = isinstance(value, wanted) and not isinstance(value, bool)
        if not right:
            kind_of = "list of words" if isinstance(known[name], tuple) else type(known[name]).__name__
            told = f"a setting of another kind: {kind_of} is wanted"
            raise InputError(told, path=path, column=f"{part}.{name}", value=str(value))
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def _weighted(sets: tuple[SetMapping, ...], weights: Mapping[str, float]) -> tuple[SetMapping, ...]:
    """The sets with the weights that a recipe gives them, by name or pattern; the mapping's where it says nothing."""
    given = {one.name: [w for pattern, w in weights.items() if fnmatchcase(one.name, pattern)] for one in sets}
    return tuple(replace(one, weight=float((given[one.name] or [one.weight])[0])) for one in sets)
