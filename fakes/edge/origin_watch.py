"""Health checks of both origins, and what follows from them for the balancer's state.

State and beliefs are `fakes.edge.balancer_state`; this is their I/O. Every `check_interval` seconds both
origins get `GET /health`, answered within `check_timeout`. `events` holds each change as
{"t": monotonic seconds, "kind": "state", "name": "lb" | "health", "detail": {…}}.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from fakes.control.state import Control
from fakes.edge.balancer_state import A, B, LbState, Origin, Outcome
from fakes.http.hop import Hop, HopError

MAX_EVENTS: Final = 1000
ORIGINS: Final[tuple[Origin, ...]] = (A, B)


class OriginWatch(ABC):
    """Checks both origins. Clock in monotonic seconds."""

    def __init__(
        self, hops: Mapping[Origin, Hop], control: Control, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.hops, self.control, self.clock = hops, control, clock
        self.events: list[dict[str, Any]] = []
        self.lb = LbState(self._log)
        self._news = asyncio.Event()
        control.on_change.append(lambda _: self._news.set())

    @abstractmethod
    def lb_changed(self, before: str, after: str) -> None:
        """The balancer went from one state to another."""

    async def watch(self) -> None:
        """Check both origins for ever; a change of settings starts the interval anew."""
        while True:
            self._news.clear()
            try:
                interval = self.control.snapshot.settings.balancer.check_interval
                await asyncio.wait_for(self._news.wait(), interval)
            except TimeoutError:
                await self.check()

    async def check(self) -> None:
        """One health check of each origin."""
        settings = self.control.snapshot.settings.balancer
        outcomes = await asyncio.gather(*(self._probe(name, settings.check_timeout) for name in ORIGINS))
        for origin, outcome in zip(ORIGINS, outcomes, strict=True):
            self.lb.checked(origin, outcome, settings, self.clock())

    async def _probe(self, origin: Origin, timeout: float) -> Outcome:  # noqa: ASYNC109
        try:
            reply = await self.hops[origin].request(b"GET", b"/health", timeout=timeout)
        except HopError:
            return "silent"
        return "pass" if reply.status == 200 else "fail"

    def _log(self, now: float, name: str, detail: dict[str, Any]) -> None:
        self.events.append({"t": now, "kind": "state", "name": name, "detail": detail})
        del self.events[:-MAX_EVENTS]
        if name == "lb":
            self.lb_changed(detail["from"], detail["to"])
