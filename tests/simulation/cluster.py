"""A master and its workers as Locust and the product make them: listeners, heartbeats, conductor and
performers.

Of Locust there is a model: a worker says each second that it is there, and who has not been heard for four
rounds of the master's looks is missing, until it is heard again. All else is the product's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import gevent

from tests.simulation.knobs import NoWatch
from tests.simulation.loop import Process, Watcher
from tests.simulation.network import Network
from users.cluster.conductor import Conductor
from users.cluster.performer import LEASE, Performer
from users.engine.job import Job

MASTER: Final = "master"
BEAT: Final = 1.0  # seconds: Locust's
BEATS: Final = 3  # that may be missing


class Listener:
    """A process's inbox: one message after the other is handled, in a greenlet of its own.

    Where that one waits for a message it is woken at once.
    """

    def __init__(self, process: Process, network: Network, handle: Callable[[str, Any, str], None]) -> None:
        self._inbox: deque[tuple[str, Any, str]] = deque()
        self._handle = handle
        self._wake: Any = None  # while it waits
        network.deliver[process.name] = process, self._put

    def run(self) -> None:
        """For ever."""
        inbox, handle = self._inbox, self._handle
        wake, wait = gevent.getcurrent().switch, gevent.get_hub().switch
        while True:
            while inbox:
                handle(*inbox.popleft())
            self._wake = wake
            wait()

    def _put(self, kind: str, data: Any, sender: str) -> None:
        self._inbox.append((kind, data, sender))
        if (wake := self._wake) is not None:
            self._wake = None
            wake()


class Worker:
    """A loading process."""

    def __init__(self, process: Process, network: Network, job: Callable[[], Job]) -> None:
        self.process = process
        self._network = network
        self._beats: Watcher | None = None
        self.performer = Performer(
            self._reply, lambda data: (job(), []), clock=process.clock, lease=LEASE, watch=NoWatch
        )
        self._handlers = self.performer.handlers()
        self.listener = Listener(process, network, self._hear)

    def run(self) -> None:
        """Listen, and say that it is there."""
        self._beat()
        self._beats = self.process.every(BEAT, self._beat)
        self.listener.run()

    def end(self) -> None:
        """Told to end: it leaves, says so for a moment, and is gone."""
        self.performer.leave("it is told to end")
        if self._beats is not None:
            self._beats.stop()
        gevent.sleep(BEAT)
        self.process.kill()

    def _reply(self, kind: str, data: Any) -> None:
        self._network.send(self.process, MASTER, kind, data)

    def _beat(self) -> None:
        self._network.beat(self.process, MASTER)

    def _hear(self, kind: str, data: Any, sender: str) -> None:
        self._handlers[kind](data)


class Master:
    """The leading process: Locust's view of who is there, and the conductor's messages."""

    def __init__(self, process: Process, network: Network) -> None:
        self.process = process
        self.beats: dict[str, int] = {}
        self._coming: list[tuple[float, str]] = []  # (true time, worker)
        self.conductor: Conductor | None = None
        self._network = network
        self._hear: dict[str, Any] = {}
        self.listener = Listener(process, network, self._handle)
        network.beaten = self._on_beat

    def lead(self, conductor: Conductor) -> None:
        """From here on messages are this conductor's."""
        self.conductor = conductor
        self._hear = dict(conductor.handlers())

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        """Say something to a worker."""
        self._network.send(self.process, node, kind, data)

    def alive(self) -> set[str]:
        """Who is not missing."""
        self._hear_beats()
        return {name for name, beats in self.beats.items() if beats >= 0}

    def run(self) -> None:
        """Listen, and look once a second who has not been heard."""
        self.process.every(BEAT, self._look)
        self.listener.run()

    def _look(self) -> None:
        self._hear_beats()
        for name in self.beats:
            self.beats[name] -= 1

    def _handle(self, kind: str, data: Any, sender: str) -> None:
        if kind in self._hear:
            self._hear[kind](data, sender)

    def _hear_beats(self) -> None:
        """Those that have come; nothing else happens to a beat, so that it need not wake anybody."""
        now, coming = self._network.now, self._coming
        self._coming = [beat for beat in coming if beat[0] > now]
        self.beats.update((name, BEATS) for at, name in coming if at <= now)

    def _on_beat(self, at: float, sender: str) -> None:
        self._coming.append((at, sender))
