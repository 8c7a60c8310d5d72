"""One workerd beside the first."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from dataclasses import dataclass
from typing import Self

from fakes.edge_worker import kv_connection, open_files, workerd
from fakes.edge_worker.kv_connection import Operations
from fakes.edge_worker.workerd import Worker


@dataclass(slots=True)
class Beside:
    """Its process, and what of it is ours: the socket on which it takes calls, and its KV.

    `cpu_before`: CPU seconds until it was let in, which are nobody's requests'.
    """

    worker: Worker
    process: subprocess.Popen[bytes]
    calls: socket.socket
    kv: asyncio.Server
    cpu_before: float = 0.0

    @classmethod
    async def start(
        cls, name: str, calls: socket.socket, kv: Operations, doors_port: int, token: str
    ) -> Self:
        """Start it; it is up once it answers, and its socket queues calls until then."""
        place = workerd.listening()
        port = workerd.port_of(place)
        kept = open_files.idle_at_kv(open_files.limit_of(0))
        server = await kv_connection.listen(kv, place, kept)
        process, worker = workerd.start(name, calls, port, doors_port, token)
        return cls(worker, process, calls, server)

    def cpu(self) -> float:
        """CPU seconds since it was let in."""
        return self.worker.cpu() - self.cpu_before

    def dead(self) -> str | None:
        """How it ended by itself, None while it runs."""
        code = self.process.poll()
        return None if code is None else f"{self.worker.name} ended with exit code {code}"

    async def end(self) -> None:
        """Let it end its calls in flight, and take no more."""
        self.calls.close()
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)
        self.worker.close()
        self.kv.close()
