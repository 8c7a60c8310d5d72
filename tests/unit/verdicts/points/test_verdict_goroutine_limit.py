"""P0.3: what one run tells of the limit, a kill from both sides, and what innocent users got."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.load import load
from scenarios.overrides import Overrides
from tests.support.p0_runs import Scrape, asked, judged, mixed, refuse, result
from tests.support.synthetic_run import Samples

NANO = {
    "memory_limit": 256 * 2**20, "memory_base": 40 * 2**20, "goroutines_base": 20, "goroutines_per_call": 2,
    "stack_bytes": 8192, "buffer_bytes": 10240,
}  # fmt: skip
LIMIT = asked({"P0.3": "kills == 0, success >= 99 %, p95 <= 500 ms, added <= 500 ms"})
WITH_NANO = replace(
    LIMIT, manifest={**LIMIT.manifest, "stack": {"settings": {"nano": NANO}, "processes": {}}}
)


def lived(killed_at: float = float("inf"), back: float = 3.0) -> list[Scrape]:
    """An instance that fills by 200 goroutines a second and may be killed."""
    scrapes: list[Scrape] = []
    for t in np.arange(-1.0, 12.0):
        down = killed_at <= t < killed_at + back
        goroutines = 0.0 if down else 20.0 if t > killed_at else 20 + 200 * max(float(t), 0.0)
        memory = 0.0 if down else 40 * 2**20 + goroutines * 18432
        values = {"mcpist_goroutines": goroutines, "mcpist_memory_bytes": memory}
        if t >= killed_at:  # a counter with labels is not there before its first count
            values['mcpist_nano_kills_total{limit="memory"}'] = 1.0
        scrapes.append((float(t), "origin-a", values))
    return scrapes


def state(t: float, name: str, **detail: str) -> dict[str, Any]:
    return {"t": t, "kind": "state", "name": name, "detail": detail}


KILLED = state(4.9, "nano", origin="origin-a", to="killed", limit="memory")
BACK = state(8.0, "nano", origin="origin-a", to="running")
MOVED = state(7.0, "lb", **{"from": "primary", "to": "failing-over"})


def test_a_run_without_a_kill_says_at_least(tmp_path: Path) -> None:
    found = judged(tmp_path, WITH_NANO, lived())
    one = result(found, "P0.3")
    assert (one.value, one.basis, one.status) == (2220, "modelled", "pass")
    assert "at least" in one.unit
    assert "12,288 goroutines, 6,134 calls" in one.evidence
    assert all(one.id != "P0.3.kills" for one in found.points)


def test_a_kill_from_both_sides(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        refuse(mixed(samples), 1, 4.0, 7.0, "origin_unavailable")
        return samples

    found = judged(tmp_path, replace(WITH_NANO, change=change), lived(killed_at=5.0), (KILLED, MOVED, BACK))
    assert (result(found, "P0.3").value, result(found, "P0.3").status) == (820, "fail")
    kill = result(found, "P0.3.kills")
    assert kill.basis == "measured"
    assert kill.value == 12
    assert kill.rows == (
        {
            "instance": "origin-a", "killed at s": 4.9,
            "goroutines at the scrape before": 820, "back at s": 8.0,
        },
    )  # fmt: skip
    assert "origin_unavailable 12" in kill.evidence
    assert "primary to failing-over at 7.0 s" in kill.evidence
    assert result(found, "P0.3.innocents").status == "fail"


def test_what_never_came_back_says_so(tmp_path: Path) -> None:
    found = judged(tmp_path, WITH_NANO, lived(killed_at=5.0, back=100.0), (KILLED,))
    assert result(found, "P0.3.kills").rows[0]["back at s"] is None


def test_a_stack_that_told_no_events(tmp_path: Path) -> None:
    kill = result(judged(tmp_path, WITH_NANO, lived(killed_at=5.0)), "P0.3.kills")
    assert (kill.value, kill.rows) == (0, ())
    assert "did not change its state" in kill.evidence


def test_only_judged_users_are_innocent(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        mixed(samples)
        samples["group"] = samples["tool"] == 1
        refuse(samples, 1, 0.0, 10.0, "global_concurrency_exceeded")
        return samples

    base = load("burst", Overrides.read({"accounts": 5, "rate": 1.2})).dump()["groups"][0]
    groups = [{**base, "name": "innocent"}, {**base, "name": "spammers", "attack": True, "judge": False}]
    spec = replace(LIMIT, change=change, manifest={**LIMIT.manifest, "groups": ["innocent", "spammers"]})
    spec = replace(spec, scenario_data={**spec.scenario_data, "groups": groups})
    one = result(judged(tmp_path, spec), "P0.3.innocents")
    assert (one.value, one.status) == (100.0, "pass")
    assert [row["tool"] for row in one.rows] == ["fast.echo", "jira.get_issue"]


@pytest.mark.parametrize("refused", [0.5, 1.0])
def test_refused_innocents_count_against_it(tmp_path: Path, refused: float) -> None:
    def change(samples: Samples) -> Samples:
        refuse(mixed(samples), 0, 0.0, 10.0 * refused, "global_concurrency_exceeded")
        return samples

    one = result(judged(tmp_path, replace(LIMIT, change=change)), "P0.3.innocents")
    assert one.status == "fail"
    assert one.value == pytest.approx(100 * (1 - refused), abs=1)


def test_slow_tools_are_judged_by_what_the_gateway_adds(tmp_path: Path) -> None:
    one = result(judged(tmp_path, LIMIT), "P0.3.innocents")
    assert one.status == "pass"
    added = [row["p95 added ms"] for row in one.rows]
    assert added == [pytest.approx(5, abs=5)] * 3
    whole = one.rows[1]["p95 ms"]
    assert isinstance(whole, float)
    assert whole > 2000
