"""The run's trace on the wire: a receiver reads the spans that were meant, and the same again."""

from __future__ import annotations

import math

from opentelemetry.proto.trace.v1.trace_pb2 import Status

from telemetry.otlp import traces
from telemetry.points.point import SPANS, DataPoint
from tests.support.otlp.store import TRACES, OtlpStore, attributes

TAGS = {"run": "r", "scenario": "s", "target": "t", "protections": ""}
ROOT = DataPoint(
    SPANS, {**TAGS, "kind": "run", "name": "run s"},
    {"end_ns": 9_000, "trace_id": "ab" * 16, "span_id": "cd" * 8, "verdict": "fail", "sent": 5, "share": 0.5,
     "yes": True, "bad": math.nan, "none": None},
    1_000,
)  # fmt: skip
FAULT = DataPoint(
    SPANS, {**TAGS, "kind": "fault", "name": "db-down"},
    {"end_ns": 4_000, "trace_id": "ab" * 16, "span_id": "ef" * 8, "observed": 2}, 2_000,
)  # fmt: skip
ANSWER = DataPoint(SPANS, {**TAGS, "kind": "point", "name": "point P1.7"}, {"status": "pass"}, 9_000)


def stored(*points: DataPoint, times: int = 1) -> OtlpStore:
    store, sink = OtlpStore(), traces.sink({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    for batch in sink.encode(points):
        for _ in range(times):
            store.take(TRACES, sink.signal.body(batch, sink.settings.resource))
    sink.close()
    return store


def test_a_receiver_reads_what_was_meant() -> None:
    whole, fault = stored(ROOT, FAULT, ANSWER).trace("r")
    assert (whole.name, whole.trace_id, whole.span_id) == ("run s", b"\xab" * 16, b"\xcd" * 8)
    assert (whole.start_time_unix_nano, whole.end_time_unix_nano) == (1_000, 9_000)
    assert dict(attributes(whole.attributes)) == {
        "run": "r", "scenario": "s", "target": "t", "kind": "run", "verdict": "fail", "sent": 5, "share": 0.5,
        "yes": True,
    }  # fmt: skip
    assert (whole.status.code, whole.status.message) == (Status.STATUS_CODE_ERROR, "verdict fail")
    ((event),) = whole.events
    assert (event.name, event.time_unix_nano) == ("point P1.7", 9_000)
    assert (fault.parent_span_id, fault.trace_id) == (whole.span_id, whole.trace_id)
    assert fault.status.code == Status.STATUS_CODE_UNSET


def test_sent_again_they_are_the_same_spans() -> None:
    store = stored(ROOT, FAULT, ANSWER, times=3)
    assert (len(store.spans), store.repeated, store.wrong) == (2, 4, [])


def test_other_points_are_no_part_of_it() -> None:
    assert stored(DataPoint("arrivals", TAGS, {"sent": 1}, 0)).spans == {}
