"""The service under load: a real server in a process of its own, its callers in this one, over loopback.

    python -m benchmarks.serving [--seconds 60] [--only paced ...] [--soak-minutes 30] [--bundle DIR]

Texts are cut from the challenge's cases to the lengths of ``MIX``, all different. Callers and server share the cores of
the machine, so what the callers take is missing in the server's figures. Health is asked by a process of its own: in
that of the callers it would wait for them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from vocnlp.api.tokens import tokens_in
from vocnlp.bundle import Bundle
from vocnlp.encoder import Encoder
from vocnlp.pooled import Pooled
from vocnlp.tagger import Tagger
from vocnlp.text import clauses, normalise_all
from vocnlp.windows import read_windows

from .challenge import read_cases
from .servers import WAIT, probing, server
from .wire import Wire

#: Characters of a text, and how many of a hundred have so many.
MIX: Mapping[int, int] = {30: 60, 60: 25, 150: 12, 500: 3}
CALLERS = 64
_IN_MEMORY = 2000


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
    """64 callers of single texts of the mix, beside the same bundle in memory, before and after: machines are not steady."""
    tagger = Tagger.load(bundle)
    tagger.tag([texts.next() for _ in range(100)])

    def in_memory() -> float:
        sample = [texts.next() for _ in range(_IN_MEMORY)]
        begun = time.perf_counter()
        tagger.tag(sample)
        return len(sample) / (time.perf_counter() - begun)

    before = in_memory()
    with server(bundle) as running:
        seen = asyncio.run(_closed(running.url, seconds, texts.next))
    memory = (before + in_memory()) / 2
    rate = sum(one.status == 200 for one in seen) / seconds
    return {**told(seen), "texts_per_second": round(rate), "in_memory": round(memory), "share": round(rate / memory, 2)}


def overload(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """Four times what 64 callers get, with a deadline of 2 s; /health is asked every 50 ms all along."""
    with server(bundle, deadline_seconds=2) as running:
        first = min(10.0, seconds)
        seen = asyncio.run(_closed(running.url, first, texts.next))
        rate = 4 * max(1.0, sum(one.status == 200 for one in seen) / first)
        asyncio.run(
            _paced(running.url, rate, first / 2, texts.next)
        )  # as much waits as may: the memory of a full house
        before = running.memory
        with probing(running.url) as health:
            seen = asyncio.run(_paced(running.url, rate, seconds, texts.next))
        grown = running.memory / before - 1
    return {"offered_per_second": round(rate), **told(seen), **health, "memory_grown": round(grown, 3)}


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
        code = running.process.wait(WAIT)
    return {**told(seen), "exit_code": code}


def soak(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """60 % of what 64 callers get; memory after the first minute (of a shorter soak, after a tenth), and at the end."""
    with server(bundle) as running:
        first = min(10.0, seconds / 10)
        seen = asyncio.run(_closed(running.url, first, texts.next))
        rate = max(1.0, 0.6 * sum(one.status == 200 for one in seen) / first)
        begun, seen, memory = time.perf_counter(), [], [running.memory]
        while (left := seconds - (time.perf_counter() - begun)) > 1:  # in parts, so that one can see that it goes on
            seen += asyncio.run(_paced(running.url, rate, min(60.0, seconds / 10, left), texts.next))
            memory.append(running.memory)
            print(f"{time.perf_counter() - begun:6.0f} s  {memory[-1] / 2**20:.1f} MiB", file=sys.stderr, flush=True)
    megabytes = [round(one / 2**20, 1) for one in memory]
    return {
        "minutes": round(seconds / 60, 1),
        "per_second": round(rate),
        **told(seen),
        "memory_after_first_minute_mib": megabytes[1],
        "memory_at_the_end_mib": megabytes[-1],
        "memory_most_mib": max(megabytes),
        "memory_grown": round(memory[-1] / memory[1] - 1, 3),
    }


def tokens(bundle: Path | None, seconds: float, texts: Texts) -> dict[str, Any]:
    """How near the service's estimate of tokens comes to the tokenizer of the bundle: estimated by counted."""
    del seconds
    model = Bundle.load(bundle).classifier
    encoder = model.encoder if isinstance(model, Pooled) else model
    if not isinstance(encoder, Encoder):
        return {}
    sample = [texts.next() for _ in range(_IN_MEMORY)]
    lines = [normalise_all([text[a:b] for a, b in clauses(text) or [(0, len(text))]]) for text in sample]
    read = read_windows(lines, encoder._tokenizer, encoder.window, encoder.marks)
    counted = np.bincount(np.repeat(read.owner, np.diff(read.start)), minlength=len(sample))
    ratio = np.array([tokens_in(text) for text in sample]) / counted
    shares = {f"p{share}": round(float(np.percentile(ratio, share)), 2) for share in (1, 50, 99)}
    return {"of_a_text": shares, "of_all": round(sum(map(tokens_in, sample)) / int(counted.sum()), 2)}


ROWS: Mapping[str, Callable[[Path | None, float, Texts], dict[str, Any]]] = {
    "paced": paced,
    "throughput": throughput,
    "overload": overload,
    "swap": swap,
    "ending": ending,
    "tokens": tokens,
    "soak": soak,
}
_WHOLE = ("paced", "overload")  # rows that take all of the time; the others a third of it


def measure(
    bundle: Path | None = None, *, seconds: float = 60.0, only: list[str] | None = None, soak_minutes: float = 0.0
) -> dict[str, Any]:
    """The table: ``paced`` and ``overload`` for so many seconds, the others for a third; the soak only if it has minutes."""
    texts = Texts()
    machine = {"cores": psutil.cpu_count(), "load_before": os.getloadavg()[0], "python": sys.version.split()[0]}
    times = {name: seconds if name in _WHOLE else seconds / 3 for name in ROWS} | {"soak": 60 * soak_minutes}
    rows = {name: ROWS[name](bundle, times[name], texts) for name in only or ROWS if times[name]}
    return {"machine": machine, "bundle": Bundle.load(bundle).label, "seconds": seconds, "mix": dict(MIX), **rows}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of paced and overload; the others take a third")
    parser.add_argument("--soak-minutes", type=float, default=0.0, help="0: no soak")
    parser.add_argument("--only", nargs="*", choices=ROWS)
    parser.add_argument("--bundle", type=Path)
    wanted = parser.parse_args()
    found = measure(wanted.bundle, seconds=wanted.seconds, only=wanted.only, soak_minutes=wanted.soak_minutes)
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
