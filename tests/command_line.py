"""Runs the command line in this process, as the console script does."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass

import pytest

from vocnlp import cli


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code, and what it printed."""

    code: int
    out: str
    err: str


class CommandLine:
    def __init__(self, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._patch, self._captured = patch, captured

    def __call__(self, *words: object, stdin: bytes | None = None) -> Ended:
        self._captured.readouterr()
        self._patch.setattr(sys, "argv", ["vocnlp", *map(str, words)])
        if stdin is not None:
            self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self._captured.readouterr()
        return Ended(int(ended.value.code or 0), out, err)


@pytest.fixture(name="vocnlp")
def command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)
