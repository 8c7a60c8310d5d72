"""Points as OpenTelemetry's metrics: kinds, names, units, and the way back to the names of remote write."""

from __future__ import annotations

from pathlib import Path

from telemetry.otlp.metric_point import MetricPoint, metric_points
from telemetry.points.export import Export
from telemetry.points.point import Field, RunPoints
from telemetry.points.samples import samples
from telemetry.run_folder import manifest as manifests
from tests.support.influx.run_writer import RunWriter
from tests.support.manifest import manifest

START = 1_700_000_000_000_000_000
POINTS = RunPoints(manifest(start_wall=START / 1e9))
CALLS: dict[str, Field] = dict.fromkeys(("calls", "ok", "refusals", "errors", "aborted", "status_5xx"), 3)


def made(measurement: str, fields: dict[str, Field], **tags: str) -> dict[str, MetricPoint]:
    return {one.name: one for one in metric_points([POINTS.make(measurement, tags, fields, 1.5)])}


def test_a_count_since_the_start_is_a_sum_that_says_when_it_began() -> None:
    (found,) = made("arrivals", {"sent": 5}, worker="w0").values()
    assert (found.name, found.unit, found.monotonic, found.value) == (
        "resilience.arrivals_sent", "", True, 5.0,
    )  # fmt: skip
    assert (found.start, found.t) == (START, START + 1_500_000_000)
    assert dict(found.attributes) == {**{k: v for k, v in POINTS.tags.items() if v}, "worker": "w0"}


def test_what_rises_and_falls_is_a_gauge_without_a_begin() -> None:
    found = made("arrivals", {"in_flight": 2})["resilience.in_flight"]
    assert (found.monotonic, found.start) == (False, 0)


def test_seconds_are_the_unit_and_bytes_stay_in_the_name_beside_the_count() -> None:
    found = made("requests_so_far", {"count": 4, "response_sum_ms": 250.0, "bytes": 9})
    assert {name: (one.unit, one.value) for name, one in found.items()} == {
        "resilience.requests": ("", 4.0),
        "resilience.requests_response": ("s", 0.25),
        "resilience.requests_bytes": ("By", 9.0),
    }


def test_the_targets_metrics_keep_their_names_and_say_no_begin() -> None:
    found = made("target", {"mcpist_requests_total": 7.0, "mcpist_memory_bytes": 5.0}, source="edge")
    assert {name: (one.monotonic, one.start, one.unit) for name, one in found.items()} == {
        "mcpist_requests_total": (True, 0, ""),
        "mcpist_memory_bytes": (False, 0, ""),
    }


def test_response_times_are_one_histogram() -> None:
    at_most = {f"le_{bound:g}": 1 for bound in (0.005, 0.01, 0.025, 0.05, 0.1)}
    at_most |= {f"le_{bound:g}": 2 for bound in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)}
    found = made("run_so_far", {**CALLS, "count": 3, "sum_ms": 500.0, **at_most})
    duration = found["resilience.response_duration"]
    assert duration.counts == (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert (duration.value, duration.unit) == (0.5, "s")
    assert found["resilience.calls"].value == 3.0
    assert not any(name.startswith("resilience_") for name in found)


def of_a_run(folder: Path) -> tuple[list[MetricPoint], set[str]]:
    run = RunWriter(folder / "run", rate=20)
    run.event(0.5, "fault", "stall")
    for second in range(5):
        run.second(second)
    points = Export(run.run_dir, manifests.read(run.run_dir)).finish()
    return list(metric_points(points)), {dict(one.labels)["__name__"] for one in samples(points)}


def as_prometheus(one: MetricPoint) -> set[str]:
    """The names that a collector's rule makes of it: dots, the unit, `_total` of a sum."""
    unit = {"s": "seconds", "By": "bytes", "": ""}[one.unit]
    name = one.name.replace(".", "_")
    if unit and unit not in name.split("_"):
        name += f"_{unit}"
    if one.counts:
        return {f"{name}_{part}" for part in ("bucket", "count", "sum")}
    counted = one.monotonic and not name.endswith(("_total", "_sum", "_count"))
    return {f"{name}_total" if counted else name}


def test_a_collector_that_writes_to_prometheus_gives_them_the_names_of_remote_write(tmp_path: Path) -> None:
    found, named = of_a_run(tmp_path)
    assert set().union(*map(as_prometheus, found)) == named


def test_no_name_has_two_units_or_kinds_and_times_of_a_series_only_go_on(tmp_path: Path) -> None:
    found, _ = of_a_run(tmp_path)
    kinds: dict[str, object] = {}
    series: dict[object, list[int]] = {}
    for one in found:
        assert kinds.setdefault(one.name, (one.unit, one.monotonic)) == (one.unit, one.monotonic)
        series.setdefault(one.series, []).append(one.t)
    for times in series.values():
        assert times == sorted(set(times))
