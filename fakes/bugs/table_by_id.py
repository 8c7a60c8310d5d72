"""`table-by-id`: answers wait for their session in a table whose key is the JSON-RPC id alone.

Two sessions that count their requests from 1 have the same ids: the one finds the other's answer. Where every
id is given out once it never strikes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from fakes.bugs.bug import AskedCall, Work, bug, good
from fakes.http.asgi import Reply

MOST: Final = 100_000  # ids; older ones are forgotten


@bug("table-by-id")
class TableById:
    """The newest answer under each id."""

    def __init__(self, struck: Callable[[], None]) -> None:
        self._struck = struck
        self._table: dict[Hashable, tuple[str, Reply]] = {}

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """See `fakes.bugs.bug`."""
        reply = await work()
        if reply is None or not good(reply):
            return reply
        user, before = self._table.get(asked.rpc_id, (asked.user, reply))
        self._table[asked.rpc_id] = asked.user, reply
        if len(self._table) > MOST:
            del self._table[next(iter(self._table))]
        if not strike or user == asked.user:
            return reply
        self._struck()
        return before
