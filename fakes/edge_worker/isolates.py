"""The Worker's isolates as workerd processes.

    one      the process that clients reach serves by itself
    several  that process hands each request to one of them, picked evenly at random; each is a workerd of its
             own, with its own memory and its own place in KV

All share KV alone. An isolate that is taken away drains; a new one begins empty.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common.secrets.environment import minimal
from fakes.edge_worker import kv_connection, totals, workerd
from fakes.edge_worker.kv_connection import Operations
from fakes.edge_worker.workerd import Worker
from fakes.processes.sockets import HOST


@dataclass(slots=True)
class IsolateProcess:
    """One workerd beside the first; `url` is where it takes calls."""

    worker: Worker
    process: subprocess.Popen[bytes]
    kv: asyncio.Server
    url: str


class WorkerIsolates:
    """The first process, and as many more as told. `kv_of(place)` is KV as one of them has it."""

    def __init__(
        self, front: Worker, token: str, doors_port: int, kv_of: Callable[[int], Operations]
    ) -> None:
        self.front, self._token, self._doors, self._kv_of = front, token, doors_port, kv_of
        self._more: list[IsolateProcess] = []
        self._ended: dict[str, float] = {}
        self._cpu_ended = 0.0

    def __len__(self) -> int:
        return len(self._more) or 1

    @property
    def urls(self) -> list[str]:
        """Where the isolates beside the first take calls."""
        return [isolate.url for isolate in self._more]

    @property
    def workers(self) -> list[Worker]:
        """Every process, the first one first."""
        return [self.front, *(isolate.worker for isolate in self._more)]

    async def resize(self, count: int) -> list[IsolateProcess]:
        """Be at least `count`; gives those that are too many, to be ended once nobody hands them calls."""
        wanted = count if count > 1 else 0
        while len(self._more) < wanted:
            self._more.append(await self._start(len(self._more) + 1))
        over = self._more[wanted:]
        del self._more[wanted:]
        return over

    async def end(self, isolate: IsolateProcess) -> None:
        """Let it drain; its totals stay."""
        self._ended = totals.added((self._ended, await isolate.worker.figures()))
        self._cpu_ended += isolate.worker.cpu()
        isolate.process.terminate()
        await asyncio.to_thread(isolate.process.wait)
        isolate.worker.close()
        isolate.kv.close()

    async def put(self, state: dict[str, Any]) -> None:
        """Put this in force everywhere: the first process last, as it hands calls to the others."""
        for place, worker in reversed(list(enumerate(self.workers))):
            await worker.put({**state, "place": place, "peers": [] if place else self.urls})

    async def reset(self) -> None:
        """All forget their counts, keys and figures."""
        self._ended = {}
        await asyncio.gather(*(worker.reset() for worker in self.workers))

    async def figures(self) -> dict[str, float]:
        """The sum of what all of them counted since reset."""
        return totals.added((self._ended, *await asyncio.gather(*(one.figures() for one in self.workers))))

    def cpu(self) -> float:
        """CPU seconds of all of them since they began."""
        return self._cpu_ended + sum(worker.cpu() for worker in self.workers)

    def dead(self) -> str | None:
        """How one of them ended by itself, None while all run."""
        codes = ((isolate.worker.name, isolate.process.poll()) for isolate in self._more)
        return next((f"{name} ended with exit code {code}" for name, code in codes if code is not None), None)

    async def _start(self, place: int) -> IsolateProcess:
        with workerd.listening() as calls, workerd.listening() as control, workerd.listening() as kv:
            server = await kv_connection.listen(self._kv_of(place), kv.dup())
            fds = (calls.fileno(), control.fileno())
            process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                workerd.command(*fds, workerd.port_of(kv), self._doors),
                pass_fds=fds, stdin=subprocess.DEVNULL, preexec_fn=workerd.die_with_parent,  # noqa: PLW1509
                env={**minimal(), workerd.TOKEN: self._token},
            )  # fmt: skip
            worker = Worker(f"isolate-{place}", process.pid, workerd.port_of(control), self._token)
            return IsolateProcess(worker, process, server, f"http://{HOST}:{workerd.port_of(calls)}")
