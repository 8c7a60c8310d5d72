"""gevent's event loop on simulated time, shared by simulated processes: nothing sleeps, nothing is at random.

The product's greenlets sleep, wait and are spawned as ever; their hub runs on this loop. It goes from one due
callback to the next, and its clock with it. Each callback belongs to a process, and so does whatever a
callback sets going: what belongs to a process that is dead is never called, and what belongs to a frozen one
waits until it thaws, in order, as messages wait in its sockets.

`now` is true time in seconds; a process has a clock of its own (`Process.clock`), which may run fast or slow.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import gevent.hub

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


class Watcher:
    """A timer or a callback of the loop, as gevent uses them; `number` names its place in the queue."""

    __slots__ = ("after", "args", "callback", "loop", "number", "owner", "ref", "repeat")

    def __init__(self, loop: SimulatedLoop, owner: Process | None, after: float, repeat: float) -> None:
        self.loop = loop
        self.owner = owner
        self.after = after
        self.repeat = repeat
        self.callback: Callback | None = None
        self.args: tuple[Any, ...] | None = None
        self.number = -1
        self.ref = True

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
        made = Watcher(self, self.owner, 0.0, 0.0)
        made.callback = callback
        made.args = args
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
        made = Watcher(self, owner, after, 0.0)
        made.callback = callback
        made.args = args
        self._queue_up(made, after)
        return made

    def push(self, one: Watcher, after: float) -> None:
        """Queue it up; `after` is by its owner's clock."""
        self._queue_up(one, after if one.owner is None else after / one.owner.rate)

    def _queue_up(self, one: Watcher, after: float) -> None:
        self._number += 1
        one.number = self._number
        heapq.heappush(self._queue, (self.now + (after if after > SHORTEST else SHORTEST), self._number, one))

    def stop(self) -> None:
        """Return from `run` after the callback that is being called."""
        self._stopping = True

    def run(self) -> None:
        """Call what is due until nothing is, or until `stop`."""
        ready, queue, pop = self.ready, self._queue, heapq.heappop
        while not self._stopping:
            while ready and not self._stopping:
                self._call(ready.popleft())
            if not queue or self._stopping:
                return
            due, number, one = pop(queue)
            if one.number == number:
                self.now = due if due > self.now else self.now
                self._call(one)

    def _call(self, one: Watcher) -> None:
        owner, callback = one.owner, one.callback
        if callback is None:
            return
        if owner is not None and (owner.frozen or not owner.alive):
            if owner.alive:
                owner.backlog.append(one)
            return
        self.events += 1
        if self.events > MOST_EVENTS:
            raise NeverRestsError
        self.owner = owner
        args = one.args or ()
        if one.repeat:
            self.push(one, one.repeat)
        else:
            one.callback = None
        try:
            callback(*args)
        except Exception:
            self.error_handler.handle_error(None, *sys.exc_info())
        if not one.repeat:
            one.args = None
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
