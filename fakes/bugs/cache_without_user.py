"""`cache-without-user`: answers are kept by the name of the tool, without the user and what he asked for."""

from __future__ import annotations

from collections.abc import Callable

from fakes.bugs.bug import AskedCall, Work, bug, good
from fakes.http.asgi import Reply


@bug("cache-without-user")
class CacheWithoutUser:
    """The newest answer of each tool; a call that is struck is not made, but answered from here."""

    def __init__(self, struck: Callable[[], None]) -> None:
        self._struck = struck
        self._kept: dict[str, Reply] = {}

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """See `fakes.bugs.bug`."""
        if strike and (kept := self._kept.get(asked.tool)) is not None:
            self._struck()
            return kept
        reply = await work()
        if reply is not None and good(reply):
            self._kept[asked.tool] = reply
        return reply
