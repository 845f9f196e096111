"""The edge of the commands that make an encoder: what they came to as JSON, what went wrong in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console

from vocnlp.errors import VocnlpError


def explained(job: Callable[[Console], Any]) -> int:
    """Do the job and print what it gives; the exit code: 0, 2 for an error that is explained, 130 where it was stopped."""
    console = Console(stderr=True)
    try:
        found = job(console)
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        return 130
    except VocnlpError as error:
        console.print(f"[red]error[/red] {error}")
        return 2
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0
