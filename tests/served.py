"""A real server on loopback, in a process of its own; run as a program, one whose tagger waits for a file to exist.

``Tagger`` itself is what scores in both. With a gate, a test says when, so that nothing depends on how fast a machine is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from vocnlp.records import Prediction
from vocnlp.tagger import Tagger

PATIENCE = 60.0  # seconds; a machine under load is slow, a server that never answers is broken
POISON = "这句话会让模型崩溃"


class GatedTagger(Tagger):
    """Scores when the gate is open, that is when the file exists; breaks over one sentence."""

    gate: Path

    def tag(self, texts: Sequence[str]) -> list[Prediction]:
        while not self.gate.exists():
            time.sleep(0.002)
        if any(POISON in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return super().tag(texts)


@dataclass
class Served:
    """A running server: its address, and where its log goes."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def wait_ready(self) -> None:
        until(lambda: httpx.get(f"{self.url}/health/ready").status_code == 200)


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextmanager
def serving(
    folder: Path, bundle: Path, *, gate: Path | None = None, ready: bool = True, **settings: object
) -> Iterator[Served]:
    """A server of this bundle; ``settings`` reach it as a service gets them, through its environment."""
    log = folder / f"served-{time.monotonic_ns()}.log"
    environment = {f"VOCNLP_{name.upper()}": str(value) for name, value in settings.items()}
    how = ["-m", "vocnlp.cli", "serve"] if gate is None else [__file__]
    where = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    words = [sys.executable, *how, "--bundle", str(bundle), "--port", "0"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*words, *([] if gate is None else ["--gate", str(gate)])],
            stderr=file,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(where), **environment},
        )
    served = Served(process, log)
    try:
        until(lambda: b'"listening"' in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        port = next(line["port"] for line in served.lines() if line["event"] == "listening")
        served.url = f"http://127.0.0.1:{port}"
        if ready:
            served.wait_ready()
        yield served
    finally:
        if gate is not None:
            gate.touch()
        if process.poll() is None:
            process.kill()
        process.wait()


def main() -> None:
    from vocnlp.api.serve import run
    from vocnlp.api.settings import Settings

    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    tagger = GatedTagger.load(given["--bundle"])
    assert isinstance(tagger, GatedTagger)
    tagger.gate = Path(given["--gate"])
    run(tagger, Settings.read(port=int(given["--port"]), scorers=1))


if __name__ == "__main__":
    main()
