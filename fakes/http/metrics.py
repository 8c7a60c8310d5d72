"""Metrics of one process: its own registry, label children looked up once, counts that cost little.

    metrics = Metrics()
    hits = metrics.counter("mcpist_rate_limit_hits_total", "…", "limit")   # hits("burst-limit").inc()
    fetched = metrics.counter("mcpist_jwks_requests_total", "…")           # fetched().inc()

`counter`, `gauge` and `histogram` give a function from label values to a child; the child is kept, so
a call on the hot path is one dictionary look-up. `reset()` zeroes counters and histograms, not gauges.
Every process has the common metrics (docs/architecture.md) by `Metrics.begin` and `Metrics.end`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line a series that nobody reads

M = TypeVar("M", bound=MetricWrapperBase)

# Seconds: from a fast tool's 10 ms to the 35 s deadline of a call.
LATENCY: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 5.0, 10.0, 20.0, 30.0, 35.0)


class Metrics:
    """The registry of a process and its common metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._children: list[dict[tuple[str, ...], Counter] | dict[tuple[str, ...], Histogram]] = []
        self.in_flight = 0
        self.in_flight_peak = 0
        self._requests = self.counter(
            "mcpist_requests_total", "Requests answered.", "method", "path", "status"
        )
        self._seconds = self.histogram("mcpist_request_duration_seconds", "Duration of requests.", LATENCY)
        self.track("mcpist_in_flight", "Requests in flight now.", lambda: self.in_flight)
        self.track("mcpist_in_flight_peak", "Most in flight since reset.", lambda: self.in_flight_peak)

    def counter(self, name: str, text: str, *labels: str) -> Callable[..., Counter]:
        """A counter; gives label values → child."""
        return self._kept(Counter(name, text, labels, registry=self.registry), labels)

    def gauge(self, name: str, text: str, *labels: str) -> Callable[..., Gauge]:
        """A gauge; gives label values → child."""
        return _look_up(Gauge(name, text, labels, registry=self.registry), labels, {})

    def histogram(
        self, name: str, text: str, buckets: Sequence[float], *labels: str
    ) -> Callable[..., Histogram]:
        """A histogram over `buckets` (upper bounds, seconds); gives label values → child."""
        return self._kept(Histogram(name, text, labels, registry=self.registry, buckets=buckets), labels)

    def track(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge without labels that is read only when scraped."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def begin(self) -> float:
        """A request came in; gives the token for `end`."""
        self.in_flight += 1
        if self.in_flight > self.in_flight_peak:  # noqa: PLR1730 - half the cost of max()
            self.in_flight_peak = self.in_flight
        return time.perf_counter()

    def end(self, began: float, method: str, path: str, status: int) -> None:
        """It was answered. `path` must come from a small set: see `known_path`."""
        self.in_flight -= 1
        self._seconds().observe(time.perf_counter() - began)
        self._requests(method, path, str(status)).inc()

    def reset(self) -> None:
        """Zero every counter and histogram, and start the peak anew."""
        self.in_flight_peak = self.in_flight
        for children in self._children:
            for child in children.values():
                child._metric_init()  # the library has a public reset for counters alone

    def text(self) -> bytes:
        """The Prometheus text of a scrape."""
        return generate_latest(self.registry)

    def _kept(self, metric: M, labels: Sequence[str]) -> Callable[..., M]:
        children: dict[tuple[str, ...], M] = {}
        self._children.append(children)  # type: ignore[arg-type]
        return _look_up(metric, labels, children)


def _look_up(metric: M, labels: Sequence[str], children: dict[tuple[str, ...], M]) -> Callable[..., M]:
    if not labels:
        children[()] = metric

    def child(*values: str) -> M:
        found = children.get(values)
        if found is None:
            found = children[values] = metric.labels(*values)
        return found

    return child


def known_path(path: str) -> str:
    """The path as a label: the two that the gateway serves, or `other`."""
    return path if path in ("/v1/mcp", "/health") else "other"
