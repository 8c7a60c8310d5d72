"""An account's client without a network: what was called, and a clock that moves only when told to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.recording.sample import REASON_CODE, Flag, Outcome
from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.messages import Message
from users.mcp.operations import LISTEN
from users.transport.call import Call


@dataclass
class FakeAccountClient:
    """A `users.personas.persona.AccountClient`; `sent` holds every call with its message, in order."""

    account: Account = field(default_factory=lambda: Account(0, "a", "198.51.100.1", "unlimited", 0))
    dialect: Dialect = PLAIN
    forge: Forge | None = None
    now: float = 0.0
    sent: list[tuple[Call, Message]] = field(default_factory=list)
    tokens: list[bytes | None] = field(default_factory=list)
    waiting: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    reopened: list[float] = field(default_factory=list)
    renewed: list[float] = field(default_factory=list)

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
        call = Call(index, self.now if planned is None else planned, self.account.index, 0, tool)
        call.sent, call.on_done, call.flags, call.attempt = self.now, on_done, flags, attempt
        call.request_id = len(self.sent) + 1 if message.answered else 0
        self.sent.append((call, message))
        self.tokens.append(token)
        return call

    def listen(self, *, index: int, planned: float) -> Call:
        return self.call(self.dialect.listen(), LISTEN, index=index, planned=planned)

    def give_up(self, call: Call) -> None:
        if call.outcome is None:
            call.outcome, call.done = Outcome.ABORTED, self.now
            if call.on_done is not None:
                call.on_done(call)

    def reopen(self) -> None:
        self.reopened.append(self.now)

    def renew(self) -> None:
        self.renewed.append(self.now)

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        made = (self.now + seconds, action)
        self.waiting.append(made)
        return lambda: self.waiting.remove(made)

    def advance(self, to: float) -> None:
        """Move the clock to `to`, running what is due on the way."""
        while due := [one for one in self.waiting if one[0] <= to]:
            first = min(due, key=lambda one: one[0])
            self.waiting.remove(first)
            self.now = first[0]
            first[1]()
        self.now = to

    @property
    def calls(self) -> list[Call]:
        return [call for call, _ in self.sent]

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if call.outcome is None]

    @property
    def retries(self) -> list[Call]:
        return [call for call in self.calls if call.flags & Flag.RETRY]


def answer(
    client: FakeAccountClient,
    call: Call,
    status: int = 200,
    reason: str = "",
    retry_after: float = math.nan,
    headers: dict[bytes, bytes] | None = None,
) -> None:
    """End a call at the client's own time, as the client would."""
    call.done, call.status, call.retry_after = client.now, status, retry_after
    call.headers = headers or {}
    call.reason = REASON_CODE[reason]
    call.outcome = Outcome.FAILED if reason else Outcome.OK
    if call.on_done is not None:
        call.on_done(call)
