"""What the stack itself says of a run, as events of `events.jsonl`.

Processes that ended or came back, signals sent, every change of the balancer's state and of its beliefs.

Taken from the control API's `GET /state` when the load is over. Faults are left out: whoever put them in
force has written them down already (`fakes.stack.timeline`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

TAKEN: Final = ("state", "control")
BEFORE: Final = 1.0  # seconds before the run's zero that are still part of it


class Log(Protocol):
    """Where events go (`telemetry.recording.event_log.EventLog`)."""

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Write one event at `t`, seconds since the run's start."""
        ...


def silent(state: Mapping[str, Any]) -> list[str]:
    """The processes that run and gave no answer: what they noted is not in `state`."""
    return [name for name, process in state.get("processes", {}).items() if "error" in process]


def write(state: Mapping[str, Any], log: Log, start_at: float) -> None:
    """Write the events of `state` since the run's zero, `start_at` (monotonic seconds), in order of time."""
    for at, event in sorted(_events(state), key=lambda one: one[0]):
        if at - start_at >= -BEFORE and event["kind"] in TAKEN:
            log.add(at - start_at, event["kind"], event["name"], **event["detail"])


def _events(state: Mapping[str, Any]) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """(monotonic seconds, event) of the supervisor, then of each process that keeps some."""
    for event in state.get("events", ()):
        yield float(event["monotonic"]), event
    for process in state.get("processes", {}).values():
        for event in (*process.get("kept_events", ()), *process.get("own", {}).get("events", ())):
            yield float(event["t"]), event
