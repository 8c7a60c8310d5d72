"""The database: where it is (InfluxDB's standard variables), whether it takes points, what it answers.

    INFLUXDB_V2_URL, INFLUXDB_V2_TOKEN, INFLUXDB_V2_ORG, INFLUXDB_V2_BUCKET
    INFLUXDB_V2_TIMEOUT (ms a write, 10000), INFLUXDB_V2_SSL_CA_CERT, INFLUXDB_V2_VERIFY_SSL

Telemetry is off without the first, and all four are needed with it. `check` writes one point, because
only a write shows that the token may write to that bucket.

Written is what InfluxDB itself acknowledged: 204, with a header by which every version of it is known. A web
page with status 200, a proxy's empty answer, a redirect are no acknowledgement: the points stay in the spool.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from common.errors import ConfigError, short
from common.secrets.secret import Secret
from telemetry.delivery.http_post import url_of
from telemetry.delivery.sink import CHECK_TIMEOUT, WriteReply, WriteResult, asked_wait, told
from telemetry.delivery.spool import SEGMENT
from telemetry.influx.bounded_pool import BoundedPool
from telemetry.influx.line_protocol import line
from telemetry.points.point import COUNTERS, SPANS, DataPoint

URL: Final = "INFLUXDB_V2_URL"
TOKEN: Final = "INFLUXDB_V2_TOKEN"
ORG: Final = "INFLUXDB_V2_ORG"
BUCKET: Final = "INFLUXDB_V2_BUCKET"
TIMEOUT: Final = "INFLUXDB_V2_TIMEOUT"
WHERE: Final = "environment"
NOT_INFLUX: Final = "not what InfluxDB answers to a write: 204 and its X-Influxdb-… header"
_ITS_OWN: Final = ("x-influxdb-version", "x-influxdb-build", "x-influxdb-request-id", "cluster-uuid")
_TOKEN: Final = re.compile(r"[!-~]{1,4000}")
# What InfluxDB says of points that it will never take, however often they are sent.
_OF_OTHERS: Final = COUNTERS | {SPANS}
_BAD_POINTS: Final = ("unable to parse", "field type conflict", "invalid boolean", "points beyond retention")


@dataclass(frozen=True)
class Settings:
    """One bucket of one server."""

    url: str
    org: str
    bucket: str
    token: Secret
    timeout: float = 10.0  # seconds a write may take
    ca: str | None = None
    verify: bool = True

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Settings | None:
        """The settings of `env`; None if telemetry is off. Raises ConfigError."""
        if not env.get(URL):
            return None
        for name in (TOKEN, ORG, BUCKET):
            if not env.get(name):
                raise ConfigError(
                    WHERE, name, f"missing, allowed: {URL}, {TOKEN}, {ORG} and {BUCKET}, or none"
                )
        return cls(
            url=url_of(URL, env[URL], "http(s)://host:port").rstrip("/"),
            org=_plain(ORG, env), bucket=_plain(BUCKET, env), token=_token(env[TOKEN]),
            timeout=_seconds(env.get(TIMEOUT, "10000")),
            ca=env.get("INFLUXDB_V2_SSL_CA_CERT") or None,
            verify=env.get("INFLUXDB_V2_VERIFY_SSL", "true").lower() not in {"false", "0", "no"},
        )  # fmt: skip

    @classmethod
    def needed(cls, env: Mapping[str, str]) -> Settings:
        """As `read`, where telemetry cannot be off."""
        found = cls.read(env)
        if found is None:
            raise ConfigError(WHERE, URL, "missing, allowed: http://host:port or https://host:port")
        return found

    @property
    def place(self) -> str:
        """A short name for this destination, fit for a folder."""
        told = "\n".join((self.url, self.org, self.bucket))
        return f"{urlsplit(self.url).hostname}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _token(text: str) -> Secret:
    if not _TOKEN.fullmatch(text):
        raise ConfigError(WHERE, TOKEN, "no token (not shown), allowed: printable ASCII without blanks")
    return Secret(text)


def _plain(name: str, env: Mapping[str, str]) -> str:
    if not env[name].isprintable():
        raise ConfigError(WHERE, name, f"{short(env[name])}, allowed: printable text")
    return env[name]


def _seconds(milliseconds: str) -> float:
    if not milliseconds.isdigit() or not int(milliseconds):
        raise ConfigError(WHERE, TIMEOUT, f"{milliseconds!r}, allowed: whole milliseconds above 0")
    return int(milliseconds) / 1000


class InfluxSink:
    """Writes lines to one bucket."""

    name = "InfluxDB"
    most = SEGMENT

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: Any = InfluxDBClient(
            url=settings.url, token=settings.token.reveal(), org=settings.org,
            timeout=round(settings.timeout * 1000), retries=False,
            verify_ssl=settings.verify, ssl_ca_cert=settings.ca,
        )  # fmt: skip
        rest: Any = self._client.api_client.rest_client
        rest.pool_manager = BoundedPool(rest.pool_manager)
        self._service: Any = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]

    @property
    def place(self) -> str:
        """The bucket's own."""
        return self.settings.place

    def encode(self, points: Iterable[DataPoint]) -> Iterator[list[str]]:
        """All but the counters, whose counts it has second by second, and the trace, in one batch."""
        lines = [text for one in points if one.measurement not in _OF_OTHERS and (text := line(one))]
        if lines:
            yield lines

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        """Send the lines as one request; never raises for what the server or the wire does."""
        limit = round((timeout or self.settings.timeout) * 1000)
        try:
            _, status, headers = self._service.post_write_with_http_info(
                self.settings.org, self.settings.bucket, "\n".join(lines).encode(), _request_timeout=limit
            )
        except ApiException as error:
            return _meaning(error.status or 0, str(error.body or error.reason or ""), error.headers or {})
        except (HTTPError, OSError, InfluxDBError) as error:
            return WriteReply(WriteResult.LATER, 0, told(str(error)))
        if status == 204 and any(name.lower() in _ITS_OWN for name in headers):
            return WriteReply(WriteResult.TAKEN)
        return WriteReply(WriteResult.LATER, status, NOT_INFLUX)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _meaning(status: int, body: str, headers: Mapping[str, Any]) -> WriteReply:
    said = told(_message(body))
    if status == 413:
        return WriteReply(WriteResult.TOO_LARGE, status, said)
    if status in {400, 422} and any(words in body for words in _BAD_POINTS):
        return WriteReply(WriteResult.BAD_POINTS, status, said)
    return WriteReply(WriteResult.LATER, status, said, asked_wait(str(headers.get("Retry-After", ""))))


def _message(body: str) -> str:
    """What the server says, out of its JSON: InfluxDB 1.8 writes `error`, 2 and 3 `message`."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return body
    return str(found.get("message") or found.get("error") or body)


def sink(env: Mapping[str, str]) -> InfluxSink:
    """The sink of these variables. Raises ConfigError."""
    return InfluxSink(Settings.needed(env))


def check(env: Mapping[str, str]) -> str | None:
    """Can we write? None: yes, or telemetry is off. A text: a warning (points will be spooled).

    Raises ConfigError for variables that cannot work, a refused token, an unknown bucket or organisation.
    """
    settings = Settings.read(env)
    if settings is None:
        return None
    tried = InfluxSink(settings)
    try:
        one = DataPoint("telemetry_check", {}, {"ok": 1}, time.time_ns())
        reply = tried.write([line(one)], CHECK_TIMEOUT)
    finally:
        tried.close()
    return _verdict(settings, reply)


def _verdict(settings: Settings, reply: WriteReply) -> str | None:
    if reply.status in {401, 403}:
        allowed = f"a token that may write to {settings.bucket}"
        raise ConfigError(
            WHERE, TOKEN, f"refused by {settings.url} (HTTP {reply.status}), allowed: {allowed}"
        )
    if reply.status == 404 or (reply.status >= 400 and "retention policy not found" in reply.said):
        allowed = "a bucket and an organisation that are there"
        raise ConfigError(
            WHERE, BUCKET, f"{settings.bucket!r} is not at {settings.url} ({reply.said}), allowed: {allowed}"
        )
    if reply.answer is WriteResult.TAKEN:
        return None
    what = f"HTTP {reply.status}: {reply.said}" if reply.status else reply.said
    return f"InfluxDB at {settings.url} takes no points now ({what}); they are kept on disk until it does"
