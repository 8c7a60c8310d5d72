from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.probing.target_log import TargetLog
from telemetry.recording.sample import SAMPLE, Outcome
from telemetry.run_folder.end import RunEnd
from tests.support.manifest import manifest
from tests.support.synthetic_run import Spec, write
from verdicts.measure.calls import series
from verdicts.measure.calls.series import PerSecond
from verdicts.run.reading import Run, load
from verdicts.run.samples import Samples

CALLS = st.lists(
    st.tuples(st.floats(-2, 20), st.floats(0, 8), st.sampled_from(list(Outcome))), min_size=1, max_size=60
)


def run_of(calls: list[tuple[float, float, Outcome]]) -> Run:
    samples = np.zeros(len(calls), SAMPLE)
    for sample, (sent, took, outcome) in zip(samples, calls, strict=True):
        gone = outcome is Outcome.DROPPED
        sample["planned"], sample["outcome"] = sent, outcome
        sample["sent"] = np.nan if gone else sent
        sample["done"] = sent if gone else sent + took
    about = manifest(duration_s=20.0, scenario={})
    end = RunEnd(t_end=20.0, stop_reason="completed")
    worker = np.zeros(len(calls), np.int64)
    return Run(
        Path(), about, ("local",), Samples([samples]), worker, {"local": ()}, {}, TargetLog({}), (), end
    )


def in_flight_at(run: Run, t: float) -> int:
    out = run.samples[run.out]
    return int(((out["sent"] <= t) & (out["done"] > t)).sum())


@settings(deadline=None)
@given(CALLS)
def test_the_peak_in_flight_is_exact(calls: list[tuple[float, float, Outcome]]) -> None:
    run = run_of(calls)
    instants = run.samples["sent"][run.out]
    assert series.peak_in_flight(run) == max((in_flight_at(run, t) for t in instants), default=0)


@settings(deadline=None)
@given(CALLS)
def test_no_second_hides_a_maximum(calls: list[tuple[float, float, Outcome]]) -> None:
    run = run_of(calls)
    seconds = PerSecond.of(run)
    assert seconds.in_flight.max() == series.peak_in_flight(run)
    slowest = (run.samples["done"] - run.samples["planned"])[run.ok]
    if slowest.size:
        assert np.nanmax(seconds.response["max"]) == slowest.max()
    assert seconds.counts("done", run.out).sum() == run.out.sum()


@settings(deadline=None)
@given(CALLS, st.integers(-2, 27))
def test_each_second_holds_the_most_that_were_out_within_it(
    calls: list[tuple[float, float, Outcome]], second: int
) -> None:
    run = run_of(calls)
    seconds = PerSecond.of(run)
    place = second - seconds.first
    if not 0 <= place < seconds.count:
        return
    instants = [t for t in run.samples["sent"][run.out] if second <= t < second + 1]
    assert seconds.in_flight[place] == max(in_flight_at(run, t) for t in [float(second), *instants])


def test_percentiles_of_a_second_are_those_of_its_calls(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec(duration=4.0)))
    seconds = PerSecond.of(run)
    mine = run.samples[run.ok & (np.floor(run.samples["planned"]) == 2)]
    expected = np.percentile(mine["done"] - mine["planned"], 95, method="inverted_cdf")
    assert seconds.response["p95"][2 - seconds.first] == pytest.approx(expected, abs=0)
