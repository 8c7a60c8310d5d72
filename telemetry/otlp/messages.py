"""The bodies of requests, as the messages of the official library: lines of a queue in, protobuf out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from telemetry.otlp.metric_point import MetricPoint
from telemetry.otlp.run_trace import Scalar, SpanLine
from telemetry.points.samples import Labels
from telemetry.points.whole_run import BUCKETS

SCOPE: Final = InstrumentationScope(name="mcpist-resilience")
_STATUS: Final = {"ok": Status.STATUS_CODE_OK, "error": Status.STATUS_CODE_ERROR}


def metrics_body(points: Iterable[MetricPoint], resource: Mapping[str, str]) -> bytes:
    """A request with these data points, those of one metric together."""
    request = ExportMetricsServiceRequest()
    whole = request.resource_metrics.add(resource=_resource(resource))
    scope = whole.scope_metrics.add(scope=SCOPE)
    metrics: dict[tuple[str, str], Metric] = {}
    for point in points:
        metric = metrics.get((point.name, point.unit))
        if metric is None:
            metric = metrics[point.name, point.unit] = scope.metrics.add(name=point.name, unit=point.unit)
        _add(metric, point)
    if not metrics:
        request.Clear()
    return request.SerializeToString()


def _add(metric: Metric, point: MetricPoint) -> None:
    if point.counts:
        metric.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.histogram.data_points.append(_bucketed(point))
    elif point.monotonic:
        metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.is_monotonic = True
        metric.sum.data_points.append(_plain(point))
    else:
        metric.gauge.data_points.append(_plain(point))


def _plain(point: MetricPoint) -> NumberDataPoint:
    return NumberDataPoint(
        attributes=_labels(point.attributes),
        start_time_unix_nano=point.start,
        time_unix_nano=point.t,
        as_double=point.value,
    )


def _bucketed(point: MetricPoint) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=_labels(point.attributes),
        start_time_unix_nano=point.start,
        time_unix_nano=point.t,
        count=sum(point.counts),
        sum=point.value,
        bucket_counts=point.counts,
        explicit_bounds=BUCKETS,
    )


@lru_cache(maxsize=4096)
def _labels(attributes: Labels) -> tuple[KeyValue, ...]:
    """Those of a series, which come every second."""
    return tuple(_pairs(dict(attributes)))


def traces_body(spans: Iterable[SpanLine], resource: Mapping[str, str]) -> bytes:
    """A request with these spans."""
    request = ExportTraceServiceRequest()
    found = [_span(one) for one in spans]
    if found:
        whole = request.resource_spans.add(resource=_resource(resource))
        whole.scope_spans.add(scope=SCOPE, spans=found)
    return request.SerializeToString()


def _span(line: SpanLine) -> Span:
    return Span(
        trace_id=bytes.fromhex(line.trace_id),
        span_id=bytes.fromhex(line.span_id),
        parent_span_id=bytes.fromhex(line.parent_id),
        name=line.name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=line.start,
        end_time_unix_nano=line.end,
        attributes=_pairs(line.attributes),
        events=[
            Span.Event(time_unix_nano=one.t, name=one.name, attributes=_pairs(one.attributes))
            for one in line.events
        ],
        dropped_events_count=line.more_events,
        status=Status(code=_STATUS[line.status], message=line.said) if line.status else None,
    )


def _resource(attributes: Mapping[str, str]) -> Resource:
    return Resource(attributes=_pairs(attributes))


def _pairs(attributes: Mapping[str, Scalar]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Scalar) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
