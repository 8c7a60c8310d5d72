"""Opens an MCP session as clients do: `initialize`, then `notifications/initialized` and `tools/list`.

All of it is extra, beyond the schedule. The `Mcp-Session-Id` of the answer, if one was given, goes with
every later call of the account. A client whose `initialize` fails goes on without a session.
"""

from __future__ import annotations

from telemetry.recording.sample import Flag, Outcome
from users.mcp.methods import INITIALIZE, INITIALIZED, LIST_TOOLS
from users.personas.persona import Line, Tool
from users.transport.call import Call

SESSION_HEADER = b"mcp-session-id"


def open_session(line: Line) -> None:
    """Begin; the rest follows from the answer."""

    def initialized(call: Call) -> None:
        if call.outcome is not Outcome.OK:
            return
        line.session = call.headers.get(SESSION_HEADER, b"")
        extra_call(line, INITIALIZED)
        extra_call(line, LIST_TOOLS)

    line.call(INITIALIZE.message, INITIALIZE.code, on_done=initialized, flags=Flag.EXTRA)


def extra_call(line: Line, tool: Tool) -> None:
    """One call beyond the schedule."""
    line.call(tool.message, tool.code, flags=Flag.EXTRA)
