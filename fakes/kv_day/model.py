"""A day's traffic by monthly active users (MAU), and the KV writes that follow from it: arithmetic alone.

The model, every figure of it an assumption that can be set:
    MAU × `active` are active on a day, each from an address of its own
    each has `sessions` sessions at any time of the day, of `turns` turns with 3 s at least between two
    a turn is k tool calls at once, k drawn from `calls` (1 to 5: the burst limit never refuses); the first at
    any instant, the others within `spread` seconds after it, evenly

10 requests a day and MAU follow, as the resilience plan's own table has them (1,000 writes at 100 MAU).

Writes by the protections as built: `ip-limit` writes once a request. `burst-limit` writes once a request
(kv-every-request), or once for each second of the wall clock and isolate that a turn meets (memory-cache):

    cells(k) = (1 − s) · n(1 − q^k) + s · (n(1 − q·J) + n(1 − J)),   q = 1 − 1/n,   J = n/k · (1 − q^k)

for n isolates picked evenly at random and a spread of s < 1 s: a turn crosses a second's edge at a place that
is even over its spread, or not at all. With one isolate: 1 + s(1 − 1/k).

With one write a second to a key (KV free, paid), only a turn's first write of a key is served: the others
come within s < 1 s of it. So both strategies then write once a turn and key, and the rest fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Strategy = Literal["kv-every-request", "memory-cache"]
STRATEGIES: Final[tuple[Strategy, ...]] = ("kv-every-request", "memory-cache")


@dataclass(frozen=True)
class Traffic:
    """A day's traffic. `calls`: probability of a turn with 1, 2, … calls; spread in seconds, under 1."""

    active: float = 0.2
    sessions: int = 2
    turns: int = 10
    calls: tuple[float, ...] = (0.3, 0.25, 0.2, 0.15, 0.1)
    spread: float = 0.2

    def turns_a_day(self, mau: int) -> int:
        """Turns of all users together."""
        return round(mau * self.active) * self.sessions * self.turns

    def requests(self, mau: int) -> float:
        """Requests of a day, expected."""
        return self.turns_a_day(mau) * sum(k * share for k, share in enumerate(self.calls, 1))


@dataclass(frozen=True)
class Writes:
    """KV writes of a day: those of each protection that are tried, and those that KV serves."""

    ip_tried: float
    burst_tried: float
    ip_served: float
    burst_served: float

    @property
    def tried(self) -> float:
        """Both protections'."""
        return self.ip_tried + self.burst_tried

    @property
    def served(self) -> float:
        """Both protections'; these count against the quota."""
        return self.ip_served + self.burst_served


def cells(calls: int, isolates: int, spread: float) -> float:
    """Pairs of a second and an isolate that a turn of so many calls is expected to meet."""
    q = 1 - 1 / isolates
    within = isolates * (1 - q**calls)
    mean = isolates / calls * (1 - q**calls)
    return (1 - spread) * within + spread * isolates * ((1 - q * mean) + (1 - mean))


def writes(traffic: Traffic, mau: int, strategy: Strategy, *, isolates: int = 1, key_limit: bool) -> Writes:
    """Expected writes of a day, before any quota. `key_limit`: one write a second to a key."""
    turns, requests = traffic.turns_a_day(mau), traffic.requests(mau)
    met = sum(share * cells(k, isolates, traffic.spread) for k, share in enumerate(traffic.calls, 1))
    burst = requests if strategy == "kv-every-request" else turns * met
    if not key_limit:
        return Writes(requests, burst, requests, burst)
    return Writes(requests, burst, turns, turns)
