"""How often and how long models were asked: the protocol's statistics of a model, and metrics for Prometheus."""

import time
from dataclasses import dataclass, field
from typing import Any

from qcompress.files import JsonObject

BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds."""


@dataclass
class Duration:
    """How often something took place, and its time in all [ns]."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """Once more."""
        self.count += 1
        self.ns += int(seconds * 1e9)

    def told(self) -> JsonObject:
        """As the protocol says it."""
        return {"count": self.count, "ns": self.ns}


@dataclass
class Counts:
    """What the protocol calls the statistics of one version of a model, since it was loaded."""

    rows: int = 0
    calls: int = 0
    last: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    infer: Duration = field(default_factory=Duration)

    def answered(self, rows: int, seconds: float, waited: float, computed: float) -> None:
        """A request of some rows; seconds: in all, waiting, computing."""
        self.rows += rows
        self.calls += 1
        self.last = int(time.time() * 1000)
        self.success.add(seconds)
        self.queue.add(waited)
        self.infer.add(computed)

    def told(self, name: str, version: str) -> JsonObject:
        """As the protocol says it, of the model of this name and version."""
        none = Duration().told()
        return {
            "name": name,
            "version": version,
            "last_inference": self.last,
            "inference_count": self.rows,
            "execution_count": self.calls,
            "inference_stats": {
                "success": self.success.told(),
                "fail": self.fail.told(),
                "queue": self.queue.told(),
                "compute_input": none,
                "compute_infer": self.infer.told(),
                "compute_output": none,
                "cache_hit": none,
                "cache_miss": none,
            },
            "batch_stats": [],
        }


class Metrics:
    """What Prometheus reads."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "qcompress"}
        model = ("model", "version")
        self._requests = Counter("requests", "Requests that were answered.", ("protocol", *model), **own)
        self._rows = Counter("rows", "Rows that were computed.", model, **own)
        self._failures = Counter("failures", "Requests that got an error.", ("protocol", *model, "reason"), **own)
        self._seconds = Histogram("request_seconds", "From request to answer.", model, buckets=BUCKETS, **own)
        self._compute = Histogram("compute_seconds", "In the emulator.", model, buckets=BUCKETS, **own)
        self._waiting = Gauge("requests_under_way", "Requests that have come and are not answered yet.", **own)
        self._ready = Gauge("model_info", "1 for every model that is served.", (*model, "content_hash"), **own)

    def answered(self, protocol: str, model: tuple[str, str], rows: int, seconds: float, computed: float) -> None:
        """A request; protocol: it came by; model: name and version; seconds: in all, and in the emulator."""
        self._requests.labels(protocol, *model).inc()
        self._rows.labels(*model).inc(rows)
        self._seconds.labels(*model).observe(seconds)
        self._compute.labels(*model).observe(computed)

    def failed(self, protocol: str, model: tuple[str, str], reason: str) -> None:
        """A request that got an error; model: name and version, empty where there is no such model."""
        self._failures.labels(protocol, *model, reason).inc()

    def under_way(self, requests: int) -> None:
        """How many requests are not answered yet."""
        self._waiting.set(requests)

    def serving(self, models: list[tuple[str, str, str]]) -> None:
        """Name, version and content hash of all that is served."""
        self._ready.clear()
        for each in models:
            self._ready.labels(*each).set(1)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
