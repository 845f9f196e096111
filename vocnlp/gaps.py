"""The satisfaction gap method: what customers met, against what they expected, what matters and what would be ideal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InputError

_NUMBERS = ("experience", "expectation", "importance", "ideal")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the offer as customers rated it, all on one scale; None is not asked, and never 0."""

    name: str
    experience: float | None = None
    expectation: float | None = None
    importance: float | None = None
    ideal: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What follows from the ratings of an attribute; None where one of the two it is made of is missing.

    - ``satisfaction`` = experience - expectation: below zero it disappoints (the disconfirmation of Oliver 1980,
      Journal of Marketing Research 17; the gap of Parasuraman, Zeithaml and Berry 1988, Journal of Retailing 64);
    - ``weighted`` = importance * satisfaction: what matters more weighs more;
    - ``gap`` = experience - ideal: how far from the best that can be thought of.
    """

    attribute: Attribute

    @property
    def satisfaction(self) -> float | None:
        return _minus(self.attribute.experience, self.attribute.expectation)

    @property
    def weighted(self) -> float | None:
        importance, satisfaction = self.attribute.importance, self.satisfaction
        return None if importance is None or satisfaction is None else importance * satisfaction

    @property
    def gap(self) -> float | None:
        return _minus(self.attribute.experience, self.attribute.ideal)


def gaps(attributes: Iterable[Attribute], *, scale: tuple[float, float] = (0, 10)) -> tuple[Gap, ...]:
    """A gap per attribute, in the order given. InputError for a rating off the scale, or a name given twice."""
    found: dict[str, Gap] = {}
    for number, attribute in enumerate(attributes, 1):
        if not attribute.name.strip() or attribute.name in found:
            raise InputError("an attribute needs a name of its own", row=number, column="name", value=attribute.name)
        for column in _NUMBERS:
            value = getattr(attribute, column)
            if value is not None and not scale[0] <= value <= scale[1]:
                raise InputError(f"outside {scale[0]}-{scale[1]}", row=number, column=column, value=f"{value}")
        found[attribute.name] = Gap(attribute)
    return tuple(found.values())


def most_disappointing(found: Iterable[Gap]) -> tuple[Gap, ...]:
    """By weighted satisfaction, lowest first; those that have none by satisfaction after them; the rest last."""
    return tuple(sorted(found, key=lambda gap: (_last(gap.weighted), _last(gap.satisfaction))))


def attributes_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Attribute, ...]:
    """Attributes from rows with the keys name, experience, expectation, importance, ideal; empty cells are None."""
    found = []
    for number, row in enumerate(rows, 1):
        unknown = sorted(set(row) - {"name", *_NUMBERS})
        if unknown:
            raise InputError(
                "no such rating", row=number, column=unknown[0], hint=f"known: name, {', '.join(_NUMBERS)}"
            )
        numbers = {column: _rating(row.get(column), number, column) for column in _NUMBERS}
        found.append(Attribute(str(row.get("name") or "").strip(), **numbers))
    return tuple(found)


def _rating(cell: Any, row: int, column: str) -> float | None:
    if cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and math.isnan(cell)):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError) as error:
        raise InputError("not a number", row=row, column=column, value=str(cell)) from error


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _last(value: float | None) -> float:
    return math.inf if value is None else value
