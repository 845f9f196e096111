"""Servers to be measured, each in a process of its own, and one more process that asks for their health."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

WAIT = 60.0  # seconds; a server that takes longer is broken


@dataclass(frozen=True)
class Server:
    """A server that runs: its address and process."""

    url: str
    process: subprocess.Popen[bytes]
    ready_seconds: float

    @property
    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def server(bundle: Path | None, **settings: object) -> Iterator[Server]:
    words = [sys.executable, "-m", "vocnlp.cli", "serve", "--port", "0"]
    words += [] if bundle is None else ["--bundle", str(bundle)]
    given = {f"VOCNLP_{name.upper()}": str(value) for name, value in settings.items()}
    with tempfile.TemporaryFile() as log:
        begun = time.perf_counter()
        process = subprocess.Popen(words, stderr=log, env={**os.environ, **given})
        try:
            url = _address(log, process, begun)
            while httpx.get(f"{url}/health/ready").status_code != 200:
                time.sleep(0.01)
            yield Server(url, process, time.perf_counter() - begun)
        finally:
            process.kill()
            process.wait()


def _address(log: Any, process: subprocess.Popen[bytes], begun: float) -> str:
    while time.perf_counter() - begun < WAIT and process.poll() is None:
        lines = os.pread(log.fileno(), 65536, 0).splitlines()
        for line in lines:
            if b'"listening"' in line:
                return f"http://127.0.0.1:{json.loads(line)['port']}"
        time.sleep(0.01)
    raise RuntimeError(f"the server did not start: {os.pread(log.fileno(), 65536, 0).decode()}")


@contextmanager
def probing(url: str) -> Iterator[dict[str, Any]]:
    """/health asked by a process of its own until the end of the block; then what it saw is in the dictionary."""
    words = [sys.executable, "-m", "benchmarks.wire", url]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    seen: dict[str, Any] = {}
    try:
        yield seen
        seen |= json.loads(process.communicate(timeout=WAIT)[0])
    finally:
        process.kill()
        process.wait()
