"""Master and target on one machine, two workers on another; the link between them: whole, cut, cut for good.

What the simulated cluster (tests/simulation) holds for made networks is held here for a kernel's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest

from tests.support.recorder.attack import Plan, Run
from tests.support.recorder.handle import Recorder
from tests.support.two_machines import HERE, TwoMachines, two_machines
from tests.support.workers_rig import Process, processes
from users.cluster.performer import LEASE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PORT: Final = "5557"  # each pair of machines has its own
OWN: Final = {"i_own_this_host": HERE, "max_rps": 400, "max_duration": "60s"}
PLAN: Final = Plan(accounts=50, rate=5, seconds=14, timeout=5, target_keys=OWN)
CUT_AT: Final = 3.0
CUT_FOR: Final = 6.0
ENDS_WITHIN: Final = 60.0


@pytest.fixture
def pair() -> Iterator[TwoMachines]:
    with two_machines() as made:
        yield made


class Led(NamedTuple):
    """A run that two workers of the other machine make."""

    leader: Process
    workers: list[Process]
    server: Recorder
    run: Run


@contextmanager
def led(pair: TwoMachines, folder: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Iterator[Led]:
    monkeypatch.setenv("RESILIENCE_SECRET", "a secret of two machines")
    record = folder / "record"
    record.mkdir()
    with ExitStack() as stack:
        server = Recorder(record, 0.1, host=HERE, within=pair.here)
        stack.callback(server.stop)
        target = str(plan.target(folder, f"http://{HERE}:{server.port}"))
        attack = ["bin/attack", str(plan.scenario(folder)), "--target", target, "--out", str(folder / "run")]
        attack += ["--master", "--workers", "2", "--bind", HERE, "--port", PORT]
        work = [*pair.there, "bin/worker", HERE, "--port", PORT]
        workers = stack.enter_context(processes(folder, [work] * 2))
        (leader,) = stack.enter_context(processes(folder, [[*pair.here, *attack]], "master"))
        yield Led(leader, workers, server, Run(folder / "run"))


def until(run: Run, leader: Process, t: float) -> None:
    """Sleep until `t` seconds after the schedule's zero."""
    leader.says("planned")
    time.sleep(max(0.0, run.start + t - time.monotonic()))


def calls_of(seen: Led, plan: Plan) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Of a run that is over: the recorder's calls, none of which came oftener than its account is planned."""
    recording = seen.server.recording()
    calls = recording.only("tools/call").rows
    counts = np.bincount(calls["token"], minlength=len(recording.tokens))
    assert counts.max() <= plan.rate * plan.seconds
    return calls


def test_a_whole_link_carries_all_of_it(
    pair: TwoMachines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(accounts=50, rate=5, seconds=5, timeout=5, target_keys=OWN)
    with led(pair, tmp_path, plan, monkeypatch) as seen:
        code = seen.leader.process.wait(ENDS_WITHIN)
        calls = calls_of(seen, plan)
    arrivals = seen.run.arrivals
    assert arrivals["planned"] == arrivals["sent"] == arrivals["ok"] == len(calls) == 1_250
    late_alone = all("late" in reason for reason in seen.run.verdicts["invalid_because"])
    assert late_alone
    assert code == (3 if seen.run.verdicts["invalid_because"] else 0)
    seen.run.check_ledger()


@pytest.mark.parametrize("mended", [True, False], ids=["six-seconds", "for-good"])
def test_what_a_cut_link_hides_is_counted_and_nothing_is_sent_twice(
    pair: TwoMachines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mended: bool
) -> None:
    with led(pair, tmp_path, PLAN, monkeypatch) as seen:
        until(seen.run, seen.leader, CUT_AT)
        cut = pair.cut()
        if mended:
            time.sleep(max(0.0, cut + CUT_FOR - time.monotonic()))
            pair.mend()
        code = seen.leader.process.wait(ENDS_WITHIN)
        for worker in seen.workers:
            worker.says("nothing was heard of the master")
        calls = calls_of(seen, PLAN)
    run, arrivals = seen.run, seen.run.arrivals
    assert (code, run.verdicts["verdict"]) == (3, "invalid")
    run.check_ledger()
    assert run.verdicts["stop_reason"] == "every worker was lost"
    assert run.verdicts["starved"] == ""  # nobody's CPU was at fault
    due = PLAN.per_second * run.verdicts["duration_s"]
    assert abs(arrivals["planned"] - due) <= PLAN.rate * PLAN.accounts / 50
    assert len(calls) <= arrivals["sent"] + arrivals["unknown"]
    assert CUT_AT * PLAN.per_second * 0.9 <= len(calls)
    assert arrivals["unknown"] <= PLAN.per_second * (LEASE + 2)
    assert not mended or calls["arrived"].max() <= cut + CUT_FOR + PLAN.timeout + 1
    assert mended or calls["arrived"].max() <= cut + 0.5
