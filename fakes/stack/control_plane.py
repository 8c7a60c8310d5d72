"""The one control state of the whole stack, and its way to every process.

What is in force is held here, and each process is told its share. One that gave no answer (down, frozen,
overloaded) is `stale` until `catch_up` has told it everything. A command is checked before anything is
sent, so it is obeyed as a whole or refused with a ControlError. A fault goes to the processes that know
it by name; a fault whose `target` is the name of a process goes to that process alone. These faults are
the supervisor's own:
    process-down    target: a process; kill -9 now, started again when the fault is cleared
    process-frozen  target: a process; SIGSTOP now, SIGCONT when the fault is cleared
    db-row-lock, db-idle-transaction    clients beside the gateway: see `fakes.database.database_clients`
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

import msgspec
from pydantic import ValidationError

from common.merge import merged
from common.protections import check_names
from fakes.control.process_config import first_complaint
from fakes.control.state import ControlError
from fakes.database import database_clients
from fakes.http.hop import Hop, HopError
from fakes.settings import StackSettings

TIMEOUT: Final = 5.0  # seconds that a process may take to obey
EFFECTS_TIMEOUT: Final = 1.0  # seconds that it may take to tell what a fault did
OWN_FAULTS: Final = ("process-down", "process-frozen", *database_clients.FAULTS)


class FaultExecutor(Protocol):
    """Who carries out the supervisor's own faults."""

    async def begin(self, fault: Mapping[str, Any]) -> None:
        """Make the fault true; raises ControlError."""

    def observed(self, fault: Mapping[str, Any]) -> int:
        """How much of it can be seen now."""

    async def end(self, fault: Mapping[str, Any]) -> None:
        """Undo it."""


class ProcessClient:
    """A client of the control endpoint of one process."""

    def __init__(self, name: str, address: tuple[str, int], token: str) -> None:
        self.name = name
        self._hop = Hop(*address)
        self._token = (b"x-control-token", token.encode())
        self.known_faults: frozenset[str] = frozenset()

    async def ask(
        self, command: str, body: Mapping[str, Any] | None = None, timeout_s: float = TIMEOUT
    ) -> dict[str, Any]:
        """Give a command (None: a question); raises ControlError or HopError."""
        method, path = (b"GET" if body is None else b"POST"), f"/_control/{command}".encode()
        encoded = b"" if body is None else msgspec.json.encode(body)
        reply = await self._hop.request(method, path, (self._token,), encoded, timeout_s)
        answer = msgspec.json.decode(reply.body, type=dict[str, Any])
        if reply.status != 200:
            raise ControlError(f"{self.name}: {answer.get('error', reply.status)}")
        return answer

    async def get(self, path: bytes) -> int:
        """The status of a plain GET; raises HopError."""
        return (await self._hop.request(b"GET", path, (), b"", TIMEOUT)).status


class ControlPlane:
    """Protections, settings and faults in force. Commands run one after the other."""

    def __init__(
        self,
        settings: StackSettings,
        protections: tuple[str, ...],
        peers: Mapping[str, ProcessClient],
        executor: FaultExecutor,
    ) -> None:
        self.settings, self.protections = settings, protections
        self.faults: list[dict[str, Any]] = []
        self.stale: set[str] = set()
        self.peers, self._executor = peers, executor
        self._numbers = itertools.count(1)
        self._turn = asyncio.Lock()

    async def put_protections(self, names: object) -> None:
        """Put exactly these protections in force."""
        async with self._turn:
            self.protections = _names(names)
            await self._everyone("protections", {"names": self.protections})

    async def put_settings(self, part: Mapping[str, Any]) -> None:
        """Merge a part of the settings tree into those in force."""
        async with self._turn:
            self.settings = _settings(self.settings, part)
            await self._everyone("settings", part)

    async def reset(self) -> None:
        """Counters, windows, quotas and peaks of every process."""
        async with self._turn:
            await self._everyone("reset", {})

    async def add_fault(self, fault: Mapping[str, Any]) -> str:
        """Put one more fault in force; gives its id."""
        async with self._turn:
            new = {"fault": None, **fault, "id": str(fault.get("id") or f"fault-{next(self._numbers)}")}
            takers = self._takers(new)
            if any(other["id"] == new["id"] for other in self.faults):
                raise ControlError(f"faults: the id {new['id']!r} is in force; allowed: another one")
            await self._put_in_force([*self.faults, new], takers, new)
            return str(new["id"])

    async def clear_fault(self, fault_id: str) -> int:
        """Undo one fault; how often its effect was observed while it was in force."""
        async with self._turn:
            fault = self._by_id(fault_id)
            observed = await self._observed(fault)
            await self._clear([fault])
            return observed

    async def clear_faults(self) -> None:
        """Undo every fault."""
        async with self._turn:
            await self._clear(self.faults)

    async def catch_up(self, name: str) -> None:
        """Tell a process what is in force, because it came back or did not answer before."""
        async with self._turn:
            self.stale.discard(name)
            await self._reach(self.peers[name], self._tell_all(self.peers[name]))

    async def learn(self, name: str) -> None:
        """Ask a process which faults it knows."""
        self.peers[name].known_faults = frozenset((await self.peers[name].ask("state"))["known_faults"])

    def allowed_faults(self) -> list[str]:
        """Every fault that some process knows."""
        return sorted({*OWN_FAULTS, *itertools.chain(*(peer.known_faults for peer in self.peers.values()))})

    def _by_id(self, fault_id: str) -> dict[str, Any]:
        for fault in self.faults:
            if fault["id"] == fault_id:
                return fault
        allowed = ", ".join(fault["id"] for fault in self.faults) or "none is in force"
        raise ControlError(f"faults: unknown id {fault_id!r}; allowed: {allowed}")

    def _takers(self, fault: Mapping[str, Any]) -> list[ProcessClient]:
        if fault["fault"] in OWN_FAULTS:
            return []
        takers = [peer for peer in self.peers.values() if self._concerns(fault, peer)]
        if not takers:
            allowed = ", ".join(self.allowed_faults())
            where = f" at {fault['target']!r}" if fault.get("target") in self.peers else ""
            raise ControlError(f"faults: unknown fault {fault.get('fault')!r}{where}; allowed: {allowed}")
        return takers

    async def _observed(self, fault: Mapping[str, Any]) -> int:
        """The owners' own counts, and the ends of processes that the fault is for: they count no more."""
        if fault["fault"] in OWN_FAULTS:
            return self._executor.observed(fault)
        owners = [peer for peer in self.peers.values() if self._concerns(fault, peer)]
        return sum([await self._effects(peer, fault) for peer in owners])

    async def _effects(self, peer: ProcessClient, fault: Mapping[str, Any]) -> int:
        try:
            said = await peer.ask("state", timeout_s=EFFECTS_TIMEOUT)
        except HopError:
            return int(fault["fault"] == "origin-exit")
        return int(said.get("effects", {}).get(fault["id"], 0))

    async def _put_in_force(
        self, faults: list[dict[str, Any]], takers: list[ProcessClient], new: dict[str, Any]
    ) -> None:
        before, self.faults = self.faults, faults
        try:
            if new["fault"] in OWN_FAULTS:
                await self._executor.begin(new)
            for peer in takers:
                await self._reach(peer, self._tell_faults(peer))
        except ControlError:
            self.faults = before
            for peer in takers:
                await self._reach(peer, self._tell_faults(peer))
            raise

    async def _clear(self, gone: list[dict[str, Any]]) -> None:
        """Only who had them is told: a frozen process holds up no other fault's end, nor its own."""
        self.faults = [fault for fault in self.faults if fault not in gone]
        had = [peer for peer in self.peers.values() if any(self._concerns(fault, peer) for fault in gone)]
        await asyncio.gather(*(self._reach(peer, self._tell_faults(peer)) for peer in had))
        for fault in gone:
            if fault["fault"] in OWN_FAULTS:
                await self._executor.end(fault)

    async def _tell_all(self, peer: ProcessClient) -> None:
        await peer.ask("settings", self.settings.model_dump(mode="json"))
        await peer.ask("protections", {"names": self.protections})
        await self._tell_faults(peer)

    async def _tell_faults(self, peer: ProcessClient) -> None:
        faults = [fault for fault in self.faults if self._concerns(fault, peer)]
        await peer.ask("faults", {"faults": faults})

    def _concerns(self, fault: Mapping[str, Any], peer: ProcessClient) -> bool:
        elsewhere = fault.get("target") in self.peers and fault["target"] != peer.name
        return fault["fault"] in peer.known_faults and not elsewhere

    async def _everyone(self, command: str, body: Mapping[str, Any]) -> None:
        peers = self.peers.values()
        results = await asyncio.gather(
            *(self._reach(peer, peer.ask(command, body)) for peer in peers), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _reach(self, peer: ProcessClient, told: Awaitable[Any]) -> None:
        try:
            await told
        except HopError:
            self.stale.add(peer.name)


def _names(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ControlError("names: allowed: a list of protections' names")
    try:
        return check_names(names)
    except ValueError as error:
        raise ControlError(str(error)) from None


def _settings(now: StackSettings, part: Mapping[str, Any]) -> StackSettings:
    try:
        settings = StackSettings.model_validate(merged(now.model_dump(), part))
    except ValidationError as error:
        raise ControlError(f"settings: {first_complaint(error)}") from None
    if (name := now.fixed_change(settings)) is not None:
        raise ControlError(f"settings: {name}: allowed: only at the start of the stack")
    return settings
