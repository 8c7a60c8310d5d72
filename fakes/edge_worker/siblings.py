"""Further workerd processes at the edge's port, where a run has more calls in flight than one has files for.

    the first   serves alone until it is half full
    a sibling   stands by from the start of the run; the kernel is told to give it new connections when those
                before it are half full (`shared_port`). It has a memory of its own, as another isolate has

What a call needs, and what a process bears, stands in `open_files`.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Final

from fakes.edge_worker import open_files, shared_port
from fakes.edge_worker.beside import Beside
from fakes.edge_worker.kv_connection import Operations
from fakes.processes import pids

FULL: Final = 10**9  # files of a process that is gone


class Siblings:
    """Those beside the process `front`, which listens on `first`. `kv` is KV in the first one's place."""

    def __init__(
        self, front: int, first: socket.socket, kv: Callable[[], Operations], doors_port: int, token: str
    ) -> None:
        self._front, self._first, self._kv = front, first, kv
        self._doors, self._token = doors_port, token
        self.all: list[Beside] = []
        self.processes = 1  # with the first: so many take calls
        self._in = 0  # so many of them know what is in force
        self._place = 0  # who takes new connections: the first one, or a sibling from 1
        self._frozen = False
        self.used = 1  # processes that took connections since reset
        self.limit = open_files.limit_of(0)  # theirs, as all have it from one process

    @property
    def let_in(self) -> list[Beside]:
        """Those that may take calls."""
        return self.all[: self._in]

    @property
    def waiting(self) -> list[Beside]:
        """Those that may not yet: they are starting."""
        return self.all[self._in :]

    async def resize(self, processes: int) -> None:
        """Let so many take calls, with the first. One too many stands by: commands may come through it."""
        self.processes = processes
        while len(self.all) < processes - 1:
            calls, name = shared_port.join(self._first), f"sibling-{len(self.all) + 1}"
            self.all.append(await Beside.start(name, calls, self._kv(), self._doors, self._token))

    def admit(self) -> None:
        """The next one that was waiting knows what is in force."""
        sibling = self.all[self._in]
        sibling.cpu_before = sibling.worker.cpu()
        self._in += 1

    def forget(self) -> None:
        """Count anew who took connections."""
        self.used = self._place + 1

    def look(self) -> None:
        """Let new connections go where there is room; while the first stands still, all do."""
        if not self._in:
            return
        place = shared_port.next_place(self._files(), self.limit)
        if place != self._place:
            self._steer(place)
        self._freeze(frozen=pids.stopped(self._front))

    def _files(self) -> Sequence[int]:
        doors = [(self._front, self._first), *((one.worker.pid, one.calls) for one in self.let_in)]
        return [_files(pid, calls) for pid, calls in doors[: self.processes]]

    def _steer(self, place: int) -> None:
        shared_port.steer(self._first, place)
        self._place = place
        self.used = max(self.used, place + 1)

    def _freeze(self, *, frozen: bool) -> None:
        if frozen == self._frozen:
            return
        self._frozen = frozen
        for sibling in self.all:
            os.kill(sibling.worker.pid, signal.SIGSTOP if frozen else signal.SIGCONT)


def _files(pid: int, calls: socket.socket) -> int:
    try:
        return open_files.open_now(pid) + open_files.FILES_AT_ONCE * shared_port.waiting(calls)
    except OSError:
        return FULL
