"""The instances that real origins run in: a cgroup each, what it counted, and a restart after a kill.

The kernel kills an instance that goes over its memory; `nano.restart` seconds after that it is started again,
as Koyeb does. Every other end is final, as it is for any process of the stack. `nano.memory_limit`,
`nano.cpu_share` and `nano.cpu_enforced` may change while it runs. With `parts.nano: unlimited` there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from fakes.control.state import ControlError
from fakes.processes.available_cgroup import find
from fakes.processes.cgroup import Cgroup, CgroupError, CgroupFigures, CgroupLimits
from fakes.processes.children import Child, PartChild, StartError
from fakes.processes.reaper import Reaper
from fakes.settings import NanoSettings
from fakes.stack import programs
from fakes.stack.control_plane import ControlPlane


class NanoHost(Protocol):
    """What is needed of the supervisor."""

    folder: Path
    reaper: Reaper
    children: dict[str, Child]
    control_plane: ControlPlane
    down: dict[str, str]

    async def restart(self, name: str) -> None:
        """Start a process again; raises ControlError."""

    def note(self, kind: str, name: str, detail: Mapping[str, Any]) -> None:
        """Remember an event."""


class Nanos:
    """All of them, by the name of their process. Belongs to the event loop."""

    def __init__(self, stack: NanoHost) -> None:
        self._stack = stack
        self._cgroups: dict[str, Cgroup] = {}
        self._kills: dict[str, float] = {}
        self._restarts: set[asyncio.Task[None]] = set()

    def make(self) -> None:
        """Make a cgroup for every real origin, if any. Raises StartError."""
        settings = self._stack.control_plane.settings
        try:
            if settings.parts.origin == "real" and settings.parts.nano == "cgroup":
                for name, child in self._stack.children.items():
                    if isinstance(child, PartChild) and programs.part(name) == "origin":
                        self._cgroups[name] = child.cgroup = self._made(name, settings.nano)
        except CgroupError as error:
            allowed = "NANO=unlimited, which measures no nano"
            raise StartError(f"NANO: {error}; allowed: {allowed}") from None

    def _made(self, name: str, nano: NanoSettings) -> Cgroup:
        cgroup = find(f"{self._stack.folder.name}-{name}")
        self._stack.reaper.cgroup(cgroup.folders)
        cgroup.make(_limits(nano))
        return cgroup

    def configure(self, nano: NanoSettings) -> None:
        """Put new limits in force. Raises ControlError."""
        try:
            for cgroup in self._cgroups.values():
                cgroup.limit(_limits(nano))
        except CgroupError as error:
            raise ControlError(f"settings: nano: {error}") from None

    def figures(self) -> Mapping[str, CgroupFigures]:
        """What each counted so far."""
        found = {name: cgroup.figures() for name, cgroup in self._cgroups.items()}
        return {name: figures for name, figures in found.items() if figures is not None}

    def reset(self) -> None:
        """Start the peaks anew."""
        for cgroup in self._cgroups.values():
            cgroup.forget_peak()

    def ended(self, name: str) -> None:
        """A process ended: where the kernel killed it for its memory, its restart is due."""
        figures = self.figures().get(name)
        if figures is None or figures.oom_kills <= self._kills.get(name, 0.0):
            return
        self._kills[name] = figures.oom_kills
        self._note(name, to="killed", limit="memory")
        task = asyncio.get_running_loop().create_task(self._restart(name))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart(self, name: str) -> None:
        await asyncio.sleep(self._stack.control_plane.settings.nano.restart)
        if name in self._stack.down:  # nobody else has started it meanwhile
            try:
                await self._stack.restart(name)
            except ControlError as error:
                self._note(name, to="lost", why=str(error))
            else:
                self._note(name, to="running")

    def _note(self, name: str, **detail: Any) -> None:
        self._stack.note("state", "nano", {"origin": name, **detail})


def _limits(nano: NanoSettings) -> CgroupLimits:
    return CgroupLimits(nano.memory_limit, nano.cpu_share if nano.cpu_enforced else None)
