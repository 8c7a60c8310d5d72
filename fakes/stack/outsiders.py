"""Real origins in containers of their own: others start, hold and restart them (`parts.nano: container`).

The supervisor has no process of theirs to watch. It asks each which instance it is: one that gives no answer
is down, and one that is back under another name is told what is in force, as after any restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from fakes.control.state import ControlError
from fakes.http.hop import HopError
from fakes.processes.children import Child
from fakes.stack.control_plane import ControlPlane

INTERVAL: Final = 0.5  # seconds between two looks
TIMEOUT: Final = 5.0  # a nano whose CPU is full is late, not gone


class OutsideChild:
    """What runs elsewhere: it is reached at its address, and that is all."""

    pid = None

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self) -> None:
        """Others do that."""

    def send(self, number: int) -> None:
        """There is no process of ours to send a signal to."""

    def ended(self) -> str | None:
        """Not known here."""
        return None

    def stop(self) -> None:
        """Others do that."""


class OutsideHost(Protocol):
    """What is needed of the supervisor."""

    children: dict[str, Child]
    control_plane: ControlPlane
    down: dict[str, str]

    def note(self, kind: str, name: str, detail: Mapping[str, Any]) -> None:
        """Remember an event."""


class Outsiders:
    """All of them. `config` is where the stack's configuration is written for them too."""

    def __init__(self, stack: OutsideHost, config: Path | None) -> None:
        self._stack, self.config = stack, config
        self._instances: dict[str, str | None] = {}

    @property
    def names(self) -> list[str]:
        """Those of the stack's processes that run elsewhere."""
        return [name for name, child in self._stack.children.items() if isinstance(child, OutsideChild)]

    async def watch(self) -> None:
        """Look at them until cancelled."""
        while self.names:
            await asyncio.gather(*map(self._look, self.names))
            await asyncio.sleep(INTERVAL)

    async def _look(self, name: str) -> None:
        before, now = self._instances.get(name), await self._instance(name)
        known = name in self._instances
        self._instances[name] = now
        if not known or now == before:
            return
        if now is None:
            self._stack.down[name] = "gives no answer"
        else:
            self._stack.down.pop(name, None)
            self._stack.control_plane.stale.add(name)
        self._stack.note("state", name, {"up": now is not None})

    async def _instance(self, name: str) -> str | None:
        try:
            said = await self._stack.control_plane.peers[name].ask("state", timeout_s=TIMEOUT)
        except (HopError, ControlError):
            return None
        return str(said.get("instance"))
