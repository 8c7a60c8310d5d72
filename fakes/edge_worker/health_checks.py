"""The balancer's health checks: what the Worker may believe of the origins, as a Worker has no timers.

The checks themselves are the Python edge's (`fakes.edge.origin_watch`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fakes.control.state import Control
from fakes.edge.balancer_state import Origin, Outcome
from fakes.edge.origin_watch import ORIGINS, OriginWatch
from fakes.http.hop import Hop

SPLITS: Final = ("split", "recovering")


class HealthChecks(OriginWatch):
    """Checks both origins; `changed` is awaited when the Worker must hear of something new."""

    def __init__(
        self,
        addresses: Mapping[str, tuple[str, int]],
        control: Control,
        lb_changed: Callable[[str, str], None],
        changed: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__({name: Hop(*addresses[name]) for name in ORIGINS}, control, clock)
        self._count_change, self._tell = lb_changed, changed

    def believed(self) -> dict[str, Any]:
        """For the Worker: state, whether calls alternate, the origins that are not dead, best first."""
        settings = self.control.snapshot.settings.balancer
        alive = [origin for origin in ORIGINS if self.lb.origins[origin].health != "dead"]
        return {
            "state": self.lb.state, "split": self.lb.state in SPLITS, "alive": alive,
            "retry_other": settings.retry_other,
        }  # fmt: skip

    async def learned(self, origin: Origin, outcome: Outcome) -> None:
        """A check of `origin` is over; what is believed anew, the Worker is told."""
        before = self.believed()
        await super().learned(origin, outcome)
        if self.believed() != before:
            await self._tell()

    async def _settle(self, after: float) -> None:
        await asyncio.sleep(after)
        self.lb.settle(self.control.snapshot.settings.balancer, self.clock())
        await self._tell()

    def lb_changed(self, before: str, after: str) -> None:  # noqa: D102
        self._count_change(before, after)
        self._leave_in_time(after)

    def _leave_in_time(self, state: str) -> None:
        """The Worker asks nobody at each call, so a state whose time is over is left by a timer."""
        settings = self.control.snapshot.settings.balancer
        spans = {"failing-over": settings.failing_over, "recovering": settings.recovering}
        if spans.get(state):
            self._timer = asyncio.create_task(self._settle(spans[state]))
