"""`burst-limit`: at most `burst_per_s` requests a user in a window (5 a second).

Fixed windows aligned to the wall clock, KV key `burst:{user}`. Two strategies, beside the two of
`fakes.protections.check_burst`:
    kv-every-request  KV holds (window, count): a read and a write a request. The window stands in the
                      value, as KV keeps nothing for less than 60 s
    memory-cache      the isolate's memory holds the counts; the first request of a window writes KV,
                      which is never read: isolates do not know of each other
When KV refuses, `burst_on_failure` decides:
    throw        the call ends as 500 kv_error. With memory-cache the count was already begun, so the
                 first call of a window fails and the next four pass (the plan's code as written)
    fail-open    the call passes
    fail-closed  503 kv_error, and nothing is counted: the next call tries KV again
"""

from __future__ import annotations

import math
from typing import Final

from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer, refuse
from fakes.edge_runtime.kv import KvError
from fakes.http.asgi import ASGIApp, Receive, Scope, Send
from fakes.protections import check_burst


class BurstLimit:
    """The layer."""

    def __init__(self, inner: ASGIApp, isolate: Isolate) -> None:
        self.inner, self.isolate = inner, isolate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        if "burst-limit" not in call.snapshot.protections:
            return await self.inner(scope, receive, send)
        edge = call.snapshot.settings.edge
        try:
            wait = await self._wait(call, self.isolate.clock())
        except KvError as error:
            if edge.burst_on_failure != "fail-open":
                status = 503 if edge.burst_on_failure == "fail-closed" else None
                return await refuse(scope, receive, send, self.isolate, "kv_error", str(error), status=status)
            wait = 0.0
        if not wait:
            return await self.inner(scope, receive, send)
        self.isolate.metrics.hits("burst-limit").inc()
        return await refuse(scope, receive, send, self.isolate, "burst_exceeded", retry_after=wait)

    async def _wait(self, call: EdgeCall, now: float) -> float:
        """Seconds until the next call passes, 0 where this one does. Raises KvError."""
        edge = call.snapshot.settings.edge
        if edge.burst_strategy == "check-burst":
            return await check_burst.as_written(call, self.isolate, now)
        if edge.burst_strategy == "sliding":
            return await check_burst.sliding(call, self.isolate, now)
        count = self._in_memory if edge.burst_strategy == "memory-cache" else self._in_kv
        admitted = count(call, math.floor(now / edge.burst_window))
        return 0.0 if admitted else edge.burst_window - now % edge.burst_window

    def _in_kv(self, call: EdgeCall, window: int) -> bool:
        settings, isolate = call.snapshot.settings, self.isolate
        key = f"burst:{call.user}"
        seen, count = isolate.kv.get(settings.kv, key, isolate.place) or (window, 0)
        if seen != window:
            count = 0
        if count >= settings.edge.burst_per_s:
            return False
        isolate.kv.put(settings.kv, key, (window, count + 1), place=isolate.place)
        return True

    def _in_memory(self, call: EdgeCall, window: int) -> bool:
        settings, isolate = call.snapshot.settings, self.isolate
        counts = isolate.counts_of(window)
        count = counts.get(call.user, 0)
        if count >= settings.edge.burst_per_s:
            return False
        counts[call.user] = count + 1
        if count == 0:
            self._write_first(call, window, counts)
        return True

    def _write_first(self, call: EdgeCall, window: int, counts: dict[str, int]) -> None:
        settings, isolate = call.snapshot.settings, self.isolate
        try:
            isolate.kv.put(settings.kv, f"burst:{call.user}", (window, 1), place=isolate.place)
        except KvError:
            if settings.edge.burst_on_failure == "fail-closed":
                del counts[call.user]
            raise


PROTECTION: Final[Layer] = BurstLimit
