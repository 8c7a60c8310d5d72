"""The network between master and workers: messages come late, never, twice or out of order, or all stand
still.

Of two kinds. `ordered` is as Locust's sockets are (TCP): what was sent comes in order, and what a partition
holds up comes after it. The other is worse than any real one: each message may be lost, repeated or
overtaken. A message is packed when it is sent, so that no two processes ever share an object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgspec

from tests.simulation.loop import Process, SimulatedLoop

PREPARE: Final = "load.prepare"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
Deliver = Callable[[str, Any, str], None]
"""(message, data, sender's name)"""
Fate = Callable[[Process, Process, str, Any, str], None]
"""(sender, receiver, message, data, what became of it)"""


@dataclass
class Link:
    """One way between two processes. `cut` counts the partitions that hold it."""

    cut: int = 0
    last: float = 0.0  # when the newest message arrives
    slow: float = 0.0  # seconds more
    held: list[Callable[[], None]] = field(default_factory=list)


class Network:
    """All links; `delay` is the longest of an ordinary message, seconds."""

    def __init__(
        self, loop: SimulatedLoop, random: Random, *, ordered: bool, delay: float, loss: float, twice: float
    ) -> None:
        self.links: dict[tuple[str, str], Link] = defaultdict(Link)
        self.deliver: dict[str, tuple[Process, Deliver]] = {}
        self.fate: Fate | None = None
        self.watch: Callable[[Process, str, str, Any], None] = lambda sender, to, kind, data: None
        self.lost = self.repeated = self.overtaken = 0
        self.preparing = 0  # messages on their way that have a worker begin anew
        self.beaten: Callable[[float, str], None] = lambda at, sender: None  # of a beat: when it comes
        self._loop = loop
        self._random = random.random
        self._ordered = ordered
        self._delay = delay
        self._loss = loss
        self._twice = twice

    def send(self, sender: Process, to: str, kind: str, data: Any) -> None:
        """Put a message on its way, unless its sender is dead."""
        if not sender.alive or to not in self.deliver:
            return
        self.watch(sender, to, kind, data)
        link = self.links[sender.name, to]
        packed = _pack(data)
        if (link.cut and not self._ordered) or self._random() < self._loss:
            self.lost += 1
            self._tell(sender, to, kind, data, "lost")
            return
        copies = 2 if self._random() < self._twice else 1
        self.repeated += copies - 1
        self.preparing += copies * (kind == PREPARE)
        for _ in range(copies):
            if link.cut:
                link.held.append(lambda: self._go(link, sender, to, kind, packed))
            else:
                self._go(link, sender, to, kind, packed)

    def beat(self, sender: Process, to: str) -> None:
        """A heartbeat: nothing but the news that its sender is there."""
        link = self.links[sender.name, to]
        if not link.cut and self._random() >= self._loss:
            self.beaten(self.now + self._random() * self._delay + link.slow, sender.name)

    @property
    def now(self) -> float:
        """True time, seconds."""
        return self._loop.now

    def cut(self, sender: str, to: str) -> None:
        """Nothing gets through one way."""
        self.links[sender, to].cut += 1

    def heal(self, sender: str, to: str) -> None:
        """It does again; what was held up comes first."""
        link = self.links[sender, to]
        link.cut -= 1
        if not link.cut:
            held, link.held = link.held, []
            for go in held:
                go()

    def _go(self, link: Link, sender: Process, to: str, kind: str, packed: bytes) -> None:
        at = max(self._loop.now, sender.until) + self._random() * self._delay + link.slow
        if self._ordered:
            at = max(at, link.last)
        elif at < link.last:
            self.overtaken += 1
        link.last = max(at, link.last)
        receiver, _ = self.deliver[to]
        self._loop.at(at - self._loop.now, receiver, self._arrive, sender, to, kind, packed)

    def _arrive(self, sender: Process, to: str, kind: str, packed: bytes) -> None:
        receiver, deliver = self.deliver[to]
        self.preparing -= kind == PREPARE
        data = _unpack(packed)
        if self.fate is not None:
            self.fate(sender, receiver, kind, data, "")
        deliver(kind, data, sender.name)

    def _tell(self, sender: Process, to: str, kind: str, data: Any, what: str) -> None:
        if self.fate is not None:
            self.fate(sender, self.deliver[to][0], kind, data, what)
