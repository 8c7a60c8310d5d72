"""A bundled stack of each kind for the short runs of a process of pytest, as the runs of a suite share one.

    run = warm_runs.start(words, folder, {**as_a_user(), **kept_stack.environment(scenario)}, console)

Each run puts it into its own settings and resets it (`run.stack.shared_stack`). Where it is stands in the
environment of those runs alone: tests that have a stack of their own know nothing of it.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fakes.stack.attach import STATE
from run.stack.shared_stack import SharedStack
from scenarios.schema import Scenario


def environment(scenario: Scenario) -> dict[str, str]:
    """What a run of this scenario is given to find the stack, which is there. Raises StackError."""
    return _kept(str(scenario.stack_settings().parts)).environment(scenario)


class KeptStack:
    """The stack, started for the first run and anew where a run needs that."""

    def __init__(self) -> None:
        self._shared = SharedStack(Path(tempfile.mkdtemp(prefix="kept-stack-")))
        self._state = ""  # its state file, once there is one

    def environment(self, scenario: Scenario) -> dict[str, str]:
        with self._in_force():
            self._shared.ready_for(scenario)
        return {STATE: self._state}

    def end(self) -> None:
        """End it, if it was started."""
        with self._in_force():
            self._shared.stop()

    @contextmanager
    def _in_force(self) -> Iterator[None]:
        """`SharedStack` tells and hears by this process's environment, where nobody else is to find it."""
        if self._state:
            os.environ[STATE] = self._state
        try:
            yield
        finally:
            self._state = os.environ.pop(STATE, "")


@cache
def _kept(parts: str) -> KeptStack:
    """One for each choice of parts, as only a start can change them."""
    kept = KeptStack()
    atexit.register(kept.end)
    return kept
