"""P0.4: phases, who else suffered, the wait, the recovery."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.p0_runs import Scrape, judged, mixed, outage, refuse, result
from tests.support.synthetic_run import Samples, Spec, write
from verdicts.measure.calls import outage as cut
from verdicts.run.reading import load

ALL = "others_success >= 99 %, p95_rise <= 100 %, wait <= 5 s, recovery <= 10 s"
CLEAN: dict[str, Any] = {"thresholds": {"P0.4": ALL}}


def failing(*windows: tuple[int, float, float, str, float], slower: float = 0.0) -> Spec:
    """The outage with failures (tool, from, to, reason, after s), fast answers `slower` in 15..40 s."""

    def change(samples: Samples) -> Samples:
        mixed(samples)
        for tool, start, end, reason, after in windows:
            refuse(samples, tool, start, end, reason, after)
        mine = (samples["tool"] == 0) & (samples["planned"] >= 15) & (samples["planned"] < 40)
        samples["done"][mine] += slower
        return samples

    return replace(outage(**CLEAN), change=change)


def test_an_outage_that_stays_alone(tmp_path: Path) -> None:
    found = judged(tmp_path, failing((1, 15, 40, "rpc_error", 2.5)))
    assert result(found, "P0.4").value == 100.0
    assert [one.status for one in found.points if one.id.startswith("P0.4.")] == [
        "pass", "pass", "pass", "info",
    ]  # fmt: skip
    assert result(found, "P0.4.recovery").value == 0.0
    assert found.exit_code == 0
    rows = result(found, "P0.4.wait").rows
    assert [(row["phase"], row["lost"]) for row in rows] == [("healthy", 0), ("errors", 100), ("healed", 0)]
    slo = result(found, "P0.4.slo").rows
    assert [(row["when"], row["sent"], row["lost"]) for row in slo] == [
        ("before", 170, 0), ("during", 310, 100), ("after", 240, 0),
    ]  # fmt: skip


def test_calls_in_flight_when_the_fault_begins_are_hit_by_it(tmp_path: Path) -> None:
    found = judged(tmp_path, failing((1, 13, 15, "upstream_error", 6.0)))
    rows = {row["phase"]: row for row in result(found, "P0.4.wait").rows}
    assert rows["healthy"]["lost"] == 0
    assert rows["errors"]["lost"] == 8
    before = result(found, "P0.4.slo").rows[0]
    assert (before["when"], before["success %"]) == ("before", 100.0)


def test_a_cascade(tmp_path: Path) -> None:
    hit = failing((1, 15, 40, "timeout", 20.0), (0, 18, 40, "breaker_open", 0.002))
    found = judged(tmp_path, hit)
    one = result(found, "P0.4")
    assert one.status == "fail"
    assert "fast.echo while errors" in one.evidence
    assert result(found, "P0.4.wait").status == "fail"
    assert result(found, "P0.4.wait").value == pytest.approx(20_000, abs=50)
    assert found.exit_code == 1


@pytest.mark.parametrize(("slower", "status"), [(0.024, "pass"), (0.03, "fail")])
def test_the_fast_tool_may_rise_by_25_ms(tmp_path: Path, slower: float, status: str) -> None:
    found = judged(tmp_path, failing(slower=slower))
    assert result(found, "P0.4.fast").status == status
    assert "before the fault" in result(found, "P0.4.fast").evidence


def test_a_fast_tool_that_never_succeeds_is_no_pass(tmp_path: Path) -> None:
    found = judged(tmp_path, failing((0, 15, 40, "breaker_open", 0.002)))
    assert result(found, "P0.4.fast").status == "invalid"
    assert result(found, "P0.4.fast").value is None
    assert found.exit_code == 1


def test_without_phases_there_is_no_answer(tmp_path: Path) -> None:
    found = judged(tmp_path, outage(phases=[]))
    assert (result(found, "P0.4").value, result(found, "P0.4").status) == (None, "info")


def test_the_breaker_is_named(tmp_path: Path) -> None:
    key = 'mcpist_breaker_state{state="open",upstream="notion"}'
    scrapes: list[Scrape] = [(float(t), "origin-a", {key: float(20 <= t < 30)}) for t in range(60)]
    found = judged(tmp_path, failing(), scrapes)
    assert "The breaker of notion was first seen open at 20 s" in result(found, "P0.4.wait").evidence


@pytest.mark.parametrize(
    ("bad_until", "seconds"), [(40.0, 0.0), (43.0, 3.0), (47.5, 7.5), (54.9, 14.9), (58.0, math.inf)]
)
def test_recovery(tmp_path: Path, bad_until: float, seconds: float) -> None:
    run = load(write(tmp_path / "run", failing((1, 15, bad_until, "breaker_open", 0.002))))
    mask = cut.failing(run)
    found = cut.recovery(run, mask)
    if math.isinf(seconds):
        assert math.isinf(found)
    else:
        assert seconds - 0.3 < found <= seconds  # a call of the tool every 0.25 s


def test_an_upstream_that_is_well_for_a_moment_has_not_recovered(tmp_path: Path) -> None:
    """The breaker closes, and opens again for good; its refusals are what the scenario expects."""
    again = failing((1, 15, 40, "rpc_error", 2.5), (1, 46, 60, "breaker_open", 0.002))
    found = judged(
        tmp_path, replace(again, scenario_data={**again.scenario_data, "expects": ["breaker_open"]})
    )
    assert result(found, "service").status == "pass"
    back = result(found, "P0.4.recovery")
    assert (back.value, back.status) == ("not within the run", "fail")


def test_recovery_is_behind_a_relapse(tmp_path: Path) -> None:
    found = judged(tmp_path, failing((1, 15, 40, "rpc_error", 2.5), (1, 46, 49, "rpc_error", 0.1)))
    assert 8 < float(str(result(found, "P0.4.recovery").value)) < 9.5


@pytest.mark.parametrize(("allowed", "status"), [("10 s", "fail"), ("30 s", "invalid")])
def test_who_was_not_watched_for_long_enough_broke_no_bound(
    tmp_path: Path, allowed: str, status: str
) -> None:
    """Healed at 40 s of 60, never well again: after 15 s at the earliest, for all that was seen."""
    broken = failing((1, 15, 60, "rpc_error", 0.1))
    spec = replace(outage(thresholds={"P0.4": f"recovery <= {allowed}"}), change=broken.change)
    assert result(judged(tmp_path, spec), "P0.4.recovery").status == status


def test_recovery_needs_time_to_tell(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", replace(failing(), stopped_at=43.0, stop_reason="SIGINT")))
    assert math.isnan(cut.recovery(run, cut.failing(run)))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(160, 239), max_size=12, unique=True))
def test_recovery_is_where_service_first_holds(tmp_path: Path, broken: list[int]) -> None:
    """Beside an oracle that tries every millisecond."""

    def change(samples: Samples) -> Samples:
        mixed(samples)
        mine = np.flatnonzero(samples["tool"] == 1)
        which = np.zeros(len(samples), dtype=np.bool_)
        which[mine[broken]] = True
        bad = samples[which]
        bad["outcome"] = 1
        samples[which] = bad
        return samples

    run = load(write(tmp_path / "run", replace(failing(), change=change)))
    mask = cut.failing(run) & run.sent
    planned, ok = run.samples["planned"][mask], run.ok[mask]
    at = np.arange(40.0, 55.0005, 0.001)
    first, end = np.searchsorted(planned, at), np.searchsorted(planned, at + cut.STEADY)
    well = np.concatenate([[0], np.cumsum(ok)])
    steady = (end > first) & ((well[end] - well[first]) / np.maximum(end - first, 1) >= cut.WELL)
    rest = (well[-1] - well[first]) / np.maximum(len(ok) - first, 1)
    tried = at[steady & (rest >= cut.HELD)]
    found = cut.recovery(run, cut.failing(run))
    if tried.size:
        assert found == pytest.approx(tried[0] - 40.0, abs=0.002)
    else:
        assert math.isinf(found)


def test_a_fault_that_was_lifted_late_moves_recovery_and_no_phase(tmp_path: Path) -> None:
    lifted = {"t": 40.02, "kind": "fault", "name": "upstream-error", "detail": {"state": "ends"}}
    run = judged(tmp_path, replace(failing(), faults_happen=False), events=[lifted]).run
    assert cut.healed_at(run) == 40.02
    assert [phase.when for phase in cut.phases(run)] == ["before", "during", "after"]


def test_a_fault_for_everything_fails_everything(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = [
        {"at": 15.0, "until": None, "fault": "db-down", "target": None, "params": {}}
    ]
    run = load(write(tmp_path / "run", outage(faults=faults)))
    assert cut.failing(run).all()
    assert cut.healed_at(run) == 60.0
    assert [phase.when for phase in cut.phases(run)] == ["before", "during", "during"]


def test_where_nobody_called_after_healing_nobody_knows_when_it_was_well(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        mixed(samples)
        quiet = (samples["tool"] == 1) & (samples["planned"] >= 40) & (samples["planned"] < 45.5)
        kept: Samples = samples[~quiet]
        return kept

    run = load(write(tmp_path / "run", replace(outage(**CLEAN), change=change)))
    assert math.isnan(cut.recovery(run, run.of_tools({"notion.get_page"})))
