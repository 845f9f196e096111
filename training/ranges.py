"""Settings of recipes: a value of another kind, and a number that means nothing where it stands, are refused by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError

Range = tuple[float, float]  # both ends inclusive
SHARE: Range = (0.0, 1.0)
ANY: Range = (0.0, math.inf)
SOME: Range = (1.0, math.inf)
ABOVE: Range = (math.ulp(0.0), math.inf)
SEED: Range = (0, 2**32 - 1)
_KINDS: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "str": str}
_WORDS = "tuple[str, ...]"


def check_range(path: Path, column: str, value: float, allowed: Range, hint: str = "") -> None:
    """InputError for a number out of its range, not-a-number and infinity."""
    least, most = allowed
    if not (least <= value <= most and value < math.inf):
        wanted = "above 0" if allowed == ABOVE else f"{least:g} or more"
        wanted = wanted if most == math.inf else f"{least:g} to {most:,.10g}"
        raise InputError(f"must be {wanted}", path=path, column=column, value=str(value), hint=hint)


def check_values(
    path: Path, given: Mapping[str, Any], kind: Any, ranges: Mapping[str, Range], before: str = ""
) -> None:
    """Check what a recipe gives for fields of the dataclass ``kind``, of which all are known. before: of each name in errors.

    Tables are left to ``check_table``.
    """
    written = {one.name: str(one.type) for one in fields(kind)}
    for name, value in given.items():
        if written[name] == _WORDS:
            right, wanted = isinstance(value, list) and all(isinstance(one, str) for one in value), "list of words"
        elif (kinds := _KINDS.get(written[name])) is not None:
            right, wanted = isinstance(value, kinds) and (isinstance(value, bool) == (kinds is bool)), written[name]
        else:
            continue
        if not right:
            told = f"a setting of another kind: {wanted} is wanted"
            raise InputError(told, path=path, column=before + name, value=str(value))
        if name in ranges:
            check_range(path, before + name, value, ranges[name])


def check_heads(path: Path, column: str, width: int, heads: int) -> None:
    """InputError where the neurons of a layer cannot be dealt out to so many heads of attention."""
    if width % heads:
        told = f"a width of {width} cannot be dealt out to {heads} heads alike"
        raise InputError(told, path=path, column=column, value=str(heads), hint="give a divisor of the width")


def check_table(
    path: Path, column: str, value: Any, known: Collection[str], allowed: Range, *, whole: bool = False
) -> None:
    """InputError for what is no table of numbers in their range, each under one of the known names."""
    if not isinstance(value, dict):
        raise InputError(f"must be a table: [{column}]", path=path, column=column, value=str(value))
    if strange := sorted(set(value) - set(known)):
        hint = f"known: {', '.join(sorted(known))}"
        raise InputError("no such setting", path=path, column=column, value=strange[0], hint=hint)
    for name, one in value.items():
        if isinstance(one, bool) or not isinstance(one, int if whole else (int, float)):
            told = f"a setting of another kind: {'int' if whole else 'float'} is wanted"
            raise InputError(told, path=path, column=f"{column}.{name}", value=str(one))
        check_range(path, f"{column}.{name}", one, allowed)
