"""One signal of OTLP over HTTP with protobuf as a sink: what goes out, and what each answer means.

By the specification: 429, 502, 503 and 504 are tried again, after `Retry-After` where it is given; another
answer of 4xx or 5xx is not. Of those, 400 is about points (found by halves and put aside), 413 about their
number; 401, 403, 404 and 405 are about who we are and where we ask: the points stay on disk, and nothing more
is sent until a person has it flushed. A success may be partial: what was rejected is counted as dropped, and
is not repeated.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from common.errors import ConfigError
from telemetry.delivery.http_post import WHERE, HttpPost, PostAnswer
from telemetry.delivery.sink import (
    CHECK_TIMEOUT,
    NEVER,
    WriteReply,
    WriteResult,
    already_there,
    asked_wait,
    told,
)
from telemetry.otlp.settings import OtlpSettings
from telemetry.points.point import DataPoint

CONTENT_TYPE: Final = "application/x-protobuf"
HEADERS: Final = {"Content-Type": CONTENT_TYPE, "User-Agent": "mcpist-resilience"}
NOT_OTLP: Final = f"not what OTLP answers: a message of {CONTENT_TYPE}, or nothing"
_AGAIN: Final = frozenset({429, 502, 503, 504})
_NOT_US: Final = frozenset({401, 403, 404, 405})


class ExportResponse(Protocol):
    """The answer to either signal."""

    @property
    def partial_success(self) -> Any:
        """What was not taken; empty where all was."""
        ...

    @classmethod
    def FromString(cls, s: bytes) -> ExportResponse:  # noqa: N802 - the library's own name
        """Parse it. Raises DecodeError."""
        ...


class Signal(NamedTuple):
    """`metrics` or `traces`: its batches of lines, a body of lines, its answer and that one's count."""

    name: str
    batches: Callable[[Iterable[DataPoint]], Iterator[list[str]]]
    body: Callable[[Sequence[str], Mapping[str, str]], bytes]
    response: type[ExportResponse]
    rejected: str


class OtlpSink:
    """Writes one signal to one receiver."""

    most = 1  # batch a request

    def __init__(self, signal: Signal, settings: OtlpSettings) -> None:
        self.signal, self.settings = signal, settings
        self.name = f"OTLP {signal.name}"
        self._post = HttpPost(settings.receiver)

    @property
    def place(self) -> str:
        """The receiver's own, and the signal's: both may go to one URL."""
        return f"{self.settings.receiver.place}-{self.signal.name}"

    def encode(self, points: Iterable[DataPoint]) -> Iterator[list[str]]:
        """Batches of lines, each a data point or a span."""
        return self.signal.batches(points)

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        """Send the lines as one request; never raises for what the server or the wire does."""
        body = self.signal.body(lines, self.settings.resource)
        if self.settings.gzip:
            return self._meaning(
                self._post.send(gzip.compress(body), {**HEADERS, "Content-Encoding": "gzip"}, timeout)
            )
        return self._meaning(self._post.send(body, HEADERS, timeout))

    def close(self) -> None:
        """Close the connections."""
        self._post.close()

    def _meaning(self, answer: PostAnswer) -> WriteReply:
        status = answer.status
        if 200 <= status < 300:
            return self._success(answer)
        said = _said(answer)
        if status < 400 or status in _AGAIN:
            return WriteReply(WriteResult.LATER, status, said, asked_wait(answer.retry_after))
        if status in _NOT_US:
            return WriteReply(WriteResult.LATER, status, said, NEVER)
        if status == 413:
            return WriteReply(WriteResult.TOO_LARGE, status, said)
        if status == 400:
            return WriteReply(
                WriteResult.HELD if already_there(said) else WriteResult.BAD_POINTS, status, said
            )
        return WriteReply(WriteResult.REFUSED, status, said)

    def _success(self, answer: PostAnswer) -> WriteReply:
        if answer.body and not answer.content_type.startswith(CONTENT_TYPE):
            return WriteReply(WriteResult.LATER, answer.status, NOT_OTLP)
        try:
            partial = self.signal.response.FromString(answer.body).partial_success
        except DecodeError:
            return WriteReply(WriteResult.LATER, answer.status, NOT_OTLP)
        rejected = int(getattr(partial, self.signal.rejected))
        said = told(str(partial.error_message)) if rejected else ""
        return WriteReply(WriteResult.TAKEN, answer.status, said, rejected=rejected)


def _said(answer: PostAnswer) -> str:
    """What a server says: the `message` of a google.rpc.Status (field 2), or its text."""
    if not answer.content_type.startswith(CONTENT_TYPE):
        return answer.said
    try:
        found = UnknownFieldSet(Empty.FromString(answer.body))
    except DecodeError:
        return answer.said
    fields = [found[number] for number in range(len(found))]
    texts = [one.data for one in fields if one.field_number == 2 and isinstance(one.data, bytes)]
    return told(b" ".join(texts).decode(errors="replace"))


def check(tried: OtlpSink) -> str | None:
    """Can we write? An empty request shows it. None: yes. A text: a warning (points will be spooled).

    Raises ConfigError for refused credentials, and for what is no receiver.
    """
    try:
        reply = tried.write([], CHECK_TIMEOUT)
    finally:
        tried.close()
    settings, url = tried.settings, tried.settings.receiver.url
    if reply.status in {401, 403}:
        allowed = "headers with which it may be written to"
        raise ConfigError(
            WHERE, settings.headers, f"refused by {url} (HTTP {reply.status}), allowed: {allowed}"
        )
    if reply.status in {404, 405}:
        allowed = "the address of an OTLP receiver, http://host:4318"
        raise ConfigError(
            WHERE, settings.endpoint, f"{url} answers {reply.status} {reply.said}, allowed: {allowed}"
        )
    if reply.answer is WriteResult.TAKEN:
        return None
    what = f"HTTP {reply.status}: {reply.said}" if reply.status else reply.said
    return f"{tried.name} at {url}: nothing is taken now ({what}); it is kept on disk until it is"
