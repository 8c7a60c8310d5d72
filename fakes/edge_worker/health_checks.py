"""The balancer's health checks: what the Worker may believe of the origins, as a Worker has no timers.

State and beliefs are `fakes.edge.balancer_state`. Every `check_interval` seconds both origins get
`GET /health`, answered within `check_timeout`. `events` are as the Python edge's:
{"t", "kind", "name", "detail"}.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fakes.control.state import Control
from fakes.edge.balancer_state import A, B, LbState, Origin, Outcome
from fakes.http.hop import Hop, HopError

MAX_EVENTS: Final = 1000
ORIGINS: Final[tuple[Origin, ...]] = (A, B)
SPLITS: Final = ("split", "recovering")


class HealthChecks:
    """Checks both origins; `changed` is awaited when the Worker must hear of something new."""

    def __init__(
        self,
        addresses: Mapping[str, tuple[str, int]],
        control: Control,
        lb_changed: Callable[[str, str], None],
        changed: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hops = {name: Hop(*addresses[name]) for name in ORIGINS}
        self._control, self._lb_changed, self._tell, self._clock = control, lb_changed, changed, clock
        self.events: list[dict[str, Any]] = []
        self.lb = LbState(self._log)
        self._news = asyncio.Event()
        control.on_change.append(lambda _: self._news.set())

    def believed(self) -> dict[str, Any]:
        """For the Worker: state, whether calls alternate, the origins that are not dead, best first."""
        settings = self._control.snapshot.settings.balancer
        alive = [origin for origin in ORIGINS if self.lb.origins[origin].health != "dead"]
        return {
            "state": self.lb.state, "split": self.lb.state in SPLITS, "alive": alive,
            "retry_other": settings.retry_other,
        }  # fmt: skip

    async def watch(self) -> None:
        """Check for ever; a change of settings starts the interval anew."""
        while True:
            self._news.clear()
            try:
                interval = self._control.snapshot.settings.balancer.check_interval
                await asyncio.wait_for(self._news.wait(), interval)
            except TimeoutError:
                await self.check()

    async def check(self) -> None:
        """One health check of each origin."""
        settings = self._control.snapshot.settings.balancer
        outcomes = await asyncio.gather(*(self._probe(name, settings.check_timeout) for name in ORIGINS))
        before = self.believed()
        for origin, outcome in zip(ORIGINS, outcomes, strict=True):
            self.lb.checked(origin, outcome, settings, self._clock())
        if self.believed() != before:
            await self._tell()

    async def _settle(self, after: float) -> None:
        await asyncio.sleep(after)
        self.lb.settle(self._control.snapshot.settings.balancer, self._clock())
        await self._tell()

    async def _probe(self, origin: Origin, timeout: float) -> Outcome:  # noqa: ASYNC109
        try:
            reply = await self._hops[origin].request(b"GET", b"/health", timeout=timeout)
        except HopError:
            return "silent"
        return "pass" if reply.status == 200 else "fail"

    def _log(self, now: float, name: str, detail: dict[str, Any]) -> None:
        self.events.append({"t": now, "kind": "state", "name": name, "detail": detail})
        del self.events[:-MAX_EVENTS]
        if name == "lb":
            self._lb_changed(detail["from"], detail["to"])
            self._leave_in_time(detail["to"])

    def _leave_in_time(self, state: str) -> None:
        """The Worker asks nobody at each call, so a state whose time is over is left by a timer."""
        settings = self._control.snapshot.settings.balancer
        spans = {"failing-over": settings.failing_over, "recovering": settings.recovering}
        if spans.get(state):
            self._timer = asyncio.create_task(self._settle(spans[state]))
