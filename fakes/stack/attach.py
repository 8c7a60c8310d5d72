"""Uses a bundled stack that somebody else keeps up, in place of one of our own: docker compose does.

The stack wrote its state file (`fakes.stack --state-file`); `STACK_STATE` in the environment names it, and
`fakes.stack.start.start_stack` then comes here. The run's settings and protections are put in force over the
control API, faults are cleared, counters reset; when the run ends the stack stays. What only a new start can
change (`fakes.settings.FIXED`) stays as the stack was started with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from fakes.settings import StackSettings
from fakes.stack.handle import StackError, StackHandle

STATE: Final = "STACK_STATE"
OBEYED: Final = 15.0  # seconds in which every process has to be told, and fit for a run
QUEUED: Final = 0.5  # seconds: what a storm leaves behind would be the next run's
POLL_INTERVAL: Final = 0.2  # seconds between two looks for the state file


class AttachedStack(StackHandle):
    """A stack that runs before us and after us."""

    def alive(self) -> bool:
        """Whether its supervisor answers."""
        try:
            self.state()
        except StackError:
            return False
        return True

    def stop(self, timeout: float = 20.0) -> None:
        """Undo our faults; the stack stays."""
        self.clear_faults()


def attach(
    file: Path, settings: StackSettings, protections: Iterable[str], timeout_s: float = 60.0
) -> AttachedStack:
    """The stack whose state file this is, put into the run's settings. Raises StackError."""
    stack = AttachedStack(_read(file, time.monotonic() + timeout_s))
    has = stack.state()["settings"]
    _check_parts(has["parts"], settings)
    if (name := settings.left_over(has)) is not None:
        raise StackError(f"{STATE}: {name} is in force there; allowed: a run that names it, or start it anew")
    stack.clear_faults()
    stack.put_settings(settings.changeable())
    stack.put_protections(protections)
    stack.reset()
    wait_for_all(stack)
    return stack


class HasState(Protocol):
    """What is read of a stack."""

    def state(self) -> dict[str, Any]:
        """See `StackHandle.state`."""
        ...


def wait_for_all(stack: HasState) -> None:
    """Return once every process was told what is in force and is fit for a run.

    One that was not told has what the run before had, and a run would be blamed for one that is down.
    StackError where it does not come to that in time.
    """
    deadline = time.monotonic() + OBEYED
    while said := _against(stack.state()):
        if time.monotonic() > deadline:
            raise StackError(f"{STATE}: {said}; allowed: a stack all of whose processes answer")
        time.sleep(POLL_INTERVAL)


def _against(state: Mapping[str, Any]) -> str:
    return f"{', '.join(state['stale'])} did not obey" if state["stale"] else unready(state)


def unready(state: Mapping[str, Any]) -> str:
    """What `StackHandle.state` says against using its processes again; "" for nothing."""
    for name, process in state["processes"].items():
        if not process["up"] or process.get("frozen"):
            return f"{name} is down"
        if "error" in process:
            return f"{name} did not tell its state: {process['error']}"
        if (queue := process.get("own", {}).get("cpu_queue_s", 0.0)) > QUEUED:
            return f"{name} still has work for {queue:.0f} s in its queue for CPU"
    return ""


def _read(file: Path, deadline: float) -> dict[str, Any]:
    while True:
        try:
            state: dict[str, Any] = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{STATE}: {file}: {error}; allowed: the state file of a stack that runs"
                ) from None
            time.sleep(POLL_INTERVAL)
        else:
            return state


def _check_parts(has: dict[str, Any], settings: StackSettings) -> None:
    """A run must not believe that real parts served it, nor that fakes did."""
    wanted = settings.parts.model_dump()
    for part in (part for part in wanted if has[part] != wanted[part]):
        said = f"{part} is {has[part]} there, not {wanted[part]}"
        raise StackError(f"{STATE}: {said}; allowed: the STACK that it was started with")
