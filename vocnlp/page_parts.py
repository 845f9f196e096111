"""Scripts and data that stand inside a page, so that a content security policy lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"


def script_of(name: str) -> str:
    """A script as the browser will hash it; the pointer to a source map goes, a page must not ask for files."""
    lines = (ASSETS / name).read_text("utf-8").replace("\r\n", "\n").split("\n")
    return "\n" + "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL=")) + "\n"


def policy_of(scripts: Iterable[str]) -> str:
    """The sources of a policy that lets these scripts run and no others."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def json_inside(payload: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or, read as script, a line."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
