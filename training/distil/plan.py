"""What a distillation does and how: one frozen record, read from a recipe file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.training.ranges import ABOVE, ANY, SEED, SHARE, SOME, Range, check_heads, check_table, check_values
from vocnlp.training.recipe import EncoderRecipe, read_toml

SHIPPED = Path(__file__).parents[1] / "voc-zh-small-distil.toml"
_MAY_CHANGE = ("tokens", "minutes", "rate", "heads_rate")
_RANGES: dict[str, Range] = {
    "layers": SOME, "width": SOME, "heads": SOME, "inner": ANY,
    "tokens": ANY, "rate": ABOVE, "batch": SOME, "minutes": ANY, "heads_rate": ANY, "hidden": (0.0, 0.9), "warm": SHARE,
    "decay": SHARE, "words": ANY, "states": ANY, "taught": ANY, "labels": ANY, "mention": ANY,
    "seed": SEED, "window": (8, 100_000), "finished": SHARE, "misspelt": SHARE, "blended": ANY,
}  # fmt: skip
_REPEATS = {"starred": 1, "plain": 2, "labelled": 3}


@dataclass(frozen=True)
class Shape:
    """Of an encoder. inner: neurons of a feed-forward layer, 0: four times the width."""

    layers: int
    width: int
    heads: int
    inner: int = 0

    @property
    def neurons(self) -> int:
        return self.inner or 4 * self.width


@dataclass(frozen=True)
class Phase:
    """One part of the way. tokens: read in it at most; minutes: at most, 0 for no limit; batch: tokens a step;
    hidden: the share of a batch that is hidden; warm, decay: shares of the way up to and down from the full rate;
    words, states, taught, labels: weights of the losses of hidden words, of the teacher's states and answers, of labels
    mention: how much it counts among those of labels and answers whether a code is there, as in ``EncoderRecipe``
    """

    tokens: float
    rate: float
    batch: int
    minutes: float = 0.0
    heads_rate: float = 0.0  # of the tagger's own weights; 0: the same
    hidden: float = 0.15
    warm: float = 0.04
    decay: float = 0.4
    words: float = 1.0
    states: float = 0.0
    taught: float = 0.0
    labels: float = 0.0
    mention: float = EncoderRecipe.mention_weight


@dataclass(frozen=True)
class Plan:
    """``grow`` a teacher on unlabelled text, ``tune`` it on labels, ``pass_on`` what it says to a student, ``finish`` that
    one on labels and the teacher together. finished: how far its weights go from the third to the fourth, 0 to 1.
    repeats: how often a text of a kind is read where others are read once.
    goes_on: the student begins as the tagger that is given to start from (it must be of its shape), not anew.
    teacher_goes_on: the teacher too begins as that tagger, made as wide and deep as itself (see ``widening``), and while it
    grows it goes on saying what that one says, as far as ``grow.taught``
    misspelt: the share of the labelled texts that is read once more with slips of the keyboard (see ``misspelling``)
    blended: so many texts more, as a share of those with codes, are made of two each (see ``blending``)."""

    teacher: Shape
    student: Shape
    grow: Phase
    tune: Phase
    pass_on: Phase
    finish: Phase
    seed: int = 20
    window: int = 256
    finished: float = 0.5
    goes_on: bool = False
    teacher_goes_on: bool = False
    misspelt: float = 0.0
    blended: float = 0.0
    repeats: Mapping[str, int] = field(default_factory=lambda: dict(_REPEATS))

    def begun(self) -> dict[str, Any]:
        """What a work folder of it holds, as JSON gives it back. A longer part, and one at another rate, go on; and how far the
        weights go in the end may still be chosen."""
        told = asdict(self)
        del told["finished"]
        for part in ("grow", "tune", "pass_on", "finish"):
            told[part] = {name: value for name, value in told[part].items() if name not in _MAY_CHANGE}
        return told


def read_plan(path: Path | str = SHIPPED) -> Plan:
    """The plan of a TOML file; InputError for what it cannot mean."""
    path = Path(path)
    content = read_toml(path)
    kinds = {"teacher": Shape, "student": Shape, "grow": Phase, "tune": Phase, "pass_on": Phase, "finish": Phase}
    _check(content, Plan, path, "")
    for name, kind in kinds.items():
        _check(content.get(name, {}), kind, path, f"{name}.")
    if "repeats" in content:
        check_table(path, "repeats", content["repeats"], _REPEATS, ANY, whole=True)
        content["repeats"] = {**_REPEATS, **content["repeats"]}
    for name, kind in kinds.items():
        try:
            content[name] = kind(**content.get(name, {}))
        except TypeError as error:
            raise InputError(f"[{name}] lacks a setting: {error}", path=path) from error
    plan = Plan(**content)
    for name, shape in (("teacher", plan.teacher), ("student", plan.student)):
        check_heads(path, f"{name}.heads", shape.width, shape.heads)
    if plan.teacher_goes_on and (reason := unlike(plan.student, plan.teacher)):
        told = f"the teacher cannot begin as the student: {reason}"
        raise InputError(told, path=path, column="teacher_goes_on", hint="give other shapes, or leave it out")
    return plan


def unlike(small: Shape, large: Shape) -> str:
    """Why no tagger of the shape ``large`` can begin as one of the shape ``small``; empty where it can."""
    if large.width % small.width:
        return f"a width of {large.width} is no multiple of {small.width}"
    if large.width * small.heads != small.width * large.heads:
        return f"heads of {large.width / large.heads:g} neurons are not those of {small.width / small.heads:g}"
    if large.layers % small.layers:
        return f"{large.layers} layers are no multiple of {small.layers}"
    if large.neurons < small.neurons:
        return f"{large.neurons} neurons a layer are fewer than {small.neurons}"
    return ""


def _check(given: Any, kind: Any, path: Path, before: str) -> None:
    """InputError for what is no table of settings of ``kind``, or one of another kind or out of range."""
    if not isinstance(given, dict):
        raise InputError(f"must be a table: [{before[:-1]}]", path=path, column=before[:-1], value=str(given))
    known = {one.name for one in fields(kind)}
    if unknown := sorted(set(given) - known):
        hint = f"known: {', '.join(sorted(known))}"
        raise InputError("no such setting", path=path, value=before + unknown[0], hint=hint)
    check_values(path, given, kind, _RANGES, before)
