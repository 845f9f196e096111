"""Values of a file of alert rules: read with ``Located``, refused with the rule and the value beside file and line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from .codeframe_reading import Located
from .errors import CodeframeError, InputError

SECRET = ("url_env", "secret_env", "url", "secret")  # a value written here by mistake is never shown


@contextmanager
def told(item: Located | None, what: str) -> Iterator[None]:
    """What ``Located`` finds wrong, as an InputError that also names the rule and the value."""
    try:
        yield
    except CodeframeError as error:
        value = item.content.get(error.key or "") if item else None
        shown = isinstance(value, str | int | float | list) and error.key not in SECRET
        found = InputError(f"{error} ({what})", value=str(value) if shown else None, hint=error.hint)
        found.path = error.path
        raise found from error


def one_of(item: Located, key: str, known: tuple[str, ...], *, default: str | None = None) -> str:
    value = item.text(key) if default is None else item.text(key, default=default)
    if value not in known:
        raise unknown(item, key, value, known=known)
    return value


def each_of(item: Located, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    for value in item.texts(key):
        if value not in known:
            raise unknown(item, key, value, known=known)
    return item.texts(key)


def days(item: Located, key: str, *, needed: bool = False) -> int | None:
    if key not in item.content and not needed:
        return None
    return int(number(item, key, low=1, high=3660, whole=True))


def number(
    item: Located, key: str, *, default: float | None = None, low: float, high: float, whole: bool = False
) -> float:
    value = item.value(key) if default is None else item.value(key, default=default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (whole and math.isfinite(value) and value != int(value))
    ):
        raise item.error(key, f"must be a {'whole ' if whole else ''}number, not {type(value).__name__}")
    if not low <= value <= high:  # NaN is not within any bounds
        raise item.error(key, f"must lie in {low:g}..{high:g}")
    return value if whole else float(value)


def unknown(item: Located, key: str, value: str, *, known: Iterable[str], what: str = "") -> CodeframeError:
    known = list(known)
    near = difflib.get_close_matches(value, known, 3) or known[:12]
    said = f"no such {what or key}: {value!r}" if key not in SECRET else f"no such {key}"
    return item.error(key, said, hint=f"known here: {', '.join(near) or 'none'}")
