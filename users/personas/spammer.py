"""`spammer`: a user of ill will. It measures the tools of its list first, then calls the slowest alone.

Before load starts it lists the gateway's tools and calls each of its group's tools once; these calls are
extra. A tool that has not answered yet counts as the slowest so far; one that was refused teaches
nothing. Ties go to the tool that stands first in the list.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from telemetry.recording.sample import REASON_CODE, REFUSALS, Flag, Outcome
from users.mcp.methods import LIST_TOOLS
from users.mcp.session import extra_call
from users.personas.options import Options
from users.personas.persona import Line, Tool, persona
from users.transport.call import Call

UNANSWERED: Final = float("inf")
_REFUSED: Final = frozenset(REASON_CODE[name] for name in REFUSALS)


@persona("spammer")
class Spammer:
    """Calls the tool that took longest."""

    def __init__(self, line: Line, tools: tuple[Tool, ...], options: dict[str, Any]) -> None:
        Options("spammer", options, ())
        self._line = line
        self._tools = tools
        self._seconds = [UNANSWERED] * len(tools)
        self._slowest = tools[0]
        self.opening = 1 + len(tools)  # calls that `open` makes

    def open(self) -> None:
        """List the tools, and try each."""
        extra_call(self._line, LIST_TOOLS)
        for place, tool in enumerate(self._tools):
            done = partial(self._measured, place)
            self._line.call(tool.message, tool.code, on_done=done, flags=Flag.EXTRA)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the slowest."""
        tool = self._slowest
        self._line.call(tool.message, tool.code, index=index, planned=planned)

    def _measured(self, place: int, call: Call) -> None:
        told = call.outcome in (Outcome.OK, Outcome.FAILED) and call.reason not in _REFUSED
        self._seconds[place] = call.done - call.sent if told else 0.0
        self._slowest = self._tools[self._seconds.index(max(self._seconds))]
