"""The first phase: everything that a run needs before its zero. No load is sent yet.

telemetry → the target (the bundled stack is started for it) → workers that listen → each builds its engine
→ the run's zero is fixed → `run.json`

Whatever fails here means that the run could not start; what was started by then ends with `resources`.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

import gevent

from common import ending
from fakes.settings import StackSettings
from fakes.stack.start import start_stack
from run.checks import calls_at_once, era, quiet, room, tool_list
from run.checks.talk import Talk
from run.state import RunState
from run.workers import version
from targets import guard
from targets.auth import Algorithm, Auth
from targets.load import account_ids, account_tokens
from targets.reach import answering
from telemetry.exporter import process as exporter_process
from telemetry.recording.sample import REASONS
from telemetry.run_folder import manifest
from telemetry.run_folder.machine import machine
from telemetry.run_folder.manifest import Manifest, RunAccount, RunStack
from users.accounts.accounts import make_accounts
from users.accounts.jwks_server import JwksServer
from users.accounts.keys import SigningKey, load_key, read_key
from users.accounts.signing import signing
from users.cluster.conductor import LEAD, CannotStartError, Conductor
from users.engine import job as jobs
from users.engine.engine import OPENING_RATE
from users.engine.pace import check_workers
from users.mcp.dialect import Dialect

BUNDLED_TOKEN_LIFE: Final = 300.0  # seconds
HELLO_TIMEOUT: Final = 10.0  # seconds


def prepare(state: RunState, resources: ExitStack) -> None:
    """Make `state` ready to be led. Raises CannotStartError, StackError, GuardError, OSError, ConfigError."""
    for warning in exporter_process.check(os.environ):
        state.say(warning)
    state.exporter = exporter_process.start(state.dir, os.environ)
    if state.exporter is not None:
        resources.callback(state.exporter.finish)
    _find_target(state, resources)
    _heed(state)
    schedule = jobs.schedule(state.scenario)
    _look_for_room(state, len(schedule))
    job = _job(state, resources)
    _hear_workers(state)
    try:
        check_workers(schedule, len(state.wire.nodes()), state.target.max_rps)
    except ValueError as error:
        raise CannotStartError(str(error)) from None
    _look(state, job)
    _heed(state)
    conductor = state.conductor = Conductor(
        state.dir,
        state.wire.nodes(),
        state.wire.send,
        state.wire.alive,
        schedule,
        heard=state.watch.heard,
    )
    state.wire.hear = conductor.handlers()
    with ExitStack() as unstarted:
        unstarted.callback(_dismiss, conductor)
        conductor.prepare(job)
        _heed(state)
        state.start_at = conductor.fix_start(_lead_time(state), align=state.scenario.align)
        _write_manifest(state)
        unstarted.pop_all()


def _heed(state: RunState) -> None:
    """CannotStartError where somebody asked for the end meanwhile."""
    if state.stopped:
        raise CannotStartError(ending.told(state.stopped))


def _dismiss(conductor: Conductor) -> None:
    """No worker waits for a run that does not come. One that refused has nothing to finish."""
    if all(node.prepared.is_set() and not node.error for node in conductor.nodes.values()):
        conductor.finish()


def _find_target(state: RunState, resources: ExitStack) -> None:
    """The base URL, the addresses and the metric sources; the bundled stack is started for it."""
    target, scenario = state.target, state.scenario
    if not target.bundled:
        state.base_url, state.addresses = target.base_url, answering(guard.check(target)).addresses
        places = guard.check_metrics(target)
        state.sources = {f"target-{i}": url for i, url in enumerate(target.metrics)}
        state.pinned = {name: answering(places[url]).addresses[0] for name, url in state.sources.items()}
        return
    version.commit()  # now: between the run's zero and its start there is no time for git
    state.say("starting the bundled stack …")
    names = sorted(scenario.choice.names)
    settings = state.stack_settings = _stack_settings(state)
    log = state.dir / "run.log"
    stack = state.stack = start_stack(settings, names, log, owned=target.i_own_this_host)
    resources.callback(stack.stop)
    state.say(f"the stack is healthy at {stack.base_url}")
    edge = stack.state()["processes"]["edge"] if settings.parts.edge == "real" else {}
    if "own" in edge and (line := calls_at_once.told(edge["own"]["room"], settings.edge.calls_at_once)):
        state.say(line)
    state.addresses = guard.check(target, stack.base_url).addresses
    state.base_url, state.sources = stack.base_url, dict(stack.metrics)


def _stack_settings(state: RunState) -> StackSettings:
    """The scenario's; unless they say so, for how many calls at once a real edge needs open files."""
    settings = state.scenario.stack_settings()
    if settings.parts.edge != "real" or settings.edge.calls_at_once:
        return settings
    calls = calls_at_once.most(state.scenario, state.target)
    edge = settings.edge.model_copy(update={"calls_at_once": calls})
    return settings.model_copy(update={"edge": edge})


def _look_for_room(state: RunState, arrivals: int) -> None:
    """Warn where the disk looks too small; the run may fit all the same."""
    nodes, sources = len(state.wire.nodes()), len(state.sources)
    needed = room.bytes_of(arrivals, state.scenario.duration, nodes, sources)
    if warning := room.warning(state.dir, needed):
        state.say(warning)


def _hear_workers(state: RunState) -> None:
    """Wait for workers that have only just connected. CannotStartError for one that is none of ours."""
    with gevent.Timeout(HELLO_TIMEOUT, False):
        while state.wire.silent():
            gevent.sleep(0.05)
    for node in state.wire.silent():
        raise CannotStartError(f"worker {node} does not answer, allowed: workers of this locustfile alone")


def _job(state: RunState, resources: ExitStack) -> dict[str, Any]:
    """What every worker is told."""
    target, key = state.target, None
    if state.stack is not None:
        signing = state.stack.signing
        auth = Auth(
            algorithm=cast(Algorithm, signing.algorithm),
            kid=signing.kid,
            issuer=signing.issuer,
            claims={"sub": "{account}", "tier": "{tier}"},
            ttl=BUNDLED_TOKEN_LIFE,
        )
        key = read_key(signing.key.encode(), auth.algorithm, auth.kid)
        target = target.model_copy(update={"auth": auth, "base_url": state.base_url, "control": None})
    elif target.auth is not None:
        key = _own_key(state, target.auth, resources)
    return {
        "version": version.version(),
        "machine": version.machine(),
        "scenario": state.scenario.public(),
        "target": target.whole(),
        "base_url": state.base_url,
        "addresses": list(state.addresses),
        "key": key.pem() if key else None,
        "dialect": None,
        "intents": state.intents,
        "trace": state.trace,
        "tokens": account_tokens(target),
        "ids": account_ids(target),  # what files hold is read here alone: a worker has none of them
        "ca": Path(target.tls.ca).read_text() if target.tls.ca else None,
    }


def _look(state: RunState, job: dict[str, Any]) -> None:
    """What has to be known of a target before load: what it speaks, how long its slow tools take."""
    target, scenario = state.target, state.scenario
    if target.bundled:
        return
    pinned = guard.check(target, state.base_url, lambda host, port: list(state.addresses))
    account = make_accounts(scenario, target, scenario.seed)[0]
    token = state.token = signing(target, job["key"], [account], job["tokens"]).token
    with Talk(target, pinned, account, token) as talk:
        found = era.find(talk, target.protocol)
        headers = {}
        if talk.dialect.modern:
            headers = {tool.name: tool.headers for tool in tool_list.listed(talk)[1] if tool.headers}
        state.dialect = Dialect(found.version, headers)
        state.quiet = dict(quiet.measure(scenario, target, talk))
    state.asked_before = talk.ended
    state.say(f"the target speaks {found}")
    job["dialect"] = asdict(state.dialect)


def _own_key(state: RunState, auth: Auth, resources: ExitStack) -> SigningKey:
    key = load_key(auth)
    if auth.serve_jwks is not None:
        server = state.key_set = JwksServer(auth.serve_jwks, key.jwks())
        resources.callback(server.stop)
        server.start()
    return key


def _lead_time(state: RunState) -> float:
    """Seconds to the run's zero: sessions take their time to open, most of all with `max_rps`."""
    groups = list(
        zip(state.scenario.groups, jobs.group_behaviours(state.scenario, state.dialect), strict=True)
    )
    if state.target.max_rps is None:
        return LEAD + sum(one.accounts.count for one, how in groups if how.dialect.legacy) / OPENING_RATE
    calls = sum(group.accounts.count * jobs.opening_calls(behaviour) for group, behaviour in groups)
    return LEAD + 2 * calls / state.target.max_rps


def _write_manifest(state: RunState) -> None:
    scenario, choice, stack = state.scenario, state.scenario.choice, state.stack
    accounts = make_accounts(scenario, state.target, scenario.seed)
    groups, one_user = [group.name for group in scenario.groups], state.target.shared_credential
    about = Manifest(
        schema_version=manifest.SCHEMA_VERSION,
        run=state.dir.name,
        reasons=REASONS,
        machine=machine(),
        version=version.RELEASE,
        commit=version.commit() if stack else version.target_commit(os.environ),
        scenario=scenario.public(),
        target={**state.target.public(), "base_url": state.base_url},
        bundled=state.target.bundled,
        protections=tuple(sorted(choice.names)) if stack else (),
        preset=choice.preset if stack else None,
        seed=scenario.seed,
        time_scale=scenario.time_scale,
        start_wall=time.time() + state.start_at - time.monotonic(),
        start_monotonic=state.start_at,
        duration_s=scenario.duration,
        accounts=tuple(
            RunAccount(
                id=one.id,
                ip=one.ip,
                tier=one.tier,
                group=groups[one.group],
                user=one_user,
            )
            for one in accounts
        ),
        tools=tuple(jobs.tool_table(scenario)),
        quiet=state.quiet,
        asked_before=tuple(round(at - state.start_at, 6) for at in state.asked_before),
        protocol=state.dialect.version if state.dialect else "",
        trace=state.trace,
        groups=tuple(groups),
        workers=len(state.leader().nodes),
        stack=RunStack(settings=state.stack_settings.model_dump(mode="json"), processes=stack.pids)
        if stack and state.stack_settings
        else None,
    )
    manifest.write(state.dir, about)
