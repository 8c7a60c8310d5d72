"""A target that counts: sockets of the product's own client, whose other end answers, stalls or resets.

Each account has one arrival, and each request shows its account, so the target knows which arrival it was.
What has been sent counts, whatever becomes of its sender.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.simulation.loop import Process, SimulatedLoop
from users.transport.connection import READ
from users.transport.endpoint import Endpoint

ACCOUNT: Final = b"X-Account: "
WAY: Final = 0.002  # seconds to the target


class Target:
    """How often it was called for each arrival, and when the last call began."""

    def __init__(self, loop: SimulatedLoop, random: Random) -> None:
        self.counts: Counter[int] = Counter()
        self.senders: dict[int, str] = {}
        self.last = 0.0  # true time
        self.service = 0.02  # seconds, at most
        self.silent = False
        self.resetting = False
        self.twice: Callable[[int, str, str], None] = lambda arrival, before, now: None
        self._loop = loop
        self._random = random

    def receive(self, arrival: int, sender: str, began: float) -> float | None:
        """Count a call that began then (true time); seconds to its answer, None: there will be none."""
        if self.counts[arrival]:
            self.twice(arrival, self.senders[arrival], sender)
        self.counts[arrival] += 1
        self.senders[arrival] = sender
        self.last = max(self.last, began)
        return None if self.silent else self._random.random() * self.service


class SimulatedSocket:
    """The client's end of a connection to the target."""

    numbers = 0

    def __init__(self, loop: SimulatedLoop, owner: Process, target: Target) -> None:
        SimulatedSocket.numbers += 1
        self._fd = SimulatedSocket.numbers
        self._loop = loop
        self._owner = owner
        self._target = target
        self._inbox = b""
        self._reset = False
        self._connecting: float | None = None  # since when, for its first call
        self._reader = Ready(self._readable)
        self._writer = Ready(self._connect)
        loop.sockets[self._fd] = self

    def watcher(self, events: int) -> Ready:
        """That tells when it can be read, or is connected."""
        return self._reader if events == READ else self._writer

    def fileno(self) -> int:
        return self._fd

    def connect_ex(self, address: Any) -> int:
        self._connecting = self._loop.now
        return errno.EINPROGRESS

    def getsockopt(self, level: int, option: int) -> int:
        return errno.ECONNREFUSED if self._target.resetting else 0

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        pass

    def send(self, data: bytes) -> int:
        at = data.index(ACCOUNT) + len(ACCOUNT)
        arrival = int(data[at : data.index(b"\r", at)])
        began, self._connecting = self._connecting, None
        after = self._target.receive(arrival, self._owner.name, self._loop.now if began is None else began)
        if after is not None:
            at = data.index(b'"id":') + 5
            self._loop.at(after, self._owner, self._arrive, data[at : data.index(b",", at)])
        return len(data)

    def recv(self, size: int) -> bytes:
        data, self._inbox = self._inbox, b""
        if self._reset:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        return data

    def close(self) -> None:
        self._loop.sockets.pop(self._fd, None)

    def _arrive(self, request_id: bytes) -> None:
        self._reset = self._target.resetting
        body = b'{"jsonrpc":"2.0","id":%b,"result":{}}' % request_id
        self._inbox = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        self._reader.tell()

    def _readable(self) -> None:
        """Nothing is there at first."""

    def _connect(self) -> None:
        self._loop.at(WAY, self._owner, self._writer.tell)


class Ready:
    """A watcher of a socket; `asked` is called when somebody begins to watch."""

    __slots__ = ("_asked", "_callback")

    def __init__(self, asked: Callable[[], None]) -> None:
        self._asked = asked
        self._callback: Callable[[], None] | None = None

    def start(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._asked()

    def stop(self) -> None:
        self._callback = None

    close = stop

    def tell(self) -> None:
        if self._callback is not None:
            self._callback()


@dataclass(frozen=True)
class SimulatedEndpoint(Endpoint):
    """Where one process's calls go."""

    make: Callable[[], SimulatedSocket] = field(kw_only=True)

    def socket(self, source: Any = None) -> Any:
        return self.make()
