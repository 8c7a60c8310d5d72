"""An account's way to the target: its token, its session, its calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import gevent

from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.mcp.headers import RequestHeaders
from users.mcp.messages import Message, assemble
from users.transport.call import Call
from users.transport.client import Client

Token = Callable[[Account], bytes]
"""The account's authorization header value, renewed in time; b"" for a target without auth."""


class PooledAccountClient:
    """Implements `users.personas.persona.AccountClient` on the shared pool of connections."""

    def __init__(
        self,
        account: Account,
        client: Client,
        headers: RequestHeaders,
        token: Token,
        request_ids: count[int],
        *,
        forge: Forge | None = None,
        clock: Callable[[], float] = time.monotonic,
        spawn_later: Callable[[float, Callable[[], None]], Any] = gevent.spawn_later,
        turn: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """`turn` makes a call beyond the schedule when there is room for it; None: at once."""
        self.account = account
        self.forge = forge
        self.stopped = False
        self._session = b""
        self._client = client
        self._request_headers = headers
        self._token = token
        self._ids = request_ids
        self._clock = clock
        self._spawn_later = spawn_later
        self._turn = turn
        self._cached: bytes | None = None
        self._cached_token: bytes | None = None

    @property
    def session(self) -> bytes:
        """The `Mcp-Session-Id` sent with each call; b"" for none."""
        return self._session

    @session.setter
    def session(self, value: bytes) -> None:
        self._session = value
        self._cached_token = None

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
        """Send `message` now; see `users.mcp.session.SessionClient`."""
        planned = self._clock() if planned is None else planned
        call = Call(index, planned, self.account.index, self.account.group, tool)
        call.request_id = next(self._ids) if message.answered else 0
        call.flags = flags
        call.attempt = attempt
        call.on_done = on_done
        if index < 0 and self._turn is not None:
            self._turn(partial(self._send, call, message, token))
        else:
            self._send(call, message, token)
        return call

    def _send(self, call: Call, message: Message, token: bytes | None) -> None:
        """Now, with the token and the session of now."""
        headers = self._own_headers() if token is None else self._headers_with(token)
        call.request = assemble(headers, message, call.request_id)
        self._client.send(call)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` after `seconds`, unless sending has stopped by then."""
        self._spawn_later(seconds, lambda: None if self.stopped else action())

    def _own_headers(self) -> bytes:
        token = self._token(self.account)
        if token is not self._cached_token or self._cached is None:
            self._cached_token = token
            self._cached = self._headers_with(token)
        return self._cached

    def _headers_with(self, token: bytes) -> bytes:
        return self._request_headers.of(self.account.ip, token, self._session)
