"""Opens an MCP session as clients do: `initialize`, then `notifications/initialized` and `tools/list`.

All of it is extra, beyond the schedule. The `Mcp-Session-Id` of the answer, if one was given, goes with
every later call of the account. A client whose `initialize` fails goes on without a session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from telemetry.recording.sample import Flag, Outcome
from users.mcp.headers import SESSION
from users.mcp.messages import Message
from users.mcp.operations import INITIALIZE, INITIALIZED, LIST_TOOLS, Operation
from users.transport.call import Call

SESSION_CALLS: Final = 3
"""What `open_session` sends at most."""


class SessionClient(Protocol):
    """Who sends calls in a session."""

    @property
    def session(self) -> bytes:
        """The `Mcp-Session-Id` that goes with each call; b"" for none."""
        ...

    @session.setter
    def session(self, value: bytes) -> None: ...

    def call(
        self,
        message: Message,
        tool: int,
        *,
        index: int = -1,
        planned: float | None = None,
        on_done: Callable[[Call], None] | None = None,
        flags: int = 0,
        attempt: int = 0,
        token: bytes | None = None,
    ) -> Call:
        """Send `message`. With an index it is that arrival; without, it is an extra call, planned now.

        `token` is sent in place of the account's own.
        """
        ...


def open_session(client: SessionClient) -> None:
    """Begin; the rest follows from the answer."""

    def initialized(call: Call) -> None:
        if call.outcome is not Outcome.OK:
            return
        client.session = call.headers.get(SESSION, b"")
        extra_call(client, INITIALIZED)
        extra_call(client, LIST_TOOLS)

    client.call(INITIALIZE.message, INITIALIZE.code, on_done=initialized, flags=Flag.EXTRA)


def extra_call(client: SessionClient, operation: Operation) -> None:
    """One call beyond the schedule."""
    client.call(operation.message, operation.code, flags=Flag.EXTRA)
