"""One run, from the checked request to the exit code: prepare → lead → gather → judge.

Whatever fails, everything that was started ends. Once load began there is a report, too: over what was due,
without `end.json`, so it says that the run is invalid. The exit code of such a run is 3 (2 for bad input).
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gevent.event import Event

from common import exit_codes
from common.ending import BY
from common.errors import ConfigError, failure, one_line
from common.paths import RESULTS
from fakes.stack.handle import StackError
from run.active_runs import announced
from run.folders import run_dir
from run.gather import gather
from run.judge import judge
from run.lead import lead
from run.prepare import prepare
from run.request import CheckedRun
from run.state import RunState
from scenarios.option import SOURCE
from scenarios.schema import Scenario
from targets.guard import GuardError
from targets.schema import Target
from telemetry.exporter import process as exporter_process
from telemetry.recording.run_log import RunLog
from telemetry.run_folder.machine import machine
from users.cluster.conductor import CannotStartError, Conductor
from users.cluster.wire import Wire

if TYPE_CHECKING:
    from verdicts.history.entry import SeriesKey

UNHEARD: Final = f"{BY}its closed output"
OURS: Final = (CannotStartError, StackError, GuardError, OSError)


class Attack:
    """One run; `done` is set when it is over, and `exit_code` is final then."""

    def __init__(self, wire: Wire, run: CheckedRun) -> None:
        """Nothing starts yet. ConfigError where the baseline's runs cannot be read."""
        request, baseline = run.request, _baseline(run)  # before there is a folder
        self.exit_code = exit_codes.OURS
        self.summary = ""
        self.failure = ""  # one line: why there is no verdict
        self.done = Event()
        self._log: RunLog | None = None
        self._state = RunState(
            run.scenario,
            run.target,
            run_dir(request.out, run.scenario.name),
            wire,
            baseline,
        )
        self._state.progress.unheard = lambda: self.stop(UNHEARD)

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self._state.scenario

    @property
    def target(self) -> Target:
        """What is attacked."""
        return self._state.target

    @property
    def conductor(self) -> Conductor | None:
        """Who leads the workers; None before there is one."""
        return self._state.conductor

    @property
    def dir(self) -> Path:
        """The run's folder."""
        return self._state.dir

    def stop(self, reason: str) -> None:
        """End all load now; the report is still written."""
        self._state.stopped = self._state.stopped or reason
        if self.conductor is not None:
            self.conductor.stop(reason)

    def run(self) -> None:
        """The whole run; never raises."""
        try:
            with ExitStack() as resources:
                self._in_folder(resources)
        except Exception as error:  # of a clean-up: the run is over, whatever did not end
            self._fail(error)
        finally:
            self.done.set()

    def _in_folder(self, resources: ExitStack) -> None:
        """With its folder, its log and its name among the runs that are under way."""
        try:
            self.dir.mkdir(parents=True, exist_ok=True)  # an empty one is good
            self._log = RunLog(self.dir)
            resources.callback(self._log.close)
            with announced(RESULTS, self.dir):
                self._in_phases(resources)
        except Exception as error:
            self._fail(error)

    def _in_phases(self, resources: ExitStack) -> None:
        state = self._state
        try:
            if state.baseline is not None:
                from verdicts.compare import baseline

                baseline.write(state.dir, state.baseline)
            prepare(state, resources)
            with ExitStack() as load:
                gather(state, lead(state, load))
            self.exit_code, self.summary = judge(state.dir)
            self._send_verdict()
        except Exception as error:
            self._fail(error)
            if state.load_began and not self.summary:
                self._report()

    def _send_verdict(self) -> None:
        """To the databases that are switched on; where it cannot be sent, the verdict stays what it is."""
        try:
            exporter_process.send_verdict(self._state.dir, os.environ)
        except OSError as error:
            self._state.say(f"telemetry: the verdict was not sent: {failure(error)}")

    def _report(self) -> None:
        """What there is to tell of a load that broke off; its verdict is never the run's exit code."""
        try:
            self.summary = judge(self._state.dir).summary
        except OSError as error:
            self._state.say(f"there is no report: {error}")

    def _fail(self, error: Exception) -> None:
        """Say why, and end with the exit code of it. A fault of ours must not leave Locust idling."""
        line, code = str(error), exit_codes.OURS
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            line = f"a limit of this machine: ENOSPC, the disk with the run's folder is full ({error})"
        if isinstance(error, ConfigError):
            code = exit_codes.USAGE
        elif not isinstance(error, OURS):
            if self._log is not None:
                self._log.broke("the run broke", error)
            line = one_line(f"the run broke: {type(error).__name__}: {error}")
        self.exit_code, self.failure = code, line
        self._state.say(line)


def _baseline(run: CheckedRun) -> dict[str, Any] | None:
    """The figures of the runs that the options name, if they name any. Raises ConfigError."""
    given = run.request.baseline
    if not given:
        return None
    from verdicts.compare import baseline
    from verdicts.history import held_against, store
    from verdicts.run import stored
    from verdicts.run.reading import RunFolderError

    try:
        if given == baseline.HISTORY:
            return held_against.make(store.place(), _series(run))
        return baseline.make(given, stored.runs(given))
    except (RunFolderError, store.HistoryError) as error:
        raise ConfigError(SOURCE, "--baseline", str(error)) from None


def _series(run: CheckedRun) -> SeriesKey:
    """The series of the history that the run will belong to."""
    from verdicts.history.entry import SeriesKey

    scenario, target = run.scenario, run.target
    protections = tuple(sorted(scenario.choice.names)) if target.bundled else ()
    return SeriesKey.of(scenario.public(), protections, target.name, machine())
