"""One bundled stack for the runs of a suite: started once, put into each run's settings by its control API.

A run attaches to it by its state file (`fakes.stack.attach`, `STACK_STATE`). It is started anew where a
scenario needs what only a start can set, and where the run before left it unwell; `ready_for` says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from fakes.settings import StackSettings
from fakes.stack.attach import STATE, unready
from fakes.stack.handle import StackError, StackHandle
from fakes.stack.start import start_stack
from scenarios.schema import Scenario

__all__ = ["SharedStack", "StackError", "unwell"]
Start = Callable[..., StackHandle]  # as `start_stack`
WELL: Final = {"state": "primary", "origins": {"origin-a": "up", "origin-b": "up"}}


class SharedStack:
    """The stack of a suite, its files in `folder`. Runs find it by the environment variable STACK_STATE."""

    def __init__(self, folder: Path, start: Start = start_stack) -> None:
        self._folder, self._start = folder, start
        self._handle: StackHandle | None = None
        self._settings: StackSettings | None = None
        self._given = STATE in os.environ  # somebody else's stack: it is used as it is

    def ready_for(self, scenario: Scenario, owned: str | None = None) -> str:
        """Have a stack that the scenario can run against; what was done for it. Raises StackError.

        `owned`: as of `start_stack`.
        """
        if self._given:
            return f"using the stack of {os.environ[STATE]}"
        settings = scenario.stack_settings()
        why = self._why_not(settings)
        if not why:
            return ""
        self.stop()
        handle = self._start(settings, sorted(scenario.choice.names), self._folder / "stack.log", owned=owned)
        self._handle, self._settings = handle, settings
        os.environ[STATE] = str(self._write_state(handle))
        return f"{why}: the stack is started"

    def stop(self) -> None:
        """End the stack, if one runs. Raises StackError."""
        handle, self._handle = self._handle, None
        if handle is not None:
            del os.environ[STATE]
            (self._folder / "stack-state.json").unlink(missing_ok=True)
            handle.stop()

    def _why_not(self, settings: StackSettings) -> str:
        """Why the stack that runs will not do; "" if it will."""
        if self._handle is None or self._settings is None:
            return "first run"
        if (name := self._settings.fixed_change(settings)) is not None:
            return f"{name} can only be set at a start"
        try:
            state = self._handle.state()
        except StackError as error:
            return str(error)
        name = settings.left_over(state["settings"])
        return unwell(state) if name is None else f"{name} is in force and can only be left out at a start"

    def _write_state(self, handle: StackHandle) -> Path:
        """Readable by its owner alone: it holds keys."""
        state = {
            "base_url": handle.base_url,
            "metrics": handle.metrics,
            "control_url": handle.control_url,
            "control_token": handle.control_token,
            "signing": {
                name: getattr(handle.signing, name) for name in ("key", "kid", "issuer", "algorithm")
            },
            "pids": handle.pids,
        }
        file = self._folder / "stack-state.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(state))
        return file


def unwell(state: Mapping[str, Any]) -> str:
    """What a stack's own state says against using it again; "" for nothing."""
    if said := unready(state):
        return said
    balancer = state["processes"].get("edge", {}).get("own", {}).get("lb", WELL)
    return "" if balancer == WELL else f"the balancer is in state {balancer['state']}"
