"""The slowest calls and their traces: of a run whose requests said which trace they were of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telemetry.recording.trace_ids import arrival_trace
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.measure.calls import failed_calls, failure_kinds
from verdicts.output.files import derive
from verdicts.report import slow_calls
from verdicts.run.reading import Run, load

HALF = "00112233aabbccdd"
TARGET = {"name": "t", "base_url": "http://127.0.0.1:1", "path": "/mcp", "limits": {}, "trace": True}
TRACED: dict[str, Any] = {"trace": HALF, "target": TARGET}


def spoiled(samples: Samples) -> Samples:
    index = samples["index"]
    fail(samples, index == 7, "internal_error")  # slow, and answered
    fail(samples, index == 300, "timeout")  # never answered
    for arrival, seconds in ((40, 9.0), (7, 8.0), (300, 7.0)):
        samples["done"][index == arrival] = samples["planned"][index == arrival] + seconds
    return samples


def made(folder: Path, **manifest: Any) -> Run:
    return load(write(folder / "run", Spec(chances={}, change=spoiled, manifest=manifest)))


@pytest.mark.parametrize("piece", [1 << 17, 100])
def test_the_slowest_come_first_each_with_its_arrivals_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr("verdicts.run.samples.PIECE", piece)
    one, two, *rest = slow_calls.of(made(tmp_path, **TRACED))
    assert (one.arrival, two.arrival, two.status) == (40, 7, 500)
    assert one.response == pytest.approx(9.0)
    assert one.trace == arrival_trace(HALF, 40)
    assert len(rest) == slow_calls.MOST - 2
    assert [call.response for call in rest] == sorted((call.response for call in rest), reverse=True)
    assert 300 not in {call.arrival for call in rest}


def test_a_failed_call_has_its_trace_too(tmp_path: Path) -> None:
    run = made(tmp_path, **TRACED)
    rows = failed_calls.of(run, failure_kinds.of(run)).rows
    assert {row.arrival: row.trace for row in rows} == {
        arrival: arrival_trace(HALF, arrival) for arrival in (7, 300)
    }


def test_a_run_that_asked_for_no_traces_shows_none(tmp_path: Path) -> None:
    run = made(tmp_path, trace=HALF)
    assert slow_calls.of(run) == ()
    assert {row.trace for row in failed_calls.of(run, failure_kinds.of(run)).rows} == {""}


def test_the_report_shows_them_where_they_are(tmp_path: Path) -> None:
    for name, manifest, shown in (("with", TRACED, True), ("without", {}, False)):
        folder = made(tmp_path / name, **manifest).folder
        derive(folder, quiet=True)
        page = (folder / "report.html").read_text()
        assert (arrival_trace(HALF, 40) in page) == shown
        assert ("The slowest calls and their traces" in page) == shown
