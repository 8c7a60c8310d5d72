"""The load balancer: sends each call to an origin that its state allows; their health is watched beside it.

    connection refused   nothing was sent, so the other origin is tried at once
    connection reset     502 origin_unavailable; with `retry_other` the call is sent again to the other,
                         which may repeat what the first already did
    no origin alive      503 origin_unavailable, at once; so too when all that are tried refuse
Answers of origins carry X-Backend (the origin's name) and X-LB-State.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from fakes.control.state import Control, Snapshot
from fakes.edge.balancer_state import Origin
from fakes.edge.metrics import EdgeMetrics
from fakes.edge.origin_watch import OriginWatch
from fakes.http.asgi import Answer
from fakes.http.hop import Hop, HopConnectError, HopReset


class OriginUnavailable(Exception):  # noqa: N818
    """No origin gave an answer. `status` is 502 or 503."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Balancer(OriginWatch):
    """One balancer over two origins. Clock in monotonic seconds."""

    def __init__(
        self,
        hops: Mapping[Origin, Hop],
        control: Control,
        metrics: EdgeMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(hops, control, clock)
        self.metrics = metrics

    def reset(self) -> None:
        """Believe what a balancer believes at its start."""
        super().reset()
        self.metrics.lb_is(self.lb.state)

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

    def _stamped(self, reply: Answer, origin: str) -> Answer:
        reply.headers.append((b"x-backend", origin.encode()))
        reply.headers.append((b"x-lb-state", self.lb.state.encode()))
        return reply

    def lb_changed(self, before: str, after: str) -> None:  # noqa: D102
        self.metrics.lb_changed(before, after)


def _first(preferred: Origin | None, order: list[Origin]) -> list[Origin]:
    """The order with the preferred origin in front, if it is one of them."""
    return order if preferred not in order else [preferred, *(one for one in order if one != preferred)]
