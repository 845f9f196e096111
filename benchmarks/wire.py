"""Calls over loopback that cost the callers next to nothing: they share the cores with the server that they measure.

64 callers by httpx got 114 answers a second from a service that gives these 400: most of the time went into the client.
Run as a program, ``python -m benchmarks.wire URL``, it asks for the health of a service until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from http.client import HTTPConnection
from select import select
from typing import Any, Self
from urllib.parse import urlsplit

REFUSED, LOST = -1, 0  # instead of a status: no connection was made; one broke before its answer was whole


class Wire:
    """Connections that are kept alive, as many as are wanted at a time."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._at = (str(at.hostname), int(at.port or 80))
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._idle:
            writer.close()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """``(status, answer)``, or REFUSED or LOST and None."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(content)}\r\n"
        head += "content-type: application/json\r\n\r\n" if content else "\r\n"
        while self._idle and self._idle[-1][0].at_eof():  # the server closes what was idle for seconds
            self._idle.pop()[1].close()
        try:
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._at)
        except OSError:
            return REFUSED, None
        try:
            writer.write(head.encode() + content)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            answer = await reader.readexactly(int(fields["content-length"]))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return LOST, None
        if fields.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(lines[0].split(" ")[1]), json.loads(answer) if answer else None


def probe(url: str, *, every: float = 0.05) -> dict[str, Any]:
    """Milliseconds of GET /health, asked every so many seconds until the standard input ends."""
    at = urlsplit(url)
    seen: list[float] = []
    refused = 0
    line = HTTPConnection(str(at.hostname), int(at.port or 80))
    while not select([sys.stdin], [], [], every)[0]:
        begun = time.perf_counter()
        line.request("GET", "/health")
        answer = line.getresponse()
        answer.read()
        seen.append(1000 * (time.perf_counter() - begun))
        refused += answer.status != 200
    seen.sort()
    slowest, most = round(seen[-1], 1), round(seen[len(seen) * 99 // 100], 1)
    return {"health_asked": len(seen), "health_p99_ms": most, "health_slowest_ms": slowest, "health_refused": refused}


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1])))
