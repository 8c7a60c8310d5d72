"""The leading side: one run from the options to the exit code.

stack → workers prepare → the run's zero is fixed → manifest, probes → load, faults → drain
→ every worker's truth is gathered → verdict files
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, cast

import gevent
from gevent.event import Event

from common.errors import ConfigError
from common.paths import RESULTS, ROOT
from fakes.stack.handle import StackError, StackHandle
from fakes.stack.start import start_stack
from fakes.stack.timeline import Timeline
from run import database_audit, stack_events, version
from run.active_runs import announced
from run.options import read, run_dir
from run.progress import Progress
from run.stop_watch import EVERY, StopWatch
from scenarios.overrides import SOURCE
from targets import guard
from targets.auth import Algorithm, Auth
from telemetry.influx import exporter_process
from telemetry.probing.probe_process import ProbeProcess
from telemetry.recording.event_log import EventLog
from telemetry.recording.run_log import RunLog
from telemetry.recording.sample import REASONS
from telemetry.run_folder import manifest
from telemetry.run_folder.machine import machine
from telemetry.run_folder.manifest import Manifest, RunAccount, RunStack
from users.accounts.accounts import make_accounts
from users.accounts.jwks_server import JwksServer
from users.accounts.keys import SigningKey, load_key, read_key
from users.cluster.conductor import LEAD, CannotStartError, Conductor
from users.cluster.wire import Wire
from users.engine import job as jobs
from users.transport import health_check
from users.transport.endpoint import endpoint
from verdicts.compare import baseline
from verdicts.run import stored
from verdicts.run.reading import RunFolderError

log = logging.getLogger("resilience")
BUNDLED_TOKEN_LIFE: Final = 300.0  # seconds
EXIT_CONFIG: Final = 2
EXIT_OURS: Final = 3
HELLO_WITHIN: Final = 10.0  # seconds
OURS: Final = (CannotStartError, StackError, guard.GuardError, OSError)


class Attack:
    """One run, from the options to the exit code."""

    def __init__(self, wire: Wire, options: Any) -> None:
        """Read and check everything; ConfigError or GuardError, before anything starts."""
        self.scenario, self.target = read(options)
        self.dir = run_dir(options.out, self.scenario.name)
        self._baseline = _baseline(getattr(options, "baseline", ""))
        self.exit_code = EXIT_OURS
        self.summary = ""
        self.failure = ""  # one line: why there is no verdict
        self.conductor: Conductor | None = None
        self.done = Event()
        self._wire = wire
        self._watch = StopWatch(
            ((f"target {self.target.name}", self.target.stop_when), ("the scenario", self.scenario.stop_when))
        )
        self._progress = Progress()
        self._stack: StackHandle | None = None
        self._stopped = ""
        self._pinned: dict[str, str] = {}  # metric source → address
        self._addresses: tuple[str, ...] = ()  # of the target, for every worker
        self._jwks: JwksServer | None = None
        self._exporter: exporter_process.ExporterProcess | None = None
        self._log: RunLog | None = None

    def stop(self, reason: str) -> None:
        """End all load now; the report is still written."""
        self._stopped = self._stopped or reason
        if self.conductor is not None:
            self.conductor.stop(reason)

    def run(self) -> None:
        """The whole run; never raises. Afterwards `done` is set and `exit_code` is final."""
        try:
            self.dir.mkdir(parents=True)
            with announced(RESULTS, self.dir):
                self._log = RunLog(self.dir)
                if self._baseline is not None:
                    baseline.write(self.dir, self._baseline)
                self._lead()
                self.exit_code = self._judge()
                exporter_process.send_verdict(self.dir, os.environ)
        except OURS as error:
            self._fail(str(error), EXIT_OURS)
        except ConfigError as error:
            self._fail(str(error), EXIT_CONFIG)
        except Exception as error:  # a fault of ours must end the run, not leave Locust idling
            log.exception("the run broke")
            self._fail(f"the run broke: {type(error).__name__}: {error}", EXIT_OURS)
        finally:
            if self._exporter is not None:
                self._exporter.finish()
            if self._jwks is not None:
                self._jwks.stop()
            if self._stack is not None:
                self._stack.stop()
            if self._log is not None:
                self._log.close()
            self.done.set()

    def _fail(self, line: str, code: int) -> None:
        self.exit_code, self.failure = code, line
        self._progress.say(line)

    def _lead(self) -> None:
        if warning := exporter_process.check(os.environ):
            self._progress.say(warning)
        self._exporter = exporter_process.start(self.dir, os.environ)
        base_url, sources = self._target_ready()
        self._hear_workers()
        conductor = self.conductor = Conductor(
            self.dir,
            self._wire.nodes(),
            self._wire.send,
            self._wire.alive,
            jobs.schedule(self.scenario),
            heard=self._watch.heard,
        )
        self._wire.hear = conductor.handlers()
        conductor.prepare(self._job(base_url))
        if self._stopped:
            raise CannotStartError(f"stopped before load started: {self._stopped}")
        start_at = conductor.fix_start(self._lead_time(), align=self.scenario.align)
        self._write_manifest(start_at, base_url)
        events_log = EventLog(self.dir)
        probes = (
            ProbeProcess(
                self.dir,
                start_at,
                sources,
                pinned=self._pinned,
                names=self.target.metric_names,
                ca=self.target.tls.ca,
                verify=self.target.tls.verify,
            )
            if sources
            else None
        )
        faults = Timeline(self.scenario.faults, self._stack, events_log, start_at, sleep=gevent.sleep)
        conductor.start()
        events_log.add(0.0, "run", "start")
        background = [gevent.spawn(faults.run), gevent.spawn(self._show_progress), *self._watching(base_url)]
        drain = self.scenario.drain
        conductor.wait(float("inf") if drain is None else self.scenario.duration + drain)
        gevent.killall(background)
        faults.finish()
        conductor.finish()
        self._progress.end()
        self._write_stack_events(events_log, start_at)
        events_log.add(time.monotonic() - start_at, "run", "end", reason=conductor.stop_reason)
        if probes is not None:
            probes.finish()
        if self._stack is not None:
            database_audit.write(self._stack, self.scenario.points, self.dir, self._progress.say)
        conductor.write_end(self._telemetry_done())
        events_log.close()

    def _lead_time(self) -> float:
        """Seconds to the run's zero: with `max_rps`, sessions take their time to open."""
        if self.target.max_rps is None:
            return LEAD
        groups = zip(self.scenario.groups, jobs.group_behaviours(self.scenario), strict=True)
        calls = sum(group.accounts.count * jobs.opening_calls(behaviour) for group, behaviour in groups)
        return LEAD + 2 * calls / self.target.max_rps

    def _hear_workers(self) -> None:
        """Wait for workers that have only just connected. CannotStartError for one that is none of ours."""
        with gevent.Timeout(HELLO_WITHIN, False):
            while self._wire.silent():
                gevent.sleep(0.05)
        for node in self._wire.silent():
            raise CannotStartError(
                f"worker {node} does not answer, allowed: workers of this locustfile alone"
            )

    def _write_stack_events(self, events: EventLog, start_at: float) -> None:
        """What the stack has to say of the run; a stack that gives no answer says nothing."""
        if self._stack is None:
            return
        try:
            stack_events.write(self._stack.state(), events, start_at)
        except StackError as error:
            self._progress.say(f"the stack's own events are missing: {error}")

    def _telemetry_done(self) -> dict[str, int]:
        """What became of the points; nothing where telemetry is off."""
        if self._exporter is None:
            return exporter_process.NOTHING
        counts = self._exporter.finish()
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        self._progress.say(f"telemetry: {told} points")
        return counts

    def _target_ready(self) -> tuple[str, dict[str, str]]:
        """The base URL and the metric sources; the bundled stack is started for it."""
        if not self.target.bundled:
            self._addresses = guard.check(self.target).addresses
            places = guard.check_metrics(self.target)
            sources = {f"target-{i}": url for i, url in enumerate(self.target.metrics)}
            self._pinned = {name: places[url].addresses[0] for name, url in sources.items()}
            return self.target.base_url, sources
        self._progress.say("starting the bundled stack …")
        names = sorted(self.scenario.choice.names)
        self._stack = start_stack(self.scenario.stack_settings(), names, self.dir / "run.log")
        self._progress.say(f"the stack is healthy at {self._stack.base_url}")
        self._addresses = guard.check(self.target, self._stack.base_url).addresses
        return self._stack.base_url, dict(self._stack.metrics)

    def _job(self, base_url: str) -> dict[str, Any]:
        """What every worker is told."""
        target, key = self.target, None
        if self._stack is not None:
            signing = self._stack.signing
            auth = Auth(
                algorithm=cast(Algorithm, signing.algorithm),
                kid=signing.kid,
                issuer=signing.issuer,
                claims={"sub": "{account}", "tier": "{tier}"},
                ttl=BUNDLED_TOKEN_LIFE,
            )
            key = read_key(signing.key.encode(), auth.algorithm, auth.kid)
            target = target.model_copy(update={"auth": auth, "base_url": base_url, "control": None})
        elif target.auth is not None:
            key = self._own_key(target.auth)
        return {
            "version": version.version(),
            "machine": version.machine(),
            "scenario": self.scenario.dump(),
            "target": target.model_dump(mode="json", by_alias=True),
            "base_url": base_url,
            "addresses": list(self._addresses),
            "key": key.pem() if key else None,
        }

    def _own_key(self, auth: Auth) -> SigningKey:
        key = load_key(auth)
        if auth.serve_jwks is not None:
            self._jwks = JwksServer(auth.serve_jwks, key.jwks())
            self._jwks.start()
        return key

    def _write_manifest(self, start_at: float, base_url: str) -> None:
        scenario, choice = self.scenario, self.scenario.choice
        stack = self._stack
        accounts = make_accounts(scenario, self.target, scenario.seed)
        groups = [group.name for group in scenario.groups]
        assert self.conductor is not None
        about = Manifest(
            schema_version=manifest.SCHEMA_VERSION,
            run=self.dir.name,
            reasons=REASONS,
            machine=machine(),
            version=version.RELEASE,
            scenario=scenario.dump(),
            target={**self.target.public(), "base_url": base_url},
            bundled=self.target.bundled,
            protections=tuple(sorted(choice.names)) if stack else (),
            preset=choice.preset if stack else None,
            seed=scenario.seed,
            time_scale=scenario.time_scale,
            start_wall=time.time() + start_at - time.monotonic(),
            start_monotonic=start_at,
            duration_s=scenario.duration,
            accounts=tuple(
                RunAccount(id=one.id, ip=one.ip, tier=one.tier, group=groups[one.group]) for one in accounts
            ),
            tools=tuple(jobs.tool_table(scenario)),
            groups=tuple(groups),
            workers=len(self.conductor.nodes),
            stack=RunStack(settings=scenario.stack_settings().model_dump(mode="json"), processes=stack.pids)
            if stack
            else None,
        )
        manifest.write(self.dir, about)

    def _watching(self, base_url: str) -> list[gevent.Greenlet]:
        """What looks for a reason to end the run early, where anybody asks for it."""
        if not self._watch.active:
            return []
        watching = [gevent.spawn(self._look_out)]
        if self._watch.asks_health and self.target.health is not None:
            pinned = guard.check(self.target, base_url, lambda host, port: list(self._addresses))
            request = health_check.get(self.target.health, pinned.authority, self.target.headers)
            self._watch.health = health_check.HealthWatch(endpoint(self.target, pinned), request)
            watching.append(gevent.spawn(self._watch.health.run))
        return watching

    def _look_out(self) -> None:
        conductor = self.conductor
        assert conductor is not None
        while not conductor.stop_reason:
            gevent.sleep(EVERY)
            if reason := self._watch.look(time.monotonic() - conductor.start_at):
                self._progress.say(reason)
                conductor.stop(reason)

    def _show_progress(self) -> None:
        conductor = self.conductor
        assert conductor is not None
        while True:
            gevent.sleep(1)
            lines = [node.journal.last_ledger for node in conductor.nodes.values()]
            t = time.monotonic() - conductor.start_at
            self._progress.show(t, self.scenario.duration, lines)

    def _judge(self) -> int:
        """Derive the verdict files in a process of their own; its exit code is the run's."""
        _link_latest(self.dir)
        done = subprocess.run(
            [sys.executable, "-m", "verdicts", str(self.dir)],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        self.summary = done.stdout + done.stderr
        return done.returncode if done.returncode in {0, 1, 3} else EXIT_OURS


def _baseline(given: str) -> dict[str, Any] | None:
    """The figures of the runs that the options name, if they name any. Raises ConfigError."""
    try:
        return baseline.make(given, stored.runs(given)) if given else None
    except RunFolderError as error:
        raise ConfigError(SOURCE, "--baseline", str(error)) from None


def _link_latest(run: Path) -> None:
    """results/latest points at the newest run; a run elsewhere is linked too."""
    RESULTS.mkdir(exist_ok=True)
    link = RESULTS / "latest"
    partial = RESULTS / f".latest-{run.name}"
    partial.unlink(missing_ok=True)
    partial.symlink_to(run.resolve())
    partial.replace(link)
