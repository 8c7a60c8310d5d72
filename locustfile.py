"""The one place that wires: scenario → shape + users → target; samples + probes → telemetry → verdicts.

Every way of starting Locust comes through here: `make headless`, `bin/attack`, plain `locust -f
locustfile.py` headless or with its web UI, master and worker. Locust leads; a run is one `Attack`:

    test_start  → an attack runs in a greenlet of its own: stack, probes, workers, load, verdict
    its end     → Locust's exit code is the verdict's; the runner quits (headless) or stops (web UI)
    Ctrl-C, SIGTERM, the web UI's button → all load ends at once, and the report is still whole
"""

from __future__ import annotations

import gc
import json
import logging
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

ROOT: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from config.errors import ConfigError
from fakes import launch
from fakes.timeline import Timeline
from scenarios import load as scenarios
from scenarios.overrides import Overrides
from scenarios.parts import Tool as ToolSpec
from scenarios.schema import Scenario
from shapes.locust_shape import tick
from targets import guard
from targets import load as targets
from targets.auth import Auth
from targets.schema import Target
from telemetry import manifest
from telemetry.probe_process import ProbeProcess
from telemetry.progress import Progress
from telemetry.recorder import Sink
from users import job as jobs
from users.accounts import Account as Identity
from users.accounts import make_accounts
from users.client import Endpoint
from users.conductor import CannotStart, Conductor
from users.engine import Job
from users.jwks_server import JwksServer
from users.keys import SigningKey, load_key, read_key
from users.line import Head, Token
from users.locust_stats import StatsSink
from users.performer import Performer, Refusal
from users.tls import client_context
from users.tokens import TokenSource, no_token

VERSION: Final = (ROOT / "VERSION").read_text().strip()
RESULTS: Final = ROOT / "results"
BUNDLED_TOKEN_LIFE: Final = 300.0  # seconds
REPORT_WITHIN: Final = 90.0  # seconds that a stopped run may take to write its report
EXIT_CONFIG: Final = 2
EXIT_OURS: Final = 3
OURS: Final = (CannotStart, launch.StackError, guard.GuardError, OSError)
log = logging.getLogger("resilience")


class Account(User):
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


# Reading


def read(options: Any) -> tuple[Scenario, Target]:
    """The scenario and the target that the options name, checked. ConfigError, GuardError."""
    target = targets.load(options.target or "bundled")
    given = {key: getattr(options, key) for key in ("duration", "accounts", "rate", "protect", "seed", "tier")}
    given["protect"] = given["protect"] or None
    scenario = scenarios.load(options.scenario, Overrides.read(given))
    if target.tool_given:
        scenario = with_tool(scenario, target)
    guard.refuse_excess(target, scenario.rate, scenario.duration)
    return scenario, target


def with_tool(scenario: Scenario, target: Target) -> Scenario:
    """The scenario with the target's own tool in every group; none: `tools/list`."""
    tool = target.tool
    tools = () if tool is None else (ToolSpec(module=tool.module, tool=tool.tool, params=tool.params),)
    groups = tuple(group.model_copy(update={"tools": tools}) for group in scenario.groups)
    return scenario.model_copy(update={"groups": groups})


def all_accounts(scenario: Scenario) -> int:
    """How many accounts attack."""
    return sum(group.accounts.count for group in scenario.groups)


def run_dir(out: str | None, name: str) -> Path:
    """Where the run goes: `out`, or a new folder of its own under results/."""
    if out:
        return Path(out)
    first = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"
    candidate, number = first, 1
    while candidate.exists():
        number += 1
        candidate = first.with_name(f"{first.name}-{number}")
    return candidate


# The loading side


def build_job(stats: Any, data: dict[str, Any]) -> tuple[Job, list[Sink]]:
    """What this process is to do, from the conductor's `load.prepare`. Refusal with one clear line."""
    if data["version"] != VERSION:
        raise Refusal(f"is version {VERSION}, the master is {data['version']}; allowed: the same on both")
    scenario = Scenario.restore(data["scenario"])
    target = Target.model_validate(data["target"])
    pinned = guard.check(target, data["base_url"])
    tls = client_context(target.tls) if pinned.scheme == "https" else None
    endpoint = Endpoint(pinned.family, (pinned.addresses[0], pinned.port), pinned.host, tls)
    accounts = accounts_of(scenario, target)
    auth = target.auth
    job = Job(
        schedule=jobs.schedule(scenario),
        accounts=accounts,
        groups=jobs.group_plans(scenario),
        endpoint=endpoint,
        head=Head(
            target.path,
            pinned.authority,
            target.headers,
            auth_header=auth.header if auth else "Authorization",
            client_ip_header=target.client_ip_header,
        ),
        token=tokens(auth, data["key"], accounts),
        timeout=scenario.timeout or target.timeout,
        late=scenario.late_ms / 1000,
    )
    names = [group.name for group in scenario.groups]
    raise_file_limit()
    gc.collect()
    gc.freeze()  # the schedule and the accounts live as long as the run: no collection need look at them
    return job, [StatsSink(stats, jobs.tool_table(scenario), names)]


def accounts_of(scenario: Scenario, target: Target) -> list[Identity]:
    """The run's accounts. ConfigError where the target's file names too few."""
    return make_accounts(scenario, target, scenario.seed)


def tokens(auth: Auth | None, pem: bytes | None, accounts: list[Identity]) -> Token:
    """What signs for the accounts; all have a token before load starts."""
    if auth is None or pem is None:
        return no_token
    source = TokenSource(auth, read_key(pem, auth.algorithm, auth.kid))
    source.warm(accounts)
    return source


def raise_file_limit() -> None:
    """As many open files as the system allows: each call in flight is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# The leading side


class Attack:
    """One run, from the options to the exit code."""

    def __init__(self, environment: Environment, options: Any) -> None:
        """Read and check everything; ConfigError or GuardError, before anything starts."""
        self.scenario, self.target = read(options)
        self.dir = run_dir(options.out, self.scenario.name)
        self.exit_code = EXIT_OURS
        self.summary = ""
        self.conductor: Conductor | None = None
        self.done = Event()
        self._environment = environment
        self._progress = Progress()
        self._stack: launch.Handle | None = None
        self._stopped = ""
        self._jwks: JwksServer | None = None

    def stop(self, reason: str) -> None:
        """End all load now; the report is still written."""
        self._stopped = self._stopped or reason
        if self.conductor is not None:
            self.conductor.stop(reason)

    def run(self) -> None:
        """The whole run; never raises. Afterwards `done` is set and `exit_code` is final."""
        try:
            self.dir.mkdir(parents=True)
            self._lead()
            self.exit_code = self._judge()
        except OURS as error:
            self._fail(str(error), EXIT_OURS)
        except ConfigError as error:
            self._fail(str(error), EXIT_CONFIG)
        finally:
            if self._jwks is not None:
                self._jwks.stop()
            if self._stack is not None:
                self._stack.stop()
            self.done.set()

    def _fail(self, line: str, code: int) -> None:
        self.exit_code = code
        self._progress.say(line)

    def _lead(self) -> None:
        base_url, sources = self._target_ready()
        conductor = self.conductor = Conductor(self.dir, *_nodes(self._environment))
        _listen(self._environment, conductor)
        conductor.prepare(self._job(base_url))
        if self._stopped:
            raise CannotStart(f"stopped before load started: {self._stopped}")
        start_at = conductor.fix_start()
        self._write_manifest(start_at, base_url)
        events_log = manifest.EventLog(self.dir)
        probes = ProbeProcess(
            self.dir,
            start_at,
            sources,
            names=self.target.metric_names,
            ca=self.target.tls.ca,
            verify=self.target.tls.verify,
        ) if sources else None
        faults = Timeline(self.scenario.faults, self._stack, events_log, start_at)
        conductor.start()
        events_log.add(0.0, "run", "start")
        background = [gevent.spawn(faults.run), gevent.spawn(self._show_progress)]
        conductor.wait()
        gevent.killall(background)
        faults.finish()
        conductor.finish()
        self._progress.end()
        events_log.add(time.monotonic() - start_at, "run", "end", reason=conductor.stop_reason)
        if probes is not None:
            probes.finish()
        conductor.write_end({"written": 0, "spooled": 0, "dropped": 0})
        events_log.close()

    def _target_ready(self) -> tuple[str, dict[str, str]]:
        """The base URL and the metric sources; the bundled stack is started for it."""
        if not self.target.bundled:
            guard.check(self.target)
            urls = self.target.metrics
            return self.target.base_url, {f"target-{i}": url for i, url in enumerate(urls)}
        self._progress.say("starting the bundled stack …")
        names = sorted(self.scenario.choice.names)
        self._stack = launch.start(self.scenario.stack_settings(), names, self.dir / "run.log")
        self._progress.say(f"the stack is healthy at {self._stack.base_url}")
        return self._stack.base_url, dict(self._stack.metrics)

    def _job(self, base_url: str) -> dict[str, Any]:
        """What every worker is told."""
        target, key = self.target, None
        if self._stack is not None:
            signing = self._stack.signing
            auth = Auth(
                algorithm=signing.algorithm,
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
            "version": VERSION,
            "scenario": self.scenario.dump(),
            "target": target.model_dump(mode="json", by_alias=True),
            "base_url": base_url,
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
        accounts = accounts_of(scenario, self.target)
        groups = [group.name for group in scenario.groups]
        assert self.conductor is not None
        manifest.write(
            self.dir,
            version=VERSION,
            scenario=scenario.dump(),
            target={**self.target.public(), "base_url": base_url},
            bundled=self.target.bundled,
            protections=sorted(choice.names) if stack else [],
            preset=choice.preset if stack else None,
            seed=scenario.seed,
            time_scale=scenario.time_scale,
            start_wall=time.time() + start_at - time.monotonic(),
            start_monotonic=start_at,
            duration_s=scenario.duration,
            accounts=[
                {"id": one.id, "ip": one.ip, "tier": one.tier, "group": groups[one.group]} for one in accounts
            ],
            tools=jobs.tool_table(scenario),
            groups=groups,
            workers=len(self.conductor.nodes),
            stack={"settings": scenario.stack_settings().model_dump(mode="json"), "processes": stack.pids}
            if stack
            else None,
        )

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
            [sys.executable, "-m", "verdicts", str(self.dir)], cwd=ROOT, capture_output=True, text=True
        )
        self.summary = done.stdout + done.stderr
        return done.returncode if done.returncode in {0, 1, 3} else EXIT_OURS


def _link_latest(run: Path) -> None:
    """results/latest points at the newest run; a run elsewhere is linked too."""
    RESULTS.mkdir(exist_ok=True)
    link = RESULTS / "latest"
    partial = RESULTS / f".latest-{run.name}"
    partial.unlink(missing_ok=True)
    partial.symlink_to(run.resolve())
    partial.replace(link)


# Locust's wire


def _nodes(environment: Environment) -> tuple[list[tuple[str, str]], Any, Callable[[], set[str]]]:
    """(the live workers in the order of their rank, how to send to one, who is alive)"""
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        live = sorted(runner.clients.all, key=lambda client: runner.get_worker_index(client.id))
        nodes = [
            (client.id, f"w{runner.get_worker_index(client.id)}") for client in live if client.state != "missing"
        ]
        return (
            nodes,
            lambda kind, data, node: runner.send_message(kind, data, node),
            lambda: {client.id for client in runner.clients.all if client.state != "missing"},
        )
    handlers = environment.performer.handlers()
    return [("local", "local")], lambda kind, data, node: handlers[kind](data), lambda: {"local"}


def _listen(environment: Environment, conductor: Conductor) -> None:
    """Have the newest conductor hear what the workers say."""
    environment.hear = conductor.handlers()


def _attach_leading(environment: Environment) -> None:
    """Register the conductor's messages once; each run brings its own handlers."""
    environment.hear = {}
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        for kind in ("load.prepared", "load.clock-told", "load.entry"):

            def heard(environment: Environment, msg: Any, kind: str = kind, **_: Any) -> None:
                if kind in environment.hear:
                    environment.hear[kind](msg.data, msg.node_id)

            runner.register_message(kind, heard)
    else:
        environment.performer = Performer(
            lambda kind, data: environment.hear[kind](data, "local"),
            lambda data: build_job(environment.stats, data),
        )


def _attach_loading(environment: Environment) -> None:
    """A worker: answer the conductor."""
    runner = environment.runner
    performer = environment.performer = Performer(
        runner.send_message, lambda data: build_job(environment.stats, data)
    )
    for kind, handle in performer.handlers().items():

        def told(environment: Environment, msg: Any, handle: Any = handle, **_: Any) -> None:
            handle(msg.data)

        runner.register_message(kind, told)


# Locust's events


class _AnyName(list[str]):
    """The choices of the web form; the command line may also name a file, which is checked later."""

    def __contains__(self, value: object) -> bool:
        return True


@events.init_command_line_parser.add_listener
def _arguments(parser: Any) -> None:

    parser.add_argument(
        "--scenario", default="burst", choices=_AnyName(scenarios.names()), env_var="SCENARIO", help="the attack to run"
    )
    parser.add_argument("--target", default="", env_var="TARGET", help="a target file; empty: the bundled stack")
    parser.add_argument("--protect", default="", env_var="PROTECT", help="a preset or names of protections")
    parser.add_argument("--accounts", default="", env_var="ACCOUNTS", help="how many accounts attack")
    parser.add_argument("--rate", default="", env_var="RATE", help="requests per second of each account")
    parser.add_argument("--duration", default="", env_var="DURATION", help="how long, like 20s")
    parser.add_argument("--tier", default="", env_var="TIER", help="the accounts' plan")
    parser.add_argument("--seed", default="", env_var="SEED", help="the schedule's and the accounts' seed")
    parser.add_argument("--out", default="", env_var="OUT", include_in_web_ui=False, help="the run's folder")


def _refuse(error: Exception) -> None:
    """Bad input: one line, exit 2."""
    sys.stderr.write(f"{error}\n")
    raise SystemExit(EXIT_CONFIG)


@events.init.add_listener
def _on_init(environment: Environment, **_: Any) -> None:
    environment.attack = None
    environment.interrupted = ""
    if isinstance(environment.runner, WorkerRunner):
        _attach_loading(environment)
        return
    _attach_leading(environment)
    options = environment.parsed_options
    options.only_summary = True
    if options.headless:
        try:
            scenario, _ = read(options)
        except ValueError as error:
            _refuse(error)
        AllAccounts.accounts = all_accounts(scenario)
    _name_interrupts(environment)


def _name_interrupts(environment: Environment) -> None:
    """Remember that it was Ctrl-C; Locust itself then stops the run."""

    def handle(number: int, frame: FrameType | None) -> None:
        environment.interrupted = "SIGINT"
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)


@events.test_start.add_listener
def _on_test_start(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    try:
        attack = environment.attack = Attack(environment, environment.parsed_options)
    except ValueError as error:
        log.error("%s", error)
        environment.process_exit_code = EXIT_CONFIG
        gevent.spawn(environment.runner.quit if environment.parsed_options.headless else environment.runner.stop)
        return
    AllAccounts.accounts = all_accounts(attack.scenario)
    environment.parsed_options.json_file = str(attack.dir / "locust") if environment.parsed_options.headless else None
    gevent.spawn(_run, environment, attack)


def _run(environment: Environment, attack: Attack) -> None:
    attack.run()
    environment.process_exit_code = attack.exit_code
    if environment.parsed_options.headless:
        environment.runner.quit()
    else:
        environment.runner.stop()
        sys.stderr.write(attack.summary)


def _end(environment: Environment, reason: str) -> None:
    """Stop the attack that runs, if one does, and wait for its report."""
    attack = environment.attack
    if attack is not None and not attack.done.is_set():
        attack.stop(reason)
        if gevent.getcurrent() is not gevent.get_hub():
            attack.done.wait(REPORT_WITHIN)


@events.test_stopping.add_listener
def _on_test_stopping(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        environment.performer.stop()
        return
    _end(environment, environment.interrupted or "stopped in Locust")


@events.quitting.add_listener
def _on_quitting(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        environment.performer.stop()
        return
    _end(environment, environment.interrupted or "SIGTERM")
    if environment.attack is not None:
        environment.process_exit_code = environment.attack.exit_code


@events.quit.add_listener
def _on_quit(**_: Any) -> None:
    """Say the verdict last of all."""
