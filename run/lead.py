"""The second phase: the load itself, from its first arrival until it is over or was ended early.

Before it the probes take their baseline; beside it run the scenario's faults, the line that says how it goes,
and what looks for a reason to end it. All that is started here is finished by `load`, in the order that a
report needs: load ends, faults are lifted, workers tell the rest, probes look once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Final

import gevent

from fakes.stack.timeline import Timeline
from run.state import Load, Once, RunState
from run.stop_watch import CHECK_INTERVAL
from targets import guard
from telemetry.probing.probe_process import ProbeProcess
from telemetry.recording.event_log import EventLog
from users.transport import health_check
from users.transport.endpoint import endpoint

PROGRESS_INTERVAL: Final = 1.0  # seconds


def lead(state: RunState, load: ExitStack) -> Load:
    """Send the load; what it leaves is to be gathered. Raises OSError where the probes cannot start."""
    conductor = state.leader()
    finish_conductor = Once(conductor.finish)
    load.callback(finish_conductor)  # should the rest not come about; otherwise it comes before the probes
    events = EventLog(state.dir, conductor.cannot_write)
    load.callback(events.close)
    probes = _probes(state)
    finish_probes = Once(probes.finish if probes is not None else lambda: None)
    load.callback(_in_peace, finish_probes)
    load.callback(finish_conductor)
    faults = Timeline(state.scenario.faults, state.stack, events, state.start_at, sleep=gevent.sleep)
    finish_faults = Once(faults.finish)
    courses: list[gevent.Greenlet] = []
    load.callback(gevent.killall, courses)  # once the faults are lifted
    load.callback(finish_faults)
    tasks: list[Callable[[], None]] = [partial(_show_progress, state), *_watching(state)]
    tasks += [partial(_miss_probes, state, probes)] if probes is not None else []
    load.callback(conductor.stop, "the run broke")  # says nothing to a load that is over
    state.load_began = True
    conductor.start()
    events.add(0.0, "run", "start")
    courses += [gevent.spawn(course) for course in faults.courses()]
    background = [gevent.spawn(task) for task in tasks]
    load.callback(gevent.killall, background)
    drain = state.scenario.drain
    conductor.wait(float("inf") if drain is None else state.scenario.duration + drain)
    gevent.killall(background)
    return Load(events, finish_faults, finish_conductor, finish_probes)


def _probes(state: RunState) -> ProbeProcess | None:
    if not state.sources:
        return None
    return ProbeProcess(
        state.dir,
        state.start_at,
        state.sources,
        pinned=state.pinned,
        names=state.target.metric_names,
        headers=state.target.sent_headers,
        ca=state.target.tls.ca,
        verify=state.target.tls.verify,
    )


def _in_peace(finish_probes: Once) -> None:
    """Of a run that broke: what broke it is said, not what became of the probes then."""
    with suppress(OSError):
        finish_probes()


def _miss_probes(state: RunState, probes: ProbeProcess) -> None:
    """Load ends with them: what the target shows of a part of the run must not stand for all of it."""
    while not probes.ended:
        gevent.sleep(CHECK_INTERVAL)
    state.leader().stop("the probes ended: see run.log")


def _watching(state: RunState) -> list[Callable[[], None]]:
    """What looks for a reason to end the run early, where anybody asks for it."""
    watch, target = state.watch, state.target
    if not watch.active:
        return []
    watching: list[Callable[[], None]] = [partial(_stop_early, state)]
    if watch.asks_health and target.health is not None:
        pinned = guard.check(target, state.base_url, lambda host, port: list(state.addresses))
        request = health_check.get(target.health, pinned.authority, target.sent_headers)
        watch.health = health_check.HealthWatch(endpoint(target, pinned), request)
        watching.append(watch.health.run)
    return watching


def _stop_early(state: RunState) -> None:
    conductor = state.leader()
    while not conductor.stop_reason:
        gevent.sleep(CHECK_INTERVAL)
        if reason := state.watch.why_stop(time.monotonic() - conductor.start_at):
            state.say(reason)
            conductor.stop(reason)


def _show_progress(state: RunState) -> None:
    conductor = state.leader()
    while True:
        gevent.sleep(PROGRESS_INTERVAL)
        lines = [node.journal.last_ledger for node in conductor.nodes.values()]
        t = time.monotonic() - conductor.start_at
        state.progress.show(t, state.scenario.duration, lines)
