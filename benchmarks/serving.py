"""The service under load: a real server in a process of its own, its callers in this one, over loopback.

    python -m benchmarks.serving [--seconds 10] [--only paced ...] [--bundle DIR]

Texts are cut from the challenge's cases to the lengths of ``MIX``, all different. Callers and server share the cores of
the machine, so what the callers take is missing in the server's figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil

from vocnlp.bundle import Bundle
from vocnlp.tagger import Tagger

from .challenge import read_cases
from .wire import Wire

#: Characters of a text, and how many of a hundred have so many.
MIX: Mapping[int, int] = {30: 60, 60: 25, 150: 12, 500: 3}
CALLERS = 64
_IN_MEMORY = 2000
_WAIT = 60.0


@dataclass(frozen=True)
class Seen:
    """One call: the status (or ``wire.REFUSED``, ``wire.LOST``), its seconds, and which bundle answered."""

    status: int
    seconds: float
    model: str = ""


class Texts:
    """Different texts without end; ``length`` None for the mix."""

    def __init__(self) -> None:
        self._stream = "，".join(case.text for case in read_cases())
        self._numbers = count()
        self._lengths = [length for length, share in MIX.items() for _ in range(share)]

    def next(self, length: int | None = None) -> str:
        number = next(self._numbers)
        size = length or self._lengths[number * 37 % 100]
        at = number * 17 % (len(self._stream) - size)
        return f"{number}，{self._stream[at : at + size]}"[:size]


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
    while time.perf_counter() - begun < _WAIT and process.poll() is None:
        lines = os.pread(log.fileno(), 65536, 0).splitlines()
        for line in lines:
            if b'"listening"' in line:
                return f"http://127.0.0.1:{json.loads(line)['port']}"
        time.sleep(0.01)
    raise RuntimeError(f"the server did not start: {os.pread(log.fileno(), 65536, 0).decode()}")


async def _call(wire: Wire, text: str) -> Seen:
    begun = time.perf_counter()
    status, answer = await wire.ask("POST", "/classify", {"input": text})
    return Seen(status, time.perf_counter() - begun, answer["model"] if status == 200 else "")


async def _paced(url: str, rate: float, seconds: float, text: Callable[[], str]) -> list[Seen]:
    """So many calls a second, sent when they are due and not when the one before is answered."""
    async with Wire(url) as client:
        begun = time.perf_counter()
        tasks = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(_call(client, text())))
        return list(await asyncio.gather(*tasks))


async def _closed(
    url: str, seconds: float, text: Callable[[], str], also: Callable[[], Awaitable[None]] | None = None
) -> list[Seen]:
    """``CALLERS`` who each call again as soon as they are answered; ``also`` happens after half of the time."""
    seen: list[Seen] = []
    end = time.perf_counter() + seconds

    async def caller(client: Wire) -> None:
        while time.perf_counter() < end:
            seen.append(await _call(client, text()))
            if seen[-1].status <= 0:
                return

    async with Wire(url) as client:
        callers = [asyncio.create_task(caller(client)) for _ in range(CALLERS)]
        if also is not None:
            await asyncio.sleep(seconds / 2)
            await also()
        await asyncio.gather(*callers)
    return seen


def told(seen: list[Seen]) -> dict[str, Any]:
    """Statuses, and milliseconds of the calls that were answered with 200."""
    good = sorted(one.seconds for one in seen if one.status == 200)
    at = {
        f"p{share}_ms": round(1000 * good[min(len(good) - 1, len(good) * share // 100)], 1)
        for share in (50, 99)
        if good
    }
    return {"calls": len(seen), "statuses": dict(sorted(Counter(one.status for one in seen).items())), **at}


def paced(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """One short text at a time, 50 a second."""
    with server(bundle) as running:
        return {
            "ready_seconds": round(running.ready_seconds, 2),
            **told(asyncio.run(_paced(running.url, 50, seconds, lambda: texts.next(30)))),
        }


def throughput(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """64 callers of single texts of the mix, beside the same bundle in memory in the same run."""
    tagger = Tagger.load(bundle)
    sample = [texts.next() for _ in range(_IN_MEMORY)]
    tagger.tag(sample[:100])
    begun = time.perf_counter()
    tagger.tag(sample)
    memory = len(sample) / (time.perf_counter() - begun)
    with server(bundle) as running:
        seen = asyncio.run(_closed(running.url, seconds, texts.next))
    rate = sum(one.status == 200 for one in seen) / seconds
    return {**told(seen), "texts_per_second": round(rate), "in_memory": round(memory), "share": round(rate / memory, 2)}


def overload(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """Four times what 64 callers get; /health is asked all along."""
    with server(bundle, deadline_seconds=2) as running:
        seen = asyncio.run(_closed(running.url, seconds / 2, texts.next))
        rate = 4 * max(1.0, sum(one.status == 200 for one in seen) / (seconds / 2))
        before, slowest, unwell = running.memory, 0.0, 0

        async def both() -> list[Seen]:
            nonlocal slowest, unwell
            load = asyncio.create_task(_paced(running.url, rate, seconds, texts.next))
            async with Wire(running.url) as client:
                while not load.done():
                    begun = time.perf_counter()
                    status, _ = await client.ask("GET", "/health")
                    unwell += status != 200
                    slowest = max(slowest, time.perf_counter() - begun)
                    await asyncio.sleep(0.1)
            return await load

        seen = asyncio.run(both())
        grown = running.memory / before - 1
    return {
        "offered_per_second": round(rate),
        **told(seen),
        "health_slowest_ms": round(1000 * slowest, 1),
        "health_refused": unwell,
        "memory_grown": round(grown, 3),
    }


def swap(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """Another version of the bundle takes over in the middle of the load."""
    first = Bundle.load(bundle)
    assert first.path is not None
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(first.path, Path(folder, "one"))
        second = replace(first, version=f"{first.version}.1", digest="", path=None).save(
            Path(folder, "two"), card="# two\n"
        )
        with server(Path(folder, "one")) as running:

            async def change() -> None:
                async with Wire(running.url) as client:
                    status, answer = await client.ask("POST", "/admin/bundle", {"path": "two"})
                    assert status == 200, answer

            seen = asyncio.run(_closed(running.url, seconds, texts.next, change))
    models = Counter(one.model for one in seen if one.model)
    lost = sum(one.status != 200 for one in seen)
    return {**told(seen), "lost": lost, "answered_by": {label: models[label] for label in (first.label, second.label)}}


def ending(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """SIGTERM under load: calls that got no answer once the server had them. A refused connection was never accepted."""
    with server(bundle) as running:

        async def stop() -> None:
            running.process.send_signal(signal.SIGTERM)

        seen = asyncio.run(_closed(running.url, seconds, texts.next, stop))
        code = running.process.wait(_WAIT)
    return {**told(seen), "exit_code": code}


def soak(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """60 % of what 64 callers get; memory after the first thirtieth of the time, and at the end."""
    with server(bundle) as running:
        seen = asyncio.run(_closed(running.url, min(10.0, seconds), texts.next))
        rate = max(1.0, 0.6 * sum(one.status == 200 for one in seen) / min(10.0, seconds))
        asyncio.run(_paced(running.url, rate, seconds / 30, texts.next))
        before = running.memory
        seen = asyncio.run(_paced(running.url, rate, seconds, texts.next))
        return {"per_second": round(rate), **told(seen), "memory_grown": round(running.memory / before - 1, 3)}


ROWS: Mapping[str, Callable[[Path | None, float, Texts], dict[str, Any]]] = {
    "paced": paced,
    "throughput": throughput,
    "overload": overload,
    "swap": swap,
    "ending": ending,
    "soak": soak,
}


def measure(bundle: Path | None = None, *, seconds: float = 10.0, only: list[str] | None = None) -> dict[str, Any]:
    """The table, each row for so many seconds."""
    texts = Texts()
    machine = {"cores": psutil.cpu_count(), "load_before": os.getloadavg()[0], "python": sys.version.split()[0]}
    rows = {name: ROWS[name](bundle, seconds, texts) for name in only or ROWS}
    return {"machine": machine, "bundle": Bundle.load(bundle).label, "seconds": seconds, "mix": dict(MIX), **rows}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each row; the soak wants 1800")
    parser.add_argument("--only", nargs="*", choices=ROWS)
    parser.add_argument("--bundle", type=Path)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.bundle, seconds=wanted.seconds, only=wanted.only), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
