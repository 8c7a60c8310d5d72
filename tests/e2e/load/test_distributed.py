"""One attack by many workers is the attack of one process; whoever dies, the ledger stays true."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.launch.local_workers import free_port
from telemetry.recording.sample import REASONS, Outcome
from tests.support.recorder.attack import Attack, Plan, Run, attack
from tests.support.recorder.handle import Recorder, recorder
from tests.support.recorder.record import ANSWERED, Recording
from tests.support.workers_rig import master, processes, worker
from users.cluster.performer import LEASE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEVEN: Final = 7
PLAN: Final = Plan(accounts=101, rate=1, seconds=6)
BEHIND: Final = 0.05  # seconds
SLOW: Final = 3.0  # seconds an answer takes: of such a run stock Locust reported 0 of 40


@dataclass(frozen=True)
class Seen:
    """One run, as its own folder and as its recorder tell it."""

    run: Run
    exit_code: int | None
    recording: Recording

    @property
    def calls(self) -> NDArray[np.void]:
        return self.recording.only("tools/call").rows

    @property
    def per_account(self) -> dict[str, int]:
        codes = self.calls["token"]
        return {name: int((codes == code).sum()) for code, name in enumerate(self.recording.tokens)}

    @property
    def behind(self) -> NDArray[np.float64]:
        """How long after the schedule's instant each call arrived: the k-th with the k-th."""
        planned = np.arange(len(self.calls)) / PLAN.per_second
        return np.asarray(np.sort(self.calls["arrived"]) - self.run.start - planned)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seen, Seen]:
    """The same attack by one process and by seven workers, which were there before their master."""
    single, many = tmp_path_factory.mktemp("single"), tmp_path_factory.mktemp("seven")
    port = free_port()
    with processes(many, [worker(port)] * SEVEN) as workers:
        for one in workers:
            one.says("Starting Locust")
        with recorder(SLOW) as first, attack(PLAN, first.base_url, single) as alone:
            together = seen(many, *master(port, SEVEN))
            return seen_by(first, alone), together


def seen(folder: Path, *more: str) -> Seen:
    with recorder(SLOW) as server, attack(PLAN, server.base_url, folder, more=more) as running:
        return seen_by(server, running)


def seen_by(server: Recorder, running: Attack) -> Seen:
    run = running.wait()
    assert not running.left_over()
    return Seen(run, running.exit_code, server.recording())


def test_seven_workers_send_what_one_process_sends(both: tuple[Seen, Seen]) -> None:
    one, seven = both
    for each in both:  # a machine without CPU to spare makes calls late, and the run says so
        assert all("late" in reason for reason in each.run.verdicts["invalid_because"])
        assert each.exit_code == (3 if each.run.verdicts["invalid_because"] else 0)
    assert seven.run.manifest["workers"] == SEVEN
    assert len(list(seven.run.folder.glob("samples-*.bin"))) == SEVEN
    assert one.run.manifest["accounts"] == seven.run.manifest["accounts"]
    assert one.per_account == seven.per_account
    assert set(seven.per_account.values()) == {round(PLAN.rate * PLAN.seconds)}
    assert len(seven.per_account) == PLAN.accounts


def test_the_sum_of_the_ledgers_is_the_servers_count(both: tuple[Seen, Seen]) -> None:
    for each in both:
        each.run.check_ledger()
        arrivals = each.run.arrivals
        assert len(each.recording.rows) == arrivals["sent"] + arrivals["extra"]
        assert len(each.calls) == arrivals["sent"] == PLAN.per_second * PLAN.seconds


def test_the_end_of_a_run_waits_for_every_slow_answer(both: tuple[Seen, Seen]) -> None:
    for each in both:
        assert (each.calls["end"] == ANSWERED).sum() == each.run.arrivals["ok"] == len(each.calls)


def test_their_arrivals_keep_to_the_one_schedule(both: tuple[Seen, Seen]) -> None:
    """A hundredth may arrive 50 ms behind; more only where the run itself, or the single one, says late."""
    one, seven = ((each.behind > BEHIND).sum() for each in both)
    print(f"99 % within {[round(1000 * np.quantile(each.behind, 0.99), 1) for each in both]} ms")
    assert seven <= 0.01 * PLAN.per_second * PLAN.seconds + one + both[1].run.arrivals["late"]
    assert min(each.behind.min() for each in both) > -0.005  # clocks of workers are corrected


LOSSES: Final = Plan(accounts=60, rate=2, seconds=16)


def test_whoever_is_lost_the_gap_is_counted_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    """One worker is killed, one is frozen and comes back, one is told to end; the fourth goes on."""
    port = free_port()
    with (
        recorder(0.1) as server,
        attack(LOSSES, server.base_url, tmp_path, more=master(port, 4)) as running,
        processes(tmp_path, [worker(port)] * 4) as workers,
    ):
        running.wait_until(3.0)
        workers[0].signal(signal.SIGKILL)
        workers[1].signal(signal.SIGSTOP)
        workers[2].signal(signal.SIGTERM)
        running.wait_until(11.0)
        workers[1].signal(signal.SIGCONT)
        run = running.wait()
        recording = server.recording()
    run.check_ledger()
    arrivals = run.arrivals
    assert (running.exit_code, run.verdicts["verdict"]) == (3, "invalid")
    assert len(run.verdicts["workers_lost"]) == 3
    assert "was lost" in " ".join(run.verdicts["invalid_because"])
    assert arrivals["planned"] == LOSSES.per_second * LOSSES.seconds
    known = arrivals["sent"] + arrivals["extra"]
    assert known <= len(recording.rows) <= known + arrivals["unknown"]
    assert arrivals["unknown"] <= 2 * LOSSES.per_second / 4 * (LEASE + 2)  # what was not heard of two workers
    unsent = [REASONS[reason] for reason in run.planned["reason"][run.planned["outcome"] == Outcome.DROPPED]]
    assert unsent.count("worker_lost") > 0
    check_nothing_twice(run, recording)
    check_the_rest_goes_on(run, recording)
    assert "nothing was heard of the master" in workers[1].console
    assert "told to end" in workers[2].console


def check_nothing_twice(run: Run, recording: Recording) -> None:
    """No account called more often than the schedule says; by the samples no arrival has two."""
    calls = recording.only("tools/call").rows
    counts = np.bincount(calls["token"], minlength=len(recording.tokens))
    assert counts.max() <= LOSSES.rate * LOSSES.seconds


def check_the_rest_goes_on(run: Run, recording: Recording) -> None:
    """In the last seconds one worker sends for all accounts."""
    calls = recording.only("tools/call").rows
    last = calls[calls["arrived"] - run.start > LOSSES.seconds - 3]
    assert len(np.unique(last["token"])) == LOSSES.accounts
    assert abs(len(last) - 3 * LOSSES.per_second) <= 0.1 * LOSSES.per_second + run.arrivals["late"]


def test_workers_fall_silent_when_their_master_is_killed(tmp_path: Path) -> None:
    plan, port = Plan(accounts=20, rate=2, seconds=30), str(free_port())
    with recorder(0.1) as server:
        target = str(plan.target(tmp_path, server.base_url))
        attacking = ["bin/attack", str(plan.scenario(tmp_path)), "--target", target]
        attacking += ["--out", str(tmp_path / "run"), "--master", "--workers", "2", "--port", port]
        working = ["bin/worker", "127.0.0.1", "--port", port]
        with (
            processes(tmp_path, [working] * 2) as workers,
            processes(tmp_path, [attacking], "master") as (leader,),
        ):
            leader.says("planned")
            while server.stats()["received"] < plan.per_second:
                time.sleep(0.1)
            killed = leader.signal(signal.SIGKILL)
            for one in workers:
                assert "waiting for the master" in one.console
                one.says("nothing was heard of the master")
            arrived = server.recording().rows["arrived"]
    assert killed < arrived.max() < killed + 5


def test_a_run_whose_workers_do_not_come_could_not_start(tmp_path: Path) -> None:
    more = (*master(free_port(), 2), "--expect-workers-max-wait", "1")
    with recorder(0.0) as server, attack(PLAN, server.base_url, tmp_path, more=more) as running:
        running.wait()
        assert running.exit_code == 3
        assert "0 of 2 workers came within 1 s" in running.console
        assert server.stats()["received"] == 0
