"""What a label that no codeframe has may mean: a slip of the pen, or several codes in one cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from vocnlp.codeframe import Codeframe
from vocnlp.text import normalise

_BETWEEN = re.compile("[;；,，、/|]")  # what people write between several codes in one cell


def meant(label: str, frame: Codeframe) -> str | None:
    """The id or name of the frame that a label may mean: the same but for case and width, or else the nearest."""
    words = {normalise(word).strip(): word for code in reversed(frame.codes) for word in (code.name, code.id)}
    plain = normalise(label).strip()
    if plain in words:
        return words[plain]
    near = difflib.get_close_matches(plain, words, n=1, cutoff=0.6)
    return words[near[0]] if near else None


def several(label: str, alone: Collection[str]) -> tuple[str, ...]:
    """The codes that a label holds side by side, 口味;物流, if each of them also stands ``alone``; () if not."""
    parts = tuple(part.strip() for part in _BETWEEN.split(label))
    return parts if len(parts) > 1 and all(part in alone for part in parts) else ()


def advice(label: str, frame: Codeframe, *, otherwise: str) -> str:
    """What to do about a label that the frame does not have."""
    parts = several(label, [word for code in frame.codes for word in (code.id, code.name)])
    if parts:
        return f"it holds {len(parts)} codes: one row a code"
    near = meant(label, frame)
    return f"did you mean {near!r}?" if near else otherwise
