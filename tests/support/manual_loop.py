"""An event loop that runs only when told to, and sockets that are pairs: I/O without network and time."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from users.transport.connection import READ
from users.transport.endpoint import Endpoint

MAX_ROUNDS: Final = 10_000


class Watcher:
    """A callback of the loop, as gevent's watchers are used."""

    def __init__(self, fd: int = -1, events: int = 0) -> None:
        self.fd = fd
        self.events = events
        self.callback: Callable[[], None] | None = None

    def start(self, callback: Callable[[], None]) -> None:
        self.callback = callback

    def stop(self) -> None:
        self.callback = None

    close = stop


class ManualLoop:
    """`run` calls what is ready, until nothing is; `tick` calls every timer once."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []
        self._timers: list[Watcher] = []

    def io(self, fd: int, events: int) -> Watcher:
        self._watchers.append(Watcher(fd, events))
        return self._watchers[-1]

    def timer(self, after: float, repeat: float) -> Watcher:
        self._timers.append(Watcher())
        return self._timers[-1]

    def run(self) -> None:
        for _ in range(MAX_ROUNDS):
            if not (ready := [one for one in self._watchers if _ready(one)]):
                return
            for one in ready:
                if one.callback is not None:
                    one.callback()
        raise AssertionError("the loop never comes to rest")

    def tick(self) -> None:
        for one in self._timers:
            if one.callback is not None:
                one.callback()

    @property
    def watched(self) -> int:
        """How many watchers wait for something."""
        return sum(one.callback is not None for one in self._watchers)


def _ready(one: Watcher) -> bool:
    if one.callback is None:
        return False
    reads, writes = ([one.fd], []) if one.events == READ else ([], [one.fd])
    return any(select.select(reads, writes, [], 0))


class PairedSocket:
    """The client's end of a pair; `options` holds what was set, `refused` fails the connecting."""

    def __init__(self, ours: socket.socket) -> None:
        self._ours = ours
        self.refused = 0
        self.options: list[int] = []
        self.fileno, self.send, self.recv, self.close = ours.fileno, ours.send, ours.recv, ours.close

    def connect_ex(self, address: Any) -> int:
        return errno.EINPROGRESS

    def getsockopt(self, level: int, option: int) -> int:
        return self.refused

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        self.options.append(option)


@dataclass(frozen=True)
class PairedEndpoint(Endpoint):
    """Each new socket is one end of a pair; `peers` are the other ends, `sockets` ours."""

    family: int = socket.AF_UNIX
    address: Any = None
    server_name: str = "127.0.0.1"
    peers: list[socket.socket] = field(default_factory=list)
    sockets: list[PairedSocket] = field(default_factory=list)

    def socket(self, source: str = "") -> Any:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self.peers.append(theirs)
        self.sockets.append(PairedSocket(ours))
        return self.sockets[-1]

    def close(self) -> None:
        """Close the other ends."""
        for peer in self.peers:
            peer.close()
