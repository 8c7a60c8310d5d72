"""`impatient`: calls as `caller` does, and gives each call up that has no answer after some seconds.

Options:
    after   seconds, 0.05 to 60 (default 1)
    notice  whether the server is told where its era wants that (default true)

How a call is given up is the era's. With sessions, leaving is no cancel: `notifications/cancelled` names the
call (an extra call), and the connection is closed when that is answered; without `notice` it is closed at
once. In the modern era closing it is the cancel. A call that was given up is `aborted`.
"""

from __future__ import annotations

from bisect import bisect
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from telemetry.recording.sample import Flag
from users.mcp.messages import notification
from users.mcp.operations import CANCELLED, Operation
from users.personas.caller import thresholds
from users.personas.persona import AccountClient, persona
from users.transport.call import Call


class ImpatientOptions(msgspec.Struct, frozen=True):
    """See above."""

    after: Annotated[float, Meta(ge=0.05, le=60, description="0.05 to 60 seconds")] = 1.0
    notice: Annotated[bool, Meta(description="true, false")] = True


@persona("impatient", ImpatientOptions)
class Impatient:
    """One user who does not wait."""

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: ImpatientOptions
    ) -> None:
        self._client = client
        self._operations = operations
        self._ends = thresholds(operations)
        self._options = options

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the tool that the draw names, and look at the call once more later."""
        tool = self._operations[bisect(self._ends, draw)]
        call = self._client.call(tool.message, tool.code, index=index, planned=planned)
        self._client.later(self._options.after, partial(self._lose_patience, call))

    def _lose_patience(self, call: Call) -> None:
        if call.outcome is not None:
            return
        if self._options.notice and self._client.dialect.legacy:
            message = notification("notifications/cancelled", {"requestId": call.request_id})
            leave = partial(self._leave, call)
            self._client.call(message, CANCELLED, flags=Flag.EXTRA, on_done=leave)
        else:
            self._client.give_up(call)

    def _leave(self, call: Call, notice: Call) -> None:
        self._client.give_up(call)
