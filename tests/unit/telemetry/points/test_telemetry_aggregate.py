"""Samples into points: nothing lost, nothing twice, whatever order samples come in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.influx.line_protocol import line as encoded
from telemetry.points.aggregate import KEPT, WorkerSeconds
from telemetry.points.point import RunPoints
from telemetry.points.whole_run import PATIENCE, WholeRun
from telemetry.recording.sample import REASON_CODE, REASONS, Outcome
from tests.support.manifest import manifest
from tests.support.samples import sample

POINTS = RunPoints(manifest(start_wall=0.0))
TOOLS = ["fast.echo", "notion.get_page"]


def requests(worker: WorkerSeconds, mark: float) -> list[str]:
    return [encoded(point) for point in worker.closed(POINTS, mark) if point.measurement == "requests"]


def of_the_run(run: WholeRun, marks: list[float]) -> list[str]:
    return [encoded(point) for point in run.closed(POINTS, marks) if point.measurement != "run_so_far"]


def seconds() -> WorkerSeconds:
    return WorkerSeconds("w0", TOOLS, REASONS)


def store(lines: Iterable[str]) -> dict[tuple[str, int], int]:
    """As the database keeps them: (tags, time) → count, the last one sent wins."""
    found = {}
    for line in lines:
        head, fields, time = re.fullmatch(r"(\S+) (\S+) (-?\d+)", line).groups()  # type: ignore[union-attr]
        found[head, int(time)] = int(re.search(r"count=(\d+)i", fields)[1])  # type: ignore[index]
    return found


def test_a_second_is_one_point_for_each_way_to_end() -> None:
    worker = seconds()
    worker.feed(np.concatenate([
        sample(0.1), sample(0.9), sample(0.5, tool=1),
        sample(0.2, outcome=Outcome.FAILED, status=429, reason=REASON_CODE["burst_exceeded"]),
        sample(0.3, outcome=Outcome.ABORTED, status=0),
    ]))  # fmt: skip
    tags = "requests,protections=none,result={},run=r,scenario=s,status={},target=t,tool={},worker=w0"
    assert store(requests(worker, 1.0)) == {
        (tags.format("ok", 200, "fast.echo"), 0): 2,
        (tags.format("ok", 200, "notion.get_page"), 0): 1,
        (tags.format("burst_exceeded", 429, "fast.echo"), 0): 1,
        (tags.format("aborted", 0, "fast.echo"), 0): 1,
    }


def test_sums_are_in_milliseconds() -> None:
    worker = seconds()
    worker.feed(np.concatenate([sample(5.5, bytes=10, upstream_s=0.05), sample(5.6, bytes=20)]))
    (line,) = requests(worker, 6.0)
    sums = "response_sum_ms=200.0,service_sum_ms=180.0,start_delay_sum_ms=20.0,upstream_sum_ms=50.0"
    assert f" count=2i,{sums},bytes=30i " in line
    assert line.endswith(" 5000000000")


def test_a_second_waits_for_its_mark_and_is_sent_once() -> None:
    worker = seconds()
    worker.feed(sample(3.2))
    assert list(requests(worker, 3.9)) == []
    assert len(list(requests(worker, 4.0))) == 1
    assert list(requests(worker, 9.0)) == []


def test_a_late_sample_makes_its_seconds_point_anew() -> None:
    worker = seconds()
    worker.feed(sample(3.2))
    first = list(requests(worker, 4.0))
    worker.feed(sample(3.4))
    again = list(requests(worker, 5.0))
    assert store([*first, *again]) == store(again)
    assert list(store(again).values()) == [2]


def test_a_sample_too_late_for_its_second_still_counts() -> None:
    worker = seconds()
    worker.feed(sample(0.5))
    lines = list(requests(worker, KEPT + 50.0))
    worker.feed(sample(0.7))
    lines += requests(worker, KEPT + 51.0)
    assert sum(store(lines).values()) == 2


@given(
    done=st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
    marks=st.lists(st.floats(0.0, 25.0), min_size=6, max_size=6),
)
def test_however_samples_come_the_sum_is_right(
    done: list[float], cuts: list[int], marks: list[float]
) -> None:
    worker = seconds()
    lines: list[str] = []
    parts = np.split(
        np.concatenate([sample(one) for one in done]), sorted(min(cut, len(done)) for cut in cuts)
    )
    for part, mark in zip(parts, sorted(marks), strict=False):
        worker.feed(part)
        lines += requests(worker, mark)
    lines += requests(worker, math.inf)
    assert sum(store(lines).values()) == len(done)


def fields_of(lines: Iterable[str], measurement: str) -> list[dict[str, float]]:
    found = []
    for line in lines:
        if line.startswith(measurement + ","):
            pairs = line.split(" ")[1].split(",")
            found.append({pair.split("=")[0]: float(pair.split("=")[1].rstrip("i")) for pair in pairs})
    return found


def test_percentiles_are_of_successful_calls() -> None:
    run = WholeRun()
    run.feed(np.concatenate([
        sample(0.1), sample(0.9, planned=0.0, sent=0.0, outcome=Outcome.FAILED, status=503,
                            reason=REASON_CODE["db_error"]),
        sample(0.2, outcome=Outcome.FAILED, status=429, reason=REASON_CODE["burst_exceeded"]),
    ]))  # fmt: skip
    lines = list(of_the_run(run, [1.0]))
    (requests,) = fields_of(lines, "requests")
    assert requests["p99_ms"] == requests["max_ms"] == requests["run_p50_ms"] == pytest.approx(100.0)
    assert requests["service_max_ms"] == pytest.approx(90.0)
    ended = {name: requests[name] for name in ("calls", "ok", "errors", "refusals", "aborted", "status_5xx")}
    assert ended == {"calls": 3, "ok": 1, "errors": 1, "refusals": 1, "aborted": 0, "status_5xx": 1}
    (arrivals,) = fields_of(lines, "arrivals")
    assert arrivals["start_delay_max_ms"] == pytest.approx(10.0)
    assert "count" not in requests  # the sum of all counts stays the ledger's


def test_the_whole_run_goes_on_and_a_second_does_not() -> None:
    run = WholeRun()
    run.feed(np.concatenate([sample(0.5, planned=0.4), sample(1.5, planned=1.0)]))
    first, second = fields_of(of_the_run(run, [2.0]), "requests")
    assert (first["max_ms"], first["run_max_ms"]) == pytest.approx((100.0, 100.0))
    assert (second["max_ms"], second["run_max_ms"]) == pytest.approx((500.0, 500.0))
    assert second["run_p50_ms"] == pytest.approx(100.0, rel=1e-3)


def test_the_slowest_worker_is_waited_for_but_not_for_ever() -> None:
    run = WholeRun()
    run.feed(sample(0.5))
    assert list(of_the_run(run, [0.5, 1.0 + PATIENCE - 0.1])) == []
    assert len(list(of_the_run(run, [0.5, 1.0 + PATIENCE]))) == 2
    assert list(of_the_run(run, [])) == []


def test_a_sample_of_a_closed_second_counts_since_the_start() -> None:
    run = WholeRun()
    run.feed(sample(0.5))
    list(of_the_run(run, [1.0]))
    run.feed(sample(0.6, planned=0.0))
    run.feed(sample(1.5))
    (requests,) = fields_of(of_the_run(run, [2.0]), "requests")
    assert requests["run_max_ms"] == pytest.approx(600.0)
    assert requests["calls"] == 1
