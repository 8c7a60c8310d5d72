"""`agent`: an AI agent in a loop. It opens a session and repeats one tool with the same arguments.

Options:
    on_429       what it does with a call that was refused with 429: `honour` (default) repeats it after
                 `Retry-After` (1 s where none is given), `retry-at-once` repeats it at once, `ignore`
                 lets it be
    retries      how often one call is repeated at most, 0 to 10 (default 3)
    batch_share  the share of arrivals that are a `batch` of 10 of the tool's calls (default 0)

Scheduled arrivals always go out, whatever was refused before: the loop does not slow down. Repeats are
extra calls with the flag RETRY and their attempt, 1 for the first. Each account keeps to one of its
group's tools, chosen by weight from the account's number, so the choice is the same on any worker.
"""

from __future__ import annotations

import math
from bisect import bisect
from functools import partial
from typing import Any, Final

from telemetry.recording.sample import Flag
from users.mcp import messages
from users.mcp.messages import Message
from users.mcp.methods import BATCH
from users.mcp.session import open_session
from users.personas.caller import DRAWS, thresholds
from users.personas.options import Options
from users.personas.persona import Line, Tool, persona
from users.transport.call import Call

POLICIES: Final = ("honour", "retry-at-once", "ignore")
BATCH_SIZE: Final = 10
DEFAULT_WAIT: Final = 1.0  # seconds, where a 429 names none
LONGEST_WAIT: Final = 300.0
_GOLDEN: Final = 2654435761  # spreads account numbers evenly over the draws (Knuth)


@persona("agent")
class Agent:
    """One looping agent."""

    opening = 3  # calls that `open` makes

    def __init__(self, line: Line, tools: tuple[Tool, ...], options: dict[str, Any]) -> None:
        read = Options("agent", options, ("on_429", "retries", "batch_share"))
        self._policy = read.choice("on_429", POLICIES, "honour")
        self._retries = read.whole("retries", 0, 10, 3)
        self._batches_below = read.share("batch_share", 0.0) * DRAWS
        self._line = line
        self._tools = tools
        self._tool: Tool | None = None
        self._batch: Message | None = None

    def open(self) -> None:
        """Choose the tool; open the session."""
        line, tools = self._line, self._tools
        tool = self._tool = tools[bisect(thresholds(tools), line.account.index * _GOLDEN % DRAWS)]
        if tool.command is not None:
            self._batch = messages.batch([tool.command] * BATCH_SIZE)
        open_session(line)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """The same call again, or a batch of it."""
        tool = self._tool
        assert tool is not None, "opened before its first arrival"
        message, code = tool.message, tool.code
        if draw < self._batches_below and self._batch is not None:
            message, code = self._batch, BATCH.code
        done = None if self._policy == "ignore" else partial(self._answered, message)
        self._line.call(message, code, index=index, planned=planned, on_done=done)

    def _answered(self, message: Message, call: Call) -> None:
        if call.status != 429 or call.attempt >= self._retries:
            return
        again = partial(self._repeat, message, call.tool, call.attempt + 1)
        if self._policy == "retry-at-once":
            again()
        else:
            self._line.later(wait(call.retry_after), again)

    def _repeat(self, message: Message, tool: int, attempt: int) -> None:
        done = partial(self._answered, message)
        self._line.call(message, tool, on_done=done, flags=Flag.EXTRA | Flag.RETRY, attempt=attempt)


def wait(retry_after: float) -> float:
    """Seconds until a call is repeated, by its `Retry-After` (NaN: none was given)."""
    if math.isnan(retry_after):
        return DEFAULT_WAIT
    return min(max(retry_after, 0.0), LONGEST_WAIT)
