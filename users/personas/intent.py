"""An intent: one thing that an agent wants done, in as many attempts as its policy allows.

    begin → attempt 0 → all its calls are over → success, or no repeat: done
                 ▲                                 │ a repeat
                 └──── wait (the session anew) ◀───┘

An attempt is `fan_out` calls at once, and has success when all of them have. The first call is the arrival
itself; the others are extra, with the index `of_intent` and their attempt, and the flag RETRY from the second
attempt on. An arrival is never held up by what became of those before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from telemetry.recording.sample import MOST_ATTEMPTS, Flag, of_intent
from users.mcp.messages import Message, notification
from users.mcp.operations import CANCELLED
from users.personas.agent_options import AgentOptions, Kind
from users.personas.persona import AccountClient
from users.personas.retry_policy import RetryPolicy, kind_of
from users.transport.call import Call


class Intent:
    """One of them, from its arrival on. `messages` are taken in turn; `over` hears of its end."""

    __slots__ = (
        *("_attempt", "_client", "_index", "_kind", "_leaving", "_messages", "_open", "_options", "_over"),
        *("_patience", "_planned", "_policy", "_retry_after", "_tool"),
    )

    def __init__(
        self,
        client: AccountClient,
        options: AgentOptions,
        policy: RetryPolicy,
        messages: Sequence[Message],
        tool: int,
        over: Callable[[], None] | None = None,
    ) -> None:
        self._client, self._options, self._policy = client, options, policy
        self._messages, self._tool, self._over = messages, tool, over
        self._attempt = self._open = 0
        self._kind: Kind | None = "success"
        self._leaving = False
        self._retry_after = math.nan
        self._patience: dict[Call, Callable[[], None]] = {}  # of each call under way: calls its end off

    def begin(self, index: int, planned: float) -> None:
        """The arrival is due."""
        self._index, self._planned = index, planned
        self._open = self._options.fan_out
        self._send(index, planned, 0)
        self._send_others(Flag.EXTRA, self._options.fan_out - 1)

    def _repeat(self) -> None:
        if self._options.reopen and self._kind != "success":
            self._client.reopen()
        self._kind, self._retry_after = "success", math.nan
        self._open = self._options.fan_out
        self._send_others(Flag.EXTRA | Flag.RETRY, self._options.fan_out)

    def _send_others(self, flags: Flag, count: int) -> None:
        for _ in range(count):
            self._send(of_intent(self._index), None, flags)

    def _send(self, index: int, planned: float | None, flags: int) -> None:
        message = self._messages[(self._index + self._attempt) % len(self._messages)]
        call = self._client.call(
            message, self._tool, index=index, planned=planned, on_done=self._ended, flags=flags,
            attempt=min(self._attempt, MOST_ATTEMPTS),
        )  # fmt: skip
        if self._options.give_up and call.outcome is None:
            self._be_patient(call)

    def _be_patient(self, call: Call) -> None:
        self._patience[call] = self._client.later(self._options.give_up, partial(self._lose_patience, call))

    def _lose_patience(self, call: Call) -> None:
        if math.isnan(call.sent):  # it waits for a session that is being opened
            self._be_patient(call)
            return
        del self._patience[call]
        if self._options.notice and self._client.dialect.legacy:
            message = notification("notifications/cancelled", {"requestId": call.request_id})
            self._client.call(message, CANCELLED, flags=Flag.EXTRA)
        self._leaving = True
        self._client.give_up(call)
        self._leaving = False

    def _ended(self, call: Call) -> None:
        self._open -= 1
        if call_off := self._patience.pop(call, None):
            call_off()
        kind = kind_of(call, self._leaving)
        if kind != "success":
            self._kind = kind
            self._retry_after = call.retry_after
        if not self._open:
            self._settle(call.done)

    def _settle(self, now: float) -> None:
        """The attempt is over."""
        kind = self._kind
        if kind == "success":
            self._policy.succeeded()
        age = now - self._planned
        wait = None if kind is None else self._policy.next(kind, self._attempt, self._retry_after, age)
        if wait is None:
            if self._over is not None:
                self._over()
            return
        self._attempt += 1
        if wait > 0 or self._leaving:
            self._client.later(wait, self._repeat)
        else:
            self._repeat()
