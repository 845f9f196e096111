"""Which script comments are written in and how long they are: the part of a data check that concerns no label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vocnlp.text import simplify

_HAN = re.compile("[\u3400-\u9fff]")
_TRADITIONAL = 0.05  # of the Chinese characters: 著 or 乾 alone, which Simplified texts hold too, is less in most
_MOST = 20_000  # texts looked at, evenly over the file


@dataclass(frozen=True)
class Profile:
    """Shares of texts by script (together 1; ``other``: hardly any Chinese), and lengths in characters at percentiles."""

    simplified: float = 0.0
    traditional: float = 0.0
    other: float = 0.0
    length: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)  # of 5, 25, 50, 75 and 95 texts in a hundred
    longest: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "length": list(self.length)}


def profile_of(texts: Sequence[str]) -> Profile:
    """The profile of the texts that are not empty; of very many, of 20,000 taken evenly."""
    filled = [text for text in texts if text.strip()]
    if not filled:
        return Profile()
    lengths = np.array([len(text) for text in filled])
    filled = filled[:: -(-len(filled) // _MOST)]
    kinds = [_script(text) for text in filled]
    share = {kind: round(kinds.count(kind) / len(kinds), 4) for kind in ("simplified", "traditional", "other")}
    five = np.percentile(lengths, (5, 25, 50, 75, 95)).round().astype(int).tolist()
    return Profile(**share, length=tuple(five), longest=int(lengths.max()))


def _script(text: str) -> str:
    chinese = _HAN.findall(text)
    if 5 * len(chinese) < len("".join(text.split())):
        return "other"
    whole = text.encode("utf-8", "replace").decode()  # OpenCC cannot read half a surrogate pair
    changed = sum(one != other for one, other in zip(chinese, _HAN.findall(simplify(whole)), strict=False))
    return "traditional" if changed > _TRADITIONAL * len(chinese) else "simplified"
