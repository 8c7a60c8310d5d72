"""`spammer`: a user of ill will. It measures the tools of its list first, then calls the slowest alone.

Before load starts it lists the gateway's tools and calls each of its group's tools once; these calls are
extra. A tool that has not answered yet counts as the slowest so far; one that was refused teaches
nothing. Ties go to the tool that stands first in the list.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from telemetry.recording.sample import REASON_CODE, REFUSALS, Flag, Outcome
from users.mcp.operations import Operation
from users.personas.persona import AccountClient, NoOptions, look_around, persona
from users.transport.call import Call

UNANSWERED: Final = float("inf")
_REFUSED: Final = frozenset(REASON_CODE[name] for name in REFUSALS)


@persona("spammer", NoOptions)
class Spammer:
    """Calls the tool that took longest."""

    def __init__(self, client: AccountClient, operations: tuple[Operation, ...], options: NoOptions) -> None:
        self._client = client
        self._operations = operations
        self._seconds = [UNANSWERED] * len(operations)
        self._slowest = operations[0]

    @property
    def opening(self) -> int:
        """The list, and each tool once."""
        return 1 + len(self._operations)

    def open(self) -> None:
        """List the tools, and try each."""
        look_around(self._client)
        for place, tool in enumerate(self._operations):
            done = partial(self._measured, place)
            self._client.call(tool.message, tool.code, on_done=done, flags=Flag.EXTRA)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the slowest."""
        tool = self._slowest
        self._client.call(tool.message, tool.code, index=index, planned=planned)

    def _measured(self, place: int, call: Call) -> None:
        told = call.outcome in (Outcome.OK, Outcome.FAILED) and call.reason not in _REFUSED
        self._seconds[place] = call.done - call.sent if told else 0.0
        self._slowest = self._operations[self._seconds.index(max(self._seconds))]
