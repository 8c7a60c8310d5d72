"""OpenTelemetry's variables: what each means, what cannot work, and that no secret is shown."""

from __future__ import annotations

import pytest

from common.errors import ConfigError
from telemetry.otlp import settings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ENV = {ENDPOINT: "http://collector:4318"}


@pytest.mark.parametrize(
    ("env", "metrics", "traces"),
    [
        (ENV, "http://collector:4318/v1/metrics", "http://collector:4318/v1/traces"),
        ({ENDPOINT: "https://c/otlp/"}, "https://c/otlp/v1/metrics", "https://c/otlp/v1/traces"),
        (
            {**ENV, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://mimir/otlp/v1/metrics"},
            "http://mimir/otlp/v1/metrics",
            "http://collector:4318/v1/traces",
        ),
        (
            {**ENV, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://tempo:4318"},  # as it is
            "http://collector:4318/v1/metrics",
            "http://tempo:4318/",
        ),
    ],
)
def test_where_each_signal_goes(env: dict[str, str], metrics: str, traces: str) -> None:
    assert settings.read("metrics", env).receiver.url == metrics
    assert settings.read("traces", env).receiver.url == traces


def test_what_is_told_of_one_signal_goes_before_what_is_told_of_both() -> None:
    env = {
        **ENV, "OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=s3cret%20one",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "5000", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "7000",
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
    }  # fmt: skip
    metrics, traces = settings.read("metrics", env), settings.read("traces", env)
    shown = [{name: one.reveal() for name, one in x.receiver.headers.items()} for x in (metrics, traces)]
    assert shown == [{"a": "1"}, {"b": "s3cret one"}]
    assert (metrics.receiver.timeout, traces.receiver.timeout) == (7.0, 5.0)
    assert (metrics.gzip, traces.gzip) == (True, False)
    assert metrics.receiver.ca == traces.receiver.ca == "/ca.pem"
    assert (metrics.headers, traces.headers) == (
        "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    )  # fmt: skip
    assert "s3cret" not in repr(traces)


def test_the_resource_says_who_it_is() -> None:
    assert settings.read("metrics", ENV).resource == {"service.name": "mcpist-resilience"}
    told = {**ENV, "OTEL_RESOURCE_ATTRIBUTES": "service.name=x, deployment.environment.name=a%2Cb"}
    assert settings.read("traces", told).resource == {
        "service.name": "x", "deployment.environment.name": "a,b",
    }  # fmt: skip
    named = {**told, "OTEL_SERVICE_NAME": "gate"}
    assert settings.read("traces", named).resource["service.name"] == "gate"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:s3cret@collector:4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector/v1/metrics?key=s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=s3cret%0d%0aX: 1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_that_shows_no_secret(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment: {name}: .*allowed: ") as refused:
        settings.read("metrics", {**ENV, name: text})
    assert "s3cr" not in str(refused.value)
    assert "\n" not in str(refused.value)
