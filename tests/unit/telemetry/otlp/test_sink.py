"""OTLP over HTTP: what a request holds, what an answer means, which are tried again."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.delivery.http_post import PostAnswer
from telemetry.delivery.sink import NEVER, WriteReply, WriteResult
from telemetry.otlp import metrics, traces
from telemetry.otlp.sink import CONTENT_TYPE, NOT_OTLP, OtlpSink
from telemetry.points.point import DataPoint
from tests.support.otlp.store import METRICS, OtlpStore

ENV = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
STATUS = b"\x08\x0e\x12\x08too much"  # google.rpc.Status: code 14, message


class Post:
    """A wire that is not there: what went out, and one answer."""

    def __init__(self, *answers: PostAnswer) -> None:
        self.answers, self.sent = list(answers), list[tuple[bytes, Mapping[str, str]]]()

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float | None = None) -> PostAnswer:
        self.sent.append((body, headers))
        return self.answers.pop(0)

    def close(self) -> None:
        """Nothing to close."""


def answered(answer: PostAnswer, found: OtlpSink | None = None) -> WriteReply:
    found = found or metrics.sink(ENV)
    found._post = Post(answer)  # type: ignore[assignment]
    return found.write([])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_those_that_the_specification_has_tried_again_are_with_the_wait_that_is_asked(status: int) -> None:
    reply = answered(PostAnswer(status, "", "7", STATUS, CONTENT_TYPE))
    assert (reply.answer, reply.wait, reply.said) == (WriteResult.LATER, 7.0, "too much")


@pytest.mark.parametrize("status", [402, 406, 408, 415, 418, 422, 500, 501, 505])
def test_no_other_refusal_is_tried_again(status: int) -> None:
    assert answered(PostAnswer(status, "no")).answer is WriteResult.REFUSED


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_is_about_us_keeps_the_points_and_is_not_tried_again(status: int) -> None:
    reply = answered(PostAnswer(status, "no"))
    assert (reply.answer, reply.wait) == (WriteResult.LATER, NEVER)


@pytest.mark.parametrize(
    ("status", "said", "answer"),
    [
        (0, "refused", WriteResult.LATER),
        (302, "", WriteResult.LATER),
        (400, "no such name", WriteResult.BAD_POINTS),
        (400, "out of order sample", WriteResult.HELD),
        (413, "", WriteResult.TOO_LARGE),
    ],
)
def test_what_another_answer_means(status: int, said: str, answer: WriteResult) -> None:
    assert answered(PostAnswer(status, said)).answer is answer


def test_a_success_is_the_message_or_nothing() -> None:
    for found in (PostAnswer(200, ""), PostAnswer(200, "", "", b"", CONTENT_TYPE), PostAnswer(202, "")):
        assert answered(found).answer is WriteResult.TAKEN
    for body, kind in ((b"<html>Log in</html>", "text/html"), (b"<html>", CONTENT_TYPE), (b"{}", "")):
        reply = answered(PostAnswer(200, "", "", body, kind))
        assert (reply.answer, reply.said) == (WriteResult.LATER, NOT_OTLP)


def test_a_partial_success_says_how_many_are_lost_and_a_warning_none() -> None:
    partial = ExportMetricsServiceResponse()
    partial.partial_success.rejected_data_points = 3
    partial.partial_success.error_message = "out of\nbounds"
    reply = answered(PostAnswer(200, "", "", partial.SerializeToString(), CONTENT_TYPE))
    assert (reply.answer, reply.rejected, reply.said) == (WriteResult.TAKEN, 3, "out of bounds")
    spans = ExportTraceServiceResponse()
    spans.partial_success.rejected_spans = 1
    found = PostAnswer(200, "", "", spans.SerializeToString(), CONTENT_TYPE)
    assert answered(found, traces.sink(ENV)).rejected == 1
    warned = ExportMetricsServiceResponse()
    warned.partial_success.error_message = "slow down"
    reply = answered(PostAnswer(200, "", "", warned.SerializeToString(), CONTENT_TYPE))
    assert (reply.answer, reply.rejected) == (WriteResult.TAKEN, 0)


def point(worker: str, t: int, sent: int) -> DataPoint:
    return DataPoint("arrivals", {"run": "r", "worker": worker}, {"sent": sent}, t * 10**9, 10**9)


def test_no_request_has_two_points_of_a_series_and_a_receiver_reads_what_was_meant() -> None:
    sink, post, store = metrics.sink(ENV), Post(PostAnswer(200, ""), PostAnswer(200, "")), OtlpStore()
    sink._post = post  # type: ignore[assignment]
    batches = list(sink.encode([point("a", 1, 5), point("a", 2, 6), point("b", 1, 7)]))
    for batch in batches:
        sink.write(batch)
    assert [len(batch) for batch in batches] == [2, 1]
    for body, headers in post.sent:
        assert headers["Content-Type"] == CONTENT_TYPE
        store.take(METRICS, body)
    assert store.last("resilience.arrivals_sent", "r") == 6 + 7
    assert store.resources == [{"service.name": "mcpist-resilience"}] * 2
    assert store.wrong == []


def test_a_request_may_be_compressed() -> None:
    sink, post = metrics.sink({**ENV, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}), Post(PostAnswer(200, ""))
    sink._post = post  # type: ignore[assignment]
    sink.write([line for batch in sink.encode([point("a", 1, 5)]) for line in batch])
    ((body, headers),) = post.sent
    assert headers["Content-Encoding"] == "gzip"
    assert ExportMetricsServiceRequest.FromString(gzip.decompress(body)).resource_metrics


def test_a_check_is_an_empty_request() -> None:
    sink, post = metrics.sink(ENV), Post(PostAnswer(200, ""))
    sink._post = post  # type: ignore[assignment]
    sink.write([])
    assert post.sent[0][0] == b""


def test_both_signals_to_one_address_have_queues_of_their_own() -> None:
    one = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/otlp",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/otlp",
    }
    assert metrics.sink(one).place != traces.sink(one).place
