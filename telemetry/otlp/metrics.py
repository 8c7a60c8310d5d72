"""OTLP metrics as a sink. A line of its queue is one data point as JSON (`telemetry.otlp.metric_point`).

A request holds at most one point of a series, and sums are since the run's start: one that is repeated
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from telemetry.delivery.turns import turns
from telemetry.otlp import settings
from telemetry.otlp import sink as otlp_sink
from telemetry.otlp.messages import metrics_body
from telemetry.otlp.metric_point import MetricPoint, metric_points
from telemetry.otlp.sink import OtlpSink, Signal
from telemetry.points.point import DataPoint

_decode: Final = msgspec.json.Decoder(MetricPoint).decode
_encode: Final = msgspec.json.Encoder().encode


def _batches(points: Iterable[DataPoint]) -> Iterator[list[str]]:
    for batch in turns(metric_points(points), lambda point: point.series):
        yield [_encode(point).decode() for point in batch]


def _body(lines: Sequence[str], resource: Mapping[str, str]) -> bytes:
    return metrics_body((_decode(line) for line in lines), resource)


METRICS: Final = Signal("metrics", _batches, _body, ExportMetricsServiceResponse, "rejected_data_points")


def sink(env: Mapping[str, str]) -> OtlpSink:
    """The sink of these variables. Raises ConfigError."""
    return OtlpSink(METRICS, settings.read("metrics", env))


def check(env: Mapping[str, str]) -> str | None:
    """A warning, if nothing is taken now. Raises ConfigError for variables that cannot work."""
    return otlp_sink.check(sink(env))
