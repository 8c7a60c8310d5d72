"""`worker-cpu`: a request may use `cpu_budget` seconds of CPU at the edge (10 ms).

CPU time of this thread is summed over the steps of the request's coroutine, so waiting costs nothing
and neither do other requests. One that used more is cut off with 503 worker_cpu_exceeded (Cloudflare's
1102) at the next suspension, and in any case before it is forwarded: `call.checkpoint`.
It stands around the other layers, as it measures all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer, refuse
from fakes.http.asgi import ASGIApp, Receive, Scope, Send


class CpuExceeded(Exception):  # noqa: N818
    """The request's CPU time is used up."""


class Meter:
    """Awaits a coroutine and sums the CPU seconds of its steps in `used`. Raises CpuExceeded."""

    __slots__ = ("_began", "_budget", "_clock", "_steps", "used")

    def __init__(
        self, steps: Coroutine[Any, Any, None], budget: float, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._steps, self._budget, self._clock = steps, budget, clock
        self._began = self.used = 0.0

    def checkpoint(self) -> None:
        """Raise CpuExceeded if the budget is used up. To be called within a step."""
        if self.used + self._clock() - self._began > self._budget:
            raise CpuExceeded

    def __await__(self) -> Generator[Any, Any, None]:
        error: BaseException | None = None
        while True:
            self._began = self._clock()
            try:
                waits = self._steps.send(None) if error is None else self._steps.throw(error)
            except StopIteration:
                return
            finally:
                self.used += self._clock() - self._began
            if self.used > self._budget:
                self._steps.close()
                raise CpuExceeded
            error = None
            try:
                yield waits
            except BaseException as caught:
                error = caught


class WorkerCpu:
    """The layer."""

    def __init__(self, inner: ASGIApp, isolate: Isolate) -> None:
        self.inner, self.isolate = inner, isolate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        if "worker-cpu" not in call.snapshot.protections:
            return await self.inner(scope, receive, send)
        meter = Meter(self.inner(scope, receive, send), call.snapshot.settings.edge.cpu_budget)
        call.checkpoint = meter.checkpoint
        try:
            await meter
        except CpuExceeded:
            await refuse(scope, receive, send, self.isolate, "worker_cpu_exceeded")
        finally:
            self.isolate.metrics.worker_cpu().observe(meter.used)
            if call.snapshot.settings.edge.count_eras:
                self.isolate.metrics.era(call.headers, meter.used)
        return None


PROTECTION: Final[Layer] = WorkerCpu
