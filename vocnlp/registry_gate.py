"""What keeps a bundle from becoming champion: worse figures, a critical code that suffers, or a model that is too slow.

A pure function of a comparison. The comparison is made on labelled comments by ``vocnlp.training.comparison``, which this
library must not import; what is asked of it stands here as protocols.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any, Protocol

from .errors import RegistryError

FEW = "few"  # the verdict of a comparison on a code with too few cases
SLOWEST = 0.5


class Difference(Protocol):
    """A figure of two bundles; ``low``..``high`` holds 95 % of new - old. None where the data cannot say."""

    @property
    def old(self) -> float | None: ...
    @property
    def new(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def support(self) -> int: ...


class CodeDifference(Difference, Protocol):
    @property
    def verdict(self) -> str: ...


class Comparison(Protocol):
    """Two bundles on the same labelled comments. ``only_old`` are codes that the new bundle does not have."""

    @property
    def figures(self) -> Mapping[str, Difference]: ...
    @property
    def per_code(self) -> Mapping[str, CodeDifference]: ...
    @property
    def only_old(self) -> Collection[str]: ...
    @property
    def comments_per_second(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Settings:
    """What ``registry.toml`` may say: critical codes, the least share of the champion's speed, the data of the gate."""

    critical: frozenset[str] = frozenset()
    slowest: float = SLOWEST
    data: Path | None = None


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file, or the defaults where there is none; ``data`` is beside it unless absolute.

    RegistryError names a key that is unknown or holds the wrong kind of value.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise RegistryError(f"cannot be read: {error}", path=path, hint="it is a TOML file in UTF-8") from error
    critical, slowest, data = (content.pop(key, None) for key in ("critical", "slowest", "data"))
    hint = 'critical = ["code", ...], slowest = 0.5, data = "labelled.jsonl"'
    if content:
        raise RegistryError(f"knows no key {min(content)!r}", path=path, hint=hint)
    if not (critical is None or (isinstance(critical, list) and all(isinstance(code, str) for code in critical))):
        raise RegistryError("critical is no list of codes", path=path, hint=hint)
    if not (slowest is None or (type(slowest) in (int, float) and slowest >= 0)):
        raise RegistryError("slowest is no number from 0 on", path=path, hint=hint)
    if not (data is None or isinstance(data, str)):
        raise RegistryError("data is no name of a file", path=path, hint=hint)
    share = SLOWEST if slowest is None else float(slowest)
    return Settings(frozenset(critical or ()), share, None if data is None else path.parent / data)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a bundle is not promoted. ``kind``: worse, critical, lost, few, unmeasured or slower; ``subject``: of what."""

    kind: str
    subject: str
    told: str


def gate(comparison: Comparison, *, critical: frozenset[str], slowest: float = SLOWEST) -> tuple[Objection, ...]:
    """What speaks against promoting the new bundle over the old one; empty: nothing.

    A headline figure objects when the whole interval of new - old lies below 0. A critical code objects when its
    interval does, when the new bundle does not have it, and when there are too few cases to say. ``slowest``: the new
    bundle has to read at least this share of the comments that the old one reads in a second.
    """
    found = [_worse("worse", name, one) for name, one in comparison.figures.items() if _below(one)]
    if not comparison.figures:
        found.append(Objection("unmeasured", "figures", "the data give no figure that the two could be compared by"))
    for code in sorted(critical):
        one = comparison.per_code.get(code)
        if code in comparison.only_old:
            found.append(Objection("lost", code, f"{code}: critical, and the new bundle does not have it"))
        elif one is None or one.verdict == FEW or one.high is None or isnan(one.high):
            cases = 0 if one is None else one.support
            found.append(Objection("few", code, f"{code}: critical, and {cases} cases are too few to say"))
        elif _below(one):
            found.append(_worse("critical", code, one))
    old, new = comparison.comments_per_second
    if new < slowest * old:
        told = f"it reads {new:,.0f} comments a second of processor time, the champion {old:,.0f}; allowed is {slowest:g} times that"
        found.append(Objection("slower", "comments_per_second", told))
    return tuple(found)


def _below(one: Difference) -> bool:
    return one.high is not None and one.high < 0


def _worse(kind: str, name: str, one: Difference) -> Objection:
    figures = f"{one.old or 0:.3f} -> {one.new or 0:.3f}, difference {one.low or 0:+.3f} to {one.high or 0:+.3f} (95 %)"
    what = f"{name}: critical, and worse" if kind == "critical" else f"{name}: worse"
    return Objection(kind, name, f"{what}, {figures}, {one.support:,} cases")


def kept(comparison: Comparison, objections: Collection[Objection]) -> dict[str, Any]:
    """The comparison as the history keeps it: figures, every code that moved or objects, and the speed."""
    told = {one.subject for one in objections}
    codes = {
        code: {**_numbers(one), "verdict": one.verdict}
        for code, one in comparison.per_code.items()
        if code in told or one.verdict in ("better", "worse")
    }
    return {
        "figures": {name: _numbers(one) for name, one in comparison.figures.items()},
        "per_code": codes,
        "lost": sorted(comparison.only_old),
        "comments_per_second": [round(speed, 1) for speed in comparison.comments_per_second],
        "objections": [asdict(one) for one in objections],
    }


def _numbers(one: Difference) -> dict[str, float | int | None]:
    bounds = {"old": one.old, "new": one.new, "low": one.low, "high": one.high}
    return {
        **{name: None if x is None or isnan(x) else round(x, 4) for name, x in bounds.items()},
        "support": one.support,
    }
