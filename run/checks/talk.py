"""One account talks to a target, one request after the other, as a run would send them.

    with Talk(target, pinned, account, token) as talk:
        result = talk.call("tools/list", LIST_TOOLS)  # returns with the answer, or without one

By the run's own client, headers and rules of answers. None of it is load, or in a run's ledger.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

import gevent
import msgspec
from gevent.event import Event

from targets.guard import Pinned
from targets.schema import Target
from telemetry.recording.sample import REASONS, Outcome
from users.accounts.account_client import PooledAccountClient, Token
from users.accounts.accounts import Account
from users.engine.job import request_headers
from users.mcp import answers, sse
from users.mcp.headers import read_headers
from users.mcp.operations import Operation
from users.mcp.words import words
from users.transport import health_check
from users.transport.call import NAN, Call
from users.transport.client import Client
from users.transport.endpoint import endpoint


@dataclass
class RequestResult:
    """What became of one request; `reason` "": it worked; `text`: what the target said of a failure.

    `reply` is the JSON-RPC answer, empty where there was none; `limits` are the sample's fields that its
    headers tell: `upstream_s`, `limit`, `remaining`, `reset`.
    """

    what: str
    status: int
    reason: str
    took_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    reply: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


class Talk:
    """The account's way to the target, with a client of its own."""

    def __init__(self, target: Target, pinned: Pinned, account: Account, token: Token) -> None:
        """OSError for a CA file that cannot be read."""
        headers = request_headers(target, pinned)
        self._target, self._pinned, self._account = target, pinned, account
        self._over = Event()
        self._text, self._reply = "", dict[str, Any]()
        self._client = Client(
            endpoint(target, pinned),
            self._heard,
            rules=answers.rules(headers.encodings),
            timeout=target.timeout,
        )
        self.caller = PooledAccountClient(account, self._client, headers, token, count(1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, what: str, operation: Operation) -> RequestResult:
        """Call, and wait for the end of it."""
        self._over.clear()
        return self._ended(what, self.caller.call(operation.message, operation.code))

    def get(self, what: str, path: str) -> RequestResult:
        """Ask for a page, as a health check does."""
        self._over.clear()
        call = Call(-1, time.monotonic(), self._account.index, 0, 0)
        call.request = health_check.get(path, self._pinned.authority, self._target.headers)
        self._client.send(call)
        return self._ended(what, call)

    def _ended(self, what: str, call: Call) -> RequestResult:
        self._over.wait()
        gevent.sleep(0)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
        took = call.done - call.sent if call.status else NAN
        limits = {name: getattr(call, name) for name in ("upstream_s", "limit", "remaining", "reset")}
        return RequestResult(
            what, call.status, REASONS[call.reason], took, headers, self._text, self._reply, limits
        )

    def _heard(self, call: Call) -> None:
        """While its body is there: afterwards the client lets go of it."""
        self._text, self._reply = "", {}
        if call.headers:
            read_headers(call)
            self._reply = reply_of(call)
            if call.outcome is Outcome.FAILED:
                self._text = words(call).message
        self._over.set()


def reply_of(call: Call) -> dict[str, Any]:
    """The JSON-RPC message that answers a call; empty where its body holds none."""
    try:
        found = msgspec.json.decode(sse.event_for(call.body, call.request_id) or call.body)
    except sse.UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}
