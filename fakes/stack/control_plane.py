"""The one control state of the whole stack, and its way to every process.

What is in force is held here, and each process is told its share. One that gave no answer (down, frozen,
overloaded) is `stale` until `catch_up` has told it everything, a reset that it missed among it. A command is
checked before anything is sent, so it is obeyed as a whole or refused with a ControlError. A fault goes to
the processes that know it by name; a fault whose `target` is the name of a process goes to that process
alone. These faults are the supervisor's own:
    process-down    target: a process; kill -9 now, started again when the fault is cleared
    process-frozen  target: a process; SIGSTOP now, SIGCONT when the fault is cleared
    db-row-lock, db-idle-transaction    clients beside the gateway: see `fakes.database.database_clients`
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec
from pydantic import ValidationError

from common.merge import merged
from common.protections import check_names
from fakes.control.process_config import first_complaint
from fakes.control.state import ControlError
from fakes.database import database_clients
from fakes.http.hop import Hop, HopError, HopTimeout
from fakes.settings import StackSettings

TIMEOUT: Final = 5.0  # seconds that a process may take to obey
OWN_FAULTS: Final = ("process-down", "process-frozen", *database_clients.FAULTS)
T = TypeVar("T")


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
        self._missed_reset: set[str] = set()
        self.peers, self._executor = peers, executor
        self._numbers = itertools.count(1)
        self._turn = asyncio.Lock()

    async def put_protections(self, names: object) -> None:
        """Put exactly these protections in force."""
        async with self._turn:
            self.protections = _names(names)
            await self._everyone(lambda peer: peer.ask("protections", {"names": self.protections}))

    async def put_settings(self, part: Mapping[str, Any]) -> None:
        """Merge a part of the settings tree into those in force."""
        async with self._turn:
            self.settings = _settings(self.settings, part)
            await self._everyone(lambda peer: peer.ask("settings", part))

    async def reset(self) -> None:
        """Counters, windows, quotas and peaks of every process."""
        async with self._turn:
            self._missed_reset = set(self.peers)
            await self._everyone(self._reset)

    async def add_fault(self, fault: Mapping[str, Any]) -> str:
        """Put one more fault in force; gives its id."""
        async with self._turn:
            new = {"fault": None, **fault, "id": str(fault.get("id") or f"fault-{next(self._numbers)}")}
            takers = self._takers(new)
            if any(other["id"] == new["id"] for other in self.faults):
                raise ControlError(f"faults: the id {new['id']!r} is in force; allowed: another one")
            await self._put_in_force([*self.faults, new], takers, new)
            return str(new["id"])

    async def clear_fault(self, fault_id: str) -> int | None:
        """Undo one fault; how often its effect was observed while it was in force, None if nobody can tell.

        It is lifted first: a busy owner that takes its time to count makes no fault longer.
        """
        async with self._turn:
            fault = self._by_id(fault_id)
            own = fault["fault"] in OWN_FAULTS
            observed = self._executor.observed(fault) if own else None
            told = await self._clear([fault])
            return observed if own else _observed(fault, told)

    async def clear_faults(self) -> None:
        """Undo every fault."""
        async with self._turn:
            await self._clear(self.faults)

    async def catch_up(self, name: str) -> None:
        """Tell a process what is in force, because it came back or did not answer before."""
        async with self._turn:
            self.stale.discard(name)
            peer = self.peers[name]
            if name in self._missed_reset:
                await self._reach(peer, self._reset(peer))
            if name not in self.stale:
                await self._reach(peer, self._tell_all(peer))

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

    async def _clear(self, gone: list[dict[str, Any]]) -> list[dict[str, Any] | HopError]:
        """What each process said that had one of them; no other is asked, as a frozen one does not answer.

        One of the supervisor's own that cannot be ended stays in force, and those behind it are ended.
        """
        own = [fault for fault in gone if fault["fault"] in OWN_FAULTS]
        self.faults = [fault for fault in self.faults if fault not in gone or fault in own]
        had = [peer for peer in self.peers.values() if any(self._concerns(fault, peer) for fault in gone)]
        told = await asyncio.gather(*(self._reach(peer, self._tell_faults(peer)) for peer in had))
        failed = await self._end(own)
        if failed:  # perhaps for want of one that has ended since
            failed = await self._end([fault for fault, _ in failed])
        if failed:
            raise failed[0][1]
        return told

    async def _end(self, own: list[dict[str, Any]]) -> list[tuple[dict[str, Any], ControlError]]:
        failed = []
        for fault in own:
            try:
                await self._executor.end(fault)
            except ControlError as error:
                failed.append((fault, error))
            else:
                self.faults.remove(fault)
        return failed

    async def _reset(self, peer: ProcessClient) -> None:
        await peer.ask("reset", {})
        self._missed_reset.discard(peer.name)

    async def _tell_all(self, peer: ProcessClient) -> None:
        await peer.ask("settings", self.settings.model_dump(mode="json"))
        await peer.ask("protections", {"names": self.protections})
        await self._tell_faults(peer)

    async def _tell_faults(self, peer: ProcessClient) -> dict[str, Any]:
        faults = [fault for fault in self.faults if self._concerns(fault, peer)]
        return await peer.ask("faults", {"faults": faults})

    def _concerns(self, fault: Mapping[str, Any], peer: ProcessClient) -> bool:
        elsewhere = fault.get("target") in self.peers and fault["target"] != peer.name
        return fault["fault"] in peer.known_faults and not elsewhere

    async def _everyone(self, tell: Callable[[ProcessClient], Awaitable[Any]]) -> None:
        peers = self.peers.values()
        results = await asyncio.gather(
            *(self._reach(peer, tell(peer)) for peer in peers), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, HopError):
                raise result

    async def _reach(self, peer: ProcessClient, told: Awaitable[T]) -> T | HopError:
        """What it answered, or how it did not: then it is stale."""
        try:
            return await told
        except HopError as error:
            self.stale.add(peer.name)
            return error


def _observed(fault: Mapping[str, Any], told: Iterable[dict[str, Any] | HopError]) -> int | None:
    """By the owners' own counts, and the ends of processes that the fault is for: they count no more."""
    silent, seen = False, 0
    for answer in told:
        if isinstance(answer, HopTimeout):
            silent = True
        elif isinstance(answer, HopError):
            seen += fault["fault"] == "origin-exit"
        else:
            seen += int(answer.get("effects", {}).get(fault["id"], 0))
    return None if silent and not seen else seen


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
