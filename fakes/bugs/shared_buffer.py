"""`shared-buffer`: all calls write their answers into one buffer, and one that struck reads it too early.

What it gets is what stood there: the answer of whoever was there before.
"""

from __future__ import annotations

from collections.abc import Callable

from fakes.bugs.bug import AskedCall, Work, bug, good
from fakes.http.asgi import Reply


@bug("shared-buffer")
class SharedBuffer:
    """One buffer for all."""

    def __init__(self, struck: Callable[[], None]) -> None:
        self._struck = struck
        self._buffer: Reply | None = None

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """See `fakes.bugs.bug`."""
        reply, before = await work(), self._buffer
        if not good(reply):
            return reply
        self._buffer = reply
        if not strike or before is None:
            return reply
        self._struck()
        return before
