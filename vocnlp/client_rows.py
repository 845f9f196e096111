"""The ids of rows that a client sends without one, given before a long list is cut into parts.

The service numbers equal rows within one call. Equal rows in two parts of one list would be one row there, so they are
numbered here, over the whole list; and a part that is sent again brings the same ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .privacy import mask

Row = Mapping[str, Any]
_CONTENT = ("customer", "at", "channel", "segment", "stage", "score", "text")  # as in ``store_rows``


def named(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows, each with an id: its own, or the one that a store of masked texts makes of its content."""
    from .store_rows import made_id  # loads Arrow, which nobody needs whose rows have ids

    seen: Counter[str] = Counter()
    told = []
    for row in rows:
        if (given := row.get("id")) is not None and str(given).strip():
            told.append(dict(row))
            continue
        content = [_cell(name, row.get(name)) for name in _CONTENT]
        first = made_id(content, delivery="", nth=1)
        seen[first] += 1
        told.append({**row, "id": made_id(content, delivery="", nth=seen[first])})
    return told


def _cell(name: str, cell: object) -> object:
    """A cell as the store has it; one that the service will refuse stays as it is. A text is masked, for an id that was
    made of a telephone number would give it away."""
    if isinstance(cell, str) and name == "text":
        return mask(cell)
    if isinstance(cell, int | float) and name == "score" and 0 <= cell <= 10:
        return _single(cell)
    if isinstance(cell, str) and name == "at":
        try:
            return datetime.fromisoformat(cell).replace(tzinfo=None)
        except ValueError:
            return cell
    return cell


def _single(score: float) -> float:
    import numpy as np

    return float(np.float32(score))


__all__ = ["Row", "named"]
