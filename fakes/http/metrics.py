"""Metrics of one process: its own registry, label children looked up once, counts that cost next to nothing.

    metrics = Metrics()
    hits = metrics.counter("mcpist_rate_limit_hits_total", "…", "limit")   # hits("burst-limit").inc()
    fetched = metrics.counter("mcpist_jwks_requests_total", "…")           # fetched().inc()

`counter`, `gauge` and `histogram` give a function from label values to a child; the child is kept, so
a call on the hot path is one dictionary look-up. `reset()` zeroes counters and histograms, not gauges.
Counters and histograms are plain numbers, made into prometheus-client's families at a scrape: its own
children take a lock and five calls to add one. Adding is one step under the interpreter's lock, so isolates
in threads lose no count.
Every process has the common metrics (docs/architecture.md) by `Metrics.begin` and `Metrics.end`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import accumulate
from typing import Any, Final, Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

# Seconds: from a fast tool's 10 ms to the 35 s deadline of a call.
LATENCY: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 5.0, 10.0, 20.0, 30.0, 35.0)


class CounterChild:
    """A counter of one set of label values."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Count; never downwards."""
        self.value += amount

    def zero(self) -> None:
        """Begin anew."""
        self.value = 0.0

    def add_to(self, family: Any, labels: Sequence[str]) -> None:
        """Tell a scrape."""
        family.add_metric(labels, self.value)


class HistogramChild:
    """A histogram of one set of label values over upper `bounds`."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.zero()

    def observe(self, amount: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, amount)] += 1
        self.sum += amount

    def zero(self) -> None:
        """Begin anew."""
        self.counts, self.sum = [0] * (len(self.bounds) + 1), 0.0

    def add_to(self, family: Any, labels: Sequence[str]) -> None:
        """Tell a scrape: how many observations each bound has below it, or at it."""
        names = map(floatToGoString, (*self.bounds, float("inf")))
        buckets = [(name, float(count)) for name, count in zip(names, accumulate(self.counts), strict=True)]
        family.add_metric(labels, buckets, self.sum)


class _MetricChild(Protocol):
    def zero(self) -> None: ...

    def add_to(self, family: Any, labels: Sequence[str]) -> None: ...


C = TypeVar("C", bound=_MetricChild)


class Children(Collector, Generic[C]):
    """The children of one metric by their label values; one without labels has its only child at once."""

    def __init__(self, family: Callable[[], Metric], labels: Sequence[str], make: Callable[[], C]) -> None:
        self._family, self._labels, self._make = family, labels, make
        self._of: dict[tuple[str, ...], C] = {} if labels else {(): make()}

    def __call__(self, *values: str) -> C:
        """The child of these label values. Raises ValueError where they are not as many as labels."""
        found = self._of.get(values)
        return self._new(values) if found is None else found

    def _new(self, values: tuple[str, ...]) -> C:
        if len(values) != len(self._labels):
            raise ValueError(f"{values} are no values of {self._labels}")
        return self._of.setdefault(values, self._make())

    def zero(self) -> None:
        """All begin anew."""
        for child in list(self._of.values()):
            child.zero()

    def describe(self) -> Iterable[Metric]:
        """Its name, so that no registry takes it twice."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """The metric as a scrape tells it."""
        family = self._family()
        for values, child in list(self._of.items()):
            child.add_to(family, values)
        return [family]


class Metrics:
    """The registry of a process and its common metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._kept: list[Children[Any]] = []
        self.in_flight = 0
        self.in_flight_peak = 0
        self._requests = self.counter(
            "mcpist_requests_total", "Requests answered.", "method", "path", "status"
        )
        self._seconds = self.histogram("mcpist_request_duration_seconds", "Duration of requests.", LATENCY)
        self.track("mcpist_in_flight", "Requests in flight now.", lambda: self.in_flight)
        self.track("mcpist_in_flight_peak", "Most in flight since reset.", lambda: self.in_flight_peak)

    def counter(self, name: str, text: str, *labels: str) -> Children[CounterChild]:
        """A counter; gives label values → child."""
        return self._keep(
            Children(partial(CounterMetricFamily, name, text, labels=labels), labels, CounterChild)
        )

    def gauge(self, name: str, text: str, *labels: str) -> Callable[..., Gauge]:
        """A gauge; gives label values → child."""
        gauge = Gauge(name, text, labels, registry=self.registry)
        return cache(gauge.labels) if labels else lambda: gauge

    def histogram(
        self, name: str, text: str, buckets: Sequence[float], *labels: str
    ) -> Children[HistogramChild]:
        """A histogram over `buckets` (upper bounds, seconds); gives label values → child."""
        family = partial(HistogramMetricFamily, name, text, labels=labels)
        return self._keep(Children(family, labels, partial(HistogramChild, buckets)))

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
        for children in self._kept:
            children.zero()

    def text(self) -> bytes:
        """The Prometheus text of a scrape."""
        return generate_latest(self.registry)

    def _keep(self, children: Children[C]) -> Children[C]:
        self._kept.append(children)
        self.registry.register(children)
        return children


def known_path(path: str) -> str:
    """The path as a label: the two that the gateway serves, or `other`."""
    return path if path in ("/v1/mcp", "/health") else "other"
