"""Lines for machines: one JSON object a line, with the request's id and never a word of what was sent."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocnlp.errors import OutputError

_JSON = json.JSONEncoder(ensure_ascii=False)
LOG = logging.getLogger("vocnlp.api")
AUDIT = logging.getLogger("vocnlp.audit")


class Lines(logging.Formatter):
    """A record as JSON. Of an exception the type and the places: its message may quote a comment."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "log": record.name}
        line |= getattr(record, "fields", None) or {"event": record.getMessage().strip()}
        if record.exc_info and record.exc_info[1] is not None:
            line |= fault(record.exc_info[1])
        return _JSON.encode(line)


def fault(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "exception": type(error).__name__,
        "where": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }


def say(event: str, *, log: logging.Logger = LOG, level: int = logging.INFO, **fields: Any) -> None:
    if log.isEnabledFor(level):
        # Made by hand: looking for the line that logged, as ``log.log`` does, takes as long as all the rest.
        line = logging.LogRecord(log.name, level, "", 0, event, (), None)
        line.fields = {"event": event, **fields}
        log.handle(line)


def set_up(audit: Path | None) -> None:
    """Everything goes to stderr; audit lines to a file, if one is named (the request's line says nearly the same)."""
    shown = logging.StreamHandler()
    shown.setFormatter(Lines())
    # What the reader of forms finds odd is in the refusal already.
    levels = {"vocnlp.api": logging.INFO, "uvicorn": logging.WARNING, "python_multipart": logging.CRITICAL}
    for name, level in levels.items():
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [shown], False
        logger.setLevel(level)
    AUDIT.propagate = False
    AUDIT.setLevel(logging.INFO if audit is not None else logging.CRITICAL)
    if audit is not None:
        try:
            kept = logging.FileHandler(audit, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", path=audit, hint="name another file") from error
        kept.setFormatter(Lines())
        AUDIT.handlers = [kept]
