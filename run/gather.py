"""The third phase: what everybody knows of the load, into the run folder. With `end.json` it is whole.

faults are lifted → every worker's truth → the stack's own events → the probes' last scrape → what calls did →
the database's audit → telemetry → `end.json`
"""

from __future__ import annotations

import time
from typing import Final

from fakes.stack.handle import StackError
from run import effects
from run.stack import database_audit, events
from run.state import Load, RunState
from telemetry.exporter import process as exporter_process

ASKED_AGAIN: Final = 4  # times; each waits up to a second for a process that is still busy


def gather(state: RunState, load: Load) -> None:
    """Complete the run folder."""
    conductor = state.leader()
    load.finish_faults()
    load.finish_conductor()
    state.progress.end()
    _write_stack_events(state, load)
    load.events.add(time.monotonic() - state.start_at, "run", "end", reason=conductor.stop_reason)
    if state.key_set is not None:
        load.events.add(time.monotonic() - state.start_at, "run", "key-set", fetches=state.key_set.fetches)
    load.finish_probes()
    effects.write(state)
    if state.stack is not None:
        database_audit.write(state.stack, state.scenario.points, state.dir, state.say)
    conductor.write_end(_finish_telemetry(state))


def _write_stack_events(state: RunState, load: Load) -> None:
    """What the stack has to say of the run; that somebody gave no answer is an event, too."""
    if state.stack is None:
        return
    try:
        said = state.stack.state()
        for _ in range(ASKED_AGAIN):
            if events.silent(said):
                said = state.stack.state()
        events.write(said, load.events, state.start_at)
        silent = events.silent(said)
    except StackError as error:
        state.say(f"the stack's own events are missing: {error}")
        silent = ["stack"]
    for name in silent:
        state.say(f"{name} gave no answer: what it noted is missing")
        load.events.add(time.monotonic() - state.start_at, "run", "untold", process=name)


def _finish_telemetry(state: RunState) -> dict[str, int]:
    """What became of the points; nothing where telemetry is off."""
    if state.exporter is None:
        return exporter_process.NOTHING
    counts = state.exporter.finish()
    for told in state.exporter.told:
        state.say(f"telemetry: {told}")
    return counts
