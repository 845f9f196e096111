"""Spans go out where OpenTelemetry is installed and its endpoint is named; otherwise nothing happens and nothing breaks."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from served import serving, until

from vocnlp.api.settings import Tracing
from vocnlp.api.tracing import trace


def has_extra() -> bool:
    try:
        return find_spec("opentelemetry.instrumentation.fastapi") is not None
    except ModuleNotFoundError:
        return False


def test_without_an_endpoint_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    assert not Tracing().on and not trace(FastAPI(), Tracing())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert Tracing().on
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not Tracing().on


@pytest.mark.skipif(has_extra(), reason="the extra is installed")
def test_without_the_extra_the_service_serves(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with serving(tmp_path, tiny_bundle) as served:
        assert httpx.post(f"{served.url}/classify", json={"input": "味道很好"}).status_code == 200


@pytest.mark.skipif(not has_extra(), reason="needs the extra otel")
def test_a_span_goes_out_without_the_text(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "voc-test")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    try:
        with serving(tmp_path, tiny_bundle) as served:
            httpx.post(f"{served.url}/classify", json={"input": "味道很好"}).raise_for_status()
            until(lambda: any(b"/classify" in body for body in got))
    finally:
        server.shutdown()
        server.server_close()
    whole = b"".join(got)
    assert b"voc-test" in whole and "味道".encode() not in whole
