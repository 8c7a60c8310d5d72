"""Remote write: what a request holds, what an answer means, what the variables may say."""

from __future__ import annotations

import cramjam
import pytest

from common.errors import ConfigError
from telemetry.delivery.http_post import PostAnswer
from telemetry.delivery.sink import WriteResult
from telemetry.points.point import DataPoint
from telemetry.points.samples import Sample
from telemetry.prometheus.remote_write import NOT_TAKEN, RemoteWriteSink, _decode, _meaning, receiver, sink
from telemetry.prometheus.write_request import HEADERS, WriteRequest, body

URL = "PROMETHEUS_REMOTE_WRITE_URL"
ENV = {URL: "http://metrics:9090/api/v1/write"}


def test_a_request_is_the_specifications_message() -> None:
    sample = Sample((("__name__", "up"), ("job", "é")), 1.5, 1_700_000_000_000)
    # Written by hand from the specification's field numbers: tag byte, length, value.
    label = b"\x0a\x08__name__\x12\x02up", b"\x0a\x03job\x12\x02\xc3\xa9"
    series = b"".join(b"\x0a" + bytes([len(one)]) + one for one in label)
    series += b"\x12\x10\x09" + b"\x00\x00\x00\x00\x00\x00\xf8\x3f" + b"\x10\x80\xd0\x95\xff\xbc\x31"
    whole = b"\x0a" + bytes([len(series)]) + series
    assert bytes(cramjam.snappy.decompress_raw(body([sample]))) == whole
    assert HEADERS["Content-Encoding"] == "snappy"
    assert HEADERS["X-Prometheus-Remote-Write-Version"] == "0.1.0"


def test_a_check_is_an_empty_request() -> None:
    assert WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(body([])))) == WriteRequest()


def point(worker: str, t: int, sent: int) -> DataPoint:
    return DataPoint("arrivals", {"worker": worker}, {"sent": sent}, t * 10**9)


def test_no_request_has_two_samples_of_a_series() -> None:
    batches = list(
        RemoteWriteSink(receiver(ENV)).encode([point("a", 1, 5), point("a", 2, 6), point("b", 1, 7)])
    )
    found = [[(dict(one.labels)["worker"], one.value) for one in map(_decode, batch)] for batch in batches]
    assert found == [[("a", 5.0), ("b", 7.0)], [("a", 6.0)]]


@pytest.mark.parametrize(
    ("status", "said", "answer"),
    [
        (204, "", WriteResult.TAKEN),
        (200, "", WriteResult.TAKEN),
        (200, "<html>Log in</html>", WriteResult.LATER),
        (202, "", WriteResult.LATER),
        (302, "", WriteResult.LATER),
        (0, "refused", WriteResult.LATER),
        (401, "", WriteResult.LATER),
        (404, "", WriteResult.LATER),
        (429, "", WriteResult.LATER),
        (500, "", WriteResult.LATER),
        (503, "", WriteResult.LATER),
        (413, "", WriteResult.TOO_LARGE),
        (400, "out of bounds", WriteResult.BAD_POINTS),
        (400, "label name is not valid", WriteResult.BAD_POINTS),
        (400, "out of order sample", WriteResult.HELD),
        (400, "duplicate sample for timestamp", WriteResult.HELD),
        (409, "err-mimir-sample-out-of-order", WriteResult.HELD),
    ],
)
def test_what_an_answer_means(status: int, said: str, answer: WriteResult) -> None:
    assert _meaning(PostAnswer(status, said)).answer is answer


def test_what_is_no_receiver_says_so_and_a_wait_is_obeyed() -> None:
    assert _meaning(PostAnswer(200, "<html>")).said == NOT_TAKEN
    assert _meaning(PostAnswer(429, "", "7")).wait == 7.0


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"BEARER_TOKEN": "s3cret"}, {"Authorization": "Bearer s3cret"}),
        ({"USERNAME": "me", "PASSWORD": "s3cret"}, {"Authorization": "Basic bWU6czNjcmV0"}),
        ({"HEADERS": "X-Scope-OrgID=s3cret%20one, B=2"}, {"X-Scope-OrgID": "s3cret one", "B": "2"}),
        ({}, {}),
    ],
)
def test_headers_that_the_variables_ask_for(variables: dict[str, str], header: dict[str, str]) -> None:
    found = receiver(ENV | {f"PROMETHEUS_REMOTE_WRITE_{name}": text for name, text in variables.items()})
    assert {name: secret.reveal() for name, secret in found.headers.items()} == header
    assert "s3cret" not in repr(found)
    assert "s3cret" not in found.place


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("URL", "metrics:9090"),
        ("URL", "http://me:s3cret@metrics:9090/api/v1/write"),
        ("URL", "http://metrics:9090/api/v1/write?token=s3cret"),
        ("BEARER_TOKEN", "s3cret\nX-Evil: 1"),
        ("HEADERS", "s3cret"),
        ("HEADERS", "a b=s3cret"),
        ("HEADERS", "a=s3cret%0d%0aX: 1"),
        ("TIMEOUT", "soon"),
        ("TIMEOUT", "0"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_that_shows_no_secret(name: str, text: str) -> None:
    variable = f"PROMETHEUS_REMOTE_WRITE_{name}"
    with pytest.raises(ConfigError, match=f"^environment: {variable}: .*allowed: ") as refused:
        sink({**ENV, variable: text})
    assert "s3cr" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_ways_to_show_who_we_are_are_one_too_many() -> None:
    both = {"PROMETHEUS_REMOTE_WRITE_BEARER_TOKEN": "s3cret", "PROMETHEUS_REMOTE_WRITE_USERNAME": "me"}
    with pytest.raises(ConfigError, match=r"allowed: one of them"):
        sink(ENV | both)
