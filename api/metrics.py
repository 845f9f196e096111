"""What Prometheus reads: requests, failures, times in seconds, batches, the queue, and tags, so that drift is seen."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.records import Prediction

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)


class Meters:
    """The meters of one service, in a registry of their own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self._requests = Counter("vocnlp_requests", "answered requests", ("route", "method", "status"), registry=own)
        self._failures = Counter("vocnlp_failures", "requests that failed, by type", ("type",), registry=own)
        self._total = Histogram(
            "vocnlp_request_seconds", "from headers to answer", ("route",), buckets=_SECONDS, registry=own
        )
        self._queue = Histogram("vocnlp_queue_seconds", "a call's wait for the scorer", buckets=_SECONDS, registry=own)
        self._infer = Histogram(
            "vocnlp_score_seconds", "of one batch, tokenising included", buckets=_SECONDS, registry=own
        )
        self._batch = Histogram("vocnlp_batch_texts", "texts scored together", buckets=_TEXTS, registry=own)
        self._tokens = Histogram("vocnlp_batch_tokens", "their tokens, as estimated", buckets=_TOKENS, registry=own)
        self._tags = Counter("vocnlp_tags", "codes found", ("code", "polarity"), registry=own)
        self._sentiments = Counter("vocnlp_sentiments", "texts that were read", ("sentiment",), registry=own)
        self._noise = Counter("vocnlp_noise", "texts that hold nothing to read", ("kind",), registry=own)
        self._model = Gauge(
            "vocnlp_model", "1 for what is served", ("name", "version", "digest", "codeframe"), registry=own
        )
        self._ready = Gauge("vocnlp_ready", "1 when requests are taken", registry=own)
        self._queued = Gauge("vocnlp_queue_texts", "texts that wait", registry=own)
        self._queued_tokens = Gauge("vocnlp_queue_tokens", "their tokens, as estimated", registry=own)

    def look_at(self, waiting: Callable[[], tuple[int, int]], ready: Callable[[], bool]) -> None:
        """Gauges are read when they are asked for, not kept."""
        self._queued.set_function(lambda: waiting()[0])
        self._queued_tokens.set_function(lambda: waiting()[1])
        self._ready.set_function(lambda: float(ready()))

    def serves(self, bundle: Bundle, frame: Codeframe) -> None:
        self._model.clear()
        self._model.labels(bundle.name, bundle.version, bundle.digest[:16], f"{frame.name}@{frame.version}").set(1)

    def answered(self, route: str, method: str, *, status: int, seconds: float) -> None:
        self._requests.labels(route, method, str(status)).inc()
        self._total.labels(route).observe(seconds)

    def failed(self, kind: str) -> None:
        self._failures.labels(kind).inc()

    def waited(self, seconds: float) -> None:
        self._queue.observe(seconds)

    def scored(self, predictions: Sequence[Prediction], *, tokens: int, seconds: float) -> None:
        self._infer.observe(seconds)
        self._batch.observe(len(predictions))
        self._tokens.observe(tokens)
        for (code, polarity), count in Counts((t.code, t.polarity) for p in predictions for t in p.tags).items():
            self._tags.labels(code, polarity).inc(count)
        for sentiment, count in Counts(p.sentiment for p in predictions if p.noise is None).items():
            self._sentiments.labels(sentiment).inc(count)
        for kind, count in Counts(p.noise for p in predictions if p.noise is not None).items():
            self._noise.labels(kind).inc(count)

    def page(self) -> bytes:
        page: bytes = generate_latest(self.registry)
        return page
