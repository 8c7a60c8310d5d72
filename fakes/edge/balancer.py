"""The load balancer: sends each call to an origin that its state allows, and checks their health.

State and origins are `fakes.edge.balancer_state`; this is its I/O. Every `check_interval` seconds both
origins get `GET /health`, answered within `check_timeout`.
    connection refused   nothing was sent, so the other origin is tried at once
    connection reset     502 origin_unavailable; with `retry_other` the call is sent again to the other,
                         which may repeat what the first already did
    no origin alive      503 origin_unavailable, at once; so too when all that are tried refuse
Answers of origins carry X-Backend (the origin's name) and X-LB-State. `events` holds each change as
{"t": monotonic seconds, "kind": "state", "name": "lb" | "health", "detail": {…}}.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fakes.control.state import Control, Snapshot
from fakes.edge.balancer_state import A, B, LbState, Origin, Outcome
from fakes.edge.metrics import EdgeMetrics
from fakes.http.asgi import Answer, Headers
from fakes.http.hop import Hop, HopConnectError, HopError, HopReset

MAX_EVENTS: Final = 1000


class OriginUnavailable(Exception):  # noqa: N818
    """No origin gave an answer. `status` is 502 or 503."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Balancer:
    """One balancer over two origins. Clock in monotonic seconds."""

    def __init__(
        self,
        hops: Mapping[Origin, Hop],
        control: Control,
        metrics: EdgeMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hops, self.control, self.metrics, self.clock = hops, control, metrics, clock
        self.events: list[dict[str, Any]] = []
        self.lb = LbState(self._log)
        self._changed = asyncio.Event()
        control.on_change.append(lambda _: self._changed.set())

    async def forward(
        self,
        snapshot: Snapshot,
        method: bytes,
        path: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        deadline: float,
        preferred: Origin | None = None,
    ) -> Answer:
        """An origin's answer by `deadline`, from the `preferred` one if it lives.

        Raises OriginUnavailable and HopTimeout.
        """
        balancer = snapshot.settings.balancer
        failure = OriginUnavailable(503, "no origin is alive")
        for origin in _first(preferred, self.lb.route(balancer, self.clock())):
            self.metrics.lb_forwarded(origin).inc()
            try:
                left = max(0.0, deadline - self.clock())
                reply = await self.hops[origin].exchange(method, path, headers, body, left)
            except HopConnectError as error:
                failure = OriginUnavailable(503, f"{origin} refuses: {error}")
            except HopReset as error:
                failure = OriginUnavailable(502, f"{origin} reset: {error}")
                if not balancer.retry_other:
                    break
            else:
                return self._stamped(reply, origin)
        raise failure

    async def watch(self) -> None:
        """Check both origins for ever; a change of settings starts the interval anew."""
        while True:
            self._changed.clear()
            try:
                interval = self.control.snapshot.settings.balancer.check_interval
                await asyncio.wait_for(self._changed.wait(), interval)
            except TimeoutError:
                await self.check()

    async def check(self) -> None:
        """One health check of each origin."""
        settings = self.control.snapshot.settings.balancer
        origins: tuple[Origin, ...] = (A, B)
        outcomes = await asyncio.gather(*(self._probe(origin, settings.check_timeout) for origin in origins))
        for origin, outcome in zip(origins, outcomes, strict=True):
            self.lb.checked(origin, outcome, settings, self.clock())

    async def _probe(self, origin: Origin, timeout: float) -> Outcome:  # noqa: ASYNC109
        try:
            reply = await self.hops[origin].request(b"GET", b"/health", timeout=timeout)
        except HopError:
            return "silent"
        return "pass" if reply.status == 200 else "fail"

    def _stamped(self, reply: Answer, origin: str) -> Answer:
        stamp: Headers = [(b"x-backend", origin.encode()), (b"x-lb-state", self.lb.state.encode())]
        return reply._replace(headers=reply.headers + stamp)

    def _log(self, now: float, name: str, detail: dict[str, Any]) -> None:
        self.events.append({"t": now, "kind": "state", "name": name, "detail": detail})
        del self.events[:-MAX_EVENTS]
        if name == "lb":
            self.metrics.lb_changed(detail["from"], detail["to"])


def _first(preferred: Origin | None, order: list[Origin]) -> list[Origin]:
    """The order with the preferred origin in front, if it is one of them."""
    return order if preferred not in order else [preferred, *(one for one in order if one != preferred)]
