"""`agent`: an AI agent. It lists the tools, and then calls one of them again and again.

What it does with a call that failed, and all its options, are in `users.personas.agent_options`; how one call
comes to its end is in `users.personas.intent`. Scheduled arrivals always go out, whatever was refused before:
the load does not slow down. Each account keeps to one of its group's tools, chosen by weight from the
account's number, so the choice is the same on any worker.

An agent that repeats its successes is a loop of its own making: it has one at a time, and calls once for each
arrival that falls into it.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Iterator
from typing import Any, Final

from users.accounts.accounts import evenly
from users.mcp.dialect import Dialect
from users.mcp.messages import Message
from users.mcp.operations import BATCH, Operation
from users.personas.agent_options import AgentOptions
from users.personas.caller import DRAWS, thresholds
from users.personas.intent import Intent
from users.personas.persona import AccountClient, look_around, persona
from users.personas.retry_policy import RetryPolicy

BATCH_SIZE: Final = 10
VARIANTS: Final = 16


@persona("agent", AgentOptions)
class Agent:
    """One agent."""

    opening = 1

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: AgentOptions
    ) -> None:
        self._options = options
        self._batches_below = options.batch_share * DRAWS
        self._client = client
        self._operations = operations
        self._operation: Operation | None = None
        self._messages: tuple[Message, ...] = ()
        self._varies, self._repeats = options.vary, options.repeats
        self._batch: Message | None = None
        self._loops = "success" in options.retry_on
        self._looping = False

    def open(self) -> None:
        """Choose the tool; look around."""
        client, operations = self._client, self._operations
        self._policy = RetryPolicy(self._options, client.account.index)
        place = bisect(thresholds(operations), evenly(client.account.index) * DRAWS)
        chosen = self._operation = operations[place]
        self._messages = (chosen.message,)
        if self._options.vary:
            self._messages = tuple(_variants(client.dialect, chosen.message))
        if self._options.tell and self._options.give_up:
            patience = b"x-request-timeout: %g\r\n" % self._options.give_up
            self._messages = tuple(one._replace(headers=one.headers + patience) for one in self._messages)
        if chosen.command is not None:
            self._batch = client.dialect.batch([chosen.command] * BATCH_SIZE)
        look_around(client)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """The same call again, or a batch of it."""
        operation = self._operation
        assert operation is not None, "opened before its first arrival"
        messages, code = self._messages, operation.code
        if draw < self._batches_below and self._batch is not None:
            messages, code = (self._batch,), BATCH
        if not self._repeats or self._looping:
            message = messages[index % len(messages)] if self._varies else messages[0]
            self._client.call(message, code, index=index, planned=planned)
            return
        self._looping = self._loops
        over = self._loop_over if self._loops else None
        Intent(self._client, self._options, self._policy, messages, code, over).begin(index, planned)

    def _loop_over(self) -> None:
        self._looping = False


def _variants(dialect: Dialect, message: Message) -> Iterator[Message]:
    """The call with its first text changed each time; as it is where there is none."""
    params = json.loads(message.before + b"0" + message.after).get("params", {})
    for number in range(VARIANTS):
        arguments = params.get("arguments")
        changed = None if arguments is None else _changed(arguments, f" {number}")
        if changed is not None:
            yield dialect.call_tool(params["name"], changed)._replace(expect=message.expect)
        else:
            yield message


def _changed(arguments: dict[str, Any], addition: str) -> dict[str, Any] | None:
    """The arguments with `addition` behind their first text; None where there is none."""
    inner = arguments.get("params")
    if "module" in arguments and isinstance(inner, dict):
        changed = _changed(inner, addition)
        return None if changed is None else {**arguments, "params": changed}
    for key, value in arguments.items():
        if isinstance(value, str):
            return {**arguments, key: value + addition}
    return None
