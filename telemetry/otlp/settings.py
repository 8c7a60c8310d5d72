"""Where OTLP goes, by OpenTelemetry's standard variables; each may be given for one signal alone.

OTEL_EXPORTER_OTLP_ENDPOINT           http://collector:4318, to which /v1/metrics and /v1/traces are added
OTEL_EXPORTER_OTLP_METRICS_ENDPOINT   a whole URL for the metrics, …_TRACES_ENDPOINT for the trace
OTEL_EXPORTER_OTLP_HEADERS            a=1,b=2, values percent-encoded
OTEL_EXPORTER_OTLP_TIMEOUT            ms a request (10000)
OTEL_EXPORTER_OTLP_CERTIFICATE        for https
OTEL_EXPORTER_OTLP_COMPRESSION        none (as without it) or gzip
OTEL_EXPORTER_OTLP_PROTOCOL           http/protobuf, the one that is spoken
OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES   what the resource says (service.name: mcpist-resilience)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from common.errors import ConfigError, short
from telemetry.delivery.http_post import WHERE, Receiver, headers_of, seconds_of, url_of

SERVICE: Final = "mcpist-resilience"
PREFIX: Final = "OTEL_EXPORTER_OTLP_"
ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
PROTOCOL: Final = "http/protobuf"
_KEY: Final = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True)
class OtlpSettings:
    """Of one signal. `endpoint` and `headers` are the variables that people are told of."""

    receiver: Receiver
    resource: Mapping[str, str]
    gzip: bool
    endpoint: str
    headers: str


def read(signal: str, env: Mapping[str, str]) -> OtlpSettings:
    """What the variables say of `metrics` or `traces`. Raises ConfigError."""
    own = f"{PREFIX}{signal.upper()}_"

    def variable(name: str) -> str:
        return f"{own}{name}" if env.get(f"{own}{name}") else f"{PREFIX}{name}"

    endpoint, headers, timeout = variable("ENDPOINT"), variable("HEADERS"), variable("TIMEOUT")
    _one_of(variable("PROTOCOL"), env, (PROTOCOL,))
    return OtlpSettings(
        Receiver(
            _url(endpoint, env.get(endpoint, ""), signal),
            headers_of(headers, env.get(headers, "")),
            seconds_of(timeout, env.get(timeout) or "10000"),
            env.get(variable("CERTIFICATE")) or None,
        ),
        _resource(env),
        _one_of(variable("COMPRESSION"), env, ("none", "gzip")) == "gzip",
        endpoint,
        headers,
    )


def _url(name: str, text: str, signal: str) -> str:
    """A signal's own endpoint is taken as it is; the common one has the signal's path added."""
    url = url_of(name, text, "http(s)://host:port")
    if name == f"{PREFIX}ENDPOINT":
        return f"{url.rstrip('/')}/v1/{signal}"
    return url if urlsplit(url).path else f"{url}/"


def _one_of(name: str, env: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    found = env.get(name) or allowed[0]
    if found not in allowed:
        raise ConfigError(WHERE, name, f"{short(found)}, allowed: {', '.join(allowed)}")
    return found


def _resource(env: Mapping[str, str]) -> dict[str, str]:
    """`service.name` and what else is to stand there."""
    found = {"service.name": SERVICE}
    for pair in filter(None, (part.strip() for part in env.get(ATTRIBUTES, "").split(","))):
        key, equals, value = pair.partition("=")
        if not (equals and _KEY.fullmatch(key.strip())):
            raise ConfigError(WHERE, ATTRIBUTES, f"{short(pair)}, allowed: key=value,key=value")
        found[key.strip()] = unquote(value.strip())
    if name := env.get("OTEL_SERVICE_NAME"):
        found["service.name"] = name
    return found
