"""Which sinks there are, and which of them the environment switches on: each by the variable of its URL.

Nothing of a sink is loaded that is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from common.errors import ConfigError
from telemetry.delivery.sink import Sink
from telemetry.exporter.spool_settings import SPOOL, max_bytes

OFF: Final = "missing, allowed: http://host:port or https://host:port"


class SinkModule(Protocol):
    """What the module of a sink has."""

    def sink(self, env: Mapping[str, str]) -> Sink:
        """The sink that the variables describe. Raises ConfigError."""

    def check(self, env: Mapping[str, str]) -> str | None:
        """Can we write? A text is a warning: points will be spooled. Raises ConfigError if it cannot work."""


@dataclass(frozen=True)
class SinkKind:
    """Any of `urls` switches it on. Its variables begin by `prefixes`; nobody is to see its `secrets`."""

    urls: tuple[str, ...]
    prefixes: tuple[str, ...]
    secrets: tuple[str, ...]
    load: Callable[[], SinkModule]


def _influx() -> SinkModule:
    from telemetry.influx import client  # a quarter of a second, for those who need it

    return client


def _prometheus() -> SinkModule:
    from telemetry.prometheus import remote_write

    return remote_write


def _otlp_metrics() -> SinkModule:
    from telemetry.otlp import metrics

    return metrics


def _otlp_traces() -> SinkModule:
    from telemetry.otlp import traces

    return traces


_PROMETHEUS: Final = "PROMETHEUS_REMOTE_WRITE_"
_OTLP: Final = "OTEL_EXPORTER_OTLP_"
_RESOURCE: Final = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")
_OTLP_SECRETS: Final = tuple(f"{_OTLP}{signal}HEADERS" for signal in ("", "METRICS_", "TRACES_", "LOGS_"))
KINDS: Final = (
    SinkKind(("INFLUXDB_V2_URL",), ("INFLUXDB_V2_",), ("INFLUXDB_V2_TOKEN",), _influx),
    SinkKind(
        (f"{_PROMETHEUS}URL",),
        (_PROMETHEUS,),
        tuple(f"{_PROMETHEUS}{name}" for name in ("BEARER_TOKEN", "PASSWORD", "HEADERS")),
        _prometheus,
    ),
    *(
        SinkKind((f"{_OTLP}ENDPOINT", f"{_OTLP}{signal}_ENDPOINT"), (_OTLP, *_RESOURCE), _OTLP_SECRETS, load)
        for signal, load in (("METRICS", _otlp_metrics), ("TRACES", _otlp_traces))
    ),
)
SECRETS: Final = frozenset(name for kind in KINDS for name in kind.secrets)
PREFIXES: Final = (*(prefix for kind in KINDS for prefix in kind.prefixes), SPOOL)
PATHS: Final = (SPOOL, "_CA_CERT", "_CERTIFICATE")  # a variable that ends so names a file or a folder


def switched_on(env: Mapping[str, str]) -> tuple[SinkKind, ...]:
    """The sinks that this environment names."""
    return tuple(kind for kind in KINDS if any(env.get(url) for url in kind.urls))


def opened(env: Mapping[str, str]) -> list[Sink]:
    """A sink for each. Raises ConfigError, also where there is none."""
    found = [kind.load().sink(env) for kind in switched_on(env)]
    if not found:
        raise ConfigError("environment", " or ".join(dict.fromkeys(kind.urls[0] for kind in KINDS)), OFF)
    return found


def check(env: Mapping[str, str]) -> Iterator[str]:
    """A warning for each that takes no points now. Raises ConfigError for variables that cannot work."""
    if switched_on(env):
        max_bytes(env)
    for kind in switched_on(env):
        if warning := kind.load().check(env):
            yield warning
