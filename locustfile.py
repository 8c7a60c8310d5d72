"""Locust's door to the suite: the same run, the same verdict files, however Locust is started.

`make headless`, `bin/attack`, plain `locust -f locustfile.py` headless or with its web UI, master and
worker all come through here. Locust leads; a run is one `run.attack.Attack`:

    test_start  → an attack runs in a greenlet of its own: stack, probes, workers, load, verdict
    its end     → Locust's exit code is the verdict's; the runner quits (headless) or stops (web UI)
    whoever asks for the end (`common.ending`) → all load ends at once, and the report is still whole
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

from common import ending

ending.end_in_one_line(alone=True)  # amid the imports, too, until there is somebody to hear it

from common import exit_codes
from common.errors import failure
from common.paths import RESULTS
from run import active_runs, target_tools, wait_for_workers  # noqa: F401 - as `preflight`
from run.attack import Attack
from run.checks import preflight  # noqa: F401 - read now, not when a form is checked while load is sent
from run.folders import make_dir
from run.options import add_arguments, check_host, check_stock
from run.request import CheckedRun, RunRequest
from run.workers import sealed_wire, wire_secret
from run.workers.priority import claim_priority
from run.workers.worker_job import build_job
from shapes.locust_shape import tick
from telemetry.run_folder import verdict_file
from users.cluster.conductor import EVERY_ONE_LOST
from users.cluster.performer import LEASE, Performer
from users.cluster.wire import LocalWire, MasterWire, Wire, listen

REPORT_TIMEOUT: Final = 90.0  # seconds that a stopped run may take to write its report
STATS_BYTES: Final = 2**20  # free on the disk, for Locust's own figures
# When a worker comes or goes Locust waits a second for all users, and hears no worker meanwhile.
os.environ.setdefault("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "0")
log = logging.getLogger("resilience")
try:
    sealed_wire.seal(wire_secret.take(os.environ))
except ValueError as refused:
    ending.say(f"{refused}\n", sys.stderr)
    raise SystemExit(exit_codes.USAGE) from None


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
        self.results = Path(environment.parsed_options.out or RESULTS).absolute()  # with the web UI
        self._main = gevent.getcurrent()
        self._said: Attack | None = None  # whose verdict was said
        self._json = bool(environment.parsed_options.json)
        environment.parsed_options.json = False  # Locust's own figures are no verdict
        self._wire = self._make_wire()
        environment.events.test_start.add_listener(self._on_test_start)
        environment.events.test_stopping.add_listener(lambda **_: self._end(self._why_stopped()))
        environment.events.quitting.add_listener(lambda **_: self._end(f"{ending.BY}Locust, which quits"))
        environment.events.quit.add_listener(lambda **_: self._say_verdict())
        environment.events.quit.add_listener(lambda **_: ending.hold())  # nobody hears them from here on
        for number in ending.heard():  # a headless Locust would not hear SIGTERM
            gevent.signal_handler(number, self._on_signal, number)
        gevent.signal_handler(ending.STOP, self._on_wish)
        ending.let_through()

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
        return f"{ending.BY}the web UI" if self._wire.nodes() else EVERY_ONE_LOST

    def _make_wire(self) -> Wire:
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            sealed_wire.guard(runner, self._on_dead_listener)
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
            if not self._headless:  # `out` is the folder of all its runs
                run = run.into(make_dir(self.results, run.scenario.name))
            attack = self.attack = Attack(self._wire, run)
        except ValueError as error:
            log.error("%s", error)
            self._leave(exit_codes.USAGE)
            return
        except Exception as error:  # ours: Locust would go on, with its users and no run
            log.error("%s", failure(error))
            self._leave(exit_codes.OURS)
            return
        AllAccounts.accounts = run.accounts
        if self._headless:  # Locust's own figures go to a file, its tables not to the terminal
            options.json_file = str(attack.dir / "locust")
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

    def _on_signal(self, number: int) -> None:
        """The run ends, and with it a headless process; one with the web UI ends after it."""
        if self._headless:
            self._stop(ending.by(number))
            return
        self._end(ending.by(number))
        if number != signal.SIGTERM:
            os.kill(os.getpid(), signal.SIGTERM)  # Locust's own handler ends the web UI

    def _on_wish(self) -> None:
        """`make stop`: the run under way ends; a web UI stays."""
        if self._headless or self.attack is not None:
            self._stop(active_runs.REASON)

    def _stop(self, reason: str) -> None:
        """Once or more often, early or late: the first reason counts."""
        if self.attack is not None:
            self.attack.stop(reason)
            return
        ending.say(f"{ending.told(reason)}\n", sys.stderr)
        self._environment.runner.quit()
        gevent.kill(self._main, SystemExit(exit_codes.OURS))

    def _on_dead_listener(self, line: str) -> None:
        """Nothing is heard of any worker any more: no run can go on, and none can begin."""
        log.error(line)
        self._end(line)
        self._environment.runner.quit()
        gevent.kill(self._main, SystemExit(exit_codes.OURS))

    def _say_verdict(self) -> None:
        """The last thing that a run prints."""
        attack = self.attack
        if attack is not None and self._said is not attack:
            self._said = attack
            ending.say(attack.summary, sys.stderr if self._json else sys.stdout)
            if self._json:
                ending.say(verdict_file.text(attack.dir), sys.stdout)


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
    sealed_wire.guard(runner, _end_worker)
    environment.events.test_stopping.add_listener(lambda **_: performer.stop())
    environment.events.quitting.add_listener(lambda **_: performer.leave("it is told to end"))
    environment.events.quit.add_listener(lambda **_: ending.hold())
    for number in ending.heard():
        if number != signal.SIGTERM:  # Locust's own handler ends the worker
            gevent.signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)
    ending.let_through()


def _end_worker(line: str) -> None:
    log.error(line)
    os.kill(os.getpid(), signal.SIGTERM)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _on_parser(parser: Any) -> None:
    add_arguments(parser)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _on_init(environment: Any, web_ui: Any = None, **_: Any) -> None:
    try:
        _begin(environment, environment.parsed_options, web_ui)
    except ValueError as error:  # bad input: one line, exit 2, before anything starts
        active_runs.withdraw(RESULTS)
        ending.say(f"{error}\n", sys.stderr)
        raise SystemExit(exit_codes.USAGE) from None
    except Exception as error:  # ours: Locust would end with 1, as a verdict that failed
        active_runs.withdraw(RESULTS)
        ending.say(f"{failure(error)}\n", sys.stderr)
        raise SystemExit(exit_codes.OURS) from None


def _begin(environment: Any, options: Any, web_ui: Any) -> None:
    """Make this process what it is: a worker, or who leads. Raises ValueError."""
    check_stock(options)
    if isinstance(environment.runner, WorkerRunner):
        become_worker(environment)
        return
    options.only_summary = True
    checked = None
    if options.headless:
        checked = RunRequest.of(options).check()
        check_host(options.host, checked.target)
        AllAccounts.accounts = checked.accounts
    leader = Leader(environment, checked)
    if options.headless and isinstance(environment.runner, MasterRunner):
        wait_for_workers.give_up_on_missing(environment.runner, options, gevent.getcurrent())
    if web_ui is not None:  # what it is made of is read by whoever has one
        from webui.access import VARIABLE
        from webui.install import install

        install(web_ui, options, leader, leader.results, os.environ.get(VARIABLE, ""))
