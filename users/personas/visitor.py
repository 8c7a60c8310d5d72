"""`visitor`: comes, calls one tool, and goes: each call has a session of its own, where the era has them.

When a call is over the session is closed and another one opened, for the next arrival: three extra calls. An
arrival that comes before the new session is open goes out in the old one: leave as much time between an
account's arrivals as these take.
"""

from __future__ import annotations

from bisect import bisect

from users.mcp.operations import Operation
from users.personas.caller import thresholds
from users.personas.persona import AccountClient, NoOptions, persona
from users.transport.call import Call


@persona("visitor", NoOptions)
class Visitor:
    """One user who does not stay."""

    def __init__(self, client: AccountClient, operations: tuple[Operation, ...], options: NoOptions) -> None:
        self._client = client
        self._operations = operations
        self._ends = thresholds(operations)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the tool that the draw names; then leave."""
        tool = self._operations[bisect(self._ends, draw)]
        self._client.call(tool.message, tool.code, index=index, planned=planned, on_done=self._leave)

    def _leave(self, call: Call) -> None:
        self._client.renew()
