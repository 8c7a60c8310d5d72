"""The run's trace by OTLP as a sink. A line of its queue is one span as JSON (`telemetry.otlp.run_trace`).

Ids follow from the run: a span that is sent again is the same span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.otlp import settings
from telemetry.otlp import sink as otlp_sink
from telemetry.otlp.messages import traces_body
from telemetry.otlp.run_trace import SpanLine, spans
from telemetry.otlp.sink import OtlpSink, Signal
from telemetry.points.point import DataPoint

_decode: Final = msgspec.json.Decoder(SpanLine).decode
_encode: Final = msgspec.json.Encoder().encode


def _batches(points: Iterable[DataPoint]) -> Iterator[list[str]]:
    if lines := [_encode(span).decode() for span in spans(points)]:
        yield lines


def _body(lines: Sequence[str], resource: Mapping[str, str]) -> bytes:
    return traces_body((_decode(line) for line in lines), resource)


TRACES: Final = Signal("traces", _batches, _body, ExportTraceServiceResponse, "rejected_spans")


def sink(env: Mapping[str, str]) -> OtlpSink:
    """The sink of these variables. Raises ConfigError."""
    return OtlpSink(TRACES, settings.read("traces", env))


def check(env: Mapping[str, str]) -> str | None:
    """A warning, if nothing is taken now. Raises ConfigError for variables that cannot work."""
    return otlp_sink.check(sink(env))
