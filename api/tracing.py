"""OpenTelemetry, by its own environment variables, where the extra ``[otel]`` is installed; nothing otherwise.

``OTEL_EXPORTER_OTLP_ENDPOINT`` turns it on; the SDK itself reads ``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER`` and the
rest. A span has the route, the status and the times; bodies and headers are never taken.
"""

from __future__ import annotations

from importlib.util import find_spec

from fastapi import FastAPI

from .journal import say
from .settings import Tracing

_NEEDED = (
    "opentelemetry.instrumentation.fastapi",
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http",
)


def trace(app: FastAPI, asked: Tracing) -> bool:
    """Whether spans are sent from now on."""
    if not asked.on:
        return False
    if not all(map(_is_there, _NEEDED)):
        say("tracing_missing", hint='pip install "vocnlp[otel]"')
        return False
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # type: ignore[import-not-found,unused-ignore]
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # type: ignore[import-not-found,unused-ignore]
    from opentelemetry.sdk.trace import TracerProvider  # type: ignore[import-not-found,unused-ignore]
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # type: ignore[import-not-found,unused-ignore]

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls="/health,/metrics,/v2/health")
    return True


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is not there either
        return False
