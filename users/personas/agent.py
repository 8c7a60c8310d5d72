"""`agent`: an AI agent in a loop. It lists the tools, and repeats one of them with the same arguments.

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
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from telemetry.recording.sample import Flag
from users.accounts.accounts import evenly
from users.mcp.messages import Message
from users.mcp.operations import BATCH, Operation
from users.personas.caller import DRAWS, thresholds
from users.personas.persona import AccountClient, look_around, persona
from users.transport.call import Call

BATCH_SIZE: Final = 10
DEFAULT_WAIT: Final = 1.0  # seconds, where a 429 names none
MAX_WAIT: Final = 300.0


class AgentOptions(msgspec.Struct, frozen=True):
    """See above."""

    on_429: Literal["honour", "retry-at-once", "ignore"] = "honour"
    retries: Annotated[int, Meta(ge=0, le=10, description="a whole number, 0 to 10")] = 3
    batch_share: Annotated[float, Meta(ge=0, le=1, description="0 to 1")] = 0.0


@persona("agent", AgentOptions)
class Agent:
    """One looping agent."""

    opening = 1

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: AgentOptions
    ) -> None:
        self._options = options
        self._batches_below = options.batch_share * DRAWS
        self._client = client
        self._operations = operations
        self._operation: Operation | None = None
        self._batch: Message | None = None

    def open(self) -> None:
        """Choose the tool; look around."""
        client, operations = self._client, self._operations
        place = bisect(thresholds(operations), evenly(client.account.index) * DRAWS)
        chosen = self._operation = operations[place]
        if chosen.command is not None:
            self._batch = client.dialect.batch([chosen.command] * BATCH_SIZE)
        look_around(client)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """The same call again, or a batch of it."""
        operation = self._operation
        assert operation is not None, "opened before its first arrival"
        message, code = operation.message, operation.code
        if draw < self._batches_below and self._batch is not None:
            message, code = self._batch, BATCH
        done = None if self._options.on_429 == "ignore" else partial(self._answered, message)
        self._client.call(message, code, index=index, planned=planned, on_done=done)

    def _answered(self, message: Message, call: Call) -> None:
        if call.status != 429 or call.attempt >= self._options.retries:
            return
        again = partial(self._repeat, message, call.tool, call.attempt + 1)
        if self._options.on_429 == "retry-at-once":
            again()
        else:
            self._client.later(wait(call.retry_after), again)

    def _repeat(self, message: Message, tool: int, attempt: int) -> None:
        done = partial(self._answered, message)
        self._client.call(message, tool, on_done=done, flags=Flag.EXTRA | Flag.RETRY, attempt=attempt)


def wait(retry_after: float) -> float:
    """Seconds until a call is repeated, by its `Retry-After` (NaN: none was given)."""
    if math.isnan(retry_after):
        return DEFAULT_WAIT
    return min(max(retry_after, 0.0), MAX_WAIT)
