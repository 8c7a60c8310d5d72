"""Connections that carry no call, by pool. Where no more may be open, one of them makes room for another.

A pool is looked up as in any dictionary, once a call; which of them came first is known without a look at the
others: with tens of thousands of accounts there is no time for one.
"""

from __future__ import annotations

from collections import OrderedDict

from users.transport.connection import Connection


class IdleConnections(OrderedDict[int, list[Connection]]):
    """Pool → its idle connections, the warmest last."""

    def __missing__(self, pool: int) -> list[Connection]:
        made: list[Connection] = []
        self[pool] = made
        return made

    def give_one_up(self) -> Connection | None:
        """Take the coldest of the first pool that has any; None: nobody has. Pools without any leave."""
        while self:
            pool, idle = self.popitem(last=False)
            if idle:
                coldest = idle.pop(0)
                if idle:
                    self[pool] = idle
                return coldest
        return None
