"""A day of the model's traffic through the edge's own code, on a clock that jumps from request to request.

What runs is `fakes.edge_runtime.kv.Kv` and the layers `IpLimit` and `BurstLimit` as the edge stacks them,
around an app that says 200. Left out: sockets, tokens, the origin. Nothing waits, so a day takes seconds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from fakes.control.state import Snapshot
from fakes.edge_runtime.isolate import EdgeCall, Isolate
from fakes.edge_runtime.key_set import Keys
from fakes.edge_runtime.kv import DAY, MIN_TTL, Kv, Watch
from fakes.edge_runtime.metrics import LayerMetrics
from fakes.http.asgi import Message, Receive, Scope, Send
from fakes.http.metrics import Metrics
from fakes.kv_day.model import Strategy, Traffic, Writes
from fakes.protections.burst_limit import BurstLimit
from fakes.protections.ip_limit import IpLimit
from fakes.protections.jwks_cache import JwksCache
from fakes.settings import KvSettings, StackSettings

MIDNIGHT: Final = 20_000 * DAY  # Unix seconds of some midnight, UTC
PAUSE: Final = 3.0  # seconds between two turns, at least
PROTECTIONS: Final = frozenset(("ip-limit", "burst-limit"))


class Arrival(NamedTuple):
    """One request: seconds since midnight, and whose."""

    at: float
    user: int


@dataclass(frozen=True)
class Replayed:
    """What a day came to. `quota_gone`: seconds since midnight, None if the quota held."""

    requests: int
    statuses: Counter[int]
    writes: Writes
    failures: Counter[str]
    stored: int
    quota_gone: float | None


def day(traffic: Traffic, mau: int, seed: int) -> list[Arrival]:
    """The requests of one day, in order."""
    draw = random.Random(seed)
    sessions = ((user, n) for user in range(round(mau * traffic.active)) for n in range(traffic.sessions))
    return sorted(one for user, _ in sessions for one in _session(traffic, user, draw))


def _session(traffic: Traffic, user: int, draw: random.Random) -> Iterator[Arrival]:
    length = traffic.turns * 4 * PAUSE
    at = draw.uniform(0, DAY - 2 * length)
    for _ in range(traffic.turns):
        (calls,) = draw.choices(range(1, len(traffic.calls) + 1), traffic.calls)
        yield Arrival(at, user)
        yield from (Arrival(at + draw.uniform(0, traffic.spread), user) for _ in range(calls - 1))
        at += traffic.spread + PAUSE + draw.uniform(0, 2 * PAUSE)


class CountingKv(Kv):
    """Counts writes, tried and served, by the protection whose key it is."""

    def __init__(self, clock: Callable[[], float], watch: Watch) -> None:
        super().__init__(clock, watch)
        self.tried, self.served = Counter[str](), Counter[str]()

    def put(self, settings: KvSettings, key: str, value: Any, ttl: float = MIN_TTL, place: int = 0) -> None:
        """As the KV's own."""
        whose = key.partition(":")[0]
        self.tried[whose] += 1
        super().put(settings, key, value, ttl, place)
        self.served[whose] += 1


class EdgeReplay:
    """The edge's KV and limits on a clock of our own."""

    def __init__(self, strategy: Strategy, settings: dict[str, Any], isolates: int, seed: int) -> None:
        self.now = MIDNIGHT
        edge = {"burst_strategy": strategy, "burst_on_failure": "fail-open"}
        self.snapshot = Snapshot(PROTECTIONS, StackSettings.model_validate({"kv": settings, "edge": edge}))
        self.failures = Counter[str]()
        self.quota_gone: float | None = None
        self.statuses = Counter[int]()
        self.kv = CountingKv(lambda: self.now, self._watch)
        own = LayerMetrics(Metrics())
        self._layers = [self._layer(place, own) for place in range(isolates)]
        self._pick = random.Random(seed)

    def ask(self, arrival: Arrival) -> None:
        """One request at its time, by an isolate picked at random."""
        self.now = MIDNIGHT + arrival.at
        call = EdgeCall(self.snapshot, {}, f"10.0.0.{arrival.user}", str(arrival.user))
        answering = self._pick.choice(self._layers)(
            {"state": {"call": call, "body": b""}}, _no_body, self._send
        )
        try:
            answering.send(None)
        except StopIteration:
            return
        raise RuntimeError("a layer waited; the clock of a replayed day stands still meanwhile")

    def _layer(self, place: int, own: LayerMetrics) -> IpLimit:
        jwks = JwksCache(_no_keys, lambda cause: None)
        isolate = Isolate(place, self.kv, own, jwks, "", lambda: self.now)
        return IpLimit(BurstLimit(_ok, isolate), isolate)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses[message["status"]] += 1

    def _watch(self, op: str, cause: str | None) -> None:
        if cause is not None:
            self.failures[cause] += op == "put"
            if cause == "quota" and self.quota_gone is None:
                self.quota_gone = self.now - MIDNIGHT


def replay(
    arrivals: list[Arrival],
    strategy: Strategy,
    settings: dict[str, Any],
    *,
    isolates: int = 1,
    seed: int = 1,
) -> Replayed:
    """The day through the edge; `settings` are the KV's (`fakes.settings.KvSettings`)."""
    edge = EdgeReplay(strategy, settings, isolates, seed)
    for arrival in arrivals:
        edge.ask(arrival)
    tried, served = edge.kv.tried, edge.kv.served
    written = Writes(tried["global"], tried["burst"], served["global"], served["burst"])
    return Replayed(len(arrivals), edge.statuses, written, edge.failures, edge.kv.writes(), edge.quota_gone)


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def _no_body() -> Message:
    return {"type": "http.disconnect"}


async def _no_keys() -> Keys:
    return {}
