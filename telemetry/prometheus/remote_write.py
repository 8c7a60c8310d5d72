"""Prometheus remote write 1.0 as a sink: where it is, what its answers mean.

    PROMETHEUS_REMOTE_WRITE_URL           http://host:9090/api/v1/write
    PROMETHEUS_REMOTE_WRITE_BEARER_TOKEN, or …_USERNAME and …_PASSWORD
    PROMETHEUS_REMOTE_WRITE_HEADERS       a=1,b=2: what a server of many tenants wants
    PROMETHEUS_REMOTE_WRITE_TIMEOUT       ms a write (10000)
    PROMETHEUS_REMOTE_WRITE_CA_CERT       for https

A receiver takes samples of a series in the order of their times, and the last one again; an older one it has
already is an error. So a request holds at most one sample of a series, and requests go out in order:
whichever is repeated changes nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from common.errors import ConfigError
from common.secrets.secret import Secret
from telemetry.delivery.http_post import (
    WHERE,
    HttpPost,
    PostAnswer,
    Receiver,
    headers_of,
    seconds_of,
    secret_of,
    url_of,
)
from telemetry.delivery.sink import CHECK_TIMEOUT, WriteReply, WriteResult, already_there, asked_wait
from telemetry.delivery.turns import turns
from telemetry.points.point import DataPoint
from telemetry.points.samples import Sample, samples
from telemetry.prometheus.write_request import HEADERS, body

PREFIX: Final = "PROMETHEUS_REMOTE_WRITE_"
URL: Final = f"{PREFIX}URL"
TOKEN: Final = f"{PREFIX}BEARER_TOKEN"
USERNAME: Final = f"{PREFIX}USERNAME"
PASSWORD: Final = f"{PREFIX}PASSWORD"
MORE: Final = f"{PREFIX}HEADERS"
TIMEOUT: Final = f"{PREFIX}TIMEOUT"
NOT_TAKEN: Final = "not what a remote-write receiver answers: 200 or 204, and nothing more"
_FOR_GOOD: Final = frozenset({400, 409, 422})
_decode: Final = msgspec.json.Decoder(Sample).decode
_encode: Final = msgspec.json.Encoder().encode


class RemoteWriteSink:
    """Writes samples to one receiver. A line of its queue is one sample as JSON."""

    name = "Prometheus"
    most = 1  # batch a request

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._post = HttpPost(receiver)

    @property
    def place(self) -> str:
        """The receiver's own."""
        return self.receiver.place

    def encode(self, points: Iterable[DataPoint]) -> Iterator[list[str]]:
        """Batches in which no series comes twice, each series in the order of its points."""
        for batch in turns(samples(points), lambda sample: sample.labels):
            yield [_encode(sample).decode() for sample in batch]

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        """Send the samples as one request; never raises for what the server or the wire does."""
        return _meaning(self._post.send(body(_decode(line) for line in lines), HEADERS, timeout))

    def close(self) -> None:
        """Close the connections."""
        self._post.close()


def _meaning(answer: PostAnswer) -> WriteReply:
    status, said = answer.status, answer.said
    if status in {200, 204} and not said:
        return WriteReply(WriteResult.TAKEN, status)
    if status == 413:
        return WriteReply(WriteResult.TOO_LARGE, status, said)
    if status in _FOR_GOOD:
        return WriteReply(WriteResult.HELD if already_there(said) else WriteResult.BAD_POINTS, status, said)
    told = said if status != 200 else NOT_TAKEN  # a web page, say
    return WriteReply(WriteResult.LATER, status, told, asked_wait(answer.retry_after))


def receiver(env: Mapping[str, str]) -> Receiver:
    """What the variables describe. Raises ConfigError."""
    return Receiver(
        url_of(URL, env.get(URL, "")),
        {**headers_of(MORE, env.get(MORE, "")), **_authorization(env)},
        seconds_of(TIMEOUT, env.get(TIMEOUT, "10000")),
        env.get(f"{PREFIX}CA_CERT") or None,
    )


def _authorization(env: Mapping[str, str]) -> dict[str, Secret]:
    token, user, password = (env.get(name, "") for name in (TOKEN, USERNAME, PASSWORD))
    if token and (user or password):
        raise ConfigError(WHERE, TOKEN, f"given with {USERNAME}, allowed: one of them")
    if token:
        return {"Authorization": Secret(f"Bearer {secret_of(TOKEN, token).reveal()}")}
    if not user and not password:
        return {}
    pair = f"{user}:{password}".encode()
    return {"Authorization": Secret(f"Basic {base64.b64encode(pair).decode()}")}


def sink(env: Mapping[str, str]) -> RemoteWriteSink:
    """The sink of these variables. Raises ConfigError."""
    return RemoteWriteSink(receiver(env))


def check(env: Mapping[str, str]) -> str | None:
    """Can we write? None: yes. A text: a warning (samples will be spooled).

    Raises ConfigError for variables that cannot work, a refused token, and what is no receiver.
    """
    tried = sink(env)
    try:
        reply = tried.write([], CHECK_TIMEOUT)
    finally:
        tried.close()
    url = tried.receiver.url
    if reply.status in {401, 403}:
        allowed = "credentials that may write there"
        raise ConfigError(WHERE, TOKEN, f"refused by {url} (HTTP {reply.status}), allowed: {allowed}")
    if reply.status in {404, 405}:
        allowed = "the address of a remote-write receiver, http://host:9090/api/v1/write"
        raise ConfigError(WHERE, URL, f"{url} answers {reply.status} {reply.said}, allowed: {allowed}")
    if reply.answer is WriteResult.TAKEN:
        return None
    what = f"HTTP {reply.status}: {reply.said}" if reply.status else reply.said
    return f"Prometheus at {url} takes no samples now ({what}); they are kept on disk until it does"
