"""The nano instance as a model: memory by goroutines, CPU by a token bucket, killed when it runs out.

Modelled, never measured: nothing here looks at the Python process. Units: bytes, seconds, CPU seconds.

Memory = memory_base + goroutines × (stack_bytes + buffer_bytes), with
goroutines = goroutines_base + goroutines_per_call × calls in flight. Over memory_limit the instance is
killed: running → killed (calls in flight are reset) → restarting (they are gone) → running, `restart`
seconds after the kill.

CPU: a bucket that refills at cpu_share CPU seconds a second and holds at most cpu_burst. A request
takes cpu_per_request at its arrival and may start once the bucket's debt at that moment is worked off:
one FIFO queue in virtual time, so that `spend` alone gives the delay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from fakes.settings import NanoSettings
from fakes.state_machine import Machine, Table

LIFECYCLE: Final[Table] = {
    ("running", "out-of-memory"): "killed",
    ("killed", "cleared"): "restarting",
    ("restarting", "ready"): "running",
}


class Capacity(NamedTuple):
    """What a nano bears: `first` names the limit that comes first at the given seconds per call."""

    calls_by_memory: int
    rate_by_cpu: float
    rate_by_memory: float
    first: Literal["memory", "cpu"]


def memory_bytes(settings: NanoSettings, calls: int) -> int:
    """Memory with so many calls in flight."""
    return settings.memory_base + goroutines(settings, calls) * (settings.stack_bytes + settings.buffer_bytes)


def goroutines(settings: NanoSettings, calls: int) -> int:
    """Goroutines with so many calls in flight."""
    return settings.goroutines_base + settings.goroutines_per_call * calls


def capacity(settings: NanoSettings, call_seconds: float) -> Capacity:
    """The most calls in flight, the highest rates (requests/s), and which limit binds first.

    By Little's law calls in flight = rate × call_seconds. Without enforced CPU, or with calls that
    cost none, only memory binds.
    """
    per_call = settings.goroutines_per_call * (settings.stack_bytes + settings.buffer_bytes)
    calls = max(0, (settings.memory_limit - memory_bytes(settings, 0)) // per_call)
    cost = settings.cpu_per_request if settings.cpu_enforced else 0.0
    by_cpu = settings.cpu_share / cost if cost else float("inf")
    by_memory = calls / call_seconds if call_seconds else float("inf")
    return Capacity(calls, by_cpu, by_memory, "cpu" if by_cpu < by_memory else "memory")


class CpuBucket:
    """The CPU's token bucket. `clock` gives monotonic seconds."""

    def __init__(self, settings: NanoSettings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.spent = 0.0
        self._clock = clock
        self._level = settings.cpu_burst
        self._at = clock()

    def spend(self, share: float = 1.0) -> float:
        """Charge a `share` of one request; gives the seconds that it queues before it may start."""
        self._refill()
        cost = self.settings.cpu_per_request * share
        self.spent += cost
        if not self.settings.cpu_enforced:
            return 0.0
        self._level -= cost
        return self.queue_seconds

    @property
    def queue_seconds(self) -> float:
        """How long a request that came at the last refill had to wait."""
        return max(0.0, -self._level / self.settings.cpu_share)

    def queue_now(self) -> float:
        """The queue now, in seconds."""
        self._refill()
        return self.queue_seconds

    def fill(self) -> None:
        """As at the start: full, no queue."""
        self._level, self._at = self.settings.cpu_burst, self._clock()

    def _refill(self) -> None:
        now = self._clock()
        gained = (now - self._at) * self.settings.cpu_share
        self._level = min(self.settings.cpu_burst, self._level + gained)
        self._at = now


class Nano:
    """One instance. `on_kill(limit)` must break off every call in flight; `later` is `loop.call_later`.

    `enter` and `leave` frame a call. While not running, `enter` gives None: the caller breaks the
    connection off without an answer.
    """

    def __init__(
        self,
        settings: NanoSettings,
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
        on_kill: Callable[[str], None],
        on_start: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.cpu = CpuBucket(settings, clock)
        self.calls = 0
        self.kills = 0
        self._life = Machine(LIFECYCLE, "running")
        self._later, self._on_kill, self._on_start = later, on_kill, on_start
        self._due = 0.0
        self._clock = clock

    @property
    def state(self) -> str:
        """running, killed or restarting."""
        return self._life.state

    @property
    def memory(self) -> int:
        """Bytes now; nothing while the instance is down."""
        return memory_bytes(self.settings, self.calls) if self.state == "running" else 0

    @property
    def goroutines(self) -> int:
        """Goroutines now."""
        return goroutines(self.settings, self.calls) if self.state == "running" else 0

    def configure(self, settings: NanoSettings) -> None:
        """New settings, from the next call on; what is in flight or queued stays."""
        self.settings = self.cpu.settings = settings

    def enter(self) -> float | None:
        """A call came in: its delay by CPU queueing in seconds, or None when there is no instance."""
        if self.state != "running":
            return None
        self.calls += 1
        if self.memory > self.settings.memory_limit:
            self._kill("memory")
            return None
        return self.cpu.spend()

    def stay(self) -> None:
        """A call that is about to leave leaves work behind, which leaves later."""
        self.calls += 1

    def leave(self) -> None:
        """A call that had entered is gone."""
        self.calls -= 1
        self._cleared()

    def _kill(self, limit: str) -> None:
        self.calls -= 1
        self.kills += 1
        self._due = self._clock() + self.settings.restart
        self._life.fire("out-of-memory")
        self._on_kill(limit)
        self._cleared()

    def _cleared(self) -> None:
        if self.calls == 0 and self._life.can("cleared"):
            self._life.fire("cleared")
            self._later(max(0.0, self._due - self._clock()), self._ready)

    def _ready(self) -> None:
        self.cpu.fill()
        self._life.fire("ready")
        self._on_start()
