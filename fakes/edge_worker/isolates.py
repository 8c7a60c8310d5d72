"""The Worker's isolates as workerd processes.

    one      each process that clients reach serves by itself
    several  it hands each request to one of them, picked evenly at random; each is a workerd of its own, with
             its own memory and its own place in KV

All share KV alone. An isolate that is taken away drains; a new one begins empty. Clients reach the first
process, and its siblings at the port where one has too few open files for a run's calls (`siblings.py`): of
one isolate, each of these that takes calls is one of its own, in the first one's place of KV.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from fakes.edge_worker import totals, workerd
from fakes.edge_worker.beside import Beside
from fakes.edge_worker.kv_connection import Operations
from fakes.edge_worker.siblings import Siblings
from fakes.edge_worker.workerd import Worker
from fakes.processes.sockets import HOST

HELD: Final = "mcpist_burst_entries"


class WorkerIsolates:
    """The first process, its siblings, and as many isolates as told. `kv_of(place)` is KV as one has it."""

    def __init__(
        self,
        front: Worker,
        siblings: Siblings,
        token: str,
        doors_port: int,
        kv_of: Callable[[int], Operations],
    ) -> None:
        self.front, self.siblings = front, siblings
        self._token, self._doors, self._kv_of = token, doors_port, kv_of
        self._more: list[Beside] = []
        self._ended: dict[str, float] = {}
        self._cpu_ended = 0.0

    def __len__(self) -> int:
        """Those that serve, or did since reset."""
        return len(self._more) or self.siblings.used

    @property
    def urls(self) -> list[str]:
        """Where the isolates beside the first take calls."""
        return [f"http://{HOST}:{workerd.port_of(isolate.calls)}" for isolate in self._more]

    @property
    def workers(self) -> list[Worker]:
        """Every process that may serve, the first one first."""
        return [self.front, *(one.worker for one in self._beside())]

    def _beside(self) -> list[Beside]:
        return [*self.siblings.let_in, *self._more]

    async def resize(self, count: int) -> list[Beside]:
        """Be at least `count`; gives those that are too many, to be ended once nobody hands them calls."""
        wanted = count if count > 1 else 0
        while len(self._more) < wanted:
            place = len(self._more) + 1
            calls, kv = workerd.listening(), self._kv_of(place)
            self._more.append(await Beside.start(f"isolate-{place}", calls, kv, self._doors, self._token))
        over = self._more[wanted:]
        del self._more[wanted:]
        return over

    async def end(self, isolate: Beside) -> None:
        """Let it drain; its totals stay, what it held goes with it."""
        self._ended = totals.added((self._ended, await isolate.worker.figures()))
        self._ended.pop(HELD, None)
        self._cpu_ended += isolate.cpu()
        await isolate.end()

    async def put(self, state: dict[str, Any]) -> None:
        """Put this in force everywhere: first where others hand calls to."""
        for place, isolate in reversed(list(enumerate(self._more, 1))):
            await _put(isolate.worker, {**state, "place": place, "peers": []})
        for sibling in self.siblings.let_in:
            await self.put_at(sibling.worker, state)
        await self.put_at(self.front, state)

    async def put_at(self, door: Worker, state: dict[str, Any]) -> None:
        """Put this in force in one of the processes that clients reach."""
        await _put(door, {**state, "place": 0, "peers": self.urls})

    async def reset(self) -> None:
        """All forget their counts, keys and figures."""
        self._ended = {}
        self.siblings.forget()
        await asyncio.gather(*(worker.reset() for worker in self.workers))

    async def figures(self) -> dict[str, float]:
        """The sum of what all of them counted since reset."""
        return totals.added((self._ended, *await asyncio.gather(*(one.figures() for one in self.workers))))

    def cpu(self) -> float:
        """CPU seconds of all of them since they began to serve."""
        return self._cpu_ended + self.front.cpu() + sum(one.cpu() for one in self._beside())

    def dead(self) -> str | None:
        """How one of them ended by itself, None while all run."""
        ends = (one.dead() for one in (*self.siblings.all, *self._more))
        return next((how for how in ends if how is not None), None)


async def _put(worker: Worker, state: dict[str, Any]) -> None:
    """Request ids that are made there are nobody else's: each process counts its own."""
    await worker.put({**state, "run": f"{state['run']}-{worker.pid:x}"})
