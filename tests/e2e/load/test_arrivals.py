"""The attack that was planned is the attack that arrives: an independent server says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from telemetry.recording.sample import Outcome
from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.handle import recorder
from tests.support.recorder.record import ANSWERED, Recording

pytestmark = pytest.mark.e2e

DELAY: Final = 3.0
PLAN: Final = Plan(accounts=100, rate=3, seconds=8)
SLACK: Final = 0.10  # of a second's arrivals: what the recorder itself may lag by on a busy machine


@dataclass(frozen=True)
class Seen:
    """One run, as its own folder and as the recorder tell it."""

    run: Run
    exit_code: int | None
    recording: Recording

    @property
    def arrived(self) -> NDArray[np.float64]:
        """When scheduled calls arrived, seconds since the schedule's zero, in order."""
        return np.asarray(np.sort(self.recording.only("tools/call").rows["arrived"]) - self.run.start)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder: Path = tmp_path_factory.mktemp("arrivals")
    with recorder(DELAY) as server, attack(PLAN, server.base_url, folder) as running:
        run = running.wait()
        assert not running.left_over()
        yield Seen(run, running.exit_code, server.recording())


def test_the_ledger_balances_and_equals_the_servers_count(seen: Seen) -> None:
    seen.run.check_ledger()
    arrivals = seen.run.arrivals
    assert (arrivals["planned"], arrivals["unknown"]) == (PLAN.per_second * PLAN.seconds, 0)
    assert len(seen.recording.rows) == arrivals["sent"] + arrivals["extra"]
    assert len(seen.arrived) == arrivals["sent"]


def test_every_answer_was_counted(seen: Seen) -> None:
    answered = (seen.recording.only("tools/call").rows["end"] == ANSWERED).sum()
    assert answered == seen.run.arrivals["ok"]
    assert seen.run.arrivals["failed"] == 0


def test_a_run_is_valid_but_for_what_its_own_ledger_says(seen: Seen) -> None:
    arrivals = seen.run.arrivals
    starved = (
        arrivals["dropped"] > 0.001 * arrivals["planned"] or arrivals["late"] > 0.01 * arrivals["planned"]
    )
    assert seen.exit_code == (3 if starved else 0)
    assert (seen.run.verdicts["verdict"] == "invalid") == starved


def test_arrivals_follow_the_schedule(seen: Seen) -> None:
    """At the end of each second, what was due has arrived, but for what the ledger calls late or dropped."""
    arrivals = seen.run.arrivals
    allowed = PLAN.per_second * SLACK + arrivals["late"] + arrivals["dropped"]
    for second in range(1, int(PLAN.seconds) + 1):
        count = int(np.searchsorted(seen.arrived, second))
        assert abs(count - PLAN.per_second * second) <= allowed, second


def test_no_call_arrives_before_it_was_planned_and_sent(seen: Seen) -> None:
    sent = np.sort(seen.run.planned["sent"][seen.run.planned["outcome"] != Outcome.DROPPED])
    assert (seen.arrived >= sent - 0.001).all()
    assert np.median(seen.arrived - sent) < 0.05


def test_calls_pile_up_instead_of_waiting_for_each_other(seen: Seen) -> None:
    """Rate × answer time are in flight: an open model."""
    rows = seen.recording.only("tools/call").rows
    at = rows["arrived"] - seen.run.start
    steady = rows["in_flight"][(at > DELAY + 1) & (at < PLAN.seconds)]
    wished = PLAN.per_second * DELAY
    assert np.median(steady) > 0.9 * wished - seen.run.arrivals["dropped"]
    assert abs(seen.run.verdicts["peak_in_flight"] - int(rows["in_flight"].max())) <= 0.1 * wished


def test_accounts_share_the_load_equally(seen: Seen) -> None:
    """As many calls for each account, but for dropped arrivals, and each with its own token and address."""
    recording, planned = seen.recording.only("tools/call"), seen.run.planned
    rows = recording.rows
    names = [account["id"] for account in seen.run.manifest["accounts"]]
    dropped = planned["account"][planned["outcome"] == Outcome.DROPPED]
    missing = np.bincount(dropped, minlength=len(names))
    each = round(PLAN.rate * PLAN.seconds)
    got = dict(
        zip(recording.tokens, np.bincount(rows["token"], minlength=len(recording.tokens)), strict=True)
    )
    assert got == {name: each - lost for name, lost in zip(names, missing, strict=True)}
    pairs = {(recording.tokens[token], recording.ips[ip]) for token, ip in rows[["token", "ip"]].tolist()}
    assert pairs == {(account["id"], account["ip"]) for account in seen.run.manifest["accounts"]}
    assert len({ip for _, ip in pairs}) == PLAN.accounts
