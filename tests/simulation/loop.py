"""gevent's event loop on simulated time, shared by simulated processes: nothing sleeps, nothing is at random.

The product's greenlets sleep, wait and are spawned as ever; their hub runs on this loop. It goes from one due
callback to the next, and its clock with it. Each callback belongs to a process, and so does whatever a
callback sets going: what belongs to a process that is dead is never called, and what belongs to a frozen one
waits until it thaws, in order, as messages wait in its sockets.

`now` is true time in seconds; a process has a clock of its own (`Process.clock`), which may run fast or slow.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

import gevent.hub
from gevent import get_hub, getcurrent
from msgspec import Struct

SHORTEST: Final = 1e-6  # seconds: no timer is shorter, so that time goes on
MOST_EVENTS: Final = 200_000  # of one world; more is a world that never comes to rest
BEGINNING: Final = 1000.0  # true time at which a world begins

Callback = Callable[..., Any]


class NeverRestsError(Exception):
    """More events than any world needs."""


class Process:
    """One process: alive or dead, frozen or not; `rate` is its seconds per true second."""

    def __init__(self, loop: SimulatedLoop, name: str, rate: float = 1.0, offset: float = 0.0) -> None:
        self.name = name
        self.rate = rate
        self.alive = True
        self.frozen = 0  # how many freezes hold it
        self.until = 0.0  # true time at which it thaws
        self.backlog: deque[Any] = deque()
        self._loop = loop
        self._offset = offset - BEGINNING * rate

    def clock(self) -> float:
        """Its monotonic clock, seconds."""
        return self._loop.now * self.rate + self._offset

    def kill(self) -> None:
        """It ends between two steps, without a last word."""
        self.alive = False
        self.backlog.clear()

    def freeze(self, seconds: float) -> None:
        """It stands still for so many true seconds; its clock goes on."""
        self.frozen += 1
        self.until = max(self.until, self._loop.now + seconds)
        self._loop.at(seconds, None, self._thaw)

    def put_off(self, one: Watcher) -> None:
        """It came due while this process stood still, or was dead."""
        if self.alive:
            self.backlog.append(one)

    def every(self, seconds: float, callback: Callback, *args: Any) -> Watcher:
        """Call it again and again, by its own clock; not more often for having been frozen."""
        made = Watcher(self._loop, self, seconds, seconds)
        made.start(callback, *args)
        return made

    def _thaw(self) -> None:
        self.frozen -= 1
        if not self.frozen and self.alive:
            self._loop.ready.extend(self.backlog)
            self.backlog.clear()


class Watcher(Struct, eq=False):
    """A timer or a callback of the loop, as gevent uses them; `number` names its place in the queue."""

    loop: SimulatedLoop
    owner: Process | None
    after: float
    repeat: float
    callback: Callback | None = None
    args: tuple[Any, ...] | None = None
    number: int = -1
    ref: bool = True

    def start(self, callback: Callback, *args: Any, **_: Any) -> None:
        """Call `callback` once it is time."""
        self.callback = callback
        self.args = args
        self.loop.push(self, self.after)

    def stop(self) -> None:
        """Never call it, or never again."""
        self.callback = self.args = None
        self.number = -1

    close = stop

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __bool__(self) -> bool:
        return self.args is not None

    @property
    def pending(self) -> bool:
        """It has yet to be called."""
        return self.callback is not None

    active = pending


class SimulatedLoop:
    """What gevent's hub and the product's client ask of a loop."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.owner: Process | None = None
        self.ready: deque[Watcher] = deque()
        self.sockets: dict[int, Any] = {}
        self.error_handler: Any = None
        self.events = 0
        self._queue: list[tuple[float, int, Watcher]] = []
        self._number = 0
        self._stopping = False

    # As gevent calls it

    def timer(self, after: float, repeat: float = 0.0, ref: bool = True, priority: Any = None) -> Watcher:
        """Of the process that is at work."""
        return Watcher(self, self.owner, after, repeat)

    def run_callback(self, callback: Callback, *args: Any) -> Watcher:
        """Call it next, after all that is ready already."""
        made = Watcher(self, self.owner, 0.0, 0.0, callback, args)
        self.ready.append(made)
        return made

    run_callback_threadsafe = run_callback

    def io(self, fd: int, events: int, ref: bool = True, priority: Any = None) -> Any:
        """A socket tells by itself when it is ready."""
        return self.sockets[fd].watcher(events)

    def update_now(self) -> None:
        """Time moves from callback to callback alone."""

    # Time

    def at(self, after: float, owner: Process | None, callback: Callback, *args: Any) -> Watcher:
        """Call it on behalf of `owner` after so many true seconds."""
        self._number = number = self._number + 1
        made = Watcher(self, owner, after, 0.0, callback, args, number)
        heappush(self._queue, (self.now + (after if after > SHORTEST else SHORTEST), number, made))
        return made

    def push(self, one: Watcher, after: float) -> None:
        """Queue it up; `after` is by its owner's clock."""
        if one.owner is not None:
            after /= one.owner.rate
        self._number = one.number = number = self._number + 1
        heappush(self._queue, (self.now + (after if after > SHORTEST else SHORTEST), number, one))

    def stop(self) -> None:
        """Return from `run` after the callback that is being called."""
        self._stopping = True

    def run(self) -> None:
        """Call what is due until nothing is, or until `stop`."""
        ready, queue = self.ready, self._queue
        while not self._stopping:
            if ready:
                one = ready.popleft()
            elif queue:
                due, number, one = heappop(queue)
                if one.number != number:
                    continue
                self.now = due  # never before now: no timer is shorter than SHORTEST
            else:
                return
            callback, owner = one.callback, one.owner
            if callback is None:
                continue
            if owner is not None and (owner.frozen or not owner.alive):
                owner.put_off(one)
                continue
            self.events += 1
            if self.events > MOST_EVENTS:
                raise NeverRestsError
            self.owner = owner
            args = one.args or ()
            if one.repeat:
                self.push(one, one.repeat)
            else:
                one.callback = one.args = None
            try:
                callback(*args)
            except Exception:
                self.error_handler.handle_error(None, *sys.exc_info())
            self.owner = None


class SimulatedHub(gevent.hub.Hub):  # type: ignore[misc]
    """The hub of one world. What breaks in a greenlet is kept, as `broke`."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__(loop=loop)
        self.broke: list[BaseException] = []

    def wait(self, watcher: Watcher) -> None:
        """As gevent's own, for a watcher that is called once."""
        watcher.start(gevent.getcurrent().switch)
        self.switch()

    def handle_error(self, context: Any, type: Any, value: Any, tb: Any) -> None:
        """Keep it; the world goes on."""
        self.broke.append(value.with_traceback(tb) if isinstance(value, BaseException) else type())


def sleep(seconds: float = 0.0) -> None:
    """What `gevent.sleep` does, without its steps in between: a simulation does little else."""
    hub = get_hub()
    loop = hub.loop
    if seconds > 0.0:
        owner = loop.owner
        made = loop.at(seconds if owner is None else seconds / owner.rate, owner, getcurrent().switch)
    else:
        made = loop.run_callback(getcurrent().switch)
    try:
        hub.switch()
    finally:
        made.callback = None


def run(loop: SimulatedLoop, hub: SimulatedHub) -> None:
    """Run the loop until it stops or nothing is left, from the greenlet that called it."""
    before = gevent.hub._get_hub()
    gevent.hub.set_hub(hub)
    try:
        hub.switch()
    except gevent.hub.LoopExit:  # what the hub says to its parent when the loop has returned
        pass
    finally:
        gevent.hub.set_hub(before)
