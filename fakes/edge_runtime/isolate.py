"""What the layers of the edge share: the isolate, the call, and how to refuse.

A layer is a plain ASGI wrapper made by `Layer(inner, isolate)`. An isolate is what a Worker's isolate
is: a memory of its own (burst counts, key set, verified tokens) beside one KV that all share.
The call rides in `scope["state"]["call"]`; its snapshot is read once, when it comes in.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import jwt

from fakes.control.state import Snapshot
from fakes.edge_runtime.kv import Kv
from fakes.edge_runtime.metrics import LayerMetrics
from fakes.http import rpc
from fakes.http.asgi import ASGIApp, Receive, Scope, Send, send_reply, whole_body
from fakes.settings import EdgeSettings


@dataclass(slots=True)
class EdgeCall:
    """One request on its way through the edge. `checkpoint` raises when its CPU time is used up."""

    snapshot: Snapshot
    headers: dict[bytes, bytes]
    ip: str
    user: str = ""
    tier: str = ""
    checkpoint: Callable[[], None] | None = None


class KeySource(Protocol):
    """Where an isolate has the issuer's keys from: `fakes.protections.jwks_cache`."""

    async def key(self, kid: str, settings: EdgeSettings, on: bool) -> jwt.PyJWK | None:
        """The key of a kid, None if the issuer has none. Raises JwksUnavailable."""

    def reset(self) -> None:
        """Forget the keys."""


@dataclass(slots=True)
class Isolate:
    """One isolate. `clock` gives Unix seconds: windows are aligned to the wall clock."""

    place: int
    kv: Kv
    metrics: LayerMetrics
    jwks: KeySource
    issuer: str
    clock: Callable[[], float] = time.time
    burst_counts: dict[tuple[str, int], int] = field(default_factory=dict)  # of check-burst
    burst_times: dict[str, deque[float]] = field(default_factory=dict)  # of sliding
    _window: int = -1
    _counts: dict[str, int] = field(default_factory=dict)

    def counts_of(self, window: int) -> dict[str, int]:
        """The burst counts by user; those of an earlier window are forgotten."""
        if window != self._window:
            self._window, self._counts = window, {}
        return self._counts

    def reset(self) -> None:
        """Forget counts and keys."""
        self._window, self._counts = -1, {}
        self.burst_counts.clear()
        self.burst_times.clear()
        self.jwks.reset()

    def burst_entries(self) -> int:
        """How many counts of the burst limit it holds."""
        return len(self._counts) + len(self.burst_counts) + len(self.burst_times)


Layer = Callable[[ASGIApp, Isolate], ASGIApp]


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    isolate: Isolate,
    reason: str,
    message: str | None = None,
    retry_after: float | None = None,
    status: int | None = None,
) -> None:
    """Answer with a reason of `fakes.http.reasons`, and count it."""
    request_id = rpc.id_of(await whole_body(scope, receive))
    isolate.metrics.refused(reason).inc()
    await send_reply(send, rpc.refuse(reason, request_id, message, retry_after, status))
