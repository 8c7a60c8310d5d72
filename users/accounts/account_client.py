"""An account's way to the target: its token, its session, its calls."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Final

import gevent

from telemetry.recording.sample import MOST_ATTEMPTS, REASON_CODE, Flag, of_intent
from telemetry.recording.trace_ids import TraceIds
from users.accounts.accounts import Account, evenly
from users.accounts.forge import Forge
from users.accounts.intent_key import IntentKeys
from users.mcp import asked
from users.mcp.answers import CLOSES, message_of
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.headers import RequestHeaders
from users.mcp.messages import Message, assemble
from users.mcp.nonce import Nonces
from users.mcp.operations import CLOSE, LISTEN
from users.mcp.session import McpSession, SessionCounts
from users.transport.call import Call
from users.transport.client import Client

ASKS: Final = REASON_CODE["input_required"]
LISTENS: Final = b"GET "  # how a request begins that opens a session's standing stream
Lost = Callable[[str], None]
"""Told why a call beyond the schedule is never made."""
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
        turn: Callable[[Callable[[], None], Lost], None] | None = None,
        dialect: Dialect = PLAIN,
        counts: SessionCounts | None = None,
        reopen_within: float = 0.0,
        nonces: Nonces | None = None,
        intents: IntentKeys | None = None,
        traces: TraceIds | None = None,
    ) -> None:
        """`turn` makes a call beyond the schedule when there is room for it, or says why not; None: at once.

        `reopen_within`: seconds over which accounts spread the opening of a session that was lost.
        """
        self.account = account
        self._clock = clock
        self.forge = forge
        self.dialect = dialect
        self.stopped = False
        self.session = self._new_session(counts or SessionCounts(), reopen_within) if dialect.legacy else None
        self._waiting: list[tuple[Call, Callable[[], None]]] = []  # until the session is open
        self._client = client
        self._request_headers = headers
        self._token = token
        self._ids = request_ids
        self._spawn_later = spawn_later
        self._turn = turn
        self._nonces = nonces or Nonces()
        self._intents = intents or IntentKeys(secrets.token_hex(6))
        self._traces = traces or TraceIds(secrets.token_hex(8))
        self._cached: bytes | None = None
        self._cached_token: bytes | None = None

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
        """Send `message` now; see `users.personas.persona.AccountClient`."""
        if self.dialect.answers:
            on_done = partial(self._asked, message, on_done)
        planned = self._clock() if planned is None else planned
        call = Call(index, planned, self.account.index, self.account.group, tool)
        call.request_id = next(self._ids) if message.answered else 0
        call.flags = flags
        call.attempt = attempt
        call.on_done = on_done
        call.expect = message.expect
        if index < 0:
            self._send_extra(call, partial(self._send, call, message, token))
        else:
            self._send(call, message, token)
        return call

    def _asked(self, message: Message, on_done: Callable[[Call], None] | None, call: Call) -> None:
        """It is over; where the tool asked, for the first time, the answer goes out as an extra call."""
        again = None
        if call.reason == ASKS and not asked.is_answer(message) and not self.stopped:
            again = asked.answered(self.dialect, message, message_of(call))
        if again is not None:
            index = call.index if call.index < 0 else of_intent(call.index)
            attempt = min(call.attempt + 1, MOST_ATTEMPTS)
            self.call(again, call.tool, index=index, on_done=on_done, flags=Flag.EXTRA, attempt=attempt)
        elif on_done is not None:
            on_done(call)

    def _send_extra(self, call: Call, send: Callable[[], None]) -> None:
        """In its turn; once the session is open, where one is being opened."""
        if self.session is not None and self.session.opening:
            self._waiting.append((call, send))
        else:
            self._in_turn(call, send)

    def _in_turn(self, call: Call, send: Callable[[], None]) -> None:
        """`send` is what makes the call."""
        if self._turn is None:
            send()
        else:
            self._turn(send, partial(self._unmade, call))

    def _unmade(self, call: Call, reason: str) -> None:
        """It had no turn: it is over, and never left."""
        call.flags |= Flag.EXTRA
        self._client.drop(call, REASON_CODE[reason])

    def _send(self, call: Call, message: Message, token: bytes | None) -> None:
        """Now, with the token and the session of now."""
        headers = self._own_headers() if token is None else self._headers_with(token)
        key = self._intents.of(call) if message.keyed else b""
        if message.pieces:
            call.nonce = self._nonces.of(call)
        trace = self._traces.of(call) if message.traced else b""
        call.request = assemble(headers, message, call.request_id, call.nonce, key, trace)
        self._client.send(call)

    # What the session asks for

    def _new_session(self, counts: SessionCounts, reopen_within: float) -> McpSession:
        wait = reopen_within * evenly(self.account.index)
        return McpSession(self.dialect, self, counts, self._clock, wait=wait)

    def open_session(self) -> None:
        """Begin to open one, where the era has them."""
        if self.session is not None and not self.stopped:
            self.session.open()

    def reopen(self) -> None:
        """See `users.personas.persona.AccountClient`; nothing while one is being opened."""
        if self.session is not None and not self.session.opening:
            self.open_session()

    def failed(self, call: Call) -> None:
        """A call of the account was answered with a failure: was it for the session?"""
        if self.session is not None and not self.stopped:
            self.session.failed(call)

    def renew(self) -> None:
        """See `users.personas.persona.AccountClient`; nothing where there is none, or one is being opened."""
        session = self.session
        if session is None or not session.id or session.opening:
            return
        session.expect()

        def close() -> None:
            self.close_session(self.open_session)

        self._in_turn(self._own_call(CLOSE, lambda unmade: session.left()), close)

    def close_session(self, then: Callable[[], None] = lambda: None) -> bool:
        """Have the server close it, and `then` go on; False: there is none."""
        session = self.session
        if session is None or not session.id:
            return False

        def closed(call: Call) -> None:
            session.closed(call)
            then()

        call = self._own_call(CLOSE, closed)
        call.request = self._bodiless(CLOSES)
        self._client.send(call)
        return True

    def send_own(self, message: Message, code: int, on_done: Callable[[Call], None], *, bare: bool) -> None:
        """See `users.mcp.session.Carrier`."""
        call = self._own_call(code, on_done)
        call.request_id = next(self._ids) if message.answered else 0
        send = partial(self._send_bare if bare else self._send_settled, call, message)
        self._in_turn(call, send)

    def changed(self) -> None:
        """See `users.mcp.session.Carrier`."""
        self._cached_token = None

    def settled(self) -> None:
        """See `users.mcp.session.Carrier`. One that was closed and not opened again is none."""
        self.changed()
        waiting, self._waiting = self._waiting, []
        for call, send in () if self.stopped else waiting:
            self._send_extra(call, send)

    def _own_call(self, code: int, on_done: Callable[[Call], None]) -> Call:
        call = Call(-1, self._clock(), self.account.index, self.account.group, code)
        call.flags, call.on_done = Flag.EXTRA, on_done
        return call

    def _send_bare(self, call: Call, message: Message) -> None:
        call.request = assemble(self._bare_headers(), message, call.request_id)
        self._client.send(call)

    def _send_settled(self, call: Call, message: Message) -> None:
        self._send(call, message, None)

    def listen(self, *, index: int, planned: float) -> Call:
        """See `users.personas.persona.AccountClient`."""
        if self.dialect.modern:
            return self.call(self.dialect.listen(), LISTEN, index=index, planned=planned)
        call = Call(index, planned, self.account.index, self.account.group, LISTEN)
        call.request = self._bodiless(LISTENS)
        self._client.send(call)
        return call

    def _bodiless(self, verb: bytes) -> bytes:
        """A request that is all headers, within the account's session if it has one."""
        return verb + self._own_headers().partition(b" ")[2] + b"\r\n"

    def give_up(self, call: Call) -> None:
        """Want no answer to it any more; see `users.personas.persona.AccountClient`."""
        self._client.abandon(call)

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run `action` after `seconds`, unless sending has stopped by then; gives what calls it off."""
        waiting = self._spawn_later(seconds, lambda: None if self.stopped else action())
        return partial(waiting.kill, block=False)

    def _own_headers(self) -> bytes:
        token = self._token(self.account)
        if token is not self._cached_token or self._cached is None:
            self._cached_token = token
            self._cached = self._headers_with(token)
        return self._cached

    def _headers_with(self, token: bytes) -> bytes:
        ip, session = self.account.ip, self.session
        if session is None:
            return self._request_headers.of(ip, token)
        return self._request_headers.of(ip, token, session.id, session.version)

    def _bare_headers(self) -> bytes:
        """Without a session."""
        return self._request_headers.of(self.account.ip, self._token(self.account))
