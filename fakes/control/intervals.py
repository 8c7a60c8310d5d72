"""Work that a process does every so often, by a span of settings that may change while it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from fakes.control.state import Control, Snapshot


class Intervals:
    """Belongs to the running loop. `clock` gives monotonic seconds."""

    def __init__(self, control: Control, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._news = asyncio.Event()
        control.on_change.append(self._changed)

    async def over(self, span: Callable[[], float]) -> None:
        """Wait `span` seconds from now on; one that changes meanwhile counts from the same beginning."""
        began = self._clock()
        while (left := began + span() - self._clock()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    def _changed(self, snapshot: Snapshot) -> None:
        self._news.set()  # wakes those that wait now, and none that comes later
        self._news.clear()
