"""One call on its way: what was planned, what went out, what came back.

Times are `time.monotonic()` seconds. A call is made by a persona, sent by the client, finished
exactly once, recorded exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from telemetry.recording.sample import Outcome

NAN: Final = float("nan")


class StreamReader(Protocol):
    """Reads one event stream, piece by piece."""

    @property
    def size(self) -> int:
        """Bytes so far."""
        ...

    def feed(self, piece: bytes) -> bool:
        """Take what comes next; whether the answer is there."""
        ...


class Expectation(Protocol):
    """What an answer must say."""

    def met(self, message: bytes, nonce: bytes) -> bool:
        """Whether the message that answered says it; `nonce` is the call's own."""
        ...


class Call:
    """One request and its answer. `index` is −1 for a call beyond the schedule."""

    __slots__ = (
        "account",
        "attempt",
        "body",
        "connection",
        "deadline",
        "done",
        "expect",
        "flags",
        "group",
        "headers",
        "index",
        "instance",
        "limit",
        "nonce",
        "on_done",
        "outcome",
        "planned",
        "reason",
        "remaining",
        "request",
        "request_id",
        "reset",
        "retry_after",
        "rpc_code",
        "sent",
        "size",
        "status",
        "stream",
        "tool",
        "upstream_s",
    )

    def __init__(self, index: int, planned: float, account: int, group: int, tool: int) -> None:
        self.index = index
        self.planned = planned
        self.account = account
        self.group = group
        self.tool = tool
        self.sent = NAN
        self.done = NAN
        self.deadline = NAN
        self.request = b""
        self.request_id = 0
        self.nonce = b""  # what marks it as this call's in its arguments
        self.expect: Expectation | None = None
        self.flags = 0
        self.attempt = 0
        self.status = 0
        self.outcome: Outcome | None = None  # None while it is in flight
        self.size = 0  # bytes of the answer's body
        self.upstream_s = NAN
        self.retry_after = NAN
        self.reset = NAN
        self.limit = -1
        self.remaining = -1
        self.instance = 0
        self.reason = 0
        self.rpc_code = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""  # of an event stream: what `stream` has not read yet
        self.stream: StreamReader | None = None  # of an event stream that came in pieces
        self.connection: object = None
        self.on_done: Callable[[Call], None] | None = None
