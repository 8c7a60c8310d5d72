"""One account talks to a target, one request after the other, as a run would send them.

    with Talk(target, pinned, account, token) as talk:
        talk.speak(Dialect("2025-11-25"))                 # opens a session; it is closed at the end
        result = talk.call("tools/list", LIST_TOOLS)      # returns with the answer, or without one

By the run's own client, headers and rules of answers. None of it is load, or in a run's ledger.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Self

import gevent
import msgspec

from targets.guard import Pinned
from targets.schema import Target
from telemetry.recording.sample import REASONS, Outcome
from users.accounts.account_client import PooledAccountClient, Token
from users.accounts.accounts import Account
from users.engine.job import request_headers
from users.mcp import answers, sse
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.headers import read_headers
from users.mcp.operations import Operation
from users.mcp.words import words
from users.transport import health_check
from users.transport.call import NAN, Call
from users.transport.client import Client
from users.transport.endpoint import endpoint

POLL_INTERVAL: Final = 0.002  # seconds


@dataclass
class RequestResult:
    """What became of one request; `reason` "": it worked; `text`: what the target said of a failure.

    `reply` is the JSON-RPC answer, empty where there was none; `limits` are the sample's fields that its
    headers tell: `upstream_s`, `limit`, `remaining`, `reset`; `page`: the body that came.
    """

    what: str
    status: int
    reason: str
    took_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    reply: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    page: str = ""


class Talk:
    """The account's way to the target, with a client of its own; plain JSON-RPC until told other."""

    def __init__(self, target: Target, pinned: Pinned, account: Account, token: Token) -> None:
        """OSError for a CA file that cannot be read."""
        self._target, self._pinned, self._account, self._token = target, pinned, account, token
        self._headers = request_headers(target, pinned)
        self._ids = count(1)
        self.ended: list[float] = []  # when each request was over, monotonic seconds; of those that left
        self._told: dict[int, tuple[str, Mapping[str, Any], str]] = {}  # by the code of the operation
        self._client = Client(
            endpoint(target, pinned),
            self._heard,
            rules=answers.rules(self._headers.encodings, tuple(target.limits.refusals()), target.max_body),
            timeout=target.timeout,
            max_body=target.max_body,
        )
        self._caller = self._speaking(PLAIN)

    def _speaking(self, dialect: Dialect) -> PooledAccountClient:
        return PooledAccountClient(
            self._account, self._client, self._headers, self._token, self._ids, dialect=dialect
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self._client.close()

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""
        return self._caller.dialect

    def speak(self, dialect: Dialect) -> RequestResult | None:
        """Speak so from now on; what became of `initialize`, where that has sessions."""
        self._leave()
        self._caller = self._speaking(dialect)
        session = self._caller.session
        if session is None:
            return None
        self._caller.open_session()
        self._wait()
        return self._result("initialize", session.answer)

    def call(self, what: str, operation: Operation) -> RequestResult:
        """Call, and wait for the end of it."""
        return self._ended(what, self._caller.call(operation.message, operation.code))

    def get(self, what: str, path: str) -> RequestResult:
        """Ask for a page, as a health check does."""
        call = Call(-1, time.monotonic(), self._account.index, 0, 0)
        call.request = health_check.get(path, self._pinned.authority, self._target.sent_headers)
        self._client.send(call)
        return self._ended(what, call)

    def _leave(self) -> None:
        """Close the session, if there is one."""
        if self._caller.close_session():
            self._wait()

    def _wait(self) -> None:
        """Until nothing is under way; each call has the target's deadline."""
        while self._client.in_flight:
            gevent.sleep(POLL_INTERVAL)

    def _ended(self, what: str, call: Call) -> RequestResult:
        self._wait()
        return self._result(what, call)

    def _result(self, what: str, call: Call) -> RequestResult:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
        took = call.done - call.sent if call.status else NAN
        limits = {name: getattr(call, name) for name in ("upstream_s", "limit", "remaining", "reset")}
        text, reply, page = self._told.pop(call.tool, ("", {}, ""))
        return RequestResult(
            what, call.status, REASONS[call.reason], took, headers, text, reply, limits, page
        )

    def _heard(self, call: Call) -> None:
        """While its body is there: afterwards the client lets go of it."""
        if call.outcome is not Outcome.DROPPED:
            self.ended.append(call.done)
        if call.headers:
            read_headers(call)
            text = words(call).message if call.outcome is Outcome.FAILED else ""
            page = (call.body or answers.message_of(call)).decode("utf-8", "replace")
            self._told[call.tool] = text, reply_of(call), page


def reply_of(call: Call) -> dict[str, Any]:
    """The JSON-RPC message that answers a call; empty where its body holds none."""
    try:
        found = msgspec.json.decode(answers.message_of(call))
    except sse.UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def mapping_at(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What stands there; empty where it is no mapping: a target may write anything."""
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}
