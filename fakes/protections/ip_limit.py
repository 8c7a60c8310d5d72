"""`ip-limit`: at most `ip_per_min` requests an address in a window (1,000 a minute).

Fixed windows aligned to the wall clock, counted in KV under `global:{ip}:{window}`: a read and a write
a request, a read alone once the limit is reached. A KV that fails is handled as `ip_on_failure` says:
fail-open (let it pass uncounted), fail-closed (503), throw (500).
"""

from __future__ import annotations

import math
from typing import Final

from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer, refuse
from fakes.edge_runtime.kv import MIN_TTL, KvError
from fakes.http.asgi import ASGIApp, Receive, Scope, Send


class IpLimit:
    """The layer."""

    def __init__(self, inner: ASGIApp, isolate: Isolate) -> None:
        self.inner, self.isolate = inner, isolate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        if "ip-limit" not in call.snapshot.protections:
            return await self.inner(scope, receive, send)
        window = call.snapshot.settings.edge.ip_window
        now = self.isolate.clock()
        try:
            admitted = self._count(call, math.floor(now / window))
        except KvError as error:
            mode = call.snapshot.settings.edge.ip_on_failure
            if mode != "fail-open":
                status = 503 if mode == "fail-closed" else None
                return await refuse(scope, receive, send, self.isolate, "kv_error", str(error), status=status)
            admitted = True
        if admitted:
            return await self.inner(scope, receive, send)
        self.isolate.metrics.hits("ip-limit").inc()
        left = window - now % window
        return await refuse(scope, receive, send, self.isolate, "ip_limit_exceeded", retry_after=left)

    def _count(self, call: EdgeCall, window: int) -> bool:
        settings, isolate = call.snapshot.settings, self.isolate
        key = f"global:{call.ip}:{window}"
        count = isolate.kv.get(settings.kv, key, isolate.place) or 0
        if count >= settings.edge.ip_per_min:
            return False
        isolate.kv.put(settings.kv, key, count + 1, max(MIN_TTL, 2 * settings.edge.ip_window), isolate.place)
        return True


PROTECTION: Final[Layer] = IpLimit
