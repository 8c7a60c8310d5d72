"""Locust's door to the suite: the same run, the same verdict files, however Locust is started.

`make headless`, `bin/attack`, plain `locust -f locustfile.py` headless or with its web UI, master and
worker all come through here. Locust leads; a run is one `run.attack.Attack`:

    test_start  → an attack runs in a greenlet of its own: stack, probes, workers, load, verdict
    its end     → Locust's exit code is the verdict's; the runner quits (headless) or stops (web UI)
    Ctrl-C, SIGTERM, the web UI's button → all load ends at once, and the report is still whole
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from shutil import disk_usage
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import LoadTestShape, User, events, task
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import exit_codes
from common.paths import RESULTS
from run import active_runs, wait_for_workers
from run.attack import Attack
from run.folders import check_out, new_dir
from run.options import add_arguments, check_host
from run.request import CheckedRun, RunRequest
from run.workers.worker_job import build_job, claim_priority
from shapes.locust_shape import tick
from users.cluster.conductor import EVERY_ONE_LOST
from users.cluster.performer import LEASE, Performer
from users.cluster.wire import LocalWire, MasterWire, Wire, listen
from webui.access import VARIABLE
from webui.install import install

REPORT_TIMEOUT: Final = 90.0  # seconds that a stopped run may take to write its report
STATS_BYTES: Final = 2**20  # free on the disk, for Locust's own figures
# When a worker comes or goes Locust waits a second for all users, and hears no worker meanwhile.
os.environ.setdefault("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "0")
log = logging.getLogger("resilience")


class IdleUser(User):
    """An account of the run. It idles: the dispatcher deals its arrivals to its persona."""

    @task
    def idle(self) -> None:
        """Wait until Locust ends the user."""
        Event().wait()


class AllAccounts(LoadTestShape):
    """Locust's view of the run: all accounts, from the first second to the last."""

    accounts = 1

    def tick(self) -> tuple[int, float]:
        """Always the same: the attack ends the run, never the shape."""
        return tick(self.accounts)


class Leader:
    """Master or single process: starts an attack when Locust starts, ends it when Locust is told to end."""

    def __init__(self, environment: Any, checked: CheckedRun | None) -> None:
        """`checked`: the one run of a headless process; with the web UI each start reads its own."""
        self._environment = environment
        self._checked = checked
        self.attack: Attack | None = None  # the run of now, or the last one
        self.results = Path(environment.parsed_options.out or RESULTS)  # with the web UI: where runs go
        self._wire = self._make_wire()
        environment.events.test_start.add_listener(self._on_test_start)
        environment.events.test_stopping.add_listener(lambda **_: self._end(self._why_stopped()))
        environment.events.quitting.add_listener(lambda **_: self._end("Locust quits"))
        environment.events.quit.add_listener(lambda **_: self._say_verdict())
        for number in (signal.SIGINT, signal.SIGTERM):  # a headless Locust would not hear SIGTERM
            gevent.signal_handler(number, self._on_signal, number.name)
        gevent.signal_handler(active_runs.SIGNAL, self._on_wish)

    @property
    def _headless(self) -> bool:
        return bool(self._environment.parsed_options.headless)

    def busy(self) -> str:
        """Why no run can start now, as one line; "" when one can."""
        runner, attack = self._environment.runner, self.attack
        if runner.shape_greenlet is not None or (attack is not None and not attack.done.is_set()):
            return "a run is under way, allowed: Stop it, or wait for its verdict"
        if isinstance(runner, MasterRunner) and not self._wire.nodes():
            return "no worker is connected, allowed: start when at least one is"
        return ""

    def _why_stopped(self) -> str:
        return "stopped in Locust" if self._wire.nodes() else EVERY_ONE_LOST

    def _make_wire(self) -> Wire:
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            wire = MasterWire(runner)
            wire.greet = lambda node: wait_for_workers.tell_if_late(wire, self.attack, node)
            return wire
        stats = self._environment.stats
        return LocalWire(
            lambda reply: Performer(reply, lambda data: build_job(stats, data), begin=claim_priority)
        )

    def _on_test_start(self, **_: Any) -> None:
        options = self._environment.parsed_options
        try:
            run = self._checked or RunRequest.of(options).read()
            attack = self.attack = Attack(self._wire, run)
        except ValueError as error:
            log.error("%s", error)
            self._leave(exit_codes.USAGE)
            return
        AllAccounts.accounts = run.accounts
        if self._headless:  # Locust's own figures go to a file, its tables not to the terminal
            options.json_file = str(attack.dir / "locust")
        else:
            attack.dir = new_dir(self.results, attack.scenario.name)
        gevent.spawn(self._run, attack)

    def _run(self, attack: Attack) -> None:
        attack.run()
        if not attack.dir.is_dir() or disk_usage(attack.dir).free < STATS_BYTES:
            self._environment.parsed_options.json_file = None  # nowhere to write it
        if not self._headless:
            self._say_verdict()
        self._leave(attack.exit_code)

    def _leave(self, exit_code: int) -> None:
        self._environment.process_exit_code = exit_code
        runner = self._environment.runner
        gevent.spawn(runner.quit if self._headless else runner.stop)

    def _end(self, reason: str) -> None:
        """Stop the attack that runs, if one does, and wait for its report."""
        attack = self.attack
        if attack is not None and not attack.done.is_set():
            attack.stop(reason)
            attack.done.wait(REPORT_TIMEOUT)
            self._environment.process_exit_code = attack.exit_code

    def _on_signal(self, name: str) -> None:
        self._end(name)
        if not self._headless and name == "SIGINT":
            os.kill(os.getpid(), signal.SIGTERM)  # Locust's own handler ends the web UI

    def _on_wish(self) -> None:
        """`make stop`: the run under way ends as if it had come to its end."""
        if self.attack is not None:
            self.attack.stop(active_runs.REASON)

    def _say_verdict(self) -> None:
        """The last thing that a run prints."""
        if self.attack is not None:
            sys.stdout.write(self.attack.summary)
            sys.stdout.flush()


def become_worker(environment: Any) -> None:
    """Answer the conductor; end all load when Locust is told to end."""
    environment.process_exit_code = 0  # calls that failed are the master's to judge
    runner = environment.runner
    performer = Performer(
        runner.send_message,
        lambda data: build_job(environment.stats, data),
        begin=claim_priority,
        lease=LEASE,
    )
    listen(runner, performer)
    environment.events.test_stopping.add_listener(lambda **_: performer.stop())
    environment.events.quitting.add_listener(lambda **_: performer.leave("it is told to end"))


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _on_parser(parser: Any) -> None:
    add_arguments(parser)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _on_init(environment: Any, web_ui: Any = None, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        become_worker(environment)
        return
    options = environment.parsed_options
    options.only_summary = True
    checked = None
    if options.headless:
        try:
            checked = RunRequest.of(options).read()
            check_host(options.host, checked.target)
            if options.out:
                check_out(options.out)
            AllAccounts.accounts = checked.accounts
        except ValueError as error:  # bad input: one line, exit 2, before anything starts
            sys.stderr.write(f"{error}\n")
            raise SystemExit(exit_codes.USAGE) from None
    leader = Leader(environment, checked)
    if isinstance(environment.runner, MasterRunner):
        wait_for_workers.warn_if_open(options.master_bind_host, environment.runner.server.port)
        if options.headless:
            wait_for_workers.give_up_on_missing(environment.runner, options, gevent.getcurrent())
    if web_ui is not None:
        try:
            install(web_ui, options, leader, leader.results, os.environ.get(VARIABLE, ""))
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(exit_codes.USAGE) from None
