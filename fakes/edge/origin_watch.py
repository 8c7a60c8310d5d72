"""Health checks of both origins, and what follows from them for the balancer's state.

State and beliefs are `fakes.edge.balancer_state`; this is their I/O. Every `check_interval` seconds, however
long an answer takes, both origins get `GET /health`, answered within `check_timeout`; what one answers counts
at once. `events` holds each change as
{"t": monotonic seconds, "kind": "state", "name": "lb" | "health", "detail": {…}}.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from fakes.control.state import Control, Snapshot
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
        self._settings = control.snapshot.settings.balancer
        control.on_change.append(self._take)
        control.on_reset.append(self.reset)

    @abstractmethod
    def lb_changed(self, before: str, after: str) -> None:
        """The balancer went from one state to another."""

    def reset(self) -> None:
        """Believe what a balancer believes at its start; the interval begins anew."""
        self.lb = LbState(self._log)
        self._news.set()

    async def watch(self) -> None:
        """Check both origins for ever; a change of the balancer's settings starts the interval anew."""
        began = self.clock()
        while True:
            self._news.clear()
            try:
                left = began + self._settings.check_interval - self.clock()
                await asyncio.wait_for(self._news.wait(), max(0.0, left))
            except TimeoutError:
                began = self.clock()
                await self.check()
            else:
                began = self.clock()

    async def check(self) -> None:
        """One health check of each origin."""
        await asyncio.gather(*map(self._check, ORIGINS))

    async def learned(self, origin: Origin, outcome: Outcome) -> None:
        """A check of `origin` is over."""
        self.lb.checked(origin, outcome, self._settings, self.clock())

    async def _check(self, origin: Origin) -> None:
        await self.learned(origin, await self._probe(origin, self._settings.check_timeout))

    async def _probe(self, origin: Origin, timeout: float) -> Outcome:  # noqa: ASYNC109
        try:
            reply = await self.hops[origin].request(b"GET", b"/health", timeout=timeout)
        except HopError:
            return "silent"
        return "pass" if reply.status == 200 else "fail"

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot.settings.balancer != self._settings:
            self._settings = snapshot.settings.balancer
            self._news.set()

    def _log(self, now: float, name: str, detail: dict[str, Any]) -> None:
        self.events.append({"t": now, "kind": "state", "name": name, "detail": detail})
        del self.events[:-MAX_EVENTS]
        if name == "lb":
            self.lb_changed(detail["from"], detail["to"])
