"""M1 to M5: what the two eras of MCP change under load, on runs made of arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, Flag, Outcome
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.points.point import Finding
from verdicts.points.registry import ASKED, POINTS, QUESTIONS, check
from verdicts.run.reading import Run, load
from verdicts.thresholds import Threshold

IDS = ["M1.1", "M1.2", "M1.3", "M2.1", "M3.1", "M3.2", "M4.1", "M4.2", "M4.3", "M5.1"]
RESTART = {"faults": [{"fault": "connect", "at": 4.0, "until": 6.0, "target": None}]}
HIT = Spec(duration=10.0, accounts=10, chances={}, fault=(4.0, 6.0, "connect"), scenario_data=RESTART)


def made(folder: Path, spec: Spec, told: Mapping[str, Callable[[float], float]] | None = None) -> Run:
    """The run; `told` are metrics of origin-a and the edge as functions of time."""
    write(folder / "run", spec)
    file = folder / "run" / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    for scrape in scrapes:
        if scrape["source"] in ("origin-a", "edge"):
            scrape["values"] |= {name: value(scrape["t"]) for name, value in (told or {}).items()}
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in scrapes))
    return load(folder / "run")


def found(run: Run, id: str) -> Finding:
    finding = POINTS[id].find(run)
    assert isinstance(finding, Finding)
    assert finding.figures.keys() <= POINTS[id].figures.keys()
    return finding


def test_they_are_asked_beside_the_plan_and_not_of_it() -> None:
    assert [one for one in list(ASKED)[len(QUESTIONS) :] if one.startswith("M")] == IDS
    check(IDS, {"M1.1": "seconds <= 10 s", "M3.2": "evaded <= 1"})
    for id in IDS:
        assert ASKED[id].en.endswith("?")
        assert ASKED[id].ja.endswith("か")
        assert all("{" not in unit for unit in POINTS[id].units)


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("bundled", [True, False])
def test_what_a_run_cannot_show_is_not_made_up(tmp_path: Path, id: str, bundled: bool) -> None:
    assert not found(made(tmp_path, Spec(bundled=bundled)), id).seen


def test_all_are_served_again_when_the_last_has_its_first_success(tmp_path: Path) -> None:
    run = made(tmp_path, HIT)
    ok = run.samples[(run.samples["outcome"] == Outcome.OK) & (run.samples["planned"] >= 6.0)]
    firsts = [ok["done"][ok["account"] == account].min() for account in range(10)]
    seconds = found(run, "M1.1")
    assert seconds.value == pytest.approx(max(firsts) - 4.0, abs=0.001)
    assert (seconds.figures["hit"], seconds.figures["p50"] <= seconds.figures["seconds"]) == (10, True)


def test_a_success_before_the_first_failure_is_no_recovery(tmp_path: Path) -> None:
    late = replace(HIT, fault=(5.0, 6.0, "connect"))
    assert (found(made(tmp_path, late), "M1.1").figures["p50"]) > 2.0


def test_an_account_that_is_never_served_again_is_infinite(tmp_path: Path) -> None:
    def shut_out(samples: Samples) -> Samples:
        fail(samples, (samples["account"] == 3) & (samples["planned"] >= 4.0), "connect")
        return samples

    spec = replace(HIT, change=shut_out)
    seconds = found(made(tmp_path, spec), "M1.1")
    assert (seconds.value, seconds.figures["seconds"]) == ("not within the run", np.inf)
    assert seconds.at_least["seconds"] == pytest.approx(5.9, abs=0.15)  # its last failure
    assert "1 of them were never served again" in seconds.evidence


def test_an_account_that_fails_once_more_was_not_served_again_before(tmp_path: Path) -> None:
    def twice(samples: Samples) -> Samples:
        later = (samples["planned"] >= 7.0) & (samples["planned"] < 8.0)
        fail(samples, (samples["account"] == 3) & later, "connect")
        return samples

    seconds = found(made(tmp_path, replace(HIT, change=twice)), "M1.1")
    assert seconds.figures["seconds"] > 4.0 - 0.2
    assert seconds.figures["p50"] < 3.0


def test_who_has_a_call_in_flight_when_it_breaks_is_hit(tmp_path: Path) -> None:
    """The fault loses the calls that are under way, and no other."""

    def lost(samples: Samples) -> Samples:
        samples["outcome"] = Outcome.OK
        open_then = (samples["planned"] < 4.0) & (samples["account"] < 7)
        last = np.array([samples["planned"][open_then & (samples["account"] == n)].max() for n in range(7)])
        in_flight = open_then & np.isin(samples["planned"], last)
        fail(samples, in_flight, "connect")
        samples["done"][in_flight] = 4.1
        return samples

    seconds = found(made(tmp_path, replace(HIT, change=lost)), "M1.1")
    assert seconds.figures["hit"] == 7
    assert 0.1 < seconds.figures["seconds"] < 2.5


def test_a_refusal_is_no_loss(tmp_path: Path) -> None:
    def refused(samples: Samples) -> Samples:
        fail(samples, samples["outcome"] == Outcome.FAILED, "burst_exceeded")
        return samples

    assert not any(found(made(tmp_path, replace(HIT, change=refused)), "M1.1").figures.values())


@pytest.mark.parametrize("bundled", [True, False])
def test_a_cut_for_cpu_by_the_bundled_edge_is_no_loss(tmp_path: Path, bundled: bool) -> None:
    """It tells of this machine; from a target's own edge it is a failure like any other."""

    def cut(samples: Samples) -> Samples:
        samples["outcome"] = Outcome.OK
        late = np.flatnonzero((samples["account"] == 3) & (samples["planned"] >= 9.0))[0]
        fail(samples, np.arange(len(samples)) == late, "internal_error")
        samples["reason"][late] = REASON_CODE["worker_cpu_exceeded"]
        return samples

    hit = found(made(tmp_path, replace(HIT, change=cut, bundled=bundled)), "M1.1").figures["hit"]
    assert hit == (0 if bundled else 1)


def test_without_a_call_after_the_restart_nothing_is_known(tmp_path: Path) -> None:
    def silent(samples: Samples) -> Samples:
        return samples[samples["planned"] < 4.0]

    assert not found(made(tmp_path, replace(HIT, change=silent)), "M1.1").seen


def opened(at: list[float]) -> Callable[[Samples], Samples]:
    """The extra calls are `initialize`, sent then."""

    def change(samples: Samples) -> Samples:
        extra = samples["flags"] & Flag.EXTRA != 0
        samples["tool"][extra] = 1
        samples["planned"][extra] = samples["sent"][extra] = at
        samples["done"][extra] = np.array(at) + 0.01
        return samples

    return change


def test_the_peak_of_initialize_is_of_any_second_after_the_restart(
    tmp_path: Path,
) -> None:
    at = [-1.0, -0.9, -0.8, -0.7, -0.6, 4.1, 4.6, 4.9, 5.05, 8.0]
    spec = Spec(
        **{
            **vars(HIT),
            "extra": len(at),
            "change": opened(at),
            "manifest": {"tools": ["fast.echo", "initialize"]},
        }
    )
    peak = found(made(tmp_path, spec), "M1.2")
    assert (peak.value, peak.figures["opened"]) == (4, 5)


def test_calls_lost_with_their_session_are_those_answered_404(tmp_path: Path) -> None:
    def gone(samples: Samples) -> Samples:
        fail(samples, samples["index"] % 10 == 0, "rpc_error")
        samples["status"][samples["index"] % 10 == 0] = 404
        return samples

    told = {'mcpist_sessions_total{event="lost"}': lambda t: max(0.0, 3 * t)}
    spec = replace(HIT, change=gone)
    lost = found(made(tmp_path, spec, told), "M1.3")
    assert (lost.value, lost.figures["share"]) == (50, 0.1)
    assert "sessions that they did not know" in lost.evidence


def test_an_eras_cost_is_of_one_request(tmp_path: Path) -> None:
    told = {
        f'mcpist_era_{name}_total{{era="{era}"}}': (lambda t, each=each: max(0.0, t) * each)
        for era, each_of in {"legacy": (10.0, 4e3, 5e-3), "modern": (20.0, 16e3, 11e-3)}.items()
        for name, each in zip(("requests", "request_bytes", "cpu_seconds"), each_of, strict=True)
    }
    cost = found(made(tmp_path, Spec(), told), "M2.1")
    assert cost.value == pytest.approx(1.1)
    assert cost.figures["bytes_ratio"] == pytest.approx(2.0)
    assert cost.figures["cpu_modern"] == pytest.approx(550e-6)


LIARS = {"groups": [
    {"name": "users", "judge": True, "persona": {"name": "caller", "options": {}}},
    {"name": "liars", "judge": False, "persona": {"name": "liar", "options": {}}},
]}  # fmt: skip


def lying(share: float) -> Callable[[Samples], Samples]:
    """The odd accounts lie; a share of their calls is refused."""

    def change(samples: Samples) -> Samples:
        samples["group"] = samples["account"] % 2
        refused = (samples["group"] == 1) & (samples["index"] // 20 % 10 < share * 10)
        fail(samples, refused, "burst_exceeded")
        return samples

    return change


def lied(folder: Path, protocol: str = "2026-07-28") -> Run:
    """A run with liars who speak this revision."""
    manifest = {
        "groups": ["users", "liars"], "protections": ["name-limit"],
        "stack": {"settings": {"protections": {"name-limit": {"per_s": 2.0}}}, "processes": {}},
    }  # fmt: skip
    spec = Spec(duration=10.0, chances={}, change=lying(0.2), manifest=manifest)
    write(folder, spec)
    file = folder / "run.json"
    whole: dict[str, Any] = json.loads(file.read_text())
    whole["scenario"]["groups"] = [
        {**whole["scenario"]["groups"][0], **group, "protocol": protocol} for group in LIARS["groups"]
    ]
    file.write_text(json.dumps(whole))
    return load(folder)


def test_lies_that_pass_and_the_limit_that_they_evade(tmp_path: Path) -> None:
    run = lied(tmp_path / "run")
    assert found(run, "M3.1").value == 80.0
    assert found(run, "M3.2").value == pytest.approx(0.8 * 5 / 2)


@pytest.mark.parametrize("protocol", ["2025-11-25", "none"])
@pytest.mark.parametrize("id", ["M3.1", "M3.2"])
def test_where_there_is_no_such_header_nobody_lied(tmp_path: Path, id: str, protocol: str) -> None:
    assert not found(lied(tmp_path / "run", protocol), id).seen


def test_a_streams_cost_is_the_slope_and_those_that_stay_are_counted(tmp_path: Path) -> None:
    def streams(t: float) -> float:
        return float(np.clip(100 * (t - 2), 0, 500)) if t < 11 else 7.0

    run = made(tmp_path, Spec(), {'mcpist_streams_open{kind="get"}': streams})
    file = tmp_path / "run" / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    for scrape in scrapes:
        if scrape["source"] == "stack":
            key = 'stack_process_resident_memory_bytes{process="%s"}'
            for name, each in (("edge", 3000.0), ("origin-a", 2000.0), ("origin-b", 0.0), ("upstream", 1e6)):
                scrape["values"][key % name] = 6e7 + each * streams(scrape["t"])
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in scrapes))
    run = load(tmp_path / "run")
    cost = found(run, "M4.1")
    assert cost.figures["memory"] == pytest.approx(5000, rel=0.01)
    assert cost.figures["streams"] == 500
    left = found(run, "M4.3")
    assert (left.value, left.figures["share"]) == (7, 7 / 500)


def test_others_are_measured_while_streams_stand_and_before(tmp_path: Path) -> None:
    def slower(samples: Samples) -> Samples:
        samples["done"] += np.where(samples["planned"] > 6.0, 0.1, 0.0)
        return samples

    told = {'mcpist_streams_open{kind="listen"}': lambda t: 100.0 * (t > 5.9)}
    others = found(made(tmp_path, Spec(chances={}, change=slower), told), "M4.2")
    assert others.figures["p95"] - others.figures["before"] == pytest.approx(0.1, abs=0.02)
    assert others.figures["slowdown"] > 2


def test_work_that_goes_on_is_a_share_of_the_callers_that_left(tmp_path: Path) -> None:
    told = {
        'mcpist_caller_left_total{call="went-on"}': lambda t: max(0.0, t) * 3,
        'mcpist_caller_left_total{call="stopped"}': lambda t: max(0.0, t),
    }
    told['mcpist_upstream_requests_total{status="499",tool="search"}'] = lambda t: max(0.0, t) * 2
    run = made(tmp_path, Spec(), told)
    assert found(run, "M5.1").value == 75.0
    assert "broken off" not in found(run, "M5.1").evidence  # it is not the upstream that said so
    told["mcpist_caller_left_seconds_total"] = lambda t: max(0.0, t) * 6
    seconds = found(made(tmp_path / "told", Spec(), told), "L1").figures
    assert seconds["seconds"] == pytest.approx(2 * seconds["calls"])
    assert seconds["each"] == pytest.approx(1.5)
    assert not found(run, "L1").seen
    stopped = {'mcpist_caller_left_total{call="stopped"}': lambda t: max(0.0, t)}
    assert found(made(tmp_path / "none", Spec(), stopped), "M5.1").value == 0.0


def left(samples: Samples) -> Samples:
    samples["outcome"][::2], samples["status"][::2] = Outcome.ABORTED, 0
    return samples


LEAVING = Spec(duration=12.0, rate=1.0, chances={}, change=left)


@pytest.mark.parametrize("noticed", [0, 1, 9, 10])
def test_callers_whose_leaving_no_origin_noticed_are_not_forgotten(tmp_path: Path, noticed: int) -> None:
    """120 callers left; the origins tell that all they noticed stopped: none, 12, 108 or all of them."""
    told = {'mcpist_caller_left_total{call="stopped"}': lambda t: max(0.0, min(t, 12.0)) * noticed}
    told["mcpist_caller_left_seconds_total"] = lambda t: 0.0
    for id, bound in (("M5.1", "share <= 5 %"), ("L1", "each <= 100 ms")):
        run = made(tmp_path / id, LEAVING, told)
        one = POINTS[id].results(run, Threshold.parse(bound))[0]
        assert one.status == ("pass" if noticed == 10 else "invalid")
        assert ("left unnoticed" in one.evidence) == (noticed < 10)
