"""What a receiver of OTLP has stored: strict as a store of series is, and counting repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

METRICS = "/v1/metrics"
TRACES = "/v1/traces"
Attributes = tuple[tuple[str, Any], ...]
Series = tuple[str, Attributes]


@dataclass
class OtlpStore:
    """`series`: name and attributes → time (ns) → value. `reject`: points that each request is to lose."""

    series: dict[Series, dict[int, float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    spans: dict[bytes, Span] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    repeated: int = 0  # points and spans that came again, the same
    wrong: list[str] = field(default_factory=list)  # what no store of series would take
    reject: int = 0

    def take(self, path: str, body: bytes) -> bytes:
        """Store a request; what is answered to it."""
        return self._metrics(body) if path == METRICS else self._traces(body)

    def _metrics(self, body: bytes) -> bytes:
        request = ExportMetricsServiceRequest.FromString(body)
        for whole in request.resource_metrics:
            self.resources.append(dict(attributes(whole.resource.attributes)))
            for scope in whole.scope_metrics:
                for metric in scope.metrics:
                    self._metric(metric)
        answer = ExportMetricsServiceResponse()
        if self.reject and request.resource_metrics:
            answer.partial_success.rejected_data_points = self.reject
            answer.partial_success.error_message = "out of bounds"
        return answer.SerializeToString()

    def _metric(self, metric: Metric) -> None:
        kind = str(metric.WhichOneof("data"))
        data: Any = getattr(metric, kind)
        if self.units.setdefault(metric.name, metric.unit) != metric.unit:
            self.wrong.append(f"{metric.name} has two units")
        if kind != "gauge" and data.aggregation_temporality != AGGREGATION_TEMPORALITY_CUMULATIVE:
            self.wrong.append(f"{metric.name} is not since the start")
        for point in data.data_points:
            value = float(point.count if kind == "histogram" else point.as_double)
            if kind == "histogram" and sum(point.bucket_counts) != point.count:
                self.wrong.append(f"{metric.name} has buckets that do not add up")
            self._point((metric.name, attributes(point.attributes)), point.time_unix_nano, value)

    def _point(self, series: Series, t: int, value: float) -> None:
        stored = self.series.setdefault(series, {})
        if t in stored:
            self.repeated += 1
            if stored[t] != value:
                self.wrong.append(f"{series} has two values at {t}")
        elif stored and t < max(stored):
            self.wrong.append(f"{series} out of order")
        stored[t] = value

    def _traces(self, body: bytes) -> bytes:
        for whole in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in whole.scope_spans:
                for span in scope.spans:
                    known = self.spans.setdefault(span.span_id, span)
                    self.repeated += known is not span
                    if known != span:
                        self.wrong.append(f"span {span.name} has come as another")
        return ExportTraceServiceResponse().SerializeToString()

    def last(self, name: str, run: str) -> float:
        """The last values of all series of a name, of one run, added up."""
        return sum(
            values[max(values)]
            for (found, labels), values in self.series.items()
            if found == name and ("run", run) in labels
        )

    def trace(self, run: str) -> list[Span]:
        """The spans of a run, its own first."""
        found = [one for one in self.spans.values() if ("run", run) in attributes(one.attributes)]
        return sorted(found, key=lambda one: (bool(one.parent_span_id), one.start_time_unix_nano))


def attributes(pairs: Any) -> Attributes:
    """Keys and values of a message's attributes, sorted."""
    return tuple(sorted(_pairs(pairs)))


def _pairs(pairs: Any) -> Iterator[tuple[str, Any]]:
    for pair in pairs:
        yield pair.key, getattr(pair.value, str(pair.value.WhichOneof("value")))


def assert_all_stored(store: OtlpStore, run: str, sent: int) -> None:
    """Every call is stored, by each of the metrics that count them, and none twice."""
    for name in ("requests", "calls", "arrivals_sent"):
        assert store.last(f"resilience.{name}", run) == sent, name
    assert store.wrong == []
