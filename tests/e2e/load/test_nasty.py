"""Whole runs against a server that breaks HTTP: every ledger balances and says what that server did."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.recorder import breaking, framing, meaning
from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.certificates import Chain, make
from tests.support.recorder.exchange import BEHAVIOURS
from tests.support.recorder.handle import nasty

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MODULES: Final = (breaking, framing, meaning)
TIMEOUT: Final = 2.0


def run_against(
    folder: Path, plan: Plan, on_connect: str | None = None, chain: Chain | None = None
) -> tuple[Run, Any]:
    """A whole run, and what the server counted."""
    with nasty(on_connect, chain) as server, attack(plan, server.base_url, folder, warm=True) as running:
        run = running.wait()
        assert running.exit_code in (0, 1, 3), running.console
        assert not running.left_over()
        told = server.stats()
    run.check_ledger()
    assert run.arrivals["planned"] == plan.per_second * plan.seconds
    assert "Traceback" not in run.log + running.console
    return run, told


def test_all_misbehaviours_in_turn(tmp_path: Path) -> None:
    """Each reason is counted at least as often as only it fits, and at most as often as it may fit."""
    plan = Plan(accounts=20, rate=2, seconds=8, timeout=TIMEOUT, path="/mix")
    run, told = run_against(tmp_path, plan)
    received, outcomes = told["received"], run.outcomes()
    missed = run.arrivals["sent"] + run.arrivals["extra"] - sum(received.values())
    least, most = bounds(received)
    assert 0 <= missed <= sum(received.get(b.name, 0) for b in BEHAVIOURS.values() if b.races)
    assert told["elsewhere"] == 0
    for reason in set(outcomes) | set(least):
        if reason != "dropped":
            spare = missed if reason == "reset" else 0
            assert least[reason] <= outcomes[reason] <= most[reason] + spare, reason
    assert set(received) == set(BEHAVIOURS), "not every behaviour had its turn"
    ids = [one for of in told["ids"].values() for one in of]
    assert len(set(ids)) == len(ids), "a request was sent twice"


def bounds(received: dict[str, int]) -> tuple[Counter[str], Counter[str]]:
    """How often each outcome must, and may, be reported for what the server received."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for name, count in received.items():
        allowed = BEHAVIOURS[name].allowed
        for reason in allowed:
            most[reason] += count
        if len(allowed) == 1:
            least[next(iter(allowed))] += count
    return least, most


@pytest.mark.parametrize("name", ["odd-values", "rpc-odd-error"])
def test_values_that_fit_no_sample(tmp_path: Path, name: str) -> None:
    """Each variant of the behaviour at least once, through the sample file to the verdict."""
    plan = Plan(accounts=10, rate=2, seconds=1, timeout=TIMEOUT, path=f"/{name}")
    run, told = run_against(tmp_path, plan)
    assert told["received"] == {name: run.arrivals["sent"]}
    assert set(run.outcomes()) <= BEHAVIOURS[name].allowed


@pytest.mark.parametrize(
    ("on_connect", "allowed"),
    [("accept-then-reset", {"reset", "connect"}), ("never-read", {"timeout"})],
)
def test_a_server_that_reads_nothing(tmp_path: Path, on_connect: str, allowed: set[str]) -> None:
    plan = Plan(accounts=4, rate=1, seconds=2, timeout=TIMEOUT, text="x" * 900_000)
    run, told = run_against(tmp_path, plan, on_connect)
    assert not told["received"]
    assert set(run.outcomes()) <= allowed | {"dropped"}
    assert told["accepted"] >= run.arrivals["sent"]
    assert run.arrivals["failed"] == run.arrivals["sent"]


def test_certificates_are_checked_by_default(tmp_path: Path) -> None:
    """A self-signed authority is not trusted unless the target file names it."""
    plan = Plan(accounts=5, rate=2, seconds=2, timeout=TIMEOUT, path="/good")
    run, told = run_against(tmp_path, plan, chain=make(tmp_path, "good"))
    assert not told["received"]
    assert set(run.outcomes()) == {"connect"}
