"""P3.1 to P3.3 on runs made of arithmetic: one Starter user, 12 calls a window of 6 s, 6 of them allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from telemetry.probing.target_log import TargetLog
from telemetry.recording.sample import Flag, Outcome
from tests.support.manifest import manifest
from tests.support.synthetic_run import Change, Samples, Spec, fail, write
from verdicts.judge.judge import judge
from verdicts.measure.limits import limit_error
from verdicts.measure.target import balancer_states, crash
from verdicts.points.point import PointResult
from verdicts.run.reading import Event, Run, load
from verdicts.run.samples import Samples as RunSamples

USER = [{"id": "account-0", "ip": "198.51.100.1", "tier": "starter", "group": "users"}]
ORIGIN = {"rate_window": 6.0, "rate_sync": 60.0, "tiers": {"starter": 6, "unlimited": -1}}
HITS = 'mcpist_rate_limit_hits_total{limit="rate-limit"}'
Events = Iterable[dict[str, Any]]


def lb(t: float, before: str, after: str) -> dict[str, Any]:
    return {"t": t, "kind": "state", "name": "lb", "detail": {"from": before, "to": after}}


SPLIT = (lb(10.0, "primary", "failing-over"), lb(10.0, "failing-over", "split"))


def shared(samples: Samples) -> Samples:
    """All admitted, by both origins in turn."""
    samples["instance"] = 1 + np.arange(len(samples)) % 2
    return samples


def alone(samples: Samples) -> Samples:
    """Origin A alone: the first 6 of every window."""
    fail(samples, np.arange(len(samples)) % 12 >= 6, "rate_limit_exceeded")
    return samples


def timed(change: Change) -> Change:
    """The changed calls, with the `Reset` that the origins' windows give them."""

    def both(samples: Samples) -> Samples:
        changed = change(samples)
        changed["reset"] = (np.floor((1764000000.0 + changed["sent"]) / 6.0) + 1) * 6.0
        return changed

    return both


def run_of(
    folder: Path,
    change: Change = shared,
    events: Events = (),
    hits: float = 0.0,
    scenario: str = "failover",
    **more: Any,
) -> Run:
    """60 s of 2 calls a second; `hits` is how fast the origins' counter of refusals rises, a second."""
    settings = {"origin": {**ORIGIN, **more}, "nano": {}}
    manifest = {"accounts": USER, "stack": {"settings": settings, "processes": {"edge": 11}}}
    run = write(
        folder / "run",
        Spec(scenario, 60.0, rate=2, accounts=1, chances={}, change=timed(change), manifest=manifest),
    )
    (run / "instances-local.jsonl").write_text('"origin-a-1f"\n"origin-b-2e"\n')
    with (run / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    with (run / "target.jsonl").open("a") as file:
        file.writelines(
            json.dumps({"t": t, "source": "origin-c", "up": True, "took_s": 0.0, "values": {HITS: hits * t}})
            + "\n"
            for t in range(61)
        )
    return load(run)


def point(run: Run, id: str) -> PointResult:
    return next(one for one in judge(run).points if one.id == id)


def test_two_origins_that_never_sync_admit_twice_the_limit(tmp_path: Path) -> None:
    run = run_of(tmp_path, events=SPLIT)
    found = point(run, "P3.1")
    assert (found.value, found.status, len(found.rows)) == (100.0, "pass", 10)
    assert "Over 8 windows split throughout: mean error 100.0 %" in found.evidence
    assert "origin-a 6.00, origin-b 6.00" in found.evidence
    assert found.rows[1]["state"] == "primary → split"


def test_one_origin_is_exact(tmp_path: Path) -> None:
    run = run_of(tmp_path, alone, scenario="failover-single")
    found = point(run, "P3.1")
    assert (found.value, found.status, found.rows[0]["refused"]) == (0.0, "pass", 6)
    assert "10 windows whole, none of them split" in found.evidence
    assert point(run, "P3.2").value == 0.0


def test_faults_that_split_no_window_show_no_error_of_a_split(tmp_path: Path) -> None:
    run = run_of(tmp_path, alone)
    for id in ("P3.1", "P3.2"):
        found = point(run, id)
        assert (found.value, found.status) == (None, "info")
        assert "no whole window in which two origins shared the load" in found.evidence


def test_more_than_two_origins_can_admit_fails(tmp_path: Path) -> None:
    def crowded(samples: Samples) -> Samples:
        samples["sent"][24:36] = samples["sent"][24]
        samples["sent"][36:42] = samples["sent"][24]
        samples["done"][24:42] = samples["sent"][24] + 0.01
        return shared(samples)

    found = point(run_of(tmp_path, crowded, SPLIT), "P3.1")
    assert found.value == 200.0
    assert found.status in ("fail", "invalid")  # the calls were sent late or early: no valid load


def test_a_user_without_a_limit_is_unseen(tmp_path: Path) -> None:
    run = run_of(tmp_path, tiers={"starter": 6})
    (account,) = run.manifest.accounts
    free = structs.replace(run.manifest, accounts=(structs.replace(account, tier="unlimited"),))
    run = replace(run, manifest=free)
    try:
        assert (point(run, "P3.1").status, point(run, "P3.2").value) == ("info", None)
    finally:
        USER[0]["tier"] = "starter"


def test_the_sync_interval_is_named_as_the_scenario_has_it(tmp_path: Path) -> None:
    found = point(run_of(tmp_path, events=SPLIT, rate_sync=60.0), "P3.2")
    assert (found.value, "sync every 600 s" in found.unit) == (100.0, True)
    assert "0.1 syncs a window" in found.evidence
    assert "0 of 8 windows stayed below" in found.evidence


def test_without_refusals_only_the_alert_on_the_state_fires(tmp_path: Path) -> None:
    found = point(run_of(tmp_path, events=SPLIT), "P3.3")
    assert (found.value, found.figures["seen"]) == ("no", 0)
    assert point(run_of(tmp_path / "again", events=SPLIT), "P3.3.state").value == 60.0
    assert [row["fired"] for row in found.rows] == ["no", "yes"]
    assert (found.rows[1]["at s"], found.rows[1]["uncompressed s"]) == (16.0, 60.0)


@pytest.mark.parametrize(("hits", "value"), [(1.0, "no"), (2.0, "yes")])
def test_the_operators_alert_fires_above_a_hundred_a_minute(tmp_path: Path, hits: float, value: str) -> None:
    assert point(run_of(tmp_path, alone, hits=hits), "P3.3").value == value


def test_a_split_that_heals_in_time_raises_no_alert(tmp_path: Path) -> None:
    back = (lb(15.0, "split", "recovering"), lb(15.5, "recovering", "primary"))
    run = run_of(tmp_path, events=(*SPLIT, *back))
    assert balancer_states.away(run) == [(10.0, 15.5)]
    assert (point(run, "P3.3").value, point(run, "P3.3.state").value) == ("no", None)


def test_calls_in_flight_at_a_kill_are_lost_or_not(tmp_path: Path) -> None:
    def dying(samples: Samples) -> Samples:
        samples["done"][40:48] = 24.5  # sent from 20 to 23.5 s, in flight at 24 s
        fail(samples, np.isin(np.arange(len(samples)), range(40, 43)), "origin_unavailable")
        samples["done"][40:43], samples["instance"][40:43] = 24.01, 0
        return samples

    detail = {"state": "begins", "target": "origin-a"}
    kill = {"t": 24.0, "kind": "fault", "name": "process-down", "detail": detail}
    run = run_of(tmp_path, dying, (kill,))
    (one,) = crash.all_of(run)
    assert (one.in_flight, one.lost, one.words) == (8, 3, "origin_unavailable 3")
    assert (one.doubled, point(run, "P3.1.crash-1").value) == (0.0, 3)
    assert limit_error.windows(run)[3].unknown == 3


def test_extra_calls_that_survive_a_kill_or_that_we_end_are_not_lost(tmp_path: Path) -> None:
    def dying(samples: Samples) -> Samples:
        samples["done"][40:48] = 24.5  # in flight at 24 s
        fail(samples, np.isin(np.arange(len(samples)), range(40, 43)), "origin_unavailable")
        samples["done"][40:43] = 24.01
        extra = samples[42:48].copy()  # a repeat that is lost too, three that are not, two streams
        extra["index"], extra["flags"] = -1, Flag.EXTRA
        extra["outcome"][4:] = Outcome.ABORTED
        samples["outcome"][47] = Outcome.ABORTED
        return np.concatenate([samples, extra])

    detail = {"state": "begins", "target": "origin-a"}
    kill = {"t": 24.0, "kind": "fault", "name": "process-down", "detail": detail}
    (one,) = crash.all_of(run_of(tmp_path, dying, (kill,)))
    assert (one.in_flight, one.lost, one.words) == (14, 5, "origin_unavailable 4, aborted 1")


@given(st.lists(st.sampled_from(["split", "primary", "failing-over"]), max_size=8))
def test_spans_cover_all_time_without_a_gap(states: list[str]) -> None:
    names = ["primary", *states]
    events = [lb(float(t), names[t], names[t + 1]) for t in range(len(states))]
    run = _bare(events)
    spans = balancer_states.spans(run)
    assert [span.state for span in spans] == names
    assert all(one.end == two.start for one, two in pairwise(spans))
    assert (spans[0].start, spans[-1].end) == (-np.inf, np.inf)


def _bare(events: list[dict[str, Any]]) -> Run:
    told = tuple(Event(one["t"], one["kind"], one["name"], one["detail"]) for one in events)
    return Run(
        Path(), manifest(), (), RunSamples(()), np.empty(0, np.int64), {}, {}, TargetLog({}), told, None
    )
