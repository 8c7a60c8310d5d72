"""`caller`: calls one of its group's tools at each arrival, whatever became of the call before.

The plainest open-model user: no session, no retries. Tools are chosen by weight from the arrival's
own draw, so the choice is the same on any worker.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import Any

from users.personas.persona import Line, Tool, persona

DRAWS = 2**32


def thresholds(tools: tuple[Tool, ...]) -> list[float]:
    """Upper ends of each tool's share of the draws 0..2^32−1; the last one is left open."""
    total = sum(tool.weight for tool in tools)
    return [DRAWS * part / total for part in accumulate(tool.weight for tool in tools)][:-1]


@persona("caller")
class Caller:
    """One call an arrival."""

    def __init__(self, line: Line, tools: tuple[Tool, ...], options: dict[str, Any]) -> None:
        if options:
            raise ValueError(f"persona caller: unknown option {sorted(options)[0]!r}, allowed: none")
        self._line = line
        self._tools = tools
        self._ends = thresholds(tools)

    def open(self) -> None:
        """Nothing to open."""

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the tool that the draw names."""
        tool = self._tools[bisect(self._ends, draw)]
        self._line.call(tool.message, tool.code, index=index, planned=planned)
