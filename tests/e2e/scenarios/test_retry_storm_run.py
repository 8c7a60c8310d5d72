"""Retry storms: a recorder of its own counts the attempts of each intent; a stack is kept down by them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from telemetry.recording.sample import Flag, of_intent
from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import recorder
from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ACCOUNTS = 60  # one intent each


def test_a_recorder_counts_as_many_attempts_of_each_intent_as_the_ledger(tmp_path: Path) -> None:
    options = {"preset": "naive", "give_up": 0.4, "deadline": 3, "retries": 4}
    keys = {"persona": {"name": "agent", "options": options}, "drain": 4}
    plan = Plan(accounts=ACCOUNTS, rate=0.25, seconds=4.0, scenario_keys=keys)
    with (
        recorder(20.0) as server,
        attack(plan, server.base_url, tmp_path, warm=True) as running,
    ):  # nobody waits that long
        run = running.wait()
        seen = server.recording().only("tools/call")
    told = run.arrivals
    assert told["planned"] == told["sent"] == ACCOUNTS
    assert len(seen.rows) == told["sent"] + told["retries"]
    by_account = Counter(seen.tokens[code] for code in seen.rows["token"])
    assert set(by_account.values()) == {5}
    samples = run.samples
    owners = {int(one["index"]): int(one["account"]) for one in samples if one["index"] >= 0}
    again = samples[samples["flags"] & Flag.RETRY != 0]
    attempts = Counter(owners[of_intent(int(index))] for index in again["index"])
    assert attempts == dict.fromkeys(range(ACCOUNTS), 4)


def test_a_short_storm_keeps_the_stack_down(tmp_path: Path) -> None:
    run = ShortRun(
        tmp_path,
        "retry-storm",
        duration="18s",
        drain="3s",
        persona={"name": "agent", "options": {"give_up": 1, "deadline": 3}},
        faults=[{"at": "3s", "for": "6s", "fault": "upstream-stall"}],
        thresholds={"S2": "seconds <= 1 s"},
    )
    assert run.status("S2") in ("fail", "invalid")  # invalid: this machine had no CPU for the edge
    assert run.figures("S2")["before"] > 0.9
    assert run.figures("S1")["worst"] > 2
    assert run.figures("S4")["queue"] > 1
    assert run.found["arrivals"]["retries"] > run.found["arrivals"]["sent"]
