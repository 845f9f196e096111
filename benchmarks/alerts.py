"""From a comment coming in to its webhook received, on loopback: by a call, and by a file that ``alerts run --watch`` watches.

Every comment is tagged by the shipped bundle, judged, recorded on the disk with its case, signed and sent; the time ends
when the receiver has the whole request. The target is one second at the 99th percentile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vocnlp.alert_outbox import Outbox
from vocnlp.alert_reading import read_rules
from vocnlp.alert_rules import Rules
from vocnlp.alert_run import note
from vocnlp.alerts import decide
from vocnlp.batch import verdicts
from vocnlp.records import FEEDBACK, TAGGED
from vocnlp.tagger import Tagger
from vocnlp.webhooks import deliver, targets

_CALLS, _LOOKS = 200, 40
_EVERY = 0.1  # seconds between two looks at the watched file
_WAIT = 60.0
_RULES = """
schema: 1
name: benchmark
webhooks: [{id: here, form: json, url_env: VOC_URL, secret_env: VOC_KEY, allow: [127.0.0.0/8]}]
rules: [{id: low, kind: comment, title: 贬损者, severity: high, when: {detractor: true}, dedupe_hours: 0}]
"""
_TEXTS = (
    "第{}次充电时外壳烫得不敢碰，客服说再观察",
    "等了{}天快递还停在中转站，问谁都说不清",
    "退货单号提交了{}遍，每次都说系统正在处理",
    "排队{}分钟才点上单，菜上来已经凉透了",
)


class Arrivals:
    """When each alert came in, by ``time.perf_counter`` of this process."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.port = 0
        self._came = threading.Condition()

    def add(self, at: float) -> None:
        with self._came:
            self.times.append(at)
            self._came.notify_all()

    def wait(self, count: int) -> float:
        """When the alert of this number came in."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.times) >= count, _WAIT):
                raise TimeoutError(f"alert {count} did not arrive within {_WAIT:g} s")
            return self.times[count - 1]


@contextmanager
def receiving() -> Iterator[Arrivals]:
    arrivals = Arrivals()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            arrivals.add(time.perf_counter())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    arrivals.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield arrivals
    finally:
        server.shutdown()
        server.server_close()


def measure(bundle: Path | None = None) -> dict[str, Any]:
    """Seconds from comment to webhook: median, 99th percentile and worst, by call and by watched file."""
    tagger = Tagger.load(bundle)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(_RULES, encoding="utf-8")
        rules = read_rules(path, tagger.codeframe)
        return {"call": _told(_calls(tagger, rules, Path(folder))), "file": _told(_looks(Path(folder), bundle))}


def _told(seconds: Sequence[float]) -> dict[str, float]:
    values = np.array(seconds)
    return {
        "comments": len(values),
        "median": round(float(np.median(values)), 4),
        "p99": round(float(np.quantile(values, 0.99)), 4),
        "worst": round(float(values.max()), 4),
    }


def _comment(number: int) -> str:
    return _TEXTS[number % len(_TEXTS)].format(number)


def _calls(tagger: Tagger, rules: Rules, folder: Path) -> list[float]:
    took = []
    with receiving() as arrivals, Outbox.open(folder / "calls.sqlite") as outbox:
        to = targets(rules, {"VOC_URL": f"http://127.0.0.1:{arrivals.port}/", "VOC_KEY": "key"})
        for number in range(_CALLS):
            begun = time.perf_counter()
            text = _comment(number)
            decided = decide(
                _tagged(tagger, f"n{number}", text), rules, tagger.codeframe, now=datetime.now(UTC), figures=False
            )
            note(decided, rules, outbox, now=datetime.now(UTC))
            deliver(outbox, to, rules.delivery)
            took.append(arrivals.wait(number + 1) - begun)
    return took


def _tagged(tagger: Tagger, number: str, text: str) -> pa.RecordBatch:
    said = verdicts([text], tagger.tag([text]), f"{tagger.codeframe.name} {tagger.codeframe.version}")
    given = {"id": number, "text": text, "score": 1.0, "at": datetime.now().replace(tzinfo=None)}
    feedback = [pa.array([given.get(field.name)], field.type) for field in FEEDBACK]
    return pa.RecordBatch.from_arrays([*feedback, *said.columns], schema=TAGGED)


def _looks(folder: Path, bundle: Path | None) -> list[float]:
    """A raw export that gets one comment more at a time, replaced whole as exports are."""
    data, took = folder / "export.jsonl", list[float]()
    with receiving() as arrivals:
        _write(data, 1)
        program = "from vocnlp.cli_alerts import alerts_app; alerts_app()"
        words = ["run", "--rules", folder / "rules.yaml", "--data", data, "--state", folder / "file.sqlite"]
        words += ["--watch", _EVERY, "--text", "评论", "--score", "评分", "--id", "编号"]
        words += ["--bundle", bundle] if bundle else []
        environment = {**os.environ, "VOC_URL": f"http://127.0.0.1:{arrivals.port}/", "VOC_KEY": "key"}
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, words)], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            arrivals.wait(1)  # until it has started
            for number in range(2, _LOOKS + 2):
                begun = time.perf_counter()
                _write(data, number)
                took.append(arrivals.wait(number) - begun)
        finally:
            process.terminate()
            process.wait()
    return took


def _write(path: Path, count: int) -> None:
    rows = [{"编号": f"n{number}", "评论": _comment(number), "评分": number % 3} for number in range(count)]
    fresh = path.with_suffix(".new")
    fresh.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    fresh.replace(path)
