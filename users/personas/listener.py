"""`listener`: opens a standing stream at each arrival, holds it open, and goes away.

Option: `hold`, seconds that it stays (1 to 3,600, default 30). It leaves without a word, as a client that is
closed does: its stream's connection is broken off, and the arrival counts as aborted. The call deadline (the
scenario's `timeout`) must be later. What the stream is, is the era's: `GET` in the account's session, or
`subscriptions/listen`.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from users.mcp.operations import Operation
from users.personas.persona import AccountClient, persona


class ListenerOptions(msgspec.Struct, frozen=True):
    """See above."""

    hold: Annotated[float, Meta(ge=1, le=3600, description="1 to 3,600 seconds")] = 30.0


@persona("listener", ListenerOptions)
class Listener:
    """One user who waits for what the server has to say."""

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: ListenerOptions
    ) -> None:
        self._client = client
        self._hold = options.hold

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Open a stream, and leave it later."""
        stream = self._client.listen(index=index, planned=planned)
        self._client.later(self._hold, partial(self._client.give_up, stream))
