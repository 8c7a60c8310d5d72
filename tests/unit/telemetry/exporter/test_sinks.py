"""Which databases the environment switches on, and what their process is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import ConfigError
from common.paths import ROOT
from telemetry.exporter import process, sinks

INFLUX = {
    "INFLUXDB_V2_URL": "http://db:8086", "INFLUXDB_V2_TOKEN": "s3cret", "INFLUXDB_V2_ORG": "o",
    "INFLUXDB_V2_BUCKET": "b",
}  # fmt: skip
PROMETHEUS = {
    "PROMETHEUS_REMOTE_WRITE_URL": "http://metrics:9090/api/v1/write",
    "PROMETHEUS_REMOTE_WRITE_BEARER_TOKEN": "s3cret",
}
OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=s3cret"}
OF_METRICS = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}
OF_TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}


@pytest.mark.parametrize(
    ("env", "names"),
    [
        (INFLUX, ["InfluxDB"]),
        (PROMETHEUS, ["Prometheus"]),
        (OTLP, ["OTLP metrics", "OTLP traces"]),
        (OF_METRICS, ["OTLP metrics"]),
        (OF_TRACES, ["OTLP traces"]),
        (
            {**INFLUX, **PROMETHEUS, **OTLP},
            ["InfluxDB", "Prometheus", "OTLP metrics", "OTLP traces"],
        ),
    ],
)
def test_each_is_switched_on_by_its_url(env: dict[str, str], names: list[str]) -> None:
    found = sinks.opened(env)
    assert [sink.name for sink in found] == names
    assert len({sink.place for sink in found}) == len(names)
    for sink in found:
        sink.close()


def test_none_is_said_by_the_names_of_the_variables() -> None:
    with pytest.raises(
        ConfigError,
        match=r"^environment: INFLUXDB_V2_URL or PROM\w*_URL or OTEL\w*_OTLP_ENDPOINT: missing, allowed: ",
    ):
        sinks.opened({})
    assert process.check({}) == []


def test_the_process_is_given_its_variables_without_the_secrets() -> None:
    others = {"PGPASSWORD": "s3cret", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=s3cret", "OTEL_OTHER": "s3cret"}
    given = process._given({**INFLUX, **PROMETHEUS, **OTLP, "RESILIENCE_SPOOL_MB": "1", **others})
    assert not [text for text in given.values() if "s3cret" in text]
    assert set(given) == {*INFLUX, *PROMETHEUS, *OTLP, "RESILIENCE_SPOOL_MB"} - {
        "INFLUXDB_V2_TOKEN", "PROMETHEUS_REMOTE_WRITE_BEARER_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS",
    }  # fmt: skip


def test_its_paths_are_those_of_who_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = {
        "RESILIENCE_SPOOL": "spool", "INFLUXDB_V2_SSL_CA_CERT": "ca.pem",
        "PROMETHEUS_REMOTE_WRITE_CA_CERT": "ca.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
    }  # fmt: skip
    given = process._given({**relative, "INFLUXDB_V2_ORG": "o", "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": ""})
    assert {name: given[name] for name in relative} == {
        name: str(tmp_path / text) for name, text in relative.items()
    }
    assert (given["INFLUXDB_V2_ORG"], given["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE"]) == ("o", "")


@pytest.mark.parametrize("text", ["1GB", "0.5", "-1", "²"])
def test_a_spool_of_no_size_is_refused_before_anything_is_asked(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^environment: RESILIENCE_SPOOL_MB: .*allowed: whole megabytes"):
        process.check({**PROMETHEUS, "RESILIENCE_SPOOL_MB": text})
    assert process.check({"RESILIENCE_SPOOL_MB": text}) == []  # telemetry is off


def test_nothing_of_a_database_is_loaded_that_is_off() -> None:
    program = (
        "import sys; from telemetry.exporter import process; process.check({});"
        "theirs = {'influxdb_client', 'urllib3', 'google.protobuf', 'cramjam', 'opentelemetry'};"
        "print(*theirs.intersection(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
