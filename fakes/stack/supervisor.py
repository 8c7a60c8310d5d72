"""The life of the bundled stack: everything is started as early as it can be, watched, and ended.

    edge, upstream, supabase ─┐
    Postgres ─▶ schema (─▶ PgBouncer) ─▶ origin-a, origin-b ─▶ every /metrics answers ─▶ edge's /health: 200

A process that ends by itself stays down: it is `up: false` in the state and an event, so that a scenario
sees it; `restart` starts it again on its old port.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from common.secrets.secret import REVEALED, Secret
from fakes.control.process_config import JWKS_PATH, StackConfig
from fakes.control.state import ControlError
from fakes.database.database_clients import FAULTS as DATABASE_FAULTS
from fakes.database.stack_database import StackDatabase
from fakes.http.hop import HopError
from fakes.processes import pids
from fakes.processes.children import Child, PartChild, StartError
from fakes.processes.nursery import Nursery
from fakes.processes.reaper import Reaper
from fakes.processes.sockets import HOST, Address
from fakes.settings import StackSettings
from fakes.stack import programs
from fakes.stack.control_plane import ControlPlane, ProcessClient
from fakes.stack.credentials import Identity
from fakes.stack.kept_events import KeptEvents
from fakes.stack.nanos import Nanos
from fakes.stack.outsiders import OutsideChild, Outsiders

PARTS: Final = tuple(programs.FAKES)
NEED_DATABASE: Final = ("origin-a", "origin-b")
POLL_INTERVAL: Final = 0.1  # seconds between two looks at the children
READY_POLL_INTERVAL: Final = 0.02  # seconds between two questions whether a process is ready
SIGNALS: Final = {
    "KILL": signal.SIGKILL,
    "TERM": signal.SIGTERM,
    "STOP": signal.SIGSTOP,
    "CONT": signal.SIGCONT,
}


class Stack:
    """All processes of one stack. Belongs to the event loop."""

    def __init__(
        self,
        settings: StackSettings,
        protections: tuple[str, ...],
        nursery: Nursery,
        shared_config: Path | None = None,
    ) -> None:
        self.identity, self.reaper = Identity(), Reaper()
        self.folder = Path(tempfile.gettempdir()) / f"mcpist-stack-{token_hex(6)}"
        self.reaper.folder(self.folder)
        self.folder.mkdir(mode=0o711)  # Postgres passes through as another user; files are 0600
        self._life, self._life_end = os.pipe()
        self.addresses = {name: Address(name, settings.ports.get(name, 0)) for name in (*PARTS, "stack")}
        self.database = StackDatabase(settings.database, self.folder, self.reaper)
        self.children: dict[str, Child] = self._children(settings, nursery)
        token = self.identity.control_token
        peers = {name: ProcessClient(name, (HOST, self.addresses[name].port), token) for name in PARTS}
        self.control_plane = ControlPlane(settings, protections, peers, self)
        self.kept_events = KeptEvents(peers)
        self.down: dict[str, str] = {}
        self.frozen: set[str] = set()
        self.events: list[dict[str, Any]] = []
        self.nanos = Nanos(self)
        self.outsiders = Outsiders(self, shared_config)

    def _children(self, settings: StackSettings, nursery: Nursery) -> dict[str, Child]:
        children: dict[str, Child] = {child.name: child for child in self.database.children}
        config = self.folder / "stack.json"
        for name in PARTS:
            if programs.is_outside(name, settings.parts):
                children[name] = OutsideChild(name)
                continue
            command = programs.command(name, settings.parts)
            children[name] = PartChild(
                name, command, self.addresses[name], config, self._life, self.reaper, nursery
            )
        return children

    def pids(self) -> dict[str, int | None]:
        """Every process of ours and its id, None while it is down."""
        ours = {name: child for name, child in self.children.items() if not isinstance(child, OutsideChild)}
        return {"stack": os.getpid(), **{name: child.pid for name, child in ours.items()}}

    # Start

    async def start(self, timeout: float = 60.0) -> None:  # noqa: ASYNC109 - it is named in the error
        """Start everything and wait until it is healthy. Raises StartError."""
        try:
            async with asyncio.timeout(timeout):
                await self._start()
        except TimeoutError:
            raise StartError(f"not healthy within {timeout:g} s: {await self._unready()}") from None

    async def _start(self) -> None:
        programs.check(self.control_plane.settings.parts)
        self.nanos.make()
        self._write_config(None)
        early = [name for name in PARTS if name not in NEED_DATABASE]
        for name in early:
            self.children[name].start()
        await self.database.start()
        self._write_config(self.database.gateway_dsn)
        for name in NEED_DATABASE:
            self.children[name].start()
        await asyncio.gather(*map(self._ready, PARTS))
        await self._healthy()

    def _write_config(self, dsn: str | None) -> None:
        config = StackConfig(
            settings=self.control_plane.settings, protections=self.control_plane.protections,
            addresses={name: (HOST, address.port) for name, address in self.addresses.items()},
            control_token=Secret(self.identity.control_token),
            gateway_secret=Secret(self.identity.gateway_secret),
            issuer=self.identity.signing.issuer, jwks=self.identity.signing.jwks(),
            jwks_url=self.addresses["supabase"].base_url + JWKS_PATH,
            signing_key=Secret(self.identity.signing.key), db_dsn=None if dsn is None else Secret(dsn),
        )  # fmt: skip
        for path in filter(None, (self.folder / "stack.json", self.outsiders.config)):
            write_private(path, config.model_dump_json(context=REVEALED))

    async def _ready(self, name: str) -> None:
        while not await self._answers(name):
            ended = self.children[name].ended()
            if ended is not None:
                raise StartError(f"{name} {ended}")
            await asyncio.sleep(READY_POLL_INTERVAL)
        await self.control_plane.learn(name)

    async def _answers(self, name: str, path: bytes = b"/metrics") -> bool:
        try:
            return await self.control_plane.peers[name].get(path) == 200
        except HopError:
            return False

    async def _healthy(self) -> None:
        while not await self._answers("edge", b"/health"):
            self.note_ended()
            if self.down:
                raise StartError("; ".join(f"{name} {how}" for name, how in self.down.items()))
            await asyncio.sleep(READY_POLL_INTERVAL)

    async def _unready(self) -> str:
        silent = [name for name in PARTS if not await self._answers(name)]
        return f"no answer from {', '.join(silent)}" if silent else "the edge's /health is not 200"

    # Watch

    async def watch(self) -> None:
        """Look at the children, and tell those what is in force that did not hear it, until cancelled."""
        await asyncio.gather(self._watch_ends(), self._catch_up())

    async def _watch_ends(self) -> None:
        while True:
            self.note_ended()
            await asyncio.sleep(POLL_INTERVAL)

    async def _catch_up(self) -> None:
        """Beside the other: one that does not answer takes seconds, and no end is noticed later for it."""
        while True:
            for name in self.control_plane.stale - self.down.keys() - self.frozen:
                await self.control_plane.catch_up(name)
            await asyncio.sleep(POLL_INTERVAL)

    def note_ended(self) -> None:
        """Note every child that ended since the last look."""
        for name, child in self.children.items():
            ended = child.ended()
            if ended is not None and name not in self.down:
                self.down[name] = ended
                self.note("state", name, {"up": False, "how": ended})
                self.nanos.ended(name)

    def note(self, kind: str, name: str, detail: Mapping[str, Any]) -> None:
        """Remember an event; `monotonic` is time.monotonic()."""
        self.events.append(
            {"monotonic": time.monotonic(), "kind": kind, "name": name, "detail": dict(detail)}
        )
        print(f"stack: {kind} {name} {dict(detail)}", file=sys.stderr)

    # Kill and restart

    def kill(self, name: str, number: int) -> None:
        """Send a process a signal."""
        child = self._child(name)
        if child.pid is None:
            raise ControlError(f"process: {name} is down, or in a container; allowed: a process that runs")
        child.send(number)
        if number in (signal.SIGSTOP, signal.SIGCONT):
            (self.frozen.add if number == signal.SIGSTOP else self.frozen.discard)(name)
            self.control_plane.stale.update({name} & self.control_plane.peers.keys())
        self.note("control", "kill", {"process": name, "signal": signal.Signals(number).name})

    async def restart(self, name: str, timeout: float = 30.0) -> None:  # noqa: ASYNC109
        """Start a process again, ending it first if it runs; returns when it answers."""
        child = self._child(name)
        if child.pid is not None:
            child.send(signal.SIGKILL)
            while child.ended() is None:  # noqa: ASYNC110 - nobody tells of an end
                await asyncio.sleep(READY_POLL_INTERVAL)
        self.note_ended()
        self._write_config(self.database.gateway_dsn)
        try:
            async with asyncio.timeout(timeout):
                await self._start_again(name, child)
        except (TimeoutError, StartError, RuntimeError) as error:
            raise ControlError(f"process: {name} did not come back: {error}") from None
        self.note("state", name, {"up": True})

    async def _start_again(self, name: str, child: Child) -> None:
        await asyncio.to_thread(child.start)
        self.down.pop(name, None)
        self.frozen.discard(name)
        if name in self.control_plane.peers:
            await self._ready(name)
            self.control_plane.stale.add(name)

    def _child(self, name: str) -> Child:
        if name not in self.children:
            raise ControlError(f"process: unknown {name!r}; allowed: {', '.join(self.children)}")
        return self.children[name]

    async def begin(self, fault: Mapping[str, Any]) -> None:
        """Make one of the supervisor's own faults true."""
        if fault["fault"] in DATABASE_FAULTS:
            await self.database.clients.begin(fault)
            return
        self.kill(str(fault.get("target")), OWN_SIGNALS[fault["fault"]])

    def observed(self, fault: Mapping[str, Any]) -> int:
        """How much of one of the supervisor's own faults can be seen now; see `fakes.faults`."""
        if fault["fault"] in DATABASE_FAULTS:
            return self.database.clients.holding(fault)
        self.note_ended()
        name = str(fault["target"])
        pid = self.children[name].pid
        if fault["fault"] == "process-down":
            return int(name in self.down)
        return int(pid is not None and pids.stopped(pid))

    async def end(self, fault: Mapping[str, Any]) -> None:
        """Undo it."""
        if fault["fault"] in DATABASE_FAULTS:
            await self.database.clients.end(fault)
            return
        name = str(fault["target"])
        if fault["fault"] == "process-down":
            await self.restart(name)
        elif name in self.frozen:
            self.kill(name, signal.SIGCONT)

    # End

    def stop(self) -> bool:
        """End every process and remove the folder; False if something withstood."""
        os.close(self._life_end)
        for child in self.children.values():
            child.stop()
        for address in self.addresses.values():
            address.close()
        if self.outsiders.config is not None:
            self.outsiders.config.unlink(missing_ok=True)
        if not self.reaper.finish():  # it was killed, or something withstood it
            shutil.rmtree(self.folder, ignore_errors=True)
        return not self.folder.exists()


OWN_SIGNALS: Final = {"process-down": signal.SIGKILL, "process-frozen": signal.SIGSTOP}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".new")
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    partial.replace(path)
