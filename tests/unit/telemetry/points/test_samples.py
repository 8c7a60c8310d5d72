"""Points as samples: names, labels and units by Prometheus's conventions."""

from __future__ import annotations

import re
from pathlib import Path

from telemetry.points.event_points import event_point
from telemetry.points.export import Export
from telemetry.points.point import DataPoint, Field, RunPoints
from telemetry.points.samples import Sample, samples
from telemetry.run_folder import manifest as manifests
from telemetry.run_folder.lines import Event
from tests.support.influx.run_writer import RunWriter
from tests.support.manifest import manifest

POINTS = RunPoints(manifest(start_wall=1_700_000_000.0))
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
UNITS = ("_seconds", "_bytes", "_info", "_value", "_in_flight", "_target_up")


def made(measurement: str, fields: dict[str, Field], **tags: str) -> dict[str, tuple[float, dict[str, str]]]:
    """name → (value, labels beside the run's)."""
    found = {}
    for sample in samples([POINTS.make(measurement, tags, fields, 1.5)]):
        labels = dict(sample.labels)
        assert sample.t == 1_700_000_001_500
        name = labels.pop("__name__")
        own = {label: text for label, text in labels.items() if label not in POINTS.tags}
        found[name] = (sample.value, own)
    return found


def test_a_ledgers_counts_are_counters_and_the_rest_gauges() -> None:
    found = made(
        "arrivals", {"sent": 5, "in_flight": 2, "cpu_s": 0.5, "stall_in": "x", "plans": 1}, worker="w0"
    )
    assert found == {
        "resilience_arrivals_sent_total": (5.0, {"worker": "w0"}),
        "resilience_in_flight": (2.0, {"worker": "w0"}),
        "resilience_worker_cpu_seconds_total": (0.5, {"worker": "w0"}),
    }


def test_percentiles_are_gauges_in_seconds() -> None:
    assert made("requests", {"p95_ms": 200.0, "count": 7, "calls": 9, "second": 3}) == {
        "resilience_response_seconds": (0.2, {"quantile": "0.95"})
    }
    assert made("requests", {"run_service_max_ms": 1500.0}) == {
        "resilience_run_service_seconds": (1.5, {"quantile": "1"})
    }
    assert made("arrivals", {"start_delay_p50_ms": 1.0}) == {
        "resilience_start_delay_seconds": (0.001, {"quantile": "0.5"})
    }


def test_counts_since_the_start_are_counters() -> None:
    found = made("requests_so_far", {"count": 4, "response_sum_ms": 250.0, "bytes": 9}, result="ok")
    assert found == {
        "resilience_requests_total": (4.0, {"result": "ok"}),
        "resilience_requests_response_seconds_total": (0.25, {"result": "ok"}),
        "resilience_requests_bytes_total": (9.0, {"result": "ok"}),
    }


def test_a_histogram_ends_at_infinity() -> None:
    ended: dict[str, Field] = dict.fromkeys(("calls", "ok", "refusals", "errors", "aborted", "status_5xx"), 3)
    point = POINTS.make("run_so_far", {}, {**ended, "count": 3, "sum_ms": 500.0, "le_0.1": 1}, 1.0)
    buckets = {
        dict(one.labels)["le"]: one.value
        for one in samples([point])
        if dict(one.labels)["__name__"].endswith("_bucket")
    }
    assert buckets == {"0.1": 1.0, "+Inf": 3.0}


def test_the_targets_metrics_keep_their_names() -> None:
    found = made("target", {"up": 1, "mcpist_memory_bytes": 5.0, "health_requests_total": 2.0}, source="edge")
    assert set(found) == {
        "resilience_target_up",
        "mcpist_memory_bytes",
        "resilience_target_health_requests_total",
    }


def test_what_happened_is_its_own_time() -> None:
    events = [event_point(POINTS, Event(2.0, "fault", "stall", {"n": 1}), number) for number in (1, 2)]
    one, two = samples(events)
    assert one.labels != two.labels  # told late and out of order, each is still taken
    assert (one.value, one.t) == (1_700_000_002.0, 1_700_000_002_000)
    assert dict(one.labels) | {"kind": "fault", "title": "stall", "text": "n 1"} == dict(one.labels)


def test_a_value_that_is_no_number_is_no_sample() -> None:
    point = DataPoint("points", {"point": "P1"}, {"value": None, "said": "", "status": "pass"}, 0)
    (info,) = samples([point])
    assert dict(info.labels) == {"__name__": "resilience_point_info", "point": "P1", "status": "pass"}
    assert not list(samples([DataPoint("target", {}, {"x": float("nan")}, 0)]))


def of_a_run(folder: Path) -> list[Sample]:
    run = RunWriter(folder / "run", rate=20)
    run.event(0.5, "fault", "stall")
    for second in range(5):
        run.second(second)
    return list(samples(Export(run.run_dir, manifests.read(run.run_dir)).finish()))


def test_every_sample_of_a_run_is_named_by_the_conventions(tmp_path: Path) -> None:
    found = of_a_run(tmp_path)
    names = {dict(one.labels)["__name__"] for one in found}
    for name in names:
        assert NAME.fullmatch(name)
        if name.startswith("resilience_"):
            base = re.sub(r"_(total|bucket|count|sum)$", "", name)
            assert name.endswith("_total") or base.endswith(UNITS), name
    for one in found:
        assert list(one.labels) == sorted(one.labels)
        assert dict(one.labels)["run"] == "run"


def test_times_of_a_series_only_go_on_and_counters_only_rise(tmp_path: Path) -> None:
    series: dict[object, list[Sample]] = {}
    for one in of_a_run(tmp_path):
        series.setdefault(one.labels, []).append(one)
    for labels, found in series.items():
        times = [one.t for one in found]
        assert times == sorted(set(times)), labels
        if dict(found[0].labels)["__name__"].startswith("resilience_requests"):
            values = [one.value for one in found]
            assert values == sorted(values)
            assert values[0] == 0.0
